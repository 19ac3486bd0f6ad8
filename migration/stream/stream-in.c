/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input half of the main channel's stream.  Fields come out of a buffer.  A
 * read that the buffer cannot serve goes straight to its place, and the same
 * call fills the buffer with what follows, so a page and the next headers cost
 * one system call.
 *
 * One thread reads; stream_in_bytes() may be called from any.  A thread that
 * waits here is woken by shutting the channel down, which is its owner's task.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include <sys/uio.h>
#include "io/channel-file.h"
#include "io/channel-layered.h"
#include "migration/stream/stream-file.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/timer.h"
#include "qemu/units.h"

/* Holds a run of pages: what is gained by a larger one is not much. */
#define IN_BUFFER_BYTES (256 * KiB)
/* The longest look ahead: any header or str8 fits several times. */
#define IN_PEEK_MAX_BYTES 1024

struct MigStreamIn {
    /* set once at creation */
    QIOChannel *ioc;

    /* owned by the reading thread: buffer[pos..end) is read but not taken */
    size_t pos;
    size_t end;
    bool eof;
    Error *err;         /* why every further read fails */

    /* atomic; written by the reading thread only */
    uint64_t taken_bytes;

    uint8_t buffer[IN_BUFFER_BYTES];
};

MigStreamIn *stream_in_new(QIOChannel *ioc, const void *initial,
                           size_t initial_len_bytes)
{
    MigStreamIn *s = g_new(MigStreamIn, 1);

    g_assert(initial_len_bytes <= IN_BUFFER_BYTES);
    s->ioc = qio_channel_ref(ioc);
    s->pos = 0;
    s->end = initial_len_bytes;
    s->eof = false;
    s->err = NULL;
    s->taken_bytes = 0;
    if (initial_len_bytes) {
        memcpy(s->buffer, initial, initial_len_bytes);
    }
    return s;
}

void stream_in_free(MigStreamIn *s)
{
    if (!s) {
        return;
    }
    qio_channel_unref(s->ioc);
    error_free(s->err);
    g_free(s);
}

static bool stream_in_fail(MigStreamIn *s, Error **errp)
{
    error_propagate(errp, error_copy(s->err));
    return false;
}

static void stream_in_take(MigStreamIn *s, size_t len_bytes)
{
    qatomic_set(&s->taken_bytes, s->taken_bytes + len_bytes);
}

/* Takes up to @len_bytes out of the buffer. */
static size_t stream_in_from_buffer(MigStreamIn *s, void *to, size_t len_bytes)
{
    size_t n = MIN(len_bytes, s->end - s->pos);

    if (to) {
        memcpy(to, s->buffer + s->pos, n);
    }
    s->pos += n;
    stream_in_take(s, n);
    return n;
}

/*
 * One read into @to and, behind it, into the empty buffer.  Returns how much
 * came to @to; 0 with @to_len_bytes > 0 means that the stream is over or
 * broken.
 */
static size_t stream_in_read(MigStreamIn *s, void *to, size_t to_len_bytes)
{
    struct iovec iov[2] = {
        { to, to_len_bytes },
        { s->buffer, IN_BUFFER_BYTES },
    };
    ssize_t n;

    if (s->err || s->eof) {
        return 0;
    }
    s->pos = s->end = 0;
    n = qio_channel_readv(s->ioc, iov, 2, &s->err);
    if (n == QIO_CHANNEL_ERR_BLOCK) {
        error_setg(&s->err, "%s does not wait for data",
                   qio_channel_name(s->ioc));
    }
    if (n <= 0) {
        s->eof = !n;
        return 0;
    }
    if (n > to_len_bytes) {
        s->end = n - to_len_bytes;
        n = to_len_bytes;
    }
    stream_in_take(s, n);
    return n;
}

bool stream_get_buffer(MigStreamIn *s, void *buf, size_t len_bytes,
                       Error **errp)
{
    size_t done = stream_in_from_buffer(s, buf, len_bytes);

    while (done < len_bytes) {
        size_t n = stream_in_read(s, (uint8_t *)buf + done, len_bytes - done);

        if (!n) {
            if (!s->err) {
                error_setg(&s->err, "%s: stream ended at byte %" PRIu64
                           ", %zu bytes into a field of %zu",
                           qio_channel_name(s->ioc), s->taken_bytes, done,
                           len_bytes);
            }
            return stream_in_fail(s, errp);
        }
        done += n;
    }
    return true;
}

bool stream_in_fill(MigStreamIn *s, size_t len_bytes)
{
    g_assert(len_bytes <= IN_BUFFER_BYTES);
    if (s->end - s->pos >= len_bytes) {
        return true;
    }
    memmove(s->buffer, s->buffer + s->pos, s->end - s->pos);
    s->end -= s->pos;
    s->pos = 0;
    while (s->end < len_bytes && !s->eof && !s->err) {
        ssize_t n = qio_channel_read(s->ioc, s->buffer + s->end,
                                     IN_BUFFER_BYTES - s->end, &s->err);

        if (n == QIO_CHANNEL_ERR_BLOCK) {
            error_setg(&s->err, "%s does not wait for data",
                       qio_channel_name(s->ioc));
        }
        s->eof = !n;
        s->end += MAX(n, 0);
    }
    return s->end >= len_bytes;
}

ssize_t stream_peek(MigStreamIn *s, void *buf, size_t len_bytes, Error **errp)
{
    g_assert(len_bytes <= IN_PEEK_MAX_BYTES);
    if (!stream_in_fill(s, len_bytes)) {
        if (s->err) {
            stream_in_fail(s, errp);
            return -1;
        }
        len_bytes = s->end - s->pos;
    }
    memcpy(buf, s->buffer + s->pos, len_bytes);
    return len_bytes;
}

