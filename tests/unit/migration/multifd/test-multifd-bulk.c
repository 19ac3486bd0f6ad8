/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a sending channel cuts its stream into writes: packets without content
 * gather, and leave when there are enough of them, with content, with a SYNC,
 * and before the channel sleeps.  The channel is one that writes down its calls
 * and can be held up in one of them.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/thread.h"
#include "io/channel-internal.h"
#include "multifd-pair.h"
#include "tests/lib/thread-state.h"

#define PAGES(n) ((uint64_t)(n) * TARGET_PAGE_SIZE)

/* Pages of a packet, and bytes of its header. */
#define P 4
#define H (320 + 8 * P)

#define NR_PAGES 1024
#define NO_WRITE UINT_MAX

typedef struct SpyChannel {
    QIOChannel ioc;
    unsigned hold;              /* this write waits for go; or NO_WRITE */
    unsigned fail;              /* from this one on they fail; or NO_WRITE */
    QemuSemaphore held;
    QemuSemaphore go;
    QemuSemaphore written;      /* posted for each */
    QemuMutex lock;
    /* guarded by lock */
    GByteArray *bytes;
    GArray *writes;             /* of unsigned: how many bytes each had */
} SpyChannel;

static ssize_t spy_readv(QIOChannel *ioc, const struct iovec *iov, size_t niov,
                         Error **errp)
{
    return 0;
}

static ssize_t spy_writev(QIOChannel *ioc, const struct iovec *iov,
                          size_t niov, Error **errp)
{
    SpyChannel *spy = container_of(ioc, SpyChannel, ioc);
    unsigned number, len_bytes = 0;

    WITH_QEMU_LOCK_GUARD(&spy->lock) {
        number = spy->writes->len;
    }
    if (number == spy->hold) {
        qemu_sem_post(&spy->held);
        qemu_sem_wait(&spy->go);
    }
    if (number >= spy->fail) {
        error_setg(errp, "%s: on purpose", qio_channel_name(ioc));
        return -1;
    }
    WITH_QEMU_LOCK_GUARD(&spy->lock) {
        for (size_t i = 0; i < niov; i++) {
            g_byte_array_append(spy->bytes, iov[i].iov_base, iov[i].iov_len);
            len_bytes += iov[i].iov_len;
        }
        g_array_append_val(spy->writes, len_bytes);
    }
    qemu_sem_post(&spy->written);
    return len_bytes;
}

static void spy_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
}

static void spy_finalize(QIOChannel *ioc)
{
    SpyChannel *spy = container_of(ioc, SpyChannel, ioc);

    qemu_sem_destroy(&spy->written);
    qemu_sem_destroy(&spy->go);
    qemu_sem_destroy(&spy->held);
    qemu_mutex_destroy(&spy->lock);
    g_byte_array_unref(spy->bytes);
    g_array_unref(spy->writes);
}

static const QIOChannelOps spy_ops = {
    .kind = "spy",
    .readv = spy_readv,
    .writev = spy_writev,
    .shutdown = spy_shutdown,
    .finalize = spy_finalize,
};

/* A source of one block of anonymous memory with one spied channel. */
typedef struct Rig {
    MigrationConfig config;
    MigrationCounters stats;
    MigrationLive live;
    RateLimit rate;
    RamList *list;
    RAMBlock *block;
    SpyChannel *spy;
    MultiFDSend *send;
    PageSink *sink;
    QemuThread syncer;
    int syncer_tid;             /* atomic */
} Rig;

/* Write 0 is the greeting. */
static Rig *rig_new(unsigned hold, unsigned fail)
{
    static const RamFixtureBlock ram = { "m", PAGES(NR_PAGES),
                                         RAM_FIXTURE_ANON };
    Rig *r = g_new0(Rig, 1);
    Error *err = NULL;

    r->config.multifd = true;
    r->config.multifd_channels = 1;
    r->config.multifd_packet_pages = P;
    r->config.zero_page_detection = ZERO_PAGE_DETECTION_MULTIFD;
    rate_limit_init(&r->rate, &r->live);
    r->list = ram_fixture_new(&ram, 1);
    r->block = ram_list_block(r->list, 0);
    r->spy = g_new0(SpyChannel, 1);
    qio_channel_init(&r->spy->ioc, &spy_ops);
    r->spy->hold = hold;
    r->spy->fail = fail;
    qemu_sem_init(&r->spy->held, 0);
    qemu_sem_init(&r->spy->go, 0);
    qemu_sem_init(&r->spy->written, 0);
    qemu_mutex_init(&r->spy->lock);
    r->spy->bytes = g_byte_array_new();
    r->spy->writes = g_array_new(FALSE, FALSE, sizeof(unsigned));
    r->send = multifd_send_new(&r->config, NULL, &r->stats, &r->rate, NULL);
    r->sink = multifd_send_sink(r->send);
    multifd_send_add_channel(r->send, &r->spy->ioc, &err);
    g_assert_null(err);
    return r;
}

