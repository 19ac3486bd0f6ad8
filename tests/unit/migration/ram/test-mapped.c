/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of mapped RAM by one thread: where things are in the file, what is
 * present, and what arrives.
 */
#include "qemu/osdep.h"
#include "mapped-file.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "ram-blocks.h"
#include "ram-fixture.h"

#define PAGE TARGET_PAGE_SIZE

static const RamFixtureBlock mixed_blocks[] = {
    { "big", 5 * MiB + 3 * PAGE, RAM_FIXTURE_MEMFD },
    { "middle", 1 * MiB, RAM_FIXTURE_ANON },
    { "tiny", PAGE, RAM_FIXTURE_MEMFD },
};

static uint64_t file_be64(int fd, uint64_t offset)
{
    uint8_t field[8];

    g_assert_cmpint(pread(fd, field, 8, (off_t)offset), ==, 8);
    return ldq_be_p(field);
}

static uint8_t file_byte(int fd, uint64_t offset)
{
    uint8_t byte;

    g_assert_cmpint(pread(fd, &byte, 1, (off_t)offset), ==, 1);
    return byte;
}

static void assert_loads(int fd, uint64_t offset, RamList *list)
{
    Error *err = NULL;

    mapped_file_load(fd, offset, list, &err);
    g_assert_cmpstr(err ? error_get_pretty(err) : NULL, ==, NULL);
}

/* The layout that the documentation shows, byte by byte. */
static void test_layout(void)
{
    g_autoptr(RamList) list = ram_blocks_new("m", 70, "n", 1, NULL);
    g_autoptr(MappedFile) f = mapped_file_new(list,
                                              ZERO_PAGE_DETECTION_MULTIFD, 0);
    /* the total, then 1 + 1 bytes of the name, then the length */
    const uint64_t header = 8 + 2 + 8, bitmap = header + 28;
    const uint64_t next = MiB + 70 * PAGE;

    memset(ram_blocks_page(list, "m", 3), 1, PAGE);
    memset(ram_blocks_page(list, "m", 69), 2, PAGE);
    mapped_file_save(f);
    g_assert_cmpuint(file_be64(f->fd, 0), ==, 71 * PAGE + 4);
    g_assert_cmpuint(file_be64(f->fd, header) >> 32, ==, 1);
    g_assert_cmpuint(file_be64(f->fd, header + 4), ==, PAGE);
    g_assert_cmpuint(file_be64(f->fd, header + 12), ==, bitmap);
    g_assert_cmpuint(file_be64(f->fd, header + 20), ==, MiB);
    g_assert_cmpuint(file_byte(f->fd, bitmap), ==, 1 << 3);
    g_assert_cmpuint(file_byte(f->fd, bitmap + 8), ==, 1 << 5);
    g_assert_cmpuint(file_byte(f->fd, MiB + 3 * PAGE), ==, 1);
    g_assert_cmpuint(file_byte(f->fd, MiB + 69 * PAGE), ==, 2);
    /* the next block right behind the pages of this one */
    g_assert_cmpuint(file_byte(f->fd, next), ==, 1);
    g_assert_cmpuint(file_byte(f->fd, next + 1), ==, 'n');
    g_assert_cmpuint(file_be64(f->fd, next + 10 + 12), ==, next + 38);
    g_assert_cmpuint(file_be64(f->fd, next + 10 + 20), ==, 2 * MiB);
    /* EOS of START, EOS of END */
    g_assert_cmpuint(file_be64(f->fd, 2 * MiB + PAGE), ==, 0x10);
    g_assert_cmpuint(file_be64(f->fd, 2 * MiB + PAGE + 8), ==, 0x10);
}

/* Places count from the begin of the file, wherever the stream begins. */
static void test_layout_with_offset(void)
{
    g_autoptr(RamList) list = ram_blocks_new("m", 4, NULL);
    g_autoptr(RamList) dst = ram_blocks_new("m", 4, NULL);
    g_autoptr(MappedFile) f = mapped_file_new(
        list, ZERO_PAGE_DETECTION_MULTIFD, 4097);

    memset(ram_blocks_page(list, "m", 1), 7, PAGE);
    mapped_file_save(f);
    g_assert_cmpuint(file_be64(f->fd, 4097 + 18 + 12), ==, 4097 + 46);
    g_assert_cmpuint(file_be64(f->fd, 4097 + 18 + 20), ==, MiB);
    assert_loads(f->fd, 4097, dst);
    ram_fixture_assert_equal(list, dst);
}

