/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where RAM blocks lie in the guest's physical address space, and the
 * arithmetic of clearing part of a dirty log.  Nothing here talks to the
 * kernel.
 *
 * The first block begins at address 0, the next one behind it.  The last GiB
 * below 4 GiB is no memory: there is the place of devices, and of what KVM
 * itself needs.  A block that reaches into it goes on at 4 GiB.
 *
 * Threads: a layout is built once and constant from then on.  No locks.
 */
#ifndef ACCEL_KVM_LAYOUT_H
#define ACCEL_KVM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/ram.h"

#define KVM_HOLE_START 0xc0000000ull
#define KVM_HOLE_END 0x100000000ull

/* Guest physical addresses end here: what every x86-64 CPU has. */
#define KVM_PHYS_LIMIT (1ull << 36)

#define KVM_MAX_SLOTS 32

/* A piece of a RAM block that lies in one piece. */
typedef struct KvmSlot {
    RAMBlock *block;
    uint64_t offset_bytes;  /* in the block */
    uint64_t gpa;           /* guest physical address */
    uint64_t len_bytes;
} KvmSlot;

typedef struct KvmLayout {
    unsigned nr_slots;
    KvmSlot slots[KVM_MAX_SLOTS];
} KvmLayout;

/* The pages that one KVM_CLEAR_DIRTY_LOG has to name, relative to its slot. */
typedef struct KvmClearWindow {
    uint64_t first_page;    /* a multiple of 64 */
    uint64_t nr_pages;      /* a multiple of 64, or up to the slot's end */
    uint64_t skip;          /* pages of the window before the wanted ones */
    uint64_t nr_wanted;
} KvmClearWindow;

/**
 * kvm_layout_init:
 * @layout: receives the layout
 * @list: the blocks, in the order of their addresses; not empty
 * @errp: receives the reason on failure, or NULL
 *
 * Lays the blocks out.
 *
 * Context: any thread.
 * Returns: false when there is no RAM, or more than fits.
 */
bool kvm_layout_init(KvmLayout *layout, const RamList *list, Error **errp);

/**
 * kvm_layout_host:
 * @layout: a layout
 * @gpa: guest physical address
 * @len_bytes: how much from there on
 *
 * Where the host has a range of guest memory.
 *
 * Context: any thread.
 * Returns: the host address, or NULL when not all of it is one piece of RAM.
 */
uint8_t *kvm_layout_host(const KvmLayout *layout, uint64_t gpa,
                         uint64_t len_bytes);

/**
 * kvm_clear_window:
 * @slot: a slot
 * @first_page: page of the slot's block
 * @nr_pages: how many, 1 or more
 * @window: receives the window
 *
 * The kernel clears whole words of 64 pages of a slot, but of them only pages
 * whose bit is set in a bitmap that goes with the request.  Finds the smallest
 * window around those pages of a block that lie in @slot.
 *
 * Context: any thread.
 * Returns: false, @window untouched, when none of them does.
 */
bool kvm_clear_window(const KvmSlot *slot, uint64_t first_page,
                      uint64_t nr_pages, KvmClearWindow *window);

#endif /* ACCEL_KVM_LAYOUT_H */
