/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multifd-compression zlib: all content of a channel is one zlib stream (RFC
 * 1950), whose header comes once and whose end never does.  A packet ends with a
 * Z_SYNC_FLUSH, so that its pages can be had before the next packet comes.
 *
 * Entered by multifdsend_N and multifdrecv_N.
 */
#include "qemu/osdep.h"
#include <zlib.h>
#include "qapi/error.h"
#include "memory/ram.h"
#include "migration/multifd/compress.h"
#include "migration/stream/multifd-packet.h"

/*
 * Pages that do not shrink are stored: 5 bytes more for each block, of which a
 * page takes one or a part; then the flush, and once the header.
 */
#define SEND_MORE_BYTES_A_PAGE 16
#define SEND_MORE_BYTES        64

typedef struct ZlibSend {
    MultiFDCompressor parent;
    z_stream zs;
    struct iovec iov;           /* the content, in @out */
    uint8_t *out;
    size_t out_bytes;
    uint8_t page[TARGET_PAGE_SIZE];
} ZlibSend;

typedef struct ZlibRecv {
    MultiFDDecompressor parent;
    z_stream zs;
} ZlibRecv;

/* What QEMU's buffers have room for; no writer of the stream needs so much. */
static size_t multifd_zlib_most_bytes(unsigned nr_pages)
{
    return 2 * (size_t)nr_pages * TARGET_PAGE_SIZE;
}

static MultiFDCompressor *multifd_zlib_send_new(const MigrationConfig *config,
                                                Error **errp)
{
    ZlibSend *z = g_new0(ZlibSend, 1);
    int ret = deflateInit(&z->zs, (int)config->zlib_level);

    if (ret != Z_OK) {
        error_setg(errp, "zlib has refused to compress with level %u: error "
                   "%d", config->zlib_level, ret);
        g_free(z);
        return NULL;
    }
    z->out_bytes = config->multifd_packet_pages *
                   (size_t)(TARGET_PAGE_SIZE + SEND_MORE_BYTES_A_PAGE) +
                   SEND_MORE_BYTES;
    z->out = multifd_compress_buffer_new(z->out_bytes);
    z->parent.iov = &z->iov;
    z->parent.nr_iov = 1;
    return &z->parent;
}

static void multifd_zlib_send_free(MultiFDCompressor *parent)
{
    ZlibSend *z = container_of(parent, ZlibSend, parent);

    deflateEnd(&z->zs);
    g_aligned_free(z->out);
    g_free(z);
}

/*
 * zlib promises nothing for input that changes under its hands.  It happens to
 * copy it first, but level 0 reads it twice, and a library that stands in for it
 * reads as it likes: a match that refers to bytes which were never sent would spoil
 * all pages behind.  So it gets a copy.
 */
static bool multifd_zlib_send_page(ZlibSend *z, const uint8_t *host, int flush,
                                   Error **errp)
{
    int ret;

    memcpy(z->page, host, TARGET_PAGE_SIZE);
    z->zs.next_in = z->page;
    z->zs.avail_in = TARGET_PAGE_SIZE;
    ret = deflate(&z->zs, flush);
    if (ret != Z_OK || z->zs.avail_in > 0 || z->zs.avail_out == 0) {
        error_setg(errp, "zlib could not compress a page: error %d, %u bytes "
                   "of it left, room for %u more", ret, z->zs.avail_in,
                   z->zs.avail_out);
        return false;
    }
    return true;
}

static bool multifd_zlib_send(MultiFDCompressor *parent,
                              const struct iovec *pages, unsigned nr_iov,
                              Error **errp)
{
    ZlibSend *z = container_of(parent, ZlibSend, parent);

    z->zs.next_out = z->out;
    z->zs.avail_out = (uInt)z->out_bytes;
    for (unsigned i = 0; i < nr_iov; i++) {
        const uint8_t *host = pages[i].iov_base;
        const uint8_t *end = host + pages[i].iov_len;

        for (; host < end; host += TARGET_PAGE_SIZE) {
            bool last = i == nr_iov - 1 && host + TARGET_PAGE_SIZE == end;

            if (!multifd_zlib_send_page(z, host,
                                        last ? Z_SYNC_FLUSH : Z_NO_FLUSH,
                                        errp)) {
                return false;
            }
        }
    }
    parent->len_bytes = z->out_bytes - z->zs.avail_out;
    z->iov = (struct iovec) { z->out, parent->len_bytes };
    return true;
}

