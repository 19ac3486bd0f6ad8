/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk over dirty pages.
 *
 * Entered by the migration thread.  Which pages are dirty is the provider's to
 * say, which are holes the hole map's; what becomes of a run is the sink's.
 *
 * Dirty pages are taken a chunk at a time: words of the bitmap are moved out of
 * it, their log is cleared, their holes are asked for, and then their pages are
 * handed out.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/hole-map.h"
#include "qapi/error.h"
#include "migration/ram/walker.h"

/*
 * Dirty pages per chunk, 8 MiB: large enough that asking the kernel costs nothing
 * beside moving the pages, small enough that an answer is soon used.
 */
#define CHUNK_PAGES 2048

/*
 * Pages that a chunk spans at most, and its dirty pages where so many chunks
 * before it were nothing but holes: those are not read, so it is soon through.
 */
#define CHUNK_MAX_PAGES (64 * 1024)
#define HOLE_CHUNKS_ENOUGH 4

/* A chunk ends before so many words without a dirty page, 2 MiB. */
#define GAP_WORDS 8

/* What is known to be written is asked for holes from so many pages on. */
#define ASK_AGAIN_PAGES 64

typedef struct WalkerBlock {
    RAMBlock *block;
    unsigned long *dirty;       /* one bit a target page */
    uint64_t nr_dirty;          /* bits that are set there */
    /* one bit for each CHUNK_PAGES: known to be data throughout, in any lap */
    unsigned long *data;
} WalkerBlock;

struct RamWalker {
    DirtyProvider *provider;
    const PausePoints *pause_points;
    unsigned nr_blocks;
    WalkerBlock *blocks;
    uint64_t dirty_pages;       /* atomic; those of the chunk included */

    /* where the walk stands: the next page to look at */
    unsigned block;
    uint64_t page;
    bool first_lap;             /* it was not yet at the end of RAM */

    /* the chunk that is being handed out, in pages from its first one on */
    WalkerBlock *chunk_block;
    uint64_t chunk_first;       /* which page that is, of a whole word */
    uint64_t chunk_pos;         /* next page to hand out */
    uint64_t chunk_nr;          /* pages it spans */
    uint64_t chunk_nr_dirty;    /* so many of them it was taken for */
    unsigned hole_chunks;       /* so many before it were only holes */
    DECLARE_BITMAP(chunk_dirty, CHUNK_MAX_PAGES);
    DECLARE_BITMAP(chunk_holes, CHUNK_MAX_PAGES);
};

RamWalker *ram_walker_new(RamList *list, DirtyProvider *dirty,
                          const PausePoints *pause_points)
{
    RamWalker *w = g_new0(RamWalker, 1);

    w->provider = dirty;
    w->pause_points = pause_points;
    w->first_lap = true;
    w->nr_blocks = ram_list_nr_blocks(list);
    w->blocks = g_new0(WalkerBlock, w->nr_blocks);
    for (unsigned i = 0; i < w->nr_blocks; i++) {
        WalkerBlock *wb = &w->blocks[i];

        wb->block = ram_list_block(list, i);
        wb->nr_dirty = wb->block->nr_pages;
        wb->dirty = bitmap_new(wb->nr_dirty);
        bitmap_set(wb->dirty, 0, wb->nr_dirty);
        wb->data = bitmap_new(DIV_ROUND_UP(wb->nr_dirty, CHUNK_PAGES));
        w->dirty_pages += wb->nr_dirty;
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
        g_free(walker->blocks[i].data);
    }
    g_free(walker->blocks);
    g_free(walker);
}

/*
 * The pages of the chunk from @pos on are dirty again, as they have been counted
 * all the time.
 */
static void walker_give_back(RamWalker *w, uint64_t pos)
{
    WalkerBlock *wb = w->chunk_block;
    unsigned long mask = BITMAP_FIRST_WORD_MASK(pos);

    if (pos >= w->chunk_nr) {
        return;
    }
    for (uint64_t i = BIT_WORD(pos); i < BITS_TO_LONGS(w->chunk_nr); i++) {
        unsigned long word = w->chunk_dirty[i] & mask;

        wb->dirty[BIT_WORD(w->chunk_first) + i] |= word;
        wb->nr_dirty += ctpop64(word);
        mask = ~0UL;
    }
    w->page = w->chunk_first + pos;
    w->chunk_nr = pos;
}

