/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content for pages that a backend's file does not have yet, written to the file:
 * that saves the page fault, the clearing and the entry in a page table that may
 * never be wanted.
 *
 * Threads: any; nothing is kept.  This header owns no locks.
 */
#ifndef MEMORY_BACKEND_WRITE_H
#define MEMORY_BACKEND_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "memory/backend.h"

/**
 * host_memory_backend_takes_writes:
 * @backend: a backend, or NULL for memory that has none
 *
 * Takes some system calls, so it is not to be asked for each page.
 * Context: any thread.
 * Returns: whether writing to the file is as good as writing to the mapping:
 *          it is shared and on a tmpfs, as a memfd is.  On a disk's file
 *          system it is dearer, on a remote one it may not be the same.  A
 *          seal or a limit that spares mappings, or an end of the file before
 *          that of the mapping, stands against it, too.
 */
bool host_memory_backend_takes_writes(const HostMemoryBackend *backend);

/**
 * host_memory_backend_write:
 * @backend: one that takes writes
 * @offset_bytes: where the content belongs in its mapping
 * @iov: the content
 * @niov: entries of @iov, at most IOV_MAX
 * @errp: where to put the reason, or NULL
 *
 * What the file does not take, for whatever reason but one, goes to the mapping.
 * Context: any thread.
 * Returns: false when there is no room for it, which would be a signal for who
 *          touches the mapping
 */
bool host_memory_backend_write(const HostMemoryBackend *backend,
                               uint64_t offset_bytes, const struct iovec *iov,
                               unsigned niov, Error **errp);

/**
 * host_memory_backend_make_room:
 * @backend: a backend, or NULL for memory that has none
 * @offset_bytes: where in its mapping
 * @len_bytes: how much will be written from there on, above zero
 * @errp: where to put the reason, or NULL
 *
 * To be called before the mapping of a file is written where a page may be
 * missing.  Before Linux 5.14 there is no way to find out, and it does nothing.
 * Context: any thread.
 * Returns: false when there is no room
 */
bool host_memory_backend_make_room(const HostMemoryBackend *backend,
                                   uint64_t offset_bytes, uint64_t len_bytes,
                                   Error **errp);

/* From so much on one call to populate is cheaper than the page faults. */
#define HOST_MEMORY_POPULATE_MIN_BYTES (64u << 10)

/**
 * host_memory_populate:
 * @host: start of writable memory, at a page's start
 * @len_bytes: how much of it will be written
 *
 * Has all its pages made at once; content stays as it is.  For anonymous memory
 * the result may be left alone: each page then has a fault of its own.
 * Context: any thread.
 * Returns: 0; -ENOSPC when there is no room; -EINVAL from Linux before 5.14, which
 *          cannot do it; or another -errno
 */
int host_memory_populate(uint8_t *host, uint64_t len_bytes);

#endif
