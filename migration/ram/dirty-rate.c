/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adds rounds up into periods of a second or more.
 *
 * Entered by the migration thread.  Knows no clock and no counter: both are
 * handed in.
 */
#include "qemu/osdep.h"
#include "memory/ram.h"
#include "migration/ram/dirty-rate.h"

void dirty_rate_begin(DirtyRate *rate, int64_t now_us, uint64_t sent_bytes)
{
    *rate = (DirtyRate) { .begin_us = now_us, .begin_bytes = sent_bytes };
}

bool dirty_rate_add(DirtyRate *rate, int64_t now_us, uint64_t nr_pages,
                    uint64_t sent_bytes, DirtyPeriod *period)
{
    int64_t elapsed_us = now_us - rate->begin_us;

    rate->nr_pages += nr_pages;
    if (elapsed_us < DIRTY_RATE_PERIOD_MS * 1000) {
        return false;
    }
    *period = (DirtyPeriod) {
        .pages_per_second = (uint64_t)((double)rate->nr_pages * 1e6 /
                                       (double)elapsed_us),
        .dirty_bytes = rate->nr_pages << TARGET_PAGE_BITS,
        .sent_bytes = sent_bytes - rate->begin_bytes,
    };
    dirty_rate_begin(rate, now_us, sent_bytes);
    return true;
}
