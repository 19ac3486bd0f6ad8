/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLS channel once hands are shaken: bytes both ways at the same time, its
 * ends, and watches.  How handshakes go is test-channel-tls-handshake.c's.
 */
#include "qemu/osdep.h"
#include <sys/socket.h>
#include "io/channel-fault.h"
#include "io/channel-layered.h"
#include "io/channel-tls-internal.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "thread-state.h"
#include "tls-pair.h"

#define MIB (1024 * 1024)

/* Bytes that are different at each offset. */
static void pattern_fill(uint8_t *buf, size_t len, uint64_t offset)
{
    for (size_t i = 0; i < len; i++) {
        buf[i] = (uint8_t)((offset + i) * 7 + ((offset + i) >> 12));
    }
}

/* A thread that sends or takes a pattern. */
typedef struct Mover {
    QemuThread thread;
    QIOChannel *ioc;
    uint64_t len;
    uint64_t rekey_every;       /* a sender makes new keys; 0: never */
    size_t step;
    Error *err;
    bool ok;
} Mover;

/* Nobody is to wait for one that has failed. */
static void mover_give_up(Mover *m)
{
    if (!m->ok) {
        g_test_message("%s", error_get_pretty(m->err));
        qio_channel_shutdown(m->ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    }
}

static void *sender_thread(void *opaque)
{
    Mover *m = opaque;
    g_autofree uint8_t *buf = g_malloc(m->step);
    uint64_t done = 0;

    m->ok = true;
    while (m->ok && done < m->len) {
        size_t n = MIN(m->step, m->len - done);

        pattern_fill(buf, n, done);
        m->ok = qio_channel_write_all(m->ioc, buf, n, &m->err);
        done += n;
        if (m->ok && m->rekey_every && done % m->rekey_every == 0) {
            m->ok = qio_channel_tls_update_keys(m->ioc, &m->err);
        }
    }
    mover_give_up(m);
    return NULL;
}

static void *taker_thread(void *opaque)
{
    Mover *m = opaque;
    g_autofree uint8_t *buf = g_malloc(m->step);
    g_autofree uint8_t *want = g_malloc(m->step);
    uint64_t done = 0;

    m->ok = true;
    while (m->ok && done < m->len) {
        size_t n = MIN(m->step, m->len - done);

        pattern_fill(want, n, done);
        m->ok = qio_channel_read_all(m->ioc, buf, n, &m->err);
        if (m->ok && memcmp(buf, want, n)) {
            error_setg(&m->err, "wrong bytes near %" PRIu64, done);
            m->ok = false;
        }
        done += n;
    }
    mover_give_up(m);
    return NULL;
}

static void mover_start(Mover *m, void *(*func)(void *), const char *name)
{
    qemu_thread_create(&m->thread, name, func, m, QEMU_THREAD_JOINABLE);
}

static void mover_join(Mover *m)
{
    qemu_thread_join(&m->thread);
    if (!m->ok) {
        g_error("%s", m->err ? error_get_pretty(m->err) : "no reason");
    }
}

/*
 * Both ends read and write at the same time.  One of them makes new keys, which
 * the other has to follow: GnuTLS does not understand two who ask each other.
 */
static void check_both_ways(TLSPair *pair, uint64_t len, size_t step,
                            uint64_t rekey_every)
{
    Mover movers[4] = {
        { .ioc = pair->client }, { .ioc = pair->server },
        { .ioc = pair->server }, { .ioc = pair->client },
    };

    for (int i = 0; i < 4; i++) {
        movers[i].len = len;
        /* Readers and writers do not agree on how much is a piece. */
        movers[i].step = i % 2 ? step + 13 : step;
        movers[i].rekey_every = i == 0 ? rekey_every : 0;
        mover_start(&movers[i], i % 2 ? taker_thread : sender_thread,
                    i % 2 ? "taker" : "sender");
    }
    for (int i = 0; i < 4; i++) {
        mover_join(&movers[i]);
    }
}

static void check_round_trip(const char *type, ChannelPairKind kind)
{
    TLSPairSetup setup = { .type = type, .kind = kind };
    TLSPair pair;
    g_autofree char *text = NULL;

    tls_pair_open_good(&pair, &setup);
    text = qio_channel_tls_describe(pair.client);
    g_test_message("%s", text);
    check_both_ways(&pair, 3 * MIB, 40000, 0);
    tls_pair_close(&pair);
}

static void test_x509(void)
{
    check_round_trip("x509", CHANNEL_PAIR_TCP);
}

static void test_psk(void)
{
    check_round_trip("psk", CHANNEL_PAIR_UNIX);
}

static void test_anon(void)
{
    check_round_trip("anon", CHANNEL_PAIR_TCP);
}

static void test_version_1_2(void)
{
    TLSPairSetup setup = {
        .client_options = ",priority=NORMAL:-VERS-TLS1.3",
    };
    TLSPair pair;
    g_autofree char *text = NULL;

    tls_pair_open_good(&pair, &setup);
    text = qio_channel_tls_describe(pair.server);
    g_assert_nonnull(strstr(text, "TLS1.2"));
    check_both_ways(&pair, MIB, 9000, 0);
    tls_pair_close(&pair);
}

static void make_buffer_small(QIOChannel *ioc)
{
    int small = 8192;

    g_assert_cmpint(setsockopt(qio_channel_get_fd(ioc), SOL_SOCKET, SO_SNDBUF,
                               &small, sizeof(small)), ==, 0);
}

/*
 * With small socket buffers everybody waits for room all the time.  GnuTLS takes
 * a handful of new keys a second from a peer, so each pair has a few.
 */
static void test_new_keys_while_both_ways_are_busy(void)
{
    for (int i = 0; i < 8; i++) {
        TLSPairSetup setup = { .kind = CHANNEL_PAIR_UNIX };
        TLSPair pair;

        tls_pair_open_good(&pair, &setup);
        make_buffer_small(pair.client);
        make_buffer_small(pair.server);
        check_both_ways(&pair, MIB, 16384, 20 * 16384);
        tls_pair_close(&pair);
    }
}

/* Over a channel that moves a few bytes a time, records come in pieces. */
static void test_short_reads_and_writes_below(void)
{
    TLSPairSetup setup = { 0 };
    TLSPair pair;
    QIOChannel *a, *b;
    QIOChannel *slow;

    channel_pair_new(CHANNEL_PAIR_UNIX, &a, &b);
    slow = qio_channel_fault_new(a);
    qio_channel_fault_set_max(slow, QIO_CHANNEL_FAULT_READ, 7);
    qio_channel_fault_set_max(slow, QIO_CHANNEL_FAULT_WRITE, 5);
    tls_pair_over(&pair, &setup, slow, b);
    g_assert_true(!pair.client_err && !pair.server_err);
    check_both_ways(&pair, 100000, 3000, 0);
    tls_pair_close(&pair);
    qio_channel_unref(slow);
    qio_channel_unref(a);
    qio_channel_unref(b);
}

static void test_vectors(void)
{
    enum { NR = 300, LEN = 331 };
    g_autofree uint8_t *data = g_malloc(NR * LEN);
    TLSPairSetup setup = { 0 };
    TLSPair pair;
    Mover taker = { .len = NR * LEN, .step = 1000 };
    struct iovec iov[NR];

    tls_pair_open_good(&pair, &setup);
    taker.ioc = pair.server;
    mover_start(&taker, taker_thread, "taker");
    pattern_fill(data, NR * LEN, 0);
    for (int i = 0; i < NR; i++) {
        /* Empty ones between. */
        iov[i].iov_base = data + i / 2 * 2 * LEN;
        iov[i].iov_len = i % 2 ? 0 : 2 * LEN;
    }
    g_assert_true(qio_channel_writev_all(pair.client, iov, NR, NULL));
    mover_join(&taker);
    tls_pair_close(&pair);
}

static void test_end_that_is_said(void)
{
    TLSPairSetup setup = { 0 };
    TLSPair pair;
    Error *err = NULL;
    char buf[8];

    tls_pair_open_good(&pair, &setup);
    g_assert_true(qio_channel_write_all(pair.client, "abc", 3, NULL));
    g_assert_true(qio_channel_say_end(pair.client, 1000));
    g_assert_true(qio_channel_say_end(pair.client, 1000));
    qio_channel_shutdown(pair.client, QIO_CHANNEL_SHUTDOWN_BOTH);
    g_assert_cmpint(qio_channel_read(pair.server, buf, 8, &err), ==, 3);
    g_assert_cmpint(qio_channel_read(pair.server, buf, 8, &err), ==, 0);
    g_assert_cmpint(qio_channel_read(pair.server, buf, 8, &err), ==, 0);
    g_assert_null(err);
    tls_pair_close(&pair);
}

/* Whoever sits in between can cut a connection, so that is no end. */
static void test_end_that_is_not_said(void)
{
    TLSPairSetup setup = { 0 };
    TLSPair pair;
    Error *err = NULL;
    char buf[8];

    tls_pair_open_good(&pair, &setup);
    g_assert_true(qio_channel_write_all(pair.client, "abc", 3, NULL));
    qio_channel_shutdown(pair.client, QIO_CHANNEL_SHUTDOWN_BOTH);
    g_assert_cmpint(qio_channel_read(pair.server, buf, 8, &err), ==, 3);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(qio_channel_read(pair.server, buf, 8, &err), ==, -1);
        g_assert_cmpstr(error_get_pretty(err), ==,
                        "server: the connection was cut: the peer has not "
                        "said that its TLS stream ends");
        error_free(err);
        err = NULL;
    }
    tls_pair_close(&pair);
}

