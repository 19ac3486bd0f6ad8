/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migrations that fail, are cancelled or end at awkward moments: the guest runs
 * on exactly one side, and the reason that is told is the true one.
 */
#include "qemu/osdep.h"
#include <json-c/json.h>
#include "io/channel-socket.h"
#include "io/listener.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration-pair.h"

/* With a return path; @channels 0: no multifd. */
static MigrationPair *faults_pair(unsigned channels)
{
    MigrationPair *pair = pair_new();

    pair_cap(pair, MIGRATION_CAPABILITY_RETURN_PATH);
    if (channels) {
        pair_multifd(pair, channels);
    }
    return pair;
}

/* Holds the migration thread where the machine is told why it fails. */
typedef struct FailingSource {
    MachineOps ops;
    QemuSemaphore warned;
    QemuSemaphore go_on;
} FailingSource;

static void warn_waits(void *opaque, const char *message)
{
    PairEnd *end = opaque;
    FailingSource *f = container_of(end->host.machine, FailingSource, ops);

    qemu_sem_post(&f->warned);
    qemu_sem_wait(&f->go_on);
}

static void test_cancel_while_it_fails_still_ends(void)
{
    MigrationPair *pair = pair_new();
    FailingSource f = { .ops = pair->src.ops };

    qemu_sem_init(&f.warned, 0);
    qemu_sem_init(&f.go_on, 0);
    f.ops.warn = warn_waits;
    pair->src.host.machine = &f.ops;
    pair_remake(&pair->src);
    pair->src.running = true;
    pair_start(pair);
    qemu_sem_wait(&f.warned);
    migration_cancel(pair->src.migration);
    qemu_sem_post(&f.go_on);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_CANCELLED);
    pair_free(pair);
    qemu_sem_destroy(&f.warned);
    qemu_sem_destroy(&f.go_on);
}

static bool stop_refuses(void *opaque, Error **errp)
{
    error_setg(errp, "the guest does not stop");
    return false;
}

/* Resuming what was never stopped would start a guest that is paused. */
static void test_a_guest_that_does_not_stop_is_not_resumed(void)
{
    MigrationPair *pair = pair_new();
    g_autofree char *error = NULL;

    pair_fill(pair->src.ram, 6);
    pair->src.ops.stop = stop_refuses;
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    error = pair_error(&pair->src);
    g_assert_true(g_str_has_suffix(error, ": the guest does not stop"));
    g_assert_cmpuint(pair->src.nr_resumes, ==, 0);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    g_assert_cmpuint(pair->dst.nr_done, ==, 0);
    pair_free(pair);
}

/* The guest runs at the destination when somebody cancels there. */
static bool done_cancels(void *opaque, Error **errp)
{
    PairEnd *end = opaque;

    qatomic_inc(&end->nr_done);
    migration_cancel(end->migration);
    return true;
}

static void check_cancel_of_an_arrived_guest(unsigned channels)
{
    MigrationPair *pair = faults_pair(channels);

    pair_fill(pair->src.ram, 7);
    pair->src.running = true;
    pair->dst.ops.incoming_done = done_cancels;
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpuint(pair->src.nr_resumes, ==, 0);
    g_assert_cmpuint(pair->dst.nr_done, ==, 1);
    pair_free(pair);
}

static void test_cancel_of_an_arrived_guest_plain(void)
{
    check_cancel_of_an_arrived_guest(0);
}

static void test_cancel_of_an_arrived_guest_multifd(void)
{
    check_cancel_of_an_arrived_guest(2);
}

/* Ends the destination as soon as it says `completed`. */
static void test_destination_ends_at_once_when_completed(void)
{
    MigrationPair *pair = faults_pair(2);

    pair_fill(pair->src.ram, 8);
    pair->src.running = true;
    pair_listen(pair);
    pair_start(pair);
    pair_wait_status(&pair->dst, MIGRATION_STATUS_COMPLETED);
    g_clear_pointer(&pair->dst.migration, migration_free);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpuint(pair->src.nr_resumes, ==, 0);
    pair_free(pair);
}

