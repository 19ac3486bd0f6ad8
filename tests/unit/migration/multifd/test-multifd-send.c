/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sending half against a destination that the test plays: bytes on the
 * channels, and peers that stall, close or fail.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/thread.h"
#include "multifd-pair.h"

static const RamFixtureBlock four_pages = { "m", 4 * TARGET_PAGE_SIZE,
                                            RAM_FIXTURE_ANON };

static void read_header(QIOChannel *ioc, MultiFDPacketWire *wire)
{
    Error *err = NULL;

    qio_channel_read_all(ioc, wire, MULTIFD_PACKET_LEN, &err);
    g_assert_null(err);
}

static void assert_sync(MultiFDPair *pair)
{
    PageSink *sink = multifd_send_sink(pair->send);
    Error *err = NULL;

    sink->ops->sync(sink, &err);
    g_assert_null(err);
}

/* Reads and drops everything that comes until the end. */
static void *drain_thread(void *opaque)
{
    QIOChannel *ioc = opaque;
    g_autofree uint8_t *buf = g_malloc(1024 * 1024);

    while (qio_channel_read(ioc, buf, 1024 * 1024, NULL) > 0) {
        /* all of it */
    }
    return NULL;
}

/* A 16 KiB guest with one page of 'A': the channel of a stock QEMU 10.0.2. */
static void test_bytes(void)
{
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .blocks = &four_pages,
        .nr_blocks = 1,
        .no_recv = true,
    });
    g_autofree uint8_t *expected = g_malloc0(9536);
    g_autofree uint8_t *got = g_malloc0(9536);
    uint8_t *b = expected;
    Error *err = NULL;

    stl_be_p(b, 0x11223344);
    stl_be_p(b + 4, 1);
    b += 64;
    for (unsigned i = 0; i < 4; i++) {
        stl_be_p(b, 0x11223344);
        stl_be_p(b + 4, 1);
        stl_be_p(b + 8, i == 1 ? 0 : 1);
        stq_be_p(b + 24, i);
        if (i == 1) {
            stl_be_p(b + 12, 128);
            stl_be_p(b + 16, 1);
            stl_be_p(b + 20, 4096);
            stl_be_p(b + 32, 3);
            b[64] = 'm';
            stq_be_p(b + 320, 0x1000);
            stq_be_p(b + 336, 0x2000);
            stq_be_p(b + 344, 0x3000);
            memset(b + 1344, 'A', 4096);
            b += 4096;
        }
        b += 1344;
    }
    g_assert_cmpuint(b - expected, ==, 9536);

    memset(ram_list_block(pair->src, 0)->host, 0, 4 * TARGET_PAGE_SIZE);
    memset(ram_list_block(pair->src, 0)->host + 0x1000, 'A', TARGET_PAGE_SIZE);
    assert_sync(pair);
    multifd_pair_put_run(pair, 0, 0, 4, PAGE_RUN_DATA);
    assert_sync(pair);
    assert_sync(pair);
    qio_channel_read_all(pair->dest_ends[0], got, 9536, &err);
    g_assert_null(err);
    g_assert_cmpmem(got, 9536, expected, 9536);
    g_assert_cmpuint(qatomic_read(&pair->stats.multifd_bytes), ==, 9536);
    /* In the end the limit has been charged for what went out, exactly. */
    g_assert_cmpint(qatomic_read(&pair->rate.debt_bytes), ==, 9536 - 64);
}

/* A hole among data goes out as content of zeroes and stays a hole. */
static void test_hole_as_normal_page(void)
{
    static const RamFixtureBlock memfd = { "m", 4 * TARGET_PAGE_SIZE,
                                           RAM_FIXTURE_MEMFD };
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .detection = ZERO_PAGE_DETECTION_NONE,
        .blocks = &memfd,
        .nr_blocks = 1,
        .no_recv = true,
    });
    uint8_t content[4 * TARGET_PAGE_SIZE], expected[4 * TARGET_PAGE_SIZE];
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    uint8_t greeting[MULTIFD_GREETING_LEN];
    Error *err = NULL;

    memset(ram_list_block(pair->src, 0)->host + 0x1000, 'A', TARGET_PAGE_SIZE);
    multifd_pair_put_run(pair, 0, 0, 1, PAGE_RUN_HOLE);
    multifd_pair_put_run(pair, 0, 1, 1, PAGE_RUN_DATA);
    multifd_pair_put_run(pair, 0, 2, 2, PAGE_RUN_HOLE);
    assert_sync(pair);
    g_assert_cmpuint(ram_fixture_populated_pages(pair->src), ==, 1);

    qio_channel_read_all(pair->dest_ends[0], greeting, sizeof(greeting), &err);
    g_assert_null(err);
    read_header(pair->dest_ends[0], wire);
    g_assert_cmpuint(ldl_be_p(&wire->normal_pages), ==, 4);
    g_assert_cmpuint(ldl_be_p(&wire->zero_pages), ==, 0);
    qio_channel_read_all(pair->dest_ends[0], content, sizeof(content), &err);
    g_assert_null(err);
    memset(expected, 0, sizeof(expected));
    for (unsigned i = 0; i < 4; i++) {
        if (ldq_be_p(&wire->offset[i]) == 0x1000) {
            memset(expected + i * TARGET_PAGE_SIZE, 'A', TARGET_PAGE_SIZE);
        }
    }
    g_assert_cmpmem(content, sizeof(content), expected, sizeof(expected));
}

