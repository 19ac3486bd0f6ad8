/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session of the human monitor over a channel: line by line, without echo or
 * editing.
 *
 * Threads: the thread of the main loop.  No locks.
 */
#ifndef MONITOR_HMP_STREAM_H
#define MONITOR_HMP_STREAM_H

#include "io/channel.h"
#include "monitor/hmp-internal.h"

typedef struct HmpStream HmpStream;

/**
 * hmp_stream_new:
 * @ioc: where lines come from and text goes to; its reference is taken, on
 *       failure too
 * @host: what the session works with; outlives it
 * @closed: called once, when the user has gone; must not free the stream.
 *          NULL: the session goes on when nobody reads what it says
 * @opaque: handed to @closed
 * @errp: receives the reason on failure, or NULL
 *
 * Begins a session: greets, and serves lines from the main loop.
 *
 * Context: the loop's thread.
 * Returns: the session, to be freed with hmp_stream_free(); NULL when the
 * channel cannot be made non-blocking.
 */
HmpStream *hmp_stream_new(QIOChannel *ioc, const HmpHost *host,
                          HmpClosedFunc *closed, void *opaque, Error **errp);

/**
 * hmp_stream_free:
 * @s: a session, or NULL
 *
 * Context: the loop's thread, not from inside a command.
 */
void hmp_stream_free(HmpStream *s);

/**
 * hmp_stream_flush:
 * @s: a session
 * @timeout_ms: how long to wait for a user that does not read; 0 tries
 *
 * Context: the loop's thread.
 */
void hmp_stream_flush(HmpStream *s, int timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HmpStream, hmp_stream_free)

#endif /* MONITOR_HMP_STREAM_H */
