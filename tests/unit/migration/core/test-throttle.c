/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/core/throttle.c: when the guest is slowed down, and by how
 * much.  Periods are made up; there is no clock and no guest.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "migration/core/throttle.h"

typedef struct Throttling {
    MachineOps ops;
    MigrationLive live;
    MigrationThrottle throttle;
    unsigned percent;           /* what the machine was told last */
    unsigned nr_calls;
} Throttling;

static void throttling_told(void *opaque, unsigned percent)
{
    Throttling *t = opaque;

    t->percent = percent;
    t->nr_calls++;
}

/* With QEMU's defaults. */
static void throttling_init(Throttling *t)
{
    *t = (Throttling) {
        .ops.throttle = throttling_told,
        .live = {
            .throttle_trigger_threshold = 50,
            .cpu_throttle_initial = 20,
            .cpu_throttle_increment = 10,
            .max_cpu_throttle = 99,
        },
    };
    throttle_init(&t->throttle, &t->ops, t, &t->live);
}

static void too_much(Throttling *t, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        throttle_period(&t->throttle, 1000, 1000);
    }
}

static void test_one_period_is_no_reason(void)
{
    Throttling t;

    throttling_init(&t);
    too_much(&t, 1);
    g_assert_cmpuint(t.nr_calls, ==, 0);
    g_assert_cmpuint(throttle_percent(&t.throttle), ==, 0);
}

static void test_the_second_begins_with_the_initial(void)
{
    Throttling t;

    throttling_init(&t);
    too_much(&t, 2);
    g_assert_cmpuint(t.percent, ==, 20);
    g_assert_cmpuint(throttle_percent(&t.throttle), ==, 20);
}

static void test_each_second_period_adds_the_increment(void)
{
    Throttling t;

    throttling_init(&t);
    too_much(&t, 3);
    g_assert_cmpuint(t.percent, ==, 20);
    too_much(&t, 1);
    g_assert_cmpuint(t.percent, ==, 30);
    too_much(&t, 2);
    g_assert_cmpuint(t.percent, ==, 40);
}

/* As in QEMU, a better period between two bad ones does not count. */
static void test_a_better_period_between(void)
{
    Throttling t;

    throttling_init(&t);
    too_much(&t, 1);
    throttle_period(&t.throttle, 100, 1000);
    too_much(&t, 1);
    g_assert_cmpuint(t.percent, ==, 20);
}

static void test_the_threshold_itself_is_not_too_much(void)
{
    Throttling t;

    throttling_init(&t);
    for (unsigned i = 0; i < 4; i++) {
        throttle_period(&t.throttle, 500, 1000);
    }
    g_assert_cmpuint(t.nr_calls, ==, 0);
    throttle_period(&t.throttle, 501, 1000);
    throttle_period(&t.throttle, 501, 1000);
    g_assert_cmpuint(t.percent, ==, 20);
}

static void test_the_threshold_is_live(void)
{
    Throttling t;

    throttling_init(&t);
    qatomic_set(&t.live.throttle_trigger_threshold, 100);
    too_much(&t, 2);
    g_assert_cmpuint(t.nr_calls, ==, 0);
    qatomic_set(&t.live.throttle_trigger_threshold, 99);
    too_much(&t, 2);
    g_assert_cmpuint(t.percent, ==, 20);
}

static void test_never_more_than_the_maximum(void)
{
    Throttling t;

    throttling_init(&t);
    qatomic_set(&t.live.max_cpu_throttle, 35);
    too_much(&t, 20);
    g_assert_cmpuint(t.percent, ==, 35);
}

static void test_the_increment_is_live(void)
{
    Throttling t;

    throttling_init(&t);
    too_much(&t, 2);
    qatomic_set(&t.live.cpu_throttle_increment, 3);
    too_much(&t, 2);
    g_assert_cmpuint(t.percent, ==, 23);
}

/* 80 % of its time lets it write 1000 where 900 are allowed: 72 % would do. */
static void test_the_tail_is_slow(void)
{
    Throttling t;

    throttling_init(&t);
    qatomic_set(&t.live.cpu_throttle_tailslow, true);
    too_much(&t, 2);
    g_assert_cmpuint(t.percent, ==, 20);
    throttle_period(&t.throttle, 1000, 1800);
    throttle_period(&t.throttle, 1000, 1800);
    g_assert_cmpuint(t.percent, ==, 28);
}

/* 72.8 %: the guest gets 72. */
static void test_the_tail_rounds_as_qemu_does(void)
{
    Throttling t;

    throttling_init(&t);
    qatomic_set(&t.live.cpu_throttle_tailslow, true);
    too_much(&t, 2);
    throttle_period(&t.throttle, 1000, 1820);
    throttle_period(&t.throttle, 1000, 1820);
    g_assert_cmpuint(t.percent, ==, 28);
}

