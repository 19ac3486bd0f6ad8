/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The detector that reads the pages.
 *
 * Threads: a detector belongs to one thread.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_ZERO_PAGE_CPU_H
#define MIGRATION_MULTIFD_ZERO_PAGE_CPU_H

#include "migration/multifd/zero-page.h"

/**
 * zero_page_detector_new_cpu:
 *
 * Returns: a detector that is fastest where the pages of a batch follow each
 *          other, for it has them mapped by windows of the kernel's
 */
ZeroPageDetector *zero_page_detector_new_cpu(void);

#endif /* MIGRATION_MULTIFD_ZERO_PAGE_CPU_H */
