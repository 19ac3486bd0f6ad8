/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session of the human monitor over a socket or a pair of pipes: line by
 * line, without echo or editing.
 *
 * Threads: the thread of the main loop.  No locks.
 */
#ifndef MONITOR_HMP_STREAM_H
#define MONITOR_HMP_STREAM_H

#include "monitor/hmp-internal.h"

typedef struct HmpStream HmpStream;

/**
 * hmp_stream_new:
 * @in_fd: where lines come from; the caller's, outlives the stream
 * @out_fd: where text goes to; the caller's, may be the same as @in_fd
 * @host: what the session works with; outlives it
 * @closed: called once, when the user has gone; must not free the stream
 * @opaque: handed to @closed
 *
 * Begins a session: greets, and serves lines from the main loop.
 *
 * Context: the loop's thread.
 * Returns: the session, to be freed with hmp_stream_free().
 */
HmpStream *hmp_stream_new(int in_fd, int out_fd, const HmpHost *host,
                          HmpClosedFunc *closed, void *opaque);

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
