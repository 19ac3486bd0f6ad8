/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over dirty pages: which run of pages is next in this round, by words
 * of the bitmap.  A walker takes the guest's memory in chunks; for each chunk it
 * clears the dirty log first, then asks for holes, and only then lets the
 * caller read, so that no write falls between the cracks.
 *
 * Holes are told apart in the first lap over RAM.  What is dirty after that was
 * written, unless there is much of it in one place.
 *
 * Threads: the migration thread only; ram_walker_dirty_pages() from any.
 * This header owns no locks.
 */
#ifndef MIGRATION_RAM_WALKER_H
#define MIGRATION_RAM_WALKER_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "memory/dirty.h"
#include "memory/ram.h"
#include "migration/base/pause-point.h"
#include "migration/ram/page-sink.h"

typedef struct RamWalker RamWalker;

/*
 * A run that is to be sent now, of one kind: at most PAGE_SINK_RUN_MAX pages, or
 * PAGE_SINK_HOLE_RUN_MAX holes.
 */
typedef struct PageRun {
    RAMBlock *block;
    uint64_t first_page;
    uint64_t nr_pages;
    PageRunKind kind;
} PageRun;

typedef enum RamWalkerNext {
    RAM_WALKER_RUN,     /* there is a run */
    RAM_WALKER_WRAPPED, /* all blocks are walked; the next call starts over */
    RAM_WALKER_ERROR,
} RamWalkerNext;

/**
 * ram_walker_new:
 * @list: the blocks; outlives the walker
 * @dirty: where writes are logged; outlives the walker; its tracking runs
 * @pause_points: hooks of a test, or NULL
 *
 * Returns: a walker for which every page is dirty
 */
RamWalker *ram_walker_new(RamList *list, DirtyProvider *dirty,
                          const PausePoints *pause_points);

/**
 * ram_walker_free:
 * @walker: a walker, or NULL
 */
void ram_walker_free(RamWalker *walker);

/**
 * ram_walker_sync:
 * @walker: a walker
 * @nr_new: where to put how many pages became dirty; untouched on failure
 * @errp: where to put the reason, or NULL
 *
 * Takes over the pages that were written since their log was cleared.  Begins a
 * round.
 */
bool ram_walker_sync(RamWalker *walker, uint64_t *nr_new, Error **errp);

/**
 * ram_walker_next:
 * @walker: a walker
 * @run: where to put the run; filled with RAM_WALKER_RUN only
 * @errp: where to put the reason, or NULL
 *
 * Takes the next run of dirty pages; they are clean for the walker from then on.
 */
RamWalkerNext ram_walker_next(RamWalker *walker, PageRun *run, Error **errp);

/**
 * ram_walker_dirty_pages:
 * @walker: a walker
 *
 * Context: any thread.
 * Returns: how many dirty pages were not taken yet
 */
uint64_t ram_walker_dirty_pages(const RamWalker *walker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RamWalker, ram_walker_free)

#endif
