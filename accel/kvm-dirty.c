/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dirty log; see kvm-dirty.h.
 *
 * Entered by the migration thread while CPUs run.  Which pages a request has
 * to name is worked out in kvm-layout.c.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "accel/kvm-dirty.h"
#include "accel/trace.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/host-utils.h"

struct KvmDirty {
    DirtyProvider parent;
    KvmVm *vm;              /* set once */
    /* a log as the kernel fills it, of the largest slot; while tracking */
    unsigned long *log;
};

static KvmDirty *kvm_dirty_from(DirtyProvider *p)
{
    return container_of(p, KvmDirty, parent);
}

static uint64_t slot_pages(const KvmSlot *slot)
{
    return slot->len_bytes >> TARGET_PAGE_BITS;
}

static bool kvm_dirty_start(DirtyProvider *p, RamList *list, Error **errp)
{
    KvmDirty *dirty = kvm_dirty_from(p);
    const KvmLayout *layout = &dirty->vm->layout;
    uint64_t most = 0;

    for (unsigned i = 0; i < layout->nr_slots; i++) {
        int ret = kvm_vm_set_slot(dirty->vm, i, true);

        if (ret < 0) {
            error_setg_errno(errp, -ret, "KVM does not log writes to RAM block"
                             " '%s'", layout->slots[i].block->idstr);
            return false;
        }
        most = MAX(most, slot_pages(&layout->slots[i]));
    }
    /* The kernel's words have 64 bits. */
    dirty->log = bitmap_new(ROUND_UP(most, 64));
    trace_kvm_dirty_start(p->ops->clear ? "manual clear" : "clear by reading",
                          layout->nr_slots);
    return true;
}

uint64_t kvm_dirty_merge(unsigned long *bmap, uint64_t bmap_first,
                         const unsigned long *log, uint64_t nr_pages)
{
    uint64_t nr_new = 0;

    if (bmap_first % BITS_PER_LONG) {
        for (uint64_t page = find_first_bit(log, nr_pages); page < nr_pages;
             page = find_next_bit(log, nr_pages, page + 1)) {
            nr_new += !test_and_set_bit(bmap_first + page, bmap);
        }
        return nr_new;
    }
    bmap += bmap_first / BITS_PER_LONG;
    for (uint64_t i = 0; i < BITS_TO_LONGS(nr_pages); i++) {
        if (log[i]) {
            nr_new += ctpop64(log[i] & ~bmap[i]);
            bmap[i] |= log[i];
        }
    }
    return nr_new;
}

static bool kvm_dirty_sync_slot(KvmDirty *dirty, unsigned index,
                                unsigned long *bmap, uint64_t *nr_pages,
                                Error **errp)
{
    const KvmSlot *slot = &dirty->vm->layout.slots[index];
    struct kvm_dirty_log request = {
        .slot = index,
        .dirty_bitmap = dirty->log,
    };
    uint64_t nr_new;

    if (ioctl(dirty->vm->fd, KVM_GET_DIRTY_LOG, &request) < 0) {
        error_setg_errno(errp, errno, "Cannot read KVM's log of writes to RAM"
                         " block '%s'", slot->block->idstr);
        return false;
    }
    nr_new = kvm_dirty_merge(bmap, slot->offset_bytes >> TARGET_PAGE_BITS,
                             dirty->log, slot_pages(slot));
    trace_kvm_dirty_sync(index, nr_new);
    *nr_pages += nr_new;
    return true;
}

static bool kvm_dirty_sync(DirtyProvider *p, RAMBlock *block,
                           unsigned long *bmap, uint64_t *nr_pages,
                           Error **errp)
{
    KvmDirty *dirty = kvm_dirty_from(p);
    const KvmLayout *layout = &dirty->vm->layout;

    for (unsigned i = 0; i < layout->nr_slots; i++) {
        if (layout->slots[i].block == block &&
            !kvm_dirty_sync_slot(dirty, i, bmap, nr_pages, errp)) {
            return false;
        }
    }
    return true;
}

static bool kvm_dirty_clear_window(KvmDirty *dirty, unsigned index,
                                   const KvmClearWindow *window, Error **errp)
{
    struct kvm_clear_dirty_log request = {
        .slot = index,
        .first_page = window->first_page,
        .num_pages = window->nr_pages,
        .dirty_bitmap = dirty->log,
    };

    bitmap_zero(dirty->log, ROUND_UP(window->nr_pages, 64));
    bitmap_set(dirty->log, window->skip, window->nr_wanted);
    if (ioctl(dirty->vm->fd, KVM_CLEAR_DIRTY_LOG, &request) < 0) {
        error_setg_errno(errp, errno, "Cannot clear KVM's log of writes to"
                         " %" PRIu64 " pages of RAM block '%s'",
                         window->nr_wanted,
                         dirty->vm->layout.slots[index].block->idstr);
        return false;
    }
    return true;
}

static bool kvm_dirty_clear(DirtyProvider *p, RAMBlock *block,
                            uint64_t first_page, uint64_t nr_pages,
                            Error **errp)
{
    KvmDirty *dirty = kvm_dirty_from(p);
    const KvmLayout *layout = &dirty->vm->layout;
    KvmClearWindow window;

    for (unsigned i = 0; i < layout->nr_slots; i++) {
        if (layout->slots[i].block == block &&
            kvm_clear_window(&layout->slots[i], first_page, nr_pages,
                             &window) &&
            !kvm_dirty_clear_window(dirty, i, &window, errp)) {
            return false;
        }
    }
    return true;
}

static void kvm_dirty_stop(DirtyProvider *p)
{
    KvmDirty *dirty = kvm_dirty_from(p);

    for (unsigned i = 0; i < dirty->vm->layout.nr_slots; i++) {
        (void)kvm_vm_set_slot(dirty->vm, i, false);
    }
    g_clear_pointer(&dirty->log, g_free);
}

static const DirtyProviderOps kvm_dirty_manual_ops = {
    .name = "kvm",
    .start = kvm_dirty_start,
    .sync = kvm_dirty_sync,
    .clear = kvm_dirty_clear,
    .stop = kvm_dirty_stop,
};

static const DirtyProviderOps kvm_dirty_plain_ops = {
    .name = "kvm-plain",
    .start = kvm_dirty_start,
    .sync = kvm_dirty_sync,
    .stop = kvm_dirty_stop,
};

/*
 * Optional: without it the whole log is cleared when it is read.  Not for a
 * machine with dirty rings: pages that the kernel takes for written from the
 * start would never get into a ring.
 */
static bool kvm_dirty_enable_manual_clear(KvmVm *vm)
{
    int flags = ioctl(vm->fd, KVM_CHECK_EXTENSION,
                      KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2);
    struct kvm_enable_cap cap = {
        .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
    };

    if (flags <= 0) {
        return false;
    }
    cap.args[0] = flags & (KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE |
                           KVM_DIRTY_LOG_INITIALLY_SET);
    return ioctl(vm->fd, KVM_ENABLE_CAP, &cap) == 0;
}

KvmDirty *kvm_dirty_new(KvmVm *vm)
{
    KvmDirty *dirty = g_new0(KvmDirty, 1);

    dirty->parent.ops = kvm_dirty_enable_manual_clear(vm)
                        ? &kvm_dirty_manual_ops : &kvm_dirty_plain_ops;
    dirty->vm = vm;
    return dirty;
}

void kvm_dirty_free(KvmDirty *dirty)
{
    if (dirty) {
        g_free(dirty->log);
        g_free(dirty);
    }
}

DirtyProvider *kvm_dirty_provider(KvmDirty *dirty)
{
    return &dirty->parent;
}
