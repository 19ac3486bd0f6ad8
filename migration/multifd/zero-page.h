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
 * Threads: each detector and its batches belong to one thread.  This header
 * owns no locks.
 */
#ifndef MIGRATION_MULTIFD_ZERO_PAGE_H
#define MIGRATION_MULTIFD_ZERO_PAGE_H

#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include "qemu/bitmap.h"

typedef struct ZeroPageDetector ZeroPageDetector;

/*
 * A question and its answer.  Made by zero_page_batch_new(), filled by the
 * caller, and left alone by it from submit until wait returns.
 */
typedef struct ZeroPageBatch {
    unsigned max_pages;
    size_t page_size;           /* bytes */
    /*
     * question: addresses of @nr_pages pages, at most @max_pages; each is read,
     * so that none may be a hole that is to stay one
     */
    const uint8_t **page;
    unsigned nr_pages;
    /* answer: bit i is set when page i is zero */
    unsigned long *zero;
} ZeroPageBatch;

typedef struct ZeroPageDetectorOps {
    /* e.g. "cpu"; for trace points */
    const char *name;
    /* bytes of the detector's own kind of batch, which begins with ours */
    size_t batch_size;
    /* NULL: nothing of its own in a batch */
    void (*batch_init)(ZeroPageDetector *d, ZeroPageBatch *batch);
    void (*submit)(ZeroPageDetector *d, ZeroPageBatch *batch);
    /* NULL: submit has answered */
    void (*wait)(ZeroPageDetector *d, ZeroPageBatch *batch);
    void (*free)(ZeroPageDetector *d);
} ZeroPageDetectorOps;

/* The part that every detector's own struct begins with. */
struct ZeroPageDetector {
    const ZeroPageDetectorOps *ops;
    /* batches that should be under way at once, 1 or more */
    unsigned depth;
};

/* Most batches under way at once, of any detector. */
#define ZERO_PAGE_DEPTH_MAX 4

/**
 * zero_page_batch_new:
 * @d: the detector that will be asked; outlives the batch
 * @max_pages: most pages of a question, 1 or more
 * @page_size: bytes of a page
 *
 * Returns: an empty batch, to be freed with zero_page_batch_free()
 */
ZeroPageBatch *zero_page_batch_new(ZeroPageDetector *d, unsigned max_pages,
                                   size_t page_size);

/**
 * zero_page_batch_free:
 * @batch: a batch that is not under way, or NULL
 */
void zero_page_batch_free(ZeroPageBatch *batch);

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
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ZeroPageBatch, zero_page_batch_free)

#endif