static void test_a_cut_that_is_tolerated(void)
{
    TLSPairSetup setup = { 0 };
    TLSPair pair;
    Error *err = NULL;
    char buf[8];

    tls_pair_open_good(&pair, &setup);
    qio_channel_tls_tolerate_cut(pair.server);
    qio_channel_shutdown(pair.client, QIO_CHANNEL_SHUTDOWN_BOTH);
    g_assert_cmpint(qio_channel_read(pair.server, buf, 8, &err), ==, 0);
    g_assert_null(err);
    tls_pair_close(&pair);
}

static void test_write_after_the_peer_has_gone(void)
{
    TLSPairSetup setup = { .kind = CHANNEL_PAIR_TCP };
    TLSPair pair;
    Error *err = NULL;
    bool ok = true;

    tls_pair_open_good(&pair, &setup);
    qio_channel_unref(g_steal_pointer(&pair.server));
    for (int i = 0; ok && i < 1000; i++) {
        ok = qio_channel_write_all(pair.client, "abc", 3, &err);
    }
    g_assert_false(ok);
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "client: TLS over socket: cannot write: "));
    error_free(err);
    tls_pair_close(&pair);
}

typedef struct Waiter {
    QIOChannel *ioc;
    int tid;                    /* atomic */
    ssize_t n;
    Error *err;
} Waiter;