bool ram_walker_sync(RamWalker *walker, uint64_t *nr_new, Error **errp)
{
    uint64_t nr_all = 0;

    /* What was found of its holes may not outlive a sync that finds them written. */
    walker_give_back(walker, walker->chunk_pos);

    for (unsigned i = 0; i < walker->nr_blocks; i++) {
        WalkerBlock *wb = &walker->blocks[i];
        uint64_t nr_pages = 0;

        if (!walker->provider->ops->sync(walker->provider, wb->block,
                                         wb->dirty, &nr_pages, errp)) {
            return false;
        }
        wb->nr_dirty += nr_pages;
        nr_all += nr_pages;
    }
    qatomic_set(&walker->dirty_pages, walker->dirty_pages + nr_all);
    *nr_new = nr_all;
    return true;
}

uint64_t ram_walker_dirty_pages(const RamWalker *walker)
{
    return qatomic_read(&walker->dirty_pages);
}

/*
 * Finds the next dirty page; false at the end of all RAM.  A block in which all
 * is clean is not looked at.
 */
static bool walker_find(RamWalker *w)
{
    while (w->block < w->nr_blocks) {
        WalkerBlock *wb = &w->blocks[w->block];
        uint64_t size = wb->block->nr_pages;

        if (wb->nr_dirty > 0) {
            w->page = find_next_bit(wb->dirty, size, w->page);
            if (w->page < size) {
                return true;
            }
        }
        w->block++;
        w->page = 0;
    }
    return false;
}

/*
 * Moves words of the bitmap to the chunk, from the page on where the walk stands:
 * pages before it in its word are of the next lap.  Ends with pages enough, or
 * where there is a gap without any.
 */
static void walker_move_words(RamWalker *w, WalkerBlock *wb)
{
    uint64_t limit = w->hole_chunks < HOLE_CHUNKS_ENOUGH ? CHUNK_PAGES
                                                         : CHUNK_MAX_PAGES;
    uint64_t base = ROUND_DOWN(w->page, (uint64_t)BITS_PER_LONG);
    uint64_t left = wb->block->nr_pages - base;
    uint64_t nr_words = BITS_TO_LONGS(MIN(left, (uint64_t)CHUNK_MAX_PAGES));
    unsigned long *from = &wb->dirty[BIT_WORD(base)];
    unsigned long mask = BITMAP_FIRST_WORD_MASK(w->page);
    uint64_t nr_dirty = 0;
    unsigned gap = 0;
    uint64_t i;

    for (i = 0; i < nr_words && nr_dirty < limit && gap < GAP_WORDS; i++) {
        unsigned long word = from[i] & mask;

        w->chunk_dirty[i] = word;
        gap++;
        if (word) {
            from[i] &= ~mask;
            nr_dirty += ctpop64(word);
            gap = 0;
        }
        mask = ~0UL;
    }
    wb->nr_dirty -= nr_dirty;
    w->chunk_block = wb;
    w->chunk_nr_dirty = nr_dirty;
    w->chunk_first = base;
    w->chunk_pos = w->page - base;
    w->chunk_nr = MIN((i - gap) * BITS_PER_LONG, left);
    w->page = base + w->chunk_nr;
}

/*
 * After the first lap, what is dirty was written, and to look for holes in it would
 * take time for each page that lies alone.  Whole stretches are another matter: a
 * log that has lost count says that all was written.
 */
static bool walker_asks_for_holes(const RamWalker *w)
{
    return w->first_lap || (w->chunk_nr_dirty >= ASK_AGAIN_PAGES &&
                            w->chunk_nr_dirty >= w->chunk_nr / 2);
}

static bool walker_knows_data(const WalkerBlock *wb, uint64_t first,
                              uint64_t nr_pages)
{
    uint64_t end = DIV_ROUND_UP(first + nr_pages, CHUNK_PAGES);

    return find_next_zero_bit(wb->data, end, first / CHUNK_PAGES) == end;
}

static void walker_note_data(WalkerBlock *wb, uint64_t first, uint64_t end_page)
{
    uint64_t start = DIV_ROUND_UP(first, CHUNK_PAGES);
    uint64_t end = end_page == wb->block->nr_pages
                   ? DIV_ROUND_UP(end_page, CHUNK_PAGES)
                   : end_page / CHUNK_PAGES;

    if (start < end) {
        bitmap_set(wb->data, start, end - start);
    }
}

