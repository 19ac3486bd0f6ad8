/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of other sizes than the usual one: from a source to a destination in
 * this process, and a destination that is told two different sizes.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "multifd-pair.h"

#define PAGES(n) ((uint64_t)(n) * TARGET_PAGE_SIZE)

/* The largest packet does not divide it, and fits more than once. */
static const RamFixtureBlock two_blocks[] = {
    { "ram", PAGES(2 * 1024 + 77), RAM_FIXTURE_ANON },
    { "small", PAGES(3), RAM_FIXTURE_MEMFD },
};

static const RamFixtureBlock small_block = { "m", PAGES(4), RAM_FIXTURE_ANON };

typedef struct TransferCase {
    unsigned packet_pages;
    ZeroPageDetection detection;
    RamFixtureMix mix;
} TransferCase;

static void assert_all_arrived(MultiFDPair *pair)
{
    RAMBlock *block = NULL;
    uint64_t page = 0;
    Error *err = NULL;

    multifd_recv_finish(pair->recv, &err);
    g_assert_null(err);
    g_assert_cmpuint(ram_received_missing(pair->received, &block, &page), ==,
                     0);
    ram_fixture_assert_equal(pair->src, pair->dst);
}

/* Bytes on the channels that are neither greeting nor content. */
static uint64_t header_bytes(MultiFDPair *pair)
{
    return qatomic_read(&pair->stats.multifd_bytes) -
           pair->config.multifd_channels * MULTIFD_GREETING_LEN -
           PAGES(qatomic_read(&pair->stats.normal_pages));
}

static void test_transfer(const void *data)
{
    const TransferCase *t = data;
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 2,
        .packet_pages = t->packet_pages,
        .detection = t->detection,
        .blocks = two_blocks,
        .nr_blocks = ARRAY_SIZE(two_blocks),
    });
    RamFixtureCounts n = ram_fixture_fill(pair->src, t->mix, 1);
    uint64_t nr_zero = t->detection == ZERO_PAGE_DETECTION_NONE
                       ? 0 : n.nr_zero + n.nr_holes;
    uint64_t nr_total = n.nr_zero + n.nr_holes + n.nr_normal;
    uint64_t nr_packets;
    Error *err = NULL;

    multifd_pair_sync(pair);
    multifd_pair_put(pair, &err);
    g_assert_null(err);
    multifd_pair_sync(pair);
    g_assert_cmpuint(qatomic_read(&pair->stats.zero_pages), ==, nr_zero);
    g_assert_cmpuint(qatomic_read(&pair->stats.normal_pages), ==,
                     nr_total - nr_zero);
    g_assert_cmpuint(header_bytes(pair) % multifd_packet_len(t->packet_pages),
                     ==, 0);
    if (t->detection != ZERO_PAGE_DETECTION_LEGACY) {
        /* All packets are full but the last one of each block. */
        nr_packets = DIV_ROUND_UP(nr_total - 3, t->packet_pages) +
                     DIV_ROUND_UP(3, t->packet_pages);
        g_assert_cmpuint(header_bytes(pair), ==, (nr_packets + 4) *
                         multifd_packet_len(t->packet_pages));
    }
    assert_all_arrived(pair);
    /* In the end the limit has been charged for what went out, exactly. */
    g_assert_cmpint(qatomic_read(&pair->rate.debt_bytes), ==,
                    qatomic_read(&pair->stats.multifd_bytes) -
                    2 * MULTIFD_GREETING_LEN);
}

/*
 * Pages that are no neighbours: as many pieces of memory as a packet has pages,
 * and the header, which together are more than one call can write.
 */
static void test_scattered(const void *data)
{
    unsigned packet_pages = GPOINTER_TO_UINT(data);
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .packet_pages = packet_pages,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .blocks = &(RamFixtureBlock) { "ram", PAGES(2 * packet_pages),
                                       RAM_FIXTURE_ANON },
        .nr_blocks = 1,
    });

    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_RANDOM, 3);
    for (uint64_t odd = 0; odd < 2; odd++) {
        for (uint64_t i = 0; i < packet_pages; i++) {
            multifd_pair_put_run(pair, 0, 2 * i + odd, 1, PAGE_RUN_DATA);
        }
    }
    multifd_pair_sync(pair);
    g_assert_cmpuint(header_bytes(pair), ==,
                     3 * multifd_packet_len(packet_pages));
    assert_all_arrived(pair);
}

