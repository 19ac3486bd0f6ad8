/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A conversation in a main loop; see io/channel-stream.h.
 *
 * Everything that happens ends in qio_stream_serve(), which hands out input as
 * long as it may and then waits for what can go on.  A callback that writes or
 * lets go of the stream gets there again; the inner call leaves it to the outer
 * one, so input is not handed out inside itself.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include "io/channel-fds.h"
#include "io/channel-stream.h"
#include "qapi/error.h"

#define STREAM_READ_BYTES (64 * 1024)

struct QIOStream {
    /* set once */
    QIOStreamHost host;
    QIOChannel *ioc;

    GByteArray *in;
    size_t in_offset;       /* bytes of @in that are done with */
    size_t in_scanned;      /* bytes behind those without a line's end */
    bool skipping;          /* a line that was too long has not ended */
    GByteArray *out;
    size_t out_offset;      /* bytes of @out that are sent */
    GArray *fds;            /* of int, come and not taken */

    GSource *in_watch;
    GSource *out_watch;
    GSource *gone_watch;
    bool held;
    bool serving;           /* inside qio_stream_serve() */
    bool eof;               /* the peer will say no more */
    bool closed;
};

size_t qio_stream_pending(const QIOStream *s)
{
    return s->out->len - s->out_offset;
}

bool qio_stream_is_paused(const QIOStream *s)
{
    return s->closed || s->held || qio_stream_pending(s) > s->host.pause_bytes;
}

static void qio_stream_set_watch(QIOStream *s, GSource **watch, bool want,
                                 GIOCondition condition, QIOChannelFunc func)
{
    if (want && !*watch) {
        *watch = qio_channel_add_watch(s->ioc, s->host.context, condition,
                                       func, s);
    } else if (!want && *watch) {
        g_source_destroy(*watch);
        g_clear_pointer(watch, g_source_unref);
    }
}

int qio_stream_take_fd(QIOStream *s)
{
    int fd = -1;

    if (s->fds->len > 0) {
        fd = g_array_index(s->fds, int, 0);
        g_array_remove_index(s->fds, 0);
    }
    return fd;
}

static void qio_stream_drop_fds(QIOStream *s)
{
    int fd;

    while ((fd = qio_stream_take_fd(s)) >= 0) {
        close(fd);
    }
}

static void qio_stream_drop_output(QIOStream *s)
{
    g_byte_array_set_size(s->out, 0);
    s->out_offset = 0;
}

static gboolean qio_stream_readable(QIOChannel *ioc, GIOCondition condition,
                                    void *opaque);
static gboolean qio_stream_writable(QIOChannel *ioc, GIOCondition condition,
                                    void *opaque);
static gboolean qio_stream_gone(QIOChannel *ioc, GIOCondition condition,
                                void *opaque);

/* Waits for what can go on. */
static void qio_stream_update(QIOStream *s)
{
    bool open = !s->closed;

    qio_stream_set_watch(s, &s->out_watch, open && qio_stream_pending(s),
                         G_IO_OUT, qio_stream_writable);
    qio_stream_set_watch(s, &s->in_watch,
                         !s->eof && !qio_stream_is_paused(s), G_IO_IN,
                         qio_stream_readable);
    /* The end of the input is not seen then, but that of the connection. */
    qio_stream_set_watch(s, &s->gone_watch,
                         open && s->held && !s->host.lossy,
                         G_IO_HUP | G_IO_ERR, qio_stream_gone);
}

void qio_stream_close(QIOStream *s)
{
    if (s->closed) {
        return;
    }
    s->closed = true;
    qio_stream_drop_output(s);
    qio_stream_drop_fds(s);
    qio_stream_update(s);
    if (s->host.closed) {
        s->host.closed(s->host.opaque);
    }
}

/* Sends what the peer takes now. */
static void qio_stream_push(QIOStream *s)
{
    while (qio_stream_pending(s)) {
        struct iovec iov = {
            .iov_base = s->out->data + s->out_offset,
            .iov_len = qio_stream_pending(s),
        };
        ssize_t n = qio_channel_writev(s->ioc, &iov, 1, NULL);

        if (n > 0) {
            s->out_offset += n;
        } else if (n == QIO_CHANNEL_ERR_BLOCK) {
            break;
        } else if (s->host.lossy) {
            qio_stream_drop_output(s);
        } else {
            qio_stream_close(s);
        }
    }
    if (!qio_stream_pending(s)) {
        qio_stream_drop_output(s);
    } else if (s->out_offset >= s->out->len / 2) {
        g_byte_array_remove_range(s->out, 0, s->out_offset);
        s->out_offset = 0;
    }
}

static void qio_stream_consume(QIOStream *s, size_t len)
{
    s->in_offset += len;
    s->in_scanned = 0;
}

/* What is no whole line yet: waited for, or given up. */
static void qio_stream_partial(QIOStream *s, size_t len)
{
    s->in_scanned = len;
    if (len > s->host.line_max_bytes && !s->skipping) {
        s->skipping = true;
        s->host.input(NULL, 0, s->host.opaque);
    }
    if (s->skipping) {
        qio_stream_consume(s, len);
    }
}

/* Hands out the next line; false when there is none. */
static bool qio_stream_next_line(QIOStream *s)
{
    const char *line = (const char *)s->in->data + s->in_offset;
    size_t len = s->in->len - s->in_offset;
    const char *end = len == s->in_scanned ? NULL
        : memchr(line + s->in_scanned, '\n', len - s->in_scanned);

    if (!end) {
        qio_stream_partial(s, len);
        return false;
    }
    len = end - line;
    qio_stream_consume(s, len + 1);
    if (s->skipping) {
        s->skipping = false;
    } else if (len > s->host.line_max_bytes) {
        s->host.input(NULL, 0, s->host.opaque);
    } else {
        s->host.input(line, len, s->host.opaque);
    }
    return true;
}

