/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bandwidth limit, and the few settings that may change while a migration
 * runs (bandwidths, `downtime-limit`, those of auto-converge, `events`).
 *
 * Pages are charged in full when they are handed to a channel and refunded when
 * they turn out to be zero: what is in flight is counted, so that a low limit
 * holds even with deep queues.
 *
 * Threads: charge and refund from any thread; wait from the migration thread;
 * cancel and the live settings from any.
 * Locks: RateLimit::lock; nothing else is taken while it is held.
 */
#ifndef MIGRATION_BASE_RATE_H
#define MIGRATION_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>
#include "qemu/thread.h"

/* Length of the window over which a limit is kept, as in QEMU. */
#define RATE_WINDOW_MS 100

/* However low the limit: so often the migration thread can look about. */
#define RATE_LOOK_MS 200

/* Settings that apply at once; every member is read and set with qatomic_*. */
typedef struct MigrationLive {
    uint64_t max_bandwidth;               /* bytes a second, 0: no limit */
    uint64_t avail_switchover_bandwidth;  /* bytes a second, 0: measure */
    uint64_t downtime_limit_ms;
    /* of auto-converge, see core/throttle.h; all but the last in percent */
    unsigned throttle_trigger_threshold;
    unsigned cpu_throttle_initial;
    unsigned cpu_throttle_increment;
    unsigned max_cpu_throttle;
    bool cpu_throttle_tailslow;
    bool events;                          /* tell clients of each status */
} MigrationLive;

typedef struct RateLimit {
    /* set once */
    const MigrationLive *live;
    /* atomic: bytes charged and not yet paid for by time that passed */
    int64_t debt_bytes;
    /* atomic: somebody is in rate_limit_wait(); a refund wakes him */
    bool waiting;
    /* the waiting (migration) thread's */
    int64_t paid_until_us;
    uint64_t seen_bandwidth;    /* the limit when it was last looked at */
    /* guarded by lock */
    QemuMutex lock;
    QemuCond wake;
    bool lifted;
    bool changed;               /* settings were, since the last wait ended */
    bool cancelled;
} RateLimit;

/**
 * rate_limit_init:
 * @rate: storage of the caller
 * @live: where the limit stands; outlives @rate
 */
void rate_limit_init(RateLimit *rate, const MigrationLive *live);

/**
 * rate_limit_destroy:
 * @rate: a limit nobody uses any more
 */
void rate_limit_destroy(RateLimit *rate);

/**
 * rate_limit_charge:
 * @rate: the limit
 * @len_bytes: bytes about to be sent; negative refunds what was charged and
 *             not sent
 *
 * Context: any thread; lock-free but for a refund that somebody waits for.
 */
void rate_limit_charge(RateLimit *rate, int64_t len_bytes);

/**
 * rate_limit_wait:
 * @rate: the limit
 *
 * Waits until there is room for half a window, the limit is lifted, settings
 * have changed, rate_limit_cancel() was called, or RATE_LOOK_MS are over.
 * Context: the migration thread, holding no lock.
 * Returns: false when cancelled
 */
bool rate_limit_wait(RateLimit *rate);

/**
 * rate_limit_exceeded:
 * @rate: the limit
 *
 * Context: the migration thread.
 * Returns: true when rate_limit_wait() would wait now
 */
bool rate_limit_exceeded(RateLimit *rate);

/**
 * rate_limit_lift:
 * @rate: the limit
 *
 * Ends the limit for good: at switchover the guest is stopped, and every
 * byte held back would be downtime.
 * Context: any thread.
 */
void rate_limit_lift(RateLimit *rate);

/**
 * rate_limit_changed:
 * @rate: the limit
 *
 * Ends the wait, or the next one, so that the live settings are looked at again.
 * Context: any thread.
 */
void rate_limit_changed(RateLimit *rate);

/**
 * rate_limit_cancel:
 * @rate: the limit
 *
 * Wakes the waiting thread for good.
 * Context: any thread.
 */
void rate_limit_cancel(RateLimit *rate);

#endif
