/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of one outgoing migration.  Any thread adds, once per packet or
 * per flush and never per page; query-migrate reads without stopping anybody.
 *
 * Threads: every member is accessed with qatomic_* from qemu/atomic.h, relaxed.
 * This header owns no locks.
 */
#ifndef MIGRATION_BASE_STATS_H
#define MIGRATION_BASE_STATS_H

#include <stdbool.h>
#include <stdint.h>
#include "qemu/atomic.h"

typedef struct MigrationCounters {
    uint64_t normal_pages;      /* sent with their content */
    uint64_t zero_pages;        /* sent as zero, holes included */
    uint64_t hole_pages;        /* of zero_pages: never read */
    uint64_t main_bytes;        /* written to the main channel */
    uint64_t multifd_bytes;     /* written to all multifd channels */
    uint64_t file_bytes;        /* of pages, written to a file beside the stream */
    uint64_t zero_copy_missed;  /* SYNCs since which the kernel copied all */
    uint64_t dirty_sync_count;  /* rounds begun */
    int64_t round_begin_us;     /* when the last of them began */
    uint64_t dirty_pages_rate;  /* pages a second, of the last period */
    uint64_t pages_per_second;  /* of the last window */
    uint64_t remaining_pages;   /* not sent yet in this round */
} MigrationCounters;

/**
 * counters_transferred_bytes:
 * @c: the counters
 *
 * Context: any thread.
 * Returns: bytes on all channels so far
 */
static inline uint64_t counters_transferred_bytes(const MigrationCounters *c)
{
    return qatomic_read(&c->main_bytes) + qatomic_read(&c->file_bytes) +
           qatomic_read(&c->multifd_bytes);
}

#endif
