/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arithmetic of the stress accelerator: which page a write goes to and
 * back, what a page holds, how fast it goes, what the options mean.
 */
#include "qemu/osdep.h"

#include "accel/stress-options.h"
#include "accel/stress-pace.h"
#include "accel/stress-page.h"
#include "accel/stress-plan.h"
#include "qapi/error.h"
#include "qemu/units.h"

static const uint64_t sizes[] = { 16, 17, 64, 100, 257 };

static StressPlan make_plan(StressPattern pattern, uint64_t nr_pages)
{
    return (StressPlan) {
        .pattern = pattern,
        .thread = 3,
        .first_page = 1000,
        .nr_pages = nr_pages,
    };
}

/* What the plan says of the last writes is what a record of them says. */
static void check_inverse(StressPattern pattern, uint64_t nr_pages)
{
    StressPlan plan = make_plan(pattern, nr_pages);
    g_autofree int64_t *last = g_new(int64_t, nr_pages);

    memset(last, 0xff, nr_pages * sizeof(*last));
    for (uint64_t n = 0; n < nr_pages * 13; n++) {
        uint64_t page = stress_plan_page(&plan, n);

        g_assert_cmpuint(page, >=, plan.first_page);
        g_assert_cmpuint(page, <, plan.first_page + nr_pages);
        last[page - plan.first_page] = (int64_t)n;
        for (uint64_t i = 0; i < nr_pages; i += 1 + n % 3) {
            uint64_t write = 77;
            bool any = stress_plan_last_write(&plan, plan.first_page + i,
                                              n + 1, &write);

            g_assert_cmpint(any, ==, last[i] >= 0);
            g_assert_cmpint((int64_t)write, ==, any ? last[i] : 77);
        }
    }
    for (uint64_t i = 0; i < nr_pages; i++) {
        g_assert_cmpint(last[i], >=, 0);
    }
}

static void test_inverse(gconstpointer opaque)
{
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        check_inverse(GPOINTER_TO_UINT(opaque), sizes[i]);
    }
}

static void test_orders(void)
{
    StressPlan plan = make_plan(STRESS_PATTERN_SEQ, 64);
    unsigned same = 0;
    unsigned hot = 0;

    for (uint64_t n = 0; n < 200; n++) {
        g_assert_cmpuint(stress_plan_page(&plan, n), ==, 1000 + n % 64);
    }
    /* Two passes of a random order differ, from each other and from seq. */
    plan.pattern = STRESS_PATTERN_RANDOM;
    for (uint64_t n = 0; n < 64; n++) {
        same += stress_plan_page(&plan, n) == stress_plan_page(&plan, n + 64);
        same += stress_plan_page(&plan, n) == 1000 + n;
    }
    g_assert_cmpuint(same, <, 20);
    plan = make_plan(STRESS_PATTERN_HOT, 1000);
    for (uint64_t n = 0; n < 5000; n++) {
        hot += stress_plan_page(&plan, n) < 1000 + 100;
    }
    g_assert_cmpuint(hot, ==, 4500);
}

static void test_zero_share(void)
{
    StressPlan plan = make_plan(STRESS_PATTERN_SEQ, 64);
    static const unsigned percent[] = { 0, 25, 100 };

    for (size_t i = 0; i < G_N_ELEMENTS(percent); i++) {
        unsigned nr_zero = 0;

        plan.zero_percent = percent[i];
        for (uint64_t n = 0; n < 10000; n++) {
            nr_zero += stress_plan_is_zero(&plan, n);
        }
        g_assert_cmpuint(nr_zero, >=, percent[i] * 90);
        g_assert_cmpuint(nr_zero, <=, percent[i] * 110);
    }
}

