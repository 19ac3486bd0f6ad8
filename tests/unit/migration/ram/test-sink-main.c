/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/ram/sink-main.c: the records that runs of pages become.
 */
#include "qemu/osdep.h"
#include "migration/ram/sink-main.h"
#include "migration/stream/ram-wire.h"
#include "qapi/error.h"
#include "ram-blocks.h"

typedef struct Sinking {
    MigrationConfig config;
    MigrationLive live;
    MigrationCounters stats;
    RateLimit rate;
    RamList *list;
    MigStreamOut *out;
    MigStreamOut *expected;
    MainSink *main_sink;
} Sinking;

static void sinking_init(Sinking *s, ZeroPageDetection detection)
{
    *s = (Sinking) {
        .config.zero_page_detection = detection,
        .list = ram_blocks_new("a", 8, "b", 4, NULL),
        .out = stream_out_new(NULL),
        .expected = stream_out_new(NULL),
    };
    rate_limit_init(&s->rate, &s->live);
    s->main_sink = main_sink_new(&s->config, s->out, &s->stats, &s->rate);
}

/* What was put must be what the test expected, and be charged for. */
static void sinking_clear(Sinking *s)
{
    g_autoptr(GByteArray) out = stream_out_steal(s->out);
    g_autoptr(GByteArray) expected = stream_out_steal(s->expected);

    g_assert_cmpmem(out->data, out->len, expected->data, expected->len);
    g_assert_cmpint(s->rate.debt_bytes, ==, (int64_t)out->len);
    main_sink_free(s->main_sink);
    stream_out_free(s->out);
    stream_out_free(s->expected);
    rate_limit_destroy(&s->rate);
    ram_list_free(s->list);
}

static void sinking_put(Sinking *s, const char *name, uint64_t first_page,
                        uint64_t nr_pages, PageRunKind kind)
{
    PageSink *sink = main_sink_page_sink(s->main_sink);
    Error *err = NULL;

    sink->ops->put_run(sink, ram_list_find(s->list, name), first_page,
                       nr_pages, kind, &err);
    g_assert_null(err);
}

static void expect_page(Sinking *s, const char *name, uint64_t page,
                        const void *content)
{
    ram_wire_put_page(s->expected, name, page << TARGET_PAGE_BITS);
    stream_put_buffer(s->expected, content, TARGET_PAGE_SIZE);
}

static void expect_zero(Sinking *s, const char *name, uint64_t page)
{
    ram_wire_put_zero(s->expected, name, page << TARGET_PAGE_BITS);
}

static void test_the_block_is_named_once(void)
{
    Sinking s;

    sinking_init(&s, ZERO_PAGE_DETECTION_MULTIFD);
    memset(ram_blocks_page(s.list, "a", 1), 0x11, TARGET_PAGE_SIZE);
    memset(ram_blocks_page(s.list, "a", 3), 0x33, TARGET_PAGE_SIZE);
    memset(ram_blocks_page(s.list, "b", 0), 0x44, TARGET_PAGE_SIZE);
    sinking_put(&s, "a", 1, 3, PAGE_RUN_DATA);
    sinking_put(&s, "b", 0, 1, PAGE_RUN_DATA);
    sinking_put(&s, "b", 1, 1, PAGE_RUN_HOLE);
    sinking_put(&s, "a", 0, 1, PAGE_RUN_ZERO);
    expect_page(&s, "a", 1, ram_blocks_page(s.list, "a", 1));
    expect_zero(&s, NULL, 2);
    expect_page(&s, NULL, 3, ram_blocks_page(s.list, "a", 3));
    expect_page(&s, "b", 0, ram_blocks_page(s.list, "b", 0));
    expect_zero(&s, NULL, 1);
    expect_zero(&s, "a", 0);
    g_assert_cmpuint(s.stats.normal_pages, ==, 3);
    g_assert_cmpuint(s.stats.zero_pages, ==, 3);
    g_assert_cmpuint(s.stats.hole_pages, ==, 1);
    sinking_clear(&s);
}

/* `legacy` means the same without multifd. */
static void test_legacy_finds_zero_pages(void)
{
    Sinking s;

    sinking_init(&s, ZERO_PAGE_DETECTION_LEGACY);
    sinking_put(&s, "b", 2, 1, PAGE_RUN_DATA);
    expect_zero(&s, "b", 2);
    sinking_clear(&s);
}

