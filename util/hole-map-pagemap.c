/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holes of private anonymous memory, by this process's page tables.
 *
 * Entered through hole-map.c, by several threads at once.  Two ways: the
 * PAGEMAP_SCAN ioctl (Linux 6.7), which also tells the shared zero page from
 * others, and reading one 64-bit word a page.
 *
 * A page that is in memory or swapped is data; so is one that is being moved
 * and one with a marker of userfaultfd, which both look swapped.
 */
#include "qemu/osdep.h"

#include <sys/ioctl.h>

#include "linux/pagemap_scan.h"
#include "hole-map-internal.h"

/* Words of /proc/PID/pagemap. */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)

/* Words read at once: 8 KiB of stack for 4 MiB of memory. */
#define PAGEMAP_WORDS 1024

/* Runs returned by one ioctl: 6 KiB of stack. */
#define SCAN_REGIONS 256

static bool pagemap_usable(const HoleMap *hm)
{
    const HoleMapRegion *r = &hm->region;
    struct stat st;

    if (r->shared || hm->pagemap_fd < 0 ||
        !QEMU_PTR_IS_ALIGNED(r->host, qemu_real_host_page_size())) {
        return false;
    }
    if (r->fd < 0) {
        return true;
    }
    /*
     * What a private mapping does not have, a read takes from the file.  A
     * hugetlb file without a page in it has nothing to give.
     */
    return r->hugetlb && fstat(r->fd, &st) == 0 && st.st_blocks == 0;
}

/* The same again for each query: somebody may have filled the file. */
static int pagemap_check(const HoleMap *hm)
{
    return hm->region.fd < 0 || pagemap_usable(hm) ? 0 : -ENODATA;
}

static int pagemap_scan_query(const HoleMap *hm, HoleQuery *q)
{
    const uint64_t page = qemu_real_host_page_size();
    const uint64_t base = (uintptr_t)hm->region.host + q->start_bytes;
    const uint64_t first = QEMU_ALIGN_DOWN(base, page);
    struct wherry_page_region regions[SCAN_REGIONS];
    struct wherry_pm_scan_arg arg = {
        .size = sizeof(arg),
        .start = first,
        .end = QEMU_ALIGN_UP(base + q->len_bytes, page),
        .vec = (uintptr_t)regions,
        .vec_len = SCAN_REGIONS,
        .category_anyof_mask = WHERRY_PAGE_IS_PRESENT |
                               WHERRY_PAGE_IS_SWAPPED,
        .return_mask = WHERRY_PAGE_IS_PFNZERO,
    };
    int err = pagemap_check(hm);

    if (err) {
        return err;
    }
    while (arg.start < arg.end) {
        int nr = ioctl(hm->pagemap_fd, WHERRY_PAGEMAP_SCAN, &arg);

        if (nr < 0) {
            return -errno;
        }
        for (int i = 0; i < nr; i++) {
            const struct wherry_page_region *r = &regions[i];

            if (!(r->categories & WHERRY_PAGE_IS_PFNZERO)) {
                hole_query_data(q, MAX(r->start, base) - base,
                                r->end - base);
            }
        }
        /* It stops early when the array is full; never without a step. */
        if (arg.walk_end <= arg.start) {
            return -EIO;
        }
        arg.start = arg.walk_end;
    }
    return 0;
}

static int pagemap_query(const HoleMap *hm, HoleQuery *q)
{
    const uint64_t page = qemu_real_host_page_size();
    const uint64_t base = (uintptr_t)hm->region.host + q->start_bytes;
    const uint64_t end = base + q->len_bytes;
    uint64_t addr = QEMU_ALIGN_DOWN(base, page);
    uint64_t words[PAGEMAP_WORDS];
    int err = pagemap_check(hm);

    if (err) {
        return err;
    }
    while (addr < end) {
        size_t want = MIN(DIV_ROUND_UP(end - addr, page), PAGEMAP_WORDS);
        ssize_t got = pread(hm->pagemap_fd, words, want * sizeof(words[0]),
                            addr / page * sizeof(words[0]));

        if (got < (ssize_t)sizeof(words[0])) {
            return got < 0 ? -errno : -EIO;
        }
        for (size_t i = 0; i < got / sizeof(words[0]); i++, addr += page) {
            if (words[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) {
                hole_query_data(q, MAX(addr, base) - base,
                                addr + page - base);
            }
        }
    }
    return 0;
}

const HoleMethod hole_method_pagemap_scan = {
    .name = "pagemap-scan",
    .usable = pagemap_usable,
    .query = pagemap_scan_query,
};

const HoleMethod hole_method_pagemap = {
    .name = "pagemap",
    .usable = pagemap_usable,
    .query = pagemap_query,
};
