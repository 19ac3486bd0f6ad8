/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sending channel has made and not written yet: headers one behind the
 * other, and the content of the last one.  Packets without content wait here for
 * company.
 *
 * Threads: multifdsend_N, each for its own channel.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_SEND_BUFFER_H
#define MIGRATION_MULTIFD_SEND_BUFFER_H

#include <stdbool.h>
#include <stdint.h>
#include "migration/multifd/compress.h"
#include "migration/stream/multifd-packet.h"

typedef struct MultiFDSendChannel MultiFDSendChannel;
typedef struct MultiFDSendTally MultiFDSendTally;

/**
 * multifd_send_buffer_init:
 * @c: a channel
 * @packet_pages: pages of a packet
 */
void multifd_send_buffer_init(MultiFDSendChannel *c, unsigned packet_pages);

/**
 * multifd_send_buffer_destroy:
 * @c: a channel whose buffer was initialised; what is in it is dropped
 */
void multifd_send_buffer_destroy(MultiFDSendChannel *c);

/**
 * multifd_send_buffer_header:
 * @c: a channel
 *
 * Context: the channel's thread.
 * Returns: room for the next header, to be filled before it is added
 */
MultiFDPacketWire *multifd_send_buffer_header(MultiFDSendChannel *c);

/**
 * multifd_send_buffer_add_content:
 * @c: a channel
 * @host: a page that stays where it is; what it holds is read when it is sent,
 *        or later
 *
 * Appends a page to the content of the header to be added next.
 * Context: the channel's thread.
 */
void multifd_send_buffer_add_content(MultiFDSendChannel *c,
                                     const uint8_t *host);

/**
 * multifd_send_buffer_set_compressed:
 * @c: a channel
 * @content: what the content has become; good until the header is added
 *
 * Takes the place of the content of the header to be added next.
 * Context: the channel's thread.
 */
void multifd_send_buffer_set_compressed(MultiFDSendChannel *c,
                                        const MultiFDCompressor *content);

/**
 * multifd_send_buffer_add:
 * @c: a channel
 * @tally: what the header is about
 * @errp: where to put the reason, or NULL
 *
 * Adds the header that was filled.  If content goes with it, or the buffer is
 * full, all of it is written.
 * Context: the channel's thread.
 * Returns: false when it could not be written
 */
bool multifd_send_buffer_add(MultiFDSendChannel *c,
                             const MultiFDSendTally *tally, Error **errp);

/**
 * multifd_send_buffer_flush:
 * @c: a channel
 * @errp: where to put the reason, or NULL
 *
 * Writes what is in the buffer with one call, charges it and counts it.
 * Context: the channel's thread.
 * Returns: false when it could not be written
 */
bool multifd_send_buffer_flush(MultiFDSendChannel *c, Error **errp);

#endif