/* Lets the test see a status without running the main loop. */
typedef struct Watched {
    PairEnd *end;
    QemuSemaphore failed;
} Watched;

static void watched_event(void *opaque, unsigned event_enum, const char *name,
                          struct json_object *event)
{
    Watched *w = opaque;

    if (strstr(json_object_to_json_string(event), "failed")) {
        qemu_sem_post(&w->failed);
    }
    json_object_put(event);
}

static bool pair_is_listening(PairEnd *end)
{
    MigrationInfo *info = migration_query(end->migration);
    bool listening = info->status == MIGRATION_STATUS_SETUP;

    qapi_free_MigrationInfo(info);
    return listening;
}

/* The operator reads of a failure even if the next try begins at once. */
static void test_a_failure_is_told_before_the_next_try(void)
{
    MigrationPair *pair = pair_new();
    Watched w = { .end = &pair->dst };
    Error *err = NULL;

    qemu_sem_init(&w.failed, 0);
    pair_listen(pair);
    pair->src.ops.stop = stop_refuses;
    pair->dst.events.emit = watched_event;
    pair->dst.events.opaque = &w;
    pair_start(pair);
    while (pair_is_listening(&pair->dst)) {
        g_main_context_iteration(main_loop_context(pair->loop), TRUE);
    }
    qemu_sem_wait(&w.failed);
    migration_incoming_start(pair->dst.migration, pair->uri, NULL, false,
                             &err);
    g_assert_null(err);
    g_assert_cmpuint(pair->dst.nr_failed, ==, 1);
    pair_free(pair);
    qemu_sem_destroy(&w.failed);
}

/* Works in START, then no more; or not at all. */
typedef struct FailingDirty {
    DirtyProvider parent;
    bool start_fails;
    unsigned nr_syncs;
    unsigned nr_stops;
} FailingDirty;

static bool dirty_start(DirtyProvider *p, RamList *list, Error **errp)
{
    if (container_of(p, FailingDirty, parent)->start_fails) {
        error_setg(errp, "no log of writes");
        return false;
    }
    return true;
}

static bool dirty_sync(DirtyProvider *p, RAMBlock *block, unsigned long *bmap,
                       uint64_t *nr_pages, Error **errp)
{
    FailingDirty *dirty = container_of(p, FailingDirty, parent);

    /* Two blocks: START syncs twice. */
    if (dirty->nr_syncs++ < 2) {
        return true;
    }
    error_setg(errp, "the log of writes is gone");
    return false;
}

static void dirty_stop(DirtyProvider *p)
{
    container_of(p, FailingDirty, parent)->nr_stops++;
}

static const DirtyProviderOps failing_dirty_ops = {
    .name = "failing",
    .start = dirty_start,
    .sync = dirty_sync,
    .stop = dirty_stop,
};

static void check_dirty_fails(FailingDirty *dirty, bool running,
                              const char *message)
{
    MigrationPair *pair = pair_new();
    g_autofree char *error = NULL;

    dirty->parent.ops = &failing_dirty_ops;
    pair->src.host.dirty = &dirty->parent;
    pair_remake(&pair->src);
    pair_multifd(pair, 2);
    pair_fill(pair->src.ram, 9);
    pair->src.running = running;
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    error = pair_error(&pair->src);
    g_assert_true(g_str_has_suffix(error, message));
    g_assert_cmpuint(dirty->nr_stops, ==, 1);
    g_assert_cmpuint(pair->src.nr_stops, ==, pair->src.nr_resumes);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    pair_free(pair);
}

static void test_dirty_tracking_does_not_start(void)
{
    FailingDirty dirty = { .start_fails = true };

    check_dirty_fails(&dirty, true, "no log of writes");
}

