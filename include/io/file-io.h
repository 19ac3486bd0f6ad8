/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads and writes at given places of a file, for those who move much of it and
 * in no order: no position, no stream.
 *
 * What is asked for is begun at once and may still be under way on return; each
 * piece is checked when it ends, and what it lacks is asked for again.  With
 * O_DIRECT, where plain calls would wait for the disk one after the other,
 * io_uring is used if the build and the kernel have it; else plain calls, with
 * which everything has ended on return.
 *
 * Threads: one at a time, file_io_stop() from any.  No call waits for anything
 * but the disk.  This header owns no locks.
 */
#ifndef IO_FILE_IO_H
#define IO_FILE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>

typedef struct Error Error;
typedef struct FileIO FileIO;

typedef enum FileIOFlags {
    FILE_IO_DIRECT = 1,         /* the descriptor has O_DIRECT */
    FILE_IO_NO_RING = 2,        /* plain calls, even with O_DIRECT */
} FileIOFlags;

/* What addresses, lengths and offsets are multiples of, with O_DIRECT. */
#define FILE_IO_DIRECT_ALIGN 4096

/**
 * file_io_new:
 * @fd: a regular file or a block device; taken over, also on failure
 * @path: what messages call it; copied.  NULL: its path, as the kernel says
 * @flags: of FileIOFlags, or 0
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: the file; NULL when O_DIRECT asks for more than FILE_IO_DIRECT_ALIGN
 */
FileIO *file_io_new(int fd, const char *path, unsigned flags, Error **errp);

/**
 * file_io_new_dup:
 * @fd: a regular file or a block device
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: the file by a descriptor of its own; NULL when there is none left
 */
FileIO *file_io_new_dup(int fd, Error **errp);

/**
 * file_io_free:
 * @io: a file, or NULL
 *
 * Waits for what is under way, whose result is lost, and closes.
 * Context: when no other thread uses it.
 */
void file_io_free(FileIO *io);

/**
 * file_io_set_need:
 * @io: a file
 * @len_bytes: how much will be written in all, at most; 0: not known
 *
 * For the sentence that tells of a full disk.
 */
void file_io_set_need(FileIO *io, uint64_t len_bytes);

/**
 * file_io_path:
 * @io: a file
 *
 * Returns: what messages call it, owned by @io
 */
const char *file_io_path(const FileIO *io);

/**
 * file_io_has_ring:
 * @io: a file
 *
 * Returns: whether io_uring is used
 */
bool file_io_has_ring(const FileIO *io);

/**
 * file_io_size:
 * @io: a file
 * @size_bytes: where to put how long it is; untouched on failure
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when it cannot be found out
 */
bool file_io_size(FileIO *io, uint64_t *size_bytes, Error **errp);

/**
 * file_io_write:
 * @io: a file for writing
 * @buf: what to write; stays until file_io_flush() has returned
 * @len_bytes: how much
 * @offset: where to
 * @errp: where to put the reason, or NULL
 *
 * What it holds may change meanwhile: either state of it is written then.  Two
 * writes to one place need a file_io_flush() between them.
 * Returns: false when this one, or one begun before, has failed or cannot be
 *          begun: path, offset, length and reason are told
 */
bool file_io_write(FileIO *io, const void *buf, size_t len_bytes,
                   uint64_t offset, Error **errp);

/**
 * file_io_read:
 * @io: a file for reading
 * @buf: where to put what is read; the caller's again when file_io_flush() has
 *       returned true, or the file is freed
 * @len_bytes: how much
 * @offset: where from
 * @errp: where to put the reason, or NULL
 *
 * Returns: as file_io_write(); an end of the file before the end of @buf is a
 *          failure
 */
bool file_io_read(FileIO *io, void *buf, size_t len_bytes, uint64_t offset,
                  Error **errp);

/**
 * file_io_flush:
 * @io: a file
 * @errp: where to put the reason, or NULL
 *
 * Waits until all that was begun has ended.  The kernel has it then; whether the
 * disk has it, is not asked.
 * Returns: false when something has failed
 */
bool file_io_flush(FileIO *io, Error **errp);

/**
 * file_io_stop:
 * @io: a file, or NULL
 *
 * Lets all calls fail from now on; one that moves much ends soon.
 * Context: any thread.
 */
void file_io_stop(FileIO *io);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FileIO, file_io_free)

#endif
