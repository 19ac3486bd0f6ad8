/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run states: which change follows which, what the accelerator is told, and
 * what QMP clients hear.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "qapi/error.h"
#include "system/runstate.h"

typedef struct Fixture {
    Accel accel;
    QapiEventSink sink;
    GString *log;           /* events and accelerator calls */
    VmRunState *rs;
} Fixture;

static void accel_start(Accel *accel)
{
    Fixture *f = container_of(accel, Fixture, accel);

    g_string_append(f->log, "start ");
}

static void accel_stop(Accel *accel)
{
    Fixture *f = container_of(accel, Fixture, accel);

    g_string_append(f->log, "stop ");
}

static const AccelOps accel_ops = {
    .name = "test",
    .start = accel_start,
    .stop = accel_stop,
};

static void accel_hold(Accel *accel, bool held)
{
    Fixture *f = container_of(accel, Fixture, accel);

    g_string_append(f->log, held ? "hold " : "let-go ");
}

static const AccelOps accel_ops_hold = {
    .name = "test",
    .start = accel_start,
    .stop = accel_stop,
    .hold = accel_hold,
};

static void emit(void *opaque, unsigned event_enum, const char *name,
                 struct json_object *event)
{
    Fixture *f = opaque;

    g_string_append_printf(f->log, "%s ", name);
    json_object_put(event);
}

static void fixture_init(Fixture *f, bool incoming, bool autostart)
{
    memset(f, 0, sizeof(*f));
    f->accel.ops = &accel_ops;
    f->sink.emit = emit;
    f->sink.opaque = f;
    f->log = g_string_new(NULL);
    f->rs = runstate_new(&f->accel, &f->sink, incoming, autostart);
}

static void fixture_clear(Fixture *f)
{
    runstate_free(f->rs);
    g_string_free(f->log, true);
}

static void expect(Fixture *f, RunState state, const char *log)
{
    g_assert_cmpstr(RunState_str(runstate_get(f->rs)), ==,
                    RunState_str(state));
    g_assert_cmpstr(f->log->str, ==, log);
    g_string_truncate(f->log, 0);
}

static void cont(Fixture *f)
{
    Error *err = NULL;

    g_assert_true(runstate_cont(f->rs, &err));
    g_assert_null(err);
}

static void expect_no_cont(Fixture *f)
{
    g_autoptr(Error) err = NULL;

    g_assert_false(runstate_cont(f->rs, &err));
    g_assert_nonnull(err);
}

static void test_launch(void)
{
    Fixture f;

    fixture_init(&f, false, true);
    expect(&f, RUN_STATE_PRELAUNCH, "");
    runstate_launch(f.rs);
    expect(&f, RUN_STATE_RUNNING, "RESUME start ");
    fixture_clear(&f);

    fixture_init(&f, false, false);
    runstate_launch(f.rs);
    expect(&f, RUN_STATE_PRELAUNCH, "");
    fixture_clear(&f);

    fixture_init(&f, true, true);
    runstate_launch(f.rs);
    expect(&f, RUN_STATE_INMIGRATE, "");
    fixture_clear(&f);
}

static void test_stop_cont(void)
{
    Fixture f;

    fixture_init(&f, false, false);
    runstate_stop(f.rs);
    expect(&f, RUN_STATE_PRELAUNCH, "");
    cont(&f);
    expect(&f, RUN_STATE_RUNNING, "RESUME start ");
    cont(&f);
    expect(&f, RUN_STATE_RUNNING, "");
    runstate_stop(f.rs);
    expect(&f, RUN_STATE_PAUSED, "stop STOP ");
    runstate_stop(f.rs);
    expect(&f, RUN_STATE_PAUSED, "");
    cont(&f);
    expect(&f, RUN_STATE_RUNNING, "RESUME start ");
    fixture_clear(&f);
}

static void test_migrated(void)
{
    Fixture f;

    fixture_init(&f, false, true);
    runstate_launch(f.rs);
    expect(&f, RUN_STATE_RUNNING, "RESUME start ");
    g_assert_true(runstate_can_migrate(f.rs, NULL));
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    expect(&f, RUN_STATE_FINISH_MIGRATE, "stop STOP ");
    g_assert_cmpint(runstate_to_send(f.rs), ==, RUN_STATE_RUNNING);
    expect_no_cont(&f);
    runstate_migrated(f.rs);
    expect(&f, RUN_STATE_POSTMIGRATE, "");
    g_assert_false(runstate_can_migrate(f.rs, NULL));
    runstate_stop(f.rs);
    expect(&f, RUN_STATE_POSTMIGRATE, "");
    cont(&f);
    expect(&f, RUN_STATE_RUNNING, "RESUME start ");
    g_assert_true(runstate_can_migrate(f.rs, NULL));
    fixture_clear(&f);
}

