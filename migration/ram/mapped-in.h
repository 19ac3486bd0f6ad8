/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped RAM coming in: headers and bitmaps are checked while the block list is
 * read, and then the pages are read, straight to their places in guest memory,
 * by as many threads as there are.
 *
 * Threads: the list is the load thread's.  mapped_in_load() from several at once:
 * they share out the pages among themselves.  mapped_in_stop() from any.  This
 * header owns no locks.
 */
#ifndef MIGRATION_RAM_MAPPED_IN_H
#define MIGRATION_RAM_MAPPED_IN_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "io/file-io.h"
#include "migration/ram/received.h"
#include "migration/stream/stream.h"

typedef struct MappedIn MappedIn;

typedef enum MappedInResult {
    MAPPED_IN_DONE,         /* all that this thread has taken is read */
    MAPPED_IN_STOPPED,      /* somebody has called mapped_in_stop() */
    MAPPED_IN_FAILED,
} MappedInResult;

/**
 * mapped_in_new:
 * @received: where pages are noted; outlives the result
 * @s: the main stream
 * @errp: where to put the reason, or NULL
 *
 * Returns: RAM of which nothing is known; NULL when the stream is no file
 */
MappedIn *mapped_in_new(RamReceived *received, const MigStreamIn *s,
                        Error **errp);

/**
 * mapped_in_free:
 * @mi: nobody uses it any more, or NULL
 */
void mapped_in_free(MappedIn *mi);

/**
 * mapped_in_get_block:
 * @mi: RAM coming in
 * @s: the main stream, behind @rb's entry of the block list
 * @rb: the block, which is not known to @mi yet
 * @errp: where to put the reason, or NULL
 *
 * Reads header and bitmap, and goes on behind the block's pages.
 * Context: the load thread.
 * Returns: false when a place is outside of the file or is taken by something
 *          else, a bit stands for no page, or the file cannot be read
 */
bool mapped_in_get_block(MappedIn *mi, MigStreamIn *s, ReceivedBlock *rb,
                         Error **errp);

/**
 * mapped_in_file:
 * @mi: RAM coming in
 *
 * Returns: the file, for the load thread; owned by @mi
 */
FileIO *mapped_in_file(MappedIn *mi);

/**
 * mapped_in_load:
 * @mi: RAM of which all blocks are known
 * @io: the file, for the thread that calls
 * @errp: where to put the reason of a failure, or NULL
 *
 * Reads pages that are present, and makes those zero that are not, as long as
 * there are any that no other thread has taken.  One that fails stops all.
 * Context: any thread.
 * Returns: how it went; failed means that the file or the host's memory did
 */
MappedInResult mapped_in_load(MappedIn *mi, FileIO *io, Error **errp);

/**
 * mapped_in_stop:
 * @mi: RAM coming in, or NULL
 *
 * Ends mapped_in_load() soon, in all threads.
 * Context: any thread; does not block.
 */
void mapped_in_stop(MappedIn *mi);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MappedIn, mapped_in_free)

#endif
