/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of guest memory; see kvm-layout.h.
 *
 * Pure functions, any thread.  What the kernel is told of it: kvm-vm.c and
 * kvm-dirty.c.
 */
#include "qemu/osdep.h"

#include "accel/kvm-layout.h"
#include "qapi/error.h"
#include "qemu/units.h"

/* The kernel's unit in a clear request, pages. */
#define CLEAR_ALIGN_PAGES 64

static bool kvm_layout_add(KvmLayout *layout, RAMBlock *block,
                           uint64_t offset_bytes, uint64_t gpa,
                           uint64_t len_bytes, Error **errp)
{
    if (layout->nr_slots == KVM_MAX_SLOTS) {
        error_setg(errp, "Guest memory has more than %d pieces",
                   KVM_MAX_SLOTS);
        return false;
    }
    if (len_bytes > KVM_PHYS_LIMIT - gpa) {
        error_setg(errp, "RAM block '%s' ends beyond the guest's physical"
                   " addresses (%" PRIu64 " GiB); use less memory",
                   block->idstr, (uint64_t)(KVM_PHYS_LIMIT / GiB));
        return false;
    }
    layout->slots[layout->nr_slots++] = (KvmSlot) {
        .block = block,
        .offset_bytes = offset_bytes,
        .gpa = gpa,
        .len_bytes = len_bytes,
    };
    return true;
}

bool kvm_layout_init(KvmLayout *layout, const RamList *list, Error **errp)
{
    KvmLayout made = { .nr_slots = 0 };
    uint64_t gpa = 0;

    for (unsigned i = 0; i < ram_list_nr_blocks(list); i++) {
        RAMBlock *block = ram_list_block(list, i);
        uint64_t offset = 0;

        while (offset < block->used_length) {
            uint64_t len = block->used_length - offset;

            if (gpa < KVM_HOLE_START) {
                len = MIN(len, KVM_HOLE_START - gpa);
            }
            if (!kvm_layout_add(&made, block, offset, gpa, len, errp)) {
                return false;
            }
            offset += len;
            gpa += len;
            if (gpa == KVM_HOLE_START) {
                gpa = KVM_HOLE_END;
            }
        }
    }
    if (made.nr_slots == 0) {
        error_setg(errp, "A guest with CPUs needs memory; use -m");
        return false;
    }
    *layout = made;
    return true;
}

uint8_t *kvm_layout_host(const KvmLayout *layout, uint64_t gpa,
                         uint64_t len_bytes)
{
    for (unsigned i = 0; i < layout->nr_slots; i++) {
        const KvmSlot *slot = &layout->slots[i];

        if (gpa >= slot->gpa && gpa - slot->gpa < slot->len_bytes) {
            uint64_t into = gpa - slot->gpa;

            if (len_bytes > slot->len_bytes - into) {
                return NULL;
            }
            return slot->block->host + slot->offset_bytes + into;
        }
    }
    return NULL;
}

bool kvm_clear_window(const KvmSlot *slot, uint64_t first_page,
                      uint64_t nr_pages, KvmClearWindow *window)
{
    uint64_t slot_first = slot->offset_bytes >> TARGET_PAGE_BITS;
    uint64_t slot_pages = slot->len_bytes >> TARGET_PAGE_BITS;
    uint64_t start = MAX(first_page, slot_first);
    uint64_t end = MIN(first_page + nr_pages, slot_first + slot_pages);
    uint64_t window_end;

    if (start >= end) {
        return false;
    }
    start -= slot_first;
    end -= slot_first;
    window->first_page = ROUND_DOWN(start, CLEAR_ALIGN_PAGES);
    window_end = MIN(ROUND_UP(end, CLEAR_ALIGN_PAGES), slot_pages);
    window->nr_pages = window_end - window->first_page;
    window->skip = start - window->first_page;
    window->nr_wanted = end - start;
    return true;
}
