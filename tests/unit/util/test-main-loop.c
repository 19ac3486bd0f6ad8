/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the main loop's bottom halves.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"

#define NR 1000

typedef struct Log {
    MainLoop *loop;
    GArray *values;
} Log;

typedef struct Item {
    Log *log;
    int value;
} Item;

static void log_item(void *opaque)
{
    Item *item = opaque;

    g_array_append_val(item->log->values, item->value);
    if (item->value == NR - 1) {
        main_loop_quit(item->log->loop);
    }
}

static void log_init(Log *log)
{
    Error *err = NULL;

    log->loop = main_loop_new(NULL, &err);
    g_assert_null(err);
    log->values = g_array_new(FALSE, FALSE, sizeof(int));
}

static void log_clear(Log *log)
{
    main_loop_free(log->loop);
    g_array_unref(log->values);
}

static void *schedule_thread(void *opaque)
{
    Item *items = opaque;

    for (int i = 0; i < NR; i++) {
        main_loop_schedule(items[i].log->loop, log_item, &items[i]);
    }
    return NULL;
}

static void test_order_is_kept_across_threads(void)
{
    Item items[NR];
    QemuThread thread;
    Log log;

    log_init(&log);
    for (int i = 0; i < NR; i++) {
        items[i] = (Item) { &log, i };
    }
    qemu_thread_create(&thread, "scheduler", schedule_thread, items,
                       QEMU_THREAD_JOINABLE);
    main_loop_run(log.loop);
    qemu_thread_join(&thread);
    g_assert_cmpuint(log.values->len, ==, NR);
    for (int i = 0; i < NR; i++) {
        g_assert_cmpint(g_array_index(log.values, int, i), ==, i);
    }
    log_clear(&log);
}

static void test_cancelled_ones_do_not_run(void)
{
    Log log;
    Item items[2];

    log_init(&log);
    items[0] = (Item) { &log, 1 };
    items[1] = (Item) { &log, 2 };
    main_loop_schedule(log.loop, log_item, &items[0]);
    main_loop_schedule(log.loop, log_item, &items[1]);
    g_assert_cmpuint(main_loop_cancel(log.loop, log_item, &items[0]), ==, 1);
    g_assert_cmpuint(main_loop_drain(log.loop), ==, 1);
    g_assert_cmpuint(log.values->len, ==, 1);
    g_assert_cmpint(g_array_index(log.values, int, 0), ==, 2);
    log_clear(&log);
}

static void schedule_again(void *opaque)
{
    Item *item = opaque;

    item->value++;
    main_loop_schedule(item->log->loop, schedule_again, item);
}

static void test_drain_leaves_what_comes_meanwhile(void)
{
    Log log;
    Item item;

    log_init(&log);
    item = (Item) { &log, 0 };
    main_loop_schedule(log.loop, schedule_again, &item);
    g_assert_cmpuint(main_loop_drain(log.loop), ==, 1);
    g_assert_cmpuint(main_loop_drain(log.loop), ==, 1);
    g_assert_cmpint(item.value, ==, 2);
    log_clear(&log);
}

static void test_a_quit_before_the_run_counts(void)
{
    Log log;

    log_init(&log);
    main_loop_quit(log.loop);
    main_loop_run(log.loop);
    log_clear(&log);
}

/* ... once: the next run serves again. */
static void test_a_quit_counts_once(void)
{
    Log log;
    Item item;

    log_init(&log);
    item = (Item) { &log, NR - 1 };
    main_loop_quit(log.loop);
    main_loop_run(log.loop);
    main_loop_schedule(log.loop, log_item, &item);
    main_loop_run(log.loop);
    g_assert_cmpuint(log.values->len, ==, 1);
    log_clear(&log);
}

static void *other_thread(void *opaque)
{
    return GINT_TO_POINTER(main_loop_in_thread(opaque));
}

static void test_knows_its_thread(void)
{
    QemuThread thread;
    Log log;

    log_init(&log);
    g_assert_true(main_loop_in_thread(log.loop));
    qemu_thread_create(&thread, "other", other_thread, log.loop,
                       QEMU_THREAD_JOINABLE);
    g_assert_null(qemu_thread_join(&thread));
    log_clear(&log);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/main-loop/order-is-kept-across-threads",
                    test_order_is_kept_across_threads);
    g_test_add_func("/main-loop/cancelled-ones-do-not-run",
                    test_cancelled_ones_do_not_run);
    g_test_add_func("/main-loop/drain-leaves-what-comes-meanwhile",
                    test_drain_leaves_what_comes_meanwhile);
    g_test_add_func("/main-loop/a-quit-before-the-run-counts",
                    test_a_quit_before_the_run_counts);
    g_test_add_func("/main-loop/a-quit-counts-once", test_a_quit_counts_once);
    g_test_add_func("/main-loop/knows-its-thread", test_knows_its_thread);
    return g_test_run();
}
