/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pipes whose waits have a second way out, which shutdown(2) is for sockets
 * only: what the channel over a pipe and the one over a program have in common.
 * For those two alone.
 *
 * Threads: as io/channel.h.  This header owns no locks.
 */
#ifndef IO_CHANNEL_PIPE_INTERNAL_H
#define IO_CHANNEL_PIPE_INTERNAL_H

#include "channel-internal.h"

/* Either end may be missing: -1.  Members without a comment are set once. */
typedef struct QIOChannelPipe {
    QIOChannel parent;

    int in_fd;                  /* non-blocking, both */
    int out_fd;                 /* the writing thread's, which may close it */
    int wake_in_fd;             /* readable once reading was shut */
    int wake_out_fd;            /* readable once writing was shut */
    bool non_blocking;          /* set before a second thread comes */

    /* atomics */
    bool shut_read;
    bool shut_write;
} QIOChannelPipe;

/**
 * channel_pipe_init:
 * @pipe: the first member of a kind's own struct
 * @ops: static table of the kind
 * @in_fd: where to read, or -1; the channel's on success only, as @out_fd
 * @out_fd: where to write, or -1; another than @in_fd
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread, before the channel is shared.
 * Returns: false when there are no descriptors left
 */
bool channel_pipe_init(QIOChannelPipe *pipe, const QIOChannelOps *ops,
                       int in_fd, int out_fd, Error **errp);

/**
 * channel_pipe_readv:
 * @pipe: a pipe
 * @iov: where to put the bytes
 * @niov: entries of @iov
 *
 * Context: one reading thread at a time.
 * Returns: bytes read; 0 at the end, or when reading was shut; -EAGAIN when
 *          non-blocking and nothing is there; another -errno
 */
ssize_t channel_pipe_readv(QIOChannelPipe *pipe, const struct iovec *iov,
                           size_t niov);

/**
 * channel_pipe_writev:
 * @pipe: a pipe
 * @iov: what to write
 * @niov: entries of @iov
 *
 * Raises no SIGPIPE.
 * Context: one writing thread at a time.
 * Returns: bytes written; -ESHUTDOWN when writing was shut; -EPIPE when nobody
 *          reads; -EAGAIN when non-blocking and full; another -errno
 */
ssize_t channel_pipe_writev(QIOChannelPipe *pipe, const struct iovec *iov,
                            size_t niov);

/**
 * channel_pipe_shutdown:
 * @ioc: the channel
 * @how: which direction ends
 *
 * For QIOChannelOps.
 * Context: any thread; does not block.
 */
void channel_pipe_shutdown(QIOChannel *ioc, QIOChannelShutdown how);

/**
 * channel_pipe_close:
 * @pipe: a pipe
 *
 * Closes its descriptors.
 * Context: when nobody uses it any more.
 */
void channel_pipe_close(QIOChannelPipe *pipe);

/**
 * channel_pipe_get_fd:
 * @ioc: the channel
 *
 * For QIOChannelOps.
 * Returns: where it reads, or else where it writes
 */
int channel_pipe_get_fd(QIOChannel *ioc);

/**
 * channel_pipe_get_write_fd:
 * @ioc: the channel
 *
 * For QIOChannelOps.
 * Returns: where it writes, or else where it reads
 */
int channel_pipe_get_write_fd(QIOChannel *ioc);

/**
 * channel_pipe_set_blocking:
 * @ioc: the channel
 * @blocking: whether its reads and writes wait
 * @errp: unused
 *
 * For QIOChannelOps.
 * Returns: true
 */
bool channel_pipe_set_blocking(QIOChannel *ioc, bool blocking, Error **errp);

#endif