static void test_page_content(void)
{
    StressPage page;
    g_autofree char *whole = NULL;
    g_autofree char *torn = NULL;
    g_autofree char *foreign = NULL;
    g_autofree char *zero = NULL;

    stress_page_fill(&page, 2, 77, 5);
    g_assert_true(stress_page_holds(&page, 2, 77, 5));
    g_assert_false(stress_page_holds(&page, 1, 77, 5));
    g_assert_false(stress_page_holds(&page, 2, 78, 5));
    g_assert_false(stress_page_holds(&page, 2, 77, 4));
    whole = stress_page_describe(&page);
    g_assert_cmpstr(whole, ==, "holds all of write 5 of thread 2 to page 77");
    for (unsigned i = 0; i < STRESS_PAGE_WORDS; i++) {
        page.word[i] ^= UINT64_C(1) << (i % 64);
        g_assert_false(stress_page_holds(&page, 2, 77, 5));
        page.word[i] ^= UINT64_C(1) << (i % 64);
    }
    page.word[300]++;
    torn = stress_page_describe(&page);
    g_assert_cmpstr(torn, ==,
                    "holds a part of write 5 of thread 2 to page 77");
    page.word[0] = 0xab;
    foreign = stress_page_describe(&page);
    g_assert_cmpstr(foreign, ==, "begins with 0x00000000000000ab, which no "
                    "stress thread wrote");
    memset(&page, 0, sizeof(page));
    g_assert_true(stress_page_is_zero(&page));
    zero = stress_page_describe(&page);
    g_assert_cmpstr(zero, ==, "is zero");
    page.word[511] = 1;
    g_assert_false(stress_page_is_zero(&page));
}

/* So many pages in @run_us, looking each @step_us. */
static uint64_t pace_pages(uint64_t rate, unsigned throttle, int64_t run_us,
                           int64_t step_us)
{
    StressPace pace;
    uint64_t nr_pages = 0;
    int wait_ms;

    stress_pace_start(&pace, rate, 5);
    for (int64_t now = 5; now <= run_us + 5; now += step_us) {
        unsigned nr;

        while ((nr = stress_pace_allow(&pace, throttle, now, &wait_ms)) > 0) {
            g_assert_cmpuint(nr, <=, STRESS_PACE_BURST);
            stress_pace_used(&pace, throttle, nr, now);
            nr_pages += nr;
        }
        g_assert_cmpint(wait_ms, >, 0);
        g_assert_cmpint(wait_ms, <=, 100);
    }
    return nr_pages;
}

static void test_pace_keeps_the_rate(void)
{
    g_assert_cmpuint(pace_pages(40960, 0, 10000000, 500), ==, 100);
    g_assert_cmpuint(pace_pages(4096 * 1000, 0, 10000000, 1000), ==, 10000);
    g_assert_cmpuint(pace_pages(4096 * 1000, 75, 10000000, 1000), ==, 2500);
    g_assert_cmpuint(pace_pages(4096 * 1000, 99, 10000000, 1000), ==, 100);
    /* slower than a page a second */
    g_assert_cmpuint(pace_pages(1024, 0, 20000000, 1000), ==, 5);
    /* what is missed for long is not made good */
    g_assert_cmpuint(pace_pages(4096 * 1000, 0, 10000000, 1000000), ==, 1000);
}

/* Whatever the rate, a thread gets up some hundred times a second, not more. */
static void test_pace_sleeps(void)
{
    static const uint64_t rates[] = { 1000 * KiB, 64 * MiB, 4 * GiB };

    for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
        StressPace pace;
        uint64_t nr_pages = 0;
        unsigned nr_waits = 0;
        int64_t now = 0;

        stress_pace_start(&pace, rates[i], now);
        while (now < 10000000) {
            int wait_ms = 0;
            unsigned nr = stress_pace_allow(&pace, 0, now, &wait_ms);

            nr_pages += nr;
            nr_waits += nr == 0;
            now += wait_ms * 1000;
            stress_pace_used(&pace, 0, nr, now);
        }
        g_assert_cmpuint(nr_waits, <=, 1300);
        g_assert_cmpuint(nr_pages, >=, rates[i] * 99 / 100 * 10 / 4096);
        g_assert_cmpuint(nr_pages, <=, rates[i] * 10 / 4096);
    }
}

