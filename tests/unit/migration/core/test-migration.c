/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole migration inside one process: source and destination over a unix
 * socket, plain and multifd, with and without a return path.
 */
#include "qemu/osdep.h"
#include "io/channel-socket.h"
#include "io/listener.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration/ram/page-sink.h"
#include "migration-pair.h"

typedef struct Variant {
    const char *name;
    unsigned channels;          /* 0: no multifd */
    bool return_path;
    const char *detection;
    const char *sync_each_section;
} Variant;

static const Variant variants[] = {
    { "plain", 0, false, "multifd", "off" },
    { "plain/none", 0, false, "none", "off" },
    { "plain/return-path", 0, true, "multifd", "off" },
    { "multifd-1", 1, false, "multifd", "off" },
    { "multifd-2/return-path", 2, true, "multifd", "off" },
    { "multifd-2/legacy", 2, false, "legacy", "off" },
    { "multifd-2/none", 2, false, "none", "off" },
    { "multifd-2/sync-each-section", 2, true, "multifd", "on" },
    { "multifd-8", 8, false, "multifd", "off" },
};

static MigrationPair *variant_pair(const Variant *v)
{
    MigrationPair *pair = pair_new();
    PairEnd *ends[] = { &pair->src, &pair->dst };

    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        Error *err = NULL;

        migration_set_property(ends[i]->migration, "zero-page-detection",
                               v->detection, &err);
        g_assert_null(err);
        migration_set_property(ends[i]->migration,
                               "multifd-flush-after-each-section",
                               v->sync_each_section, &err);
        g_assert_null(err);
    }
    if (v->channels) {
        pair_multifd(pair, v->channels);
    }
    if (v->return_path) {
        pair_cap(pair, MIGRATION_CAPABILITY_RETURN_PATH);
    }
    return pair;
}

static void test_moves_all(const void *opaque)
{
    MigrationPair *pair = variant_pair(opaque);

    pair_fill(pair->src.ram, 1);
    pair->src.device = 0x1122334455667788;
    pair->src.running = true;
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    g_assert_cmphex(pair->dst.device, ==, pair->src.device);
    g_assert_cmpuint(pair->src.nr_stops, ==, 1);
    g_assert_cmpuint(pair->src.nr_migrated, ==, 1);
    g_assert_cmpuint(pair->src.nr_resumes, ==, 0);
    g_assert_cmpuint(pair->dst.nr_done, ==, 1);
    pair_free(pair);
}

/* Old content that no page of the source overwrites must go all the same. */
static void test_old_content_goes(const void *opaque)
{
    MigrationPair *pair = variant_pair(opaque);

    pair_fill(pair->src.ram, 1);
    for (unsigned b = 0; b < ram_list_nr_blocks(pair->dst.ram); b++) {
        RAMBlock *block = ram_list_block(pair->dst.ram, b);

        memset(block->host, 0xee, block->used_length);
    }
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    pair_free(pair);
}

/* Writes pages while the migration passes its pause points. */
typedef struct Writer {
    MigrationPair *pair;
    PausePoint point;
    uint64_t page;
    uint8_t value;
    unsigned hits;
} Writer;

static void writer_hit(void *opaque, PausePoint point)
{
    Writer *w = opaque;

    if (point == w->point && w->hits++ == 0) {
        pair_write(&w->pair->src, ram_list_block(w->pair->src.ram, 0),
                   w->page, w->value);
    }
}

/* pair_fill() leaves page 14 a hole and makes page 0 normal. */
static const struct WriteCase {
    const char *name;
    PausePoint point;
    uint64_t page;
    uint8_t value;
} write_cases[] = {
    { "a-hole-after-clear", PAUSE_POINT_AFTER_CLEAR, 14, 0x5a },
    { "a-hole-after-the-hole-query", PAUSE_POINT_AFTER_HOLE_QUERY, 14, 0x5a },
    { "a-normal-page-after-clear", PAUSE_POINT_AFTER_CLEAR, 0, 0x5a },
    { "a-page-to-zero-after-the-hole-query", PAUSE_POINT_AFTER_HOLE_QUERY, 0,
      0 },
};

static void test_write_arrives(const void *opaque, unsigned channels)
{
    const struct WriteCase *c = opaque;
    Variant v = { "", channels, true, "multifd", "off" };
    MigrationPair *pair = variant_pair(&v);
    Writer w = { .pair = pair, .point = c->point, .page = c->page,
                 .value = c->value };

    if (pair_needs_pause_points()) {
        pair_free(pair);
        return;
    }
    pair_fill(pair->src.ram, 2);
    pair->src.running = true;
    pair->pause_points = (PausePoints) { .hit = writer_hit, .opaque = &w };
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpuint(w.hits, >, 0);
    pair_assert_equal(pair);
    pair_free(pair);
}

static void test_write_arrives_plain(const void *opaque)
{
    test_write_arrives(opaque, 0);
}

static void test_write_arrives_multifd(const void *opaque)
{
    test_write_arrives(opaque, 2);
}

