/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the return path, which the destination sends to the source over
 * the main connection.  A codec only.  Layout table: wire.h, MIG_RP_MSG_….
 *
 * Threads: writing belongs to the destination's load thread, reading to the
 * source's return path thread.  This header owns no locks.
 */
#ifndef MIGRATION_STREAM_RETURN_PATH_WIRE_H
#define MIGRATION_STREAM_RETURN_PATH_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include "migration/stream/stream.h"
#include "migration/stream/wire.h"

/* A message whose type and length make sense. */
typedef struct ReturnPathMessage {
    uint16_t type;              /* MIG_RP_MSG_… */
    uint16_t len_bytes;         /* of @payload */
    uint32_t value;             /* of SHUT, PONG and RESUME_ACK, else 0 */
    uint8_t payload[MIG_RP_MAX_PAYLOAD];
} ReturnPathMessage;

/**
 * return_path_message_name:
 * @type: a message type
 *
 * Returns: how messages call it, e.g. "SHUT"; "unknown" for any other type
 */
const char *return_path_message_name(uint16_t type);

/**
 * return_path_put_shut:
 * @s: a stream to the source; the caller flushes it
 * @status: 0 = the guest has arrived; anything else = it has not
 */
void return_path_put_shut(MigStreamOut *s, uint32_t status);

/**
 * return_path_put_pong:
 * @s: a stream to the source; the caller flushes it
 * @value: that of the PING
 */
void return_path_put_pong(MigStreamOut *s, uint32_t value);

/**
 * return_path_get_message:
 * @s: a stream from the destination
 * @message: where to put it; untouched unless 1 is returned
 * @errp: where to put the reason of -1, or NULL
 *
 * Waits for the next message.
 * Returns: 1 for a message, 0 when the stream has ended between two messages,
 *          -1 for an unknown type, a length that is not the type's, or an end
 *          inside a message
 */
int return_path_get_message(MigStreamIn *s, ReturnPathMessage *message,
                            Error **errp);

#endif