static MultiFDDecompressor *multifd_zlib_recv_new(unsigned packet_pages,
                                                  Error **errp)
{
    ZlibRecv *z = g_new0(ZlibRecv, 1);
    int ret = inflateInit(&z->zs);

    if (ret != Z_OK) {
        error_setg(errp, "zlib has refused to decompress: error %d", ret);
        g_free(z);
        return NULL;
    }
    return &z->parent;
}

static void multifd_zlib_recv_free(MultiFDDecompressor *parent)
{
    ZlibRecv *z = container_of(parent, ZlibRecv, parent);

    inflateEnd(&z->zs);
    g_free(z);
}

static bool multifd_zlib_corrupt(const ZlibRecv *z, int ret, Error **errp)
{
    error_setg(errp, "the zlib content is corrupt: %s",
               z->zs.msg ? z->zs.msg : zError(ret));
    return false;
}

/* Fills @len_bytes at @to with what comes next in the stream. */
static bool multifd_zlib_recv_run(ZlibRecv *z, uint8_t *to, size_t len_bytes,
                                  Error **errp)
{
    z->zs.next_out = to;
    z->zs.avail_out = (uInt)len_bytes;
    while (z->zs.avail_out > 0) {
        int ret = inflate(&z->zs, Z_SYNC_FLUSH);

        if (z->zs.avail_out == 0 || ret == Z_OK) {
            continue;
        }
        if (ret != Z_BUF_ERROR && ret != Z_STREAM_END) {
            return multifd_zlib_corrupt(z, ret, errp);
        }
        error_setg(errp, "the zlib content ends before its pages are whole");
        return false;
    }
    return true;
}

/* Nothing but the flush may be left: neither output nor input. */
static bool multifd_zlib_recv_end(ZlibRecv *z, Error **errp)
{
    uint8_t spare;
    int ret;

    z->zs.next_out = &spare;
    z->zs.avail_out = 1;
    ret = inflate(&z->zs, Z_SYNC_FLUSH);
    if (z->zs.avail_out == 0) {
        error_setg(errp, "the zlib content is of more pages than the packet "
                   "has");
        return false;
    }
    if (ret != Z_OK && ret != Z_BUF_ERROR && ret != Z_STREAM_END) {
        return multifd_zlib_corrupt(z, ret, errp);
    }
    if (z->zs.avail_in > 0) {
        error_setg(errp, "%u bytes behind the zlib content belong to no page",
                   z->zs.avail_in);
        return false;
    }
    return true;
}

static bool multifd_zlib_recv(MultiFDDecompressor *parent, size_t len_bytes,
                              const struct iovec *pages, unsigned nr_iov,
                              Error **errp)
{
    ZlibRecv *z = container_of(parent, ZlibRecv, parent);

    z->zs.next_in = parent->in;
    z->zs.avail_in = (uInt)len_bytes;
    for (unsigned i = 0; i < nr_iov; i++) {
        if (!multifd_zlib_recv_run(z, pages[i].iov_base, pages[i].iov_len,
                                   errp)) {
            return false;
        }
    }
    return multifd_zlib_recv_end(z, errp);
}

const MultiFDMethod multifd_method_zlib = {
    .name = "zlib",
    .flag = MULTIFD_FLAG_ZLIB,
    .most_bytes = multifd_zlib_most_bytes,
    .send_new = multifd_zlib_send_new,
    .send = multifd_zlib_send,
    .send_free = multifd_zlib_send_free,
    .recv_new = multifd_zlib_recv_new,
    .recv = multifd_zlib_recv,
    .recv_free = multifd_zlib_recv_free,
};
