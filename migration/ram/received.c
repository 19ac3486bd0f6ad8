/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages have arrived, and which may hold something other than zeroes.
 *
 * Entered by the load thread and by all multifdrecv_N threads at once; bits are
 * set atomically, a word at a time where a run covers one.  What came in a record
 * is checked by those who parsed it.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/cutils.h"
#include "qemu/hole-map.h"
#include "qemu/host-utils.h"
#include "migration/ram/received.h"

/* Pages asked about at a time, so that the answer stays small. */
#define SCAN_PAGES (256 * 1024)

struct RamReceived {
    RamList *list;
    unsigned nr_blocks;
    ReceivedBlock *blocks;      /* in the list's order */
};

RamReceived *ram_received_new(RamList *list)
{
    RamReceived *r = g_new0(RamReceived, 1);

    r->list = list;
    r->nr_blocks = ram_list_nr_blocks(list);
    r->blocks = g_new0(ReceivedBlock, r->nr_blocks);
    for (unsigned i = 0; i < r->nr_blocks; i++) {
        ReceivedBlock *rb = &r->blocks[i];

        rb->block = ram_list_block(list, i);
        rb->received = bitmap_new(rb->block->nr_pages);
        rb->dirty = bitmap_new(rb->block->nr_pages);
        bitmap_set(rb->dirty, 0, rb->block->nr_pages);
    }
    return r;
}

void ram_received_free(RamReceived *received)
{
    if (!received) {
        return;
    }
    for (unsigned i = 0; i < received->nr_blocks; i++) {
        g_free(received->blocks[i].received);
        g_free(received->blocks[i].dirty);
    }
    g_free(received->blocks);
    g_free(received);
}

static bool received_block_scan(ReceivedBlock *rb, Error **errp)
{
    RAMBlock *block = rb->block;
    g_autofree unsigned long *holes = bitmap_new(SCAN_PAGES);
    uint64_t data_end = 0;      /* known to be data up to here, bytes */

    for (uint64_t page = 0; page < block->nr_pages; page += SCAN_PAGES) {
        uint64_t nr = MIN((uint64_t)SCAN_PAGES, block->nr_pages - page);

        if ((page + nr) << TARGET_PAGE_BITS <= data_end) {
            continue;           /* `dirty` from the start */
        }
        bitmap_zero(holes, SCAN_PAGES);
        if (!hole_map_query_ahead(block->hole_map, page << TARGET_PAGE_BITS,
                                  nr << TARGET_PAGE_BITS, holes,
                                  TARGET_PAGE_SIZE, &data_end, errp)) {
            return false;
        }
        /* SCAN_PAGES is a multiple of a word, so whole words line up. */
        for (uint64_t i = 0; i < BITS_TO_LONGS(nr); i++) {
            rb->dirty[page / BITS_PER_LONG + i] &= ~holes[i];
        }
    }
    return true;
}

bool ram_received_scan(RamReceived *received, Error **errp)
{
    for (unsigned i = 0; i < received->nr_blocks; i++) {
        if (received->blocks[i].block->hole_map &&
            !received_block_scan(&received->blocks[i], errp)) {
            return false;
        }
    }
    return true;
}

ReceivedBlock *ram_received_find(RamReceived *received, const char *idstr)
{
    RAMBlock *block = ram_list_find(received->list, idstr);

    return block ? &received->blocks[block->index] : NULL;
}

void received_block_normal(ReceivedBlock *rb, uint64_t first_page,
                           uint64_t nr_pages)
{
    bitmap_set_atomic(rb->dirty, first_page, nr_pages);
    bitmap_set_atomic(rb->received, first_page, nr_pages);
}

/*
 * Populated does not mean other than zero: reading is cheaper than writing, and
 * leaves a page that is shared with a file clean.
 */
static void received_page_clear(RAMBlock *block, uint64_t page)
{
    uint8_t *host = block->host + (page << TARGET_PAGE_BITS);

    if (!buffer_is_zero(host, TARGET_PAGE_SIZE)) {
        memset(host, 0, TARGET_PAGE_SIZE);
    }
}

void received_block_zero(ReceivedBlock *rb, uint64_t first_page,
                         uint64_t nr_pages)
{
    uint64_t end = first_page + nr_pages;
    uint64_t page = first_page;

    while (page < end) {
        uint64_t base = page - page % BITS_PER_LONG;
        /* Other channels set bits of this word at the same time. */
        unsigned long word = qatomic_read(&rb->dirty[page / BITS_PER_LONG]);

        word &= ~0UL << (page - base);
        if (end - base < BITS_PER_LONG) {
            word &= ~(~0UL << (end - base));
        }
        while (word) {
            received_page_clear(rb->block, base + (uint64_t)ctz64(word));
            word &= word - 1;
        }
        page = base + BITS_PER_LONG;
    }
    bitmap_set_atomic(rb->received, first_page, nr_pages);
}

uint64_t ram_received_missing(RamReceived *received, RAMBlock **first_block,
                              uint64_t *first_page)
{
    uint64_t missing = 0;

    for (unsigned i = 0; i < received->nr_blocks; i++) {
        ReceivedBlock *rb = &received->blocks[i];
        uint64_t nr = rb->block->nr_pages;
        uint64_t first = find_next_zero_bit(rb->received, nr, 0);

        if (first >= nr) {
            continue;
        }
        if (missing == 0) {
            *first_block = rb->block;
            *first_page = first;
        }
        missing += nr - bitmap_count_one(rb->received, nr);
    }
    return missing;
}
