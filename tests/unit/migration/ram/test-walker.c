/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/ram/walker.c: every dirty page once a round, holes apart
 * from data, nothing touched.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "migration/ram/walker.h"
#include "ram-blocks.h"

#define A_PAGES 5000            /* more than two chunks */
#define B_PAGES 77

typedef struct Walk {
    RamList *list;
    DirtySoft *soft;
    RamWalker *walker;
} Walk;

static void walk_init(Walk *w)
{
    DirtyProvider *p;
    Error *err = NULL;

    w->list = ram_blocks_new("a", A_PAGES, "b", B_PAGES, NULL);
    w->soft = dirty_soft_new(w->list);
    p = dirty_soft_provider(w->soft);
    p->ops->start(p, w->list, &err);
    g_assert_null(err);
    w->walker = ram_walker_new(w->list, p, NULL);
}

static void walk_clear(Walk *w)
{
    DirtyProvider *p = dirty_soft_provider(w->soft);

    ram_walker_free(w->walker);
    p->ops->stop(p);
    dirty_soft_free(w->soft);
    ram_list_free(w->list);
}

static uint64_t walk_sync(Walk *w)
{
    uint64_t nr_new = 0;
    Error *err = NULL;

    ram_walker_sync(w->walker, &nr_new, &err);
    g_assert_null(err);
    return nr_new;
}

/* Walks one round; counts pages of each kind and checks that none comes twice. */
static void walk_round(Walk *w, uint64_t *nr_data, uint64_t *nr_hole)
{
    g_autofree unsigned long *seen_a = bitmap_new(A_PAGES);
    g_autofree unsigned long *seen_b = bitmap_new(B_PAGES);
    Error *err = NULL;
    PageRun run;

    *nr_data = *nr_hole = 0;
    while (ram_walker_next(w->walker, &run, &err) == RAM_WALKER_RUN) {
        unsigned long *seen = run.block->idstr[0] == 'a' ? seen_a : seen_b;

        g_assert_cmpuint(run.nr_pages, >, 0);
        g_assert_cmpuint(run.nr_pages, <=, run.kind == PAGE_RUN_HOLE ?
                         PAGE_SINK_HOLE_RUN_MAX : PAGE_SINK_RUN_MAX);
        g_assert_cmpuint(run.first_page + run.nr_pages, <=,
                         run.block->nr_pages);
        for (uint64_t i = 0; i < run.nr_pages; i++) {
            g_assert_false(test_bit(run.first_page + i, seen));
            set_bit(run.first_page + i, seen);
        }
        *(run.kind == PAGE_RUN_HOLE ? nr_hole : nr_data) += run.nr_pages;
    }
    g_assert_null(err);
}

static void test_first_round_has_every_page(void)
{
    uint64_t nr_data, nr_hole;
    Walk w;

    walk_init(&w);
    g_assert_cmpuint(ram_walker_dirty_pages(w.walker), ==, A_PAGES + B_PAGES);
    walk_round(&w, &nr_data, &nr_hole);
    g_assert_cmpuint(nr_data + nr_hole, ==, A_PAGES + B_PAGES);
    g_assert_cmpuint(ram_walker_dirty_pages(w.walker), ==, 0);
    walk_clear(&w);
}

static void test_holes_are_found_and_stay_holes(void)
{
    uint64_t nr_data, nr_hole;
    Walk w;

    walk_init(&w);
    *ram_blocks_page(w.list, "a", 2047) = 1;
    *ram_blocks_page(w.list, "a", 2048) = 1;
    walk_round(&w, &nr_data, &nr_hole);
    g_assert_cmpuint(nr_data, ==, 2);
    g_assert_cmpuint(nr_hole, ==, A_PAGES + B_PAGES - 2);
    g_assert_cmpuint(ram_blocks_resident(w.list, "a"), ==, 2);
    walk_clear(&w);
}

static void test_second_round_has_only_what_was_written(void)
{
    RAMBlock *a;
    uint64_t nr_data, nr_hole;
    Walk w;

    walk_init(&w);
    walk_round(&w, &nr_data, &nr_hole);
    a = ram_list_find(w.list, "a");
    a->host[100 << TARGET_PAGE_BITS] = 1;
    dirty_soft_mark(w.soft, a, 100 << TARGET_PAGE_BITS, 1);
    g_assert_cmpuint(walk_sync(&w), ==, 1);
    walk_round(&w, &nr_data, &nr_hole);
    g_assert_cmpuint(nr_data, ==, 1);
    g_assert_cmpuint(nr_hole, ==, 0);
    walk_clear(&w);
}

