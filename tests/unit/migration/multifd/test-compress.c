/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compression methods, both ends in one place: what was put in comes out, and what
 * comes in between is what the format says.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/thread.h"
#include "memory/guest-access.h"
#include "migration/stream/multifd-packet.h"
#include "compress-pages.h"

/* One packet there and back. */
static void check_packet(CompressEnds *ends, const uint8_t *pages,
                         unsigned nr_pages)
{
    g_autofree uint8_t *back = g_malloc(PAGES(nr_pages));
    Error *err = NULL;

    memset(back, 0xee, PAGES(nr_pages));
    compress_there(ends, pages, nr_pages);
    compress_back(ends, ends->content, ends->content_bytes, back, nr_pages,
                  &err);
    g_assert_null(err);
    g_assert_cmpmem(back, PAGES(nr_pages), pages, PAGES(nr_pages));
}

/* Packets of all sizes on one channel, of all sorts of pages. */
static void test_packets(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autoptr(CompressEnds) ends = NULL;

    if (compress_skip_unless_built(compression)) {
        return;
    }
    ends = compress_ends_new(compression, 1, MULTIFD_PACKET_PAGES);
    for (unsigned i = 0; i < 60; i++) {
        unsigned nr_pages = i % 3 == 0 ? MULTIFD_PACKET_PAGES : 1 + i * 7 % 100;
        g_autofree uint8_t *pages = compress_new_pages(nr_pages, i);

        check_packet(ends, pages, nr_pages);
    }
}

static void test_incompressible(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autoptr(CompressEnds) ends = NULL;
    g_autofree uint8_t *pages = g_malloc(PAGES(MULTIFD_PACKET_PAGES));

    if (compress_skip_unless_built(compression)) {
        return;
    }
    ends = compress_ends_new(compression, 1, MULTIFD_PACKET_PAGES);
    for (unsigned i = 0; i < 4; i++) {
        /* Others each time: some methods remember the last packet's. */
        for (unsigned p = 0; p < MULTIFD_PACKET_PAGES; p++) {
            compress_fill_page(pages + PAGES(p), PAGE_SORT_RANDOM,
                               i * MULTIFD_PACKET_PAGES + p);
        }
        check_packet(ends, pages, MULTIFD_PACKET_PAGES);
        /* A thousandth more, not a method gone wild. */
        g_assert_cmpuint(ends->content_bytes, >=, PAGES(MULTIFD_PACKET_PAGES));
        g_assert_cmpuint(ends->content_bytes, <=,
                         PAGES(MULTIFD_PACKET_PAGES) * 1001 / 1000);
    }
}

/* Pages that shrink by some bytes, by none, and to just a page. */
static void test_hardly_shrinks(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autoptr(CompressEnds) ends = NULL;
    uint8_t page[TARGET_PAGE_SIZE];

    if (compress_skip_unless_built(compression)) {
        return;
    }
    ends = compress_ends_new(compression, 1, MULTIFD_PACKET_PAGES);
    for (unsigned i = 0; i < 1000; i++) {
        compress_fill_page(page, PAGE_SORT_RANDOM, i / 250);
        memset(page, 0, i % 250);
        check_packet(ends, page, 1);
    }
}

static void test_shrinks(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autoptr(CompressEnds) ends = NULL;
    g_autofree uint8_t *pages = g_malloc(PAGES(MULTIFD_PACKET_PAGES));

    if (compress_skip_unless_built(compression)) {
        return;
    }
    ends = compress_ends_new(compression, 1, MULTIFD_PACKET_PAGES);
    for (unsigned i = 0; i < MULTIFD_PACKET_PAGES; i++) {
        compress_fill_page(pages + PAGES(i), PAGE_SORT_TEXT, i);
    }
    check_packet(ends, pages, MULTIFD_PACKET_PAGES);
    g_assert_cmpuint(ends->content_bytes, <,
                     PAGES(MULTIFD_PACKET_PAGES) / 10);
}

/* Other than the default, and the largest that can be asked for. */
static void test_packet_sizes(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    static const unsigned sizes[] = { 1, 2, 127, MULTIFD_PACKET_PAGES_MAX };

    if (compress_skip_unless_built(compression)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        g_autoptr(CompressEnds) ends = compress_ends_new(compression, 1,
                                                         sizes[i]);
        g_autofree uint8_t *pages = compress_new_pages(sizes[i], 99);

        check_packet(ends, pages, sizes[i]);
        for (unsigned p = 0; p < sizes[i]; p++) {
            compress_fill_page(pages + PAGES(p), PAGE_SORT_RANDOM, p);
        }
        check_packet(ends, pages, sizes[i]);
    }
}

