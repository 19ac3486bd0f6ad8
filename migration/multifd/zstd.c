/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multifd-compression zstd: all content of a channel is one Zstandard frame whose
 * end never comes.  A packet ends with a flush, so that its pages can be had
 * before the next packet comes.  A source that ends its frames and begins new
 * ones is read, too.
 *
 * Entered by multifdsend_N and multifdrecv_N.
 */
#include "qemu/osdep.h"
#include <zstd.h>
#include "qapi/error.h"
#include "memory/ram.h"
#include "migration/multifd/compress.h"
#include "migration/stream/multifd-packet.h"

/* Pages that do not shrink are stored in blocks, with 3 bytes before each. */
#define SEND_MORE_BYTES_A_PAGE 16
#define SEND_MORE_BYTES        64

typedef struct ZstdSend {
    MultiFDCompressor parent;
    ZSTD_CCtx *zs;
    ZSTD_outBuffer out;         /* all of a packet's content */
    struct iovec iov;           /* the same */
    uint8_t page[TARGET_PAGE_SIZE];
} ZstdSend;

typedef struct ZstdRecv {
    MultiFDDecompressor parent;
    ZSTD_DCtx *zs;
} ZstdRecv;

/*
 * The largest window that a level up to 20 has.  The library takes so much memory
 * as a frame asks for, by default up to four times this.
 */
#define WINDOW_LOG_MAX 25

/* What QEMU's buffers have room for; no writer of the stream needs so much. */
static size_t multifd_zstd_most_bytes(unsigned nr_pages)
{
    return 2 * (size_t)nr_pages * TARGET_PAGE_SIZE;
}

static MultiFDCompressor *multifd_zstd_send_new(const MigrationConfig *config,
                                                Error **errp)
{
    ZstdSend *z = g_new0(ZstdSend, 1);
    size_t ret;

    z->zs = ZSTD_createCCtx();
    if (!z->zs) {
        error_setg(errp, "libzstd has no memory to compress with");
        g_free(z);
        return NULL;
    }
    ret = ZSTD_CCtx_setParameter(z->zs, ZSTD_c_compressionLevel,
                                 (int)config->zstd_level);
    if (ZSTD_isError(ret)) {
        error_setg(errp, "libzstd has refused to compress with level %u: %s",
                   config->zstd_level, ZSTD_getErrorName(ret));
        ZSTD_freeCCtx(z->zs);
        g_free(z);
        return NULL;
    }
    z->out.size = config->multifd_packet_pages *
                  (size_t)(TARGET_PAGE_SIZE + SEND_MORE_BYTES_A_PAGE) +
                  SEND_MORE_BYTES;
    z->out.dst = multifd_compress_buffer_new(z->out.size);
    z->parent.iov = &z->iov;
    z->parent.nr_iov = 1;
    return &z->parent;
}

static void multifd_zstd_send_free(MultiFDCompressor *parent)
{
    ZstdSend *z = container_of(parent, ZstdSend, parent);

    ZSTD_freeCCtx(z->zs);
    g_aligned_free(z->out.dst);
    g_free(z);
}

/*
 * The library reads its input more than once unless it copies it first, which is
 * its own affair.  A guest that writes meanwhile would make a block whose parts
 * do not fit each other.  So it gets a copy.
 */
static bool multifd_zstd_send_page(ZstdSend *z, const uint8_t *host,
                                   ZSTD_EndDirective end, Error **errp)
{
    ZSTD_inBuffer in = { z->page, TARGET_PAGE_SIZE, 0 };
    size_t left;

    memcpy(z->page, host, TARGET_PAGE_SIZE);
    do {
        left = ZSTD_compressStream2(z->zs, &z->out, &in, end);
        if (ZSTD_isError(left)) {
            error_setg(errp, "libzstd could not compress a page: %s",
                       ZSTD_getErrorName(left));
            return false;
        }
        if (z->out.pos == z->out.size) {
            error_setg(errp, "libzstd makes more of a packet than %zu bytes",
                       z->out.size);
            return false;
        }
        /* Without a flush @left is only a hint. */
    } while (in.pos < in.size || (end == ZSTD_e_flush && left > 0));
    return true;
}

