/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over dirty pages.
 *
 * Entered by the migration thread.  Which pages are dirty is the provider's to
 * say, which are holes the hole map's; what becomes of a run is the sink's.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/hole-map.h"
#include "qapi/error.h"
#include "migration/ram/walker.h"

/*
 * Pages per chunk, 8 MiB: large enough that asking the kernel costs nothing
 * beside moving the pages, small enough that an answer is soon used.
 */
#define CHUNK_PAGES 2048

typedef struct WalkerBlock {
    RAMBlock *block;
    unsigned long *dirty;       /* one bit a target page */
    /* in this round known to be data, bytes */
    uint64_t data_start;
    uint64_t data_end;
} WalkerBlock;

struct RamWalker {
    DirtyProvider *provider;
    const PausePoints *pause_points;
    unsigned nr_blocks;
    WalkerBlock *blocks;
    uint64_t dirty_pages;       /* atomic */

    /* where the walk stands: the next page to look at */
    unsigned block;
    uint64_t page;

    /* the rest of the chunk that is being handed out */
    RAMBlock *chunk_block;
    uint64_t chunk_first;       /* first page of the chunk */
    uint64_t chunk_pos;         /* next page to hand out, relative */
    uint64_t chunk_nr;          /* pages of the chunk */
    DECLARE_BITMAP(chunk_holes, CHUNK_PAGES);
};

RamWalker *ram_walker_new(RamList *list, DirtyProvider *dirty,
                          const PausePoints *pause_points)
{
    RamWalker *w = g_new0(RamWalker, 1);

    w->provider = dirty;
    w->pause_points = pause_points;
    w->nr_blocks = ram_list_nr_blocks(list);
    w->blocks = g_new0(WalkerBlock, w->nr_blocks);
    for (unsigned i = 0; i < w->nr_blocks; i++) {
        RAMBlock *block = ram_list_block(list, i);

        w->blocks[i].block = block;
        w->blocks[i].dirty = bitmap_new(block->nr_pages);
        bitmap_set(w->blocks[i].dirty, 0, block->nr_pages);
        w->dirty_pages += block->nr_pages;
    }
    return w;
}

void ram_walker_free(RamWalker *walker)
{
    if (!walker) {
        return;
    }
    for (unsigned i = 0; i < walker->nr_blocks; i++) {
        g_free(walker->blocks[i].dirty);
    }
    g_free(walker->blocks);
    g_free(walker);
}

/*
 * The rest of the chunk is dirty again, as it has been counted all the time: what
 * was found of its holes may not outlive a sync that finds them written.
 */
static void walker_give_chunk_back(RamWalker *w)
{
    uint64_t first = w->chunk_first + w->chunk_pos;

    if (w->chunk_pos == w->chunk_nr) {
        return;
    }
    bitmap_set(w->blocks[w->block].dirty, first, w->chunk_nr - w->chunk_pos);
    w->page = first;
    w->chunk_pos = w->chunk_nr;
}

bool ram_walker_sync(RamWalker *walker, uint64_t *nr_new, Error **errp)
{
    uint64_t nr_pages = 0;

    walker_give_chunk_back(walker);

    for (unsigned i = 0; i < walker->nr_blocks; i++) {
        WalkerBlock *wb = &walker->blocks[i];

        if (!walker->provider->ops->sync(walker->provider, wb->block,
                                         wb->dirty, &nr_pages, errp)) {
            return false;
        }
    }
    qatomic_add(&walker->dirty_pages, nr_pages);
    *nr_new = nr_pages;
    return true;
}

uint64_t ram_walker_dirty_pages(const RamWalker *walker)
{
    return qatomic_read(&walker->dirty_pages);
}

/* Finds the next dirty run of at most a chunk; false at the end of all RAM. */
static bool walker_find(RamWalker *w, WalkerBlock **wb, uint64_t *first,
                        uint64_t *nr)
{
    while (w->block < w->nr_blocks) {
        WalkerBlock *b = &w->blocks[w->block];
        uint64_t size = b->block->nr_pages;
        uint64_t start = find_next_bit(b->dirty, size, w->page);

        if (start < size) {
            uint64_t limit = MIN(size, start + CHUNK_PAGES);
            uint64_t end = find_next_zero_bit(b->dirty, limit, start);

            *wb = b;
            *first = start;
            *nr = end - start;
            return true;
        }
        w->block++;
        w->page = 0;
    }
    return false;
}

static void walker_forget_data(RamWalker *w)
{
    for (unsigned i = 0; i < w->nr_blocks; i++) {
        w->blocks[i].data_start = w->blocks[i].data_end = 0;
    }
}

/*
 * An answer about holes is of use for this chunk only; that there is data up to
 * some place may be kept for the rest of the round.
 */
static bool walker_find_holes(WalkerBlock *wb, uint64_t first, uint64_t nr,
                              unsigned long *holes, Error **errp)
{
    uint64_t start = first << TARGET_PAGE_BITS;
    uint64_t len = nr << TARGET_PAGE_BITS;

    if (!wb->block->hole_map ||
        (start >= wb->data_start && start + len <= wb->data_end)) {
        return true;
    }
    if (!hole_map_query_ahead(wb->block->hole_map, start, len, holes,
                              TARGET_PAGE_SIZE, &wb->data_end, errp)) {
        return false;
    }
    wb->data_start = start + len;
    return true;
}

/* Takes the next chunk: clear the log, then ask for holes. */
static RamWalkerNext walker_take_chunk(RamWalker *w, Error **errp)
{
    DirtyProvider *provider = w->provider;
    WalkerBlock *wb;
    uint64_t first, nr;

    if (!walker_find(w, &wb, &first, &nr)) {
        w->block = 0;
        w->page = 0;
        walker_forget_data(w);
        return RAM_WALKER_WRAPPED;
    }
    bitmap_clear(wb->dirty, first, nr);
    w->page = first + nr;
    if (provider->ops->clear &&
        !provider->ops->clear(provider, wb->block, first, nr, errp)) {
        return RAM_WALKER_ERROR;
    }
    pause_point(w->pause_points, PAUSE_POINT_AFTER_CLEAR);
    bitmap_zero(w->chunk_holes, nr);
    if (!walker_find_holes(wb, first, nr, w->chunk_holes, errp)) {
        return RAM_WALKER_ERROR;
    }
    pause_point(w->pause_points, PAUSE_POINT_AFTER_HOLE_QUERY);
    w->chunk_block = wb->block;
    w->chunk_first = first;
    w->chunk_pos = 0;
    w->chunk_nr = nr;
    return RAM_WALKER_RUN;
}

RamWalkerNext ram_walker_next(RamWalker *walker, PageRun *run, Error **errp)
{
    uint64_t start, end, limit;
    bool hole;

    if (walker->chunk_pos == walker->chunk_nr) {
        RamWalkerNext next = walker_take_chunk(walker, errp);

        if (next != RAM_WALKER_RUN) {
            return next;
        }
    }
    start = walker->chunk_pos;
    limit = MIN(walker->chunk_nr, start + PAGE_SINK_RUN_MAX);
    hole = test_bit(start, walker->chunk_holes);
    end = hole ? find_next_zero_bit(walker->chunk_holes, limit, start)
               : find_next_bit(walker->chunk_holes, limit, start);
    walker->chunk_pos = end;
    qatomic_sub(&walker->dirty_pages, end - start);
    *run = (PageRun) {
        .block = walker->chunk_block,
        .first_page = walker->chunk_first + start,
        .nr_pages = end - start,
        .kind = hole ? PAGE_RUN_HOLE : PAGE_RUN_DATA,
    };
    return RAM_WALKER_RUN;
}
