/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Auto-converge: when the guest is slowed down, and by how much.
 *
 * Entered by the migration thread; the percentage is read by others.  What is
 * measured, and over which time, is ram/dirty-rate.c's.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "migration/core/throttle.h"
#include "migration/trace.h"

/* One period may be chance. */
#define PERIODS_TOO_MUCH 2

void throttle_init(MigrationThrottle *t, const MachineOps *machine,
                   void *machine_opaque, const MigrationLive *live)
{
    *t = (MigrationThrottle) {
        .machine = machine && machine->throttle ? machine : NULL,
        .machine_opaque = machine_opaque,
        .live = live,
        .round_ms = THROTTLE_ROUND_MS,
    };
}

bool throttle_is_on(const MigrationThrottle *t)
{
    return t->machine != NULL;
}

unsigned throttle_percent(const MigrationThrottle *t)
{
    return qatomic_read(&t->percent);
}

static void throttle_set(MigrationThrottle *t, unsigned percent)
{
    trace_migration_throttle(percent);
    qatomic_set(&t->percent, percent);
    t->machine->throttle(t->machine_opaque, percent);
}

/*
 * What is enough if the guest writes in proportion to the time it has, which is
 * rounded down as in QEMU.  Never more than the usual step, for the estimate is a
 * rough one.
 */
static unsigned throttle_tail_step(unsigned now, uint64_t dirty_bytes,
                                   uint64_t allowed_bytes, unsigned step)
{
    unsigned left = 100 - now;
    unsigned ideal = (unsigned)((double)left * ((double)allowed_bytes /
                                                (double)dirty_bytes));

    return MIN(left - ideal, step);
}

/* What to take next; every setting may have changed since the last time. */
static unsigned throttle_next(const MigrationThrottle *t, uint64_t dirty_bytes,
                              uint64_t allowed_bytes)
{
    const MigrationLive *live = t->live;
    unsigned now = throttle_percent(t);
    unsigned max = qatomic_read(&live->max_cpu_throttle);
    unsigned step = qatomic_read(&live->cpu_throttle_increment);

    if (now == 0) {
        return MIN(qatomic_read(&live->cpu_throttle_initial), max);
    }
    if (qatomic_read(&live->cpu_throttle_tailslow)) {
        step = throttle_tail_step(now, dirty_bytes, allowed_bytes, step);
    }
    return MIN(now + step, max);
}

void throttle_period(MigrationThrottle *t, uint64_t dirty_bytes,
                     uint64_t sent_bytes)
{
    uint64_t allowed_bytes;

    if (!throttle_is_on(t)) {
        return;
    }
    allowed_bytes =
        sent_bytes * qatomic_read(&t->live->throttle_trigger_threshold) / 100;
    if (dirty_bytes <= allowed_bytes || ++t->nr_high < PERIODS_TOO_MUCH) {
        return;
    }
    t->nr_high = 0;
    throttle_set(t, throttle_next(t, dirty_bytes, allowed_bytes));
}

bool throttle_round_is_overdue(const MigrationThrottle *t, uint64_t nr_rounds,
                               int64_t age_us)
{
    return throttle_is_on(t) && nr_rounds > 1 &&
           age_us >= (int64_t)t->round_ms * 1000;
}

void throttle_lift(MigrationThrottle *t)
{
    if (throttle_percent(t) > 0) {
        throttle_set(t, 0);
    }
}