/* Runs of one block share a packet, and packets are full before the last. */
static void test_runs_fill_packets(void)
{
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .no_recv = true,
    });
    uint8_t greeting[MULTIFD_GREETING_LEN];
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    Error *err = NULL;

    multifd_pair_put_run(pair, 0, 0, 100, PAGE_RUN_HOLE);
    multifd_pair_put_run(pair, 0, 110, 100, PAGE_RUN_HOLE);
    assert_sync(pair);
    qio_channel_read_all(pair->dest_ends[0], greeting, sizeof(greeting), &err);
    g_assert_null(err);
    read_header(pair->dest_ends[0], wire);
    g_assert_cmpuint(ldl_be_p(&wire->zero_pages), ==, 128);
    for (uint64_t i = 0; i < 128; i++) {
        g_assert_cmpuint(ldq_be_p(&wire->offset[i]), ==,
                         (i < 100 ? i : i + 10) * TARGET_PAGE_SIZE);
    }
    read_header(pair->dest_ends[0], wire);
    g_assert_cmpuint(ldl_be_p(&wire->zero_pages), ==, 72);
    g_assert_cmpuint(ldq_be_p(&wire->offset[0]), ==, 138 * TARGET_PAGE_SIZE);
    read_header(pair->dest_ends[0], wire);
    g_assert_cmpuint(ldl_be_p(&wire->flags), ==, MULTIFD_FLAG_SYNC);
}

/* Over all channels no number is missing and none comes twice. */
static void test_packet_numbers(void)
{
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 3,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .no_recv = true,
    });
    bool seen[30 + 2 * 3] = { false };

    assert_sync(pair);
    for (unsigned i = 0; i < 30; i++) {
        multifd_pair_put_run(pair, 0, 0, 128, PAGE_RUN_HOLE);
    }
    assert_sync(pair);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t greeting[MULTIFD_GREETING_LEN];
        g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
        unsigned nr_syncs = 0;
        Error *err = NULL;

        qio_channel_read_all(pair->dest_ends[i], greeting, sizeof(greeting),
                             &err);
        g_assert_null(err);
        g_assert_cmpuint(greeting[24], ==, i);
        while (nr_syncs < 2) {
            uint64_t num;

            read_header(pair->dest_ends[i], wire);
            nr_syncs += ldl_be_p(&wire->flags) & MULTIFD_FLAG_SYNC;
            num = ldq_be_p(&wire->packet_num);
            g_assert_cmpuint(num, <, ARRAY_SIZE(seen));
            g_assert_false(seen[num]);
            seen[num] = true;
        }
    }
    for (unsigned i = 0; i < ARRAY_SIZE(seen); i++) {
        g_assert_true(seen[i]);
    }
}

typedef struct PauseLog {
    unsigned nr_submits;
    unsigned nr_syncs;
    unsigned post_at_submit;    /* 0: never */
    bool post_before_sync;
    QemuSemaphore sem;
} PauseLog;

static void pause_log_hit(void *opaque, PausePoint point)
{
    PauseLog *log = opaque;

    if (point == PAUSE_POINT_AFTER_SUBMIT &&
        ++log->nr_submits == log->post_at_submit) {
        qemu_sem_post(&log->sem);
    }
    if (point == PAUSE_POINT_BEFORE_SYNC) {
        log->nr_syncs++;
        if (log->post_before_sync) {
            qemu_sem_post(&log->sem);
        }
    }
}

typedef struct Stopper {
    MultiFDPair *pair;
    PauseLog *log;
} Stopper;

static void *stopper_thread(void *opaque)
{
    Stopper *s = opaque;

    qemu_sem_wait(&s->log->sem);
    multifd_send_shutdown(s->pair->send);
    return NULL;
}

