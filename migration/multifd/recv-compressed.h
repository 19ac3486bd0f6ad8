/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed content of the normal pages of a packet: from a multifd channel to
 * its place.
 *
 * Threads: multifdrecv_N, each for its own channel.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_RECV_COMPRESSED_H
#define MIGRATION_MULTIFD_RECV_COMPRESSED_H

#include <stdbool.h>
#include "migration/ram/received.h"
#include "migration/stream/multifd-packet.h"

typedef struct MultiFDRecvChannel MultiFDRecvChannel;

/**
 * multifd_recv_compressed:
 * @c: a channel that decompresses; its packet's pages are in c->page, and what was
 *     read of the stream behind the header is in c->ahead
 * @rb: the block they are of
 * @packet: the packet; it has normal pages
 * @errp: where to put the reason, or NULL
 *
 * Reads the content and decompresses it to its place, and has @rb note the pages
 * before.
 * Context: the channel's thread.
 * Returns: false when the stream ends before the content does, the content is not
 *          just these pages, or the host has no room for them
 */
bool multifd_recv_compressed(MultiFDRecvChannel *c, ReceivedBlock *rb,
                             const MultiFDPacket *packet, Error **errp);

#endif
