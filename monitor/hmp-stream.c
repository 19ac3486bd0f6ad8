/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines out of a byte stream, one command at a time.  While a command is not
 * over, or its text does not get away, nothing further is read.
 *
 * The loop's thread; descriptors are read only when there is something, so it
 * never waits.
 */
#include "qemu/osdep.h"

#include <glib-unix.h>
#include <sys/socket.h>

#include "monitor/hmp-stream.h"
#include "monitor/hmp-writer.h"

#define HMP_READ_BYTES 4096
/* Text that waits: above this no further line is taken. */
#define HMP_OUT_PAUSE_BYTES (64 * 1024)

struct HmpStream {
    /* set once */
    int in_fd;
    const HmpHost *host;
    HmpClosedFunc *closed_fn;
    void *closed_opaque;

    Hmp *hmp;
    HmpWriter *writer;
    GString *in;
    GSource *watch;         /* or NULL */
    bool too_long;          /* the rest of a line is to be skipped */
    bool serving;           /* inside hmp_stream_serve() */
    bool eof;               /* the user will say no more */
    bool closed;            /* the session is over */
};

static void hmp_stream_serve(HmpStream *s);

static void hmp_stream_unwatch(HmpStream *s)
{
    if (s->watch) {
        g_source_destroy(s->watch);
        g_clear_pointer(&s->watch, g_source_unref);
    }
}

static bool hmp_stream_held_back(const HmpStream *s)
{
    return hmp_busy(s->hmp) ||
           hmp_writer_pending(s->writer) > HMP_OUT_PAUSE_BYTES;
}

static gboolean hmp_stream_readable(gint fd, GIOCondition condition,
                                    gpointer opaque)
{
    HmpStream *s = opaque;
    char buf[HMP_READ_BYTES];
    ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

    if (n < 0 && errno == ENOTSOCK) {
        n = read(fd, buf, sizeof(buf));
    }
    if (n > 0) {
        g_string_append_len(s->in, buf, n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        s->eof = true;
    }
    hmp_stream_serve(s);
    return s->watch ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* Waits for what can go on. */
static void hmp_stream_update(HmpStream *s)
{
    bool want = !s->eof && !s->closed && !hmp_stream_held_back(s);

    if (want && !s->watch) {
        s->watch = g_unix_fd_source_new(s->in_fd,
                                        G_IO_IN | G_IO_HUP | G_IO_ERR);
        g_source_set_callback(s->watch, G_SOURCE_FUNC(hmp_stream_readable), s,
                              NULL);
        g_source_attach(s->watch, main_loop_context(s->host->loop));
    } else if (!want) {
        hmp_stream_unwatch(s);
    }
}

/* The next line, without its end; NULL when there is none yet. */
static char *hmp_stream_line(HmpStream *s)
{
    char *end = memchr(s->in->str, '\n', s->in->len);
    size_t len = end ? (size_t)(end - s->in->str) : s->in->len;
    char *line;

    if (!end && len > HMP_LINE_MAX_BYTES) {
        s->too_long = true;
        g_string_truncate(s->in, 0);
    }
    /* At the end of the input a line without an end is one, too. */
    if (!end && !(s->eof && s->in->len)) {
        return NULL;
    }
    line = g_strndup(s->in->str, len);
    g_string_erase(s->in, 0, end ? len + 1 : len);
    if (g_str_has_suffix(line, "\r")) {
        line[strlen(line) - 1] = '\0';
    }
    return line;
}

static void hmp_stream_take(HmpStream *s, const char *line)
{
    if (s->too_long || strlen(line) > HMP_LINE_MAX_BYTES) {
        s->too_long = false;
        hmp_line_too_long(s->hmp);
    } else {
        hmp_line(s->hmp, line);
    }
}

static void hmp_stream_serve(HmpStream *s)
{
    char *line;

    if (s->serving) {
        return;
    }
    s->serving = true;
    while (!s->closed && !hmp_stream_held_back(s) &&
           (line = hmp_stream_line(s))) {
        hmp_stream_take(s, line);
        g_free(line);
    }
    if (s->eof && !s->closed && !hmp_busy(s->hmp) &&
        !hmp_writer_pending(s->writer)) {
        s->closed = true;
    }
    s->serving = false;
    hmp_stream_update(s);
    if (s->closed && s->closed_fn) {
        HmpClosedFunc *closed = s->closed_fn;

        s->closed_fn = NULL;
        closed(s->closed_opaque);
    }
}

static void hmp_stream_write(void *opaque, const char *text, size_t len_bytes)
{
    HmpStream *s = opaque;

    hmp_writer_write(s->writer, text, len_bytes);
}

static void hmp_stream_ready(void *opaque)
{
    HmpStream *s = opaque;

    hmp_writer_write(s->writer, HMP_PROMPT, strlen(HMP_PROMPT));
    hmp_stream_serve(s);
}

static void hmp_stream_drained(void *opaque)
{
    hmp_stream_serve(opaque);
}

static const HmpFrontend hmp_stream_front = {
    .write = hmp_stream_write,
    .ready = hmp_stream_ready,
};

HmpStream *hmp_stream_new(int in_fd, int out_fd, const HmpHost *host,
                          HmpClosedFunc *closed, void *opaque)
{
    HmpStream *s = g_new0(HmpStream, 1);

    s->in_fd = in_fd;
    s->host = host;
    s->closed_fn = closed;
    s->closed_opaque = opaque;
    s->in = g_string_new(NULL);
    s->writer = hmp_writer_new(out_fd, main_loop_context(host->loop),
                               hmp_stream_drained, s);
    s->hmp = hmp_new(host, &hmp_stream_front, s);
    hmp_greet(s->hmp);
    return s;
}

void hmp_stream_free(HmpStream *s)
{
    if (s) {
        hmp_stream_unwatch(s);
        hmp_free(s->hmp);
        hmp_writer_free(s->writer);
        g_string_free(s->in, true);
        g_free(s);
    }
}

void hmp_stream_flush(HmpStream *s, int timeout_ms)
{
    hmp_writer_flush(s->writer, timeout_ms);
}