static void rig_free(Rig *r)
{
    multifd_send_free(r->send);
    qio_channel_unref(&r->spy->ioc);
    ram_list_free(r->list);
    rate_limit_destroy(&r->rate);
    g_free(r);
}

static void rig_put(Rig *r, uint64_t first_page, uint64_t nr_pages,
                    PageRunKind kind)
{
    Error *err = NULL;

    r->sink->ops->put_run(r->sink, r->block, first_page, nr_pages, kind, &err);
    g_assert_null(err);
}

static void rig_sync(Rig *r)
{
    Error *err = NULL;

    r->sink->ops->sync(r->sink, &err);
    g_assert_null(err);
}

static void *syncer_thread(void *opaque)
{
    Rig *r = opaque;

    qatomic_set(&r->syncer_tid, qemu_get_thread_id());
    rig_sync(r);
    return NULL;
}

static void rig_begin_sync(Rig *r)
{
    qemu_thread_create(&r->syncer, "syncer", syncer_thread, r,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&r->syncer_tid);
}

/* Waits for @nr_writes more writes. */
static void rig_wait(Rig *r, unsigned nr_writes)
{
    for (unsigned i = 0; i < nr_writes; i++) {
        qemu_sem_wait(&r->spy->written);
    }
}

static void rig_assert_writes(Rig *r, const unsigned *expected, unsigned nr)
{
    QEMU_LOCK_GUARD(&r->spy->lock);

    g_assert_cmpmem(r->spy->writes->data,
                    r->spy->writes->len * sizeof(unsigned), expected,
                    nr * sizeof(unsigned));
}

#define ASSERT_WRITES(r, ...) \
    do { \
        const unsigned w_[] = { __VA_ARGS__ }; \
        rig_assert_writes(r, w_, ARRAY_SIZE(w_)); \
    } while (0)

/* Holds the channel in write 1, which is the one of a single hole packet. */
static Rig *rig_new_held(void)
{
    Rig *r = rig_new(1, NO_WRITE);

    rig_put(r, 0, P, PAGE_RUN_HOLE);
    qemu_sem_wait(&r->spy->held);
    return r;
}

/* Nobody else comes: the channel may not sleep on what it has. */
static void test_wait(void)
{
    Rig *r = rig_new(NO_WRITE, NO_WRITE);

    for (unsigned i = 0; i < 3; i++) {
        rig_put(r, i * P, P, PAGE_RUN_HOLE);
        rig_wait(r, i == 0 ? 2 : 1);
    }
    rig_put(r, 3 * P, P, PAGE_RUN_DATA);    /* which is found to be zero */
    rig_wait(r, 1);
    ASSERT_WRITES(r, 64, H, H, H, H);
    rig_free(r);
}

static void test_full(void)
{
    const unsigned n = MULTIFD_SEND_HEADERS;
    Rig *r = rig_new_held();

    rig_put(r, P, (2 * n + 5) * P, PAGE_RUN_HOLE);
    qemu_sem_post(&r->spy->go);
    rig_wait(r, 5);
    ASSERT_WRITES(r, 64, H, n * H, n * H, 5 * H);
    rig_free(r);
}

/* As many as there is room for, and then nothing: no empty write. */
static void test_just_full(void)
{
    const unsigned n = MULTIFD_SEND_HEADERS;
    Rig *r = rig_new_held();

    rig_put(r, P, n * P, PAGE_RUN_HOLE);
    qemu_sem_post(&r->spy->go);
    rig_wait(r, 3);
    rig_sync(r);
    ASSERT_WRITES(r, 64, H, n * H, H);
    rig_free(r);
}

/* The SYNC itself may be the header that fills the buffer. */
static void test_sync(const void *data)
{
    unsigned nr_packets = GPOINTER_TO_UINT(data);
    Rig *r = rig_new_held();

    rig_put(r, P, nr_packets * P, PAGE_RUN_HOLE);
    rig_begin_sync(r);
    qemu_sem_post(&r->spy->go);
    qemu_thread_join(&r->syncer);
    ASSERT_WRITES(r, 64, H, (nr_packets + 1) * H);
    rig_free(r);
}

