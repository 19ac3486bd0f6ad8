/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/ram/dirty-rate.c, with a made-up clock.
 */
#include "qemu/osdep.h"
#include "memory/ram.h"
#include "migration/ram/dirty-rate.h"

#define SECOND_US ((int64_t)1000000)

static void test_rounds_are_added_up(void)
{
    DirtyPeriod period = { 0 };
    DirtyRate rate;

    dirty_rate_begin(&rate, 7 * SECOND_US, 100);
    g_assert_false(dirty_rate_add(&rate, 7 * SECOND_US + 10, 30, 150,
                                  &period));
    g_assert_false(dirty_rate_add(&rate, 8 * SECOND_US - 1, 10, 200,
                                  &period));
    g_assert_cmpuint(period.pages_per_second, ==, 0);
    g_assert_true(dirty_rate_add(&rate, 9 * SECOND_US, 60, 400, &period));
    g_assert_cmpuint(period.pages_per_second, ==, 50);
    g_assert_cmpuint(period.dirty_bytes, ==, 100 << TARGET_PAGE_BITS);
    g_assert_cmpuint(period.sent_bytes, ==, 300);
}

static void test_the_next_period_begins_with_nothing(void)
{
    DirtyPeriod period;
    DirtyRate rate;

    dirty_rate_begin(&rate, 0, 0);
    g_assert_true(dirty_rate_add(&rate, SECOND_US, 1000, 5000, &period));
    g_assert_false(dirty_rate_add(&rate, 2 * SECOND_US - 1, 2, 6000,
                                  &period));
    g_assert_true(dirty_rate_add(&rate, 2 * SECOND_US, 0, 6000, &period));
    g_assert_cmpuint(period.pages_per_second, ==, 2);
    g_assert_cmpuint(period.dirty_bytes, ==, 2 << TARGET_PAGE_BITS);
    g_assert_cmpuint(period.sent_bytes, ==, 1000);
}

static void test_a_guest_that_writes_nothing(void)
{
    DirtyPeriod period;
    DirtyRate rate;

    dirty_rate_begin(&rate, 0, 0);
    g_assert_true(dirty_rate_add(&rate, 5 * SECOND_US, 0, 9, &period));
    g_assert_cmpuint(period.pages_per_second, ==, 0);
    g_assert_cmpuint(period.dirty_bytes, ==, 0);
    g_assert_cmpuint(period.sent_bytes, ==, 9);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dirty-rate/rounds-are-added-up",
                    test_rounds_are_added_up);
    g_test_add_func("/dirty-rate/the-next-period-begins-with-nothing",
                    test_the_next_period_begins_with_nothing);
    g_test_add_func("/dirty-rate/a-guest-that-writes-nothing",
                    test_a_guest_that_writes_nothing);
    return g_test_run();
}
