/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decompressing what no good source sends: each time a sentence, and nothing
 * written past the pages; and what other sources send than ours.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "migration/stream/multifd-packet.h"
#include "compress-pages.h"
#ifdef CONFIG_ZLIB
#include <zlib.h>
#endif
#ifdef CONFIG_ZSTD
#include <zstd.h>
#endif

#define NR_PAGES 6

static CompressEnds *new_ends(MultiFDCompression compression)
{
    /* Of small packets: a test may need thousands. */
    return compress_ends_new(compression, 1, NR_PAGES);
}

/* From byte @n to the next to try: all at both ends, some in between. */
static size_t next_byte(size_t n, size_t nr_bytes)
{
    return n + (n < 150 || n + 150 > nr_bytes ? 1 : 17);
}

static void check_refused(CompressEnds *ends, const uint8_t *content,
                          size_t len_bytes, unsigned nr_pages,
                          const char *expected)
{
    g_autofree uint8_t *back = g_malloc(PAGES(nr_pages));
    Error *err = NULL;

    g_assert_false(compress_back(ends, content, len_bytes, back, nr_pages,
                                 &err));
    if (!g_pattern_match_simple(expected, error_get_pretty(err))) {
        g_test_message("got: %s", error_get_pretty(err));
        g_test_message("expected: %s", expected);
        g_test_fail();
    }
    error_free(err);
}

/* Content cut short at each byte; where only a flush is lost, pages are whole. */
static void test_truncated(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autofree uint8_t *pages = compress_new_pages(NR_PAGES, 0);
    g_autoptr(CompressEnds) there = NULL;
    unsigned nr_taken = 0;

    if (compress_skip_unless_built(compression)) {
        return;
    }
    there = new_ends(compression);
    compress_there(there, pages, NR_PAGES);
    for (size_t n = 0; n < there->content_bytes;
         n = next_byte(n, there->content_bytes)) {
        g_autoptr(CompressEnds) ends = new_ends(compression);
        g_autofree uint8_t *back = g_malloc(PAGES(NR_PAGES));
        Error *err = NULL;

        if (compress_back(ends, there->content, n, back, NR_PAGES, &err)) {
            g_assert_cmpmem(back, PAGES(NR_PAGES), pages, PAGES(NR_PAGES));
            nr_taken++;
        } else {
            g_assert_nonnull(err);
            error_free(err);
        }
    }
    g_assert_cmpuint(nr_taken, <=, 8);
}

static void test_truncated_sentence(const void *data)
{
    static const char *const expected[MULTIFD_COMPRESSION__MAX] = {
        [MULTIFD_COMPRESSION_ZLIB] =
            "the zlib content ends before its pages are whole",
        [MULTIFD_COMPRESSION_ZSTD] =
            "the zstd content ends before its pages are whole",
        [MULTIFD_COMPRESSION_QPL] =
            "page 5 has 4096 bytes of qpl content and the packet only 3996 "
            "more",
    };
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autofree uint8_t *pages = compress_new_pages(NR_PAGES, 0);
    g_autoptr(CompressEnds) ends = NULL;

    if (compress_skip_unless_built(compression)) {
        return;
    }
    ends = new_ends(compression);
    compress_there(ends, pages, NR_PAGES);
    check_refused(ends, ends->content, ends->content_bytes - 100, NR_PAGES,
                  expected[compression]);
}

/* Each byte wrong in turn.  Nothing may crash; what passes are pages' own bytes. */
static void test_corrupt(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autofree uint8_t *pages = compress_new_pages(NR_PAGES, 0);
    g_autoptr(CompressEnds) there = NULL;
    unsigned nr_refused = 0;

    if (compress_skip_unless_built(compression)) {
        return;
    }
    there = new_ends(compression);
    compress_there(there, pages, NR_PAGES);
    for (size_t n = 0; n < there->content_bytes;
         n = next_byte(n, there->content_bytes)) {
        g_autoptr(CompressEnds) ends = new_ends(compression);
        g_autofree uint8_t *back = g_malloc(PAGES(NR_PAGES));
        Error *err = NULL;

        there->content[n] ^= 0x55;
        if (!compress_back(ends, there->content, there->content_bytes, back,
                           NR_PAGES, &err)) {
            g_assert_nonnull(err);
            error_free(err);
            nr_refused++;
        }
        there->content[n] ^= 0x55;
    }
    g_assert_cmpuint(nr_refused, >, 10);
}

