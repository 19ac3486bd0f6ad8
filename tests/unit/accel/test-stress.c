/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stress accelerator: it writes while it runs and at no other time, its
 * state goes over to another one, which goes on there and notices each page
 * that is not as it must be.
 */
#include "qemu/osdep.h"

#include "accel/stress-page.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "stress-guest.h"

static uint8_t *page_host(const StressGuest *g, uint64_t page)
{
    uint64_t offset;
    RAMBlock *block = stress_locate(g->s, page, &offset);

    return block->host + offset;
}

static void test_writes_while_it_runs(gconstpointer options)
{
    StressGuest g;
    uint64_t nr;
    g_autofree char *wrong = NULL;

    stress_guest_init(&g, options);
    g_assert_cmpuint(ram_fixture_populated_pages(g.ram), ==, 0);
    g_assert_cmpuint(stress_guest_nr_writes(&g), ==, 0);
    stress_guest_run(&g, 500);
    nr = stress_guest_nr_writes(&g);
    wrong = stress_guest_check(&g);
    g_assert_cmpstr(wrong, ==, NULL);
    g_assert_cmpuint(stress_guest_nr_writes(&g), ==, nr);
    stress_guest_run(&g, 500);
    g_assert_cmpuint(stress_guest_nr_writes(&g), >, nr);
    wrong = stress_guest_check(&g);
    g_assert_cmpstr(wrong, ==, NULL);
    g_assert_null(g.reason);
    stress_guest_clear(&g);
}

static void test_size_is_kept(void)
{
    StressGuest g;

    stress_guest_init(&g, "stress,rate=0,size=256K");
    stress_guest_run(&g, 300);
    g_assert_cmpuint(ram_fixture_populated_pages(g.ram), ==, 64);
    stress_guest_clear(&g);
}

static void test_state_goes_over(gconstpointer options)
{
    StressGuest a, b;
    Error *err = NULL;
    g_autofree char *wrong = NULL;

    stress_guest_init(&a, options);
    stress_guest_init(&b, options);
    stress_guest_run(&a, 700);
    g_assert_true(stress_guest_move(&b, &a, &err));
    g_assert_cmpuint(stress_guest_nr_writes(&b), ==,
                     stress_guest_nr_writes(&a));
    g_assert_true(b.s->threads[0].check);
    stress_guest_run(&b, 700);
    g_assert_false(b.s->threads[0].check);
    g_assert_cmpuint(stress_guest_nr_writes(&b), >, stress_guest_nr_writes(&a));
    wrong = stress_guest_check(&b);
    g_assert_cmpstr(wrong, ==, NULL);
    g_assert_null(b.reason);
    stress_guest_clear(&b);
    stress_guest_clear(&a);
}

typedef struct Corruption {
    const char *name;
    void (*spoil)(StressGuest *g, uint64_t page);
    const char *found;
} Corruption;

static void spoil_byte(StressGuest *g, uint64_t page)
{
    page_host(g, page)[4095] ^= 1;
}

static void spoil_zero(StressGuest *g, uint64_t page)
{
    memset(page_host(g, page), 0, TARGET_PAGE_SIZE);
}

static void spoil_swap(StressGuest *g, uint64_t page)
{
    memcpy(page_host(g, page), page_host(g, page + 1), TARGET_PAGE_SIZE);
}

/* The write before the last: whole, but old. */
static void spoil_old(StressGuest *g, uint64_t page)
{
    StressThread *t = &g->s->threads[0];
    StressPage old;
    uint64_t write;

    g_assert_true(stress_plan_last_write(&t->plan, page, t->nr_writes,
                                         &write));
    stress_page_fill(&old, 0, page, write - t->plan.nr_pages);
    memcpy(page_host(g, page), &old, sizeof(old));
}

static const Corruption corruptions[] = {
    { "a byte", spoil_byte, "but holds a part of write " },
    { "zero", spoil_zero, "but is zero; 1 of the thread's 384 pages" },
    { "another page", spoil_swap, " of thread 0 to page 301; 1 of " },
    { "an older write", spoil_old, "but holds all of write " },
};

/* Each is found by the look at all pages, far from where writes go on. */
static void test_corruption_after_load(gconstpointer opaque)
{
    const Corruption *c = opaque;
    StressGuest a, b;
    const char *reason;

    stress_guest_init(&a, "stress,rate=0");
    stress_guest_init(&b, "stress,rate=1");
    stress_guest_run(&a, 1000);
    g_assert_true(stress_guest_move(&b, &a, NULL));
    c->spoil(&b, 300);
    reason = stress_guest_run_to_the_end(&b);
    g_assert_true(g_str_has_prefix(reason, "stress: page 300 (RAM block 'b', "
                                   "offset 0x2c000) must hold write "));
    g_assert_nonnull(strstr(reason, c->found));
    g_assert_cmpuint(stress_guest_nr_writes(&b), ==,
                     stress_guest_nr_writes(&a));
    stress_guest_clear(&b);
    stress_guest_clear(&a);
}

