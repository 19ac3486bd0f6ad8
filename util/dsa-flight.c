/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking for completion records.
 *
 * Entered by the completion thread or by who waits, one at a time per flight.
 * What stands in the records is dsa-batch.c's matter.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "dsa-flight.h"

bool dsa_part_is_done(const DsaPart *part, unsigned *at_member)
{
    if (!part->queue) {
        return true;
    }
    if (part->batch) {
        return qatomic_load_acquire(&part->batch->status) != DSA_COMP_NONE;
    }
    while (*at_member < part->nr) {
        if (qatomic_load_acquire(&part->member[*at_member].status) ==
            DSA_COMP_NONE) {
            return false;
        }
        ++*at_member;
    }
    return true;
}

void dsa_part_release(const DsaPart *part)
{
    if (part->queue) {
        dsa_queue_release(part->queue, part->batch ? 1 : part->nr);
    }
}

bool dsa_flight_poll(DsaFlight *f)
{
    while (f->at_part < f->nr_parts) {
        const DsaPart *part = &f->part[f->at_part];

        if (!dsa_part_is_done(part, &f->at_member)) {
            return false;
        }
        dsa_part_release(part);
        f->at_part++;
        f->at_member = 0;
    }
    return true;
}

/* volatile: the device writes it. */
const volatile uint8_t *dsa_flight_next_status(const DsaFlight *f)
{
    const DsaPart *part = &f->part[f->at_part];

    return part->batch ? &part->batch->status
                       : &part->member[f->at_member].status;
}