static void test_every_mix_arrives(void)
{
    for (RamFixtureMix mix = RAM_FIXTURE_MIX_HOLES;
         mix <= RAM_FIXTURE_MIX_MIXED; mix++) {
        g_autoptr(RamList) src = ram_fixture_new(mixed_blocks, 3);
        g_autoptr(RamList) dst = ram_fixture_new(mixed_blocks, 3);
        RamFixtureCounts counts = ram_fixture_fill(src, mix, 5);
        g_autoptr(MappedFile) f = mapped_file_new(
            src, ZERO_PAGE_DETECTION_MULTIFD, 0);

        mapped_file_setup(f);
        mapped_file_iterate(f);
        mapped_file_complete(f);
        g_assert_cmpuint(f->stats.normal_pages, ==, counts.nr_normal);
        g_assert_cmpuint(f->stats.zero_pages, ==,
                         counts.nr_zero + counts.nr_holes);
        g_assert_cmpuint(f->stats.hole_pages, ==, counts.nr_holes);
        g_assert_cmpuint(f->stats.file_bytes, ==, counts.nr_normal * PAGE);
        /* Besides the pages: headers, bitmaps, the ends of sections. */
        g_assert_cmpuint(mapped_file_bytes(f->fd), <=,
                         counts.nr_normal * PAGE + 16 * PAGE);
        assert_loads(f->fd, 0, dst);
        g_assert_cmpuint(ram_fixture_populated_pages(dst), ==,
                         counts.nr_normal);
        ram_fixture_assert_equal(src, dst);
    }
}

/* Pages that are not present become zero where something else was. */
static void test_old_memory_is_cleared(void)
{
    g_autoptr(RamList) src = ram_fixture_new(mixed_blocks, 3);
    g_autoptr(RamList) dst = ram_fixture_new(mixed_blocks, 3);
    g_autoptr(MappedFile) f = mapped_file_new(src,
                                              ZERO_PAGE_DETECTION_LEGACY, 0);

    ram_fixture_fill(src, RAM_FIXTURE_MIX_MIXED, 6);
    ram_fixture_fill(dst, RAM_FIXTURE_MIX_RANDOM, 7);
    mapped_file_save(f);
    assert_loads(f->fd, 0, dst);
    ram_fixture_assert_equal(src, dst);
}

/* Without detection all pages are present; a hole of memory is one of the file. */
static void test_no_detection(void)
{
    g_autoptr(RamList) src = ram_blocks_new("m", 64, NULL);
    g_autoptr(RamList) dst = ram_blocks_new("m", 64, NULL);
    g_autoptr(MappedFile) f = mapped_file_new(src, ZERO_PAGE_DETECTION_NONE,
                                              0);

    memset(ram_blocks_page(src, "m", 9), 0, PAGE);
    memset(ram_blocks_page(src, "m", 10), 3, PAGE);
    memset(ram_blocks_page(dst, "m", 11), 4, PAGE);
    mapped_file_save(f);
    g_assert_cmpuint(f->stats.normal_pages, ==, 64);
    g_assert_cmpuint(f->stats.zero_pages, ==, 0);
    g_assert_cmphex(file_be64(f->fd, 46), ==, UINT64_MAX);
    g_assert_cmpuint(mapped_file_bytes(f->fd), <=, 4 * PAGE);
    g_assert_cmpuint(ram_blocks_resident(src, "m"), ==, 2);
    assert_loads(f->fd, 0, dst);
    ram_fixture_assert_equal(src, dst);
}

