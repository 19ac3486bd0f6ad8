/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty tracking for machines in which nothing writes: there is never anything
 * to report.
 *
 * Entered by the thread that tracks; there is no state.
 */
#include "qemu/osdep.h"
#include "memory/dirty.h"

static bool dirty_none_start(DirtyProvider *p, RamList *list, Error **errp)
{
    return true;
}

static bool dirty_none_sync(DirtyProvider *p, RAMBlock *block,
                            unsigned long *bmap, uint64_t *nr_pages,
                            Error **errp)
{
    return true;
}

static void dirty_none_stop(DirtyProvider *p)
{
}

static const DirtyProviderOps dirty_none_ops = {
    .name = "none",
    .start = dirty_none_start,
    .sync = dirty_none_sync,
    .stop = dirty_none_stop,
};

DirtyProvider *dirty_provider_none(void)
{
    static const DirtyProvider none = { .ops = &dirty_none_ops };

    /* Providers are called through a plain pointer; nobody writes to this. */
    return (DirtyProvider *)&none;
}
