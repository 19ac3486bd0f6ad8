/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped RAM going out: where each page belongs in the file, and which pages are
 * present there.
 *
 * A page is present when it has content.  A zero page and a hole are not, and
 * where no content was written the file has a hole, too.  A page that was
 * written and is zero now keeps its old bytes in the file, which nobody reads.
 *
 * Threads: layout and end from the migration thread; pages from it and all
 * multifdsend_N at once, each with its own FileIO: bits are atomic, and no page is
 * put by two threads between two sync points.  mapped_out_stop() from any.  This
 * header owns no locks.
 */
#ifndef MIGRATION_RAM_MAPPED_OUT_H
#define MIGRATION_RAM_MAPPED_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "io/channel.h"
#include "io/file-io.h"
#include "memory/ram.h"
#include "migration/stream/stream.h"

typedef struct MappedOut MappedOut;

/**
 * mapped_out_new:
 * @list: the blocks; outlives the result
 * @ioc: the main channel; a reference is taken
 * @errp: where to put the reason, or NULL
 *
 * Context: the migration thread.
 * Returns: RAM without a layout yet; NULL when the channel is no file
 */
MappedOut *mapped_out_new(RamList *list, QIOChannel *ioc, Error **errp);

/**
 * mapped_out_free:
 * @mo: nobody uses it any more, or NULL
 */
void mapped_out_free(MappedOut *mo);

/**
 * mapped_out_stop:
 * @mo: RAM going out, or NULL
 *
 * Ends what the migration thread writes, but not what others do.
 * Context: any thread.
 */
void mapped_out_stop(MappedOut *mo);

/**
 * mapped_out_file:
 * @mo: RAM going out
 *
 * Returns: the file for the migration thread, owned by @mo
 */
FileIO *mapped_out_file(MappedOut *mo);

/**
 * mapped_out_need_bytes:
 * @mo: RAM going out
 *
 * Returns: what a file takes at most in which no page is missing
 */
uint64_t mapped_out_need_bytes(const MappedOut *mo);

/**
 * mapped_out_put_block:
 * @mo: RAM going out
 * @s: the main stream, behind @block's entry of the block list
 * @block: a block of the list
 * @errp: where to put the reason, or NULL
 *
 * Gives the block its places, puts its header and goes on behind its pages.
 * Context: the migration thread, before the first page of the block.
 * Returns: false when the file cannot be written
 */
bool mapped_out_put_block(MappedOut *mo, MigStreamOut *s,
                          const RAMBlock *block, Error **errp);

/**
 * mapped_out_content:
 * @mo: RAM going out
 * @io: the file, of the thread that calls
 * @block: a block with its places
 * @first_page: first of the pages that are present
 * @nr_pages: how many
 * @errp: where to put the reason, or NULL
 *
 * Writes pages with one request.  It may be under way until @io is flushed.
 * Context: any sending thread.
 * Returns: false when the file cannot be written
 */
bool mapped_out_content(MappedOut *mo, FileIO *io, const RAMBlock *block,
                        uint64_t first_page, uint64_t nr_pages, Error **errp);

/**
 * mapped_out_zero:
 * @mo: RAM going out
 * @block: a block with its places
 * @first_page: first of the pages that are zero
 * @nr_pages: how many
 *
 * Context: any sending thread.
 */
void mapped_out_zero(MappedOut *mo, const RAMBlock *block, uint64_t first_page,
                     uint64_t nr_pages);

/**
 * mapped_out_hole_as_content:
 * @mo: RAM going out
 * @io: the file, of the thread that calls
 * @block: a block with its places
 * @first_page: first of the holes
 * @nr_pages: how many
 * @errp: where to put the reason, or NULL
 *
 * Makes holes of memory present pages: those of the file are good for that as
 * long as nothing was written there.
 * Context: any sending thread.
 * Returns: false when the file cannot be written
 */
bool mapped_out_hole_as_content(MappedOut *mo, FileIO *io,
                                const RAMBlock *block, uint64_t first_page,
                                uint64_t nr_pages, Error **errp);

/**
 * mapped_out_finish:
 * @mo: RAM of which all pages are written
 * @errp: where to put the reason, or NULL
 *
 * Writes the bitmaps.
 * Context: the migration thread, after the last sync point.
 * Returns: false when the file cannot be written
 */
bool mapped_out_finish(MappedOut *mo, Error **errp);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MappedOut, mapped_out_free)

#endif
