/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The share of zero pages that is sent as normal ones on request: how many,
 * which, in what order, and from where.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "multifd-pair.h"

#define PAGES(n) ((uint64_t)(n) * TARGET_PAGE_SIZE)

/* Six packets of the usual size, and a bit. */
#define NR_PAGES (6 * 128 + 37)

static const RamFixtureBlock memfd = { "ram", PAGES(NR_PAGES),
                                       RAM_FIXTURE_MEMFD };

typedef struct RatioCase {
    unsigned ratio;
    unsigned packet_pages;
    unsigned nr_channels;
    ZeroPageDetection detection;
    RamFixtureMix mix;
} RatioCase;

static MultiFDPair *new_pair(const RatioCase *t)
{
    return multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = t->nr_channels,
        .packet_pages = t->packet_pages,
        .normal_page_ratio = t->ratio,
        .detection = t->detection,
        .blocks = &memfd,
        .nr_blocks = 1,
        .dst_kind = RAM_FIXTURE_MEMFD,
    });
}

static void put_all(MultiFDPair *pair)
{
    Error *err = NULL;

    multifd_pair_put(pair, &err);
    g_assert_null(err);
    multifd_pair_sync(pair);
}

static void assert_finished(MultiFDPair *pair)
{
    Error *err = NULL;

    multifd_recv_finish(pair->recv, &err);
    g_assert_null(err);
    ram_fixture_assert_equal(pair->src, pair->dst);
}

/* One channel: the share is right to the page, over all packets together. */
static void test_counts(const void *data)
{
    const RatioCase *t = data;
    g_autoptr(MultiFDPair) pair = new_pair(t);
    RamFixtureCounts n = ram_fixture_fill(pair->src, t->mix, 1);
    uint64_t nr_zero = n.nr_zero + n.nr_holes;
    uint64_t nr_turned = nr_zero * t->ratio / 100;
    const MigrationCounters *stats = &pair->stats;

    put_all(pair);
    g_assert_cmpuint(qatomic_read(&stats->normal_pages), ==,
                     n.nr_normal + nr_turned);
    g_assert_cmpuint(qatomic_read(&stats->zero_pages), ==, nr_zero - nr_turned);
    g_assert_cmpuint(qatomic_read(&stats->hole_pages), <=, n.nr_holes);
    if (n.nr_zero == 0) {
        g_assert_cmpuint(qatomic_read(&stats->hole_pages), ==,
                         nr_zero - nr_turned);
    }
    if (n.nr_holes == 0) {
        g_assert_cmpuint(qatomic_read(&stats->hole_pages), ==, 0);
    }
    /* All that was charged for what was not sent has been given back. */
    g_assert_cmpint(qatomic_read(&pair->rate.debt_bytes), ==,
                    qatomic_read(&stats->multifd_bytes) - MULTIFD_GREETING_LEN);
    assert_finished(pair);
}

/* Each channel keeps its own rest: below one page each. */
static void test_many_channels(void)
{
    const RatioCase t = { 33, 16, 8, ZERO_PAGE_DETECTION_MULTIFD,
                          RAM_FIXTURE_MIX_ZERO };
    g_autoptr(MultiFDPair) pair = new_pair(&t);
    uint64_t nr_normal;

    ram_fixture_fill(pair->src, t.mix, 1);
    put_all(pair);
    nr_normal = qatomic_read(&pair->stats.normal_pages);
    g_assert_cmpuint(nr_normal, <=, NR_PAGES * 33 / 100);
    g_assert_cmpuint(nr_normal + 8, >=, NR_PAGES * 33 / 100);
    assert_finished(pair);
}

/* A hole is sent as a normal page without anybody touching it. */
static void test_holes_stay_holes(const void *data)
{
    const RatioCase t = { GPOINTER_TO_UINT(data), 128, 2,
                          ZERO_PAGE_DETECTION_MULTIFD, RAM_FIXTURE_MIX_HOLES };
    g_autoptr(MultiFDPair) pair = new_pair(&t);

    memset(ram_list_block(pair->src, 0)->host + PAGES(77), 'A',
           TARGET_PAGE_SIZE);
    put_all(pair);
    g_assert_cmpuint(ram_fixture_populated_pages(pair->src), ==, 1);
    assert_finished(pair);
}

/* Zero pages of `legacy` are records on the main channel, whatever the ratio. */
static void test_legacy(void)
{
    const RatioCase t = { 100, 128, 1, ZERO_PAGE_DETECTION_LEGACY,
                          RAM_FIXTURE_MIX_MIXED };
    g_autoptr(MultiFDPair) pair = new_pair(&t);
    RamFixtureCounts n = ram_fixture_fill(pair->src, t.mix, 1);

    put_all(pair);
    g_assert_cmpuint(qatomic_read(&pair->stats.normal_pages), ==, n.nr_normal);
    g_assert_cmpuint(pair->main.nr_pages, ==, n.nr_zero + n.nr_holes);
    assert_finished(pair);
}

