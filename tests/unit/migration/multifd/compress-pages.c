/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages through both ends of a compression method.
 *
 * Entered by the test's thread.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "compress-pages.h"

CompressEnds *compress_ends_new(MultiFDCompression compression, unsigned level,
                                unsigned packet_pages)
{
    CompressEnds *ends = g_new0(CompressEnds, 1);
    Error *err = NULL;

    ends->config.multifd = true;
    ends->config.multifd_packet_pages = packet_pages;
    ends->config.multifd_compression = compression;
    ends->config.zlib_level = level;
    ends->config.zstd_level = level;
    multifd_compressor_new(&ends->config, &ends->send, &err);
    g_assert_null(err);
    multifd_decompressor_new(&ends->config, packet_pages, &ends->recv, &err);
    g_assert_null(err);
    g_assert_nonnull(ends->send);
    g_assert_nonnull(ends->recv);
    return ends;
}

void compress_ends_free(CompressEnds *ends)
{
    if (ends) {
        multifd_compressor_free(ends->send);
        multifd_decompressor_free(ends->recv);
        g_free(ends->content);
        g_free(ends);
    }
}

void compress_fill_page(uint8_t *page, PageSort sort, uint32_t seed)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    g_autofree char *text = g_strdup_printf("page %u of a test guest. ", seed);
    size_t text_bytes = strlen(text);
    uint32_t word = g_rand_int(rand);

    for (unsigned i = 0; i < TARGET_PAGE_SIZE; i++) {
        switch (sort) {
        case PAGE_SORT_TEXT:
            page[i] = (uint8_t)text[i % text_bytes];
            break;
        case PAGE_SORT_RANDOM:
            page[i] = (uint8_t)g_rand_int(rand);
            break;
        case PAGE_SORT_WORD:
            page[i] = (uint8_t)(word >> 8 * (i % 4));
            break;
        default:
            page[i] = 0;
            break;
        }
    }
}

uint8_t *compress_new_pages(unsigned nr_pages, uint32_t seed)
{
    uint8_t *pages = g_malloc(PAGES(nr_pages));

    for (unsigned i = 0; i < nr_pages; i++) {
        compress_fill_page(pages + PAGES(i), (seed + i) % PAGE_SORT__MAX,
                           seed + i);
    }
    return pages;
}

/* Runs of @step, then of one more or less each time, at least of 1. */
static unsigned compress_cut(struct iovec *iov, const uint8_t *pages,
                             unsigned nr_pages, unsigned step, int more)
{
    unsigned nr_iov = 0;
    unsigned n;

    for (unsigned at = 0; at < nr_pages; at += n) {
        n = MIN(step, nr_pages - at);
        iov[nr_iov++] = (struct iovec) { (uint8_t *)pages + PAGES(at),
                                         PAGES(n) };
        step = MAX((int)step + more, 1);
    }
    return nr_iov;
}

void compress_there(CompressEnds *ends, const uint8_t *pages,
                    unsigned nr_pages)
{
    g_autofree struct iovec *iov = g_new(struct iovec, nr_pages);
    unsigned nr_iov = compress_cut(iov, pages, nr_pages, 1, 1);
    Error *err = NULL;
    size_t at = 0;

    multifd_compressor_run(ends->send, iov, nr_iov, &err);
    g_assert_null(err);
    g_free(ends->content);
    ends->content_bytes = ends->send->len_bytes;
    ends->content = g_malloc(ends->content_bytes);
    /* What a send buffer has room for behind its headers. */
    g_assert_cmpuint(ends->send->nr_iov, <=, 1 + nr_pages);
    for (unsigned i = 0; i < ends->send->nr_iov; i++) {
        const struct iovec *part = &ends->send->iov[i];

        g_assert_cmpuint(part->iov_len, <=, ends->content_bytes - at);
        memcpy(ends->content + at, part->iov_base, part->iov_len);
        at += part->iov_len;
    }
    g_assert_cmpuint(at, ==, ends->content_bytes);
}

bool compress_back(CompressEnds *ends, const uint8_t *content,
                   size_t len_bytes, uint8_t *pages, unsigned nr_pages,
                   Error **errp)
{
    g_autofree struct iovec *iov = g_new(struct iovec, nr_pages);
    unsigned nr_iov = compress_cut(iov, pages, nr_pages, 5, -1);

    if (!multifd_decompressor_check(ends->recv, nr_pages, len_bytes, errp)) {
        return false;
    }
    memcpy(ends->recv->in, content, len_bytes);
    return multifd_decompressor_run(ends->recv, len_bytes, iov, nr_iov, errp);
}

bool compress_skip_unless_built(MultiFDCompression compression)
{
    Error *err = NULL;

    if (multifd_compression_check(compression, &err)) {
        return false;
    }
    g_test_skip(error_get_pretty(err));
    error_free(err);
    return true;
}
