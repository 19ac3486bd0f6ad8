/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/ram/walker.c: how many chunks a walk takes, which is how
 * often the kernel is asked, and what they consist of.  Chunks are counted by
 * the pause point that each of them passes.
 */
#include "qemu/osdep.h"
#include "config-host.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "migration/ram/walker.h"
#include "ram-blocks.h"

#define CHUNK_PAGES 2048
#define LARGE_CHUNK_PAGES (64 * 1024)

typedef struct Walk {
    DirtyProvider provider; /* what it finds is in @written */
    PausePoints points;
    RamList *list;
    RAMBlock *block;
    RamWalker *walker;
    unsigned long *written;
    unsigned long *cleared; /* pages whose log was, since walk_lap() began */
    uint64_t nr_chunks;
} Walk;

static Walk *walk_from(DirtyProvider *p)
{
    return container_of(p, Walk, provider);
}

static bool written_start(DirtyProvider *p, RamList *list, Error **errp)
{
    return true;
}

static bool written_sync(DirtyProvider *p, RAMBlock *block,
                         unsigned long *bmap, uint64_t *nr_pages,
                         Error **errp)
{
    Walk *w = walk_from(p);

    for (uint64_t page = find_first_bit(w->written, block->nr_pages);
         page < block->nr_pages;
         page = find_next_bit(w->written, block->nr_pages, page + 1)) {
        *nr_pages += !test_and_set_bit(page, bmap);
    }
    return true;
}

static bool written_clear(DirtyProvider *p, RAMBlock *block,
                          uint64_t first_page, uint64_t nr_pages, Error **errp)
{
    Walk *w = walk_from(p);

    g_assert_cmpuint(nr_pages, >, 0);
    bitmap_clear(w->written, first_page, nr_pages);
    bitmap_set(w->cleared, first_page, nr_pages);
    return true;
}

static void written_stop(DirtyProvider *p)
{
}

static const DirtyProviderOps written_ops = {
    .name = "written",
    .start = written_start,
    .sync = written_sync,
    .clear = written_clear,
    .stop = written_stop,
};

static void walk_hit(void *opaque, PausePoint point)
{
    ((Walk *)opaque)->nr_chunks += point == PAUSE_POINT_AFTER_HOLE_QUERY;
}

static void walk_init(Walk *w, unsigned nr_pages)
{
    *w = (Walk) { .list = ram_blocks_new("a", nr_pages, NULL) };
    w->provider.ops = &written_ops;
    w->points = (PausePoints) { .hit = walk_hit, .opaque = w };
    w->block = ram_list_block(w->list, 0);
    w->written = bitmap_new(nr_pages);
    w->cleared = bitmap_new(nr_pages);
    w->walker = ram_walker_new(w->list, &w->provider, &w->points);
}

static void walk_clear(Walk *w)
{
    ram_walker_free(w->walker);
    g_free(w->written);
    g_free(w->cleared);
    ram_list_free(w->list);
}

static void walk_sync(Walk *w, uint64_t expected)
{
    uint64_t nr_new = 0;
    Error *err = NULL;

    ram_walker_sync(w->walker, &nr_new, &err);
    g_assert_null(err);
    g_assert_cmpuint(nr_new, ==, expected);
}

static bool walk_next(Walk *w, PageRun *run)
{
    Error *err = NULL;
    RamWalkerNext next = ram_walker_next(w->walker, run, &err);

    g_assert_null(err);
    return next == RAM_WALKER_RUN;
}

/*
 * To the end of RAM: each page once, its log cleared before, and of no other
 * page.  Returns how many were data.
 */
static uint64_t walk_lap(Walk *w, uint64_t nr_expected)
{
    uint64_t nr_pages = w->block->nr_pages;
    g_autofree unsigned long *seen = bitmap_new(nr_pages);
    uint64_t nr_data = 0;
    PageRun run;

    w->nr_chunks = 0;
    bitmap_zero(w->cleared, nr_pages);
    while (walk_next(w, &run)) {
        for (uint64_t i = 0; i < run.nr_pages; i++) {
            g_assert_false(test_and_set_bit(run.first_page + i, seen));
        }
        if (run.kind == PAGE_RUN_DATA) {
            g_assert_cmpuint(run.nr_pages, <=, PAGE_SINK_RUN_MAX);
            nr_data += run.nr_pages;
        } else {
            g_assert_cmpuint(run.nr_pages, <=, PAGE_SINK_HOLE_RUN_MAX);
        }
        g_assert_cmpuint(find_next_zero_bit(w->cleared,
                                            run.first_page + run.nr_pages,
                                            run.first_page), ==,
                         run.first_page + run.nr_pages);
    }
    g_assert_cmpint(bitmap_count_one(seen, nr_pages), ==, nr_expected);
    g_assert_true(bitmap_equal(seen, w->cleared, nr_pages));
    g_assert_cmpuint(ram_walker_dirty_pages(w->walker), ==, 0);
    return nr_data;
}