static void test_zero_that_is_not(void)
{
    StressGuest a, b;
    const char *reason;

    stress_guest_init(&a, "stress,zero=100,rate=0");
    stress_guest_init(&b, "stress,zero=100,rate=0");
    stress_guest_run(&a, 1000);
    g_assert_true(stress_guest_move(&b, &a, NULL));
    page_host(&b, 8)[17] = 1;
    reason = stress_guest_run_to_the_end(&b);
    g_assert_nonnull(strstr(reason, ", which is zero, of thread 0, but begins "
                                    "with 0x0000000000000000, which no"));
    stress_guest_clear(&b);
    stress_guest_clear(&a);
}

/* Without a load before: found when the page's turn comes. */
static void test_corruption_while_it_runs(void)
{
    StressGuest g;

    stress_guest_init(&g, "stress,rate=0,pattern=random,threads=2");
    stress_guest_run(&g, 1000);
    spoil_byte(&g, 200);
    g_assert_true(g_str_has_prefix(stress_guest_run_to_the_end(&g),
                                   "stress: page 200 "));
    stress_guest_clear(&g);
}

static void test_verify_off(void)
{
    StressGuest a, b;

    stress_guest_init(&a, "stress,rate=0");
    stress_guest_init(&b, "stress,rate=0,verify=off");
    stress_guest_run(&a, 1000);
    g_assert_true(stress_guest_move(&b, &a, NULL));
    spoil_byte(&b, 200);
    stress_guest_run(&b, 1000);
    g_assert_null(b.reason);
    stress_guest_clear(&b);
    stress_guest_clear(&a);
}

static const struct {
    const char *name;
    const char *options;
    const char *theirs;
} others[] = {
    { "threads", "stress,threads=3", "threads=3,pattern=seq,zero=0" },
    { "pattern", "stress,threads=2,pattern=hot", "pattern=hot" },
    { "zero", "stress,threads=2,zero=5", "zero=5" },
    { "size", "stress,threads=2,size=1M", "size=1048576" },
};

static void test_other_parameters(gconstpointer opaque)
{
    size_t i = GPOINTER_TO_SIZE(opaque);
    StressGuest a, b;
    Error *err = NULL;

    stress_guest_init(&a, "stress,threads=2");
    stress_guest_init(&b, others[i].options);
    g_assert_false(stress_guest_move(&b, &a, &err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err), "the guest comes "
        "with threads=2,pattern=seq,zero=0,size=1572864, but this machine has "
        "-accel stress,threads="));
    g_assert_nonnull(strstr(error_get_pretty(err), others[i].theirs));
    g_assert_cmpuint(stress_guest_nr_writes(&b), ==, 0);
    error_free(err);
    stress_guest_clear(&b);
    stress_guest_clear(&a);
}

static const struct {
    const char *name;
    StressState state;
} impossible[] = {
    { "no threads", { .nr_threads = 0, .nr_pages = 64 } },
    { "too many threads",
      { .nr_threads = STRESS_THREADS_MAX + 1, .nr_pages = 65536 } },
    { "pattern",
      { .nr_threads = 1, .pattern = STRESS_PATTERN__MAX, .nr_pages = 64 } },
    { "zero", { .nr_threads = 1, .zero_percent = 101, .nr_pages = 64 } },
    { "too few pages", { .nr_threads = 4, .nr_pages = 63 } },
    /* as many bytes as 64 pages have, by an overflow */
    { "too many pages",
      { .nr_threads = 4, .nr_pages = (UINT64_C(1) << 52) + 64 } },
    { "a position out of reach",
      { .nr_threads = 2, .nr_pages = 64, .nr_writes = { 5, UINT64_MAX } } },
    { "a thread too many",
      { .nr_threads = 2, .nr_pages = 64, .nr_writes = { 5, 5, 1 } } },
};

static void test_impossible_state(gconstpointer opaque)
{
    size_t i = GPOINTER_TO_SIZE(opaque);
    Error *err = NULL;

    g_assert_false(vmstate_stress.validate(&impossible[i].state, 1, &err));
    g_assert_nonnull(strstr(error_get_pretty(err),
                            " is no state of a stress accelerator"));
    error_free(err);
}

static void test_possible_state(void)
{
    StressState state = {
        .nr_threads = 4, .pattern = STRESS_PATTERN_HOT, .zero_percent = 100,
        .nr_pages = 64, .nr_writes = { 1, 0, UINT64_C(1) << 56, 3 },
    };

    g_assert_true(vmstate_stress.validate(&state, 1, NULL));
}

