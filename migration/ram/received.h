/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has arrived at the destination, and what it may assume of memory that
 * nothing has arrived for.
 *
 * Two bits a page.  `received`: some record named the page.  `dirty`: the page
 * may hold something other than zeroes, because it was populated when the
 * incoming side started or because a normal page was written to it since.  A
 * zero page on a page that is not `dirty` needs no work: not a read, not a
 * write, not a fault.  On a `dirty` one it is cleared.
 *
 * Threads: note and zero calls from the load thread and all multifdrecv_N at
 * once; the bits are atomic.  Two channels never carry the same page between
 * two sync points.  This header owns no locks.
 */
#ifndef MIGRATION_RAM_RECEIVED_H
#define MIGRATION_RAM_RECEIVED_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "memory/ram.h"

typedef struct RamReceived RamReceived;

typedef struct ReceivedBlock {
    RAMBlock *block;
    unsigned long *received;    /* atomic, one bit a target page */
    unsigned long *dirty;       /* atomic, one bit a target page */
} ReceivedBlock;

/**
 * ram_received_new:
 * @list: the blocks; outlives the result
 *
 * Cheap: until ram_received_scan() every page counts as `dirty`.
 * Context: any thread.
 * Returns: a new record of arrivals, nothing received yet
 */
RamReceived *ram_received_new(RamList *list);

/**
 * ram_received_scan:
 * @received: a record in which nothing has arrived yet
 * @errp: where to put the reason, or NULL
 *
 * Asks each block's hole map which pages were never populated.  Takes time in
 * proportion to populated memory, so it is not for the main thread.
 * Context: before the first page is received.
 * Returns: false when the kernel could not be asked
 */
bool ram_received_scan(RamReceived *received, Error **errp);

/**
 * ram_received_free:
 * @received: a record nobody uses any more, or NULL
 */
void ram_received_free(RamReceived *received);

/**
 * ram_received_find:
 * @received: a record
 * @idstr: name of a block, NUL-terminated
 *
 * Context: any thread.
 * Returns: the block's part, owned by @received; NULL for an unknown name
 */
ReceivedBlock *ram_received_find(RamReceived *received, const char *idstr);

/**
 * received_block_normal:
 * @rb: a block's part
 * @first_page: first target page that arrived with its content
 * @nr_pages: how many
 *
 * To be called before the content is written, so that a later zero page
 * clears it even if the content arrived only in part.
 * Context: any receiving thread.
 */
void received_block_normal(ReceivedBlock *rb, uint64_t first_page,
                           uint64_t nr_pages);

/**
 * received_block_zero:
 * @rb: a block's part
 * @first_page: first target page that arrived as zero
 * @nr_pages: how many
 *
 * Makes the pages read as zero, touching only those that may not.
 * Context: any receiving thread.
 */
void received_block_zero(ReceivedBlock *rb, uint64_t first_page,
                         uint64_t nr_pages);

/**
 * ram_received_missing:
 * @received: a record
 * @first_block: where to put the first block with a missing page; untouched if
 *               there is none
 * @first_page: where to put that page's number; untouched if there is none
 *
 * Context: after the last sync point.
 * Returns: how many pages of all blocks no record named
 */
uint64_t ram_received_missing(RamReceived *received, RAMBlock **first_block,
                              uint64_t *first_page);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RamReceived, ram_received_free)

#endif
