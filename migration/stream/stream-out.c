/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The output half of the main channel's stream.  Small fields are copied into
 * one buffer, large ones are noted by reference; both meet in one vector that
 * goes out in a single call when it, the buffer or a megabyte is full and more
 * is to come.
 *
 * One thread puts and flushes; stream_out_bytes() may be called from any.
 * Retrying, rate limits and shutting down belong to others.
 */
#include "qemu/osdep.h"
#include <sys/uio.h>
#include "migration/stream/stream.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/units.h"

#define OUT_BUFFER_BYTES (64 * KiB)
/* One call carries at most this much, so that a limit on speed stays fine. */
#define OUT_PENDING_MAX_BYTES (1 * MiB)
/* Header and content of each page in such a megabyte. */
#define OUT_IOV_MAX 512

struct MigStreamOut {
    /* set once at creation; NULL: gathers in @memory */
    QIOChannel *ioc;

    /* owned by the putting thread */
    GByteArray *memory;
    Error *err;
    uint8_t *buffer;
    size_t buffer_used;
    size_t pending_bytes;
    unsigned niov;
    struct iovec iov[OUT_IOV_MAX];

    /* atomic; written by the putting thread only */
    uint64_t bytes;
};

MigStreamOut *stream_out_new(QIOChannel *ioc)
{
    MigStreamOut *s = g_new0(MigStreamOut, 1);

    if (ioc) {
        s->ioc = qio_channel_ref(ioc);
        s->buffer = g_malloc(OUT_BUFFER_BYTES);
    } else {
        s->memory = g_byte_array_new();
    }
    return s;
}

void stream_out_free(MigStreamOut *s)
{
    if (!s) {
        return;
    }
    if (s->memory) {
        g_byte_array_unref(s->memory);
    }
    qio_channel_unref(s->ioc);
    error_free(s->err);
    g_free(s->buffer);
    g_free(s);
}

/* Writes what is gathered; an error is kept and ends the stream. */
static void stream_out_drain(MigStreamOut *s)
{
    if (s->niov && !s->err) {
        qio_channel_writev_all(s->ioc, s->iov, s->niov, &s->err);
    }
    s->niov = 0;
    s->buffer_used = 0;
    s->pending_bytes = 0;
}

/* Writes what is gathered if nothing, or not @len_bytes, would fit behind it. */
static void stream_out_make_room(MigStreamOut *s, size_t len_bytes)
{
    if (s->niov == OUT_IOV_MAX || s->pending_bytes >= OUT_PENDING_MAX_BYTES ||
        OUT_BUFFER_BYTES - s->buffer_used < len_bytes) {
        stream_out_drain(s);
    }
}

/* Appends to the vector, into the last entry where the bytes adjoin. */
static void stream_out_add(MigStreamOut *s, const void *base, size_t len_bytes)
{
    struct iovec *last = s->niov ? &s->iov[s->niov - 1] : NULL;

    if (last && (const uint8_t *)last->iov_base + last->iov_len == base) {
        last->iov_len += len_bytes;
    } else {
        s->iov[s->niov++] = (struct iovec) { (void *)base, len_bytes };
    }
    s->pending_bytes += len_bytes;
}

static void stream_out_count(MigStreamOut *s, size_t len_bytes)
{
    qatomic_set(&s->bytes, s->bytes + len_bytes);
}

void stream_put_buffer(MigStreamOut *s, const void *buf, size_t len_bytes)
{
    const uint8_t *from = buf;

    if (s->err) {
        return;
    }
    stream_out_count(s, len_bytes);
    if (s->memory) {
        g_byte_array_append(s->memory, buf, len_bytes);
        return;
    }
    while (len_bytes) {
        size_t n;
        uint8_t *to;

        stream_out_make_room(s, 1);
        if (s->err) {
            return;
        }
        n = MIN(len_bytes, OUT_BUFFER_BYTES - s->buffer_used);
        to = s->buffer + s->buffer_used;
        memcpy(to, from, n);
        s->buffer_used += n;
        from += n;
        len_bytes -= n;
        stream_out_add(s, to, n);
    }
}

uint8_t *stream_put_space(MigStreamOut *s, size_t len_bytes)
{
    uint8_t *to;

    g_assert(len_bytes <= STREAM_SPACE_MAX_BYTES);
    if (s->err) {
        return NULL;
    }
    stream_out_count(s, len_bytes);
    if (s->memory) {
        g_byte_array_set_size(s->memory, s->memory->len + len_bytes);
        return s->memory->data + s->memory->len - len_bytes;
    }
    stream_out_make_room(s, len_bytes);
    if (s->err) {
        return NULL;
    }
    to = s->buffer + s->buffer_used;
    s->buffer_used += len_bytes;
    stream_out_add(s, to, len_bytes);
    return to;
}

void stream_put_buffer_ref(MigStreamOut *s, const void *buf, size_t len_bytes)
{
    if (s->memory) {
        stream_put_buffer(s, buf, len_bytes);
        return;
    }
    if (s->err || !len_bytes) {
        return;
    }
    stream_out_count(s, len_bytes);
    stream_out_make_room(s, 0);
    if (!s->err) {
        stream_out_add(s, buf, len_bytes);
    }
}

void stream_put_byte(MigStreamOut *s, uint8_t v)
{
    stream_put_buffer(s, &v, 1);
}

void stream_put_be16(MigStreamOut *s, uint16_t v)
{
    uint8_t field[2];

    stw_be_p(field, v);
    stream_put_buffer(s, field, sizeof(field));
}

void stream_put_be32(MigStreamOut *s, uint32_t v)
{
    uint8_t field[4];

    stl_be_p(field, v);
    stream_put_buffer(s, field, sizeof(field));
}

void stream_put_be64(MigStreamOut *s, uint64_t v)
{
    uint8_t field[8];

    stq_be_p(field, v);
    stream_put_buffer(s, field, sizeof(field));
}

void stream_put_str8(MigStreamOut *s, const char *str)
{
    size_t len_bytes = strlen(str);

    if (len_bytes >= STREAM_STR8_MAX) {
        /* Cutting it short would name something else at the other end. */
        error_setg(&s->err, "name \"%.32s…\" has %zu bytes, at most %d fit "
                   "into the migration stream", str, len_bytes,
                   STREAM_STR8_MAX - 1);
        return;
    }
    stream_put_byte(s, len_bytes);
    stream_put_buffer(s, str, len_bytes);
}

bool stream_out_ok(const MigStreamOut *s)
{
    return !s->err;
}

bool stream_out_flush(MigStreamOut *s, Error **errp)
{
    if (s->ioc) {
        stream_out_drain(s);
    }
    if (s->err) {
        error_propagate(errp, error_copy(s->err));
        return false;
    }
    return true;
}

uint64_t stream_out_bytes(const MigStreamOut *s)
{
    return qatomic_read(&s->bytes);
}

GByteArray *stream_out_steal(MigStreamOut *s)
{
    GByteArray *bytes = s->memory;

    g_return_val_if_fail(bytes, NULL);
    s->memory = g_byte_array_new();
    return bytes;
}
