/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One CPU's dirty ring; see kvm-ring.h.
 *
 * An entry is 0, then dirty (the kernel), then taken (here), then 0 again (the
 * kernel, which goes through them in order and ends at the first that is not
 * taken).  After an overrun there is a gap of zeros before the first dirty one;
 * it has to be marked as taken, too, or the kernel never gets past it.
 */
#include "qemu/osdep.h"

#include <linux/kvm.h>

#include "accel/kvm-ring.h"
#include "qemu/atomic.h"

static struct kvm_dirty_gfn *ring_entry(const KvmRing *ring, unsigned from_next)
{
    return &ring->entries[(ring->next + from_next) & (ring->nr_entries - 1)];
}

static bool ring_is_dirty(const KvmRing *ring, unsigned from_next)
{
    /* Before what the entry holds is read. */
    return qatomic_load_acquire(&ring_entry(ring, from_next)->flags) ==
           KVM_DIRTY_GFN_F_DIRTY;
}

static void ring_take(KvmRing *ring, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        qatomic_store_release(&ring_entry(ring, i)->flags,
                              KVM_DIRTY_GFN_F_RESET);
    }
    ring->next = (ring->next + nr) & (ring->nr_entries - 1);
}

/* How far it is to the end of what is dirty. */
static unsigned ring_count(const KvmRing *ring)
{
    unsigned nr = 0;

    if (ring->adrift) {
        nr = ring->nr_entries;
        while (nr > 0 && !ring_is_dirty(ring, nr - 1)) {
            nr--;
        }
        return nr;
    }
    while (nr < ring->nr_entries && ring_is_dirty(ring, nr)) {
        nr++;
    }
    return nr;
}

unsigned kvm_ring_harvest(KvmRing *ring, KvmRingNote *note, void *opaque,
                          bool *overran)
{
    unsigned nr = ring_count(ring);

    for (unsigned i = 0; i < nr; i++) {
        const struct kvm_dirty_gfn *entry = ring_entry(ring, i);

        if (ring_is_dirty(ring, i)) {
            note(opaque, entry->slot, entry->offset);
        }
    }
    if (nr == ring->nr_entries) {
        *overran = true;
        ring->adrift = true;
    } else if (nr > 0) {
        ring->adrift = false;
    }
    ring_take(ring, nr);
    return nr;
}

unsigned kvm_ring_skip(KvmRing *ring)
{
    unsigned nr = ring->nr_entries / 4;

    ring->adrift = true;
    ring_take(ring, nr);
    return nr;
}
