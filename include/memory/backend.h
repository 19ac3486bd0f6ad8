/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory backends: where guest memory comes from.  One per `-object
 * memory-backend-ram|memfd|file`.
 *
 * Threads: created in the main thread; afterwards constant.  The reference
 * count is atomic.  This header owns no locks.
 */
#ifndef MEMORY_BACKEND_H
#define MEMORY_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include "qapi/qapi-types-qom.h"

typedef struct Error Error;

typedef struct HostMemoryBackend {
    char *id;
    ObjectType type;
    uint8_t *host;      /* start of the mapping */
    uint64_t size;      /* bytes */
    size_t page_size;   /* of the backing memory, bytes */
    int fd;             /* the memfd or file, -1 for anonymous memory */
    uint64_t fd_offset; /* where in @fd the mapping starts, bytes */
    bool share;         /* MAP_SHARED */
    bool hugetlb;       /* backed by hugetlbfs */
    gint refcount;
} HostMemoryBackend;

/**
 * host_memory_backend_new:
 * @options: what -object or object-add said; only read
 * @errp: where to put the reason, or NULL
 *
 * Opens or creates the file, maps the memory, populates it when prealloc is
 * on.  A file that is new or empty gets the size, as stock QEMU does it; one
 * with content may be longer than the size (the rest stays as it is), but not
 * shorter.  A size that is no multiple of the backing page is refused.  A
 * mem-path that is a directory means a nameless file in it.
 *
 * As with stock QEMU the kernel is asked for transparent huge pages
 * (MADV_HUGEPAGE), and not to copy the mapping in a fork (MADV_DONTFORK).  On a
 * host that gives them the first write to private anonymous memory may make
 * 2 MiB of it resident; its other pages then read as zero, but are data to a
 * hole map.
 * Returns: a backend with one reference, or NULL
 */
HostMemoryBackend *host_memory_backend_new(const ObjectOptions *options,
                                           Error **errp);

/**
 * host_memory_backend_ref:
 * @backend: a backend
 *
 * Context: any thread.
 * Returns: @backend
 */
HostMemoryBackend *host_memory_backend_ref(HostMemoryBackend *backend);

/**
 * host_memory_backend_unref:
 * @backend: a backend, or NULL
 *
 * Drops a reference; the last one unmaps and closes.
 * Context: any thread.
 */
void host_memory_backend_unref(HostMemoryBackend *backend);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostMemoryBackend, host_memory_backend_unref)

#endif