const uint8_t *stream_in_buffered(const MigStreamIn *s, size_t *len_bytes)
{
    *len_bytes = s->end - s->pos;
    return s->buffer + s->pos;
}

void stream_in_advance(MigStreamIn *s, size_t len_bytes)
{
    g_assert(len_bytes <= s->end - s->pos);
    s->pos += len_bytes;
    stream_in_take(s, len_bytes);
}

bool stream_in_wait(MigStreamIn *s, int timeout_ms)
{
    int64_t deadline_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + timeout_ms;
    struct pollfd pfd = {
        .fd = qio_channel_get_fd(s->ioc),
        .events = POLLIN,
    };
    int64_t left_ms = timeout_ms;
    int n;

    /* A channel without a descriptor is memory: nothing to wait for. */
    if (s->pos < s->end || s->eof || s->err || pfd.fd < 0 ||
        qio_channel_has_pending(s->ioc)) {
        return true;
    }
    do {
        n = poll(&pfd, 1, left_ms);
        left_ms = MAX(deadline_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME), 0);
    } while (n < 0 && errno == EINTR);
    return n != 0;
}

bool stream_skip(MigStreamIn *s, uint64_t len_bytes, Error **errp)
{
    uint64_t left = len_bytes;

    while (left) {
        left -= stream_in_from_buffer(s, NULL, left);
        if (left && !stream_in_fill(s, 1)) {
            if (!s->err) {
                error_setg(&s->err, "%s: stream ended at byte %" PRIu64
                           ", %" PRIu64 " bytes into %" PRIu64 " to be skipped",
                           qio_channel_name(s->ioc), s->taken_bytes,
                           len_bytes - left, len_bytes);
            }
            return stream_in_fail(s, errp);
        }
    }
    return true;
}

/*
 * The next few bytes: in the buffer where all of them are there, else gathered in
 * @field.  NULL on failure.
 */
static const uint8_t *stream_get_field(MigStreamIn *s, uint8_t *field,
                                       size_t len_bytes, Error **errp)
{
    if (s->end - s->pos >= len_bytes) {
        const uint8_t *there = s->buffer + s->pos;

        stream_in_advance(s, len_bytes);
        return there;
    }
    return stream_get_buffer(s, field, len_bytes, errp) ? field : NULL;
}

bool stream_get_byte(MigStreamIn *s, uint8_t *v, Error **errp)
{
    uint8_t field[1];
    const uint8_t *p = stream_get_field(s, field, sizeof(field), errp);

    if (!p) {
        return false;
    }
    *v = *p;
    return true;
}

bool stream_get_be16(MigStreamIn *s, uint16_t *v, Error **errp)
{
    uint8_t field[2];
    const uint8_t *p = stream_get_field(s, field, sizeof(field), errp);

    if (!p) {
        return false;
    }
    *v = lduw_be_p(p);
    return true;
}

bool stream_get_be32(MigStreamIn *s, uint32_t *v, Error **errp)
{
    uint8_t field[4];
    const uint8_t *p = stream_get_field(s, field, sizeof(field), errp);

    if (!p) {
        return false;
    }
    /* ldl_be_p() is signed under QEMU's name. */
    *v = (uint32_t)ldl_be_p(p);
    return true;
}

bool stream_get_be64(MigStreamIn *s, uint64_t *v, Error **errp)
{
    uint8_t field[8];
    const uint8_t *p = stream_get_field(s, field, sizeof(field), errp);

    if (!p) {
        return false;
    }
    *v = ldq_be_p(p);
    return true;
}

/* Names stand in messages, so a peer must not put escape sequences there. */
static bool stream_in_is_text(const char *text, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++) {
        if (g_ascii_iscntrl(text[i])) {
            return false;
        }
    }
    return g_utf8_validate(text, len_bytes, NULL);
}

bool stream_get_str8(MigStreamIn *s, char str[STREAM_STR8_MAX], Error **errp)
{
    char text[STREAM_STR8_MAX];
    uint8_t len_bytes;

    if (!stream_get_byte(s, &len_bytes, errp) ||
        !stream_get_buffer(s, text, len_bytes, errp)) {
        return false;
    }
    if (!stream_in_is_text(text, len_bytes)) {
        error_setg(errp, "%s: the name of %u bytes before byte %" PRIu64
                   " of the stream is no printable text",
                   qio_channel_name(s->ioc), len_bytes, s->taken_bytes);
        return false;
    }
    memcpy(str, text, len_bytes);
    str[len_bytes] = 0;
    return true;
}

bool stream_in_is_file(const MigStreamIn *s)
{
    return qio_channel_is_file(s->ioc);
}

int stream_in_fd(const MigStreamIn *s)
{
    return qio_channel_get_fd(s->ioc);
}

uint64_t stream_in_offset(const MigStreamIn *s)
{
    return qio_channel_file_tell(s->ioc) - (s->end - s->pos);
}

bool stream_in_seek(MigStreamIn *s, uint64_t offset, Error **errp)
{
    if (s->err) {
        return stream_in_fail(s, errp);
    }
    if (!qio_channel_file_seek(s->ioc, offset, errp)) {
        return false;
    }
    s->pos = s->end = 0;
    s->eof = false;
    return true;
}

uint64_t stream_in_bytes(const MigStreamIn *s)
{
    return qatomic_read(&s->taken_bytes);
}
