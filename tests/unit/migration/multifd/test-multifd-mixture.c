/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What arrives is what was sent: random mixtures of holes, zero pages and normal
 * pages, in runs of random lengths, over blocks of several kinds, with each way
 * to find zero pages, ratios and packet sizes.
 */
#include "qemu/osdep.h"
#include "migration/multifd/zero-page-cpu.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/hole-map.h"
#include "multifd-pair.h"

#define PAGES(n) ((uint64_t)(n) * TARGET_PAGE_SIZE)

#define NR_BLOCKS 3

/* Prime numbers of pages: no packet size divides them. */
static const RamFixtureBlock mixed_blocks[NR_BLOCKS] = {
    { "file", PAGES(2539), RAM_FIXTURE_MEMFD },
    { "anon", PAGES(769), RAM_FIXTURE_ANON },
    { "tiny", PAGES(3), RAM_FIXTURE_ANON },
};

static const unsigned channel_counts[] = { 1, 2, 8 };
static const unsigned packet_sizes[] = { 1, 2, 5, 16, 127, 128, 129, 1024 };
static const unsigned ratios[] = { 0, 10, 100 };

/* How the zero pages of a case are found. */
typedef enum Finder {
    FINDER_NONE,
    FINDER_LEGACY,
    FINDER_CPU,
    FINDER_DEEP,        /* several packets under way, as with a device */
    FINDER__MAX,
} Finder;

static const char *const finder_names[] = { "none", "legacy", "multifd",
                                            "deep" };

typedef struct Mixture {
    GRand *rand;
    MultiFDPair *pair;
    unsigned long *holes[NR_BLOCKS];
    uint64_t at[NR_BLOCKS];     /* put so far */
    uint64_t nr_put;
} Mixture;

static ZeroPageDetector *deep_detector(void *opaque)
{
    ZeroPageDetector *d = zero_page_detector_new_cpu();

    d->depth = ZERO_PAGE_DEPTH_MAX;
    return d;
}

static unsigned pick(GRand *rand, const unsigned *from, unsigned nr)
{
    return from[g_rand_int_range(rand, 0, nr)];
}

static void mixture_init(Mixture *m, Finder finder, unsigned seed)
{
    static const ZeroPageDetection detections[] = {
        ZERO_PAGE_DETECTION_NONE, ZERO_PAGE_DETECTION_LEGACY,
        ZERO_PAGE_DETECTION_MULTIFD, ZERO_PAGE_DETECTION_MULTIFD,
    };
    GRand *rand = g_rand_new_with_seed(seed);

    *m = (Mixture) { .rand = rand };
    m->pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = pick(rand, channel_counts, ARRAY_SIZE(channel_counts)),
        .packet_pages = pick(rand, packet_sizes, ARRAY_SIZE(packet_sizes)),
        .normal_page_ratio = pick(rand, ratios, ARRAY_SIZE(ratios)),
        .detection = detections[finder],
        .detector_func = finder == FINDER_DEEP ? deep_detector : NULL,
        .blocks = mixed_blocks,
        .nr_blocks = NR_BLOCKS,
        .dst_kind = g_rand_boolean(rand) ? RAM_FIXTURE_MEMFD
                                         : RAM_FIXTURE_ANON,
        .dst_old = g_rand_boolean(rand),
    });
    ram_fixture_fill(m->pair->src, RAM_FIXTURE_MIX_MIXED, seed);
}

static void mixture_destroy(Mixture *m)
{
    for (unsigned i = 0; i < NR_BLOCKS; i++) {
        g_free(m->holes[i]);
    }
    multifd_pair_free(m->pair);
    g_rand_free(m->rand);
}

static void mixture_find_holes(Mixture *m)
{
    Error *err = NULL;

    for (unsigned i = 0; i < NR_BLOCKS; i++) {
        RAMBlock *block = ram_list_block(m->pair->src, i);

        m->holes[i] = bitmap_new(block->nr_pages);
        hole_map_query(block->hole_map, 0, block->used_length, m->holes[i],
                       TARGET_PAGE_SIZE, &err);
        g_assert_null(err);
        /* Long runs, too: a few pieces without anything in them. */
        for (unsigned n = 0; n < 4 && block->nr_pages > 3; n++) {
            uint64_t first = g_rand_int_range(m->rand, 0, block->nr_pages);
            uint64_t nr = MIN(block->nr_pages - first, 400);

            if (find_next_zero_bit(m->holes[i], first + nr, first) <
                first + nr) {
                memset(block->host + PAGES(first), 0, PAGES(nr));
            }
        }
    }
}

