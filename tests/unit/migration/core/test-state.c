/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/core/state.c: which status may follow which, what clients
 * are told, and which reason stays.
 */
#include "qemu/osdep.h"
#include <json-c/json.h>
#include "migration/core/state.h"

typedef struct Stating {
    MigrationLive live;
    QapiEventSink events;
    MigrationState state;
    GString *told;              /* statuses in order, each with a blank */
} Stating;

static void stating_emit(void *opaque, unsigned event_enum, const char *name,
                         struct json_object *event)
{
    Stating *s = opaque;
    struct json_object *data = NULL;
    struct json_object *status = NULL;

    g_assert_cmpstr(name, ==, "MIGRATION");
    g_assert_true(json_object_object_get_ex(event, "data", &data));
    g_assert_true(json_object_object_get_ex(data, "status", &status));
    g_string_append_printf(s->told, "%s ", json_object_get_string(status));
    json_object_put(event);
}

static void stating_init(Stating *s)
{
    *s = (Stating) {
        .live.events = true,
        .events = { .emit = stating_emit, .opaque = s },
        .told = g_string_new(NULL),
    };
    migration_state_init(&s->state, "source", &s->events, &s->live);
}

static void stating_clear(Stating *s)
{
    migration_state_destroy(&s->state);
    g_string_free(s->told, TRUE);
}

/* Puts the state where a test wants it, by legal moves. */
static void stating_go(Stating *s, const MigrationStatus *path, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        g_assert_true(migration_state_move(&s->state, path[i], path[i + 1]));
    }
    g_string_truncate(s->told, 0);
}

#define NONE MIGRATION_STATUS_NONE
#define SETUP MIGRATION_STATUS_SETUP
#define ACTIVE MIGRATION_STATUS_ACTIVE
#define PRE_SWITCHOVER MIGRATION_STATUS_PRE_SWITCHOVER
#define DEVICE MIGRATION_STATUS_DEVICE
#define COMPLETED MIGRATION_STATUS_COMPLETED
#define FAILED MIGRATION_STATUS_FAILED
#define CANCELLING MIGRATION_STATUS_CANCELLING
#define CANCELLED MIGRATION_STATUS_CANCELLED

/* How to get to a status, and all that may follow it. */
static const struct {
    MigrationStatus path[6];
    size_t path_len;
    MigrationStatus next[5];
    size_t nr_next;
} cases[] = {
    { { NONE }, 1, { SETUP }, 1 },
    { { NONE, SETUP }, 2, { ACTIVE, CANCELLING, FAILED }, 3 },
    { { NONE, SETUP, ACTIVE }, 3,
      { PRE_SWITCHOVER, DEVICE, COMPLETED, CANCELLING, FAILED }, 5 },
    { { NONE, SETUP, ACTIVE, PRE_SWITCHOVER }, 4,
      { DEVICE, CANCELLING, FAILED }, 3 },
    { { NONE, SETUP, ACTIVE, PRE_SWITCHOVER, DEVICE }, 5,
      { COMPLETED, CANCELLING, FAILED }, 3 },
    { { NONE, SETUP, ACTIVE, DEVICE }, 4,
      { COMPLETED, CANCELLING, FAILED }, 3 },
    { { NONE, SETUP, CANCELLING }, 3, { CANCELLED, COMPLETED }, 2 },
    { { NONE, SETUP, ACTIVE, COMPLETED }, 4, { 0 }, 0 },
    { { NONE, SETUP, FAILED }, 3, { 0 }, 0 },
    { { NONE, SETUP, CANCELLING, CANCELLED }, 4, { 0 }, 0 },
};

static bool may_follow(size_t c, MigrationStatus to)
{
    for (size_t i = 0; i < cases[c].nr_next; i++) {
        if (cases[c].next[i] == to) {
            return true;
        }
    }
    return false;
}

static void test_only_legal_moves(void)
{
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        MigrationStatus from = cases[c].path[cases[c].path_len - 1];

        for (int to = 0; to < MIGRATION_STATUS__MAX; to++) {
            Stating s;
            bool legal = may_follow(c, to);

            stating_init(&s);
            stating_go(&s, cases[c].path, cases[c].path_len);
            g_test_message("%s to %s", MigrationStatus_str(from),
                           MigrationStatus_str(to));
            g_assert_cmpint(migration_state_move(&s.state, from, to), ==,
                            legal);
            g_assert_cmpint(migration_state_get(&s.state), ==,
                            legal ? (MigrationStatus)to : from);
            g_assert_cmpint(s.told->len > 0, ==, legal);
            stating_clear(&s);
        }
    }
}

