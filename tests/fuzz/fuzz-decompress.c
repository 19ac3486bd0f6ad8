/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of a compressed channel; see fuzz-decompress.h.
 */
#include "qemu/osdep.h"
#include "fuzz-decompress.h"
#include "memory/ram.h"
#include "migration/multifd/compress.h"
#include "qapi/error.h"
#include "qemu/bswap.h"

#define PACKET_PAGES 16

static bool fuzz_packet(MultiFDDecompressor *z, unsigned nr_pages,
                        const uint8_t *content, size_t len_bytes)
{
    /* In two runs, each memory of its own, so that a sanitizer sees more. */
    size_t first_bytes = (size_t)(nr_pages + 1) / 2 * TARGET_PAGE_SIZE;
    size_t other_bytes = (size_t)(nr_pages / 2) * TARGET_PAGE_SIZE;
    g_autofree uint8_t *first = g_malloc(first_bytes);
    g_autofree uint8_t *other = g_malloc(other_bytes);
    struct iovec iov[] = { { first, first_bytes }, { other, other_bytes } };
    Error *err = NULL;

    if (!multifd_decompressor_check(z, nr_pages, len_bytes, &err)) {
        error_free(err);
        return false;
    }
    memcpy(z->in, content, len_bytes);
    if (!multifd_decompressor_run(z, len_bytes, iov, nr_pages > 1 ? 2 : 1,
                                  &err)) {
        g_assert_nonnull(err);
        error_free(err);
        return false;
    }
    return true;
}

void fuzz_decompress(MultiFDCompression compression, const uint8_t *data,
                     size_t size)
{
    MigrationConfig config = { .multifd = true,
                               .multifd_compression = compression };
    MultiFDDecompressor *z = NULL;
    bool ok = multifd_decompressor_new(&config, PACKET_PAGES, &z, NULL);

    g_assert_nonnull(z);
    for (size_t at = 0; ok && at + 3 <= size; ) {
        unsigned nr_pages = 1 + data[at] % PACKET_PAGES;
        size_t len_bytes = MIN((size_t)lduw_be_p(data + at + 1),
                               size - at - 3);

        ok = fuzz_packet(z, nr_pages, data + at + 3, len_bytes);
        at += 3 + len_bytes;
    }
    multifd_decompressor_free(z);
}
