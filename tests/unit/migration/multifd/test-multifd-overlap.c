/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Channels that have several packets looked at while they send others, with a
 * detector that writes down what it is asked and can be held up in the middle.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "qemu/thread.h"
#include "multifd-pair.h"

#define PAGES(n) ((uint64_t)(n) * TARGET_PAGE_SIZE)

/* What all detectors of a test share. */
typedef struct Spy {
    unsigned depth;
    /* these submits, bit 0 the first, wait for go after they posted held */
    unsigned hold;
    QemuSemaphore held;
    QemuSemaphore go;
    QemuMutex lock;
    /* guarded by lock */
    GString *log;               /* "s0 s1 w0 w1", by order of submission */
    unsigned nr_submits;
    unsigned nr_under_way;
    unsigned max_under_way;
    unsigned nr_detectors;
    unsigned held_channel;
} Spy;

typedef struct SpyDetector {
    ZeroPageDetector d;
    Spy *spy;
    unsigned channel;
    unsigned nr_under_way;
} SpyDetector;

typedef struct SpyBatch {
    ZeroPageBatch batch;
    unsigned number;
    bool under_way;
} SpyBatch;

static void spy_submit(ZeroPageDetector *d, ZeroPageBatch *batch)
{
    SpyDetector *sd = container_of(d, SpyDetector, d);
    SpyBatch *b = container_of(batch, SpyBatch, batch);
    Spy *spy = sd->spy;
    bool hold;

    g_assert_false(b->under_way);
    b->under_way = true;
    sd->nr_under_way++;
    /* An answer that is not there yet: who looks at it now finds nonsense. */
    bitmap_fill(batch->zero, batch->max_pages);
    WITH_QEMU_LOCK_GUARD(&spy->lock) {
        b->number = spy->nr_submits++;
        g_string_append_printf(spy->log, "s%u ", b->number);
        spy->nr_under_way++;
        spy->max_under_way = MAX(spy->max_under_way, spy->nr_under_way);
        hold = b->number < 32 && (spy->hold >> b->number & 1);
        if (hold) {
            spy->held_channel = sd->channel;
        }
    }
    if (hold) {
        qemu_sem_post(&spy->held);
        qemu_sem_wait(&spy->go);
    }
}

static void spy_wait(ZeroPageDetector *d, ZeroPageBatch *batch)
{
    SpyDetector *sd = container_of(d, SpyDetector, d);
    SpyBatch *b = container_of(batch, SpyBatch, batch);
    Spy *spy = sd->spy;

    g_assert_true(b->under_way);
    b->under_way = false;
    sd->nr_under_way--;
    bitmap_zero(batch->zero, batch->nr_pages);
    for (unsigned i = 0; i < batch->nr_pages; i++) {
        if (buffer_is_zero(batch->page[i], batch->page_size)) {
            set_bit(i, batch->zero);
        }
    }
    WITH_QEMU_LOCK_GUARD(&spy->lock) {
        g_string_append_printf(spy->log, "w%u ", b->number);
        spy->nr_under_way--;
    }
}

static void spy_free(ZeroPageDetector *d)
{
    SpyDetector *sd = container_of(d, SpyDetector, d);

    g_assert_cmpuint(sd->nr_under_way, ==, 0);
    WITH_QEMU_LOCK_GUARD(&sd->spy->lock) {
        sd->spy->nr_detectors--;
    }
    g_free(sd);
}

static const ZeroPageDetectorOps spy_ops = {
    .name = "spy",
    .batch_size = sizeof(SpyBatch),
    .submit = spy_submit,
    .wait = spy_wait,
    .free = spy_free,
};

static ZeroPageDetector *spy_new_detector(void *opaque)
{
    Spy *spy = opaque;
    SpyDetector *sd = g_new0(SpyDetector, 1);

    sd->d.ops = &spy_ops;
    sd->d.depth = spy->depth;
    sd->spy = spy;
    QEMU_LOCK_GUARD(&spy->lock);
    sd->channel = spy->nr_detectors++;
    return &sd->d;
}

static void spy_init(Spy *spy, unsigned depth, unsigned hold)
{
    *spy = (Spy) { .depth = depth, .hold = hold };
    spy->log = g_string_new(NULL);
    qemu_mutex_init(&spy->lock);
    qemu_sem_init(&spy->held, 0);
    qemu_sem_init(&spy->go, 0);
}

/* When all threads have ended: all answers were waited for, all is freed. */
static void spy_destroy(Spy *spy)
{
    g_assert_cmpuint(spy->nr_under_way, ==, 0);
    g_assert_cmpuint(spy->nr_detectors, ==, 0);
    qemu_sem_destroy(&spy->go);
    qemu_sem_destroy(&spy->held);
    qemu_mutex_destroy(&spy->lock);
    g_string_free(spy->log, TRUE);
}