static void test_pace_without_a_rate(void)
{
    StressPace pace;
    int wait_ms = 0;
    int64_t now = 0;
    int64_t work_us = 0;
    int64_t pause_us = 0;

    stress_pace_start(&pace, 0, now);
    g_assert_cmpuint(stress_pace_allow(&pace, 0, now, &wait_ms), ==,
                     STRESS_PACE_BURST);
    for (int i = 0; i < 10000; i++) {
        unsigned nr = stress_pace_allow(&pace, 80, now, &wait_ms);

        if (nr > 0) {
            now += 200;
            work_us += 200;
            stress_pace_used(&pace, 80, nr, now);
        } else {
            now += wait_ms * 1000;
            pause_us += wait_ms * 1000;
        }
    }
    g_assert_cmpint(pause_us, >=, work_us * 39 / 10);
    g_assert_cmpint(pause_us, <=, work_us * 41 / 10);
}

/*
 * A thread that writes all the time, for it cannot write as fast as its rate:
 * how much of a second it writes, in microseconds.
 */
static int64_t pace_busy_us(uint64_t rate, unsigned throttle)
{
    StressPace pace;
    int64_t now = 0;
    int64_t busy_us = 0;

    stress_pace_start(&pace, rate, now);
    while (now < 1000000) {
        int wait_ms = 0;
        unsigned nr = stress_pace_allow(&pace, throttle, now, &wait_ms);

        if (nr > 0) {
            now += nr * 10;
            busy_us += nr * 10;
            stress_pace_used(&pace, throttle, nr, now);
        } else {
            now += wait_ms * 1000;
        }
    }
    return busy_us;
}

static void test_pace_that_is_too_fast(void)
{
    static const unsigned throttles[] = { 0, 20, 50, 90, 99 };

    for (size_t i = 0; i < G_N_ELEMENTS(throttles); i++) {
        int64_t expected = (100 - throttles[i]) * 10000;

        for (int rated = 0; rated < 2; rated++) {
            int64_t busy_us = pace_busy_us(rated ? 1 * GiB : 0, throttles[i]);

            g_assert_cmpint(busy_us, >=, expected * 9 / 10);
            g_assert_cmpint(busy_us, <=, expected * 11 / 10);
        }
    }
}

/* A pause ends with its reason: a guest that may run again does. */
static void test_pace_is_let_go(void)
{
    StressPace pace;
    int wait_ms = 0;

    stress_pace_start(&pace, 0, 0);
    g_assert_cmpuint(stress_pace_allow(&pace, 99, 0, &wait_ms), >, 0);
    stress_pace_used(&pace, 99, 64, 100000);
    g_assert_cmpuint(stress_pace_allow(&pace, 99, 100000, &wait_ms), ==, 0);
    g_assert_cmpint(wait_ms, ==, 100);
    g_assert_cmpuint(stress_pace_allow(&pace, 0, 100000, &wait_ms), >, 0);
}

static bool parse(const char *text, StressOptions *o, Error **errp)
{
    KeyvalList *list = keyval_parse(text, "accel", NULL, errp);
    bool ok = list && stress_options_parse(o, list, 8 * MiB, errp);

    keyval_free(list);
    return ok;
}

static void test_options(void)
{
    StressOptions o;

    g_assert_true(stress_options_parse(&o, NULL, 8 * MiB, NULL));
    g_assert_cmpuint(o.nr_threads, ==, 1);
    g_assert_cmpuint(o.rate, ==, 64 * MiB);
    g_assert_cmpuint(o.pattern, ==, STRESS_PATTERN_SEQ);
    g_assert_cmpuint(o.zero_percent, ==, 0);
    g_assert_cmpuint(o.nr_pages, ==, 2048);
    g_assert_cmpuint(o.dirty, ==, STRESS_DIRTY_AUTO);
    g_assert_true(o.verify);
    g_assert_true(parse("stress,threads=4,rate=1G,pattern=hot,zero=30,size=1M,"
                        "dirty=soft,verify=off", &o, NULL));
    g_assert_cmpuint(o.nr_threads, ==, 4);
    g_assert_cmpuint(o.rate, ==, 1 * GiB);
    g_assert_cmpuint(o.pattern, ==, STRESS_PATTERN_HOT);
    g_assert_cmpuint(o.zero_percent, ==, 30);
    g_assert_cmpuint(o.nr_pages, ==, 256);
    g_assert_cmpuint(o.dirty, ==, STRESS_DIRTY_SOFT);
    g_assert_false(o.verify);
    g_assert_true(parse("stress,rate=0", &o, NULL));
    g_assert_cmpuint(o.rate, ==, 0);
}