static void test_pause_points(void)
{
    PauseLog log = { 0 };
    PausePoints points = { pause_log_hit, &log };
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .no_recv = true,
        .pause_points = &points,
    });

#ifndef CONFIG_PAUSE_POINTS
    g_test_skip("built without pause points");
    return;
#endif
    multifd_pair_put_run(pair, 0, 0, 128, PAGE_RUN_HOLE);
    multifd_pair_put_run(pair, 0, 0, 1, PAGE_RUN_HOLE);
    g_assert_cmpuint(log.nr_submits, ==, 1);
    assert_sync(pair);
    g_assert_cmpuint(log.nr_submits, ==, 2);
    g_assert_cmpuint(log.nr_syncs, ==, 1);
}

/* Nobody reads; the test's thread is stuck in put_run or in sync. */
static void test_stalled_peer(const void *data)
{
    bool in_sync = GPOINTER_TO_INT(data);
    PauseLog log = { .post_at_submit = in_sync ? 0 : 12,
                     .post_before_sync = in_sync };
    PausePoints points = { pause_log_hit, &log };
    g_autoptr(MultiFDPair) pair = NULL;
    PageSink *sink;
    Stopper stopper;
    QemuThread thread;
    Error *err = NULL;
    bool ok = true;

#ifndef CONFIG_PAUSE_POINTS
    g_test_skip("built without pause points");
    return;
#endif
    qemu_sem_init(&log.sem, 0);
    pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 2,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .no_recv = true,
        .pause_points = &points,
    });
    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_RANDOM, 1);
    sink = multifd_send_sink(pair->send);
    stopper = (Stopper) { pair, &log };
    qemu_thread_create(&thread, "stopper", stopper_thread, &stopper,
                       QEMU_THREAD_JOINABLE);
    if (in_sync) {
        for (unsigned i = 0; i < 8; i++) {
            multifd_pair_put_run(pair, 0, 0, 128, PAGE_RUN_DATA);
        }
        ok = sink->ops->sync(sink, &err);
    } else {
        while (ok) {
            ok = sink->ops->put_run(sink, ram_list_block(pair->src, 0), 0, 128,
                                    PAGE_RUN_DATA, &err);
        }
    }
    g_assert_false(ok);
    multifd_pair_assert_error(err, "The multifd channels were shut down");
    qemu_thread_join(&thread);
    /* What the shutdown broke is nobody's failure. */
    err = NULL;
    multifd_send_check(pair->send, &err);
    g_assert_null(err);
    qemu_sem_destroy(&log.sem);
}

/* One channel that nobody reads does not hold up the other. */
static void test_one_stalled_channel(void)
{
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 2,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .no_recv = true,
    });
    QemuThread thread;

    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_RANDOM, 1);
    qemu_thread_create(&thread, "drain", drain_thread, pair->dest_ends[1],
                       QEMU_THREAD_JOINABLE);
    for (unsigned i = 0; i < 100; i++) {
        multifd_pair_put_run(pair, 0, 0, 128, PAGE_RUN_DATA);
    }
    multifd_send_shutdown(pair->send);
    qemu_thread_join(&thread);
}

static void count_error(void *opaque)
{
    qatomic_inc((unsigned *)opaque);
}

static MultiFDPair *new_pair_with_error_func(unsigned *nr_errors,
                                             unsigned nr_channels)
{
    MultiFDPair *pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = nr_channels,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .no_recv = true,
    });

    multifd_send_set_error_func(pair->send, count_error, nr_errors);
    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_RANDOM, 1);
    return pair;
}

/* The peer closes one of three channels that nobody reads. */
static void test_peer_closes(void)
{
    unsigned nr_errors = 0;
    MultiFDPair *pair = new_pair_with_error_func(&nr_errors, 3);
    PageSink *sink = multifd_send_sink(pair->send);
    Error *err = NULL;
    bool ok = true;

    qio_channel_unref(g_steal_pointer(&pair->dest_ends[1]));
    while (ok) {
        ok = sink->ops->put_run(sink, ram_list_block(pair->src, 0), 0, 128,
                                PAGE_RUN_DATA, &err);
    }
    multifd_pair_assert_error(err, "multifd channel 1: *");
    err = NULL;
    g_assert_false(sink->ops->sync(sink, &err));
    multifd_pair_assert_error(err, "multifd channel 1: *");
    err = NULL;
    g_assert_false(sink->ops->flush(sink, &err) &&
                   sink->ops->put_run(sink, ram_list_block(pair->src, 0), 0, 1,
                                      PAGE_RUN_DATA, &err) &&
                   sink->ops->flush(sink, &err));
    multifd_pair_assert_error(err, "multifd channel 1: *");
    err = NULL;
    g_assert_false(multifd_send_check(pair->send, &err));
    multifd_pair_assert_error(err, "multifd channel 1: *");
    multifd_pair_free(pair);
    g_assert_cmpuint(qatomic_read(&nr_errors), ==, 1);
}