static void test_none_sends_zero_pages_in_full(void)
{
    static const uint8_t zeroes[TARGET_PAGE_SIZE];
    Sinking s;

    sinking_init(&s, ZERO_PAGE_DETECTION_NONE);
    sinking_put(&s, "b", 2, 1, PAGE_RUN_DATA);
    expect_page(&s, "b", 2, zeroes);
    g_assert_cmpuint(s.stats.normal_pages, ==, 1);
    g_assert_cmpuint(s.stats.zero_pages, ==, 0);
    sinking_clear(&s);
}

/* Reading a hole would populate it. */
static void test_none_does_not_touch_holes(void)
{
    static const uint8_t zeroes[TARGET_PAGE_SIZE];
    Sinking s;

    sinking_init(&s, ZERO_PAGE_DETECTION_NONE);
    sinking_put(&s, "a", 0, 8, PAGE_RUN_HOLE);
    for (uint64_t page = 0; page < 8; page++) {
        expect_page(&s, page ? NULL : "a", page, zeroes);
    }
    g_assert_cmpuint(ram_blocks_resident(s.list, "a"), ==, 0);
    g_assert_cmpuint(s.stats.normal_pages, ==, 8);
    g_assert_cmpuint(s.stats.hole_pages, ==, 0);
    sinking_clear(&s);
}

static void test_holes_are_zero_records_and_not_touched(void)
{
    Sinking s;

    sinking_init(&s, ZERO_PAGE_DETECTION_MULTIFD);
    sinking_put(&s, "a", 0, 8, PAGE_RUN_HOLE);
    for (uint64_t page = 0; page < 8; page++) {
        expect_zero(&s, page ? NULL : "a", page);
    }
    g_assert_cmpuint(ram_blocks_resident(s.list, "a"), ==, 0);
    sinking_clear(&s);
}

/* Zero pages in front, between and behind normal ones, and alone in a run. */
static void test_runs_of_zero_pages_are_single_records(void)
{
    static const char *const mixes[] = {
        "........", "x.......", ".......x", "..x..x..", "x.x.x.x.", "xxx...xx",
    };
    Sinking s;

    sinking_init(&s, ZERO_PAGE_DETECTION_MULTIFD);
    for (size_t m = 0; m < ARRAY_SIZE(mixes); m++) {
        uint64_t nr_before = s.stats.zero_pages;
        uint64_t nr_zero = 0;

        for (uint64_t page = 0; page < 8; page++) {
            const char *name = m == 0 && page == 0 ? "a" : NULL;
            uint8_t *there = ram_blocks_page(s.list, "a", page);

            memset(there, mixes[m][page] == 'x' ? 0x10 + (int)page : 0,
                   TARGET_PAGE_SIZE);
            if (mixes[m][page] == 'x') {
                expect_page(&s, name, page, there);
            } else {
                expect_zero(&s, name, page);
                nr_zero++;
            }
        }
        sinking_put(&s, "a", 0, 8, PAGE_RUN_DATA);
        g_assert_cmpuint(s.stats.zero_pages - nr_before, ==, nr_zero);
    }
    sinking_clear(&s);
}

static void test_needs_no_sync_points(void)
{
    PageSink *sink;
    Error *err = NULL;
    Sinking s;

    sinking_init(&s, ZERO_PAGE_DETECTION_MULTIFD);
    sink = main_sink_page_sink(s.main_sink);
    g_assert_false(sink->needs_sync);
    g_assert_true(sink->ops->flush(sink, &err));
    g_assert_true(sink->ops->sync(sink, &err));
    sinking_clear(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sink-main/the-block-is-named-once",
                    test_the_block_is_named_once);
    g_test_add_func("/sink-main/legacy-finds-zero-pages",
                    test_legacy_finds_zero_pages);
    g_test_add_func("/sink-main/none-sends-zero-pages-in-full",
                    test_none_sends_zero_pages_in_full);
    g_test_add_func("/sink-main/none-does-not-touch-holes",
                    test_none_does_not_touch_holes);
    g_test_add_func("/sink-main/holes-are-zero-records-and-not-touched",
                    test_holes_are_zero_records_and_not_touched);
    g_test_add_func("/sink-main/runs-of-zero-pages-are-single-records",
                    test_runs_of_zero_pages_are_single_records);
    g_test_add_func("/sink-main/needs-no-sync-points",
                    test_needs_no_sync_points);
    return g_test_run();
}
