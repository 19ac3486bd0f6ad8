/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty tracking by userfaultfd write-protection in asynchronous mode: a write
 * to a protected page lifts its protection without anybody being asked, and
 * the PAGEMAP_SCAN ioctl finds the pages without protection and protects them
 * again in one step, so that no write falls in between.
 *
 * Entered by the thread that tracks; writers are seen by the kernel.
 *
 * Protection must not make holes look populated.  What a hole map tells from
 * page tables gets no protection where it is empty: an empty entry is no write,
 * and a write turns it into a page without protection.  All other memory is
 * asked by its file, so that a marker in an empty entry does no harm; there it
 * has to be, for the kernel may drop the entry of a page that lives in a file,
 * and an empty one means written.  Markers cost page tables: 2 MiB a GiB.
 */
#include "qemu/osdep.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "linux/pagemap_scan.h"
#include "linux/userfaultfd_wp.h"
#include "memory/backend.h"
#include "memory/dirty.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/units.h"

/* Runs returned by one ioctl: 6 KiB of stack. */
#define SCAN_REGIONS 256

/* The only size of huge pages that PAGEMAP_SCAN protects, that of a PMD. */
#define SCAN_HUGE_PAGE (2 * MiB)

struct DirtyWp {
    DirtyProvider parent;

    /* set once at creation */
    RamList *list;
    int uffd;
    int pagemap_fd;

    /* the first so many blocks are registered */
    unsigned nr_registered;
};

static DirtyWp *dirty_wp_from(DirtyProvider *p)
{
    return container_of(p, DirtyWp, parent);
}

/* As hole-map-pagemap.c chooses: whose holes are empty page table entries. */
static bool dirty_wp_holes_by_pagemap(const RAMBlock *block)
{
    const HostMemoryBackend *b = block->backend;

    return !b || (!b->share && (b->fd < 0 || b->hugetlb));
}

static bool dirty_wp_register(DirtyWp *wp, const RAMBlock *block,
                              Error **errp)
{
    struct uffdio_register reg = {
        .range.start = (uintptr_t)block->host,
        .range.len = block->used_length,
        .mode = UFFDIO_REGISTER_MODE_WP,
    };

    if (ioctl(wp->uffd, UFFDIO_REGISTER, &reg) < 0) {
        error_setg_errno(errp, errno, "Cannot write-protect RAM block '%s' of "
                         "%" PRIu64 " bytes by userfaultfd", block->idstr,
                         block->used_length);
        return false;
    }
    return true;
}

/* Takes all protection and all markers away. */
static void dirty_wp_unregister(DirtyWp *wp, const RAMBlock *block)
{
    struct uffdio_range range = {
        .start = (uintptr_t)block->host,
        .len = block->used_length,
    };

    /* Fails only for what is not registered. */
    (void)ioctl(wp->uffd, UFFDIO_UNREGISTER, &range);
}

/* Sets the bits of a run; returns how many were clear. */
static uint64_t dirty_wp_set(unsigned long *bmap, uint64_t first, uint64_t end)
{
    uint64_t nr = end - first;
    uint64_t nr_old = bitmap_count_one_with_offset(bmap, first, nr);

    bitmap_set(bmap, first, nr);
    return nr - nr_old;
}

/*
 * Finds the pages in the first @len_bytes of a block that have no protection,
 * and protects them.  @bmap is NULL where only that is wanted.
 */
static bool dirty_wp_scan(DirtyWp *wp, const RAMBlock *block,
                          uint64_t len_bytes, unsigned long *bmap,
                          uint64_t *nr_pages, Error **errp)
{
    const uint64_t base = (uintptr_t)block->host;
    struct wherry_page_region regions[SCAN_REGIONS];
    struct wherry_pm_scan_arg arg = {
        .size = sizeof(arg),
        .flags = WHERRY_PM_SCAN_WP_MATCHING | WHERRY_PM_SCAN_CHECK_WPASYNC,
        .start = base,
        .end = base + len_bytes,
        .vec = (uintptr_t)regions,
        .vec_len = SCAN_REGIONS,
        .category_mask = WHERRY_PAGE_IS_WRITTEN,
        .return_mask = WHERRY_PAGE_IS_WRITTEN,
    };

    if (dirty_wp_holes_by_pagemap(block)) {
        arg.category_anyof_mask = WHERRY_PAGE_IS_PRESENT |
                                  WHERRY_PAGE_IS_SWAPPED;
    }
    while (arg.start < arg.end) {
        int nr = ioctl(wp->pagemap_fd, WHERRY_PAGEMAP_SCAN, &arg);

        if (nr < 0 || arg.walk_end <= arg.start) {
            error_setg_errno(errp, nr < 0 ? errno : EIO, "Cannot read which "
                             "pages of RAM block '%s' were written",
                             block->idstr);
            return false;
        }
        for (int i = 0; bmap && i < nr; i++) {
            *nr_pages += dirty_wp_set(
                bmap, (regions[i].start - base) >> TARGET_PAGE_BITS,
                (regions[i].end - base) >> TARGET_PAGE_BITS);
        }
        /* It stops early when the array is full. */
        arg.start = arg.walk_end;
    }
    return true;
}

/*
 * Protects what there is in the first @len_bytes of a block, and where holes
 * are not told by page tables, them too.
 */
