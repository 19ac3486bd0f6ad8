/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty tracking for writers that announce each write.
 *
 * dirty_soft_mark() is entered by any thread at any time, the rest by the
 * thread that tracks.  The log is always on: a switch would have to be ordered
 * against the marks of writers, and a mark costs one atomic operation.
 */
#include "qemu/osdep.h"
#include "memory/dirty.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap-atomic.h"
#include "qemu/bitmap.h"
#include "qemu/host-utils.h"

struct DirtySoft {
    DirtyProvider parent;

    /* set once at creation */
    RamList *list;
    unsigned nr_blocks;

    /* by RAMBlock::index, one bit a target page; words are atomic */
    unsigned long **log;
};

static DirtySoft *dirty_soft_from(DirtyProvider *p)
{
    return container_of(p, DirtySoft, parent);
}

/*
 * Takes a word of the log.  The exchange is a release and an acquire: what a
 * writer wrote before its mark is seen by who takes the mark.
 */
static unsigned long log_take_word(unsigned long *log, uint64_t word)
{
    return qatomic_read(&log[word]) ? qatomic_xchg(&log[word], 0) : 0;
}

static bool dirty_soft_start(DirtyProvider *p, RamList *list, Error **errp)
{
    DirtySoft *soft = dirty_soft_from(p);

    if (list != soft->list || ram_list_nr_blocks(list) != soft->nr_blocks) {
        error_setg(errp, "software dirty tracking knows %u RAM blocks, but the "
                   "machine has %u by now", soft->nr_blocks,
                   ram_list_nr_blocks(list));
        return false;
    }
    for (unsigned i = 0; i < soft->nr_blocks; i++) {
        uint64_t nr_words =
            BITS_TO_LONGS(ram_list_block(list, i)->nr_pages);

        for (uint64_t word = 0; word < nr_words; word++) {
            (void)log_take_word(soft->log[i], word);
        }
    }
    return true;
}

static bool dirty_soft_sync(DirtyProvider *p, RAMBlock *block,
                            unsigned long *bmap, uint64_t *nr_pages,
                            Error **errp)
{
    unsigned long *log = dirty_soft_from(p)->log[block->index];
    uint64_t nr_words = BITS_TO_LONGS(block->nr_pages);

    for (uint64_t word = 0; word < nr_words; word++) {
        unsigned long taken = log_take_word(log, word);

        if (taken) {
            *nr_pages += ctpop64(taken & ~bmap[word]);
            bmap[word] |= taken;
        }
    }
    return true;
}

static void dirty_soft_stop(DirtyProvider *p)
{
}

static const DirtyProviderOps dirty_soft_ops = {
    .name = "soft",
    .start = dirty_soft_start,
    .sync = dirty_soft_sync,
    .stop = dirty_soft_stop,
};

DirtySoft *dirty_soft_new(RamList *list)
{
    DirtySoft *soft = g_new0(DirtySoft, 1);

    soft->parent.ops = &dirty_soft_ops;
    soft->list = list;
    soft->nr_blocks = ram_list_nr_blocks(list);
    soft->log = g_new0(unsigned long *, soft->nr_blocks);
    for (unsigned i = 0; i < soft->nr_blocks; i++) {
        soft->log[i] = bitmap_new(ram_list_block(list, i)->nr_pages);
    }
    return soft;
}

DirtyProvider *dirty_soft_provider(DirtySoft *soft)
{
    return &soft->parent;
}

void dirty_soft_mark(DirtySoft *soft, const RAMBlock *block,
                     uint64_t offset_bytes, uint64_t len_bytes)
{
    uint64_t first = offset_bytes >> TARGET_PAGE_BITS;
    uint64_t last = (offset_bytes + len_bytes - 1) >> TARGET_PAGE_BITS;

    g_assert(len_bytes > 0 && len_bytes <= block->used_length &&
             offset_bytes <= block->used_length - len_bytes);
    bitmap_set_atomic(soft->log[block->index], first, last - first + 1);
}

void dirty_soft_free(DirtySoft *soft)
{
    if (!soft) {
        return;
    }
    for (unsigned i = 0; i < soft->nr_blocks; i++) {
        g_free(soft->log[i]);
    }
    g_free(soft->log);
    g_free(soft);
}
