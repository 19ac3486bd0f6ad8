/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/ram/received.c: fresh memory is not touched by zero pages,
 * any other ends up zero.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/thread.h"
#include "migration/ram/received.h"
#include "ram-blocks.h"

#define PAGES 300

static RamReceived *scanned(RamList *list)
{
    RamReceived *r = ram_received_new(list);
    Error *err = NULL;

    ram_received_scan(r, &err);
    g_assert_null(err);
    return r;
}

static void test_zero_leaves_fresh_memory_untouched(void)
{
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, NULL);
    g_autoptr(RamReceived) r = scanned(list);

    received_block_zero(ram_received_find(r, "a"), 0, PAGES);
    g_assert_cmpuint(ram_blocks_resident(list, "a"), ==, 0);
}

static void test_zero_clears_old_content(void)
{
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, NULL);
    g_autoptr(RamReceived) r = NULL;

    memset(ram_blocks_page(list, "a", 63), 0xee, 3 * TARGET_PAGE_SIZE);
    r = scanned(list);
    received_block_zero(ram_received_find(r, "a"), 0, PAGES);
    g_assert_true(buffer_is_zero(ram_blocks_page(list, "a", 63),
                                 3 * TARGET_PAGE_SIZE));
    /* ... and nothing around it was touched for that. */
    g_assert_cmpuint(ram_blocks_resident(list, "a"), ==, 3);
}

static void test_zero_clears_only_its_range(void)
{
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, NULL);
    g_autoptr(RamReceived) r = NULL;

    memset(ram_blocks_page(list, "a", 0), 0xee, PAGES * TARGET_PAGE_SIZE);
    r = scanned(list);
    received_block_zero(ram_received_find(r, "a"), 65, 70);
    g_assert_cmphex(*ram_blocks_page(list, "a", 64), ==, 0xee);
    g_assert_true(buffer_is_zero(ram_blocks_page(list, "a", 65),
                                 70 * TARGET_PAGE_SIZE));
    g_assert_cmphex(*ram_blocks_page(list, "a", 135), ==, 0xee);
}

static void test_zero_clears_what_came_before(void)
{
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, NULL);
    g_autoptr(RamReceived) r = scanned(list);
    ReceivedBlock *rb = ram_received_find(r, "a");

    received_block_normal(rb, 7, 1);
    memset(ram_blocks_page(list, "a", 7), 0x11, TARGET_PAGE_SIZE);
    received_block_zero(rb, 7, 1);
    g_assert_true(buffer_is_zero(ram_blocks_page(list, "a", 7),
                                 TARGET_PAGE_SIZE));
}

/* Without a scan nothing is known to be fresh. */
static void test_unscanned_memory_is_cleared(void)
{
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, NULL);
    g_autoptr(RamReceived) r = ram_received_new(list);

    memset(ram_blocks_page(list, "a", 9), 0xee, TARGET_PAGE_SIZE);
    received_block_zero(ram_received_find(r, "a"), 9, 1);
    g_assert_true(buffer_is_zero(ram_blocks_page(list, "a", 9),
                                 TARGET_PAGE_SIZE));
}

static void test_missing_pages_are_counted(void)
{
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, "b", 10, NULL);
    g_autoptr(RamReceived) r = scanned(list);
    RAMBlock *block = NULL;
    uint64_t page = 0;

    received_block_zero(ram_received_find(r, "a"), 0, PAGES);
    received_block_normal(ram_received_find(r, "b"), 0, 4);
    received_block_normal(ram_received_find(r, "b"), 5, 4);
    g_assert_cmpuint(ram_received_missing(r, &block, &page), ==, 2);
    g_assert_cmpstr(block->idstr, ==, "b");
    g_assert_cmpuint(page, ==, 4);
}

static void test_nothing_is_missing_when_all_came(void)
{
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, NULL);
    g_autoptr(RamReceived) r = scanned(list);
    RAMBlock *block = NULL;
    uint64_t page = 0;

    received_block_zero(ram_received_find(r, "a"), 0, 100);
    received_block_normal(ram_received_find(r, "a"), 100, PAGES - 100);
    g_assert_cmpuint(ram_received_missing(r, &block, &page), ==, 0);
    g_assert_null(block);
}

