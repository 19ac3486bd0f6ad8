/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the software DSA device sees the process's memory: which pages are there,
 * and which addresses it may touch at all.  For util/dsa-soft*.c.
 *
 * Threads: a DsaSoftPagemap is for all, a DsaSoftMemory for one at a time.
 */
#ifndef UTIL_DSA_SOFT_MEMORY_H
#define UTIL_DSA_SOFT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qapi/error.h"

/* Pages that one look at the page tables covers. */
#define DSA_SOFT_WINDOW_PAGES 512

/* The process's page tables; set once. */
typedef struct DsaSoftPagemap {
    int fd;
    bool scan;                  /* the kernel has PAGEMAP_SCAN */
    uint64_t page_size;         /* bytes */
} DsaSoftPagemap;

/* What was found; page i is there when bit i is set. */
typedef struct DsaSoftWindow {
    uint64_t start;             /* address */
    uint64_t end;               /* address behind the last page */
    uint64_t there[DSA_SOFT_WINDOW_PAGES / 64];
} DsaSoftWindow;

typedef struct DsaSoftMemory {
    const DsaSoftPagemap *pagemap;
    DsaSoftWindow read, write;
    uint64_t record_page;       /* known to be writable; 1: none */
    uint64_t nr_resolved;       /* faults waited for since the start */
} DsaSoftMemory;

/**
 * dsa_soft_pagemap_open:
 * @pagemap: to be filled in, and closed with dsa_soft_pagemap_close()
 * @errp: where to put the reason, or NULL
 *
 * Finds out how to ask the kernel.
 * Returns: false when it cannot be asked
 */
bool dsa_soft_pagemap_open(DsaSoftPagemap *pagemap, Error **errp);

/**
 * dsa_soft_pagemap_close:
 * @pagemap: from dsa_soft_pagemap_open()
 */
void dsa_soft_pagemap_close(DsaSoftPagemap *pagemap);

/**
 * dsa_soft_memory_start:
 * @memory: to be used for one submission
 * @pagemap: outlives it
 *
 * Forgets what was found for another submission.
 */
void dsa_soft_memory_start(DsaSoftMemory *memory,
                           const DsaSoftPagemap *pagemap);

/**
 * dsa_soft_memory_look:
 * @memory: of the submission
 * @addr: any address
 * @len: bytes
 *
 * Asks for the pages of a range at once, to be read later on.
 */
void dsa_soft_memory_look(DsaSoftMemory *memory, uint64_t addr, uint64_t len);

/**
 * dsa_soft_memory_there:
 * @memory: of the submission
 * @addr: any address
 * @len: bytes, at least 1
 * @write: it is to be written
 *
 * Returns: how many bytes from @addr on may be accessed without a page fault,
 *          at most @len; 0: the page of @addr is not there
 */
uint64_t dsa_soft_memory_there(DsaSoftMemory *memory, uint64_t addr,
                               uint64_t len, bool write);

/**
 * dsa_soft_memory_resolve:
 * @memory: of the submission
 * @addr: any address
 * @write: it is to be written
 *
 * Has the kernel bring the page in.
 * Returns: false when the kernel refuses
 */
bool dsa_soft_memory_resolve(DsaSoftMemory *memory, uint64_t addr, bool write);

/**
 * dsa_soft_memory_wait:
 * @memory: of the submission
 * @addr: any address
 * @len: bytes
 *
 * Has the kernel bring in what is to be read, as far as it can.
 * Returns: how many bytes from @addr on may be read, at most @len
 */
uint64_t dsa_soft_memory_wait(DsaSoftMemory *memory, uint64_t addr,
                              uint64_t len);

/**
 * dsa_soft_memory_record:
 * @memory: of the submission
 * @addr: of a completion record, aligned
 *
 * Returns: where to write, or NULL when the kernel refuses the page
 */
void *dsa_soft_memory_record(DsaSoftMemory *memory, uint64_t addr);

/**
 * dsa_soft_memory_copy_in:
 * @buf: receives the bytes
 * @addr: any address
 * @len: bytes
 *
 * Reads as the kernel does when it is handed a pointer.
 * Returns: false when it cannot be read
 */
bool dsa_soft_memory_copy_in(void *buf, const void *addr, size_t len);

#endif /* UTIL_DSA_SOFT_MEMORY_H */