static void walk_write(Walk *w, uint64_t page)
{
    w->block->host[page << TARGET_PAGE_BITS] = 1;
    set_bit(page, w->written);
}

static bool needs_pause_points(void)
{
#ifndef CONFIG_PAUSE_POINTS
    g_test_skip("built without pause points");
    return true;
#else
    return false;
#endif
}

/* 32 GiB that were never touched: the kernel is asked some hundred times. */
static void test_holes_take_few_chunks(void)
{
    enum { PAGES = 8 * 1024 * 1024 };
    Walk w;

    if (needs_pause_points()) {
        return;
    }
    walk_init(&w, PAGES);
    g_assert_cmpuint(walk_lap(&w, PAGES), ==, 0);
    g_assert_cmpuint(w.nr_chunks, <=, 4 + PAGES / LARGE_CHUNK_PAGES);
    g_assert_cmpuint(ram_blocks_resident(w.list, "a"), ==, 0);
    walk_clear(&w);
}

/* Data is asked for a small chunk at a time, wherever it begins. */
static void test_data_ends_a_large_chunk(void)
{
    enum { PAGES = 256 * 1024 };
    static const uint64_t data[] = {
        5 * CHUNK_PAGES + 77, 100000, 100001, 100002 + CHUNK_PAGES,
        100002 + 2 * CHUNK_PAGES, PAGES - 1,
    };
    Walk w;

    if (needs_pause_points()) {
        return;
    }
    walk_init(&w, PAGES);
    for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
        walk_write(&w, data[i]);
    }
    g_assert_cmpuint(walk_lap(&w, PAGES), ==, ARRAY_SIZE(data));
    g_assert_cmpuint(ram_blocks_resident(w.list, "a"), ==, ARRAY_SIZE(data));
    walk_clear(&w);
}

/*
 * Five chunks up to the page and the small one that it is in; after that the walk
 * has to see four more of holes before it takes large ones again.
 */
static void test_data_makes_chunks_small(void)
{
    enum { PAGES = 256 * 1024 };
    Walk w;

    if (needs_pause_points()) {
        return;
    }
    walk_init(&w, PAGES);
    walk_write(&w, 5 * CHUNK_PAGES + 77);
    g_assert_cmpuint(walk_lap(&w, PAGES), ==, 1);
    g_assert_cmpuint(w.nr_chunks, ==, 4 + 1 + 1 + 4 + 4);
    walk_clear(&w);
}

/* The same pages in 1 and in 64 GiB, once round before. */
static uint64_t chunks_for_writes(unsigned nr_pages, unsigned nr_writes)
{
    uint64_t nr_chunks;
    Walk w;

    walk_init(&w, nr_pages);
    walk_lap(&w, nr_pages);
    for (unsigned i = 0; i < nr_writes; i++) {
        walk_write(&w, (uint64_t)nr_pages / nr_writes * i);
    }
    walk_sync(&w, nr_writes);
    g_assert_cmpuint(walk_lap(&w, nr_writes), ==, nr_writes);
    nr_chunks = w.nr_chunks;
    walk_clear(&w);
    return nr_chunks;
}

static void test_a_lap_costs_by_what_is_dirty(void)
{
    if (needs_pause_points()) {
        return;
    }
    g_assert_cmpuint(chunks_for_writes(256 * 1024, 0), ==, 0);
    g_assert_cmpuint(chunks_for_writes(16 * 1024 * 1024, 0), ==, 0);
    g_assert_cmpuint(chunks_for_writes(256 * 1024, 20), ==, 20);
    g_assert_cmpuint(chunks_for_writes(16 * 1024 * 1024, 20), ==, 20);
    /* Close together they share chunks: 64 pages apart, 1024 to a chunk. */
    g_assert_cmpuint(chunks_for_writes(256 * 1024, 4096), ==, 4);
}

/* One that was discarded meanwhile, say, is read; the kernel is not asked. */
static void test_pages_that_lie_alone_count_as_data(void)
{
    Walk w;

    walk_init(&w, 4 * CHUNK_PAGES);
    walk_lap(&w, 4 * CHUNK_PAGES);
    for (uint64_t page = 100; page < 1000; page += 3) {
        set_bit(page, w.written);
    }
    walk_sync(&w, 300);
    g_assert_cmpuint(walk_lap(&w, 300), ==, 300);
    walk_clear(&w);
}

