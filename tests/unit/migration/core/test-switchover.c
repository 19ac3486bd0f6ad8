/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/core/switchover.c: capability `pause-before-switchover`,
 * and what `migrate-continue` accepts when.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration-pair.h"
#include "tests/unit/qapi/json-text.h"

static MigrationPair *switchover_pair(const PairVariant *v)
{
    MigrationPair *pair = pair_new_variant(v);

    pair_end_cap(&pair->src, MIGRATION_CAPABILITY_PAUSE_BEFORE_SWITCHOVER);
    pair_listen(pair);
    return pair;
}

/* A pair whose source has paused. */
static MigrationPair *paused_pair(const PairVariant *v)
{
    MigrationPair *pair = switchover_pair(v);

    pair_start(pair);
    pair_wait_status(&pair->src, MIGRATION_STATUS_PRE_SWITCHOVER);
    return pair;
}

static void continue_ok(MigrationPair *pair)
{
    Error *err = NULL;

    g_assert_true(migration_continue(pair->src.migration,
                                     MIGRATION_STATUS_PRE_SWITCHOVER, &err));
    g_assert_null(err);
}

static void continue_refused(MigrationPair *pair, MigrationStatus state,
                             const char *message)
{
    Error *err = NULL;

    g_assert_false(migration_continue(pair->src.migration, state, &err));
    error_assert_text(err, message);
}

static void test_continues(const void *opaque)
{
    MigrationPair *pair = paused_pair(opaque);

    g_assert_false(qatomic_read(&pair->src.running));
    g_assert_cmpuint(qatomic_read(&pair->src.nr_migrated), ==, 0);
    g_assert_cmpuint(qatomic_read(&pair->dst.nr_done), ==, 0);
    /* Whoever paused it may write: all of it has still to arrive. */
    pair_write(&pair->src, ram_list_block(pair->src.ram, 0), 0, 0x77);
    pair_write(&pair->src, ram_list_block(pair->src.ram, 1), 14, 0x77);
    pair->src.device = 99;
    continue_ok(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    g_assert_cmpuint(pair->dst.device, ==, 99);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_stops), ==, 1);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_migrated), ==, 1);
    pair_free(pair);
}

static void test_cancel_while_paused(const void *opaque)
{
    MigrationPair *pair = paused_pair(opaque);

    migration_cancel(pair->src.migration);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_CANCELLED);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 1);
    g_assert_true(qatomic_read(&pair->src.running));
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    g_assert_cmpuint(qatomic_read(&pair->dst.nr_done), ==, 0);

    /* The next one pauses again, and goes all the way. */
    pair_listen(pair);
    pair_start(pair);
    pair_wait_status(&pair->src, MIGRATION_STATUS_PRE_SWITCHOVER);
    continue_ok(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    pair_free(pair);
}

/* The two race: one of them wins, and there is one guest. */
static void test_cancel_after_continue(void)
{
    MigrationPair *pair = paused_pair(&pair_variants[1]);
    MigrationStatus status;

    continue_ok(pair);
    migration_cancel(pair->src.migration);
    status = pair_wait(&pair->src);
    pair_wait(&pair->dst);
    /* Either, but only one guest. */
    if (status == MIGRATION_STATUS_CANCELLED) {
        g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 1);
        g_assert_cmpuint(qatomic_read(&pair->src.nr_migrated), ==, 0);
    } else {
        g_assert_cmpint(status, ==, MIGRATION_STATUS_COMPLETED);
        g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 0);
        g_assert_cmpuint(qatomic_read(&pair->dst.nr_done), ==, 1);
    }
    pair_free(pair);
}

static void test_freed_while_paused(void)
{
    MigrationPair *pair = paused_pair(&pair_variants[3]);

    g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 0);
    pair_free(pair);
}

/* With a return path the source notices at once. */
static void test_the_destination_goes_while_paused(void)
{
    MigrationPair *pair = paused_pair(&pair_variants[1]);
    g_autofree char *error = NULL;

    migration_cancel(pair->dst.migration);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    error = pair_error(&pair->src);
    g_assert_nonnull(strstr(error, "destination"));
    g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 1);
    g_assert_true(qatomic_read(&pair->src.running));
    pair_wait(&pair->dst);
    pair_free(pair);
}