static void test_a_round_that_takes_too_long(void)
{
    const int64_t limit_us = 5 * 1000 * 1000;
    Throttling t;

    throttling_init(&t);
    g_assert_false(throttle_round_is_overdue(&t.throttle, 2, limit_us - 1));
    g_assert_true(throttle_round_is_overdue(&t.throttle, 2, limit_us));
    /* It has to send all of memory. */
    g_assert_false(throttle_round_is_overdue(&t.throttle, 1, 10 * limit_us));
    throttle_init(&t.throttle, NULL, &t, &t.live);
    g_assert_false(throttle_round_is_overdue(&t.throttle, 2, 10 * limit_us));
}

static void test_the_tail_is_not_faster_than_the_increment(void)
{
    Throttling t;

    throttling_init(&t);
    qatomic_set(&t.live.cpu_throttle_tailslow, true);
    too_much(&t, 4);
    g_assert_cmpuint(t.percent, ==, 30);
}

static void test_a_link_that_stands_still(void)
{
    Throttling t;

    throttling_init(&t);
    qatomic_set(&t.live.cpu_throttle_tailslow, true);
    for (unsigned i = 0; i < 40; i++) {
        throttle_period(&t.throttle, 1, 0);
    }
    g_assert_cmpuint(t.percent, ==, 99);
}

static void test_lifting(void)
{
    Throttling t;

    throttling_init(&t);
    too_much(&t, 2);
    throttle_lift(&t.throttle);
    g_assert_cmpuint(t.percent, ==, 0);
    g_assert_cmpuint(t.nr_calls, ==, 2);
    g_assert_cmpuint(throttle_percent(&t.throttle), ==, 0);
}

static void test_lifting_nothing_tells_nobody(void)
{
    Throttling t;

    throttling_init(&t);
    throttle_lift(&t.throttle);
    g_assert_cmpuint(t.nr_calls, ==, 0);
}

static void test_a_migration_that_shall_not(void)
{
    Throttling t;

    throttling_init(&t);
    throttle_init(&t.throttle, NULL, &t, &t.live);
    too_much(&t, 10);
    throttle_lift(&t.throttle);
    g_assert_cmpuint(t.nr_calls, ==, 0);
    g_assert_false(throttle_is_on(&t.throttle));
}

static void test_a_machine_that_cannot(void)
{
    Throttling t;
    MachineOps none = { 0 };

    throttling_init(&t);
    throttle_init(&t.throttle, &none, &t, &t.live);
    too_much(&t, 10);
    g_assert_cmpuint(throttle_percent(&t.throttle), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/throttle/one-period-is-no-reason",
                    test_one_period_is_no_reason);
    g_test_add_func("/throttle/the-second-begins-with-the-initial",
                    test_the_second_begins_with_the_initial);
    g_test_add_func("/throttle/each-second-period-adds-the-increment",
                    test_each_second_period_adds_the_increment);
    g_test_add_func("/throttle/a-better-period-between",
                    test_a_better_period_between);
    g_test_add_func("/throttle/the-threshold-itself-is-not-too-much",
                    test_the_threshold_itself_is_not_too_much);
    g_test_add_func("/throttle/the-threshold-is-live",
                    test_the_threshold_is_live);
    g_test_add_func("/throttle/never-more-than-the-maximum",
                    test_never_more_than_the_maximum);
    g_test_add_func("/throttle/the-increment-is-live",
                    test_the_increment_is_live);
    g_test_add_func("/throttle/the-tail-is-slow", test_the_tail_is_slow);
    g_test_add_func("/throttle/the-tail-rounds-as-qemu-does",
                    test_the_tail_rounds_as_qemu_does);
    g_test_add_func("/throttle/a-round-that-takes-too-long",
                    test_a_round_that_takes_too_long);
    g_test_add_func("/throttle/the-tail-is-not-faster-than-the-increment",
                    test_the_tail_is_not_faster_than_the_increment);
    g_test_add_func("/throttle/a-link-that-stands-still",
                    test_a_link_that_stands_still);
    g_test_add_func("/throttle/lifting", test_lifting);
    g_test_add_func("/throttle/lifting-nothing-tells-nobody",
                    test_lifting_nothing_tells_nobody);
    g_test_add_func("/throttle/a-migration-that-shall-not",
                    test_a_migration_that_shall_not);
    g_test_add_func("/throttle/a-machine-that-cannot",
                    test_a_machine_that_cannot);
    return g_test_run();
}
