/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of a compression method without a channel between them, for the tests
 * in this folder: pages of several sorts, one packet there and back.  Failures to
 * make something end the test.
 *
 * Threads: the test's.
 */
#ifndef TESTS_COMPRESS_PAGES_H
#define TESTS_COMPRESS_PAGES_H

#include "memory/ram.h"
#include "migration/multifd/compress.h"

#define PAGES(n) ((size_t)(n) * TARGET_PAGE_SIZE)

typedef enum PageSort {
    PAGE_SORT_TEXT,             /* shrinks to a tenth */
    PAGE_SORT_RANDOM,           /* does not shrink */
    PAGE_SORT_ZERO,
    PAGE_SORT_WORD,             /* four bytes over and over */
    PAGE_SORT__MAX,
} PageSort;

typedef struct CompressEnds {
    MigrationConfig config;
    MultiFDCompressor *send;
    MultiFDDecompressor *recv;
    /* the last packet's content, a copy */
    uint8_t *content;
    size_t content_bytes;
} CompressEnds;

/**
 * compress_ends_new:
 * @compression: a method of this build
 * @level: for the methods that have levels
 * @packet_pages: pages of a packet
 *
 * Returns: both ends, for compress_ends_free()
 */
CompressEnds *compress_ends_new(MultiFDCompression compression, unsigned level,
                                unsigned packet_pages);

/**
 * compress_ends_free:
 * @ends: from compress_ends_new(), or NULL
 */
void compress_ends_free(CompressEnds *ends);

/**
 * compress_fill_page:
 * @page: a page of memory
 * @sort: what to put there
 * @seed: makes it differ from others of its sort
 */
void compress_fill_page(uint8_t *page, PageSort sort, uint32_t seed);

/**
 * compress_new_pages:
 * @nr_pages: how many
 * @seed: what to derive them from
 *
 * Returns: pages of all sorts, to be g_free()d
 */
uint8_t *compress_new_pages(unsigned nr_pages, uint32_t seed);

/**
 * compress_there:
 * @ends: both ends
 * @pages: whole pages
 * @nr_pages: how many
 *
 * Compresses them as one packet, in runs of 1, 2, 3... pages, into @ends->content.
 */
void compress_there(CompressEnds *ends, const uint8_t *pages,
                    unsigned nr_pages);

/**
 * compress_back:
 * @ends: both ends
 * @content: content of a packet
 * @len_bytes: how long it is
 * @pages: room for the pages
 * @nr_pages: how many it is to have
 * @errp: where to put the reason
 *
 * Decompresses as a channel would, in runs of ... 3, 2, 1 pages.
 * Returns: false when the content is refused
 */
bool compress_back(CompressEnds *ends, const uint8_t *content,
                   size_t len_bytes, uint8_t *pages, unsigned nr_pages,
                   Error **errp);

/**
 * compress_skip_unless_built:
 * @compression: a method
 *
 * Returns: true when the test was skipped, since this build has no such method
 */
bool compress_skip_unless_built(MultiFDCompression compression);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CompressEnds, compress_ends_free)

#endif
