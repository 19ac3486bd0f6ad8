/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of RAM blocks: names, order, sizes, hole maps; and the fixture that
 * other tests fill such lists with.
 */
#include "qemu/osdep.h"
#include "memory/backend.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/cutils.h"
#include "qemu/hole-map.h"
#include "qemu/units.h"
#include "ram-fixture.h"

static HostMemoryBackend *backend_new(uint64_t size)
{
    ObjectOptions options = {
        .id = (char *)"m",
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_MEMFD,
        .u.memory_backend_memfd = { .size = size },
    };

    return host_memory_backend_new(&options, NULL);
}

static RAMBlock *add(RamList *list, const char *idstr, uint64_t size)
{
    g_autoptr(HostMemoryBackend) backend = backend_new(size);
    Error *err = NULL;
    RAMBlock *block = ram_list_add_backend(list, idstr, backend, &err);

    g_assert_null(err);
    return block;
}

static void assert_refused(RamList *list, const char *idstr, uint64_t size,
                           const char *text)
{
    g_autoptr(HostMemoryBackend) backend = backend_new(64 * KiB);
    uint64_t true_size = backend->size;
    unsigned nr_before = ram_list_nr_blocks(list);
    Error *err = NULL;

    backend->size = size;
    g_assert_null(ram_list_add_backend(list, idstr, backend, &err));
    g_assert_nonnull(err);
    g_assert_cmpstr(error_get_pretty(err), ==, text);
    error_free(err);
    g_assert_cmpuint(ram_list_nr_blocks(list), ==, nr_before);
    g_assert_cmpint(backend->refcount, ==, 1);
    backend->size = true_size;
}

static void test_empty(void)
{
    g_autoptr(RamList) list = ram_list_new();

    g_assert_cmpuint(ram_list_nr_blocks(list), ==, 0);
    g_assert_cmpuint(ram_list_total_bytes(list), ==, 0);
    g_assert_null(ram_list_find(list, "m"));
    ram_list_free(NULL);
}

static void test_block(void)
{
    g_autoptr(RamList) list = ram_list_new();
    g_autoptr(HostMemoryBackend) backend = backend_new(64 * KiB);
    RAMBlock *block = ram_list_add_backend(list, "pc.ram", backend, NULL);

    g_assert_cmpstr(block->idstr, ==, "pc.ram");
    g_assert_cmpuint(block->index, ==, 0);
    g_assert_true(block->host == backend->host);
    g_assert_cmpuint(block->used_length, ==, 64 * KiB);
    g_assert_cmpuint(block->nr_pages, ==, 16);
    g_assert_cmpuint(block->page_size, ==, backend->page_size);
    g_assert_true(block->backend == backend);
    g_assert_cmpint(backend->refcount, ==, 2);
    g_assert_nonnull(block->hole_map);
    g_assert_true(ram_list_find(list, "pc.ram") == block);
    g_assert_null(ram_list_find(list, "pc.ra"));
}

static void test_order(void)
{
    static const char *const order[] = { "d", "b", "a", "c", "e" };
    g_autoptr(RamList) list = ram_list_new();

    add(list, "a", 16 * KiB);
    add(list, "b", 32 * KiB);
    add(list, "c", 16 * KiB);
    add(list, "d", 64 * KiB);
    add(list, "e", 4 * KiB);
    g_assert_cmpuint(ram_list_nr_blocks(list), ==, ARRAY_SIZE(order));
    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        RAMBlock *block = ram_list_block(list, i);

        g_assert_cmpstr(block->idstr, ==, order[i]);
        g_assert_cmpuint(block->index, ==, i);
        g_assert_true(ram_list_find(list, order[i]) == block);
    }
    g_assert_cmpuint(ram_list_total_bytes(list), ==, 132 * KiB);
}

static void test_longest_name(void)
{
    g_autoptr(RamList) list = ram_list_new();
    g_autofree char *fits = g_strnfill(255, 'n');
    g_autofree char *too_long = g_strnfill(256, 'n');
    g_autofree char *text = g_strdup_printf(
        "RAM block name '%s' has 256 bytes; 1 to 255 fit onto the wire",
        too_long);

    g_assert_cmpstr(add(list, fits, 4 * KiB)->idstr, ==, fits);
    assert_refused(list, too_long, 4 * KiB, text);
}

static void test_no_name(void)
{
    g_autoptr(RamList) list = ram_list_new();

    assert_refused(list, "", 4 * KiB, "RAM block name '' has 0 bytes; 1 to 255 "
                   "fit onto the wire");
}

static void test_same_name(void)
{
    g_autoptr(RamList) list = ram_list_new();

    add(list, "m", 4 * KiB);
    assert_refused(list, "m", 8 * KiB, "RAM block 'm' exists already");
}

static void test_odd_size(void)
{
    g_autoptr(RamList) list = ram_list_new();

    assert_refused(list, "m", 5000, "RAM block 'm': size 5000 is not a "
                   "multiple of the target page size, 4096 bytes");
}

