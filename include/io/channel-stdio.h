/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel over two descriptors that others may have, too: standard input and
 * output, which can be pipes, files, terminals, or sockets.
 *
 * Such descriptors are left as they are, blocking or not; reads and writes of
 * the channel never wait all the same.  They are for a main loop, not for
 * qio_channel_read_all() and its kin.
 */
#ifndef IO_CHANNEL_STDIO_H
#define IO_CHANNEL_STDIO_H

#include "io/channel.h"

/**
 * qio_channel_stdio_new:
 * @in_fd: where to read; the caller's, outlives the channel
 * @out_fd: where to write; likewise, may be the same
 *
 * Context: any thread.
 * Returns: the channel, to be freed with qio_channel_unref()
 */
QIOChannel *qio_channel_stdio_new(int in_fd, int out_fd);

#endif