static bool dirty_wp_arm(DirtyWp *wp, const RAMBlock *block,
                         uint64_t len_bytes, Error **errp)
{
    struct uffdio_writeprotect arg = {
        .range.start = (uintptr_t)block->host,
        .range.len = len_bytes,
        .mode = UFFDIO_WRITEPROTECT_MODE_WP,
    };

    if (dirty_wp_holes_by_pagemap(block)) {
        return dirty_wp_scan(wp, block, len_bytes, NULL, NULL, errp);
    }
    if (ioctl(wp->uffd, UFFDIO_WRITEPROTECT, &arg) < 0) {
        error_setg_errno(errp, errno, "Cannot write-protect the pages of RAM "
                         "block '%s'", block->idstr);
        return false;
    }
    return true;
}

static void dirty_wp_stop(DirtyProvider *p)
{
    DirtyWp *wp = dirty_wp_from(p);

    while (wp->nr_registered > 0) {
        wp->nr_registered--;
        dirty_wp_unregister(wp, ram_list_block(wp->list, wp->nr_registered));
    }
}

static bool dirty_wp_start(DirtyProvider *p, RamList *list, Error **errp)
{
    DirtyWp *wp = dirty_wp_from(p);

    if (list != wp->list) {
        error_setg(errp, "write-protection was prepared for another list of "
                   "RAM blocks");
        return false;
    }
    /* Register anew: a protection left over would hide a write. */
    dirty_wp_stop(p);
    for (unsigned i = 0; i < ram_list_nr_blocks(list); i++) {
        const RAMBlock *block = ram_list_block(list, i);

        if (!dirty_wp_register(wp, block, errp)) {
            return false;
        }
        wp->nr_registered = i + 1;
        if (!dirty_wp_arm(wp, block, block->used_length, errp)) {
            return false;
        }
    }
    return true;
}

static bool dirty_wp_sync(DirtyProvider *p, RAMBlock *block,
                          unsigned long *bmap, uint64_t *nr_pages,
                          Error **errp)
{
    return dirty_wp_scan(dirty_wp_from(p), block, block->used_length, bmap,
                         nr_pages, errp);
}

static const DirtyProviderOps dirty_wp_ops = {
    .name = "wp",
    .start = dirty_wp_start,
    .sync = dirty_wp_sync,
    .stop = dirty_wp_stop,
};

static bool dirty_wp_open(DirtyWp *wp, Error **errp)
{
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = WHERRY_UFFD_FEATURE_WP_ASYNC |
                    WHERRY_UFFD_FEATURE_WP_UNPOPULATED |
                    WHERRY_UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
    };

    wp->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK |
                            WHERRY_UFFD_USER_MODE_ONLY);
    if (wp->uffd < 0) {
        error_setg_errno(errp, errno, "Cannot open a userfaultfd");
        return false;
    }
    if (ioctl(wp->uffd, UFFDIO_API, &api) < 0) {
        error_setg_errno(errp, errno, "userfaultfd of this kernel has no "
                         "asynchronous write-protection (Linux 6.7 has)");
        return false;
    }
    wp->pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (wp->pagemap_fd < 0) {
        error_setg_errno(errp, errno, "Cannot open '/proc/self/pagemap'");
        return false;
    }
    return true;
}

/*
 * A page of each block tells whether the kernel does this sort of memory: it is
 * protected as later all are.
 */
static bool dirty_wp_prove(DirtyWp *wp, const RAMBlock *block, Error **errp)
{
    uint64_t len_bytes = MIN(block->page_size, block->used_length);
    bool ok;

    /* Where no page is populated yet, the kernel would not say so. */
    if (block->backend && block->backend->hugetlb &&
        block->page_size != SCAN_HUGE_PAGE) {
        error_setg(errp, "RAM block '%s' has huge pages of %zu bytes, which "
                   "the kernel does not write-protect", block->idstr,
                   block->page_size);
        return false;
    }
    if (!dirty_wp_register(wp, block, errp)) {
        return false;
    }
    ok = dirty_wp_arm(wp, block, len_bytes, errp) &&
         dirty_wp_scan(wp, block, len_bytes, NULL, NULL, errp);
    dirty_wp_unregister(wp, block);
    return ok;
}

DirtyWp *dirty_wp_new(RamList *list, Error **errp)
{
    g_autoptr(DirtyWp) wp = g_new0(DirtyWp, 1);

    wp->parent.ops = &dirty_wp_ops;
    wp->list = list;
    wp->uffd = -1;
    wp->pagemap_fd = -1;
    if (!dirty_wp_open(wp, errp)) {
        return NULL;
    }
    for (unsigned i = 0; i < ram_list_nr_blocks(list); i++) {
        if (!dirty_wp_prove(wp, ram_list_block(list, i), errp)) {
            return NULL;
        }
    }
    return g_steal_pointer(&wp);
}

DirtyProvider *dirty_wp_provider(DirtyWp *wp)
{
    return &wp->parent;
}

void dirty_wp_free(DirtyWp *wp)
{
    if (wp) {
        dirty_wp_stop(&wp->parent);
        auto_fd_close(&wp->pagemap_fd);
        auto_fd_close(&wp->uffd);
        g_free(wp);
    }
}
