/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One receiving channel: reads packets and notes their pages.  Where packets
 * without content follow each other, several headers are read with one call.
 *
 * Entered by multifdrecv_N; life cycle by the thread that accepts.  What the
 * packets say is checked by the codec; what a fresh page is, ram/received.c
 * knows; content is recv-content.c's and recv-compressed.c's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/multifd/recv-compressed.h"
#include "migration/multifd/recv-content.h"
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
    c->ahead = g_malloc(MULTIFD_RECV_HEADERS *
                        multifd_packet_len(c->packet_pages));
    c->nr_headers = 1;
    c->page = g_new(uint64_t, c->packet_pages);
    c->iov = g_new(struct iovec, c->packet_pages);
    return c;
}

void multifd_recv_channel_free(MultiFDRecvChannel *c)
{
    if (c) {
        qio_channel_unref(c->ioc);
        multifd_decompressor_free(c->decompressor);
        g_free(c->iov);
        g_free(c->page);
        g_free(c->ahead);
        g_free(c);
    }
}

/*
 * Sees to it that @need bytes of the next header are there, and where they are
 * not, reads on to the end of as many headers as are worth asking for.
 */
static PacketResult multifd_recv_fill(MultiFDRecvChannel *c, size_t need,
                                      Error **errp)
{
    size_t len_bytes = multifd_packet_len(c->packet_pages);

    while (c->ahead_len - c->ahead_pos < need) {
        size_t have = c->ahead_len - c->ahead_pos;
        ssize_t n;

        if (c->ahead_pos > 0) {
            memmove(c->ahead, c->ahead + c->ahead_pos, have);
            c->ahead_pos = 0;
            c->ahead_len = have;
        }
        n = qio_channel_read(c->ioc, c->ahead + have,
                             c->nr_headers * len_bytes - have, errp);
        if (n == QIO_CHANNEL_ERR_BLOCK) {
            error_setg(errp, "%s: is not blocking", qio_channel_name(c->ioc));
        }
        if (n < 0) {
            return PACKET_ERROR;
        }
        if (n == 0 && have == 0) {
            return PACKET_END;
        }
        if (n == 0) {
            error_setg(errp, "%s: packet %" PRIu64 ": the stream ended after "
                       "%zu of the %zu bytes of its header",
                       qio_channel_name(c->ioc), c->nr_packets, have,
                       len_bytes);
            return PACKET_ERROR;
        }
        c->ahead_len += n;
    }
    return PACKET_NEXT;
}

/* The next header.  Its start is checked before the rest is waited for. */
static PacketResult multifd_recv_header(MultiFDRecvChannel *c, Error **errp)
{
    ERRP_GUARD();
    PacketResult result = multifd_recv_fill(c, MULTIFD_PACKET_START_LEN, errp);

    if (result != PACKET_NEXT) {
        return result;
    }
    if (!multifd_packet_check_start((MultiFDPacketWire *)
                                    (c->ahead + c->ahead_pos), errp)) {
        error_prepend(errp, "%s: packet %" PRIu64 ": ",
                      qio_channel_name(c->ioc), c->nr_packets);
        return PACKET_ERROR;
    }
    result = multifd_recv_fill(c, multifd_packet_len(c->packet_pages), errp);
    if (result != PACKET_NEXT) {
        return result;
    }
    c->header = (MultiFDPacketWire *)(c->ahead + c->ahead_pos);
    c->ahead_pos += multifd_packet_len(c->packet_pages);
    return PACKET_NEXT;
}

/*
 * How much to read with the next call: each packet without content lets two
 * more be expected; what of them is content after all must be copied from there
 * to its place, and costs as much as was saved before at most.
 */
static void multifd_recv_expect(MultiFDRecvChannel *c,
                                const MultiFDPacket *packet)
{
    if (packet->nr_normal > 0) {
        c->nr_headers = 1;
    } else {
        c->nr_headers = MIN(2 * c->nr_headers, (unsigned)MULTIFD_RECV_HEADERS);
    }
}

/* The header in full: what it says, the block it names, c->page. */
static bool multifd_recv_decode(MultiFDRecvChannel *c, MultiFDPacket *packet,
                                ReceivedBlock **rb, Error **errp)
{
    const MultiFDDecompressor *z = c->decompressor;

    if (!multifd_packet_decode(c->header, c->packet_pages, packet, errp) ||
        !multifd_packet_check_compression(packet, z ? z->method->flag : 0,
                                          errp)) {
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
    unsigned n;

    for (unsigned i = 0; i < packet->nr_zero; i += n) {
        n = multifd_run_length(&zero[i], packet->nr_zero - i);
        received_block_zero(rb, zero[i], n);
    }
    if (packet->nr_normal == 0) {
        return true;
    }
    return c->decompressor
           ? multifd_recv_compressed(c, rb, packet, errp)
           : multifd_recv_content(c, rb, packet->nr_normal, errp);
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
    multifd_recv_expect(c, &packet);
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