static void test_migrate_failed(void)
{
    Fixture f;

    fixture_init(&f, false, true);
    runstate_launch(f.rs);
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    g_string_truncate(f.log, 0);
    runstate_migrate_failed(f.rs);
    expect(&f, RUN_STATE_RUNNING, "RESUME start ");
    runstate_stop(f.rs);
    g_string_truncate(f.log, 0);
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    g_assert_cmpint(runstate_to_send(f.rs), ==, RUN_STATE_PAUSED);
    runstate_migrate_failed(f.rs);
    expect(&f, RUN_STATE_PAUSED, "");
    fixture_clear(&f);
}

/* From the switchover on, be the guest running before or not. */
static void test_memory_is_held(void)
{
    Fixture f;

    fixture_init(&f, false, true);
    f.accel.ops = &accel_ops_hold;
    runstate_launch(f.rs);
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    expect(&f, RUN_STATE_FINISH_MIGRATE, "RESUME start stop hold STOP ");
    runstate_migrate_failed(f.rs);
    expect(&f, RUN_STATE_RUNNING, "let-go RESUME start ");
    runstate_stop(f.rs);
    expect(&f, RUN_STATE_PAUSED, "stop STOP ");
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    expect(&f, RUN_STATE_FINISH_MIGRATE, "hold ");
    runstate_migrated(f.rs);
    expect(&f, RUN_STATE_POSTMIGRATE, "");
    cont(&f);
    expect(&f, RUN_STATE_RUNNING, "let-go RESUME start ");
    fixture_clear(&f);
}

/* As long as a migration pauses before switchover, nobody else decides. */
static void test_finish_migrate(void)
{
    Fixture f;
    Error *err = NULL;

    fixture_init(&f, false, false);
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    g_string_truncate(f.log, 0);
    g_assert_false(runstate_cont(f.rs, &err));
    g_assert_nonnull(err);
    error_free(err);
    expect(&f, RUN_STATE_FINISH_MIGRATE, "");
    g_assert_cmpint(runstate_to_send(f.rs), ==, RUN_STATE_PRELAUNCH);
    runstate_migrate_failed(f.rs);
    expect(&f, RUN_STATE_PRELAUNCH, "");
    fixture_clear(&f);
}

static void test_stop_during_switchover(void)
{
    Fixture f;

    fixture_init(&f, false, true);
    runstate_launch(f.rs);
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    runstate_stop(f.rs);
    g_string_truncate(f.log, 0);
    runstate_migrate_failed(f.rs);
    expect(&f, RUN_STATE_PAUSED, "");
    fixture_clear(&f);
}

static void test_incoming(void)
{
    static const struct {
        bool autostart;
        RunState sent;
        RunState expected;
    } cases[] = {
        { true, RUN_STATE__MAX, RUN_STATE_RUNNING },
        { false, RUN_STATE__MAX, RUN_STATE_PAUSED },
        { true, RUN_STATE_RUNNING, RUN_STATE_RUNNING },
        { false, RUN_STATE_RUNNING, RUN_STATE_PAUSED },
        { true, RUN_STATE_PAUSED, RUN_STATE_PAUSED },
        { true, RUN_STATE_PRELAUNCH, RUN_STATE_PRELAUNCH },
        { false, RUN_STATE_PRELAUNCH, RUN_STATE_PRELAUNCH },
        { true, RUN_STATE_SHUTDOWN, RUN_STATE_SHUTDOWN },
        { true, RUN_STATE_SUSPENDED, RUN_STATE_RUNNING },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Fixture f;

        fixture_init(&f, true, cases[i].autostart);
        g_assert_false(runstate_can_migrate(f.rs, NULL));
        runstate_incoming_done(f.rs, cases[i].sent);
        expect(&f, cases[i].expected,
               cases[i].expected == RUN_STATE_RUNNING ? "RESUME start " : "");
        g_assert_true(runstate_can_migrate(f.rs, NULL));
        fixture_clear(&f);
    }
}

