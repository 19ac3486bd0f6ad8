/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty rings; see kvm-dirty-ring.h.
 *
 * Entered by the migration thread, which has all CPUs come out of the guest
 * before it looks at their rings, and by CPU threads with a full one.
 *
 * A page is taken from a ring, noted, and then reset, which has the kernel look
 * for the next write to it.  All three are done under the lock: a page that
 * migration learns of has been reset, so that a write that comes after the page
 * was read is found.  On x86 every write of the kernel's own is for some CPU and
 * goes to that one's ring; no log is needed beside them.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "accel/kvm-dirty-ring.h"
#include "accel/kvm-dirty.h"
#include "accel/kvm-ring.h"
#include "accel/trace.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/cutils.h"

/* A reset ends early for a signal, which is dealt with before the next. */
#define RESET_TRIES_MAX 1000

struct KvmDirtyRing {
    DirtyProvider parent;
    KvmVm *vm;              /* set once, as the next two */
    KvmCpus *cpus;
    size_t ring_bytes;

    QemuMutex lock;
    KvmRing ring[GUEST_MAX_CPUS];   /* guarded by @lock, as all that follows */
    /* pages found and not yet asked for; while tracking, else NULL */
    unsigned long *written[KVM_MAX_SLOTS];
    bool overran;           /* @written is not all; made up for by sync() */
    int reset_errno;        /* the kernel has not looked for writes again */
};

static KvmDirtyRing *kvm_dirty_ring_from(DirtyProvider *p)
{
    return container_of(p, KvmDirtyRing, parent);
}

static uint64_t slot_pages(const KvmSlot *slot)
{
    return slot->len_bytes >> TARGET_PAGE_BITS;
}

static void ring_note(void *opaque, unsigned slot, uint64_t page)
{
    KvmDirtyRing *dirty = opaque;

    /* The kernel is not doubted, but memory is not written for its word. */
    if (slot < dirty->vm->layout.nr_slots && dirty->written[slot] &&
        page < slot_pages(&dirty->vm->layout.slots[slot])) {
        set_bit((long)page, dirty->written[slot]);
    }
}

static void ring_reset_locked(KvmDirtyRing *dirty, unsigned nr_taken)
{
    unsigned tries = 0;

    while (nr_taken > 0) {
        int nr = ioctl(dirty->vm->fd, KVM_RESET_DIRTY_RINGS, 0);

        if (nr < 0 || (nr == 0 && ++tries == RESET_TRIES_MAX)) {
            dirty->reset_errno = nr < 0 ? errno : EIO;
            return;
        }
        nr_taken -= MIN((unsigned)nr, nr_taken);
    }
}

void kvm_dirty_ring_full(KvmDirtyRing *dirty, const KvmCpu *cpu)
{
    KvmRing *ring = &dirty->ring[cpu->index];
    unsigned nr;

    QEMU_LOCK_GUARD(&dirty->lock);

    nr = kvm_ring_harvest(ring, ring_note, dirty, &dirty->overran);
    trace_kvm_dirty_ring_full(cpu->index, nr, dirty->overran);
    if (nr == 0) {
        nr = kvm_ring_skip(ring);
    }
    ring_reset_locked(dirty, nr);
}

static void ring_harvest_all_locked(KvmDirtyRing *dirty)
{
    unsigned nr = 0;

    for (unsigned i = 0; i < dirty->cpus->nr_cpus; i++) {
        nr += kvm_ring_harvest(&dirty->ring[i], ring_note, dirty,
                               &dirty->overran);
    }
    ring_reset_locked(dirty, nr);
}

static bool ring_set_slots(KvmDirtyRing *dirty, bool log_dirty, Error **errp)
{
    const KvmLayout *layout = &dirty->vm->layout;

    for (unsigned i = 0; i < layout->nr_slots; i++) {
        int ret = kvm_vm_set_slot(dirty->vm, i, log_dirty);

        if (ret < 0) {
            error_setg_errno(errp, -ret, "KVM does not notice writes to RAM"
                             " block '%s'", layout->slots[i].block->idstr);
            return false;
        }
    }
    return true;
}

