/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes without waiting.  Standard output may be shared with other programs,
 * so it is not set to non-blocking: it is asked for room first, and given no
 * more than what a pipe with room takes whole.
 *
 * The loop's thread.
 */
#include "qemu/osdep.h"

#include <glib-unix.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include "monitor/hmp-writer.h"

struct HmpWriter {
    /* set once */
    int fd;
    GMainContext *context;
    HmpDrainedFunc *drained;
    void *opaque;

    GByteArray *out;
    GSource *watch;         /* or NULL */
    bool failed;            /* nobody reads any more */
};

HmpWriter *hmp_writer_new(int fd, GMainContext *context,
                          HmpDrainedFunc *drained, void *opaque)
{
    HmpWriter *w = g_new0(HmpWriter, 1);

    w->fd = fd;
    w->context = context;
    w->drained = drained;
    w->opaque = opaque;
    w->out = g_byte_array_new();
    return w;
}

static void hmp_writer_unwatch(HmpWriter *w)
{
    if (w->watch) {
        g_source_destroy(w->watch);
        g_clear_pointer(&w->watch, g_source_unref);
    }
}

void hmp_writer_free(HmpWriter *w)
{
    if (w) {
        hmp_writer_unwatch(w);
        g_byte_array_unref(w->out);
        g_free(w);
    }
}

size_t hmp_writer_pending(const HmpWriter *w)
{
    return w->out->len;
}

/* Waits up to @timeout_ms for room. */
static bool hmp_writer_has_room(HmpWriter *w, int timeout_ms)
{
    struct pollfd pfd = { .fd = w->fd, .events = POLLOUT };

    return poll(&pfd, 1, timeout_ms) > 0;
}

static ssize_t hmp_writer_some(HmpWriter *w)
{
    ssize_t n = send(w->fd, w->out->data, w->out->len,
                     MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno == ENOTSOCK) {
        n = write(w->fd, w->out->data, MIN(w->out->len, PIPE_BUF));
    }
    return n;
}

/* Writes what can be written without waiting. */
static void hmp_writer_push(HmpWriter *w)
{
    while (w->out->len && hmp_writer_has_room(w, 0)) {
        ssize_t n = hmp_writer_some(w);

        if (n > 0) {
            g_byte_array_remove_range(w->out, 0, n);
        } else if (n < 0 && errno == EAGAIN) {
            return;
        } else if (!(n < 0 && errno == EINTR)) {
            w->failed = true;
            g_byte_array_set_size(w->out, 0);
        }
    }
}

static gboolean hmp_writer_ready(gint fd, GIOCondition condition,
                                 gpointer opaque)
{
    HmpWriter *w = opaque;

    hmp_writer_push(w);
    if (w->out->len) {
        return G_SOURCE_CONTINUE;
    }
    hmp_writer_unwatch(w);
    w->drained(w->opaque);
    return G_SOURCE_REMOVE;
}

void hmp_writer_write(HmpWriter *w, const char *text, size_t len_bytes)
{
    if (w->failed) {
        return;
    }
    g_byte_array_append(w->out, (const guint8 *)text, len_bytes);
    if (w->watch) {
        return;
    }
    hmp_writer_push(w);
    if (w->out->len) {
        w->watch = g_unix_fd_source_new(w->fd, G_IO_OUT | G_IO_ERR | G_IO_HUP);
        g_source_set_callback(w->watch, G_SOURCE_FUNC(hmp_writer_ready), w,
                              NULL);
        g_source_attach(w->watch, w->context);
    }
}

void hmp_writer_flush(HmpWriter *w, int timeout_ms)
{
    gint64 deadline_us = g_get_monotonic_time() + timeout_ms * 1000LL;

    hmp_writer_push(w);
    while (w->out->len) {
        gint64 left_us = deadline_us - g_get_monotonic_time();

        if (left_us <= 0 ||
            !hmp_writer_has_room(w, (int)((left_us + 999) / 1000))) {
            return;
        }
        hmp_writer_push(w);
    }
}
