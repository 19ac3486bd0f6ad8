/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Codec of the return path.  The destination's load thread writes, the source's
 * return path thread reads.  What a message means is core's business.
 */
#include "qemu/osdep.h"
#include "migration/stream/return-path-wire.h"
#include "qapi/error.h"
#include "qemu/bswap.h"

typedef struct MessageInfo {
    const char *name;
    uint16_t min_bytes;
    uint16_t max_bytes;
} MessageInfo;

static const MessageInfo messages[MIG_RP_MSG_MAX] = {
    [MIG_RP_MSG_SHUT] = { "SHUT", 4, 4 },
    [MIG_RP_MSG_PONG] = { "PONG", 4, 4 },
    [MIG_RP_MSG_REQ_PAGES_ID] = { "REQ_PAGES_ID", 14, 13 + 255 },
    [MIG_RP_MSG_REQ_PAGES] = { "REQ_PAGES", 12, 12 },
    [MIG_RP_MSG_RECV_BITMAP] = { "RECV_BITMAP", 2, 1 + 255 },
    [MIG_RP_MSG_RESUME_ACK] = { "RESUME_ACK", 4, 4 },
    [MIG_RP_MSG_SWITCHOVER_ACK] = { "SWITCHOVER_ACK", 0, 0 },
};

const char *return_path_message_name(uint16_t type)
{
    if (type == MIG_RP_MSG_INVALID || type >= MIG_RP_MSG_MAX) {
        return "unknown";
    }
    return messages[type].name;
}

static void return_path_put_value(MigStreamOut *s, uint16_t type,
                                  uint32_t value)
{
    stream_put_be16(s, type);
    stream_put_be16(s, sizeof(value));
    stream_put_be32(s, value);
}

void return_path_put_shut(MigStreamOut *s, uint32_t status)
{
    return_path_put_value(s, MIG_RP_MSG_SHUT, status);
}

void return_path_put_pong(MigStreamOut *s, uint32_t value)
{
    return_path_put_value(s, MIG_RP_MSG_PONG, value);
}

/* Type and length, checked. */
static bool return_path_get_header(MigStreamIn *s, ReturnPathMessage *m,
                                   Error **errp)
{
    const MessageInfo *info;

    if (!stream_get_be16(s, &m->type, errp) ||
        !stream_get_be16(s, &m->len_bytes, errp)) {
        return false;
    }
    if (m->type == MIG_RP_MSG_INVALID || m->type >= MIG_RP_MSG_MAX) {
        error_setg(errp, "unknown message %u on the return path", m->type);
        return false;
    }
    info = &messages[m->type];
    if (m->len_bytes < info->min_bytes || m->len_bytes > info->max_bytes) {
        error_setg(errp, "return path message %s has %u bytes of payload, "
                   "expected %u to %u", info->name, m->len_bytes,
                   info->min_bytes, info->max_bytes);
        return false;
    }
    return true;
}

int return_path_get_message(MigStreamIn *s, ReturnPathMessage *message,
                            Error **errp)
{
    ReturnPathMessage m = { 0 };
    uint8_t first;
    ssize_t n = stream_peek(s, &first, 1, errp);

    if (n <= 0) {
        return n;
    }
    if (!return_path_get_header(s, &m, errp) ||
        !stream_get_buffer(s, m.payload, m.len_bytes, errp)) {
        return -1;
    }
    if (m.len_bytes == 4) {
        m.value = (uint32_t)ldl_be_p(m.payload);
    }
    *message = m;
    return 1;
}