/*
 * Which pages of the chunk are holes.  The answer is of use for this chunk only.
 * That there is data up to some place is remembered: with files the kernel goes
 * through all of it to find that out.
 */
static bool walker_find_holes(RamWalker *w, WalkerBlock *wb, Error **errp)
{
    uint64_t first = w->chunk_first;
    uint64_t nr = w->chunk_nr;
    uint64_t data_end;

    bitmap_zero(w->chunk_holes, nr);
    if (!wb->block->hole_map || !walker_asks_for_holes(w) ||
        walker_knows_data(wb, first, nr)) {
        return true;
    }
    if (!hole_map_query_ahead(wb->block->hole_map, first << TARGET_PAGE_BITS,
                              nr << TARGET_PAGE_BITS, w->chunk_holes,
                              TARGET_PAGE_SIZE, &data_end, errp)) {
        return false;
    }
    walker_note_data(wb, bitmap_empty(w->chunk_holes, nr) ? first : first + nr,
                     data_end >> TARGET_PAGE_BITS);
    return true;
}

/* A large chunk is kept as far as it is holes, or as a small one would go. */
static void walker_cut_chunk(RamWalker *w)
{
    uint64_t data = find_first_zero_bit(w->chunk_holes, w->chunk_nr);

    if (data == w->chunk_nr) {
        w->hole_chunks++;
        return;
    }
    if (w->hole_chunks >= HOLE_CHUNKS_ENOUGH) {
        walker_give_back(w, MAX(data, w->chunk_pos + CHUNK_PAGES));
    }
    w->hole_chunks = 0;
}

static bool walker_clear_log(RamWalker *w, WalkerBlock *wb, Error **errp)
{
    DirtyProvider *provider = w->provider;
    uint64_t first, end;

    if (!provider->ops->clear) {
        return true;
    }
    for (first = w->chunk_pos; first < w->chunk_nr;
         first = find_next_bit(w->chunk_dirty, w->chunk_nr, end)) {
        end = find_next_zero_bit(w->chunk_dirty, w->chunk_nr, first);
        if (!provider->ops->clear(provider, wb->block, w->chunk_first + first,
                                  end - first, errp)) {
            return false;
        }
    }
    return true;
}

/* Takes the next chunk: clear the log, then ask for holes. */
static RamWalkerNext walker_take_chunk(RamWalker *w, Error **errp)
{
    WalkerBlock *wb;

    if (!walker_find(w)) {
        w->block = 0;
        w->page = 0;
        w->first_lap = false;
        w->hole_chunks = 0;
        return RAM_WALKER_WRAPPED;
    }
    wb = &w->blocks[w->block];
    walker_move_words(w, wb);
    if (!walker_clear_log(w, wb, errp)) {
        return RAM_WALKER_ERROR;
    }
    pause_point(w->pause_points, PAUSE_POINT_AFTER_CLEAR);
    if (!walker_find_holes(w, wb, errp)) {
        return RAM_WALKER_ERROR;
    }
    walker_cut_chunk(w);
    pause_point(w->pause_points, PAUSE_POINT_AFTER_HOLE_QUERY);
    return RAM_WALKER_RUN;
}

RamWalkerNext ram_walker_next(RamWalker *walker, PageRun *run, Error **errp)
{
    uint64_t start, end;
    bool hole;

    if (walker->chunk_pos >= walker->chunk_nr) {
        RamWalkerNext next = walker_take_chunk(walker, errp);

        if (next != RAM_WALKER_RUN) {
            return next;
        }
    }
    start = walker->chunk_pos;
    hole = test_bit(start, walker->chunk_holes);
    end = MIN(walker->chunk_nr,
              start + (hole ? PAGE_SINK_HOLE_RUN_MAX : PAGE_SINK_RUN_MAX));
    end = find_next_zero_bit(walker->chunk_dirty, end, start);
    end = hole ? find_next_zero_bit(walker->chunk_holes, end, start)
               : find_next_bit(walker->chunk_holes, end, start);
    walker->chunk_pos = find_next_bit(walker->chunk_dirty, walker->chunk_nr,
                                      end);
    qatomic_set(&walker->dirty_pages, walker->dirty_pages - (end - start));
    *run = (PageRun) {
        .block = walker->chunk_block->block,
        .first_page = walker->chunk_first + start,
        .nr_pages = end - start,
        .kind = hole ? PAGE_RUN_HOLE : PAGE_RUN_DATA,
    };
    return RAM_WALKER_RUN;
}
