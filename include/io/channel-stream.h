/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A conversation over a channel in a main loop that never waits for the peer:
 * input is handed out as it comes or line by line, output queues up when the
 * peer does not take it, and while too much of it waits no further input is
 * read.  What a monitor or a test protocol makes of it is not its business.
 *
 * Threads: that of the loop.  No locks.
 */
#ifndef IO_CHANNEL_STREAM_H
#define IO_CHANNEL_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "io/channel.h"

typedef struct QIOStream QIOStream;

/* What a stream is made with.  No callback may free the stream. */
typedef struct QIOStreamHost {
    GMainContext *context;
    /* Output that waits: above this no input is handed out. */
    size_t pause_bytes;
    /* The longest line, without its end; 0: input is handed out as it comes. */
    size_t line_max_bytes;
    /*
     * Writing that fails loses text and does not end the conversation.
     */
    bool lossy;
    /* Descriptors that come along are kept for qio_stream_take_fd(). */
    bool takes_fds;
    /*
     * A line without its end, NULL for one that was too long and is dropped.
     * Without lines: all that has come, which may be nothing, also each time
     * when output has got away; it is for the callee to stop at
     * qio_stream_is_paused() then.
     */
    void (*input)(const char *data, size_t len_bytes, void *opaque);
    /* All output that had to wait has got away; or NULL. */
    void (*drained)(void *opaque);
    /* Called once, when the peer is gone or was given up; or NULL. */
    void (*closed)(void *opaque);
    void *opaque;
} QIOStreamHost;

/**
 * qio_stream_new:
 * @ioc: a channel with a descriptor; its reference is taken, on failure too
 * @host: how to use it; copied
 * @errp: receives the reason on failure, or NULL
 *
 * Begins to read from the loop.  What is there already is read then, not now.
 *
 * Context: the loop's thread.
 * Returns: the stream, to be freed with qio_stream_free(); NULL when the
 * channel cannot be made non-blocking.
 */
QIOStream *qio_stream_new(QIOChannel *ioc, const QIOStreamHost *host,
                          Error **errp);

/**
 * qio_stream_free:
 * @s: a stream, or NULL
 *
 * Drops what was not sent, without calling QIOStreamHost::closed.
 *
 * Context: the loop's thread, not from inside a callback.
 */
void qio_stream_free(QIOStream *s);

/**
 * qio_stream_close:
 * @s: a stream
 *
 * Ends the conversation and calls QIOStreamHost::closed, once.
 *
 * Context: the loop's thread, callbacks too.
 */
void qio_stream_close(QIOStream *s);

/**
 * qio_stream_write:
 * @s: a stream
 * @data: bytes, copied
 * @len_bytes: how many
 *
 * Sends now what the peer takes now, and the rest from the loop.  What is
 * written when the stream is closed is lost.
 *
 * Context: the loop's thread, callbacks too.
 */
void qio_stream_write(QIOStream *s, const void *data, size_t len_bytes);

/**
 * qio_stream_write_line:
 * @s: a stream
 * @line: text without a line end
 * @end: the line end
 *
 * As qio_stream_write(), with both at once.
 *
 * Context: the loop's thread, callbacks too.
 */
void qio_stream_write_line(QIOStream *s, const char *line, const char *end);

/**
 * qio_stream_hold:
 * @s: a stream
 * @held: whether input is to be held back
 *
 * While it is, nothing is read and no input handed out.  That the peer has gone
 * altogether is noticed all the same, and ends the conversation.
 *
 * Context: the loop's thread, callbacks too.
 */
void qio_stream_hold(QIOStream *s, bool held);

/**
 * qio_stream_is_paused:
 * @s: a stream
 *
 * Context: the loop's thread.
 * Returns: whether no more input is to be dealt with now: too much output
 * waits, or the stream is held or closed.
 */
bool qio_stream_is_paused(const QIOStream *s);

/**
 * qio_stream_take_fd:
 * @s: a stream with QIOStreamHost::takes_fds
 *
 * Those of one message are handed out in their order.  What nobody has taken is
 * closed when a message brings others: it would be mistaken for those.
 *
 * Context: the loop's thread, callbacks too.
 * Returns: a descriptor that has come, the caller's to close; -1 if there is
 * none.
 */
int qio_stream_take_fd(QIOStream *s);

/**
 * qio_stream_pending:
 * @s: a stream
 *
 * Context: the loop's thread.
 * Returns: bytes of output that wait.
 */
size_t qio_stream_pending(const QIOStream *s);

/**
 * qio_stream_flush:
 * @s: a stream
 * @timeout_ms: how long to wait for a peer that does not read; 0 tries
 *
 * Sends what waits.
 *
 * Context: the loop's thread, not from inside a callback.
 * Returns: true when nothing is left.
 */
bool qio_stream_flush(QIOStream *s, int timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QIOStream, qio_stream_free)

#endif
