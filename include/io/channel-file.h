/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel over a file, or a block device: a stream that begins somewhere in
 * it.  The channel has a position of its own, so several channels may use one
 * file.  A file is always ready: reads and writes wait for the disk at most.
 * What is not sequential (pages at their places) goes past the channel, through
 * its descriptor.
 *
 * Threads: as io/channel.h, but reading and writing move one position: a
 * channel is read or written.  This header owns no locks.
 */
#ifndef IO_CHANNEL_FILE_H
#define IO_CHANNEL_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "io/channel.h"

typedef struct FdStore FdStore;

/**
 * qio_channel_file_new_fd:
 * @fd: a regular file or a block device; owned by the channel on success only
 * @errp: where to put the reason, or NULL
 *
 * The channel begins where the descriptor is, and leaves it where the channel
 * was when it is closed: others may share it.
 * Context: any thread.
 * Returns: a new channel, or NULL when @fd is something else
 */
QIOChannel *qio_channel_file_new_fd(int fd, Error **errp);

/**
 * qio_channel_file_open_fd:
 * @path: a file or a block device, or "/dev/fdset/N"; not NULL
 * @flags: of open(2); O_CLOEXEC is added
 * @mode: of the file if it is made
 * @fds: has the descriptors of /dev/fdset/N; NULL when there are none
 * @errp: where to put the reason, or NULL
 *
 * Never waits for the other end of a pipe.
 * Context: any thread.
 * Returns: a descriptor, the caller's; -1 when it cannot be opened or is neither
 *          a file nor a block device
 */
int qio_channel_file_open_fd(const char *path, int flags, mode_t mode,
                             FdStore *fds, Error **errp);

/**
 * qio_channel_file_open:
 * @path: as for qio_channel_file_open_fd(); messages name it
 * @flags: likewise
 * @mode: likewise
 * @fds: likewise
 * @errp: where to put the reason, or NULL
 *
 * The channel begins at offset 0.
 * Context: any thread.
 * Returns: a new channel, or NULL
 */
QIOChannel *qio_channel_file_open(const char *path, int flags, mode_t mode,
                                  FdStore *fds, Error **errp);

/**
 * qio_channel_is_file:
 * @ioc: a channel
 *
 * Context: any thread.
 * Returns: whether it is of this kind, which the functions below ask for
 */
bool qio_channel_is_file(const QIOChannel *ioc);

/**
 * qio_channel_file_truncate:
 * @ioc: a file channel for writing
 * @size_bytes: the new size; a block device keeps what it has
 * @errp: where to put the reason, or NULL
 *
 * Context: the writing thread.
 * Returns: false when the size cannot be had
 */
bool qio_channel_file_truncate(QIOChannel *ioc, uint64_t size_bytes,
                               Error **errp);

/**
 * qio_channel_file_seek:
 * @ioc: a file channel
 * @offset: where in the file it goes on, bytes
 * @errp: where to put the reason, or NULL
 *
 * Context: the thread that reads or writes.
 * Returns: false when no file is that long
 */
bool qio_channel_file_seek(QIOChannel *ioc, uint64_t offset, Error **errp);

/**
 * qio_channel_file_settle:
 * @ioc: a file channel to which all was written
 * @errp: where to put the reason, or NULL
 *
 * A file system of the network says only when a file is closed that it had no
 * room; this asks it.  It is not asked to put anything on a disk.
 * Context: the writing thread.
 * Returns: false when something that was written is lost
 */
bool qio_channel_file_settle(QIOChannel *ioc, Error **errp);

/**
 * qio_channel_file_tell:
 * @ioc: a file channel
 *
 * Context: the thread that reads or writes.
 * Returns: where in the file it goes on, bytes
 */
uint64_t qio_channel_file_tell(const QIOChannel *ioc);

#endif
