/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sending channel has made and not written yet; see send-buffer.h.
 *
 * Entered by multifdsend_N.  A packet without content is not worth a call of
 * its own, nor the wakeup at the other end: it waits here for the next one.  It
 * waits for nothing else: send-channel.c flushes before the thread sleeps.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration/multifd/send-buffer.h"
#include "migration/multifd/send-internal.h"

void multifd_send_buffer_init(MultiFDSendChannel *c, unsigned packet_pages)
{
    MultiFDSendBuffer *b = &c->buffer;

    b->header_bytes = multifd_packet_len(packet_pages);
    b->wire = g_malloc(MULTIFD_SEND_HEADERS * b->header_bytes);
    /* Headers, and what compressed content may have in front of its pages. */
    b->iov = g_new(struct iovec, 2 + packet_pages);
    b->nr_iov = 1;
}

void multifd_send_buffer_destroy(MultiFDSendChannel *c)
{
    g_free(c->buffer.iov);
    g_free(c->buffer.wire);
}

MultiFDPacketWire *multifd_send_buffer_header(MultiFDSendChannel *c)
{
    MultiFDSendBuffer *b = &c->buffer;

    return (MultiFDPacketWire *)(b->wire + b->nr_headers * b->header_bytes);
}

void multifd_send_buffer_add_content(MultiFDSendChannel *c,
                                     const uint8_t *host)
{
    MultiFDSendBuffer *b = &c->buffer;
    struct iovec *last = &b->iov[b->nr_iov - 1];

    /* Neighbours share an entry of the vector. */
    if (b->nr_iov > 1 && (uint8_t *)last->iov_base + last->iov_len == host) {
        last->iov_len += TARGET_PAGE_SIZE;
        return;
    }
    b->iov[b->nr_iov++] = (struct iovec) {
        .iov_base = (void *)host,
        .iov_len = TARGET_PAGE_SIZE,
    };
}

void multifd_send_buffer_set_compressed(MultiFDSendChannel *c,
                                        const MultiFDCompressor *content)
{
    MultiFDSendBuffer *b = &c->buffer;

    memcpy(&b->iov[1], content->iov, content->nr_iov * sizeof(*b->iov));
    b->nr_iov = 1 + content->nr_iov;
    b->compressed_bytes = content->len_bytes;
}

bool multifd_send_buffer_add(MultiFDSendChannel *c,
                             const MultiFDSendTally *tally, Error **errp)
{
    MultiFDSendBuffer *b = &c->buffer;

    b->nr_headers++;
    b->tally.nr_normal += tally->nr_normal;
    b->tally.nr_zero += tally->nr_zero;
    b->tally.nr_holes += tally->nr_holes;
    b->tally.charged_bytes += tally->charged_bytes;
    if (b->nr_iov > 1 || b->nr_headers == MULTIFD_SEND_HEADERS) {
        return multifd_send_buffer_flush(c, errp);
    }
    return true;
}

/* It has been written. */
static void multifd_send_buffer_count(MultiFDSendChannel *c, uint64_t len_bytes)
{
    MigrationCounters *stats = c->send->stats;
    const MultiFDSendTally *tally = &c->buffer.tally;

    if (tally->nr_normal > 0) {
        qatomic_add(&stats->normal_pages, tally->nr_normal);
    }
    if (tally->nr_holes > 0) {
        qatomic_add(&stats->hole_pages, tally->nr_holes);
    }
    if (tally->nr_zero > 0) {
        qatomic_add(&stats->zero_pages, tally->nr_zero);
    }
    qatomic_add(&stats->multifd_bytes, len_bytes);
}

bool multifd_send_buffer_flush(MultiFDSendChannel *c, Error **errp)
{
    MultiFDSendBuffer *b = &c->buffer;
    size_t headers_bytes = b->nr_headers * b->header_bytes;
    uint64_t content_bytes = c->compressor
                             ? b->compressed_bytes
                             : b->tally.nr_normal << TARGET_PAGE_BITS;
    uint64_t len_bytes = headers_bytes + content_bytes;
    /* Guest memory stays; headers and compressed content are used anew. */
    unsigned nr_copied = c->compressor ? b->nr_iov : 1;

    if (b->nr_headers == 0) {
        return true;
    }
    /* Pages that turned out to be zero were charged in full: given back. */
    rate_limit_charge(c->send->rate,
                      (int64_t)len_bytes - b->tally.charged_bytes);
    b->iov[0] = (struct iovec) { b->wire, headers_bytes };
    if (!qio_channel_writev_stable_all(c->ioc, b->iov, b->nr_iov, nr_copied,
                                       errp)) {
        return false;
    }
    multifd_send_buffer_count(c, len_bytes);
    b->nr_headers = 0;
    b->nr_iov = 1;
    b->compressed_bytes = 0;
    b->tally = (MultiFDSendTally) { 0 };
    return true;
}