/* Every other page is zero. */
static void test_alternating(const void *data)
{
    unsigned packet_pages = GPOINTER_TO_UINT(data);
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .packet_pages = packet_pages,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .blocks = &(RamFixtureBlock) { "ram", PAGES(2048), RAM_FIXTURE_ANON },
        .nr_blocks = 1,
    });
    uint8_t *host = ram_list_block(pair->src, 0)->host;
    Error *err = NULL;

    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_RANDOM, 3);
    for (unsigned i = 0; i < 2048; i += 2) {
        memset(host + PAGES(i), 0, TARGET_PAGE_SIZE);
    }
    multifd_pair_put(pair, &err);
    g_assert_null(err);
    multifd_pair_sync(pair);
    g_assert_cmpuint(qatomic_read(&pair->stats.zero_pages), ==, 1024);
    g_assert_cmpuint(qatomic_read(&pair->stats.normal_pages), ==, 1024);
    assert_all_arrived(pair);
}

static MultiFDPair *new_dest(unsigned nr_channels, unsigned packet_pages)
{
    return multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = nr_channels,
        .packet_pages = packet_pages,
        .blocks = &small_block,
        .nr_blocks = 1,
        .no_send = true,
    });
}

/* What the greetings of both channels say, and what the main channel does. */
typedef struct SizeCase {
    const char *path;
    unsigned greeting_pages[2];
    unsigned announced_pages;
    const char *message;        /* NULL: is taken */
} SizeCase;

static const SizeCase size_cases[] = {
    { "nobody says a size", { 128, 128 }, 0, NULL },
    { "the usual size is announced", { 128, 128 }, 128, NULL },
    { "all say 256 pages", { 256, 256 }, 256, NULL },
    { "greetings say more than is announced", { 1024, 1024 }, 256,
      "multifd channel 0: its greeting says a packet size of 4194304 bytes, "
      "the main channel one of 1048576" },
    { "greetings say a size and nothing is announced", { 256, 256 }, 0,
      "multifd channel 0: its greeting says a packet size of 1048576 bytes, "
      "the main channel one of 524288" },
    { "greetings are silent and a size is announced", { 128, 128 }, 1,
      "multifd channel 0: its greeting says a packet size of 524288 bytes, "
      "the main channel one of 4096" },
    { "one greeting is silent", { 256, 128 }, 256,
      "multifd channel 1: its greeting says a packet size of 524288 bytes, "
      "the main channel one of 1048576" },
};

static void test_announced(const void *data)
{
    static const MigrationConfig config = { .multifd_channels = 2 };
    const SizeCase *t = data;
    g_autoptr(MultiFDPair) pair = new_dest(2, 128);
    g_autoptr(MultiFDRecv) recv = multifd_recv_new(&config, pair->received);
    Error *err = NULL;
    bool ok;

    for (unsigned i = 0; i < 2; i++) {
        uint8_t greeting[MULTIFD_GREETING_LEN];

        multifd_greeting_encode(greeting, &config.uuid, i,
                                t->greeting_pages[i]);
        /* An end that nobody else reads from. */
        g_assert_true(multifd_recv_add_channel(recv, greeting,
                                               pair->source_ends[i], &err));
    }
    ok = multifd_recv_start(recv, t->announced_pages, &err);
    if (t->message) {
        g_assert_false(ok);
        multifd_pair_assert_error(err, t->message);
    } else {
        g_assert_true(ok);
        g_assert_null(err);
    }
}

static void test_bad_greeting(void)
{
    static const MigrationConfig config = { .multifd_channels = 2 };
    g_autoptr(MultiFDPair) pair = new_dest(1, 128);
    g_autoptr(MultiFDRecv) recv = multifd_recv_new(&config, pair->received);
    uint8_t greeting[MULTIFD_GREETING_LEN];
    Error *err = NULL;

    multifd_greeting_encode(greeting, &config.uuid, 1, 1025);
    g_assert_false(multifd_recv_add_channel(recv, greeting,
                                            pair->source_ends[0], &err));
    multifd_pair_assert_error(err, "greeting of a multifd channel: packet size "
                              "of 4198400 bytes, *");
    g_assert_cmpuint(multifd_recv_nr_channels(recv), ==, 0);
}