/* As a log does that has overflowed, lap after lap. */
static void test_memory_marked_as_a_whole_stays_holes(void)
{
    enum { PAGES = 256 * 1024 };
    static const uint64_t data[] = { 0, 70, 5000, 200000, PAGES - 1 };
    Walk w;

    walk_init(&w, PAGES);
    for (unsigned i = 0; i < ARRAY_SIZE(data); i++) {
        walk_write(&w, data[i]);
    }
    for (unsigned lap = 0; lap < 3; lap++) {
        g_assert_cmpuint(walk_lap(&w, PAGES), ==, ARRAY_SIZE(data));
        g_assert_cmpuint(ram_blocks_resident(w.list, "a"), ==,
                         ARRAY_SIZE(data));
        bitmap_set(w.written, 0, PAGES);
        walk_sync(&w, PAGES);
    }
    /* A stretch of it is enough. */
    walk_lap(&w, PAGES);
    bitmap_set(w.written, 1000, 64);
    walk_sync(&w, 64);
    g_assert_cmpuint(walk_lap(&w, 64), ==, 0);
    walk_clear(&w);
}

/* It was written behind the walk, in a word of the bitmap that is not through. */
static void test_a_page_does_not_come_twice_in_a_lap(void)
{
    PageRun run;
    Walk w;

    walk_init(&w, 300);
    walk_write(&w, 10);
    bitmap_zero(w.written, 300);
    g_assert_true(walk_next(&w, &run));
    g_assert_cmpuint(run.first_page, ==, 0);
    g_assert_cmpuint(run.nr_pages, ==, 10);
    set_bit(5, w.written);
    set_bit(20, w.written);
    walk_sync(&w, 1);
    g_assert_cmpuint(ram_walker_dirty_pages(w.walker), ==, 291);
    while (walk_next(&w, &run)) {
        g_assert_cmpuint(run.first_page, >=, 10);
    }
    g_assert_cmpuint(ram_walker_dirty_pages(w.walker), ==, 1);
    g_assert_true(walk_next(&w, &run));
    g_assert_cmpuint(run.first_page, ==, 5);
    g_assert_cmpuint(run.nr_pages, ==, 1);
    g_assert_false(walk_next(&w, &run));
    walk_clear(&w);
}

/* What was taken and not handed out is dirty again, and nothing else is. */
static void test_a_sync_that_finds_nothing_loses_nothing(void)
{
    uint64_t nr_pages = 0;
    PageRun run;
    Walk w;

    walk_init(&w, 300);
    walk_write(&w, 10);
    bitmap_zero(w.written, 300);
    do {
        walk_sync(&w, 0);
        g_assert_cmpuint(ram_walker_dirty_pages(w.walker), ==, 300 - nr_pages);
        if (!walk_next(&w, &run)) {
            break;
        }
        g_assert_cmpuint(run.first_page, ==, nr_pages);
        nr_pages += run.nr_pages;
    } while (true);
    g_assert_cmpuint(nr_pages, ==, 300);
    walk_clear(&w);
}

/* The log of a clean neighbour is not touched: it may just be written. */
static void test_only_dirty_pages_are_cleared(void)
{
    Walk w;

    walk_init(&w, CHUNK_PAGES);
    walk_lap(&w, CHUNK_PAGES);
    for (uint64_t page = 3; page < 1000; page += 17) {
        walk_write(&w, page);
    }
    walk_sync(&w, 59);
    /* walk_lap() compares what is cleared with what comes. */
    g_assert_cmpuint(walk_lap(&w, 59), ==, 59);
    walk_clear(&w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/walker-chunks/holes-take-few-chunks",
                    test_holes_take_few_chunks);
    g_test_add_func("/walker-chunks/data-ends-a-large-chunk",
                    test_data_ends_a_large_chunk);
    g_test_add_func("/walker-chunks/data-makes-chunks-small",
                    test_data_makes_chunks_small);
    g_test_add_func("/walker-chunks/a-sync-that-finds-nothing-loses-nothing",
                    test_a_sync_that_finds_nothing_loses_nothing);
    g_test_add_func("/walker-chunks/a-lap-costs-by-what-is-dirty",
                    test_a_lap_costs_by_what_is_dirty);
    g_test_add_func("/walker-chunks/pages-that-lie-alone-count-as-data",
                    test_pages_that_lie_alone_count_as_data);
    g_test_add_func("/walker-chunks/memory-marked-as-a-whole-stays-holes",
                    test_memory_marked_as_a_whole_stays_holes);
    g_test_add_func("/walker-chunks/a-page-does-not-come-twice-in-a-lap",
                    test_a_page_does_not_come_twice_in_a_lap);
    g_test_add_func("/walker-chunks/only-dirty-pages-are-cleared",
                    test_only_dirty_pages_are_cleared);
    return g_test_run();
}