static const struct {
    const char *name;
    const char *text;
    const char *message;
} bad_options[] = {
    { "no threads", "stress,threads=0",
      "-accel stress: threads=0 is not a number from 1 to 64" },
    { "too many threads", "stress,threads=65",
      "-accel stress: threads=65 is not a number from 1 to 64" },
    { "no number", "stress,threads=four",
      "-accel stress: threads=four is not a number from 1 to 64" },
    { "negative rate", "stress,rate=-1",
      "-accel stress: rate=-1 is not a size; write for instance 64M" },
    { "rate without bounds", "stress,rate=2T",
      "-accel stress: rate=2T is more than 1 TiB" },
    { "unknown pattern", "stress,pattern=zigzag",
      "-accel stress: pattern=zigzag is none of seq, random, hot" },
    { "more than all", "stress,zero=101",
      "-accel stress: zero=101 is not a number from 0 to 100" },
    { "more than there is", "stress,size=9M",
      "-accel stress: size=9M is more than 8 MiB" },
    { "half a page", "stress,size=1026K",
      "-accel stress: size=1050624 is no multiple of a page, 4096 bytes" },
    { "too little for all", "stress,threads=8,size=256K",
      "-accel stress: 8 threads need 512 KiB of RAM to write to, and have "
      "256" },
    { "unknown log", "stress,dirty=paper",
      "-accel stress: dirty=paper is none of auto, wp, soft" },
    { "maybe", "stress,verify=maybe",
      "-accel stress: verify=maybe is none of off, on" },
};

static void test_bad_options(gconstpointer opaque)
{
    size_t i = GPOINTER_TO_SIZE(opaque);
    StressOptions o = { .nr_threads = 99 };
    Error *err = NULL;

    g_assert_false(parse(bad_options[i].text, &o, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, bad_options[i].message);
    g_assert_cmpuint(o.nr_threads, ==, 99);
    error_free(err);
}

static void test_no_ram(void)
{
    StressOptions o;
    Error *err = NULL;

    g_assert_false(stress_options_parse(&o, NULL, 0, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "-accel stress has no RAM to "
                    "write to; give the machine some with -m");
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned i = 0; i < STRESS_PATTERN__MAX; i++) {
        g_autofree char *path = g_strdup_printf(
            "/stress-plan/the last write is found/%s", stress_pattern_str(i));

        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_inverse);
    }
    g_test_add_func("/stress-plan/orders", test_orders);
    g_test_add_func("/stress-plan/share of zero pages", test_zero_share);
    g_test_add_func("/stress-plan/what a page holds", test_page_content);
    g_test_add_func("/stress-plan/the rate is kept",
                    test_pace_keeps_the_rate);
    g_test_add_func("/stress-plan/a throttle without a rate",
                    test_pace_without_a_rate);
    g_test_add_func("/stress-plan/a thread sleeps in between",
                    test_pace_sleeps);
    g_test_add_func("/stress-plan/a rate that is never reached",
                    test_pace_that_is_too_fast);
    g_test_add_func("/stress-plan/a throttle is lifted", test_pace_is_let_go);
    g_test_add_func("/stress-plan/options", test_options);
    for (size_t i = 0; i < G_N_ELEMENTS(bad_options); i++) {
        g_autofree char *path = g_strdup_printf("/stress-plan/bad option/%s",
                                                bad_options[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_bad_options);
    }
    g_test_add_func("/stress-plan/no RAM", test_no_ram);
    return g_test_run();
}