static void spy_assert_log(Spy *spy, const char *expected)
{
    QEMU_LOCK_GUARD(&spy->lock);
    g_assert_cmpstr(spy->log->str, ==, expected);
}

static MultiFDPair *new_pair(Spy *spy, unsigned nr_channels, bool no_recv)
{
    return multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = nr_channels,
        .packet_pages = 4,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .detector_func = spy_new_detector,
        .detector_opaque = spy,
        .no_recv = no_recv,
    });
}

static void put_packets(MultiFDPair *pair, unsigned nr_packets)
{
    for (unsigned i = 0; i < nr_packets; i++) {
        multifd_pair_put_run(pair, 0, 4 * i, 4, PAGE_RUN_DATA);
    }
}

/* Packet k + 1 is submitted, and k + 2, before k is waited for. */
static void test_submit_before_wait(void)
{
    Spy spy;
    MultiFDPair *pair;

    spy_init(&spy, 3, 1);
    pair = new_pair(&spy, 1, false);
    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_HALF, 1);
    put_packets(pair, 6);
    qemu_sem_post(&spy.go);
    multifd_pair_sync(pair);
    spy_assert_log(&spy, "s0 s1 s2 w0 s3 w1 s4 w2 s5 w3 w4 w5 ");
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

/* Nothing to submit: what is under way is sent, and not held back for more. */
static void test_few_packets(void)
{
    Spy spy;
    MultiFDPair *pair;

    spy_init(&spy, 3, 1);
    pair = new_pair(&spy, 1, false);
    put_packets(pair, 2);
    qemu_sem_post(&spy.go);
    multifd_pair_sync(pair);
    spy_assert_log(&spy, "s0 s1 w0 w1 ");
    multifd_pair_sync(pair);
    put_packets(pair, 1);
    multifd_pair_sync(pair);
    spy_assert_log(&spy, "s0 s1 w0 w1 s2 w2 ");
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

/* Holes are known to be zero; packets of them keep their place in the order. */
static void test_holes(void)
{
    Spy spy;
    MultiFDPair *pair;

    spy_init(&spy, 3, 1);
    pair = new_pair(&spy, 1, false);
    put_packets(pair, 1);
    multifd_pair_put_run(pair, 0, 4, 4, PAGE_RUN_HOLE);
    multifd_pair_put_run(pair, 0, 12, 4, PAGE_RUN_HOLE);
    multifd_pair_put_run(pair, 0, 8, 4, PAGE_RUN_DATA);
    qemu_sem_post(&spy.go);
    multifd_pair_sync(pair);
    spy_assert_log(&spy, "s0 w0 s1 w1 ");
    g_assert_cmpuint(qatomic_read(&pair->stats.zero_pages), ==, 16);
    g_assert_cmpuint(qatomic_read(&pair->stats.hole_pages), ==, 8);
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

/* A run of holes takes the place of one packet, however many it makes. */
static void test_run_of_holes(void)
{
    Spy spy;
    MultiFDPair *pair;

    spy_init(&spy, 3, 1);
    pair = new_pair(&spy, 1, false);
    put_packets(pair, 1);
    multifd_pair_put_run(pair, 0, 4, 160, PAGE_RUN_HOLE);
    multifd_pair_put_run(pair, 0, 164, 4, PAGE_RUN_DATA);
    qemu_sem_post(&spy.go);
    multifd_pair_sync(pair);
    spy_assert_log(&spy, "s0 s1 w0 w1 ");
    g_assert_cmpuint(qatomic_read(&pair->stats.zero_pages), ==, 168);
    g_assert_cmpuint(qatomic_read(&pair->stats.hole_pages), ==, 160);
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

/* A detector that answers at once gets one packet at a time. */
static void test_depth_1(void)
{
    Spy spy;
    MultiFDPair *pair;

    spy_init(&spy, 1, 1);
    pair = new_pair(&spy, 1, false);
    put_packets(pair, 3);
    qemu_sem_post(&spy.go);
    multifd_pair_sync(pair);
    spy_assert_log(&spy, "s0 w0 s1 w1 s2 w2 ");
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

static void test_depth_is_bounded(void)
{
    Spy spy;
    MultiFDPair *pair;

    spy_init(&spy, 1000, 1);
    pair = new_pair(&spy, 1, false);
    put_packets(pair, ZERO_PAGE_DEPTH_MAX + 2);
    qemu_sem_post(&spy.go);
    multifd_pair_sync(pair);
    g_assert_cmpuint(spy.max_under_way, ==, ZERO_PAGE_DEPTH_MAX);
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

static void read_greeting(QIOChannel *ioc)
{
    uint8_t greeting[MULTIFD_GREETING_LEN];
    Error *err = NULL;

    qio_channel_read_all(ioc, greeting, sizeof(greeting), &err);
    g_assert_null(err);
}

/* Reads a header and what follows it. */
static void read_packet(QIOChannel *ioc, uint32_t *flags, uint64_t *packet_num)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(multifd_packet_len(4));
    uint8_t content[4 * TARGET_PAGE_SIZE];
    Error *err = NULL;

    qio_channel_read_all(ioc, wire, multifd_packet_len(4), &err);
    g_assert_null(err);
    qio_channel_read_all(ioc, content, ldl_be_p(&wire->next_packet_size), &err);
    g_assert_null(err);
    *flags = ldl_be_p(&wire->flags);
    *packet_num = ldq_be_p(&wire->packet_num);
}

/* A channel sends its packets in the order in which it took them. */
static void test_order_on_the_wire(void)
{
    Spy spy;
    MultiFDPair *pair;
    PageSink *sink;
    Error *err = NULL;

    spy_init(&spy, 3, 1);
    pair = new_pair(&spy, 1, true);
    sink = multifd_send_sink(pair->send);
    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_HALF, 1);
    put_packets(pair, 7);
    qemu_sem_post(&spy.go);
    sink->ops->sync(sink, &err);
    g_assert_null(err);
    read_greeting(pair->dest_ends[0]);
    for (unsigned i = 0; i <= 7; i++) {
        uint32_t flags;
        uint64_t packet_num;

        read_packet(pair->dest_ends[0], &flags, &packet_num);
        g_assert_cmpuint(packet_num, ==, i);
        g_assert_cmphex(flags, ==, i == 7 ? MULTIFD_FLAG_SYNC : 0);
    }
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

static void *sync_thread(void *opaque)
{
    MultiFDPair *pair = opaque;
    PageSink *sink = multifd_send_sink(pair->send);

    return sink->ops->sync(sink, NULL) ? pair : NULL;
}

/*
 * One channel is held up with a packet just submitted until the other one has
 * sent its SYNC: then the SYNC has been asked for, and the first channel finds
 * it in the queue while it still holds the packet.
 */
static void test_sync_does_not_overtake(void)
{
    Spy spy;
    MultiFDPair *pair;
    QemuThread thread;
    uint32_t flags;
    uint64_t packet_num;
    unsigned held;

    spy_init(&spy, 3, 1);
    pair = new_pair(&spy, 2, true);
    put_packets(pair, 1);
    qemu_sem_wait(&spy.held);
    held = spy.held_channel;
    read_greeting(pair->dest_ends[0]);
    read_greeting(pair->dest_ends[1]);
    qemu_thread_create(&thread, "sync", sync_thread, pair,
                       QEMU_THREAD_JOINABLE);
    read_packet(pair->dest_ends[1 - held], &flags, &packet_num);
    g_assert_cmphex(flags, ==, MULTIFD_FLAG_SYNC);
    qemu_sem_post(&spy.go);
    read_packet(pair->dest_ends[held], &flags, &packet_num);
    g_assert_cmphex(flags, ==, 0);
    g_assert_cmpuint(packet_num, ==, 0);
    read_packet(pair->dest_ends[held], &flags, &packet_num);
    g_assert_cmphex(flags, ==, MULTIFD_FLAG_SYNC);
    g_assert_true(qemu_thread_join(&thread) == pair);
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

/* Shut down with two packets under way: both are waited for, none is sent. */
static void test_shutdown(void)
{
    Spy spy;
    MultiFDPair *pair;
    Error *err = NULL;

    spy_init(&spy, 3, 1 | 2);
    pair = new_pair(&spy, 1, true);
    put_packets(pair, 4);
    qemu_sem_wait(&spy.held);
    qemu_sem_post(&spy.go);
    qemu_sem_wait(&spy.held);
    multifd_send_shutdown(pair->send);
    qemu_sem_post(&spy.go);
    multifd_send_free(g_steal_pointer(&pair->send));
    spy_assert_log(&spy, "s0 s1 w0 w1 ");
    read_greeting(pair->dest_ends[0]);
    g_assert_cmpint(qio_channel_read(pair->dest_ends[0], &(uint8_t) { 0 }, 1,
                                     &err), ==, 0);
    g_assert_null(err);
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

/* The channel fails with two more packets under way. */
static void test_peer_closes(void)
{
    Spy spy;
    MultiFDPair *pair;
    PageSink *sink;
    Error *err = NULL;

    spy_init(&spy, 3, 1);
    pair = new_pair(&spy, 1, true);
    sink = multifd_send_sink(pair->send);
    /* Content: it is written at once, and the failure is seen at once. */
    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_RANDOM, 1);
    put_packets(pair, 5);
    qemu_sem_wait(&spy.held);
    qio_channel_unref(g_steal_pointer(&pair->dest_ends[0]));
    qemu_sem_post(&spy.go);
    g_assert_false(sink->ops->sync(sink, &err));
    multifd_pair_assert_error(err, "multifd channel 0: *");
    multifd_send_free(g_steal_pointer(&pair->send));
    spy_assert_log(&spy, "s0 s1 s2 w0 w1 w2 ");
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

/* One of two channels fails: what the other has under way is waited for. */
static void test_other_channel_fails(void)
{
    Spy spy;
    MultiFDPair *pair;
    PageSink *sink;
    Error *err = NULL;

    spy_init(&spy, 3, 1);
    pair = new_pair(&spy, 2, true);
    sink = multifd_send_sink(pair->send);
    put_packets(pair, 1);
    qemu_sem_wait(&spy.held);
    qio_channel_unref(g_steal_pointer(
                          &pair->dest_ends[1 - spy.held_channel]));
    g_assert_false(sink->ops->sync(sink, &err));
    multifd_pair_assert_error(err, "multifd channel *");
    qemu_sem_post(&spy.go);
    multifd_send_free(g_steal_pointer(&pair->send));
    spy_assert_log(&spy, "s0 w0 ");
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

/* Charged in full while nothing is known, given back when it is zero. */
static void test_charge(const void *data)
{
    unsigned ratio = GPOINTER_TO_UINT(data);
    /* Of holes one knows before that there will be a header and no more. */
    size_t run_bytes = ratio == 0 ? multifd_packet_len(4) : 0;
    Spy spy;
    MultiFDPair *pair;

    spy_init(&spy, 3, 1);
    pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .packet_pages = 4,
        .normal_page_ratio = ratio,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .detector_func = spy_new_detector,
        .detector_opaque = &spy,
    });
    multifd_pair_put_run(pair, 0, 0, 8, PAGE_RUN_DATA);
    multifd_pair_put_run(pair, 0, 8, 4, PAGE_RUN_HOLE);
    g_assert_cmpint(qatomic_read(&pair->rate.debt_bytes), ==,
                    PAGES(8 + 4 * ratio / 100) + run_bytes);
    qemu_sem_post(&spy.go);
    multifd_pair_sync(pair);
    g_assert_cmpint(qatomic_read(&pair->rate.debt_bytes), ==,
                    4 * multifd_packet_len(4) + PAGES(12 * ratio / 100));
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

/* Many channels and sync points, the same pages with other content each time. */
static void test_rounds(void)
{
    Spy spy;
    MultiFDPair *pair;
    RAMBlock *block;
    Error *err = NULL;

    spy_init(&spy, 3, 0);
    pair = new_pair(&spy, 8, false);
    block = ram_list_block(pair->src, 0);
    for (unsigned round = 0; round < 12; round++) {
        for (uint64_t page = 0; page < block->nr_pages; page++) {
            uint8_t *host = block->host + PAGES(page);

            if ((page + round) % 3 == 0) {
                memset(host, 0, TARGET_PAGE_SIZE);
            } else {
                ram_fixture_fill_page(host, page * 16 + round);
            }
        }
        multifd_pair_put(pair, &err);
        g_assert_null(err);
        multifd_pair_sync(pair);
        ram_fixture_assert_equal(pair->src, pair->dst);
    }
    multifd_recv_finish(pair->recv, &err);
    g_assert_null(err);
    multifd_pair_free(pair);
    spy_destroy(&spy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/multifd-overlap/the next packets are submitted before "
                    "the first is waited for", test_submit_before_wait);
    g_test_add_func("/multifd-overlap/fewer packets than there is room for",
                    test_few_packets);
    g_test_add_func("/multifd-overlap/packets of holes", test_holes);
    g_test_add_func("/multifd-overlap/a run of holes", test_run_of_holes);
    g_test_add_func("/multifd-overlap/one at a time", test_depth_1);
    g_test_add_func("/multifd-overlap/depth is bounded", test_depth_is_bounded);
    g_test_add_func("/multifd-overlap/order on the wire",
                    test_order_on_the_wire);
    g_test_add_func("/multifd-overlap/sync does not overtake",
                    test_sync_does_not_overtake);
    g_test_add_func("/multifd-overlap/shutdown waits for what is under way",
                    test_shutdown);
    g_test_add_func("/multifd-overlap/failure waits for what is under way",
                    test_peer_closes);
    g_test_add_func("/multifd-overlap/failure of another channel",
                    test_other_channel_fails);
    g_test_add_data_func("/multifd-overlap/charge/zero pages",
                         GUINT_TO_POINTER(0), test_charge);
    g_test_add_data_func("/multifd-overlap/charge/half of them as normal",
                         GUINT_TO_POINTER(50), test_charge);
    g_test_add_data_func("/multifd-overlap/charge/all of them as normal",
                         GUINT_TO_POINTER(100), test_charge);
    g_test_add_func("/multifd-overlap/rounds", test_rounds);
    return g_test_run();
}
