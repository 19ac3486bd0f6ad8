/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What <linux/userfaultfd.h> of older distributions lacks: write-protection
 * that the kernel lifts by itself on a write (asynchronous mode), since
 * Linux 6.7.
 *
 * Written for this tree from the kernel's binary interface.  Every name has a
 * prefix of ours, so that a file may include both; a unit test compares the
 * two where the system's has it.  All else is old enough for the system's.
 */
#ifndef LINUX_HEADERS_USERFAULTFD_WP_H
#define LINUX_HEADERS_USERFAULTFD_WP_H

#include <linux/userfaultfd.h>

/* Flag of the system call: faults of user code only; needs no privilege. */
#define WHERRY_UFFD_USER_MODE_ONLY 1

/* Features of UFFDIO_API. */
#define WHERRY_UFFD_FEATURE_WP_HUGETLBFS_SHMEM (1u << 12)
#define WHERRY_UFFD_FEATURE_WP_UNPOPULATED     (1u << 13)
#define WHERRY_UFFD_FEATURE_WP_ASYNC           (1u << 15)

#endif /* LINUX_HEADERS_USERFAULTFD_WP_H */