static void test_unknown_block_is_not_found(void)
{
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, NULL);
    g_autoptr(RamReceived) r = scanned(list);

    g_assert_null(ram_received_find(r, "b"));
}

/* A model beside it: runs of random length and sort, page by page. */
static void test_random_runs(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, NULL);
    g_autoptr(RamReceived) r = NULL;
    uint8_t content[PAGES] = { 0 };
    bool named[PAGES] = { false };

    for (unsigned page = 0; page < PAGES; page += 3) {
        memset(ram_blocks_page(list, "a", page), 0xee, TARGET_PAGE_SIZE);
        content[page] = 0xee;
    }
    r = scanned(list);
    for (unsigned n = 0; n < 500; n++) {
        unsigned first = g_rand_int_range(rand, 0, PAGES);
        unsigned nr = g_rand_int_range(rand, 1, n % 2 ? 200 : 5);
        bool normal = g_rand_boolean(rand);
        ReceivedBlock *rb = ram_received_find(r, "a");
        uint64_t nr_missing = 0, page = 0;
        RAMBlock *block = NULL;

        nr = MIN(nr, PAGES - first);
        if (normal) {
            received_block_normal(rb, first, nr);
            memset(ram_blocks_page(list, "a", first), n, nr * TARGET_PAGE_SIZE);
        } else {
            received_block_zero(rb, first, nr);
        }
        for (unsigned i = 0; i < nr; i++) {
            named[first + i] = true;
            content[first + i] = normal ? n : 0;
        }
        for (unsigned i = 0; i < PAGES; i++) {
            nr_missing += !named[i];
        }
        g_assert_cmpuint(ram_received_missing(r, &block, &page), ==,
                         nr_missing);
    }
    for (unsigned i = 0; i < PAGES; i++) {
        g_assert_cmphex(*ram_blocks_page(list, "a", i), ==, content[i]);
        g_assert_cmphex(ram_blocks_page(list, "a", i)[4095], ==, content[i]);
    }
}

/* Two channels note odd and even pages of the same words. */
typedef struct Noter {
    ReceivedBlock *rb;
    uint64_t first;
} Noter;

static void *noter_thread(void *opaque)
{
    Noter *n = opaque;

    for (uint64_t page = n->first; page < PAGES; page += 2) {
        if (page % 3) {
            received_block_normal(n->rb, page, 1);
        } else {
            received_block_zero(n->rb, page, 1);
        }
    }
    return NULL;
}

static void test_channels_share_words(void)
{
    g_autoptr(RamList) list = ram_blocks_new("a", PAGES, NULL);
    g_autoptr(RamReceived) r = scanned(list);
    ReceivedBlock *rb = ram_received_find(r, "a");
    Noter noters[2] = { { rb, 0 }, { rb, 1 } };
    QemuThread threads[2];
    RAMBlock *block = NULL;
    uint64_t page = 0;

    for (unsigned i = 0; i < 2; i++) {
        qemu_thread_create(&threads[i], "noter", noter_thread, &noters[i],
                           QEMU_THREAD_JOINABLE);
    }
    for (unsigned i = 0; i < 2; i++) {
        qemu_thread_join(&threads[i]);
    }
    g_assert_cmpuint(ram_received_missing(r, &block, &page), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/received/zero-leaves-fresh-memory-untouched",
                    test_zero_leaves_fresh_memory_untouched);
    g_test_add_func("/received/zero-clears-old-content",
                    test_zero_clears_old_content);
    g_test_add_func("/received/zero-clears-only-its-range",
                    test_zero_clears_only_its_range);
    g_test_add_func("/received/zero-clears-what-came-before",
                    test_zero_clears_what_came_before);
    g_test_add_func("/received/unscanned-memory-is-cleared",
                    test_unscanned_memory_is_cleared);
    g_test_add_func("/received/missing-pages-are-counted",
                    test_missing_pages_are_counted);
    g_test_add_func("/received/nothing-is-missing-when-all-came",
                    test_nothing_is_missing_when_all_came);
    g_test_add_func("/received/unknown-block-is-not-found",
                    test_unknown_block_is_not_found);
    g_test_add_func("/received/random-runs", test_random_runs);
    g_test_add_func("/received/channels-share-words",
                    test_channels_share_words);
    return g_test_run();
}