/* Plain migration passes no sync point; the first is before any page is read. */
static void test_write_before_sync_arrives(void)
{
    static const struct WriteCase before_sync = {
        "", PAUSE_POINT_BEFORE_SYNC, 14, 0x5a,
    };

    test_write_arrives(&before_sync, 2);
}

static void pair_params(PairEnd *end, const MigrationParameters *params)
{
    Error *err = NULL;

    migration_set_parameters(end->migration, params, &err);
    g_assert_null(err);
}

/* Holds the migration thread in its first PART, a packet handed over. */
typedef struct Holder {
    QemuSemaphore held;
    QemuSemaphore go_on;
    unsigned hits;
} Holder;

static void hold_hit(void *opaque, PausePoint point)
{
    Holder *h = opaque;

    if (point == PAUSE_POINT_AFTER_SUBMIT && h->hits++ == 0) {
        qemu_sem_post(&h->held);
        qemu_sem_wait(&h->go_on);
    }
}

/*
 * The guest is stopped in the middle of a round, and pages behind the walk are
 * sent a second time, more of them than the sockets hold.
 */
static void test_stopped_in_the_middle_of_a_round(const void *opaque)
{
    MigrationPair *pair;
    RAMBlock *block;
    Holder h = { 0 };
    MigrationParameters slow = {
        .has_max_bandwidth = true,
        .max_bandwidth = 2 * 1000 * 1000,
    };
    MigrationParameters stop_now = {
        .has_avail_switchover_bandwidth = true,
        .avail_switchover_bandwidth = 1000 * 1000 * 1000,
    };

    if (pair_needs_pause_points()) {
        return;
    }
    pair = variant_pair(opaque);
    qemu_sem_init(&h.held, 0);
    qemu_sem_init(&h.go_on, 0);
    for (unsigned b = 0; b < ram_list_nr_blocks(pair->src.ram); b++) {
        block = ram_list_block(pair->src.ram, b);
        memset(block->host, 0x11, block->used_length);
    }
    pair->src.running = true;
    pair_params(&pair->src, &slow);
    pair->pause_points = (PausePoints) { .hit = hold_hit, .opaque = &h };
    pair_listen(pair);
    pair_start(pair);
    qemu_sem_wait(&h.held);
    /* Marked only: the channels read these pages just now. */
    block = ram_list_block(pair->src.ram, 0);
    dirty_soft_mark(pair->src.soft, block, 0,
                    PAGE_SINK_RUN_MAX << TARGET_PAGE_BITS);
    pair_params(&pair->src, &stop_now);
    qemu_sem_post(&h.go_on);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    pair_free(pair);
    qemu_sem_destroy(&h.held);
    qemu_sem_destroy(&h.go_on);
}

/* A peer that takes connections and never reads. */
static void stall_accept(QIOListener *listener, QIOChannel *ioc, void *opaque)
{
    GPtrArray *channels = opaque;

    g_ptr_array_add(channels, ioc);
}

static void check_cancel_with_a_stalled_peer(const Variant *v, bool active)
{
    MigrationPair *pair = variant_pair(v);
    g_autoptr(GPtrArray) channels =
        g_ptr_array_new_with_free_func((GDestroyNotify)qio_channel_unref);
    SocketAddress addr = {
        .type = SOCKET_ADDRESS_TYPE_UNIX,
        .u.q_unix.path = pair->uri + strlen("unix:"),
    };
    Error *err = NULL;
    QIOListener *listener = qio_listener_new(
        &addr, 16, main_loop_context(pair->loop), stall_accept, channels,
        &err);

    g_assert_null(err);
    /* Full of data, more than the sockets hold. */
    for (unsigned b = 0; b < ram_list_nr_blocks(pair->src.ram); b++) {
        RAMBlock *block = ram_list_block(pair->src.ram, b);

        memset(block->host, 0x33, block->used_length);
    }
    pair->src.running = true;
    pair_cap(pair, MIGRATION_CAPABILITY_RETURN_PATH);
    pair_start(pair);
    if (active) {
        pair_wait_status(&pair->src, MIGRATION_STATUS_ACTIVE);
    }
    migration_cancel(pair->src.migration);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_CANCELLED);
    g_assert_true(qatomic_read(&pair->src.running));
    g_assert_cmpuint(pair->src.nr_migrated, ==, 0);
    qio_listener_free(listener);

    /* The next try works. */
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_assert_equal(pair);
    pair_free(pair);
}

static void test_cancel_at_once(const void *opaque)
{
    check_cancel_with_a_stalled_peer(opaque, false);
}

/* The paused guest's RAM goes out while it is active: there it stalls. */
static void test_cancel_while_active(const void *opaque)
{
    check_cancel_with_a_stalled_peer(opaque, true);
}

/* Cancels from inside a pause point, on the migration thread. */
static void cancel_hit(void *opaque, PausePoint point)
{
    Writer *w = opaque;

    if (point == w->point && w->hits++ == 0) {
        migration_cancel(w->pair->src.migration);
    }
}