/* Holes, zero pages and a packet of both sorts leave with the next content. */
static void test_content(void)
{
    Rig *r = rig_new_held();
    uint8_t *host = r->block->host;

    memset(host + PAGES(40), 0, PAGES(2 * P));
    ram_fixture_fill_page(host + PAGES(50), 1);
    ram_fixture_fill_page(host + PAGES(53), 2);
    rig_put(r, P, 3 * P, PAGE_RUN_HOLE);
    rig_put(r, 100, P, PAGE_RUN_HOLE);
    rig_put(r, 40, 2 * P, PAGE_RUN_DATA);
    rig_put(r, 50, P, PAGE_RUN_DATA);
    rig_put(r, 60, P, PAGE_RUN_HOLE);
    rig_begin_sync(r);
    qemu_sem_post(&r->spy->go);
    qemu_thread_join(&r->syncer);
    ASSERT_WRITES(r, 64, H, 7 * H + 2 * TARGET_PAGE_SIZE, 2 * H);
    g_assert_cmpuint(r->stats.normal_pages, ==, 2);
    g_assert_cmpuint(r->stats.zero_pages, ==, 9 * P - 2);
    g_assert_cmpuint(r->stats.hole_pages, ==, 6 * P);
    rig_free(r);
}

/* What could not be written fails the channel, and is not counted. */
static void test_flush_fails(void)
{
    Rig *r = rig_new(2, 2);
    Error *err = NULL;

    rig_put(r, 0, P, PAGE_RUN_HOLE);
    rig_wait(r, 2);
    rig_put(r, P, (MULTIFD_SEND_HEADERS + 7) * P, PAGE_RUN_HOLE);
    qemu_sem_wait(&r->spy->held);
    qemu_sem_post(&r->spy->go);
    g_assert_false(r->sink->ops->sync(r->sink, &err));
    multifd_pair_assert_error(err, "multifd channel 0: on purpose");
    ASSERT_WRITES(r, 64, H);
    g_assert_cmpuint(qatomic_read(&r->stats.hole_pages), ==, P);
    g_assert_cmpuint(qatomic_read(&r->stats.zero_pages), ==, P);
    g_assert_cmpuint(qatomic_read(&r->stats.multifd_bytes), ==, 64 + H);
    rig_free(r);
}

/* 4 MiB of holes cost their headers, before they leave and after. */
static void test_rate(void)
{
    Rig *r = rig_new_held();
    const int64_t nr_packets = NR_PAGES / P - 1;

    rig_put(r, P, nr_packets * P, PAGE_RUN_HOLE);
    g_assert_cmpint(qatomic_read(&r->rate.debt_bytes), ==,
                    (nr_packets + 1) * H);
    qemu_sem_post(&r->spy->go);
    rig_sync(r);
    g_assert_cmpint(qatomic_read(&r->rate.debt_bytes), ==,
                    (nr_packets + 2) * H);
    g_assert_cmpuint(r->stats.multifd_bytes, ==, 64 + (nr_packets + 2) * H);
    rig_free(r);
}

/* What is left of a run goes to the packet that is being filled. */
static void test_rest_of_a_run(void)
{
    static const uint64_t expected[] = {
        /* the run, at once */
        2, 3, 4, 5,  6, 7, 8, 9,
        /* the packet that was open: two pages of data, then the rest */
        20, 21, 10, 11,
        12, 0, 0, 0,
    };
    Rig *r = rig_new(NO_WRITE, NO_WRITE);
    const uint8_t *b;

    rig_put(r, 20, 2, PAGE_RUN_DATA);
    rig_put(r, 2, 11, PAGE_RUN_HOLE);
    rig_sync(r);
    b = r->spy->bytes->data + 64;
    for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
        g_assert_cmpuint(ldq_be_p(b + i / P * H + 320 + i % P * 8), ==,
                         PAGES(expected[i]));
    }
    g_assert_cmpuint(r->stats.hole_pages, ==, 11);
    g_assert_cmpuint(r->stats.zero_pages, ==, 13);
    rig_free(r);
}