static void test_a_move_from_another_status_changes_nothing(void)
{
    Stating s;

    stating_init(&s);
    g_assert_false(migration_state_move(&s.state, SETUP, ACTIVE));
    g_assert_cmpint(migration_state_get(&s.state), ==, NONE);
    g_assert_cmpstr(s.told->str, ==, "");
    stating_clear(&s);
}

static void test_clients_are_told_in_order(void)
{
    Stating s;

    stating_init(&s);
    migration_state_move(&s.state, NONE, SETUP);
    migration_state_move(&s.state, SETUP, ACTIVE);
    migration_state_move(&s.state, ACTIVE, DEVICE);
    migration_state_complete(&s.state);
    g_assert_cmpstr(s.told->str, ==, "setup active device completed ");
    stating_clear(&s);
}

static void test_nobody_is_told_without_the_capability(void)
{
    Stating s;

    stating_init(&s);
    s.live.events = false;
    migration_state_move(&s.state, NONE, SETUP);
    g_assert_cmpstr(s.told->str, ==, "");
    stating_clear(&s);
}

static void test_the_reason_is_kept(void)
{
    g_autofree char *error = NULL;
    Stating s;

    stating_init(&s);
    migration_state_move(&s.state, NONE, SETUP);
    g_assert_true(migration_state_fail(&s.state, "first"));
    g_assert_false(migration_state_fail(&s.state, "second"));
    error = migration_state_error(&s.state);
    g_assert_cmpstr(error, ==, "first");
    g_assert_cmpstr(s.told->str, ==, "setup failed ");
    stating_clear(&s);
}

/* What fails because it was cancelled is no failure. */
static void test_a_cancelled_migration_does_not_fail(void)
{
    Stating s;

    stating_init(&s);
    migration_state_move(&s.state, NONE, SETUP);
    g_assert_true(migration_state_cancelling(&s.state));
    g_assert_false(migration_state_fail(&s.state, "shut down"));
    g_assert_null(migration_state_error(&s.state));
    g_assert_true(migration_state_move(&s.state, CANCELLING, CANCELLED));
    g_assert_cmpstr(s.told->str, ==, "setup cancelling cancelled ");
    stating_clear(&s);
}

/* The destination said that the guest is there while it was being cancelled. */
static void test_a_cancel_that_comes_too_late(void)
{
    Stating s;

    stating_init(&s);
    migration_state_move(&s.state, NONE, SETUP);
    migration_state_move(&s.state, SETUP, ACTIVE);
    migration_state_move(&s.state, ACTIVE, DEVICE);
    g_assert_true(migration_state_cancelling(&s.state));
    g_assert_true(migration_state_complete(&s.state));
    g_assert_false(migration_state_cancelling(&s.state));
    g_assert_cmpint(migration_state_get(&s.state), ==, COMPLETED);
    stating_clear(&s);
}

static void test_which_statuses_are_final(void)
{
    for (int status = 0; status < MIGRATION_STATUS__MAX; status++) {
        bool final = status == COMPLETED || status == FAILED ||
                     status == CANCELLED;

        g_assert_cmpint(migration_status_is_final(status), ==, final);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/state/only-legal-moves", test_only_legal_moves);
    g_test_add_func("/state/a-move-from-another-status-changes-nothing",
                    test_a_move_from_another_status_changes_nothing);
    g_test_add_func("/state/clients-are-told-in-order",
                    test_clients_are_told_in_order);
    g_test_add_func("/state/nobody-is-told-without-the-capability",
                    test_nobody_is_told_without_the_capability);
    g_test_add_func("/state/the-reason-is-kept", test_the_reason_is_kept);
    g_test_add_func("/state/a-cancelled-migration-does-not-fail",
                    test_a_cancelled_migration_does_not_fail);
    g_test_add_func("/state/a-cancel-that-comes-too-late",
                    test_a_cancel_that_comes_too_late);
    g_test_add_func("/state/which-statuses-are-final",
                    test_which_statuses_are_final);
    return g_test_run();
}
