/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps from options to mapped memory.  Only memory/ and its unit tests
 * include this.
 *
 * Threads: main thread; no locks, no state.
 */
#ifndef MEMORY_BACKEND_INTERNAL_H
#define MEMORY_BACKEND_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "qapi/qapi-types-qom.h"

typedef struct Error Error;

/* The options of all kinds side by side, defaults filled in. */
typedef struct BackendSpec {
    const char *id;
    ObjectType type;
    uint64_t size;          /* bytes */
    bool share;
    bool prealloc;
    bool hugetlb;           /* memfd only */
    uint64_t hugetlbsize;   /* bytes, 0 = the host's default */
    const char *mem_path;   /* file only */
} BackendSpec;

/* What backs a mapping. */
typedef struct BackendStore {
    int fd;                 /* -1: anonymous */
    size_t page_size;       /* bytes */
    bool hugetlb;
    char *created_path;     /* a file made just now; goes on a later failure */
} BackendStore;

/**
 * backend_store_open:
 * @spec: what is wanted
 * @store: filled in on success; its members are the caller's
 * @errp: where to put the reason, or NULL
 *
 * Opens or creates the descriptor and gives it the size.
 *
 * Context: main thread; may block on the file system.
 * Returns: false when the file cannot be had or has the wrong size
 */
bool backend_store_open(const BackendSpec *spec, BackendStore *store,
                        Error **errp);

/**
 * memory_prealloc:
 * @host: start of a writable mapping
 * @len_bytes: its length
 * @page_size: of the backing memory, bytes
 *
 * Populates all pages for writing; their content stays as it is.
 *
 * Context: any thread; long.
 * Returns: 0, or -errno when there is not enough memory
 */
int memory_prealloc(uint8_t *host, uint64_t len_bytes, size_t page_size);

/**
 * memory_touch_pages:
 * @host: start of a writable mapping
 * @len_bytes: its length
 * @page_size: of the backing memory, bytes
 *
 * What memory_prealloc() does on a kernel that cannot populate (before 5.14).
 *
 * Context: any thread; long.  Lack of memory in a file is a SIGBUS here.
 */
void memory_touch_pages(uint8_t *host, uint64_t len_bytes, size_t page_size);

#endif