/* A thread that waits for its next page, far off, is not waited for. */
static void test_stop_ends_a_wait(void)
{
    StressGuest g;

    stress_guest_init(&g, "stress,threads=4,rate=1");
    for (int i = 0; i < 200; i++) {
        accel_stress.start(g.accel);
        g_thread_yield();
        accel_stress.stop(g.accel);
        g_assert_cmpuint(g.s->nr_active, ==, 0);
    }
    /* at a page an hour: 200 waits of any length would not end */
    g_assert_cmpuint(stress_guest_nr_writes(&g), <=, 4);
    stress_guest_clear(&g);
}

/* Freed as it runs down: threads that never ran, and ones that did. */
static void test_free_at_once(void)
{
    StressGuest g;

    for (int i = 0; i < 20; i++) {
        stress_guest_init(&g, "stress,threads=3");
        stress_guest_clear(&g);
    }
}

/* Never more than its rate, whatever the machine does. */
static void test_rate_is_a_limit(gconstpointer opaque)
{
    unsigned throttle = GPOINTER_TO_UINT(opaque);
    uint64_t rate = 4096 * 4000;
    int64_t begin_us, elapsed_us;
    StressGuest g;

    stress_guest_init(&g, "stress,threads=2,rate=16384000");
    accel_stress.throttle(g.accel, throttle);
    begin_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME);
    accel_stress.start(g.accel);
    WITH_QEMU_LOCK_GUARD(&g.lock) {
        while (qemu_clock_get_us(QEMU_CLOCK_REALTIME) - begin_us < 200000) {
            qemu_cond_timedwait(&g.cond, &g.lock, 50);
        }
    }
    accel_stress.stop(g.accel);
    elapsed_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME) - begin_us;
    g_assert_cmpuint(stress_guest_nr_writes(&g), >, 0);
    g_assert_cmpuint(stress_guest_nr_writes(&g) * 4096 * 1000000, <=,
                     rate * (100 - throttle) / 100 * (uint64_t)elapsed_us);
    stress_guest_clear(&g);
}

/* What it registers under: the name on the wire. */
static void test_section(void)
{
    g_autoptr(VMStateRegistry) reg = vmstate_registry_new();
    StressGuest g;

    stress_guest_init(&g, "stress");
    g_assert_true(accel_stress.register_sections(g.accel, reg, NULL));
    g_assert_false(vmstate_register(reg, "stress", 0, &vmstate_stress,
                                    &g.s->state, NULL));
    stress_guest_clear(&g);
}

static const char *const loads[] = {
    "stress,rate=0",
    "stress,rate=0,threads=3,pattern=random",
    "stress,rate=0,threads=2,pattern=hot,zero=40",
    "stress,rate=0,dirty=soft,zero=100",
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(loads); i++) {
        g_autofree char *runs = g_strdup_printf(
            "/stress/writes while it runs/%s", loads[i]);
        g_autofree char *moves = g_strdup_printf(
            "/stress/the state goes over/%s", loads[i]);

        g_test_add_data_func(runs, loads[i], test_writes_while_it_runs);
        g_test_add_data_func(moves, loads[i], test_state_goes_over);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(corruptions); i++) {
        g_autofree char *path = g_strdup_printf(
            "/stress/a wrong page ends the guest/%s", corruptions[i].name);

        g_test_add_data_func(path, &corruptions[i],
                             test_corruption_after_load);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *path = g_strdup_printf(
            "/stress/other parameters are refused/%s", others[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i),
                             test_other_parameters);
    }
    g_test_add_func("/stress/a wrong page ends the guest/not zero",
                    test_zero_that_is_not);
    g_test_add_func("/stress/a wrong page ends the guest/in its turn",
                    test_corruption_while_it_runs);
    g_test_add_func("/stress/verify is off", test_verify_off);
    g_test_add_func("/stress/no more than the size", test_size_is_kept);
    for (size_t i = 0; i < G_N_ELEMENTS(impossible); i++) {
        g_autofree char *path = g_strdup_printf(
            "/stress/an impossible state is refused/%s", impossible[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i),
                             test_impossible_state);
    }
    g_test_add_func("/stress/a possible state", test_possible_state);
    g_test_add_func("/stress/stop ends a wait", test_stop_ends_a_wait);
    g_test_add_func("/stress/free at once", test_free_at_once);
    g_test_add_data_func("/stress/the rate is a limit/plain",
                         GUINT_TO_POINTER(0), test_rate_is_a_limit);
    g_test_add_data_func("/stress/the rate is a limit/throttled",
                         GUINT_TO_POINTER(75), test_rate_is_a_limit);
    g_test_add_func("/stress/section", test_section);
    return g_test_run();
}
