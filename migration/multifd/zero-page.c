/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all detectors have in common: their batches, and the way to their
 * operations.
 *
 * Runs in the thread that owns the detector.
 */
#include "qemu/osdep.h"
#include "migration/multifd/zero-page.h"

ZeroPageBatch *zero_page_batch_new(ZeroPageDetector *d, unsigned max_pages,
                                   size_t page_size)
{
    ZeroPageBatch *batch = g_malloc0(MAX(d->ops->batch_size, sizeof(*batch)));

    batch->max_pages = max_pages;
    batch->page_size = page_size;
    batch->page = g_new0(const uint8_t *, max_pages);
    batch->zero = bitmap_new(max_pages);
    if (d->ops->batch_init) {
        d->ops->batch_init(d, batch);
    }
    return batch;
}

void zero_page_batch_free(ZeroPageBatch *batch)
{
    if (batch) {
        g_free(batch->zero);
        g_free(batch->page);
        g_free(batch);
    }
}

void zero_page_submit(ZeroPageDetector *d, ZeroPageBatch *batch)
{
    d->ops->submit(d, batch);
}

void zero_page_wait(ZeroPageDetector *d, ZeroPageBatch *batch)
{
    if (d->ops->wait) {
        d->ops->wait(d, batch);
    }
}

void zero_page_detector_free(ZeroPageDetector *d)
{
    if (d) {
        d->ops->free(d);
    }
}
