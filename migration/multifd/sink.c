/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where pages enter multifd: runs of pages are gathered into packets of one
 * block each and queued for the channels, runs of holes as they are.
 *
 * Entered by the migration thread only.  Except with zero-page-detection
 * `legacy`, nothing here looks at a page.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "migration/multifd/send-internal.h"
#include "migration/multifd/zero-page-cpu.h"

/* Charges what @job will be on the wire, as far as one can tell, and queues it. */
static bool multifd_sink_queue(MultiFDSend *send, MultiFDJob *job,
                               int64_t len_bytes, Error **errp)
{
    job->charged_bytes = len_bytes;
    rate_limit_charge(send->rate, len_bytes);
    if (!multifd_queue_put(send->queue, job)) {
        return multifd_send_reason(send, errp);
    }
    pause_point(send->config->pause_points, PAUSE_POINT_AFTER_SUBMIT);
    return true;
}

/* Queues the job that is being filled, if there is one. */
static bool multifd_sink_submit(MultiFDSend *send, Error **errp)
{
    MultiFDJob *job = g_steal_pointer(&send->job);
    unsigned nr_charged;

    if (!job) {
        return true;
    }
    /* Of holes only those that go out as normal pages, give or take one. */
    nr_charged = job->nr_data +
                 DIV_ROUND_UP(job->nr_holes * send->normal_page_ratio, 100);
    return multifd_sink_queue(send, job,
                              (int64_t)nr_charged << TARGET_PAGE_BITS, errp);
}

/* Sees to it that send->job is of @block and has room. */
static bool multifd_sink_open_job(MultiFDSend *send, RAMBlock *block,
                                  Error **errp)
{
    if (send->job && send->job->block != block &&
        !multifd_sink_submit(send, errp)) {
        return false;
    }
    if (!send->job) {
        send->job = multifd_queue_get(send->queue);
        if (!send->job) {
            return multifd_send_reason(send, errp);
        }
        send->job->block = block;
    }
    return true;
}

static void multifd_job_add(MultiFDJob *job, uint64_t first_page,
                            unsigned nr_pages, PageRunKind kind)
{
    uint64_t *data = &job->page[job->nr_data];
    uint64_t *hole = &job->page[job->max_pages - job->nr_holes];

    if (kind == PAGE_RUN_HOLE) {
        for (unsigned i = 0; i < nr_pages; i++) {
            *--hole = first_page + i;
        }
        job->nr_holes += nr_pages;
    } else {
        for (unsigned i = 0; i < nr_pages; i++) {
            data[i] = first_page + i;
        }
        job->nr_data += nr_pages;
    }
}

static bool multifd_sink_add(MultiFDSend *send, RAMBlock *block,
                             uint64_t first_page, uint64_t nr_pages,
                             PageRunKind kind, Error **errp)
{
    while (nr_pages > 0) {
        MultiFDJob *job;
        unsigned room;
        uint64_t nr;

        if (!multifd_sink_open_job(send, block, errp)) {
            return false;
        }
        job = send->job;
        room = job->max_pages - job->nr_data - job->nr_holes;
        nr = MIN(nr_pages, room);
        multifd_job_add(job, first_page, nr, kind);
        if (nr == room && !multifd_sink_submit(send, errp)) {
            return false;
        }
        first_page += nr;
        nr_pages -= nr;
    }
    return true;
}

/*
 * As many holes as fill packets are one job, for which nobody writes a page list
 * or looks at a page; the packet that is being filled stays open meanwhile, and
 * takes the rest.  Unless some are to go out as normal pages: which, the channel
 * decides page by page.
 */
static bool multifd_sink_add_holes(MultiFDSend *send, RAMBlock *block,
                                   uint64_t first_page, uint64_t nr_pages,
                                   Error **errp)
{
    uint64_t nr_packets = nr_pages / send->packet_pages;

    if (send->normal_page_ratio == 0 && nr_packets > 0) {
        MultiFDJob *job = multifd_queue_get(send->queue);

        if (!job) {
            return multifd_send_reason(send, errp);
        }
        job->block = block;
        job->run_first = first_page;
        job->run_nr_pages = nr_packets * send->packet_pages;
        first_page += job->run_nr_pages;
        nr_pages -= job->run_nr_pages;
        if (!multifd_sink_queue(send, job, (int64_t)(nr_packets *
                                multifd_packet_len(send->packet_pages)),
                                errp)) {
            return false;
        }
    }
    return multifd_sink_add(send, block, first_page, nr_pages, PAGE_RUN_HOLE,
                            errp);
}

