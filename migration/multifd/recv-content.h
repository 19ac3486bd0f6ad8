/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content of the normal pages of a packet: from a multifd channel to its place.
 *
 * Pages are read straight into the mapping.  A run of many that a file in shared
 * memory does not have yet goes to the file instead, by splice(2), which saves
 * the page faults, the clearing of pages that are written over at once, and
 * entries in a page table that may never be wanted.  Long runs in fresh anonymous
 * memory are populated with one call.
 *
 * Threads: multifdrecv_N, each for its own channel.
 * Locks: MultiFDRecv::file_lock, for one splice(2) into the file; nothing else is
 * taken while it is held, and nobody waits for it: the mapping is free.
 */
#ifndef MIGRATION_MULTIFD_RECV_CONTENT_H
#define MIGRATION_MULTIFD_RECV_CONTENT_H

#include <stdbool.h>
#include "migration/ram/received.h"

typedef struct MultiFDRecvChannel MultiFDRecvChannel;

/**
 * multifd_recv_run_length:
 * @rb: a block's part
 * @page: page numbers
 * @nr_pages: how many, above zero
 * @fresh: where to put whether the first may be taken to be zero
 *
 * Context: the channel's thread.
 * Returns: how many, from the first on, follow each other in the block and are as
 *          fresh as that one is
 */
unsigned multifd_recv_run_length(const ReceivedBlock *rb, const uint64_t *page,
                                 unsigned nr_pages, bool *fresh);

/**
 * multifd_recv_content:
 * @c: a channel whose packet's header has been read; its pages are in c->page,
 *     and what was read of the stream behind the header is in c->ahead
 * @rb: the block they are of
 * @nr_normal: how many of them have content, which is next in the stream
 * @errp: where to put the reason, or NULL
 *
 * Reads the content to its place, and has @rb note the pages before.  Bytes
 * behind the content stay where they are, in c->ahead or in the channel.
 * Context: the channel's thread.
 * Returns: false when the stream ends before the content does, or the host has
 *          no room for it
 */
bool multifd_recv_content(MultiFDRecvChannel *c, ReceivedBlock *rb,
                          unsigned nr_normal, Error **errp);

#endif