static void test_more_pages(const void *data)
{
    static const char *const expected[MULTIFD_COMPRESSION__MAX] = {
        [MULTIFD_COMPRESSION_ZLIB] =
            "the zlib content is of more pages than the packet has",
        [MULTIFD_COMPRESSION_ZSTD] =
            "the zstd content is of more pages than the packet has",
        /* The lengths of the pages too many are the first one's data. */
        [MULTIFD_COMPRESSION_QPL] =
            "* bytes behind the qpl content belong to no page",
    };
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autoptr(CompressEnds) ends = NULL;
    g_autofree uint8_t *pages = g_malloc0(PAGES(4));

    if (compress_skip_unless_built(compression)) {
        return;
    }
    ends = new_ends(compression);
    compress_there(ends, pages, 4);
    check_refused(ends, ends->content, ends->content_bytes, 3,
                  expected[compression]);
}

static void test_trailing_bytes(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autoptr(CompressEnds) ends = NULL;
    g_autofree uint8_t *pages = compress_new_pages(NR_PAGES, 0);

    if (compress_skip_unless_built(compression)) {
        return;
    }
    ends = new_ends(compression);
    compress_there(ends, pages, NR_PAGES);
    ends->content = g_realloc(ends->content, ends->content_bytes + 40);
    memset(ends->content + ends->content_bytes, 0xff, 40);
    check_refused(ends, ends->content, ends->content_bytes + 40, NR_PAGES,
                  compression == MULTIFD_COMPRESSION_QPL
                  ? "40 bytes behind the qpl content belong to no page"
                  : "the z* content is corrupt: *");
}

static void test_sizes(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autoptr(CompressEnds) ends = NULL;
    Error *err = NULL;
    size_t most;

    if (compress_skip_unless_built(compression)) {
        return;
    }
    ends = new_ends(compression);
    most = multifd_method(compression)->most_bytes(128);
    /* What QEMU has room for. */
    g_assert_cmpuint(most, <=, 1024 * 1024);
    g_assert_cmpuint(most, >=, PAGES(128));
    g_assert_true(multifd_decompressor_check(ends->recv, 128, most, &err));
    g_assert_true(multifd_decompressor_check(ends->recv, 128, 1, &err));
    g_assert_false(multifd_decompressor_check(ends->recv, 128, most + 1,
                                              &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "for 128 pages, expected 1"));
    error_free(err);
    err = NULL;
    g_assert_false(multifd_decompressor_check(ends->recv, 1, 0, &err));
    g_assert_true(g_pattern_match_simple("0 bytes of * content for 1 pages, "
                                         "expected 1 to *",
                                         error_get_pretty(err)));
    error_free(err);
}

typedef struct BadQpl {
    const char *path;
    uint32_t length[2];         /* of the two pages, instead of the true ones */
    const char *message;
} BadQpl;

static const BadQpl bad_qpl[] = {
    { "no length", { 0, 0 }, "page 0 has 0 bytes of qpl content, expected 1 "
      "to 4096" },
    { "longer than a page", { 4097, 0 }, "page 0 has 4097 bytes of qpl "
      "content, expected 1 to 4096" },
    { "near 2^32", { 1, 0xffffffff }, "page 1 has 4294967295 bytes of qpl "
      "content, expected 1 to 4096" },
    { "more than there is", { 4096, 0 }, "page 0 has 4096 bytes of qpl "
      "content and the packet only * more" },
};

static void test_bad_qpl(const void *data)
{
    const BadQpl *bad = data;
    g_autofree uint8_t *pages = g_malloc0(PAGES(2));
    g_autoptr(CompressEnds) ends = NULL;

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_QPL)) {
        return;
    }
    ends = new_ends(MULTIFD_COMPRESSION_QPL);
    compress_there(ends, pages, 2);
    stl_be_p(ends->content, bad->length[0]);
    stl_be_p(ends->content + 4, bad->length[1]);
    check_refused(ends, ends->content, ends->content_bytes, 2, bad->message);
}

static void test_qpl_lengths_cut(void)
{
    g_autoptr(CompressEnds) ends = NULL;

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_QPL)) {
        return;
    }
    ends = new_ends(MULTIFD_COMPRESSION_QPL);
    check_refused(ends, (const uint8_t *)"\0\0\0", 3, 1,
                  "3 bytes of qpl content, expected 4 for the lengths of 1 "
                  "pages alone");
}

