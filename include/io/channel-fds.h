/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that a peer sends along with its bytes.  Only unix sockets carry
 * them; a plain qio_channel_read() drops what comes.
 *
 * Threads: as io/channel.h.  This header owns no locks.
 */
#ifndef IO_CHANNEL_FDS_H
#define IO_CHANNEL_FDS_H

#include <sys/types.h>
#include <sys/uio.h>
#include <glib.h>

typedef struct Error Error;
typedef struct QIOChannel QIOChannel;

/**
 * qio_channel_readv_fds:
 * @ioc: a channel
 * @iov: where to put the bytes
 * @niov: entries of @iov, 1 to IOV_MAX
 * @fds: an array of int; descriptors that came with these bytes are appended
 *       in their order, close-on-exec, the caller's to close.  Nothing is
 *       appended on failure
 * @errp: where to put the reason of -1, or NULL
 *
 * qio_channel_readv() that keeps descriptors; one call returns those of one
 * message.  That this process has no room for one of them is a failure: which
 * of them got lost nobody could tell.
 * Context: one reading thread at a time.
 * Returns: as qio_channel_readv()
 */
ssize_t qio_channel_readv_fds(QIOChannel *ioc, const struct iovec *iov,
                              size_t niov, GArray *fds, Error **errp);

#endif