/* The next run of block @b, as a walk would cut it, or shorter. */
static void mixture_put_next(Mixture *m, unsigned b)
{
    RAMBlock *block = ram_list_block(m->pair->src, b);
    uint64_t first = m->at[b];
    bool hole = test_bit(first, m->holes[b]);
    uint64_t end = hole
                   ? find_next_zero_bit(m->holes[b], block->nr_pages, first)
                   : find_next_bit(m->holes[b], block->nr_pages, first);

    if (g_rand_boolean(m->rand)) {
        uint64_t limit = first + g_rand_int_range(m->rand, 1, 40);

        end = MIN(end, limit);
    }
    end = MIN(end, first + (hole ? PAGE_SINK_HOLE_RUN_MAX : PAGE_SINK_RUN_MAX));
    multifd_pair_put_run(m->pair, b, first, end - first,
                         hole ? PAGE_RUN_HOLE : PAGE_RUN_DATA);
    m->nr_put += end - first;
    m->at[b] = end;
}

/* All pages, blocks in turn by lot. */
static void mixture_put_all(Mixture *m)
{
    for (unsigned left = NR_BLOCKS; left > 0;) {
        unsigned b = g_rand_int_range(m->rand, 0, NR_BLOCKS);
        uint64_t nr_pages = ram_list_block(m->pair->src, b)->nr_pages;

        if (m->at[b] == nr_pages) {
            continue;
        }
        mixture_put_next(m, b);
        left -= m->at[b] == nr_pages;
    }
    multifd_pair_sync(m->pair);
}

/* The guest writes: here zeroes, there something else. */
static void mixture_put_again(Mixture *m)
{
    for (unsigned b = 0; b < NR_BLOCKS; b++) {
        RAMBlock *block = ram_list_block(m->pair->src, b);

        for (uint64_t page = 0; page < block->nr_pages; page++) {
            uint8_t *host = block->host + PAGES(page);

            if (g_rand_int_range(m->rand, 0, 4) > 0) {
                continue;
            }
            if (g_rand_boolean(m->rand)) {
                memset(host, 0, TARGET_PAGE_SIZE);
            } else {
                ram_fixture_fill_page(host, g_rand_int(m->rand));
            }
            multifd_pair_put_run(m->pair, b, page, 1, PAGE_RUN_DATA);
            m->nr_put++;
        }
    }
    multifd_pair_sync(m->pair);
}

static void test_mixture(const void *data)
{
    unsigned seed = GPOINTER_TO_UINT(data);
    RAMBlock *block = NULL;
    uint64_t page = 0;
    const MigrationCounters *stats;
    Mixture m;
    Error *err = NULL;

    mixture_init(&m, seed % FINDER__MAX, seed);
    stats = &m.pair->stats;
    mixture_find_holes(&m);
    multifd_pair_sync(m.pair);
    mixture_put_all(&m);
    g_assert_cmpuint(ram_received_missing(m.pair->received, &block, &page), ==,
                     0);
    ram_fixture_assert_equal(m.pair->src, m.pair->dst);
    for (unsigned i = 0; i < 2; i++) {
        mixture_put_again(&m);
        ram_fixture_assert_equal(m.pair->src, m.pair->dst);
    }
    multifd_recv_finish(m.pair->recv, &err);
    g_assert_null(err);
    g_assert_cmpuint(qatomic_read(&stats->normal_pages) +
                     qatomic_read(&stats->zero_pages), ==, m.nr_put);
    g_assert_cmpint(qatomic_read(&m.pair->rate.debt_bytes), ==,
                    qatomic_read(&stats->multifd_bytes) -
                    m.pair->config.multifd_channels * MULTIFD_GREETING_LEN);
    mixture_destroy(&m);
}

int main(int argc, char **argv)
{
    QEMU_BUILD_BUG_ON(ARRAY_SIZE(finder_names) != FINDER__MAX);
    g_test_init(&argc, &argv, NULL);
    for (unsigned seed = 0; seed < 100; seed++) {
        g_autofree char *path = g_strdup_printf("/multifd-mixture/%s/%u",
            finder_names[seed % FINDER__MAX], seed / FINDER__MAX);

        g_test_add_data_func(path, GUINT_TO_POINTER(seed), test_mixture);
    }
    return g_test_run();
}
