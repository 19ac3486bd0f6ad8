/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes to a socket with MSG_ZEROCOPY, and the notifications by which the
 * kernel tells that it refers to their buffers no more.
 *
 * Threads: the writer's.  No locks.
 */
#ifndef IO_CHANNEL_SOCKET_ZERO_COPY_H
#define IO_CHANNEL_SOCKET_ZERO_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef struct SocketZeroCopy {
    unsigned max_writes;        /* 0: everything is copied */
    size_t max_write_bytes;
    uint64_t nr_writes;
    uint64_t nr_done;           /* of them, the kernel has let go of */
    uint64_t nr_flushed;        /* nr_writes at the last flush */
    bool by_reference;          /* of those done since then, one at least was */
} SocketZeroCopy;

/**
 * socket_zero_copy_enable:
 * @zc: zeroed
 * @fd: the socket
 * @max_writes: as qio_channel_set_zero_copy()
 * @max_write_bytes: likewise
 *
 * Returns: 0; -errno when this socket, or the kernel, knows nothing of it
 */
int socket_zero_copy_enable(SocketZeroCopy *zc, int fd, unsigned max_writes,
                            size_t max_write_bytes);

/**
 * socket_zero_copy_send:
 * @zc: enabled
 * @fd: the socket, a blocking one
 * @iov: what to send; at least a byte
 * @niov: entries of @iov, 1 to IOV_MAX
 *
 * Sends some of it by reference; waits for notifications when too much is under way.
 * Returns: bytes sent, at least one; -errno.  -ENOBUFS: it may not lock memory
 *          for this write alone
 */
ssize_t socket_zero_copy_send(SocketZeroCopy *zc, int fd,
                              const struct iovec *iov, size_t niov);

/**
 * socket_zero_copy_flush:
 * @zc: enabled or not
 * @fd: the socket
 *
 * Waits until nothing is under way.
 * Returns: 0; 1 when all since the last flush was copied, and there was
 *          something; -errno
 */
int socket_zero_copy_flush(SocketZeroCopy *zc, int fd);

#endif
