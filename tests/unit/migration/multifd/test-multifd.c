/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages from a source to a destination over multifd, both in this process:
 * numbers of channels, mixes of pages, shapes of blocks, detectors.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "multifd-pair.h"

#define MIB (1024 * 1024)

/* Not a multiple of a packet's 512 KiB, and a second block of three pages. */
static const RamFixtureBlock two_blocks[] = {
    { "ram", 2 * MIB + 5 * TARGET_PAGE_SIZE, RAM_FIXTURE_ANON },
    { "a/longer@name:0", 3 * TARGET_PAGE_SIZE, RAM_FIXTURE_MEMFD },
};

typedef struct MixCase {
    const char *name;
    RamFixtureMix mix;
} MixCase;

static const MixCase mixes[] = {
    { "holes", RAM_FIXTURE_MIX_HOLES },
    { "zero", RAM_FIXTURE_MIX_ZERO },
    { "random", RAM_FIXTURE_MIX_RANDOM },
    { "half", RAM_FIXTURE_MIX_HALF },
    { "mixed", RAM_FIXTURE_MIX_MIXED },
};

typedef struct TransferCase {
    unsigned nr_channels;
    ZeroPageDetection detection;
    RamFixtureMix mix;
    bool dst_old;
} TransferCase;

static void assert_all_arrived(MultiFDPair *pair)
{
    RAMBlock *block = NULL;
    uint64_t page = 0;

    g_assert_cmpuint(ram_received_missing(pair->received, &block, &page), ==,
                     0);
    ram_fixture_assert_equal(pair->src, pair->dst);
}

static void assert_finish(MultiFDPair *pair)
{
    Error *err = NULL;

    multifd_recv_finish(pair->recv, &err);
    g_assert_null(err);
    multifd_send_check(pair->send, &err);
    g_assert_null(err);
}

static void assert_counters(MultiFDPair *pair, const TransferCase *t,
                            const RamFixtureCounts *n)
{
    const MigrationCounters *stats = &pair->stats;
    uint64_t total = n->nr_holes + n->nr_zero + n->nr_normal;
    uint64_t len_bytes = qatomic_read(&stats->multifd_bytes);
    uint64_t normal = qatomic_read(&stats->normal_pages);

    if (t->detection == ZERO_PAGE_DETECTION_NONE) {
        g_assert_cmpuint(normal, ==, total);
        g_assert_cmpuint(qatomic_read(&stats->zero_pages), ==, 0);
        g_assert_cmpuint(qatomic_read(&stats->hole_pages), ==, 0);
    } else {
        g_assert_cmpuint(normal, ==, n->nr_normal);
        g_assert_cmpuint(qatomic_read(&stats->zero_pages), ==,
                         n->nr_zero + n->nr_holes);
        g_assert_cmpuint(qatomic_read(&stats->hole_pages), ==, n->nr_holes);
    }
    if (t->detection == ZERO_PAGE_DETECTION_LEGACY) {
        g_assert_cmpuint(pair->main.nr_pages, ==, n->nr_zero + n->nr_holes);
    } else {
        g_assert_cmpuint(pair->main.nr_pages, ==, 0);
    }
    len_bytes -= t->nr_channels * (MULTIFD_GREETING_LEN +
                                   2 * MULTIFD_PACKET_LEN);
    len_bytes -= normal * TARGET_PAGE_SIZE;
    g_assert_cmpuint(len_bytes % MULTIFD_PACKET_LEN, ==, 0);
}

static void test_transfer(const void *data)
{
    const TransferCase *t = data;
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = t->nr_channels,
        .detection = t->detection,
        .blocks = two_blocks,
        .nr_blocks = ARRAY_SIZE(two_blocks),
        .dst_old = t->dst_old,
    });
    RamFixtureCounts counts = ram_fixture_fill(pair->src, t->mix, 1);
    Error *err = NULL;

    multifd_pair_sync(pair);
    multifd_pair_put(pair, &err);
    g_assert_null(err);
    multifd_pair_sync(pair);
    assert_finish(pair);
    assert_counters(pair, t, &counts);
    assert_all_arrived(pair);
}

/* An idle guest must neither grow at the source nor at the destination. */
static void test_holes_stay_holes(const void *data)
{
    static const RamFixtureBlock memfd = { "ram", MIB, RAM_FIXTURE_MEMFD };
    const TransferCase *t = data;
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 2,
        .detection = t->detection,
        .blocks = &memfd,
        .nr_blocks = 1,
        .dst_kind = RAM_FIXTURE_MEMFD,
    });
    Error *err = NULL;

    multifd_pair_put(pair, &err);
    g_assert_null(err);
    multifd_pair_sync(pair);
    g_assert_cmpuint(ram_fixture_populated_pages(pair->src), ==, 0);
    if (t->detection != ZERO_PAGE_DETECTION_NONE) {
        g_assert_cmpuint(ram_fixture_populated_pages(pair->dst), ==, 0);
    }
    assert_finish(pair);
    assert_all_arrived(pair);
}

static void test_zero_page_on_fresh_memory(void)
{
    static const RamFixtureBlock memfd = { "ram", MIB, RAM_FIXTURE_MEMFD };
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 2,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .blocks = &memfd,
        .nr_blocks = 1,
        .dst_kind = RAM_FIXTURE_MEMFD,
    });

    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_ZERO, 1);
    multifd_pair_put_run(pair, 0, 0, PAGE_SINK_RUN_MAX, PAGE_RUN_DATA);
    multifd_pair_sync(pair);
    g_assert_cmpuint(ram_fixture_populated_pages(pair->dst), ==, 0);
}