static void test_cancel_at_switchover_resumes_the_guest(const void *opaque)
{
    MigrationPair *pair = variant_pair(opaque);
    Writer w = { .pair = pair, .point = PAUSE_POINT_AT_SWITCHOVER };

    if (pair_needs_pause_points()) {
        pair_free(pair);
        return;
    }
    pair_fill(pair->src.ram, 4);
    pair->src.running = true;
    pair->pause_points = (PausePoints) { .hit = cancel_hit, .opaque = &w };
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_CANCELLED);
    g_assert_cmpuint(pair->src.nr_resumes, ==, 1);
    g_assert_true(pair->src.running);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    g_assert_cmpuint(pair->dst.nr_done, ==, 0);
    pair_free(pair);
}

static void test_nobody_listens(void)
{
    MigrationPair *pair = pair_new();
    g_autofree char *error = NULL;

    pair->src.running = true;
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    error = pair_error(&pair->src);
    g_assert_nonnull(strstr(error, pair->dir));
    g_assert_true(pair->src.running);
    pair_free(pair);
}

static void test_second_start_is_refused(void)
{
    MigrationPair *pair = pair_new();
    g_autoptr(Error) err = NULL;

    /* It cannot complete before the main loop runs. */
    pair_cap(pair, MIGRATION_CAPABILITY_RETURN_PATH);
    pair_listen(pair);
    pair_start(pair);
    g_assert_false(migration_start(pair->src.migration, pair->uri, NULL,
                                   &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "in progress"));
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_COMPLETED);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_COMPLETED);
    pair_free(pair);
}

static void test_freed_while_it_runs(void)
{
    Variant v = { "", 4, true, "multifd", "off" };
    MigrationPair *pair = variant_pair(&v);

    pair_fill(pair->src.ram, 5);
    pair_listen(pair);
    pair_start(pair);
    pair_free(pair);
}

static void test_sync_styles_that_differ_are_named(void)
{
    Variant v = { "", 2, true, "multifd", "off" };
    MigrationPair *pair = variant_pair(&v);
    g_autofree char *error = NULL;
    Error *err = NULL;

    migration_set_property(pair->src.migration,
                           "multifd-flush-after-each-section", "on", &err);
    g_assert_null(err);
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    error = pair_error(&pair->dst);
    g_assert_nonnull(strstr(error, "multifd-flush-after-each-section"));
    g_assert_cmpint(pair_wait(&pair->src), ==, MIGRATION_STATUS_FAILED);
    pair_free(pair);
}

/* Nobody takes the source's channels: the destination says what to look at. */
static void test_multifd_on_one_side_only_is_named(void)
{
    MigrationPair *pair = pair_new();
    g_autofree char *error = NULL;

    pair_end_cap(&pair->src, MIGRATION_CAPABILITY_MULTIFD);
    pair_listen(pair);
    pair_start(pair);
    g_assert_cmpint(pair_wait(&pair->dst), ==, MIGRATION_STATUS_FAILED);
    /* Failed, or done before that: without return path nobody tells it. */
    pair_wait(&pair->src);
    error = pair_error(&pair->dst);
    g_assert_nonnull(strstr(error, "multifd"));
    pair_free(pair);
}

static void add_variants(const char *what, void (*func)(const void *))
{
    for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
        g_autofree char *path = g_strdup_printf("/migration/%s/%s", what,
                                                variants[i].name);

        g_test_add_data_func(path, &variants[i], func);
    }
}

static void add_write_cases(const char *what, void (*func)(const void *))
{
    for (size_t i = 0; i < ARRAY_SIZE(write_cases); i++) {
        g_autofree char *path = g_strdup_printf("/migration/%s/%s", what,
                                                write_cases[i].name);

        g_test_add_data_func(path, &write_cases[i], func);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_variants("moves-all", test_moves_all);
    add_variants("old-content-goes", test_old_content_goes);
    add_variants("cancel-at-once-with-a-stalled-peer", test_cancel_at_once);
    add_variants("cancel-while-active-with-a-stalled-peer",
                 test_cancel_while_active);
    add_variants("cancel-at-switchover-resumes-the-guest",
                 test_cancel_at_switchover_resumes_the_guest);
    for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
        g_autofree char *path = g_strdup_printf(
            "/migration/stopped-in-the-middle-of-a-round/%s",
            variants[i].name);

        if (variants[i].channels) {
            g_test_add_data_func(path, &variants[i],
                                 test_stopped_in_the_middle_of_a_round);
        }
    }
    add_write_cases("a-write-arrives/plain", test_write_arrives_plain);
    add_write_cases("a-write-arrives/multifd", test_write_arrives_multifd);
    g_test_add_func("/migration/a-write-before-sync-arrives",
                    test_write_before_sync_arrives);
    g_test_add_func("/migration/nobody-listens", test_nobody_listens);
    g_test_add_func("/migration/second-start-is-refused",
                    test_second_start_is_refused);
    g_test_add_func("/migration/freed-while-it-runs",
                    test_freed_while_it_runs);
    g_test_add_func("/migration/sync-styles-that-differ-are-named",
                    test_sync_styles_that_differ_are_named);
    g_test_add_func("/migration/multifd-on-one-side-only-is-named",
                    test_multifd_on_one_side_only_is_named);
    return g_test_run();
}