/*
 * Of pages that were overwritten in a ring nothing is known.  All may have been
 * written, and none but those of entries that were left is looked at again.
 */
static bool ring_begin_anew_locked(KvmDirtyRing *dirty, Error **errp)
{
    const KvmLayout *layout = &dirty->vm->layout;

    trace_kvm_dirty_ring_overrun(layout->nr_slots);
    if (!ring_set_slots(dirty, false, errp) ||
        !ring_set_slots(dirty, true, errp)) {
        return false;
    }
    for (unsigned i = 0; i < layout->nr_slots; i++) {
        bitmap_set(dirty->written[i], 0, (long)slot_pages(&layout->slots[i]));
    }
    dirty->overran = false;
    return true;
}

static bool ring_sync_locked(KvmDirtyRing *dirty, Error **errp)
{
    ring_harvest_all_locked(dirty);
    if (dirty->reset_errno) {
        error_setg_errno(errp, dirty->reset_errno, "KVM does not take back"
                         " entries of its dirty rings");
        return false;
    }
    return !dirty->overran || ring_begin_anew_locked(dirty, errp);
}

static bool kvm_dirty_ring_start(DirtyProvider *p, RamList *list, Error **errp)
{
    KvmDirtyRing *dirty = kvm_dirty_ring_from(p);
    const KvmLayout *layout = &dirty->vm->layout;

    QEMU_LOCK_GUARD(&dirty->lock);

    dirty->overran = false;
    dirty->reset_errno = 0;
    for (unsigned i = 0; i < layout->nr_slots; i++) {
        dirty->written[i] = bitmap_new((long)slot_pages(&layout->slots[i]));
    }
    trace_kvm_dirty_start("rings", layout->nr_slots);
    return ring_set_slots(dirty, true, errp);
}

static void ring_merge_locked(KvmDirtyRing *dirty, const RAMBlock *block,
                              unsigned long *bmap, uint64_t *nr_pages)
{
    const KvmLayout *layout = &dirty->vm->layout;

    for (unsigned i = 0; i < layout->nr_slots; i++) {
        const KvmSlot *slot = &layout->slots[i];
        uint64_t nr_new;

        if (slot->block == block) {
            nr_new = kvm_dirty_merge(bmap,
                                     slot->offset_bytes >> TARGET_PAGE_BITS,
                                     dirty->written[i], slot_pages(slot));
            bitmap_zero(dirty->written[i], (long)slot_pages(slot));
            trace_kvm_dirty_sync(i, nr_new);
            *nr_pages += nr_new;
        }
    }
}

static bool kvm_dirty_ring_sync(DirtyProvider *p, RAMBlock *block,
                                unsigned long *bmap, uint64_t *nr_pages,
                                Error **errp)
{
    KvmDirtyRing *dirty = kvm_dirty_ring_from(p);
    bool ok;

    kvm_cpus_hold(dirty->cpus);
    WITH_QEMU_LOCK_GUARD(&dirty->lock) {
        ok = ring_sync_locked(dirty, errp);
        if (ok) {
            ring_merge_locked(dirty, block, bmap, nr_pages);
        }
    }
    kvm_cpus_release(dirty->cpus);
    return ok;
}

static void kvm_dirty_ring_stop(DirtyProvider *p)
{
    KvmDirtyRing *dirty = kvm_dirty_ring_from(p);

    kvm_cpus_hold(dirty->cpus);
    WITH_QEMU_LOCK_GUARD(&dirty->lock) {
        (void)ring_set_slots(dirty, false, NULL);
        for (unsigned i = 0; i < dirty->vm->layout.nr_slots; i++) {
            g_clear_pointer(&dirty->written[i], g_free);
        }
        /* What is left in them must not fill them up. */
        ring_harvest_all_locked(dirty);
    }
    kvm_cpus_release(dirty->cpus);
}

static const DirtyProviderOps kvm_dirty_ring_ops = {
    .name = "kvm-ring",
    .start = kvm_dirty_ring_start,
    .sync = kvm_dirty_ring_sync,
    .stop = kvm_dirty_ring_stop,
};

