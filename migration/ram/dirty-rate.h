/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast the guest writes to memory, and how that compares with what is sent.
 *
 * Rounds may follow each other within microseconds, and what one of them finds
 * says nothing then.  So, as in QEMU, they are added up into periods that last a
 * second or more and end with a round.
 *
 * Threads: one at a time.  This header owns no locks.
 */
#ifndef MIGRATION_RAM_DIRTY_RATE_H
#define MIGRATION_RAM_DIRTY_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Least length of a period. */
#define DIRTY_RATE_PERIOD_MS 1000

typedef struct DirtyRate {
    int64_t begin_us;           /* of the period that runs */
    uint64_t begin_bytes;       /* sent when it began */
    uint64_t nr_pages;          /* found to be written in it so far */
} DirtyRate;

/* A period that is over. */
typedef struct DirtyPeriod {
    uint64_t pages_per_second;  /* written by the guest */
    uint64_t dirty_bytes;       /* of pages written by the guest */
    uint64_t sent_bytes;
} DirtyPeriod;

/**
 * dirty_rate_begin:
 * @rate: storage of the caller
 * @now_us: the time now, microseconds
 * @sent_bytes: all that has been sent so far
 *
 * Begins the first period.
 */
void dirty_rate_begin(DirtyRate *rate, int64_t now_us, uint64_t sent_bytes);

/**
 * dirty_rate_add:
 * @rate: a rate that has begun
 * @now_us: the time now, microseconds
 * @nr_pages: pages that this round found and that were not waiting to be sent
 * @sent_bytes: all that has been sent so far
 * @period: where to put a period that has ended
 *
 * Returns: true when a period ended and another has begun
 */
bool dirty_rate_add(DirtyRate *rate, int64_t now_us, uint64_t nr_pages,
                    uint64_t sent_bytes, DirtyPeriod *period);

#endif