static void test_dirty_tracking_fails_in_a_round(void)
{
    FailingDirty dirty = { 0 };

    check_dirty_fails(&dirty, true, "the log of writes is gone");
}

/* A guest that does not run has no rounds: the next sync is switchover's. */
static void test_dirty_tracking_fails_at_switchover(void)
{
    FailingDirty dirty = { 0 };

    check_dirty_fails(&dirty, false, "the log of writes is gone");
}

static void check_machine_without_ram(unsigned channels)
{
    MigrationPair *pair = pair_new();
    RamList *none = ram_list_new();
    PairEnd *ends[] = { &pair->src, &pair->dst };

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        ends[i]->host.ram = none;
        ends[i]->host.dirty = dirty_provider_none();
        pair_remake(ends[i]);
    }
    if (channels) {
        pair_multifd(pair, channels);
    }
    pair->src.device = 7;
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpuint(pair->dst.device, ==, 7);
    pair_free(pair);
    ram_list_free(none);
}

static void test_machine_without_ram_plain(void)
{
    check_machine_without_ram(0);
}

static void test_machine_without_ram_multifd(void)
{
    check_machine_without_ram(2);
}

static void test_as_many_channels_as_there_can_be(void)
{
    MigrationPair *pair = faults_pair(255);

    pair_fill(pair->src.ram, 10);
    pair->src.running = true;
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    pair_free(pair);
}