#ifdef CONFIG_ZLIB
/* Raw deflate of @len_bytes of zeroes, and @more bytes behind; its length. */
static size_t raw_deflate(uint8_t *out, size_t out_bytes, size_t len_bytes,
                          size_t more)
{
    g_autofree uint8_t *zeroes = g_malloc0(len_bytes);
    z_stream zs = { .next_in = zeroes, .avail_in = (uInt)len_bytes,
                    .next_out = out, .avail_out = (uInt)out_bytes };

    g_assert_cmpint(deflateInit2(&zs, 1, Z_DEFLATED, -15, 8,
                                 Z_DEFAULT_STRATEGY), ==, Z_OK);
    g_assert_cmpint(deflate(&zs, Z_FINISH), ==, Z_STREAM_END);
    deflateEnd(&zs);
    memset(out + zs.total_out, 0xff, more);
    return zs.total_out + more;
}

/* A page's own stream that is of another length than a page. */
static void check_qpl_page(size_t page_bytes, size_t more,
                           const char *expected)
{
    g_autoptr(CompressEnds) ends = NULL;
    uint8_t content[256];
    size_t len_bytes;

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_QPL)) {
        return;
    }
    ends = new_ends(MULTIFD_COMPRESSION_QPL);
    len_bytes = raw_deflate(content + 4, 200, page_bytes, more);
    stl_be_p(content, (uint32_t)len_bytes);
    check_refused(ends, content, 4 + len_bytes, 1, expected);
}

static void test_qpl_page_too_long(void)
{
    check_qpl_page(4097, 0, "the qpl content of a page is longer than a page");
}

static void test_qpl_page_too_short(void)
{
    check_qpl_page(4095, 0, "the qpl content of a page ends after 4095 of its "
                   "4096 bytes");
}

static void test_qpl_page_and_more(void)
{
    check_qpl_page(4096, 5, "5 bytes behind the qpl content of a page belong "
                   "to no page");
}

/* QEMU refuses it, too: a channel is one stream. */
static void test_zlib_stream_per_packet(void)
{
    g_autofree uint8_t *pages = compress_new_pages(4, 0);
    g_autoptr(CompressEnds) recv = new_ends(MULTIFD_COMPRESSION_ZLIB);

    for (unsigned i = 0; i < 2; i++) {
        g_autoptr(CompressEnds) send = new_ends(MULTIFD_COMPRESSION_ZLIB);
        g_autofree uint8_t *back = g_malloc(PAGES(4));

        compress_there(send, pages, 4);
        if (i == 0) {
            g_assert_true(compress_back(recv, send->content,
                                        send->content_bytes, back, 4, NULL));
        } else {
            check_refused(recv, send->content, send->content_bytes, 4,
                          "the zlib content is corrupt: *");
        }
    }
}

static void test_zlib_ended_and_more(void)
{
    g_autofree uint8_t *zeroes = g_malloc0(PAGES(1));
    g_autoptr(CompressEnds) ends = new_ends(MULTIFD_COMPRESSION_ZLIB);
    uint8_t content[200];
    uLongf len_bytes = sizeof(content);

    g_assert_cmpint(compress2(content, &len_bytes, zeroes, PAGES(1), 1), ==,
                    Z_OK);
    memset(content + len_bytes, 0, 7);
    check_refused(ends, content, len_bytes + 7, 1,
                  "7 bytes behind the zlib content belong to no page");
}

/* A stream that has ended gives no more pages. */
static void test_zlib_ended(void)
{
    g_autofree uint8_t *zeroes = g_malloc0(PAGES(1));
    g_autoptr(CompressEnds) ends = new_ends(MULTIFD_COMPRESSION_ZLIB);
    g_autofree uint8_t *back = g_malloc(PAGES(1));
    uint8_t content[200];
    uLongf len_bytes = sizeof(content);

    g_assert_cmpint(compress2(content, &len_bytes, zeroes, PAGES(1), 1), ==,
                    Z_OK);
    g_assert_true(compress_back(ends, content, len_bytes, back, 1, NULL));
    check_refused(ends, content, len_bytes, 1,
                  "the zlib content ends before its pages are whole");
}

/* Another level and a full flush are a source's own choice. */
static void test_zlib_full_flush(void)
{
    g_autofree uint8_t *pages = compress_new_pages(4, 0);
    g_autofree uint8_t *content = g_malloc(PAGES(6));
    g_autofree uint8_t *back = g_malloc(PAGES(4));
    g_autoptr(CompressEnds) ends = new_ends(MULTIFD_COMPRESSION_ZLIB);
    z_stream zs = { 0 };

    g_assert_cmpint(deflateInit(&zs, 9), ==, Z_OK);
    for (unsigned i = 0; i < 3; i++) {
        zs.next_in = pages;
        zs.avail_in = PAGES(4);
        zs.next_out = content;
        zs.avail_out = PAGES(6);
        g_assert_cmpint(deflate(&zs, Z_FULL_FLUSH), ==, Z_OK);
        g_assert_true(compress_back(ends, content, PAGES(6) - zs.avail_out,
                                    back, 4, NULL));
        g_assert_cmpmem(back, PAGES(4), pages, PAGES(4));
    }
    deflateEnd(&zs);
}
#endif