static void *waiting_reader(void *opaque)
{
    Waiter *w = opaque;
    char buf[8];

    qatomic_set(&w->tid, qemu_get_thread_id());
    w->n = qio_channel_read(w->ioc, buf, sizeof(buf), &w->err);
    return NULL;
}

static void *waiting_writer(void *opaque)
{
    Waiter *w = opaque;
    g_autofree char *buf = g_malloc0(64 * MIB);

    qatomic_set(&w->tid, qemu_get_thread_id());
    w->n = qio_channel_write_all(w->ioc, buf, 64 * MIB, &w->err);
    return NULL;
}

static void test_shutdown_wakes_both(void)
{
    TLSPairSetup setup = { .kind = CHANNEL_PAIR_TCP };
    TLSPair pair;
    Waiter reader = { 0 };
    Waiter writer = { 0 };
    QemuThread threads[2];

    tls_pair_open_good(&pair, &setup);
    reader.ioc = writer.ioc = pair.client;
    qemu_thread_create(&threads[0], "reader", waiting_reader, &reader,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_create(&threads[1], "writer", waiting_writer, &writer,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&reader.tid);
    thread_state_wait_asleep(&writer.tid);
    qio_channel_shutdown(pair.client, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&threads[0]);
    qemu_thread_join(&threads[1]);
    g_assert_cmpint(reader.n, ==, 0);
    g_assert_null(reader.err);
    g_assert_cmpint(writer.n, ==, 0);
    g_assert_cmpstr(error_get_pretty(writer.err), ==,
                    "client: cannot write: the channel was shut down");
    error_free(writer.err);
    tls_pair_close(&pair);
}

/* The other direction goes on. */
static void test_shutdown_of_reading_alone(void)
{
    TLSPairSetup setup = { 0 };
    TLSPair pair;
    Waiter reader = { 0 };
    QemuThread thread;
    char buf[3];

    tls_pair_open_good(&pair, &setup);
    reader.ioc = pair.client;
    qemu_thread_create(&thread, "reader", waiting_reader, &reader,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&reader.tid);
    qio_channel_shutdown(pair.client, QIO_CHANNEL_SHUTDOWN_READ);
    qemu_thread_join(&thread);
    g_assert_cmpint(reader.n, ==, 0);
    g_assert_true(qio_channel_write_all(pair.client, "abc", 3, NULL));
    g_assert_true(qio_channel_read_all(pair.server, buf, 3, NULL));
    tls_pair_close(&pair);
}

static void test_non_blocking(void)
{
    TLSPairSetup setup = { 0 };
    TLSPair pair;
    g_autofree uint8_t *data = g_malloc(8 * MIB);
    Mover taker = { .len = 8 * MIB, .step = 5000 };
    size_t sent = 0;
    ssize_t n;
    char buf[8];

    tls_pair_open_good(&pair, &setup);
    pattern_fill(data, 8 * MIB, 0);
    g_assert_true(qio_channel_set_blocking(pair.client, false, NULL));
    g_assert_cmpint(qio_channel_read(pair.client, buf, 8, NULL), ==,
                    QIO_CHANNEL_ERR_BLOCK);
    do {
        struct iovec iov = { data + sent, 8 * MIB - sent };

        n = qio_channel_writev(pair.client, &iov, 1, NULL);
        sent += MAX(n, 0);
    } while (n > 0);
    g_assert_cmpint(n, ==, QIO_CHANNEL_ERR_BLOCK);
    g_assert_cmpuint(sent, >, 0);
    /* What was half sent goes on, when the same bytes come again. */
    taker.ioc = pair.server;
    mover_start(&taker, taker_thread, "taker");
    g_assert_true(qio_channel_set_blocking(pair.client, true, NULL));
    g_assert_true(qio_channel_write_all(pair.client, data + sent,
                                        8 * MIB - sent, NULL));
    mover_join(&taker);
    tls_pair_close(&pair);
}

typedef struct Watched {
    GMainLoop *loop;
    size_t got;
    size_t want;
} Watched;

static gboolean watched_ready(QIOChannel *ioc, GIOCondition condition,
                              void *opaque)
{
    Watched *w = opaque;
    char buf[10];
    ssize_t n = qio_channel_read(ioc, buf, sizeof(buf), NULL);

    if (n != QIO_CHANNEL_ERR_BLOCK) {
        g_assert_cmpint(n, >, 0);
        w->got += n;
    }
    if (w->got == w->want) {
        g_main_loop_quit(w->loop);
    }
    return G_SOURCE_CONTINUE;
}

/* A record is read at once; the descriptor says nothing of its rest. */
static void test_a_watch_sees_what_is_left_of_a_record(void)
{
    TLSPairSetup setup = { 0 };
    TLSPair pair;
    Watched w = { .want = 1000 };
    char data[1000] = "";
    GSource *source;

    tls_pair_open_good(&pair, &setup);
    g_assert_true(qio_channel_set_blocking(pair.server, false, NULL));
    w.loop = g_main_loop_new(NULL, FALSE);
    source = qio_channel_add_watch(pair.server, NULL, G_IO_IN, watched_ready,
                                   &w);
    g_assert_true(qio_channel_write_all(pair.client, data, sizeof(data),
                                        NULL));
    g_main_loop_run(w.loop);
    g_assert_cmpuint(w.got, ==, 1000);
    g_assert_false(qio_channel_has_pending(pair.server));
    g_source_destroy(source);
    g_source_unref(source);
    g_main_loop_unref(w.loop);
    tls_pair_close(&pair);
}

/* Needs a kernel with the module, and a GnuTLS that was told to use it. */
static void test_kernel_tls(void)
{
    TLSPairSetup setup = { .kind = CHANNEL_PAIR_TCP };
    TLSPair pair;
    g_autofree char *ulps = NULL;
    g_autofree char *text = NULL;

    if (!g_file_get_contents("/proc/sys/net/ipv4/tcp_available_ulp", &ulps,
                             NULL, NULL) || !strstr(ulps, "tls")) {
        g_test_skip("the kernel has no TLS (module tls is not loaded)");
        return;
    }
    tls_pair_open_good(&pair, &setup);
    text = qio_channel_tls_describe(pair.client);
    if (!strstr(text, "by the kernel")) {
        g_test_skip("GnuTLS does not use the kernel's TLS (its configuration "
                    "has no ktls = true, or it was built without)");
    } else {
        check_both_ways(&pair, 3 * MIB, 40000, 0);
    }
    tls_pair_close(&pair);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel-tls/x509", test_x509);
    g_test_add_func("/channel-tls/psk", test_psk);
    g_test_add_func("/channel-tls/anon", test_anon);
    g_test_add_func("/channel-tls/version-1.2", test_version_1_2);
    g_test_add_func("/channel-tls/new-keys-while-both-ways-are-busy",
                    test_new_keys_while_both_ways_are_busy);
    g_test_add_func("/channel-tls/short-reads-and-writes-below",
                    test_short_reads_and_writes_below);
    g_test_add_func("/channel-tls/vectors", test_vectors);
    g_test_add_func("/channel-tls/end-that-is-said", test_end_that_is_said);
    g_test_add_func("/channel-tls/end-that-is-not-said",
                    test_end_that_is_not_said);
    g_test_add_func("/channel-tls/a-cut-that-is-tolerated",
                    test_a_cut_that_is_tolerated);
    g_test_add_func("/channel-tls/write-after-the-peer-has-gone",
                    test_write_after_the_peer_has_gone);
    g_test_add_func("/channel-tls/shutdown-wakes-both",
                    test_shutdown_wakes_both);
    g_test_add_func("/channel-tls/shutdown-of-reading-alone",
                    test_shutdown_of_reading_alone);
    g_test_add_func("/channel-tls/non-blocking", test_non_blocking);
    g_test_add_func("/channel-tls/a-watch-sees-what-is-left-of-a-record",
                    test_a_watch_sees_what_is_left_of_a_record);
    g_test_add_func("/channel-tls/kernel-tls", test_kernel_tls);
    ret = g_test_run();
    tls_pair_remove_dirs();
    return ret;
}
