/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the walk over dirty pages hands its pages to.  Owned by this layer and
 * filled by those who send: the main channel (ram/sink-main.c) and the multifd
 * channels (multifd/sink.c).
 *
 * Threads: the migration thread only.  This header owns no locks.
 */
#ifndef MIGRATION_RAM_PAGE_SINK_H
#define MIGRATION_RAM_PAGE_SINK_H

#include <stdbool.h>
#include <stdint.h>
#include "memory/ram.h"

typedef struct PageSink PageSink;

/* What is known of a run of pages. */
typedef enum PageRunKind {
    /* populated: its content decides between zero and normal */
    PAGE_RUN_DATA,
    /* a hole: reads as zero and must not be touched, for reading allocates it */
    PAGE_RUN_HOLE,
    /* populated, and found to be zero already */
    PAGE_RUN_ZERO,
} PageRunKind;

typedef struct PageSinkOps {
    /*
     * Takes over @nr_pages pages from @first_page on: sent when it returns, or
     * queued.  They may be read any time until the next sync() returns.  The
     * run is at most PAGE_SINK_RUN_MAX pages, one of holes at most
     * PAGE_SINK_HOLE_RUN_MAX.
     */
    bool (*put_run)(PageSink *sink, RAMBlock *block, uint64_t first_page,
                    uint64_t nr_pages, PageRunKind kind, Error **errp);

    /* Hands on what put_run() still holds back to fill a packet. */
    bool (*flush)(PageSink *sink, Error **errp);

    /*
     * A sync point: when it returns, all pages put before are on their way and
     * each channel has its SYNC.  It does not write to the main channel: what
     * marks the sync point there (FLUSH, EOS) is the caller's.
     */
    bool (*sync)(PageSink *sink, Error **errp);
} PageSinkOps;

/* The part that every sink's own struct begins with. */
struct PageSink {
    const PageSinkOps *ops;
    /* true: sync() means something and needs a mark on the main channel */
    bool needs_sync;
};

/* 512 KiB of pages: as many as fit a multifd packet of the usual size. */
#define PAGE_SINK_RUN_MAX 128

/* Nobody looks at a hole: whoever knows of many hands them on as one. */
#define PAGE_SINK_HOLE_RUN_MAX 2048

#endif