/* Without one it notices when it goes on, and the guest has not moved. */
static void test_the_destination_has_gone(void)
{
    MigrationPair *pair = paused_pair(&pair_variants[0]);

    migration_cancel(pair->dst.migration);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    continue_ok(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    g_assert_cmpuint(qatomic_read(&pair->src.nr_resumes), ==, 1);
    pair_free(pair);
}

static void test_what_query_tells(void)
{
    MigrationPair *pair = paused_pair(&pair_variants[2]);
    MigrationInfo *info = migration_query(pair->src.migration);

    g_assert_cmpint(info->status, ==, MIGRATION_STATUS_PRE_SWITCHOVER);
    g_assert_nonnull(info->ram);
    g_assert_true(info->has_expected_downtime);
    g_assert_true(info->has_total_time);
    g_assert_true(info->has_setup_time);
    g_assert_false(info->has_downtime);
    g_assert_false(info->has_cpu_throttle_percentage);
    qapi_free_MigrationInfo(info);
    continue_ok(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    pair_wait(&pair->dst);
    pair_free(pair);
}

static void test_nothing_can_be_changed_while_paused(void)
{
    MigrationCapabilityStatus status = {
        .capability = MIGRATION_CAPABILITY_PAUSE_BEFORE_SWITCHOVER,
    };
    MigrationCapabilityStatusList list = { .value = &status };
    MigrationPair *pair = paused_pair(&pair_variants[0]);
    Error *err = NULL;

    g_assert_false(migration_set_capabilities(pair->src.migration, &list,
                                              &err));
    error_assert_text(err, "There's a migration process in progress");
    err = NULL;
    g_assert_false(migration_start(pair->src.migration, pair->uri, NULL,
                                   &err));
    error_assert_text(err, "There's a migration process in progress");
    continue_ok(pair);
    pair_wait(&pair->src);
    pair_wait(&pair->dst);
    pair_free(pair);
}

static void test_continue_before_any_migration(void)
{
    MigrationPair *pair = pair_new();
    Error *err = NULL;

    continue_refused(pair, MIGRATION_STATUS_PRE_SWITCHOVER,
                     "Migration not in expected state: none");
    /* What it is in, it may be said to be in. */
    g_assert_true(migration_continue(pair->src.migration,
                                     MIGRATION_STATUS_NONE, &err));
    pair_free(pair);
}

static void test_continue_from_another_status(void)
{
    MigrationPair *pair = paused_pair(&pair_variants[0]);

    continue_refused(pair, MIGRATION_STATUS_DEVICE,
                     "Migration not in expected state: pre-switchover");
    continue_refused(pair, MIGRATION_STATUS_ACTIVE,
                     "Migration not in expected state: pre-switchover");
    continue_ok(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    continue_refused(pair, MIGRATION_STATUS_PRE_SWITCHOVER,
                     "Migration not in expected state: completed");
    pair_wait(&pair->dst);
    pair_free(pair);
}

/* Told at the wrong time it does not let a later pause pass. */
static void test_continue_does_not_wait_for_a_pause(void)
{
    MigrationPair *pair = switchover_pair(&pair_variants[0]);
    Error *err = NULL;

    g_assert_true(migration_continue(pair->src.migration,
                                     MIGRATION_STATUS_NONE, &err));
    pair_start(pair);
    migration_continue(pair->src.migration, MIGRATION_STATUS_SETUP, NULL);
    migration_continue(pair->src.migration, MIGRATION_STATUS_ACTIVE, NULL);
    pair_wait_status(&pair->src, MIGRATION_STATUS_PRE_SWITCHOVER);
    g_assert_cmpuint(qatomic_read(&pair->dst.nr_done), ==, 0);
    continue_ok(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_free(pair);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    pair_add_variants("/switchover/pauses-and-continues", test_continues);
    pair_add_variants("/switchover/cancel-while-paused",
                      test_cancel_while_paused);
    g_test_add_func("/switchover/cancel-after-continue",
                    test_cancel_after_continue);
    g_test_add_func("/switchover/freed-while-paused",
                    test_freed_while_paused);
    g_test_add_func("/switchover/the-destination-goes-while-paused",
                    test_the_destination_goes_while_paused);
    g_test_add_func("/switchover/the-destination-has-gone",
                    test_the_destination_has_gone);
    g_test_add_func("/switchover/what-query-tells", test_what_query_tells);
    g_test_add_func("/switchover/nothing-can-be-changed-while-paused",
                    test_nothing_can_be_changed_while_paused);
    g_test_add_func("/switchover/continue/before-any-migration",
                    test_continue_before_any_migration);
    g_test_add_func("/switchover/continue/from-another-status",
                    test_continue_from_another_status);
    g_test_add_func("/switchover/continue/does-not-wait-for-a-pause",
                    test_continue_does_not_wait_for_a_pause);
    return g_test_run();
}