/* The same pages again and again, with other content: the last one counts. */
static void test_rounds(void)
{
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 8,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
    });
    RAMBlock *block = ram_list_block(pair->src, 0);
    Error *err = NULL;

    for (unsigned round = 0; round < 12; round++) {
        for (uint64_t page = 0; page < block->nr_pages; page++) {
            uint8_t *host = block->host + page * TARGET_PAGE_SIZE;

            if ((page + round) % 3 == 0) {
                memset(host, 0, TARGET_PAGE_SIZE);
            } else {
                ram_fixture_fill_page(host, page * 16 + round);
            }
        }
        multifd_pair_put(pair, &err);
        g_assert_null(err);
        multifd_pair_sync(pair);
        assert_all_arrived(pair);
    }
    assert_finish(pair);
}

static void test_empty_sync_points(void)
{
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 3,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
    });

    for (unsigned i = 0; i < 5; i++) {
        multifd_pair_sync(pair);
    }
    assert_finish(pair);
}

/* Single pages, blocks in turn: each change of block ends a packet. */
static void test_scattered_pages(void)
{
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 2,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .blocks = two_blocks,
        .nr_blocks = ARRAY_SIZE(two_blocks),
    });
    RAMBlock *block = ram_list_block(pair->src, 0);

    ram_fixture_fill(pair->src, RAM_FIXTURE_MIX_RANDOM, 5);
    for (uint64_t i = 0; i < 3; i++) {
        multifd_pair_put_run(pair, 1, 2 - i, 1, PAGE_RUN_DATA);
        multifd_pair_put_run(pair, 0, i, 1, PAGE_RUN_DATA);
    }
    /* Every other page first, then the ones between. */
    for (uint64_t i = 3; i < block->nr_pages; i += 2) {
        multifd_pair_put_run(pair, 0, i, 1, PAGE_RUN_DATA);
    }
    for (uint64_t i = 4; i < block->nr_pages; i += 2) {
        multifd_pair_put_run(pair, 0, i, 1, PAGE_RUN_DATA);
    }
    multifd_pair_sync(pair);
    assert_finish(pair);
    assert_all_arrived(pair);
}

static void add_transfers(void)
{
    static const unsigned channels[] = { 1, 2, 8, 255 };
    static const char *const detections[] = { "none", "legacy", "multifd" };

    for (unsigned c = 0; c < ARRAY_SIZE(channels); c++) {
        for (unsigned m = 0; m < ARRAY_SIZE(mixes); m++) {
            for (unsigned d = 0; d < ARRAY_SIZE(detections); d++) {
                g_autofree char *path =
                    g_strdup_printf("/multifd/transfer/%u channels/%s/%s",
                                    channels[c], detections[d], mixes[m].name);
                TransferCase *t = g_new0(TransferCase, 1);

                t->nr_channels = channels[c];
                t->detection = ZERO_PAGE_DETECTION_NONE + d;
                t->mix = mixes[m].mix;
                g_test_add_data_func_full(path, t, test_transfer, g_free);
            }
        }
    }
}

int main(int argc, char **argv)
{
    static const TransferCase none = { 2, ZERO_PAGE_DETECTION_NONE };
    static const TransferCase legacy = { 2, ZERO_PAGE_DETECTION_LEGACY };
    static const TransferCase multifd = { 2, ZERO_PAGE_DETECTION_MULTIFD };
    static const TransferCase old_multifd = {
        2, ZERO_PAGE_DETECTION_MULTIFD, RAM_FIXTURE_MIX_MIXED, true,
    };
    static const TransferCase old_legacy = {
        2, ZERO_PAGE_DETECTION_LEGACY, RAM_FIXTURE_MIX_MIXED, true,
    };

    QEMU_BUILD_BUG_ON(ZERO_PAGE_DETECTION_LEGACY !=
                      ZERO_PAGE_DETECTION_NONE + 1);
    QEMU_BUILD_BUG_ON(ZERO_PAGE_DETECTION_MULTIFD !=
                      ZERO_PAGE_DETECTION_NONE + 2);
    g_test_init(&argc, &argv, NULL);
    add_transfers();
    g_test_add_data_func("/multifd/holes stay holes/none", &none,
                         test_holes_stay_holes);
    g_test_add_data_func("/multifd/holes stay holes/legacy", &legacy,
                         test_holes_stay_holes);
    g_test_add_data_func("/multifd/holes stay holes/multifd", &multifd,
                         test_holes_stay_holes);
    g_test_add_func("/multifd/a zero page does not touch fresh memory",
                    test_zero_page_on_fresh_memory);
    g_test_add_data_func("/multifd/zero pages clear old content/multifd",
                         &old_multifd, test_transfer);
    g_test_add_data_func("/multifd/zero pages clear old content/legacy",
                         &old_legacy, test_transfer);
    g_test_add_func("/multifd/rounds", test_rounds);
    g_test_add_func("/multifd/empty sync points", test_empty_sync_points);
    g_test_add_func("/multifd/scattered pages", test_scattered_pages);
    return g_test_run();
}