#ifdef CONFIG_ZSTD
/* A frame for each packet, or for each page: QEMU takes both. */
static void check_zstd_frames(unsigned pages_a_frame)
{
    g_autofree uint8_t *pages = compress_new_pages(4, 0);
    g_autofree uint8_t *content = g_malloc(PAGES(6));
    g_autofree uint8_t *back = g_malloc(PAGES(4));
    g_autoptr(CompressEnds) ends = new_ends(MULTIFD_COMPRESSION_ZSTD);

    for (unsigned i = 0; i < 3; i++) {
        size_t at = 0;

        for (unsigned p = 0; p < 4; p += pages_a_frame) {
            size_t n = ZSTD_compress(content + at, PAGES(6) - at,
                                     pages + PAGES(p), PAGES(pages_a_frame),
                                     3);

            g_assert_false(ZSTD_isError(n));
            at += n;
        }
        g_assert_true(compress_back(ends, content, at, back, 4, NULL));
        g_assert_cmpmem(back, PAGES(4), pages, PAGES(4));
    }
}

static void test_zstd_frame_per_packet(void)
{
    check_zstd_frames(4);
}

static void test_zstd_frame_per_page(void)
{
    check_zstd_frames(1);
}

/* A window that no level up to 20 has is not allocated. */
static void test_zstd_huge_window(void)
{
    static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88,
                                     0x01, 0x00, 0x00 };
    g_autoptr(CompressEnds) ends = new_ends(MULTIFD_COMPRESSION_ZSTD);

    check_refused(ends, frame, sizeof(frame), 1,
                  "the zstd content is corrupt: *too much memory*");
}
#endif

static void add_method(MultiFDCompression compression, const char *what,
                       GTestDataFunc func)
{
    g_autofree char *path = g_strdup_printf("/compress-bad/%s/%s", what,
                                            MultiFDCompression_str(compression));

    g_test_add_data_func(path, GINT_TO_POINTER(compression), func);
}

static void add_foreign(void)
{
#ifdef CONFIG_ZLIB
    g_test_add_func("/compress-bad/qpl/page too long", test_qpl_page_too_long);
    g_test_add_func("/compress-bad/qpl/page too short",
                    test_qpl_page_too_short);
    g_test_add_func("/compress-bad/qpl/page and more", test_qpl_page_and_more);
    g_test_add_func("/compress-bad/zlib/stream per packet",
                    test_zlib_stream_per_packet);
    g_test_add_func("/compress-bad/zlib/ended", test_zlib_ended);
    g_test_add_func("/compress-bad/zlib/ended and more",
                    test_zlib_ended_and_more);
    g_test_add_func("/compress-bad/zlib/full flush is fine",
                    test_zlib_full_flush);
#endif
#ifdef CONFIG_ZSTD
    g_test_add_func("/compress-bad/zstd/frame per packet is fine",
                    test_zstd_frame_per_packet);
    g_test_add_func("/compress-bad/zstd/frame per page is fine",
                    test_zstd_frame_per_page);
    g_test_add_func("/compress-bad/zstd/huge window", test_zstd_huge_window);
#endif
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = MULTIFD_COMPRESSION_ZLIB; i < MULTIFD_COMPRESSION__MAX; i++) {
        add_method(i, "truncated at each byte", test_truncated);
        add_method(i, "truncated", test_truncated_sentence);
        add_method(i, "corrupt at each byte", test_corrupt);
        add_method(i, "more pages", test_more_pages);
        add_method(i, "trailing bytes", test_trailing_bytes);
        add_method(i, "sizes", test_sizes);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad_qpl); i++) {
        g_autofree char *path = g_strdup_printf("/compress-bad/qpl/%s",
                                                bad_qpl[i].path);

        g_test_add_data_func(path, &bad_qpl[i], test_bad_qpl);
    }
    g_test_add_func("/compress-bad/qpl/lengths cut", test_qpl_lengths_cut);
    add_foreign();
    return g_test_run();
}
