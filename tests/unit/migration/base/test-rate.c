/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/base/rate.c.  Time is real; no test depends on how fast
 * the machine is, only on what must wait and what must not.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "migration/base/rate.h"

static void test_unlimited_never_waits(void)
{
    MigrationLive live = { .max_bandwidth = 0 };
    RateLimit rate;

    rate_limit_init(&rate, &live);
    rate_limit_charge(&rate, INT64_MAX / 2);
    g_assert_false(rate_limit_exceeded(&rate));
    g_assert_true(rate_limit_wait(&rate));
    rate_limit_destroy(&rate);
}

static void test_one_window_is_free(void)
{
    MigrationLive live = { .max_bandwidth = 10 * MiB };
    RateLimit rate;

    rate_limit_init(&rate, &live);
    rate_limit_charge(&rate, 1 * MiB);
    g_assert_false(rate_limit_exceeded(&rate));
    rate_limit_destroy(&rate);
}

static void test_more_than_a_window_is_exceeded(void)
{
    MigrationLive live = { .max_bandwidth = 10 };
    RateLimit rate;

    rate_limit_init(&rate, &live);
    rate_limit_charge(&rate, 1 * MiB);
    g_assert_true(rate_limit_exceeded(&rate));
    rate_limit_destroy(&rate);
}

static void test_refund_pays_back(void)
{
    MigrationLive live = { .max_bandwidth = 10 };
    RateLimit rate;

    rate_limit_init(&rate, &live);
    rate_limit_charge(&rate, 1 * MiB);
    rate_limit_charge(&rate, -1 * (int64_t)MiB);
    g_assert_false(rate_limit_exceeded(&rate));
    rate_limit_destroy(&rate);
}

/* From 1 GB/s to 1 MB/s: what is on its way would block it for 90 seconds. */
static void test_a_lower_limit_does_not_stop_everything(void)
{
    MigrationLive live = { .max_bandwidth = 1000 * 1000 * 1000 };
    RateLimit rate;

    rate_limit_init(&rate, &live);
    rate_limit_charge(&rate, 90 * 1000 * 1000);
    g_assert_false(rate_limit_exceeded(&rate));
    qatomic_set(&live.max_bandwidth, (uint64_t)1000 * 1000);
    g_assert_false(rate_limit_exceeded(&rate));
    /* A window is used up, though, and what is sent now counts. */
    rate_limit_charge(&rate, 100 * 1000);
    g_assert_true(rate_limit_exceeded(&rate));
    rate_limit_destroy(&rate);
}

/* However long it would take: there may be something else to do. */
static void test_a_wait_is_not_endless(void)
{
    MigrationLive live = { .max_bandwidth = 1 };
    RateLimit rate;

    rate_limit_init(&rate, &live);
    rate_limit_charge(&rate, 1 * GiB);
    g_assert_true(rate_limit_wait(&rate));
    g_assert_true(rate_limit_exceeded(&rate));
    rate_limit_destroy(&rate);
}

static void test_wait_lasts_as_long_as_the_debt(void)
{
    MigrationLive live = { .max_bandwidth = 1000 * 1000 };
    RateLimit rate;
    int64_t start_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME);

    rate_limit_init(&rate, &live);
    rate_limit_charge(&rate, 200 * 1000);
    g_assert_true(rate_limit_wait(&rate));
    /* 200 ms worth, of which a window of 100 ms is free. */
    g_assert_cmpint(qemu_clock_get_us(QEMU_CLOCK_REALTIME) - start_us, >=,
                    90 * 1000);
    rate_limit_destroy(&rate);
}

/* A limit that no test outlives: only the call under test ends the wait. */
typedef struct Waiter {
    RateLimit rate;
    MigrationLive live;
    QemuThread thread;
    bool result;
} Waiter;

static void *waiter_thread(void *opaque)
{
    Waiter *w = opaque;

    w->result = rate_limit_wait(&w->rate);
    return NULL;
}

static void waiter_start(Waiter *w)
{
    qatomic_set(&w->live.max_bandwidth, (uint64_t)1);
    rate_limit_init(&w->rate, &w->live);
    rate_limit_charge(&w->rate, 1 * GiB);
    qemu_thread_create(&w->thread, "waiter", waiter_thread, w,
                       QEMU_THREAD_JOINABLE);
}

static void test_cancel_ends_a_wait(void)
{
    Waiter w = { .result = true };

    waiter_start(&w);
    rate_limit_cancel(&w.rate);
    qemu_thread_join(&w.thread);
    g_assert_false(w.result);
    rate_limit_destroy(&w.rate);
}

static void test_lift_ends_a_wait(void)
{
    Waiter w = { .result = false };

    waiter_start(&w);
    rate_limit_lift(&w.rate);
    qemu_thread_join(&w.thread);
    g_assert_true(w.result);
    rate_limit_destroy(&w.rate);
}

static void test_raising_the_limit_ends_a_wait(void)
{
    Waiter w = { .result = false };

    waiter_start(&w);
    qatomic_set(&w.live.max_bandwidth, (uint64_t)0);
    rate_limit_changed(&w.rate);
    qemu_thread_join(&w.thread);
    g_assert_true(w.result);
    rate_limit_destroy(&w.rate);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rate/unlimited-never-waits", test_unlimited_never_waits);
    g_test_add_func("/rate/one-window-is-free", test_one_window_is_free);
    g_test_add_func("/rate/more-than-a-window-is-exceeded",
                    test_more_than_a_window_is_exceeded);
    g_test_add_func("/rate/refund-pays-back", test_refund_pays_back);
    g_test_add_func("/rate/wait-lasts-as-long-as-the-debt",
                    test_wait_lasts_as_long_as_the_debt);
    g_test_add_func("/rate/a-lower-limit-does-not-stop-everything",
                    test_a_lower_limit_does_not_stop_everything);
    g_test_add_func("/rate/a-wait-is-not-endless", test_a_wait_is_not_endless);
    g_test_add_func("/rate/cancel-ends-a-wait", test_cancel_ends_a_wait);
    g_test_add_func("/rate/lift-ends-a-wait", test_lift_ends_a_wait);
    g_test_add_func("/rate/raising-the-limit-ends-a-wait",
                    test_raising_the_limit_ends_a_wait);
    return g_test_run();
}