/* More pages than a packet of this channel has, fewer than the usual one. */
static void test_pages_over_the_greeting(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(1, 2);
    g_autofree MultiFDPacketWire *wire = g_malloc0(MULTIFD_PACKET_LEN);
    Error *err = NULL;

    multifd_pair_wire_pages(wire, "m", 0, 0, 3);
    stl_be_p(&wire->pages_alloc, 3);
    qio_channel_write_all(pair->source_ends[0], wire, multifd_packet_len(2),
                          &err);
    g_assert_null(err);
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, "multifd channel 0: packet 0: room for 3 "
                              "pages, expected at most 2");
}

static void check_truncated(const uint8_t *bytes, size_t len_bytes)
{
    g_autoptr(MultiFDPair) pair = new_dest(1, 2);
    Error *err = NULL;

    qio_channel_write_all(pair->source_ends[0], bytes, len_bytes, &err);
    g_assert_null(err);
    qio_channel_unref(g_steal_pointer(&pair->source_ends[0]));
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, "multifd channel 0: *the stream ended *");
}

/* A header of two pages is waited for, not one of 128. */
static void test_truncated(void)
{
    size_t len_bytes = multifd_packet_len(2);
    g_autofree uint8_t *bytes = g_malloc0(len_bytes + PAGES(1));
    static const uint64_t pages[] = { 1, 2 };

    multifd_packet_encode((MultiFDPacketWire *)bytes, 2, 0, "m", pages, 1, 1);
    for (size_t n = 1; n < len_bytes; n += 5) {
        check_truncated(bytes, n);
    }
    check_truncated(bytes, len_bytes - 1);
    check_truncated(bytes, len_bytes);
    check_truncated(bytes, len_bytes + PAGES(1) - 1);
}

static void add_transfers(void)
{
    static const unsigned sizes[] = { 1, 2, 127, 256, 1024 };
    static const char *const detections[] = { "none", "legacy", "multifd" };
    static const char *const mixes[] = { "holes", "zero", "random", "half",
                                         "mixed" };

    for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
        for (unsigned d = 0; d < ARRAY_SIZE(detections); d++) {
            for (unsigned m = 0; m < ARRAY_SIZE(mixes); m++) {
                g_autofree char *path =
                    g_strdup_printf("/multifd-size/%u pages/%s/%s", sizes[s],
                                    detections[d], mixes[m]);
                TransferCase *t = g_new0(TransferCase, 1);

                t->packet_pages = sizes[s];
                t->detection = ZERO_PAGE_DETECTION_NONE + d;
                t->mix = RAM_FIXTURE_MIX_HOLES + m;
                g_test_add_data_func_full(path, t, test_transfer, g_free);
            }
        }
    }
}

int main(int argc, char **argv)
{
    static const unsigned sizes[] = { 1, 128, 1024 };

    QEMU_BUILD_BUG_ON(ZERO_PAGE_DETECTION_MULTIFD !=
                      ZERO_PAGE_DETECTION_NONE + 2);
    QEMU_BUILD_BUG_ON(RAM_FIXTURE_MIX_MIXED != RAM_FIXTURE_MIX_HOLES + 4);
    g_test_init(&argc, &argv, NULL);
    add_transfers();
    for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
        g_autofree char *scattered =
            g_strdup_printf("/multifd-size/%u pages/scattered", sizes[s]);
        g_autofree char *alternating =
            g_strdup_printf("/multifd-size/%u pages/alternating", sizes[s]);

        g_test_add_data_func(scattered, GUINT_TO_POINTER(sizes[s]),
                             test_scattered);
        g_test_add_data_func(alternating, GUINT_TO_POINTER(sizes[s]),
                             test_alternating);
    }
    for (size_t i = 0; i < ARRAY_SIZE(size_cases); i++) {
        g_autofree char *path = g_strdup_printf("/multifd-size/announced/%s",
                                                size_cases[i].path);

        g_test_add_data_func(path, &size_cases[i], test_announced);
    }
    g_test_add_func("/multifd-size/refuse a greeting", test_bad_greeting);
    g_test_add_func("/multifd-size/refuse more pages than was said",
                    test_pages_over_the_greeting);
    g_test_add_func("/multifd-size/truncated", test_truncated);
    return g_test_run();
}
