/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending by reference over the network: what qio_channel_writev_stable_all()
 * may refer to stays in its place and is locked there until the peer's host
 * has acknowledged it.  Where the kernel cannot do without a copy it makes one,
 * which costs more than to copy at once; qio_channel_flush_zero_copy() tells.
 *
 * Threads: as io/channel.h.  This header owns no locks.
 */
#ifndef IO_CHANNEL_ZERO_COPY_H
#define IO_CHANNEL_ZERO_COPY_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Error Error;
typedef struct QIOChannel QIOChannel;

/* What a flush has found out. */
typedef enum QIOChannelZeroCopy {
    QIO_CHANNEL_ZERO_COPY_FAILED = -1,
    QIO_CHANNEL_ZERO_COPY_DONE,     /* or there was nothing to wait for */
    QIO_CHANNEL_ZERO_COPY_MISSED,   /* the kernel has copied everything */
} QIOChannelZeroCopy;

/**
 * qio_channel_set_zero_copy:
 * @ioc: a blocking channel
 * @max_writes: how many writes may be under way, 1 or more: each has what it
 *              refers to locked, and counts towards RLIMIT_MEMLOCK
 * @max_write_bytes: how much one of them may refer to; SIZE_MAX: anything
 * @errp: where to put the reason, or NULL
 *
 * From now on qio_channel_writev_stable_all() sends by reference.
 * Context: before the channel is shared with a second thread.
 * Returns: false when this kind of channel, or the kernel, cannot do that
 */
bool qio_channel_set_zero_copy(QIOChannel *ioc, unsigned max_writes,
                               size_t max_write_bytes, Error **errp);

/**
 * qio_channel_flush_zero_copy:
 * @ioc: a channel
 * @errp: where to put the reason, or NULL
 *
 * Waits until nothing is referred to any more: what is in the buffers may
 * change then, without what the peer gets.  Shutting down both directions ends
 * the wait.
 * Context: the writing thread.
 * Returns: what has become of what was written since the last flush
 */
QIOChannelZeroCopy qio_channel_flush_zero_copy(QIOChannel *ioc, Error **errp);

#endif