/* What a source writes for eight pages: reads the packet from the channel. */
static MultiFDPacketWire *send_eight(unsigned ratio, const char *kinds,
                                     uint8_t **content)
{
    g_autoptr(MultiFDPair) pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .packet_pages = 8,
        .normal_page_ratio = ratio,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .blocks = &memfd,
        .nr_blocks = 1,
        .no_recv = true,
    });
    PageSink *sink = multifd_send_sink(pair->send);
    uint8_t *host = ram_list_block(pair->src, 0)->host;
    g_autofree MultiFDPacketWire *wire = g_malloc(multifd_packet_len(8));
    uint8_t greeting[MULTIFD_GREETING_LEN];
    Error *err = NULL;
    size_t len_bytes;

    for (unsigned i = 0; i < 8; i++) {
        bool hole = kinds[i] == 'h';

        if (!hole) {
            memset(host + PAGES(i), kinds[i] == 'z' ? 0 : 'a' + i,
                   TARGET_PAGE_SIZE);
        }
        multifd_pair_put_run(pair, 0, i, 1,
                             hole ? PAGE_RUN_HOLE : PAGE_RUN_DATA);
    }
    sink->ops->sync(sink, &err);
    g_assert_null(err);
    qio_channel_read_all(pair->dest_ends[0], greeting, sizeof(greeting), &err);
    g_assert_null(err);
    qio_channel_read_all(pair->dest_ends[0], wire, multifd_packet_len(8), &err);
    g_assert_null(err);
    len_bytes = ldl_be_p(&wire->next_packet_size);
    *content = g_malloc(len_bytes);
    qio_channel_read_all(pair->dest_ends[0], *content, len_bytes, &err);
    g_assert_null(err);
    return g_steal_pointer(&wire);
}

typedef struct OrderCase {
    const char *path;
    const char *kinds;      /* n: normal, z: zero, h: a hole */
    unsigned ratio;
    const char *normal;     /* digits: pages, in this order */
    const char *zero;
} OrderCase;

static const OrderCase order_cases[] = {
    { "no ratio", "nznzznzz", 0, "025", "13467" },
    { "every other zero page", "nznzznzz", 50, "02356", "147" },
    { "every zero page", "nznzznzz", 100, "01234567", "" },
    { "three zero pages of four", "zzzzzzzz", 75, "123567", "04" },
    { "holes come last", "hnzhnzhh", 0, "14", "250367" },
    { "every other zero page or hole", "hnzhnzhh", 50, "14537", "206" },
    { "every hole", "hhhhhhhh", 100, "01234567", "" },
    { "one in a hundred", "zzzzhhhh", 1, "", "01234567" },
};

/* Runs must stay runs: each sort is in the order of the walk. */
static void test_order(const void *data)
{
    const OrderCase *t = data;
    g_autofree uint8_t *content = NULL;
    g_autofree MultiFDPacketWire *wire = send_eight(t->ratio, t->kinds,
                                                    &content);
    unsigned nr_normal = strlen(t->normal);

    g_assert_cmpuint(ldl_be_p(&wire->normal_pages), ==, nr_normal);
    g_assert_cmpuint(ldl_be_p(&wire->zero_pages), ==, strlen(t->zero));
    for (unsigned i = 0; i < 8; i++) {
        unsigned page = (i < nr_normal ? t->normal[i]
                                       : t->zero[i - nr_normal]) - '0';

        g_assert_cmpuint(ldq_be_p(&wire->offset[i]), ==, PAGES(page));
        for (unsigned b = 0; i < nr_normal && b < TARGET_PAGE_SIZE; b++) {
            g_assert_cmphex(content[PAGES(i) + b], ==,
                            t->kinds[page] == 'n' ? 'a' + page : 0);
        }
    }
}

static void add_counts(void)
{
    static const unsigned ratios[] = { 0, 1, 50, 99, 100 };
    static const unsigned sizes[] = { 1, 128, 1024 };
    static const char *const mixes[] = { "holes", "zero", "random", "half",
                                         "mixed" };

    for (unsigned r = 0; r < ARRAY_SIZE(ratios); r++) {
        for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
            for (unsigned m = 0; m < ARRAY_SIZE(mixes); m++) {
                g_autofree char *path =
                    g_strdup_printf("/multifd-ratio/%u percent/%u pages/%s",
                                    ratios[r], sizes[s], mixes[m]);
                RatioCase *t = g_new0(RatioCase, 1);

                t->ratio = ratios[r];
                t->packet_pages = sizes[s];
                t->nr_channels = 1;
                t->detection = ZERO_PAGE_DETECTION_MULTIFD;
                t->mix = RAM_FIXTURE_MIX_HOLES + m;
                g_test_add_data_func_full(path, t, test_counts, g_free);
            }
        }
    }
}

int main(int argc, char **argv)
{
    QEMU_BUILD_BUG_ON(RAM_FIXTURE_MIX_MIXED != RAM_FIXTURE_MIX_HOLES + 4);
    g_test_init(&argc, &argv, NULL);
    add_counts();
    for (size_t i = 0; i < ARRAY_SIZE(order_cases); i++) {
        g_autofree char *path = g_strdup_printf("/multifd-ratio/order/%s",
                                                order_cases[i].path);

        g_test_add_data_func(path, &order_cases[i], test_order);
    }
    g_test_add_func("/multifd-ratio/many channels", test_many_channels);
    g_test_add_data_func("/multifd-ratio/holes stay holes/50 percent",
                         GUINT_TO_POINTER(50), test_holes_stay_holes);
    g_test_add_data_func("/multifd-ratio/holes stay holes/100 percent",
                         GUINT_TO_POINTER(100), test_holes_stay_holes);
    g_test_add_func("/multifd-ratio/legacy", test_legacy);
    return g_test_run();
}