static bool multifd_zstd_send(MultiFDCompressor *parent,
                              const struct iovec *pages, unsigned nr_iov,
                              Error **errp)
{
    ZstdSend *z = container_of(parent, ZstdSend, parent);

    z->out.pos = 0;
    for (unsigned i = 0; i < nr_iov; i++) {
        const uint8_t *host = pages[i].iov_base;
        const uint8_t *end = host + pages[i].iov_len;

        for (; host < end; host += TARGET_PAGE_SIZE) {
            bool last = i == nr_iov - 1 && host + TARGET_PAGE_SIZE == end;

            if (!multifd_zstd_send_page(z, host,
                                        last ? ZSTD_e_flush : ZSTD_e_continue,
                                        errp)) {
                return false;
            }
        }
    }
    parent->len_bytes = z->out.pos;
    z->iov = (struct iovec) { z->out.dst, z->out.pos };
    return true;
}

static MultiFDDecompressor *multifd_zstd_recv_new(unsigned packet_pages,
                                                  Error **errp)
{
    ZstdRecv *z = g_new0(ZstdRecv, 1);

    z->zs = ZSTD_createDCtx();
    if (!z->zs || ZSTD_isError(ZSTD_DCtx_setParameter(z->zs,
                                                      ZSTD_d_windowLogMax,
                                                      WINDOW_LOG_MAX))) {
        error_setg(errp, "libzstd has no memory to decompress with");
        ZSTD_freeDCtx(z->zs);
        g_free(z);
        return NULL;
    }
    return &z->parent;
}

static void multifd_zstd_recv_free(MultiFDDecompressor *parent)
{
    ZstdRecv *z = container_of(parent, ZstdRecv, parent);

    ZSTD_freeDCtx(z->zs);
    g_free(z);
}

/* Goes on until @out is full, or there is nothing more to put there. */
static bool multifd_zstd_recv_run(ZstdRecv *z, ZSTD_inBuffer *in,
                                  ZSTD_outBuffer *out, Error **errp)
{
    size_t before;

    do {
        size_t ret;

        before = in->pos + out->pos;
        ret = ZSTD_decompressStream(z->zs, out, in);
        if (ZSTD_isError(ret)) {
            error_setg(errp, "the zstd content is corrupt: %s",
                       ZSTD_getErrorName(ret));
            return false;
        }
    } while (out->pos < out->size && in->pos + out->pos > before);
    return true;
}

/* Neither output nor input may be left. */
static bool multifd_zstd_recv_end(ZstdRecv *z, ZSTD_inBuffer *in, Error **errp)
{
    uint8_t spare;
    ZSTD_outBuffer out = { &spare, 1, 0 };

    if (!multifd_zstd_recv_run(z, in, &out, errp)) {
        return false;
    }
    if (out.pos > 0) {
        error_setg(errp, "the zstd content is of more pages than the packet "
                   "has");
        return false;
    }
    if (in->pos < in->size) {
        error_setg(errp, "%zu bytes behind the zstd content belong to no page",
                   in->size - in->pos);
        return false;
    }
    return true;
}

static bool multifd_zstd_recv(MultiFDDecompressor *parent, size_t len_bytes,
                              const struct iovec *pages, unsigned nr_iov,
                              Error **errp)
{
    ZstdRecv *z = container_of(parent, ZstdRecv, parent);
    ZSTD_inBuffer in = { parent->in, len_bytes, 0 };

    for (unsigned i = 0; i < nr_iov; i++) {
        ZSTD_outBuffer out = { pages[i].iov_base, pages[i].iov_len, 0 };

        if (!multifd_zstd_recv_run(z, &in, &out, errp)) {
            return false;
        }
        if (out.pos < out.size) {
            error_setg(errp, "the zstd content ends before its pages are "
                       "whole");
            return false;
        }
    }
    return multifd_zstd_recv_end(z, &in, errp);
}

const MultiFDMethod multifd_method_zstd = {
    .name = "zstd",
    .flag = MULTIFD_FLAG_ZSTD,
    .most_bytes = multifd_zstd_most_bytes,
    .send_new = multifd_zstd_send_new,
    .send = multifd_zstd_send,
    .send_free = multifd_zstd_send_free,
    .recv_new = multifd_zstd_recv_new,
    .recv = multifd_zstd_recv,
    .recv_free = multifd_zstd_recv_free,
};
