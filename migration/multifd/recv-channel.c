/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One receiving channel: reads packets, notes their pages and reads content
 * straight to its place in guest memory.
 *
 * Entered by multifdrecv_N; life cycle by the thread that accepts.  What the
 * packets say is checked by the codec; what a fresh page is, ram/received.c
 * knows.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/multifd/recv-internal.h"
#include "migration/trace.h"

/* What becomes of the channel after a packet. */
typedef enum PacketResult {
    PACKET_NEXT,
    PACKET_END,         /* the stream ended, or the receiving half did */
    PACKET_ERROR,
} PacketResult;

MultiFDRecvChannel *multifd_recv_channel_new(MultiFDRecv *recv,
                                             const MultiFDGreeting *greeting,
                                             QIOChannel *ioc)
{
    MultiFDRecvChannel *c = g_new0(MultiFDRecvChannel, 1);
    g_autofree char *name = g_strdup_printf("multifd channel %u", greeting->id);

    c->recv = recv;
    c->id = greeting->id;
    c->packet_pages = greeting->packet_pages;
    c->ioc = qio_channel_ref(ioc);
    qio_channel_set_name(ioc, name);
    c->header = g_malloc(multifd_packet_len(c->packet_pages));
    c->page = g_new(uint64_t, c->packet_pages);
    c->iov = g_new(struct iovec, c->packet_pages);
    return c;
}

void multifd_recv_channel_free(MultiFDRecvChannel *c)
{
    if (c) {
        qio_channel_unref(c->ioc);
        g_free(c->iov);
        g_free(c->page);
        g_free(c->header);
        g_free(c);
    }
}

/*
 * Reads a header, usually with one call.  Its start is checked before the rest
 * is waited for.
 */
static PacketResult multifd_recv_header(MultiFDRecvChannel *c, Error **errp)
{
    ERRP_GUARD();
    uint8_t *wire = (uint8_t *)c->header;
    size_t len_bytes = multifd_packet_len(c->packet_pages);
    ssize_t n = qio_channel_read(c->ioc, wire, len_bytes, errp);
    size_t done;

    if (n == QIO_CHANNEL_ERR_BLOCK) {
        error_setg(errp, "%s: is not blocking", qio_channel_name(c->ioc));
    }
    if (n <= 0) {
        return n == 0 ? PACKET_END : PACKET_ERROR;
    }
    done = n;
    if (done < MULTIFD_PACKET_START_LEN) {
        if (!qio_channel_read_all(c->ioc, wire + done,
                                  MULTIFD_PACKET_START_LEN - done, errp)) {
            return PACKET_ERROR;
        }
        done = MULTIFD_PACKET_START_LEN;
    }
    if (!multifd_packet_check_start(c->header, errp)) {
        error_prepend(errp, "%s: packet %" PRIu64 ": ",
                      qio_channel_name(c->ioc), c->nr_packets);
        return PACKET_ERROR;
    }
    if (done < len_bytes &&
        !qio_channel_read_all(c->ioc, wire + done, len_bytes - done, errp)) {
        return PACKET_ERROR;
    }
    return PACKET_NEXT;
}

/* The header in full: what it says, the block it names, c->page. */
static bool multifd_recv_decode(MultiFDRecvChannel *c, MultiFDPacket *packet,
                                ReceivedBlock **rb, Error **errp)
{
    if (!multifd_packet_decode(c->header, c->packet_pages, packet, errp)) {
        return false;
    }
    if (!packet->block_name) {
        return true;
    }
    *rb = ram_received_find(c->recv->received, packet->block_name);
    if (!*rb) {
        /* It may be any bytes, and the message goes out over QMP. */
        g_autofree char *name = g_strescape(packet->block_name, NULL);

        error_setg(errp, "RAM block '%s' does not exist here; give both sides "
                   "the same memory-backend id", name);
        return false;
    }
    return multifd_packet_decode_pages(c->header, packet,
                                       (*rb)->block->used_length, c->page,
                                       errp);
}

/* How many pages from @page on follow each other in the block. */
static unsigned multifd_run_length(const uint64_t *page, unsigned nr_pages)
{
    unsigned n = 1;

    while (n < nr_pages && page[n] == page[0] + n) {
        n++;
    }
    return n;
}

static bool multifd_recv_pages(MultiFDRecvChannel *c,
                               const MultiFDPacket *packet, ReceivedBlock *rb,
                               Error **errp)
{
    const uint64_t *zero = &c->page[packet->nr_normal];
    unsigned nr_iov = 0;
    unsigned n;

    for (unsigned i = 0; i < packet->nr_zero; i += n) {
        n = multifd_run_length(&zero[i], packet->nr_zero - i);
        received_block_zero(rb, zero[i], n);
    }
    for (unsigned i = 0; i < packet->nr_normal; i += n) {
        n = multifd_run_length(&c->page[i], packet->nr_normal - i);
        received_block_normal(rb, c->page[i], n);
        c->iov[nr_iov++] = (struct iovec) {
            .iov_base = rb->block->host + (c->page[i] << TARGET_PAGE_BITS),
            .iov_len = (size_t)n << TARGET_PAGE_BITS,
        };
    }
    if (nr_iov == 0) {
        return true;
    }
    switch (qio_channel_readv_all_eof(c->ioc, c->iov, nr_iov, errp)) {
    case 0:
        error_setg(errp, "%s: packet %" PRIu64 ": the stream ended before the "
                   "content of its %u pages", qio_channel_name(c->ioc),
                   c->nr_packets, packet->nr_normal);
        return false;
    case 1:
        return true;
    default:
        return false;
    }
}

static PacketResult multifd_recv_packet(MultiFDRecvChannel *c, Error **errp)
{
    ERRP_GUARD();
    MultiFDPacket packet;
    ReceivedBlock *rb = NULL;
    PacketResult result = multifd_recv_header(c, errp);

    if (result != PACKET_NEXT) {
        return result;
    }
    if (!multifd_recv_decode(c, &packet, &rb, errp)) {
        error_prepend(errp, "%s: packet %" PRIu64 ": ",
                      qio_channel_name(c->ioc), c->nr_packets);
        return PACKET_ERROR;
    }
    trace_multifd_recv(c->id, packet.packet_num, packet.nr_normal,
                       packet.nr_zero, packet.flags);
    if (rb) {
        c->nr_unsynced++;
    }
    if (rb && !multifd_recv_pages(c, &packet, rb, errp)) {
        return PACKET_ERROR;
    }
    c->nr_packets++;
    if (packet.flags & MULTIFD_FLAG_SYNC) {
        c->nr_unsynced = 0;
        if (!multifd_recv_wait_release(c)) {
            return PACKET_END;
        }
    }
    return PACKET_NEXT;
}

void *multifd_recv_channel_thread(void *opaque)
{
    MultiFDRecvChannel *c = opaque;
    PacketResult result;
    Error *err = NULL;

    do {
        result = multifd_recv_packet(c, &err);
    } while (result == PACKET_NEXT);
    if (result == PACKET_ERROR) {
        multifd_recv_fail(c->recv, err);
    } else {
        multifd_recv_ended(c);
    }
    return NULL;
}
