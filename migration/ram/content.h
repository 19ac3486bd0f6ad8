/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content of normal pages that come on the main channel: from the stream to
 * their place in guest memory, as many as have been read already.
 *
 * Threads: the load thread only.  This header owns no locks.
 */
#ifndef MIGRATION_RAM_CONTENT_H
#define MIGRATION_RAM_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include "migration/ram/received.h"
#include "migration/stream/stream.h"

/* What was found out of the block of the page before; begins as all zero. */
typedef struct RamContent {
    const ReceivedBlock *rb;
    bool takes_writes;          /* its file does */
} RamContent;

/**
 * ram_content_get:
 * @rc: the caller's, the same for all pages of a stream
 * @in: a stream behind the header of a page record
 * @rb: the block it names
 * @page: the target page it is for, inside the block
 * @errp: where to put the reason, or NULL
 *
 * Puts the page's content to its place, and takes the records of the pages after
 * it along that lie in the stream's buffer with all of their content.
 * Returns: false when the stream ends before the page does, or the host has no
 *          room for it
 */
bool ram_content_get(RamContent *rc, MigStreamIn *in, ReceivedBlock *rb,
                     uint64_t page, Error **errp);

#endif
