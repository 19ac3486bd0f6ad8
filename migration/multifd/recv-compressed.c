/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed content of the normal pages of a packet; see recv-compressed.h.
 *
 * Entered by multifdrecv_N.  Content is read as a whole, since its library wants it
 * so, and becomes pages in the mapping itself.  Headers are recv-channel.c's
 * matter, the formats the methods'.
 */
#include "qemu/osdep.h"
#include "memory/backend-write.h"
#include "qapi/error.h"
#include "migration/multifd/recv-compressed.h"
#include "migration/multifd/recv-content.h"
#include "migration/multifd/recv-internal.h"

static bool compressed_read(MultiFDRecvChannel *c, size_t len_bytes,
                            Error **errp)
{
    uint8_t *to = c->decompressor->in;
    size_t ahead_bytes = MIN(len_bytes, (size_t)(c->ahead_len - c->ahead_pos));
    struct iovec iov;
    int ret;

    memcpy(to, &c->ahead[c->ahead_pos], ahead_bytes);
    c->ahead_pos += ahead_bytes;
    if (ahead_bytes == len_bytes) {
        return true;
    }
    iov = (struct iovec) { to + ahead_bytes, len_bytes - ahead_bytes };
    ret = qio_channel_readv_all_eof(c->ioc, &iov, 1, errp);
    if (ret == 0) {
        error_setg(errp, "%s: packet %" PRIu64 ": the stream ended before the "
                   "%zu bytes of its content", qio_channel_name(c->ioc),
                   c->nr_packets, len_bytes);
    }
    return ret == 1;
}

/*
 * Sees to it that a run can be written.  Where a file has no room for a page, who
 * touches the mapping gets a signal, which libraries do not expect.
 */
static bool compressed_make_room(const MultiFDRecvChannel *c,
                                 const RAMBlock *block, uint8_t *host,
                                 unsigned nr_pages, bool fresh, Error **errp)
{
    const HostMemoryBackend *backend = block->backend;
    size_t len_bytes = (size_t)nr_pages << TARGET_PAGE_BITS;

    if (backend && backend->fd >= 0) {
        return host_memory_backend_make_room(backend, host - backend->host,
                                             len_bytes, errp);
    }
    if (fresh && (len_bytes >= HOST_MEMORY_POPULATE_MIN_BYTES ||
                  c->decompressor->populate)) {
        host_memory_populate(host, len_bytes);
    }
    return true;
}

/* What was read, to its place. */
static bool compressed_run(MultiFDRecvChannel *c, ReceivedBlock *rb,
                           const MultiFDPacket *packet, Error **errp)
{
    unsigned nr_iov = 0;
    unsigned n;

    for (unsigned i = 0; i < packet->nr_normal; i += n) {
        uint8_t *host = rb->block->host + (c->page[i] << TARGET_PAGE_BITS);
        bool fresh;

        n = multifd_recv_run_length(rb, &c->page[i], packet->nr_normal - i,
                                    &fresh);
        if (!compressed_make_room(c, rb->block, host, n, fresh, errp)) {
            return false;
        }
        received_block_normal(rb, c->page[i], n);
        c->iov[nr_iov++] = (struct iovec) {
            .iov_base = host,
            .iov_len = (size_t)n << TARGET_PAGE_BITS,
        };
    }
    return multifd_decompressor_run(c->decompressor, packet->content_bytes,
                                    c->iov, nr_iov, errp);
}

bool multifd_recv_compressed(MultiFDRecvChannel *c, ReceivedBlock *rb,
                             const MultiFDPacket *packet, Error **errp)
{
    ERRP_GUARD();

    if (multifd_decompressor_check(c->decompressor, packet->nr_normal,
                                   packet->content_bytes, errp)) {
        /* A channel names itself. */
        if (!compressed_read(c, packet->content_bytes, errp)) {
            return false;
        }
        if (compressed_run(c, rb, packet, errp)) {
            return true;
        }
    }
    error_prepend(errp, "%s: packet %" PRIu64 ": ", qio_channel_name(c->ioc),
                  c->nr_packets);
    return false;
}
