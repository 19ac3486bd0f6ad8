/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Auto-converge: slows the guest's CPUs down while it writes to memory faster
 * than that can be sent.  How much is QEMU's rule; how a CPU is slowed down is
 * the machine's.
 *
 * Threads: init, period and lift from the thread of one migration, percent
 * from any.
 * This header owns no locks.
 */
#ifndef MIGRATION_CORE_THROTTLE_H
#define MIGRATION_CORE_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>
#include "migration/base/rate.h"
#include "migration/machine-ops.h"

/*
 * A round that takes longer is begun anew, or a guest at a slow link would be
 * slowed down only every few minutes.
 */
#define THROTTLE_ROUND_MS 5000

typedef struct MigrationThrottle {
    /* set once */
    unsigned round_ms;          /* THROTTLE_ROUND_MS, or what a test wants */
    const MachineOps *machine;  /* NULL: nothing is ever slowed down */
    void *machine_opaque;
    const MigrationLive *live;
    /* migration thread */
    unsigned nr_high;           /* periods that were too much since the last */
    /* atomic */
    unsigned percent;           /* taken from the CPUs; 0: nothing */
} MigrationThrottle;

/**
 * throttle_init:
 * @t: storage of the caller
 * @machine: whose CPUs; NULL when the migration shall not slow them down
 * @machine_opaque: handed to @machine
 * @live: how much; outlives @t
 */
void throttle_init(MigrationThrottle *t, const MachineOps *machine,
                   void *machine_opaque, const MigrationLive *live);

/**
 * throttle_is_on:
 * @t: a throttle
 *
 * Returns: whether it would ever slow anything down
 */
bool throttle_is_on(const MigrationThrottle *t);

/**
 * throttle_period:
 * @t: a throttle
 * @dirty_bytes: of pages that the guest wrote in a period
 * @sent_bytes: what was sent in the same period
 *
 * Slows the guest down, or more than so far, for the second period that was too
 * much since it was last done.  Periods that were not too much do not reset
 * that, as in QEMU.
 * Context: the migration thread, holding no lock.
 */
void throttle_period(MigrationThrottle *t, uint64_t dirty_bytes,
                     uint64_t sent_bytes);

/**
 * throttle_round_is_overdue:
 * @t: a throttle
 * @nr_rounds: that have begun; the first, which sends all there is, says nothing
 *             of the guest
 * @age_us: since the last of them began, microseconds
 *
 * Returns: whether to see what the guest has written though the round is not over
 */
bool throttle_round_is_overdue(const MigrationThrottle *t, uint64_t nr_rounds,
                               int64_t age_us);

/**
 * throttle_lift:
 * @t: a throttle
 *
 * Gives the guest all of its time back.
 * Context: the migration thread, holding no lock.
 */
void throttle_lift(MigrationThrottle *t);

/**
 * throttle_percent:
 * @t: a throttle
 *
 * Context: any thread.
 * Returns: what is taken from the guest's CPUs, 0 while nothing is
 */
unsigned throttle_percent(const MigrationThrottle *t);

#endif
