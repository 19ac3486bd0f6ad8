/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bandwidth limit: bytes are charged to a debt that time pays off.
 *
 * Entered by the migration thread (wait), by all that send (charge) and by the
 * main thread (lift, changed, cancel).  What a byte is charged for is decided by
 * the callers.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/timer.h"
#include "migration/base/rate.h"

/*
 * A wait lasts until this part of a window is left, so that the next burst is
 * long enough to be worth waking up for.
 */
#define WAIT_UNTIL 0.5

/* Even a tiny limit must let something through, or nothing would ever move. */
static int64_t rate_window_bytes(uint64_t max_bandwidth)
{
    uint64_t bytes = max_bandwidth / (1000 / RATE_WINDOW_MS);

    return MAX(1, (int64_t)MIN(bytes, (uint64_t)INT64_MAX));
}

static int64_t rate_now_us(void)
{
    return qemu_clock_get_us(QEMU_CLOCK_REALTIME);
}

void rate_limit_init(RateLimit *rate, const MigrationLive *live)
{
    *rate = (RateLimit) { .live = live, .paid_until_us = rate_now_us() };
    qemu_mutex_init(&rate->lock);
    qemu_cond_init(&rate->wake);
}

void rate_limit_destroy(RateLimit *rate)
{
    qemu_cond_destroy(&rate->wake);
    qemu_mutex_destroy(&rate->lock);
}

void rate_limit_charge(RateLimit *rate, int64_t len_bytes)
{
    qatomic_add(&rate->debt_bytes, len_bytes);
    /*
     * Zero pages: what is waited for has been paid by not being sent.  The
     * wait looks again by itself in the end, so a missed wake-up is no harm.
     */
    if (len_bytes < 0 && qatomic_read(&rate->waiting)) {
        QEMU_LOCK_GUARD(&rate->lock);
        qemu_cond_broadcast(&rate->wake);
    }
}

/*
 * Pays off what the time since the last call is worth.  Time that finds no debt
 * is lost: an idle second must not buy a burst.
 */
static void rate_pay(RateLimit *rate, uint64_t max_bandwidth)
{
    int64_t now_us = rate_now_us();
    int64_t debt = qatomic_read(&rate->debt_bytes);
    double worth = (double)(now_us - rate->paid_until_us) / 1e6 *
                   (double)max_bandwidth;

    if (debt > 0) {
        int64_t pay = worth >= (double)debt ? debt : (int64_t)worth;

        if (pay == 0) {
            return;             /* keep the fraction for the next call */
        }
        qatomic_add(&rate->debt_bytes, -pay);
    }
    rate->paid_until_us = now_us;
}

/*
 * What was on its way at a higher limit would take long to pay for at a lower
 * one, and all that time nothing would be sent.
 */
static void rate_forgive(RateLimit *rate, uint64_t max_bandwidth)
{
    int64_t excess = qatomic_read(&rate->debt_bytes) -
                     rate_window_bytes(max_bandwidth);

    if (max_bandwidth < rate->seen_bandwidth && excess > 0) {
        qatomic_add(&rate->debt_bytes, -excess);
    }
    rate->seen_bandwidth = max_bandwidth;
}

/* Bytes by which the debt exceeds @allowed windows; 0 when all is well. */
static int64_t rate_excess(RateLimit *rate, uint64_t max_bandwidth,
                           double allowed)
{
    int64_t excess;

    if (max_bandwidth == 0) {
        qatomic_set(&rate->debt_bytes, 0);
        rate->paid_until_us = rate_now_us();
        return 0;
    }
    rate_pay(rate, max_bandwidth);
    rate_forgive(rate, max_bandwidth);
    excess = qatomic_read(&rate->debt_bytes) -
             (int64_t)(allowed * (double)rate_window_bytes(max_bandwidth));
    return MAX(excess, 0);
}

bool rate_limit_exceeded(RateLimit *rate)
{
    QEMU_LOCK_GUARD(&rate->lock);

    if (rate->lifted || rate->cancelled) {
        return false;
    }
    return rate_excess(rate, qatomic_read(&rate->live->max_bandwidth), 1) > 0;
}

bool rate_limit_wait(RateLimit *rate)
{
    int64_t end_us = rate_now_us() + RATE_LOOK_MS * 1000;
    QEMU_LOCK_GUARD(&rate->lock);

    qatomic_set(&rate->waiting, true);
    while (!rate->cancelled && !rate->lifted && !rate->changed) {
        uint64_t max_bandwidth = qatomic_read(&rate->live->max_bandwidth);
        int64_t excess = rate_excess(rate, max_bandwidth, WAIT_UNTIL);
        double left_ms = (double)(end_us - rate_now_us()) / 1000.0;
        double wait_ms;

        if (excess == 0 || left_ms <= 0) {
            break;
        }
        wait_ms = (double)excess / (double)max_bandwidth * 1000.0;
        qemu_cond_timedwait(&rate->wake, &rate->lock,
                            (int)MIN(wait_ms, left_ms) + 1);
    }
    rate->changed = false;
    qatomic_set(&rate->waiting, false);
    return !rate->cancelled;
}

void rate_limit_lift(RateLimit *rate)
{
    QEMU_LOCK_GUARD(&rate->lock);

    rate->lifted = true;
    qemu_cond_broadcast(&rate->wake);
}

void rate_limit_changed(RateLimit *rate)
{
    QEMU_LOCK_GUARD(&rate->lock);

    rate->changed = true;
    qemu_cond_broadcast(&rate->wake);
}

void rate_limit_cancel(RateLimit *rate)
{
    QEMU_LOCK_GUARD(&rate->lock);

    rate->cancelled = true;
    qemu_cond_broadcast(&rate->wake);
}
