/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes through a stream socket without a copy in between: memory goes by
 * reference into a pipe and from there into the socket; what arrives goes
 * through a pipe into a file.
 *
 * A pipe is only ever filled by the function that empties it again before it
 * returns, so nothing is left over for the next call.  Whatever goes wrong
 * closes the pipe, and all that follows takes the plain way: sendmsg(2) and
 * recvmsg(2) then say what is wrong with the socket, if anything is.
 *
 * Threads: a pipe belongs to one thread at a time, the socket's writer or its
 * reader.  A wait in the middle of a transfer is one for the socket, and ends
 * when that is shut down.  This header owns no locks.
 */
#ifndef IO_CHANNEL_SOCKET_SPLICE_H
#define IO_CHANNEL_SOCKET_SPLICE_H

#include <sys/types.h>
#include <sys/uio.h>
#include <stdbool.h>
#include <stddef.h>
#include "io/channel.h"

typedef struct SplicePipe {
    int fd[2];              /* reading and writing end, -1: not open */
    size_t len_bytes;       /* what fits in, at one page of memory a slot */
    bool refused;           /* once and for all */
    bool used;              /* something has gone through it */
} SplicePipe;

/**
 * splice_pipe_init:
 * @p: where to put a pipe that is not open yet
 */
void splice_pipe_init(SplicePipe *p);

/**
 * splice_pipe_open:
 * @p: a pipe
 *
 * Makes it at its first use.
 * Returns: false when it cannot be used: there are no descriptors left, the
 *          user has too much memory in pipes, or it failed before
 */
bool splice_pipe_open(SplicePipe *p);

/**
 * splice_pipe_refuse:
 * @p: a pipe
 *
 * Closes it, with what is in it, and for good.
 */
void splice_pipe_refuse(SplicePipe *p);

/**
 * splice_pipe_pays:
 * @iov: what is to be sent
 * @niov: entries of @iov
 *
 * A few pages are copied faster than a pipe is filled and emptied.
 * Returns: whether sending it by reference is cheaper
 */
bool splice_pipe_pays(const struct iovec *iov, size_t niov);

/**
 * splice_pipe_send:
 * @p: an open, empty pipe
 * @fd: a blocking stream socket
 * @iov: what to send, by reference
 * @niov: entries of @iov, 1 to IOV_MAX
 *
 * Sends as much as fits into the pipe.  A peer that has gone raises no SIGPIPE.
 *
 * What goes by reference is read when the peer reads it, so newer content may
 * travel than was there when it was sent.  For guest memory that does no harm:
 * the dirty log of a page is cleared before it is sent, so a later write has it
 * sent again behind a sync point; the last pages are sent with the guest
 * stopped; before it runs on at the source the destination's end is waited for,
 * by the return path or qio_channel_wait_stable(); and a destination of a
 * migration that failed throws all away.  A constant page of zeroes is as good.
 * Memory that is unmapped stays until the kernel needs it no more, and a page
 * that is copied on write, swapped or given up leaves its older content with
 * the pipe.
 * Returns: bytes that the socket took; when they are fewer than those that were
 *          to go, none perhaps, @p is refused: the rest takes the plain way
 */
size_t splice_pipe_send(SplicePipe *p, int fd, const struct iovec *iov,
                        size_t niov);

/**
 * splice_pipe_fill:
 * @p: an open, empty pipe
 * @fd: a blocking stream socket
 * @len_bytes: how much is wanted, above 0
 *
 * Has the pipe take what the socket has, waiting for the first of it.
 * Returns: bytes in the pipe, for splice_pipe_store(); 0 at end of stream; -1
 *          when it cannot be done: @p is refused, nothing was read
 */
ssize_t splice_pipe_fill(SplicePipe *p, int fd, size_t len_bytes);

/**
 * splice_pipe_store:
 * @p: a pipe that splice_pipe_fill() has filled
 * @to: where its content goes, of @len_bytes
 * @len_bytes: what that returned
 *
 * Empties the pipe into the file; what the file does not take for another
 * reason than a lack of room goes to the mapping.
 * Returns: 0 when all has its place, else a negative errno, and @p is refused
 */
int splice_pipe_store(SplicePipe *p, const QIOChannelFileRange *to,
                      size_t len_bytes);

#endif
