/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is the same for all detectors: the calls themselves.
 *
 * Runs in the detector's thread.  How pages are looked at is the kinds' matter,
 * zero-page-cpu.c and its siblings.
 */
#include "qemu/osdep.h"
#include "migration/multifd/zero-page.h"

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
