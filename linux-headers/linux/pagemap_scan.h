/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PAGEMAP_SCAN ioctl on /proc/PID/pagemap, since Linux 6.7.
 *
 * Written for this tree from the kernel's binary interface, because older
 * distributions' <linux/fs.h> lacks it.  Every name has a prefix of ours, so
 * that a file may include both; a unit test compares the two where the
 * system's has it.
 */
#ifndef LINUX_HEADERS_PAGEMAP_SCAN_H
#define LINUX_HEADERS_PAGEMAP_SCAN_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Categories of a page. */
#define WHERRY_PAGE_IS_WPALLOWED    (1ull << 0)  /* write-protect tracked */
#define WHERRY_PAGE_IS_WRITTEN      (1ull << 1)  /* written since protected */
#define WHERRY_PAGE_IS_FILE         (1ull << 2)  /* file-backed */
#define WHERRY_PAGE_IS_PRESENT      (1ull << 3)  /* in memory */
#define WHERRY_PAGE_IS_SWAPPED      (1ull << 4)  /* swap entry or marker */
#define WHERRY_PAGE_IS_PFNZERO      (1ull << 5)  /* the shared zero page */
#define WHERRY_PAGE_IS_HUGE         (1ull << 6)  /* mapped by a huge entry */
#define WHERRY_PAGE_IS_SOFT_DIRTY   (1ull << 7)  /* soft-dirty */

/* Flags of the scan. */
#define WHERRY_PM_SCAN_WP_MATCHING   (1ull << 0)
#define WHERRY_PM_SCAN_CHECK_WPASYNC (1ull << 1)

/* A run of pages of the same categories; addresses in bytes. */
struct wherry_page_region {
    __u64 start;
    __u64 end;
    __u64 categories;
};

struct wherry_pm_scan_arg {
    __u64 size;                 /* of this struct */
    __u64 flags;
    __u64 start;                /* first address, aligned to a page */
    __u64 end;                  /* address behind the last page */
    __u64 walk_end;             /* out: where the scan stopped */
    __u64 vec;                  /* address of the array of regions */
    __u64 vec_len;              /* its elements */
    __u64 max_pages;            /* 0 for no limit */
    __u64 category_inverted;
    __u64 category_mask;
    __u64 category_anyof_mask;
    __u64 return_mask;
};

/* Returns how many regions were filled in, or -1 with errno. */
#define WHERRY_PAGEMAP_SCAN _IOWR('f', 16, struct wherry_pm_scan_arg)

#endif /* LINUX_HEADERS_PAGEMAP_SCAN_H */
