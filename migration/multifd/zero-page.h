/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Detectors: what sorts pages into zero and normal.  A detector knows host
 * addresses, a count and a page size, and answers with a bitmap; it knows
 * nothing of RAM blocks, packets and channels.
 *
 * A batch is handed over with submit and answered when wait returns, so that a
 * device can look at one packet while another is sent.  A detector that does
 * the work itself has the answer when submit returns.
 *
 * Threads: each detector belongs to one thread.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_ZERO_PAGE_H
#define MIGRATION_MULTIFD_ZERO_PAGE_H

#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include "qemu/bitmap.h"

/* Most pages in a batch: one packet's. */
#define ZERO_PAGE_BATCH_MAX 128

typedef struct ZeroPageDetector ZeroPageDetector;

/* The caller's; stays put from submit until wait returns. */
typedef struct ZeroPageBatch {
    /* question: @nr_pages addresses of @page_size bytes each */
    const uint8_t *page[ZERO_PAGE_BATCH_MAX];
    unsigned nr_pages;
    size_t page_size;
    /* answer: bit i is set when page i is zero */
    DECLARE_BITMAP(zero, ZERO_PAGE_BATCH_MAX);
} ZeroPageBatch;

typedef struct ZeroPageDetectorOps {
    /* e.g. "cpu"; for trace points */
    const char *name;
    void (*submit)(ZeroPageDetector *d, ZeroPageBatch *batch);
    /* NULL: submit has answered */
    void (*wait)(ZeroPageDetector *d, ZeroPageBatch *batch);
    void (*free)(ZeroPageDetector *d);
} ZeroPageDetectorOps;

/* The part that every detector's own struct begins with. */
struct ZeroPageDetector {
    const ZeroPageDetectorOps *ops;
};

/**
 * zero_page_detector_new_cpu:
 *
 * Returns: a detector that reads the pages, with the widest vectors there are
 */
ZeroPageDetector *zero_page_detector_new_cpu(void);

/**
 * zero_page_submit:
 * @d: a detector
 * @batch: pages to look at; their content may change meanwhile, the answer is
 *         then that of some moment in between
 *
 * Context: the detector's thread.
 */
void zero_page_submit(ZeroPageDetector *d, ZeroPageBatch *batch);

/**
 * zero_page_wait:
 * @d: a detector
 * @batch: a batch that was submitted to it; answered on return
 *
 * Never fails: what a device cannot tell is found out on the CPU.
 * Context: the detector's thread.
 */
void zero_page_wait(ZeroPageDetector *d, ZeroPageBatch *batch);

/**
 * zero_page_detector_free:
 * @d: a detector with no batch under way, or NULL
 */
void zero_page_detector_free(ZeroPageDetector *d);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ZeroPageDetector, zero_page_detector_free)

#endif
