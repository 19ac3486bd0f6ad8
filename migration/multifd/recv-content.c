/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content of the normal pages of a packet; see recv-content.h.
 *
 * Entered by multifdrecv_N.  Runs that get to their place the same way are
 * gathered and read together, in the order of the stream.  Headers are
 * recv-channel.c's matter, pipes the channel's.
 */
#include "qemu/osdep.h"
#include <sys/uio.h>
#include "memory/backend-write.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/iov.h"
#include "qemu/units.h"
#include "migration/multifd/recv-content.h"
#include "migration/multifd/recv-internal.h"

/*
 * Runs of so many pages are spliced, by one channel at a time.  Of shorter ones
 * each costs two calls, and all channels can have page faults at once.
 */
#define SPLICE_MIN_PAGES 8

typedef enum ContentWay {
    CONTENT_MAPPING,
    CONTENT_SPLICE,         /* to the backend's file */
} ContentWay;

/* The content of one packet on its way. */
typedef struct Content {
    MultiFDRecvChannel *c;
    ReceivedBlock *rb;
    unsigned nr_normal;
    bool asked_file;        /* @has_file is known */
    bool has_file;          /* fresh pages may be written to it */
    /* the runs in c->iov, not read yet, and how they will be */
    ContentWay way;
    unsigned nr_iov;
} Content;

static size_t content_ahead_bytes(const MultiFDRecvChannel *c)
{
    return c->ahead_len - c->ahead_pos;
}

/* Four system calls, so at most once a packet, and not without need. */
static bool content_has_file(Content *ct)
{
    if (!ct->asked_file) {
        ct->asked_file = true;
        ct->has_file =
            host_memory_backend_takes_writes(ct->rb->block->backend);
    }
    return ct->has_file;
}

unsigned multifd_recv_run_length(const ReceivedBlock *rb, const uint64_t *page,
                                 unsigned nr_pages, bool *fresh)
{
    unsigned n = 1;

    *fresh = !(qatomic_read(&rb->dirty[BIT_WORD(page[0])]) & BIT_MASK(page[0]));
    while (n < nr_pages && page[n] == page[0] + n) {
        /* Other channels set bits of this word at the same time. */
        unsigned long word = qatomic_read(&rb->dirty[BIT_WORD(page[n])]);

        if (*fresh != !(word & BIT_MASK(page[n]))) {
            break;
        }
        n++;
    }
    return n;
}

static ContentWay content_way(Content *ct, uint8_t *host,
                              unsigned nr_pages, bool fresh)
{
    const HostMemoryBackend *backend = ct->rb->block->backend;
    size_t len_bytes = (size_t)nr_pages << TARGET_PAGE_BITS;

    if (!fresh) {
        return CONTENT_MAPPING;
    }
    if (nr_pages >= SPLICE_MIN_PAGES && content_has_file(ct)) {
        return CONTENT_SPLICE;
    }
    if (backend && backend->fd < 0 &&
        len_bytes >= HOST_MEMORY_POPULATE_MIN_BYTES) {
        host_memory_populate(host, len_bytes);
    }
    return CONTENT_MAPPING;
}

/* What a whole read says, as a result. */
static bool content_check(const Content *ct, int ret, Error **errp)
{
    if (ret == 0) {
        error_setg(errp, "%s: packet %" PRIu64 ": the stream ended before the "
                   "content of its %u pages", qio_channel_name(ct->c->ioc),
                   ct->c->nr_packets, ct->nr_normal);
    }
    return ret == 1;
}

/*
 * Takes what was read ahead.  A page that a file has no room for would be a
 * signal here, where the kernel's own copy is only an error.
 */