static void check_levels(MultiFDCompression compression, unsigned max)
{
    g_autofree uint8_t *pages = compress_new_pages(40, 7);

    if (compress_skip_unless_built(compression)) {
        return;
    }
    for (unsigned level = 0; level <= max; level++) {
        g_autoptr(CompressEnds) ends = compress_ends_new(compression, level,
                                                         MULTIFD_PACKET_PAGES);

        check_packet(ends, pages, 40);
        check_packet(ends, pages, 1);
        check_packet(ends, pages + PAGES(1), 39);
    }
}

static void test_levels_zlib(void)
{
    check_levels(MULTIFD_COMPRESSION_ZLIB, 9);
}

static void test_levels_zstd(void)
{
    check_levels(MULTIFD_COMPRESSION_ZSTD, 20);
}

typedef struct Guest {
    uint8_t *pages;
    unsigned nr_pages;
    bool stop;
} Guest;

/* A guest that writes here and there as fast as it can. */
static void *guest_thread(void *opaque)
{
    Guest *g = opaque;
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);

    while (!qatomic_read(&g->stop)) {
        size_t at = (size_t)g_rand_int_range(rand, 0, PAGES(g->nr_pages) / 8);
        uint64_t word = (uint64_t)g_rand_int(rand) << (at % 32);

        guest_access_write(g->pages + 8 * at, &word, sizeof(word));
    }
    return NULL;
}

/*
 * Pages that change while they are compressed come out as some mixture of old and
 * new, and nothing behind them suffers.
 */
static void test_changing_memory(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data) & 0xff;
    unsigned level = GPOINTER_TO_INT(data) >> 8;
    g_autoptr(CompressEnds) ends = NULL;
    g_autofree uint8_t *pages = compress_new_pages(16, 3);
    g_autofree uint8_t *still = compress_new_pages(16, 5);
    g_autofree uint8_t *back = g_malloc(PAGES(16));
    Guest guest = { .pages = pages, .nr_pages = 16 };
    QemuThread thread;

    if (compress_skip_unless_built(compression)) {
        return;
    }
    ends = compress_ends_new(compression, level, MULTIFD_PACKET_PAGES);
    qemu_thread_create(&thread, "guest", guest_thread, &guest,
                       QEMU_THREAD_JOINABLE);
    for (unsigned i = 0; i < 300; i++) {
        Error *err = NULL;

        compress_there(ends, pages, 16);
        compress_back(ends, ends->content, ends->content_bytes, back, 16,
                      &err);
        g_assert_null(err);
        check_packet(ends, still, 16);
    }
    qatomic_set(&guest.stop, true);
    qemu_thread_join(&thread);
    check_packet(ends, pages, 16);
}

/* The header once, no end, and a flush behind each packet (RFC 1950 and 1951). */
static void test_zlib_format(void)
{
    g_autoptr(CompressEnds) ends = NULL;
    g_autofree uint8_t *pages = compress_new_pages(4, 1);

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_ZLIB)) {
        return;
    }
    ends = compress_ends_new(MULTIFD_COMPRESSION_ZLIB, 1, 128);
    for (unsigned i = 0; i < 3; i++) {
        check_packet(ends, pages, 4);
        g_assert_cmphex(ldl_be_p(ends->content + ends->content_bytes - 4), ==,
                        0x0000ffff);
        g_assert_true((lduw_be_p(ends->content) == 0x7801) == (i == 0));
    }
}

/* The magic of a frame once, and no frame's end. */
static void test_zstd_format(void)
{
    g_autoptr(CompressEnds) ends = NULL;
    g_autofree uint8_t *pages = compress_new_pages(4, 1);

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_ZSTD)) {
        return;
    }
    ends = compress_ends_new(MULTIFD_COMPRESSION_ZSTD, 1, 128);
    for (unsigned i = 0; i < 3; i++) {
        check_packet(ends, pages, 4);
        g_assert_true((ldl_be_p(ends->content) == 0x28b52ffd) == (i == 0));
    }
}

/* Lengths in front, the content of all pages behind; raw where it is no gain. */
static void test_qpl_format(void)
{
    g_autoptr(CompressEnds) ends = NULL;
    g_autofree uint8_t *pages = g_malloc(PAGES(8));
    size_t sum = 0;

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_QPL)) {
        return;
    }
    ends = compress_ends_new(MULTIFD_COMPRESSION_QPL, 1, 128);
    for (unsigned i = 0; i < 8; i++) {
        compress_fill_page(pages + PAGES(i), i % 2 ? PAGE_SORT_RANDOM
                                                   : PAGE_SORT_TEXT, i);
    }
    check_packet(ends, pages, 8);
    for (unsigned i = 0; i < 8; i++) {
        uint32_t len_bytes = ldl_be_p(ends->content + 4 * i);

        if (i % 2) {
            g_assert_cmpmem(ends->content + 32 + sum, len_bytes,
                            pages + PAGES(i), PAGES(1));
        } else {
            g_assert_cmpuint(len_bytes, <, 400);
        }
        sum += len_bytes;
    }
    g_assert_cmpuint(ends->content_bytes, ==, 32 + sum);
}