/* The failing channel wakes a thread that waits in sync for the others. */
static void test_peer_closes_during_sync(void)
{
    unsigned nr_errors = 0;
    MultiFDPair *pair = new_pair_with_error_func(&nr_errors, 2);
    PageSink *sink = multifd_send_sink(pair->send);
    Error *err = NULL;

    /* More than the sockets hold: neither SYNC can leave. */
    for (unsigned i = 0; i < 8; i++) {
        multifd_pair_put_run(pair, 0, 0, 128, PAGE_RUN_DATA);
    }
    qio_channel_unref(g_steal_pointer(&pair->dest_ends[0]));
    g_assert_false(sink->ops->sync(sink, &err));
    multifd_pair_assert_error(err, "multifd channel 0: *");
    multifd_pair_free(pair);
    g_assert_cmpuint(qatomic_read(&nr_errors), ==, 1);
}

static void test_add_after_shutdown(void)
{
    MigrationConfig config = { .multifd_channels = 2,
                               .multifd_packet_pages = 128 };
    MigrationCounters stats = { 0 };
    MigrationLive live = { 0 };
    RateLimit rate;
    g_autoptr(MultiFDSend) send = NULL;
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .no_recv = true,
    });
    Error *err = NULL;

    rate_limit_init(&rate, &live);
    send = multifd_send_new(&config, NULL, &stats, &rate, NULL);
    multifd_send_shutdown(send);
    g_assert_false(multifd_send_add_channel(send, pair->source_ends[0], &err));
    multifd_pair_assert_error(err, "The multifd channels were shut down");
    multifd_send_free(g_steal_pointer(&send));
    rate_limit_destroy(&rate);
}

static void test_greeting_fails(void)
{
    MigrationConfig config = { .multifd_channels = 2,
                               .multifd_packet_pages = 128 };
    MigrationCounters stats = { 0 };
    MigrationLive live = { 0 };
    RateLimit rate;
    MultiFDSend *send;
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .no_recv = true,
    });
    Error *err = NULL;

    rate_limit_init(&rate, &live);
    send = multifd_send_new(&config, NULL, &stats, &rate, NULL);
    qio_channel_unref(g_steal_pointer(&pair->dest_ends[0]));
    g_assert_false(multifd_send_add_channel(send, pair->source_ends[0], &err));
    multifd_pair_assert_error(err, "multifd channel 0: *");
    multifd_send_free(send);
    rate_limit_destroy(&rate);
}

/* Pages may be on their way by reference until the destination has ended. */
static void test_settle(void)
{
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 2,
    });
    Error *err = NULL;

    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_RANDOM, 17);
    g_assert_true(multifd_send_settle(pair->send, 0));
    g_assert_true(multifd_pair_put(pair, &err));
    multifd_pair_sync(pair);
    g_assert_false(multifd_send_settle(pair->send, 0));
    g_assert_true(multifd_recv_finish(pair->recv, &err));
    g_assert_true(multifd_send_settle(pair->send, 0));
    ram_fixture_assert_equal(pair->src, pair->dst);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/multifd-send/bytes of a small guest", test_bytes);
    g_test_add_func("/multifd-send/a hole as a normal page",
                    test_hole_as_normal_page);
    g_test_add_func("/multifd-send/runs fill packets", test_runs_fill_packets);
    g_test_add_func("/multifd-send/packet numbers", test_packet_numbers);
    g_test_add_func("/multifd-send/pause points", test_pause_points);
    g_test_add_data_func("/multifd-send/stalled peer, shutdown during put",
                         GINT_TO_POINTER(false), test_stalled_peer);
    g_test_add_data_func("/multifd-send/stalled peer, shutdown during sync",
                         GINT_TO_POINTER(true), test_stalled_peer);
    g_test_add_func("/multifd-send/one stalled channel",
                    test_one_stalled_channel);
    g_test_add_func("/multifd-send/peer closes a channel", test_peer_closes);
    g_test_add_func("/multifd-send/peer closes a channel during sync",
                    test_peer_closes_during_sync);
    g_test_add_func("/multifd-send/no channel after shutdown",
                    test_add_after_shutdown);
    g_test_add_func("/multifd-send/greeting cannot be written",
                    test_greeting_fails);
    g_test_add_func("/multifd-send/settle", test_settle);
    return g_test_run();
}