static const RamFixtureBlock two_blocks[] = {
    { "small", 256 * KiB, RAM_FIXTURE_ANON },
    { "large", 1 * MiB, RAM_FIXTURE_MEMFD },
};

static void test_hole_maps(void)
{
    g_autoptr(RamList) list = ram_fixture_new(two_blocks, 2);

    for (unsigned i = 0; i < 2; i++) {
        RAMBlock *block = ram_list_block(list, i);
        g_autofree unsigned long *holes = bitmap_new(block->nr_pages);

        /* Which way is asked depends on what the block was said to be. */
        g_assert_cmpint(strcmp(hole_map_method_name(block->hole_map), "seek")
                        == 0, ==, strcmp(block->idstr, "large") == 0);
        block->host[3 * TARGET_PAGE_SIZE] = 1;
        g_assert_true(hole_map_query(block->hole_map, 0, block->used_length,
                                     holes, TARGET_PAGE_SIZE, NULL));
        g_assert_false(test_bit(3, holes));
        if (strcmp(hole_map_method_name(block->hole_map), "none") != 0) {
            g_assert_cmpint(bitmap_count_one(holes, block->nr_pages), ==,
                            block->nr_pages - 1);
        }
    }
}

/* One list of each kind of memory, filled alike. */
static void test_fixture_mixes(void)
{
    for (int mix = 0; mix <= RAM_FIXTURE_MIX_MIXED; mix++) {
        g_autoptr(RamList) a = ram_fixture_new(two_blocks, 2);
        RamFixtureBlock others[] = { two_blocks[0], two_blocks[1] };
        g_autoptr(RamList) b = NULL;
        RamFixtureCounts x, y;

        others[0].kind = RAM_FIXTURE_FILE_PRIVATE;
        others[1].kind = RAM_FIXTURE_FILE_SHARED;
        b = ram_fixture_new(others, 2);
        g_assert_cmpuint(ram_fixture_populated_pages(a), ==, 0);
        x = ram_fixture_fill(a, mix, 42);
        y = ram_fixture_fill(b, mix, 42);
        g_assert_cmpuint(x.nr_holes, ==, y.nr_holes);
        g_assert_cmpuint(x.nr_zero, ==, y.nr_zero);
        g_assert_cmpuint(x.nr_normal, ==, y.nr_normal);
        g_assert_cmpuint(x.nr_holes + x.nr_zero + x.nr_normal, ==, 64 + 256);
        g_assert_cmpuint(ram_fixture_populated_pages(a), ==,
                         x.nr_zero + x.nr_normal);
        ram_fixture_assert_equal(a, b);
    }
}

static void test_fixture_counts_are_true(void)
{
    g_autoptr(RamList) list = ram_fixture_new(two_blocks, 2);
    RamFixtureCounts counts = ram_fixture_fill(list, RAM_FIXTURE_MIX_MIXED, 7);
    uint64_t nr_normal = 0;

    for (unsigned i = 0; i < 2; i++) {
        RAMBlock *block = ram_list_block(list, i);

        for (uint64_t page = 0; page < block->nr_pages; page++) {
            nr_normal += !buffer_is_zero(block->host + page * TARGET_PAGE_SIZE,
                                         TARGET_PAGE_SIZE);
        }
    }
    g_assert_cmpuint(counts.nr_normal, ==, nr_normal);
    g_assert_cmpuint(counts.nr_normal, >, 0);
    g_assert_cmpuint(counts.nr_zero, >, 0);
    g_assert_cmpuint(counts.nr_holes, >, 0);
}

static void test_fixture_sees_differences(void)
{
    g_autoptr(RamList) a = ram_fixture_new(two_blocks, 2);
    g_autoptr(RamList) b = ram_fixture_new(two_blocks, 2);
    g_autoptr(RamList) c = ram_fixture_new(two_blocks, 1);
    g_autofree char *byte = NULL;
    g_autofree char *count = NULL;

    ram_list_find(b, "small")->host[4097] = 0x7f;
    byte = ram_fixture_difference(a, b);
    g_assert_cmpstr(byte, ==, "block 'small', byte 0x1001: 0 in one list and "
                    "0x7f in the other");
    count = ram_fixture_difference(a, c);
    g_assert_cmpstr(count, ==, "one list has 2 blocks, the other 1");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ram-list/empty", test_empty);
    g_test_add_func("/ram-list/block", test_block);
    g_test_add_func("/ram-list/largest-first-equals-as-added", test_order);
    g_test_add_func("/ram-list/longest-name", test_longest_name);
    g_test_add_func("/ram-list/no-name", test_no_name);
    g_test_add_func("/ram-list/same-name", test_same_name);
    g_test_add_func("/ram-list/odd-size", test_odd_size);
    g_test_add_func("/ram-list/hole-maps", test_hole_maps);
    g_test_add_func("/ram-list/fixture/mixes", test_fixture_mixes);
    g_test_add_func("/ram-list/fixture/counts-are-true",
                    test_fixture_counts_are_true);
    g_test_add_func("/ram-list/fixture/sees-differences",
                    test_fixture_sees_differences);
    return g_test_run();
}