/* Two of each in one process, all at once, share nothing. */
static void test_two_pairs_at_once(void)
{
    MigrationPair *pairs[2];

    for (unsigned i = 0; i < 2; i++) {
        pairs[i] = faults_pair(2);
        pair_fill(pairs[i]->src.ram, 11 + i);
        pairs[i]->src.device = i;
        pair_listen(pairs[i]);
        pair_start(pairs[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpint(pair_wait(&pairs[i]->dst), ==,
                        MIGRATION_STATUS_COMPLETED);
        g_assert_cmpint(pair_wait(&pairs[i]->src), ==,
                        MIGRATION_STATUS_COMPLETED);
        pair_assert_equal(pairs[i]);
        g_assert_cmpuint(pairs[i]->dst.device, ==, i);
    }
    pair_free(pairs[0]);
    pair_free(pairs[1]);
}

static MigrationInfo *faults_completed(MigrationPair *pair)
{
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    return migration_query(pair->src.migration);
}

/* 2^50 bytes a millisecond for 2^14 milliseconds: 2^64, which is not 0. */
static void test_a_huge_switchover_bandwidth_switches_at_once(void)
{
    MigrationPair *pair = faults_pair(0);
    MigrationParameters params = {
        .has_avail_switchover_bandwidth = true,
        .avail_switchover_bandwidth = (1ULL << 50) * 1000,
        .has_downtime_limit = true,
        .downtime_limit = 1 << 14,
    };
    g_autoptr(MigrationInfo) info = NULL;
    Error *err = NULL;

    migration_set_parameters(pair->src.migration, &params, &err);
    g_assert_null(err);
    pair_fill(pair->src.ram, 12);
    pair->src.running = true;
    info = faults_completed(pair);
    g_assert_cmpuint(info->ram->precopy_bytes, <, TARGET_PAGE_SIZE);
    g_assert_cmpuint(info->ram->downtime_bytes, >, TARGET_PAGE_SIZE);
    pair_free(pair);
}

/* As in QEMU: what setting up took is no time for sending. */
static void test_figures_of_a_completed_migration(void)
{
    MigrationPair *pair = faults_pair(2);
    g_autoptr(MigrationInfo) info = NULL;

    pair_fill(pair->src.ram, 13);
    pair->src.running = true;
    info = faults_completed(pair);
    g_assert_cmpint(info->total_time, >=, info->setup_time + info->downtime);
    g_assert_cmpuint(info->ram->remaining, ==, 0);
    g_assert_cmpuint(info->ram->transferred, ==,
                     info->ram->precopy_bytes + info->ram->downtime_bytes);
    g_assert_cmpuint(info->ram->normal + info->ram->duplicate, ==,
                     PAIR_BLOCK_A_PAGES + PAIR_BLOCK_B_PAGES);
    g_assert_cmpuint(info->ram->transferred, >, info->ram->multifd_bytes);
    pair_free(pair);
}

static void keep_channel(QIOListener *listener, QIOChannel *ioc, void *opaque)
{
    g_ptr_array_add(opaque, ioc);
}

/*
 * When a channel breaks, this side shuts the others; that the return path has
 * ended by that is not the reason.
 */
static void test_the_channel_that_broke_is_named(void)
{
    MigrationPair *pair = faults_pair(2);
    g_autoptr(GPtrArray) channels =
        g_ptr_array_new_with_free_func((GDestroyNotify)qio_channel_unref);
    SocketAddress addr = {
        .type = SOCKET_ADDRESS_TYPE_UNIX,
        .u.q_unix.path = pair->uri + strlen("unix:"),
    };
    g_autofree char *error = NULL;
    Error *err = NULL;
    QIOListener *listener = qio_listener_new(
        &addr, 16, main_loop_context(pair->loop), keep_channel, channels,
        &err);

    g_assert_null(err);
    pair_fill(pair->src.ram, 14);
    pair_start(pair);
    while (channels->len < 3) {
        g_main_context_iteration(main_loop_context(pair->loop), TRUE);
    }
    /* They connect in order: main, 0, 1. */
    qio_channel_shutdown(g_ptr_array_index(channels, 1),
                         QIO_CHANNEL_SHUTDOWN_BOTH);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    error = pair_error(&pair->src);
    g_test_message("%s", error);
    g_assert_nonnull(strstr(error, "multifd channel 0"));
    qio_listener_free(listener);
    pair_free(pair);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/faults/cancel-of-an-arrived-guest/plain",
                    test_cancel_of_an_arrived_guest_plain);
    g_test_add_func("/faults/cancel-of-an-arrived-guest/multifd",
                    test_cancel_of_an_arrived_guest_multifd);
    g_test_add_func("/faults/cancel-while-it-fails-still-ends",
                    test_cancel_while_it_fails_still_ends);
    g_test_add_func("/faults/a-guest-that-does-not-stop-is-not-resumed",
                    test_a_guest_that_does_not_stop_is_not_resumed);
    g_test_add_func("/faults/destination-ends-at-once-when-completed",
                    test_destination_ends_at_once_when_completed);
    g_test_add_func("/faults/a-failure-is-told-before-the-next-try",
                    test_a_failure_is_told_before_the_next_try);
    g_test_add_func("/faults/dirty-tracking/does-not-start",
                    test_dirty_tracking_does_not_start);
    g_test_add_func("/faults/dirty-tracking/fails-in-a-round",
                    test_dirty_tracking_fails_in_a_round);
    g_test_add_func("/faults/dirty-tracking/fails-at-switchover",
                    test_dirty_tracking_fails_at_switchover);
    g_test_add_func("/faults/machine-without-ram/plain",
                    test_machine_without_ram_plain);
    g_test_add_func("/faults/machine-without-ram/multifd",
                    test_machine_without_ram_multifd);
    g_test_add_func("/faults/as-many-channels-as-there-can-be",
                    test_as_many_channels_as_there_can_be);
    g_test_add_func("/faults/two-pairs-at-once",
                    test_two_pairs_at_once);
    g_test_add_func("/faults/a-huge-switchover-bandwidth-switches-at-once",
                    test_a_huge_switchover_bandwidth_switches_at_once);
    g_test_add_func("/faults/figures-of-a-completed-migration",
                    test_figures_of_a_completed_migration);
    g_test_add_func("/faults/the-channel-that-broke-is-named",
                    test_the_channel_that_broke_is_named);
    return g_test_run();
}