static bool content_take_ahead(Content *ct, struct iovec **iov,
                               unsigned *nr_iov, Error **errp)
{
    MultiFDRecvChannel *c = ct->c;
    const HostMemoryBackend *backend = ct->rb->block->backend;

    while (*nr_iov > 0 && content_ahead_bytes(c) > 0) {
        size_t len_bytes = MIN((*iov)->iov_len, content_ahead_bytes(c));
        uint8_t *to = (*iov)->iov_base;

        if (backend &&
            !host_memory_backend_make_room(backend, to - backend->host,
                                           len_bytes, errp)) {
            return false;
        }
        memcpy(to, &c->ahead[c->ahead_pos], len_bytes);
        c->ahead_pos += len_bytes;
        iov_discard_front(iov, nr_iov, len_bytes);
    }
    return true;
}

/*
 * To a copy the kernel says "bad address" where a file has no room for a page; is
 * it that?  Returns false.
 */
static bool content_true_reason(const Content *ct, const struct iovec *iov,
                                unsigned nr_iov, Error *err, Error **errp)
{
    const HostMemoryBackend *backend = ct->rb->block->backend;

    for (unsigned i = 0; backend && i < nr_iov; i++) {
        const uint8_t *host = iov[i].iov_base;

        if (!host_memory_backend_make_room(backend, host - backend->host,
                                           iov[i].iov_len, errp)) {
            error_free(err);
            return false;
        }
    }
    error_propagate(errp, err);
    return false;
}

static bool content_read(Content *ct, struct iovec *iov, unsigned nr_iov,
                         Error **errp)
{
    Error *err = NULL;
    int ret;

    if (!content_take_ahead(ct, &iov, &nr_iov, errp)) {
        return false;
    }
    if (nr_iov == 0) {
        return true;
    }
    ret = qio_channel_readv_all_eof(ct->c->ioc, iov, nr_iov, &err);
    if (ret < 0) {
        return content_true_reason(ct, iov, nr_iov, err, errp);
    }
    return content_check(ct, ret, errp);
}

static bool content_flush_splice(Content *ct, Error **errp)
{
    const HostMemoryBackend *backend = ct->rb->block->backend;

    for (unsigned i = 0; i < ct->nr_iov; i++) {
        uint8_t *host = ct->c->iov[i].iov_base;
        QIOChannelFileRange to = {
            .lock = &ct->c->recv->file_lock,
            .fd = backend->fd,
            .offset = backend->fd_offset + (uint64_t)(host - backend->host),
            .host = host,
            .len_bytes = ct->c->iov[i].iov_len,
        };

        if (!content_check(ct, qio_channel_read_file_all_eof(ct->c->ioc, &to,
                                                             errp), errp)) {
            return false;
        }
    }
    return true;
}

/* Reads the runs that are gathered. */
static bool content_flush(Content *ct, Error **errp)
{
    bool ok = true;

    if (ct->nr_iov == 0) {
        return true;
    }
    switch (ct->way) {
    case CONTENT_MAPPING:
        ok = content_read(ct, ct->c->iov, ct->nr_iov, errp);
        break;
    case CONTENT_SPLICE:
        /* What was read already cannot be spliced; it is little, and rare. */
        ok = content_ahead_bytes(ct->c) > 0 ?
             content_read(ct, ct->c->iov, ct->nr_iov, errp) :
             content_flush_splice(ct, errp);
        break;
    }
    ct->nr_iov = 0;
    return ok;
}

bool multifd_recv_content(MultiFDRecvChannel *c, ReceivedBlock *rb,
                          unsigned nr_normal, Error **errp)
{
    Content ct = { .c = c, .rb = rb, .nr_normal = nr_normal };
    unsigned n;

    for (unsigned i = 0; i < nr_normal; i += n) {
        uint8_t *host = rb->block->host + (c->page[i] << TARGET_PAGE_BITS);
        ContentWay way;
        bool fresh;

        n = multifd_recv_run_length(rb, &c->page[i], nr_normal - i, &fresh);
        way = content_way(&ct, host, n, fresh);
        received_block_normal(rb, c->page[i], n);
        if (way != ct.way && !content_flush(&ct, errp)) {
            return false;
        }
        ct.way = way;
        c->iov[ct.nr_iov++] = (struct iovec) {
            .iov_base = host,
            .iov_len = (size_t)n << TARGET_PAGE_BITS,
        };
    }
    return content_flush(&ct, errp);
}