/* What a page held in a round before is not what arrives. */
static void test_rounds(void)
{
    g_autoptr(RamList) src = ram_blocks_new("m", 300, NULL);
    g_autoptr(RamList) dst = ram_blocks_new("m", 300, NULL);
    g_autoptr(MappedFile) f = mapped_file_new(src,
                                              ZERO_PAGE_DETECTION_MULTIFD, 0);

    memset(ram_blocks_page(src, "m", 0), 1, 300 * PAGE);
    mapped_file_setup(f);
    mapped_file_iterate(f);
    memset(ram_blocks_page(src, "m", 5), 2, PAGE);
    memset(ram_blocks_page(src, "m", 6), 0, PAGE);
    memset(ram_blocks_page(src, "m", 299), 3, PAGE);
    mapped_file_mark(f, "m", 5);
    mapped_file_mark(f, "m", 6);
    mapped_file_mark(f, "m", 299);
    mapped_file_complete(f);
    g_assert_cmphex(file_byte(f->fd, 46), ==, 0xbf);
    assert_loads(f->fd, 0, dst);
    ram_fixture_assert_equal(src, dst);
}

/* A hole in a page's place, when the file has old content there. */
static void test_hole_as_content_over_old_content(void)
{
    g_autoptr(RamList) src = ram_blocks_new("m", 8, NULL);
    g_autoptr(MappedFile) f = mapped_file_new(src, ZERO_PAGE_DETECTION_NONE,
                                              0);
    PageSink *sink = mapped_sink_page_sink(f->sink);
    RAMBlock *block = ram_list_find(src, "m");
    Error *err = NULL;

    memset(ram_blocks_page(src, "m", 2), 9, PAGE);
    mapped_file_setup(f);
    mapped_file_iterate(f);
    g_assert_cmpuint(file_byte(f->fd, MiB + 2 * PAGE), ==, 9);
    g_assert_true(sink->ops->put_run(sink, block, 0, 8, PAGE_RUN_HOLE, &err));
    g_assert_true(sink->ops->flush(sink, &err));
    g_assert_cmpuint(file_byte(f->fd, MiB + 2 * PAGE), ==, 0);
}

/* 1 MiB at a time, however the runs are cut. */
static void test_runs_are_joined(void)
{
    g_autoptr(RamList) src = ram_blocks_new("m", 512, NULL);
    g_autoptr(MappedFile) f = mapped_file_new(src,
                                              ZERO_PAGE_DETECTION_MULTIFD, 0);
    PageSink *sink = mapped_sink_page_sink(f->sink);
    RAMBlock *block = ram_list_find(src, "m");
    Error *err = NULL;

    memset(block->host, 1, block->used_length);
    mapped_file_setup(f);
    for (unsigned i = 0; i < 256; i += 64) {
        g_assert_true(sink->ops->put_run(sink, block, i, 64, PAGE_RUN_DATA,
                                         &err));
        g_assert_cmpuint(f->stats.file_bytes, ==, 0);
    }
    g_assert_true(sink->ops->put_run(sink, block, 256, 64, PAGE_RUN_DATA,
                                     &err));
    g_assert_cmpuint(f->stats.file_bytes, ==, MiB);
    g_assert_true(sink->ops->flush(sink, &err));
    g_assert_cmpuint(f->stats.file_bytes, ==, MiB + 64 * PAGE);
}

static void test_stop(void)
{
    g_autoptr(RamList) src = ram_blocks_new("m", 512, NULL);
    g_autoptr(MappedFile) f = mapped_file_new(src,
                                              ZERO_PAGE_DETECTION_MULTIFD, 0);
    RAMBlock *block = ram_list_find(src, "m");
    Error *err = NULL;

    memset(block->host, 1, block->used_length);
    mapped_file_setup(f);
    mapped_out_stop(f->mapped);
    g_assert_false(ram_save_complete(f->save, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "was stopped"));
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mapped/layout", test_layout);
    g_test_add_func("/mapped/layout with an offset", test_layout_with_offset);
    g_test_add_func("/mapped/every mix of pages arrives",
                    test_every_mix_arrives);
    g_test_add_func("/mapped/old memory is cleared",
                    test_old_memory_is_cleared);
    g_test_add_func("/mapped/without detection", test_no_detection);
    g_test_add_func("/mapped/the newest content arrives", test_rounds);
    g_test_add_func("/mapped/hole over old content",
                    test_hole_as_content_over_old_content);
    g_test_add_func("/mapped/runs are joined", test_runs_are_joined);
    g_test_add_func("/mapped/stop", test_stop);
    return g_test_run();
}
