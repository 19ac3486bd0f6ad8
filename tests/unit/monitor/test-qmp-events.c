/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue of events: who gets which, from which thread, in which order.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "monitor/events.h"
#include "qemu/thread.h"

#define NR_EVENTS 1000

typedef struct Fixture {
    MainLoop *loop;
    MonitorEvents *events;
    GPtrArray *lines;       /* what the listener heard */
    guint until;            /* end the loop after so many; 0: never */
} Fixture;

static void fixture_init(Fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->loop = main_loop_new(NULL, NULL);
    f->events = monitor_events_new(f->loop);
    f->lines = g_ptr_array_new_with_free_func(g_free);
}

static void fixture_clear(Fixture *f)
{
    monitor_events_free(f->events);
    main_loop_free(f->loop);
    g_ptr_array_unref(f->lines);
}

static void listen_func(const char *line, void *opaque)
{
    Fixture *f = opaque;

    g_ptr_array_add(f->lines, g_strdup(line));
    if (f->until && f->lines->len == f->until) {
        main_loop_quit(f->loop);
    }
}

static void emit(Fixture *f, int number)
{
    QapiEventSink *sink = monitor_events_sink(f->events);

    sink->emit(sink->opaque, 0, "TEST", json_object_new_int(number));
}

static void expect_numbers(Fixture *f, int first, int nr)
{
    g_assert_cmpint(f->lines->len, ==, nr);
    for (int i = 0; i < nr; i++) {
        g_assert_cmpint(g_ascii_strtoll(g_ptr_array_index(f->lines, i), NULL,
                                        10), ==, first + i);
    }
}

static void test_at_once(void)
{
    Fixture f;

    fixture_init(&f);
    monitor_events_listen(f.events, listen_func, &f);
    emit(&f, 1);
    expect_numbers(&f, 1, 1);
    monitor_events_unlisten(f.events, &f);
    emit(&f, 2);
    expect_numbers(&f, 1, 1);
    fixture_clear(&f);
}

static void *emit_many(void *opaque)
{
    for (int i = 0; i < NR_EVENTS; i++) {
        emit(opaque, i);
    }
    return NULL;
}

static void test_other_thread(void)
{
    QemuThread thread;
    Fixture f;

    fixture_init(&f);
    f.until = NR_EVENTS;
    monitor_events_listen(f.events, listen_func, &f);
    qemu_thread_create(&thread, "emitter", emit_many, &f,
                       QEMU_THREAD_JOINABLE);
    main_loop_run(f.loop);
    qemu_thread_join(&thread);
    expect_numbers(&f, 0, NR_EVENTS);
    fixture_clear(&f);
}

/* What another thread has queued goes out before what the loop's adds. */
static void test_order(void)
{
    QemuThread thread;
    Fixture f;

    fixture_init(&f);
    monitor_events_listen(f.events, listen_func, &f);
    qemu_thread_create(&thread, "emitter", emit_many, &f,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    g_assert_cmpint(f.lines->len, ==, 0);
    emit(&f, NR_EVENTS);
    expect_numbers(&f, 0, NR_EVENTS + 1);
    /* the bottom half finds nothing left to do */
    g_assert_cmpint(main_loop_drain(f.loop), ==, 1);
    expect_numbers(&f, 0, NR_EVENTS + 1);
    fixture_clear(&f);
}

static void test_late_listener(void)
{
    QemuThread thread;
    Fixture f;

    fixture_init(&f);
    qemu_thread_create(&thread, "emitter", emit_many, &f,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    monitor_events_listen(f.events, listen_func, &f);
    monitor_events_flush(f.events);
    g_assert_cmpint(f.lines->len, ==, 0);
    fixture_clear(&f);
}

static void leave_func(const char *line, void *opaque)
{
    Fixture *f = opaque;

    listen_func(line, f);
    monitor_events_unlisten(f->events, f);
}

static void test_leave_while_called(void)
{
    Fixture f, other;

    fixture_init(&f);
    memset(&other, 0, sizeof(other));
    other.lines = g_ptr_array_new_with_free_func(g_free);
    monitor_events_listen(f.events, leave_func, &f);
    monitor_events_listen(f.events, listen_func, &other);
    emit(&f, 1);
    emit(&f, 2);
    expect_numbers(&f, 1, 1);
    expect_numbers(&other, 1, 2);
    monitor_events_unlisten(f.events, &other);
    g_ptr_array_unref(other.lines);
    fixture_clear(&f);
}

static void test_free_with_queue(void)
{
    QemuThread thread;
    Fixture f;

    fixture_init(&f);
    qemu_thread_create(&thread, "emitter", emit_many, &f,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    fixture_clear(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-events/at once in the loop's thread", test_at_once);
    g_test_add_func("/qmp-events/from another thread", test_other_thread);
    g_test_add_func("/qmp-events/order between threads", test_order);
    g_test_add_func("/qmp-events/late listener", test_late_listener);
    g_test_add_func("/qmp-events/leave while called", test_leave_while_called);
    g_test_add_func("/qmp-events/free with events queued",
                    test_free_with_queue);
    return g_test_run();
}
