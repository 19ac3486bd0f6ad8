/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty tracking: which pages the guest wrote since they were last looked at.
 * The interface is owned here; providers are the accelerators' (nothing writes
 * with `-accel none`), and below DirtySoft for those who mark writes and
 * DirtyWp, which has the kernel see them.
 *
 * Order that keeps every write (docs/devel/architecture.rst, "The path of a
 * page"): the log of a range is cleared first, then holes are asked for, then
 * the pages are read.
 *
 * Threads: all calls of one tracking period come from the thread that started
 * it, dirty_soft_mark() from any.  This header owns no locks.
 */
#ifndef MEMORY_DIRTY_H
#define MEMORY_DIRTY_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

typedef struct Error Error;
typedef struct RAMBlock RAMBlock;
typedef struct RamList RamList;
typedef struct DirtyProvider DirtyProvider;

typedef struct DirtyProviderOps {
    /* e.g. "none", "soft"; for trace points */
    const char *name;

    /* Begins to log writes to all blocks of @list. */
    bool (*start)(DirtyProvider *p, RamList *list, Error **errp);

    /*
     * Sets in @bmap (one bit a target page of @block) every page written since
     * start or since its log was last cleared.  Bits already set stay.  Adds
     * to *@nr_pages how many of them were clear before.  A provider whose log
     * cannot be read without clearing clears it here.
     */
    bool (*sync)(DirtyProvider *p, RAMBlock *block, unsigned long *bmap,
                 uint64_t *nr_pages, Error **errp);

    /*
     * Clears (and arms again) the log of a range that is about to be read.
     * NULL: sync() has cleared it.
     */
    bool (*clear)(DirtyProvider *p, RAMBlock *block, uint64_t first_page,
                  uint64_t nr_pages, Error **errp);

    /* Ends logging; also after a failed start. */
    void (*stop)(DirtyProvider *p);
} DirtyProviderOps;

/* The part that every provider's own struct begins with. */
struct DirtyProvider {
    const DirtyProviderOps *ops;
};

/**
 * dirty_provider_none:
 *
 * For machines in which nothing writes to memory while it moves.
 * Returns: a constant provider; nothing to free
 */
DirtyProvider *dirty_provider_none(void);

typedef struct DirtySoft DirtySoft;

/**
 * dirty_soft_new:
 * @list: the blocks to track; must outlive the provider
 *
 * A provider for writers that announce each write with dirty_soft_mark().
 * Returns: a new provider; free with dirty_soft_free()
 */
DirtySoft *dirty_soft_new(RamList *list);

/**
 * dirty_soft_provider:
 * @soft: a software provider
 *
 * Returns: its DirtyProvider, owned by @soft
 */
DirtyProvider *dirty_soft_provider(DirtySoft *soft);

/**
 * dirty_soft_mark:
 * @soft: a software provider
 * @block: a block of its list
 * @offset_bytes: first byte written
 * @len_bytes: how many, 1 or more, all inside the block
 *
 * Notes a write.  To be called after the write, so that a page whose mark was
 * taken is read with its new content.
 * Context: any thread; lock-free.
 */
void dirty_soft_mark(DirtySoft *soft, const RAMBlock *block,
                     uint64_t offset_bytes, uint64_t len_bytes);

/**
 * dirty_soft_words_looked_at:
 * @soft: a software provider
 *
 * For tests: what a look for marks costs must not grow with RAM.
 * Context: the thread that tracks.
 * Returns: words of its maps that start and sync have looked at so far
 */
uint64_t dirty_soft_words_looked_at(const DirtySoft *soft);

/**
 * dirty_soft_free:
 * @soft: a software provider, or NULL; no tracking may run
 */
void dirty_soft_free(DirtySoft *soft);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DirtySoft, dirty_soft_free)

typedef struct DirtyWp DirtyWp;

/**
 * dirty_wp_new:
 * @list: the blocks to track; must outlive the provider
 * @errp: where to put the reason, or NULL
 *
 * A provider that finds the writes of any thread of this process by
 * userfaultfd write-protection, which the kernel lifts on a write.  Holes stay
 * holes under it.  What other processes write to shared memory it does not
 * see.
 * Context: the main thread.
 * Returns: a new provider, proven on the blocks; free with dirty_wp_free().
 *          NULL when the kernel refuses; software marks are the way then.
 */
DirtyWp *dirty_wp_new(RamList *list, Error **errp);

/**
 * dirty_wp_provider:
 * @wp: a write-protecting provider
 *
 * Returns: its DirtyProvider, owned by @wp
 */
DirtyProvider *dirty_wp_provider(DirtyWp *wp);

/**
 * dirty_wp_free:
 * @wp: a write-protecting provider, or NULL; no tracking may run
 */
void dirty_wp_free(DirtyWp *wp);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DirtyWp, dirty_wp_free)

#endif