static void test_none(void)
{
    MigrationConfig config = { .multifd_packet_pages = 128 };
    MultiFDCompressor *send = (void *)1;
    MultiFDDecompressor *recv = (void *)1;

    g_assert_null(multifd_method(MULTIFD_COMPRESSION_NONE));
    g_assert_true(multifd_compression_check(MULTIFD_COMPRESSION_NONE, NULL));
    g_assert_true(multifd_compressor_new(&config, &send, NULL));
    g_assert_null(send);
    g_assert_true(multifd_decompressor_new(&config, 128, &recv, NULL));
    g_assert_null(recv);
    g_assert_null(multifd_compression_notice(&config));
}

/* What this build cannot do is refused with the library's name. */
static void test_missing_library(void)
{
    static const char *const libraries[MULTIFD_COMPRESSION__MAX] = {
        [MULTIFD_COMPRESSION_ZLIB] = "zlib",
        [MULTIFD_COMPRESSION_ZSTD] = "libzstd",
        [MULTIFD_COMPRESSION_QPL] = "libdeflate",
    };

    for (int i = 0; i < MULTIFD_COMPRESSION__MAX; i++) {
        g_autofree char *expected = g_strdup_printf(
            "Parameter 'multifd-compression' cannot be '%s': this wherry was "
            "built without %s", MultiFDCompression_str(i), libraries[i]);
        Error *err = NULL;

        if (!multifd_compression_check(i, &err)) {
            g_assert_cmpstr(error_get_pretty(err), ==, expected);
            error_free(err);
            g_assert_null(multifd_method(i));
        } else if (i != MULTIFD_COMPRESSION_NONE) {
            g_assert_cmpstr(multifd_method(i)->name, ==,
                            MultiFDCompression_str(i));
        }
    }
}

/* Without a device the user hears that it is the CPU who does it. */
static void test_qpl_notice(void)
{
    MigrationConfig config = {
        .multifd = true,
        .multifd_compression = MULTIFD_COMPRESSION_QPL,
    };
    g_autofree char *notice = NULL;

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_QPL)) {
        return;
    }
    notice = multifd_compression_notice(&config);
    if (!notice) {
        g_test_skip("this host has an IAA device");
        return;
    }
    g_assert_nonnull(strstr(notice, "the CPU does its work"));
    g_assert_nonnull(strstr(notice, "IAA"));
    config.multifd = false;
    g_assert_null(multifd_compression_notice(&config));
}

static void add_method(MultiFDCompression compression, const char *what,
                       unsigned level, GTestDataFunc func)
{
    g_autofree char *path = g_strdup_printf("/compress/%s/%s", what,
                                            MultiFDCompression_str(compression));

    g_test_add_data_func(path, GINT_TO_POINTER(compression | level << 8), func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = MULTIFD_COMPRESSION_ZLIB; i < MULTIFD_COMPRESSION__MAX; i++) {
        add_method(i, "packets of all sizes", 0, test_packets);
        add_method(i, "incompressible", 0, test_incompressible);
        add_method(i, "hardly shrinks", 0, test_hardly_shrinks);
        add_method(i, "shrinks", 0, test_shrinks);
        add_method(i, "packet sizes", 0, test_packet_sizes);
        add_method(i, "changing memory", 1, test_changing_memory);
    }
    add_method(MULTIFD_COMPRESSION_ZLIB, "changing memory/level 0", 0,
               test_changing_memory);
    add_method(MULTIFD_COMPRESSION_ZSTD, "changing memory/level 9", 9,
               test_changing_memory);
    g_test_add_func("/compress/levels/zlib", test_levels_zlib);
    g_test_add_func("/compress/levels/zstd", test_levels_zstd);
    g_test_add_func("/compress/format/zlib", test_zlib_format);
    g_test_add_func("/compress/format/zstd", test_zstd_format);
    g_test_add_func("/compress/format/qpl", test_qpl_format);
    g_test_add_func("/compress/none", test_none);
    g_test_add_func("/compress/missing library", test_missing_library);
    g_test_add_func("/compress/qpl without a device", test_qpl_notice);
    return g_test_run();
}