bool kvm_dirty_ring_parse(const char *text, unsigned *nr_entries, Error **errp)
{
    uint64_t nr = 0;

    if (text && (parse_uint_full(text, 10, &nr) < 0 || nr > UINT32_MAX ||
                 (nr & (nr - 1)) || (nr && nr < KVM_RING_ENTRIES_MIN))) {
        error_setg(errp, "-accel kvm: dirty-ring-size=%s is neither 0 nor a"
                   " power of two from %d on", text, KVM_RING_ENTRIES_MIN);
        return false;
    }
    *nr_entries = (unsigned)nr;
    return true;
}

static bool ring_enable(KvmVm *vm, uint64_t ring_bytes, Error **errp)
{
    static const int caps[] = {
        KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_DIRTY_LOG_RING,
    };
    const unsigned entry_bytes = sizeof(struct kvm_dirty_gfn);

    for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
        struct kvm_enable_cap cap = { .cap = caps[i], .args = { ring_bytes } };
        int max_bytes = ioctl(vm->fd, KVM_CHECK_EXTENSION, caps[i]);

        if (max_bytes <= 0) {
            continue;
        }
        if (ring_bytes > (uint64_t)max_bytes) {
            error_setg(errp, "-accel kvm: dirty-ring-size=%" PRIu64 " is more"
                       " than KVM of this kernel allows, %u",
                       ring_bytes / entry_bytes, max_bytes / entry_bytes);
            return false;
        }
        if (ioctl(vm->fd, KVM_ENABLE_CAP, &cap) < 0) {
            error_setg_errno(errp, errno, "KVM refuses dirty-ring-size=%"
                             PRIu64, ring_bytes / entry_bytes);
            return false;
        }
        return true;
    }
    error_setg(errp, "KVM of this kernel has no dirty rings; leave"
               " dirty-ring-size out");
    return false;
}

KvmDirtyRing *kvm_dirty_ring_new(KvmVm *vm, unsigned nr_entries, Error **errp)
{
    uint64_t ring_bytes = (uint64_t)nr_entries * sizeof(struct kvm_dirty_gfn);
    KvmDirtyRing *dirty;

    if (!ring_enable(vm, ring_bytes, errp)) {
        return NULL;
    }
    dirty = g_new0(KvmDirtyRing, 1);
    dirty->parent.ops = &kvm_dirty_ring_ops;
    dirty->vm = vm;
    dirty->ring_bytes = ring_bytes;
    for (unsigned i = 0; i < GUEST_MAX_CPUS; i++) {
        dirty->ring[i].nr_entries = nr_entries;
    }
    qemu_mutex_init(&dirty->lock);
    return dirty;
}

bool kvm_dirty_ring_attach(KvmDirtyRing *dirty, KvmCpus *cpus, Error **errp)
{
    off_t offset = (off_t)KVM_DIRTY_LOG_PAGE_OFFSET *
                   (off_t)qemu_real_host_page_size();

    dirty->cpus = cpus;
    for (unsigned i = 0; i < cpus->nr_cpus; i++) {
        void *entries = mmap(NULL, dirty->ring_bytes, PROT_READ | PROT_WRITE,
                             MAP_SHARED, cpus->cpu[i].fd, offset);

        if (entries == MAP_FAILED) {
            error_setg_errno(errp, errno, "Cannot map the dirty ring of CPU"
                             " %u", i);
            return false;
        }
        dirty->ring[i].entries = entries;
    }
    return true;
}

void kvm_dirty_ring_free(KvmDirtyRing *dirty)
{
    if (!dirty) {
        return;
    }
    for (unsigned i = 0; i < GUEST_MAX_CPUS; i++) {
        if (dirty->ring[i].entries) {
            munmap(dirty->ring[i].entries, dirty->ring_bytes);
        }
    }
    qemu_mutex_destroy(&dirty->lock);
    g_free(dirty);
}

DirtyProvider *kvm_dirty_ring_provider(KvmDirtyRing *dirty)
{
    return &dirty->parent;
}
