/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The detector that reads the pages itself.
 *
 * Runs in the detector's thread and answers in submit.  The vector code is
 * util's.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "migration/multifd/zero-page-cpu.h"

static void zero_page_cpu_submit(ZeroPageDetector *d, ZeroPageBatch *batch)
{
    buffer_zero_pages(batch->page, batch->page_size, batch->nr_pages,
                      batch->zero);
}

static void zero_page_cpu_free(ZeroPageDetector *d)
{
    g_free(d);
}

static const ZeroPageDetectorOps zero_page_cpu_ops = {
    .name = "cpu",
    .submit = zero_page_cpu_submit,
    .free = zero_page_cpu_free,
};

ZeroPageDetector *zero_page_detector_new_cpu(void)
{
    ZeroPageDetector *d = g_new0(ZeroPageDetector, 1);

    d->ops = &zero_page_cpu_ops;
    d->depth = 1;
    return d;
}