static void test_incoming_stop_cont(void)
{
    Fixture f;

    fixture_init(&f, true, true);
    runstate_stop(f.rs);
    expect(&f, RUN_STATE_INMIGRATE, "");
    runstate_incoming_done(f.rs, RUN_STATE_RUNNING);
    expect(&f, RUN_STATE_PAUSED, "");
    fixture_clear(&f);

    fixture_init(&f, true, false);
    cont(&f);
    expect(&f, RUN_STATE_INMIGRATE, "");
    runstate_incoming_done(f.rs, RUN_STATE_RUNNING);
    expect(&f, RUN_STATE_RUNNING, "RESUME start ");
    fixture_clear(&f);
}

static void test_needs_reset(void)
{
    Fixture f;

    fixture_init(&f, true, true);
    runstate_incoming_done(f.rs, RUN_STATE_SHUTDOWN);
    expect_no_cont(&f);
    expect(&f, RUN_STATE_SHUTDOWN, "");
    fixture_clear(&f);
}

static void test_receivable(void)
{
    g_assert_true(runstate_is_receivable(RUN_STATE_PRELAUNCH));
    g_assert_false(runstate_is_receivable(RUN_STATE_INMIGRATE));
    g_assert_false(runstate_is_receivable(RUN_STATE_FINISH_MIGRATE));
    g_assert_false(runstate_is_receivable(RUN_STATE_SAVE_VM));
    g_assert_false(runstate_is_receivable(RUN_STATE__MAX));
}

static void test_shutdown(void)
{
    Fixture f;

    fixture_init(&f, false, true);
    runstate_launch(f.rs);
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    g_string_truncate(f.log, 0);
    runstate_shutdown(f.rs, SHUTDOWN_CAUSE_HOST_QMP_QUIT);
    runstate_shutdown(f.rs, SHUTDOWN_CAUSE_HOST_SIGNAL);
    expect(&f, RUN_STATE_FINISH_MIGRATE, "SHUTDOWN ");
    /* the guest is whole, and does not run for the last milliseconds */
    runstate_migrate_failed(f.rs);
    expect(&f, RUN_STATE_PAUSED, "");
    g_assert_false(runstate_finish_migrate(f.rs, NULL));
    runstate_end(f.rs);
    expect(&f, RUN_STATE_SHUTDOWN, "");
    fixture_clear(&f);
}

/* The program ends because of a failure, which no client is told of. */
static void test_kept_stopped(void)
{
    Fixture f;

    fixture_init(&f, false, true);
    runstate_launch(f.rs);
    g_assert_true(runstate_finish_migrate(f.rs, NULL));
    g_string_truncate(f.log, 0);
    runstate_keep_stopped(f.rs);
    runstate_migrate_failed(f.rs);
    expect(&f, RUN_STATE_PAUSED, "");
    fixture_clear(&f);

    fixture_init(&f, true, true);
    runstate_keep_stopped(f.rs);
    runstate_incoming_done(f.rs, RUN_STATE_RUNNING);
    expect(&f, RUN_STATE_PAUSED, "");
    fixture_clear(&f);
}

static void test_end(void)
{
    Fixture f;

    fixture_init(&f, false, true);
    runstate_launch(f.rs);
    g_string_truncate(f.log, 0);
    runstate_end(f.rs);
    expect(&f, RUN_STATE_SHUTDOWN, "stop ");
    fixture_clear(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/runstate/launch", test_launch);
    g_test_add_func("/runstate/stop and cont", test_stop_cont);
    g_test_add_func("/runstate/migrated", test_migrated);
    g_test_add_func("/runstate/migration failed", test_migrate_failed);
    g_test_add_func("/runstate/memory is held", test_memory_is_held);
    g_test_add_func("/runstate/finish-migrate", test_finish_migrate);
    g_test_add_func("/runstate/stop during switchover",
                    test_stop_during_switchover);
    g_test_add_func("/runstate/incoming", test_incoming);
    g_test_add_func("/runstate/stop and cont while incoming",
                    test_incoming_stop_cont);
    g_test_add_func("/runstate/state that needs a reset", test_needs_reset);
    g_test_add_func("/runstate/states that can arrive", test_receivable);
    g_test_add_func("/runstate/shutdown", test_shutdown);
    g_test_add_func("/runstate/kept stopped", test_kept_stopped);
    g_test_add_func("/runstate/end", test_end);
    return g_test_run();
}
