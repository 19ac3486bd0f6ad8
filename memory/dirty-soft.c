/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty tracking for writers that announce each write.
 *
 * dirty_soft_mark() is entered by any thread at any time, the rest by the
 * thread that tracks.  The log is always on: a switch would have to be ordered
 * against the marks of writers, and a mark costs one atomic operation.
 *
 * Above the log stands a bit for each group of its words, so that a look for
 * marks costs by what was marked and not by the size of RAM.  Who marks sets the
 * bit of the group last, who looks clears it first; whatever falls between is
 * found now or the next time.
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
    /* one bit for each GROUP_PAGES of the log; words are atomic */
    unsigned long **groups;

    /* the tracking thread's */
    uint64_t nr_looked;
};

/* The words of the log that one bit of a group stands for, and their pages. */
#define GROUP_WORDS BITS_PER_LONG
#define GROUP_PAGES (GROUP_WORDS * BITS_PER_LONG)

static DirtySoft *dirty_soft_from(DirtyProvider *p)
{
    return container_of(p, DirtySoft, parent);
}

/*
 * Log and groups are changed and read in one order that all threads agree on: a
 * relaxed read could be done before the change that stands above it.
 */
static unsigned long log_read(const unsigned long *log, uint64_t word)
{
    return __atomic_load_n(&log[word], __ATOMIC_SEQ_CST);
}

/*
 * Takes a word of the log.  The exchange is a release and an acquire: what a
 * writer wrote before its mark is seen by who takes the mark.
 */
static unsigned long log_take_word(unsigned long *log, uint64_t word)
{
    return log_read(log, word) ? qatomic_xchg(&log[word], 0) : 0;
}

/* Moves the marks of a group into @bmap; returns how many are new there. */
static uint64_t log_take_group(unsigned long *log, uint64_t group,
                               uint64_t nr_words, unsigned long *bmap)
{
    uint64_t end = MIN((group + 1) * GROUP_WORDS, nr_words);
    uint64_t nr_new = 0;

    for (uint64_t word = group * GROUP_WORDS; word < end; word++) {
        unsigned long taken = log_take_word(log, word);

        if (taken && bmap) {
            nr_new += ctpop64(taken & ~bmap[word]);
            bmap[word] |= taken;
        }
    }
    return nr_new;
}

/* Moves all marks of a block into @bmap, or drops them where that is NULL. */
static uint64_t dirty_soft_take(DirtySoft *soft, const RAMBlock *block,
                                unsigned long *bmap)
{
    unsigned long *log = soft->log[block->index];
    unsigned long *groups = soft->groups[block->index];
    uint64_t nr_words = BITS_TO_LONGS(block->nr_pages);
    uint64_t nr_group_words = BITS_TO_LONGS(DIV_ROUND_UP(block->nr_pages,
                                                         GROUP_PAGES));
    uint64_t nr_new = 0;

    for (uint64_t i = 0; i < nr_group_words; i++) {
        unsigned long left = log_take_word(groups, i);

        while (left) {
            uint64_t group = i * BITS_PER_LONG + (uint64_t)ctz64(left);

            left &= left - 1;
            nr_new += log_take_group(log, group, nr_words, bmap);
            soft->nr_looked += GROUP_WORDS;
        }
    }
    soft->nr_looked += nr_group_words;
    return nr_new;
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
        (void)dirty_soft_take(soft, ram_list_block(list, i), NULL);
    }
    return true;
}

static bool dirty_soft_sync(DirtyProvider *p, RAMBlock *block,
                            unsigned long *bmap, uint64_t *nr_pages,
                            Error **errp)
{
    *nr_pages += dirty_soft_take(dirty_soft_from(p), block, bmap);
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
    soft->groups = g_new0(unsigned long *, soft->nr_blocks);
    for (unsigned i = 0; i < soft->nr_blocks; i++) {
        uint64_t nr_pages = ram_list_block(list, i)->nr_pages;

        soft->log[i] = bitmap_new(nr_pages);
        soft->groups[i] = bitmap_new(DIV_ROUND_UP(nr_pages, GROUP_PAGES));
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
    unsigned long *groups = soft->groups[block->index];

    g_assert(len_bytes > 0 && len_bytes <= block->used_length &&
             offset_bytes <= block->used_length - len_bytes);
    bitmap_set_atomic(soft->log[block->index], first, last - first + 1);
    /* Seen set here, it is cleared later, and the log is looked at after that. */
    for (uint64_t i = first / GROUP_PAGES; i <= last / GROUP_PAGES; i++) {
        if (!(log_read(groups, BIT_WORD(i)) & BIT_MASK(i))) {
            set_bit_atomic(i, groups);
        }
    }
}

uint64_t dirty_soft_words_looked_at(const DirtySoft *soft)
{
    return soft->nr_looked;
}

void dirty_soft_free(DirtySoft *soft)
{
    if (!soft) {
        return;
    }
    for (unsigned i = 0; i < soft->nr_blocks; i++) {
        g_free(soft->log[i]);
        g_free(soft->groups[i]);
    }
    g_free(soft->log);
    g_free(soft->groups);
    g_free(soft);
}
