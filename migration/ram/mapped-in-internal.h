/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mapped-in.c (the list) and mapped-load.c (the pages) share.
 *
 * Threads: as migration/ram/mapped-in.h.
 * Locks: MappedIn::write_lock; nothing else is taken while it is held.
 */
#ifndef MIGRATION_RAM_MAPPED_IN_INTERNAL_H
#define MIGRATION_RAM_MAPPED_IN_INTERNAL_H

#include "migration/ram/mapped-in.h"
#include "qemu/thread.h"

/* What a thread takes at a time, 8 MiB: whole words of all bitmaps. */
#define MAPPED_CHUNK_PAGES 2048

typedef struct MappedInBlock {
    ReceivedBlock *rb;
    uint64_t pages_offset;
    unsigned long *present;     /* one bit a page */
    uint64_t first_chunk;       /* counted over all blocks */
} MappedInBlock;

struct MappedIn {
    /* set once */
    RamReceived *received;
    FileIO *io;
    /* the load thread's while the list is read, constant after it */
    GArray *blocks;             /* MappedInBlock */
    GArray *areas;              /* of the file, taken by something */
    uint64_t nr_chunks;
    QemuMutex write_lock;       /* of who writes to a backend's file; is tried */
    /* atomics */
    uint64_t next_chunk;
    bool stopped;
};

#endif