/* Hands out all that has come. */
static bool qio_stream_next_bytes(QIOStream *s)
{
    size_t len = s->in->len - s->in_offset;

    qio_stream_consume(s, len);
    s->host.input((const char *)s->in->data + s->in_offset - len, len,
                  s->host.opaque);
    return false;
}

static void qio_stream_serve(QIOStream *s)
{
    if (s->serving) {
        return;
    }
    s->serving = true;
    while (!qio_stream_is_paused(s) &&
           (s->host.line_max_bytes ? qio_stream_next_line(s)
                                   : qio_stream_next_bytes(s))) {
    }
    /* Mostly the beginning of a line is kept, so this copies little. */
    if (s->in_offset) {
        g_byte_array_remove_range(s->in, 0, s->in_offset);
        s->in_offset = 0;
    }
    if (s->eof && !s->held && !qio_stream_pending(s)) {
        qio_stream_close(s);
    }
    s->serving = false;
    qio_stream_update(s);
}

static ssize_t qio_stream_read(QIOStream *s, void *buf, size_t len_bytes)
{
    struct iovec iov = { .iov_base = buf, .iov_len = len_bytes };
    GArray *came;
    ssize_t n;

    if (!s->host.takes_fds) {
        return qio_channel_readv(s->ioc, &iov, 1, NULL);
    }
    came = g_array_new(false, false, sizeof(int));
    n = qio_channel_readv_fds(s->ioc, &iov, 1, came, NULL);
    if (came->len > 0) {
        qio_stream_drop_fds(s);
        g_array_append_vals(s->fds, came->data, came->len);
    }
    g_array_unref(came);
    return n;
}

static gboolean qio_stream_readable(QIOChannel *ioc, GIOCondition condition,
                                    void *opaque)
{
    QIOStream *s = opaque;
    size_t before = s->in->len;
    ssize_t n;

    g_byte_array_set_size(s->in, before + STREAM_READ_BYTES);
    n = qio_stream_read(s, s->in->data + before, STREAM_READ_BYTES);
    g_byte_array_set_size(s->in, before + MAX(n, 0));
    if (n == 0) {
        s->eof = true;
    } else if (n < 0 && n != QIO_CHANNEL_ERR_BLOCK) {
        qio_stream_close(s);
    }
    qio_stream_serve(s);
    return G_SOURCE_CONTINUE;
}

static gboolean qio_stream_writable(QIOChannel *ioc, GIOCondition condition,
                                    void *opaque)
{
    QIOStream *s = opaque;

    qio_stream_push(s);
    if (!qio_stream_pending(s) && s->host.drained) {
        s->host.drained(s->host.opaque);
    }
    qio_stream_serve(s);
    return G_SOURCE_CONTINUE;
}

static gboolean qio_stream_gone(QIOChannel *ioc, GIOCondition condition,
                                void *opaque)
{
    qio_stream_close(opaque);
    return G_SOURCE_CONTINUE;
}

/* Who waits already is not overtaken, and sent from the loop. */
static void qio_stream_written(QIOStream *s, bool idle)
{
    if (idle) {
        qio_stream_push(s);
    }
    qio_stream_update(s);
}

void qio_stream_write(QIOStream *s, const void *data, size_t len_bytes)
{
    bool idle = !qio_stream_pending(s);

    if (!s->closed) {
        g_byte_array_append(s->out, data, len_bytes);
        qio_stream_written(s, idle);
    }
}

void qio_stream_write_line(QIOStream *s, const char *line, const char *end)
{
    bool idle = !qio_stream_pending(s);

    if (!s->closed) {
        g_byte_array_append(s->out, (const guint8 *)line, strlen(line));
        g_byte_array_append(s->out, (const guint8 *)end, strlen(end));
        qio_stream_written(s, idle);
    }
}

void qio_stream_hold(QIOStream *s, bool held)
{
    s->held = held;
    qio_stream_serve(s);
}

bool qio_stream_flush(QIOStream *s, int timeout_ms)
{
    gint64 deadline_us = g_get_monotonic_time() + timeout_ms * 1000LL;

    qio_stream_push(s);
    while (qio_stream_pending(s)) {
        struct pollfd pfd = {
            .fd = qio_channel_get_write_fd(s->ioc),
            .events = POLLOUT,
        };
        gint64 left_us = deadline_us - g_get_monotonic_time();

        if (left_us <= 0 || poll(&pfd, 1, (int)((left_us + 999) / 1000)) == 0) {
            break;
        }
        qio_stream_push(s);
    }
    qio_stream_update(s);
    return !qio_stream_pending(s);
}

QIOStream *qio_stream_new(QIOChannel *ioc, const QIOStreamHost *host,
                          Error **errp)
{
    QIOStream *s;

    if (!qio_channel_set_blocking(ioc, false, errp)) {
        qio_channel_unref(ioc);
        return NULL;
    }
    s = g_new0(QIOStream, 1);
    s->host = *host;
    s->ioc = ioc;
    /* Never NULL inside, which no offset may be added to. */
    s->in = g_byte_array_sized_new(STREAM_READ_BYTES);
    s->out = g_byte_array_new();
    s->fds = g_array_new(false, false, sizeof(int));
    qio_stream_update(s);
    return s;
}

void qio_stream_free(QIOStream *s)
{
    if (s) {
        s->host.closed = NULL;
        qio_stream_close(s);
        g_byte_array_unref(s->in);
        g_byte_array_unref(s->out);
        g_array_unref(s->fds);
        qio_channel_unref(s->ioc);
        g_free(s);
    }
}
