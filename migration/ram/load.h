/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RAM section coming in: block list, page records, sync points.  Section
 * headers and footers are the caller's.
 *
 * Threads: the load thread only.  This header owns no locks.
 */
#ifndef MIGRATION_RAM_LOAD_H
#define MIGRATION_RAM_LOAD_H

#include <stdbool.h>
#include <glib.h>
#include "migration/base/config.h"
#include "migration/ram/mapped-in.h"
#include "migration/ram/received.h"
#include "migration/stream/stream.h"

typedef struct RamLoad RamLoad;

/*
 * What the section asks of those who load pages from other channels.  NULL
 * members: there are no such channels.
 */
typedef struct RamLoadOps {
    /* The block list is known and checked: pages may be read from now on. */
    bool (*start)(void *opaque, Error **errp);

    /* A sync point: wait until every channel has reached its SYNC. */
    bool (*sync)(void *opaque, Error **errp);

    /*
     * Mapped RAM: the block list is known and checked, all pages are to be read.
     * NULL: the load thread reads them itself.
     */
    bool (*load_mapped)(void *opaque, MappedIn *mapped, Error **errp);
} RamLoadOps;

/**
 * ram_load_new:
 * @config: settings; outlives the result
 * @list: the blocks; outlives the result
 * @received: where pages are noted; outlives the result
 * @ops: the other channels
 * @opaque: handed to @ops
 *
 * Returns: a loader for one incoming stream
 */
RamLoad *ram_load_new(const MigrationConfig *config, RamList *list,
                      RamReceived *received, const RamLoadOps *ops,
                      void *opaque);

/**
 * ram_load_free:
 * @rl: a loader, or NULL
 */
void ram_load_free(RamLoad *rl);

/**
 * ram_load_section:
 * @rl: a loader
 * @in: the main channel, behind a section header of type START, PART or END
 * @errp: where to put the reason, or NULL
 *
 * Reads records up to and including EOS.
 * Returns: false when a record is not what it should be
 */
bool ram_load_section(RamLoad *rl, MigStreamIn *in, Error **errp);

/**
 * ram_load_mapped:
 * @mapped: RAM of which all blocks are known
 * @errp: where to put the reason, or NULL
 *
 * Reads all pages in the thread that calls.
 * Returns: false when that failed or was stopped
 */
bool ram_load_mapped(MappedIn *mapped, Error **errp);

/**
 * ram_load_finish:
 * @rl: a loader whose stream has ended
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when pages on other channels are not covered by a sync point:
 *          whether they have all arrived cannot be known
 */
bool ram_load_finish(RamLoad *rl, Error **errp);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RamLoad, ram_load_free)

#endif
