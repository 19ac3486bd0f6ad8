/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arithmetic of one CPU's dirty ring, whose entries the kernel writes and
 * this side takes.  Nothing here talks to the kernel.
 *
 * The kernel adds an entry for a page that was written, and it wants the CPU
 * out when there are few left.  Where it emulates instructions it looks at that
 * after some thousand writes only, and overwrites what nobody has taken yet.
 * A ring that is found full must be taken for one that has overrun: pages may
 * be missing, and by how much the kernel is ahead is not known.
 *
 * Threads: one at a time, and the CPU must be out of the guest.  No locks.
 */
#ifndef ACCEL_KVM_RING_H
#define ACCEL_KVM_RING_H

#include <stdbool.h>
#include <stdint.h>

struct kvm_dirty_gfn;

/* With fewer, all may be full when the kernel calls a ring only half full. */
#define KVM_RING_ENTRIES_MIN 1024

typedef struct KvmRing {
    struct kvm_dirty_gfn *entries;  /* set once, as the next; may be shared */
    unsigned nr_entries;            /* a power of two */
    unsigned next;                  /* at which the kernel begins to reset */
    bool adrift;                    /* it writes to one that is further on */
} KvmRing;

/* What is to be done with a written page: the slot, and which of its pages. */
typedef void KvmRingNote(void *opaque, unsigned slot, uint64_t page);

/**
 * kvm_ring_harvest:
 * @ring: a ring
 * @note: called for each entry
 * @opaque: for @note
 * @overran: set to true when there may have been more; else left as it is
 *
 * Takes all new entries and marks them for the kernel to reset.
 *
 * Context: the CPU is out of the guest.
 * Returns: how many the kernel is to reset.  Until it has, further writes to
 * their pages are not noticed.
 */
unsigned kvm_ring_harvest(KvmRing *ring, KvmRingNote *note, void *opaque,
                          bool *overran);

/**
 * kvm_ring_skip:
 * @ring: a ring that the kernel calls full, and that has no new entries
 *
 * The kernel is ahead by more than the ring's size.  Marks a part of it, less
 * than it is ahead by, to be reset all the same.
 *
 * Context: the CPU is out of the guest.
 * Returns: how many the kernel is to reset.
 */
unsigned kvm_ring_skip(KvmRing *ring);

#endif /* ACCEL_KVM_RING_H */
