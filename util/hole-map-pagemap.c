/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holes of private anonymous memory, by this process's page tables.
 *
 * Entered through hole-map.c, by several threads at once.  Two ways: the
 * PAGEMAP_SCAN ioctl (Linux 6.7), which also tells the shared zero page from
 * others, and reading one 64-bit word a page.
 *
 * A page that is in memory or swapped is data; so is one that is being moved
 * and one with a marker of userfaultfd, which both look swapped.  But the words
 * of a huge page of hugetlb are all zero while it is moved, and then it looks
 * like a hole: these are asked for by the ioctl only.
 */
#include "qemu/osdep.h"

#include <sys/ioctl.h>

#include "linux/pagemap_scan.h"
#include "hole-map-internal.h"

/* Words of /proc/PID/pagemap. */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)

/* Words read at once, twice: 8 KiB of stack for 2 MiB of memory. */
#define PAGEMAP_WORDS 512

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

static bool pagemap_words_usable(const HoleMap *hm)
{
    return !hm->region.hugetlb && pagemap_usable(hm);
}

static int pagemap_read(const HoleMap *hm, uint64_t addr, uint64_t *words,
                        size_t nr)
{
    ssize_t got = pread(hm->pagemap_fd, words, nr * sizeof(words[0]),
                        addr / qemu_real_host_page_size() * sizeof(words[0]));

    if (got < 0) {
        return -errno;
    }
    return (size_t)got == nr * sizeof(words[0]) ? 0 : -EIO;
}

static bool pagemap_word_is_data(uint64_t word)
{
    return word & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED);
}

/*
 * Before Linux 6.5 a read that meets a page table which is just being replaced
 * leaves its words out: those behind it move up, and a page may get the word of
 * another, which is a hole.  So a hole is one only if it is asked twice.
 */
static int pagemap_read_twice(const HoleMap *hm, uint64_t addr,
                              uint64_t *words, size_t nr)
{
    uint64_t again[PAGEMAP_WORDS];
    int err = pagemap_read(hm, addr, words, nr);
    size_t i = 0;

    while (!err && i < nr && pagemap_word_is_data(words[i])) {
        i++;
    }
    if (err || i == nr) {
        return err;
    }
    err = pagemap_read(hm, addr, again, nr);
    for (i = 0; !err && i < nr; i++) {
        words[i] |= again[i];
    }
    return err;
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

        err = pagemap_read_twice(hm, addr, words, want);
        if (err) {
            return err;
        }
        for (size_t i = 0; i < want; i++, addr += page) {
            if (pagemap_word_is_data(words[i])) {
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
    .usable = pagemap_words_usable,
    .query = pagemap_query,
};
