/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long CPUs run and sleep for a percentage.
 */
#include "qemu/osdep.h"

#include "accel/kvm-dirty-ring.h"
#include "accel/kvm-throttle.h"
#include "qapi/error.h"

static void test_true_percentage(void)
{
    for (unsigned percent = 1; percent <= 99; percent++) {
        KvmThrottlePlan plan = kvm_throttle_plan(percent);
        double share = 100.0 * plan.nap_ms / (plan.run_ms + plan.nap_ms);

        g_assert_cmpint(plan.run_ms, >, 0);
        g_assert_cmpint(plan.nap_ms, >, 0);
        g_assert_cmpint(plan.run_ms + plan.nap_ms, <=, 1000);
        g_assert_cmpfloat(share, >=, percent - 1.0);
        g_assert_cmpfloat(share, <=, percent + 1.0);
    }
}

static void test_ring_sizes(void)
{
    static const char *const wrong[] = {
        "", "-1", "1", "512", "1000", "1025", "0x1000", "4k", "4294967296",
        "18446744073709551616",
    };
    unsigned nr = 7;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        g_autofree char *text = g_strdup_printf("dirty-ring-size=%s",
                                                wrong[i]);
        Error *err = NULL;

        g_assert_false(kvm_dirty_ring_parse(wrong[i], &nr, &err));
        g_assert_nonnull(strstr(error_get_pretty(err), text));
        g_assert_cmpuint(nr, ==, 7);
        error_free(err);
    }
    g_assert_true(kvm_dirty_ring_parse("4096", &nr, NULL));
    g_assert_cmpuint(nr, ==, 4096);
    g_assert_true(kvm_dirty_ring_parse("0", &nr, NULL));
    g_assert_cmpuint(nr, ==, 0);
    nr = 7;
    g_assert_true(kvm_dirty_ring_parse(NULL, &nr, NULL));
    g_assert_cmpuint(nr, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm-throttle/true-percentage", test_true_percentage);
    g_test_add_func("/kvm-dirty-ring/sizes", test_ring_sizes);
    return g_test_run();
}