static void test_a_write_behind_the_walk_waits_for_the_next_round(void)
{
    RAMBlock *a;
    uint64_t nr_data, nr_hole;
    Error *err = NULL;
    PageRun run;
    Walk w;

    walk_init(&w);
    a = ram_list_find(w.list, "a");
    g_assert_cmpint(ram_walker_next(w.walker, &run, &err), ==, RAM_WALKER_RUN);
    dirty_soft_mark(w.soft, a, run.first_page << TARGET_PAGE_BITS, 1);
    walk_round(&w, &nr_data, &nr_hole);
    g_assert_cmpuint(nr_data + nr_hole, ==, A_PAGES + B_PAGES - run.nr_pages);
    g_assert_cmpuint(walk_sync(&w), ==, 1);
    g_assert_cmpuint(ram_walker_dirty_pages(w.walker), ==, 1);
    walk_clear(&w);
}

static void test_a_sync_in_the_middle_loses_nothing(void)
{
    RAMBlock *b;
    uint64_t nr_data, nr_hole;
    Error *err = NULL;
    PageRun run;
    Walk w;

    walk_init(&w);
    b = ram_list_find(w.list, "b");
    g_assert_cmpint(ram_walker_next(w.walker, &run, &err), ==, RAM_WALKER_RUN);
    dirty_soft_mark(w.soft, b, 0, 1);
    /* Still dirty from the start: it counts once. */
    g_assert_cmpuint(walk_sync(&w), ==, 0);
    walk_round(&w, &nr_data, &nr_hole);
    g_assert_cmpuint(ram_walker_dirty_pages(w.walker), ==, 0);
    walk_clear(&w);
}

/*
 * The second page was a hole when the chunk was taken and is data by now: it comes
 * as what it is, and only once.
 */
static void test_a_sync_asks_for_the_holes_again(void)
{
    RAMBlock *a;
    uint64_t nr_data, nr_hole;
    Error *err = NULL;
    PageRun run;
    Walk w;

    walk_init(&w);
    a = ram_list_find(w.list, "a");
    *ram_blocks_page(w.list, "a", 0) = 1;
    g_assert_cmpint(ram_walker_next(w.walker, &run, &err), ==, RAM_WALKER_RUN);
    g_assert_cmpuint(run.nr_pages, ==, 1);
    *ram_blocks_page(w.list, "a", 1) = 1;
    dirty_soft_mark(w.soft, a, 1 << TARGET_PAGE_BITS, 1);
    g_assert_cmpuint(walk_sync(&w), ==, 0);
    g_assert_cmpuint(ram_walker_dirty_pages(w.walker), ==,
                     A_PAGES + B_PAGES - 1);
    walk_round(&w, &nr_data, &nr_hole);
    g_assert_cmpuint(nr_data, ==, 1);
    g_assert_cmpuint(nr_hole, ==, A_PAGES + B_PAGES - 2);
    g_assert_cmpuint(ram_walker_dirty_pages(w.walker), ==, 0);
    walk_round(&w, &nr_data, &nr_hole);
    g_assert_cmpuint(nr_data + nr_hole, ==, 0);
    walk_clear(&w);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/walker/first-round-has-every-page",
                    test_first_round_has_every_page);
    g_test_add_func("/walker/holes-are-found-and-stay-holes",
                    test_holes_are_found_and_stay_holes);
    g_test_add_func("/walker/second-round-has-only-what-was-written",
                    test_second_round_has_only_what_was_written);
    g_test_add_func("/walker/a-write-behind-the-walk-waits-for-the-next-round",
                    test_a_write_behind_the_walk_waits_for_the_next_round);
    g_test_add_func("/walker/a-sync-in-the-middle-loses-nothing",
                    test_a_sync_in_the_middle_loses_nothing);
    g_test_add_func("/walker/a-sync-asks-for-the-holes-again",
                    test_a_sync_asks_for_the_holes_again);
    return g_test_run();
}
