/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The detector that asks a DSA device.
 *
 * Adaptive, it takes a look at each page first, a few words of it: most normal
 * pages end there and cost the device nothing.  Where zero pages are rare it
 * steps back from the device, for then a submission would be for next to
 * nothing: the CPU tests the pages that pass the look, and thereby learns when
 * the device pays again.
 *
 * Threads: a detector belongs to one thread; its counters are read by any.
 * This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_ZERO_PAGE_DSA_H
#define MIGRATION_MULTIFD_ZERO_PAGE_DSA_H

#include <stdbool.h>
#include <stdint.h>
#include "migration/multifd/zero-page.h"
#include "qemu/dsa-batch.h"

/* Written by the detector's thread, read by any: atomics. */
typedef struct ZeroPageDsaCounters {
    uint64_t looked_pages;      /* the look found a byte */
    uint64_t stepped_back_pages; /* tested by the CPU: zero pages are rare */
    uint64_t steps_back;        /* times that was decided */
} ZeroPageDsaCounters;

/**
 * zero_page_detector_new_dsa:
 * @lane: where batches go; outlives the detector and its batches
 * @adaptive: whether to look first, and to step back where zero pages are rare
 * @counters: zeroed; outlives the detector
 *
 * Returns: a detector for the thread that has the lane; its batches are of up
 *          to DSA_BATCH_PAGES_MAX pages of 64 bytes or more
 */
ZeroPageDetector *zero_page_detector_new_dsa(DsaLane *lane, bool adaptive,
                                             ZeroPageDsaCounters *counters);

#endif