/* Zero pages of `legacy`: records on the main channel. */
static bool multifd_sink_put_zero(MultiFDSend *send, RAMBlock *block,
                                  uint64_t first_page, uint64_t nr_pages,
                                  PageRunKind kind, Error **errp)
{
    PageSink *main_sink = send->main_sink;

    return main_sink->ops->put_run(main_sink, block, first_page, nr_pages,
                                   kind, errp);
}

/* Finds zero pages here and now, as QEMU before 9.0 did. */
static bool multifd_sink_put_legacy(MultiFDSend *send, RAMBlock *block,
                                    uint64_t first_page, unsigned nr_pages,
                                    Error **errp)
{
    ZeroPageBatch *batch = send->batch;
    unsigned end;
    bool ok = true;

    batch->nr_pages = nr_pages;
    for (unsigned i = 0; i < nr_pages; i++) {
        batch->page[i] = block->host + ((first_page + i) << TARGET_PAGE_BITS);
    }
    zero_page_submit(send->legacy, batch);
    zero_page_wait(send->legacy, batch);
    for (unsigned at = 0; ok && at < nr_pages; at = end) {
        if (test_bit(at, batch->zero)) {
            end = find_next_zero_bit(batch->zero, nr_pages, at);
            ok = multifd_sink_put_zero(send, block, first_page + at, end - at,
                                       PAGE_RUN_ZERO, errp);
        } else {
            end = find_next_bit(batch->zero, nr_pages, at);
            ok = multifd_sink_add(send, block, first_page + at, end - at,
                                  PAGE_RUN_DATA, errp);
        }
    }
    return ok;
}

static bool multifd_sink_put_run(PageSink *sink, RAMBlock *block,
                                 uint64_t first_page, uint64_t nr_pages,
                                 PageRunKind kind, Error **errp)
{
    MultiFDSend *send = container_of(sink, MultiFDSend, sink);

    if (kind == PAGE_RUN_HOLE) {
        return send->legacy
               ? multifd_sink_put_zero(send, block, first_page, nr_pages, kind,
                                       errp)
               : multifd_sink_add_holes(send, block, first_page, nr_pages,
                                        errp);
    }
    if (!send->legacy) {
        return multifd_sink_add(send, block, first_page, nr_pages, kind, errp);
    }
    while (nr_pages > 0) {
        unsigned nr = MIN(nr_pages, (uint64_t)PAGE_SINK_RUN_MAX);

        if (!multifd_sink_put_legacy(send, block, first_page, nr, errp)) {
            return false;
        }
        first_page += nr;
        nr_pages -= nr;
    }
    return true;
}

static bool multifd_sink_flush(PageSink *sink, Error **errp)
{
    return multifd_sink_submit(container_of(sink, MultiFDSend, sink), errp);
}

static bool multifd_sink_sync(PageSink *sink, Error **errp)
{
    MultiFDSend *send = container_of(sink, MultiFDSend, sink);

    if (!multifd_sink_submit(send, errp)) {
        return false;
    }
    pause_point(send->config->pause_points, PAUSE_POINT_BEFORE_SYNC);
    return multifd_queue_sync(send->queue) || multifd_send_reason(send, errp);
}

static const PageSinkOps multifd_sink_ops = {
    .put_run = multifd_sink_put_run,
    .flush = multifd_sink_flush,
    .sync = multifd_sink_sync,
};

void multifd_sink_init(MultiFDSend *send)
{
    send->sink.ops = &multifd_sink_ops;
    send->sink.needs_sync = true;
    if (send->config->zero_page_detection == ZERO_PAGE_DETECTION_LEGACY) {
        send->legacy = zero_page_detector_new_cpu();
        send->batch = zero_page_batch_new(send->legacy, PAGE_SINK_RUN_MAX,
                                          TARGET_PAGE_SIZE);
    }
}
