/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor line by line, one command at a time.  While a command is
 * not over, or its text does not get away, nothing further is read.
 *
 * The loop's thread.
 */
#include "qemu/osdep.h"

#include "io/channel-stream.h"
#include "monitor/hmp-stream.h"

/* Text that waits: above this no further line is taken. */
#define HMP_OUT_PAUSE_BYTES (64 * 1024)

struct HmpStream {
    HmpClosedFunc *closed_fn;
    void *closed_opaque;
    Hmp *hmp;
    QIOStream *stream;
};

static void hmp_stream_line(const char *data, size_t len_bytes, void *opaque)
{
    HmpStream *s = opaque;
    g_autofree char *line = NULL;

    /* Until the command is over. */
    qio_stream_hold(s->stream, true);
    if (data && len_bytes && data[len_bytes - 1] == '\r') {
        len_bytes--;
    }
    line = data ? g_strndup(data, len_bytes) : NULL;
    if (!line) {
        hmp_line_refused(s->hmp, "a line is longer than "
                         G_STRINGIFY(HMP_LINE_MAX_BYTES) " bytes");
    } else if (strlen(line) != len_bytes) {
        hmp_line_refused(s->hmp, "a line has a zero byte in it");
    } else {
        hmp_line(s->hmp, line);
    }
}

static void hmp_stream_closed(void *opaque)
{
    HmpStream *s = opaque;

    if (s->closed_fn) {
        s->closed_fn(s->closed_opaque);
    }
}

static void hmp_stream_write(void *opaque, const char *text, size_t len_bytes)
{
    HmpStream *s = opaque;

    qio_stream_write(s->stream, text, len_bytes);
}

static void hmp_stream_ready(void *opaque)
{
    HmpStream *s = opaque;

    qio_stream_write(s->stream, HMP_PROMPT, strlen(HMP_PROMPT));
    qio_stream_hold(s->stream, false);
}

static int hmp_stream_take_fd(void *opaque)
{
    HmpStream *s = opaque;

    return qio_stream_take_fd(s->stream);
}

static const HmpFrontend hmp_stream_front = {
    .write = hmp_stream_write,
    .ready = hmp_stream_ready,
    .take_fd = hmp_stream_take_fd,
};

HmpStream *hmp_stream_new(QIOChannel *ioc, const HmpHost *host,
                          HmpClosedFunc *closed, void *opaque, Error **errp)
{
    g_autofree HmpStream *s = g_new0(HmpStream, 1);
    const QIOStreamHost stream_host = {
        .context = main_loop_context(host->loop),
        .pause_bytes = HMP_OUT_PAUSE_BYTES,
        .line_max_bytes = HMP_LINE_MAX_BYTES,
        .lossy = !closed,
        .takes_fds = true,
        .input = hmp_stream_line,
        .closed = hmp_stream_closed,
        .opaque = s,
    };

    s->stream = qio_stream_new(ioc, &stream_host, errp);
    if (!s->stream) {
        return NULL;
    }
    s->closed_fn = closed;
    s->closed_opaque = opaque;
    s->hmp = hmp_new(host, &hmp_stream_front, s);
    hmp_greet(s->hmp);
    return g_steal_pointer(&s);
}

void hmp_stream_free(HmpStream *s)
{
    if (s) {
        hmp_free(s->hmp);
        qio_stream_free(s->stream);
        g_free(s);
    }
}

void hmp_stream_flush(HmpStream *s, int timeout_ms)
{
    qio_stream_flush(s->stream, timeout_ms);
}
