/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel over one end of a pipe, or over a device of characters (a terminal,
 * a serial line), that somebody else has opened.
 *
 * Threads: as io/channel.h.  This header owns no locks.
 */
#ifndef IO_CHANNEL_PIPE_H
#define IO_CHANNEL_PIPE_H

#include "io/channel.h"

/**
 * qio_channel_pipe_new_fd:
 * @fd: a pipe, FIFO or character device; owned by the channel on success only.
 *      It is made non-blocking, for all who share it.
 * @errp: where to put the reason, or NULL
 *
 * Reads, writes or does both, as @fd does.
 * Context: any thread.
 * Returns: a new channel, or NULL when @fd is something else
 */
QIOChannel *qio_channel_pipe_new_fd(int fd, Error **errp);

#endif