/* One packet of a random stream: its pages are ticked off.  Returns its end. */
static const uint8_t *check_packet(const uint8_t *b, uint64_t number,
                                   const PageRunKind *kinds, const Rig *r,
                                   uint8_t *seen)
{
    const uint8_t *content = b + H;
    unsigned nr_normal = ldl_be_p(b + 16);
    unsigned nr_zero = ldl_be_p(b + 32);

    g_assert_cmphex(ldl_be_p(b), ==, 0x11223344);
    g_assert_cmpuint(ldl_be_p(b + 4), ==, 1);
    g_assert_cmpuint(ldl_be_p(b + 8), ==, 0);
    g_assert_cmpuint(ldl_be_p(b + 12), ==, P);
    g_assert_cmpuint(ldl_be_p(b + 20), ==, PAGES(nr_normal));
    g_assert_cmpuint(ldq_be_p(b + 24), ==, number);
    g_assert_cmpstr((const char *)b + 64, ==, "m");
    for (unsigned i = 0; i < P; i++) {
        uint64_t offset = ldq_be_p(b + 320 + 8 * i);
        uint64_t page = offset / TARGET_PAGE_SIZE;

        if (i >= nr_normal + nr_zero) {
            g_assert_cmpuint(offset, ==, 0);
            continue;
        }
        g_assert_cmpuint(page, <, NR_PAGES);
        g_assert_cmpuint(seen[page]++, ==, 0);
        if (i < nr_normal) {
            g_assert_cmpint(kinds[page], ==, PAGE_RUN_DATA);
            g_assert_cmpmem(content, TARGET_PAGE_SIZE,
                            r->block->host + offset, TARGET_PAGE_SIZE);
            content += TARGET_PAGE_SIZE;
        } else {
            g_assert_cmpint(kinds[page], !=, PAGE_RUN_DATA);
        }
    }
    return content;
}

/*
 * Runs of random kinds and lengths, read as a destination reads them: packets
 * in order, without gaps in their numbers, full but for the last one; each page
 * once, as what it is.
 */
static void test_random_stream(const void *data)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(GPOINTER_TO_UINT(data));
    Rig *r = rig_new(NO_WRITE, NO_WRITE);
    PageRunKind kinds[NR_PAGES];
    uint8_t seen[NR_PAGES] = { 0 };
    const uint8_t *b, *end;
    uint64_t number = 0;
    unsigned nr;

    for (unsigned at = 0; at < NR_PAGES; at += nr) {
        PageRunKind kind = g_rand_int_range(rand, 0, 3);

        nr = g_rand_int_range(rand, 1, g_rand_boolean(rand) ? 6 : 300);
        nr = MIN(nr, NR_PAGES - at);
        for (unsigned i = 0; i < nr; i++) {
            kinds[at + i] = kind;
            if (kind == PAGE_RUN_DATA) {
                ram_fixture_fill_page(r->block->host + PAGES(at + i), at + i);
            }
        }
        /* That of PAGE_RUN_ZERO is for the detector to find out. */
        rig_put(r, at, nr, kind == PAGE_RUN_HOLE ? kind : PAGE_RUN_DATA);
    }
    rig_sync(r);
    b = r->spy->bytes->data + 64;
    end = r->spy->bytes->data + r->spy->bytes->len - H;
    while (b < end) {
        b = check_packet(b, number++, kinds, r, seen);
    }
    g_assert_true(b == end);
    g_assert_cmpuint(number, ==, NR_PAGES / P);
    g_assert_cmpuint(ldl_be_p(b + 8), ==, MULTIFD_FLAG_SYNC);
    g_assert_cmpuint(ldq_be_p(b + 24), ==, number);
    for (unsigned i = 0; i < NR_PAGES; i++) {
        g_assert_cmpuint(seen[i], ==, 1);
    }
    g_assert_cmpint(r->rate.debt_bytes, ==, r->spy->bytes->len - 64);
    g_assert_cmpuint(r->stats.multifd_bytes, ==, r->spy->bytes->len);
    rig_free(r);
}

int main(int argc, char **argv)
{
    QEMU_BUILD_BUG_ON(PAGE_RUN_DATA != 0 || PAGE_RUN_ZERO != 2);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/multifd-bulk/headers leave before a wait", test_wait);
    g_test_add_func("/multifd-bulk/headers leave when there are enough",
                    test_full);
    g_test_add_func("/multifd-bulk/headers that just fill the buffer",
                    test_just_full);
    g_test_add_data_func("/multifd-bulk/headers leave with a sync",
                         GUINT_TO_POINTER(3), test_sync);
    g_test_add_data_func("/multifd-bulk/a sync fills the buffer",
                         GUINT_TO_POINTER(MULTIFD_SEND_HEADERS - 1),
                         test_sync);
    g_test_add_func("/multifd-bulk/headers leave with content", test_content);
    g_test_add_func("/multifd-bulk/headers cannot be written",
                    test_flush_fails);
    g_test_add_func("/multifd-bulk/a run of holes costs its headers",
                    test_rate);
    g_test_add_func("/multifd-bulk/the rest of a run", test_rest_of_a_run);
    for (unsigned seed = 1; seed <= 20; seed++) {
        g_autofree char *path = g_strdup_printf("/multifd-bulk/stream/%u",
                                                seed);

        g_test_add_data_func(path, GUINT_TO_POINTER(seed), test_random_stream);
    }
    return g_test_run();
}
