/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What matters of channels that stand on another channel, such as TLS: they read
 * ahead of their user, and have words for the end of a stream.  All kinds can be
 * asked.
 *
 * Threads: as io/channel.h.  No locks.
 */
#ifndef IO_CHANNEL_LAYERED_H
#define IO_CHANNEL_LAYERED_H

#include <stdbool.h>

typedef struct QIOChannel QIOChannel;

/**
 * qio_channel_has_pending:
 * @ioc: a channel
 *
 * For those who poll the descriptor themselves; watches take care of it.
 * Context: the reading thread.
 * Returns: whether a read has bytes at once of which the descriptor knows
 *          nothing any more
 */
bool qio_channel_has_pending(QIOChannel *ioc);

/**
 * qio_channel_below:
 * @ioc: a channel
 *
 * Returns: the channel that carries its bytes; @ioc itself if that is no other;
 *          not the caller's
 */
QIOChannel *qio_channel_below(QIOChannel *ioc);

/**
 * qio_channel_say_end:
 * @ioc: a channel to which all was written
 * @timeout_ms: how long to wait at most for room
 *
 * Tells the peer that nothing more comes, where the kind has words for that: who
 * got them knows that the stream was not cut short.  They are said once.
 * Context: the writing thread, or when that writes no more.
 * Returns: false when they could not be sent; nothing is to be done about it
 */
bool qio_channel_say_end(QIOChannel *ioc, int timeout_ms);

#endif
