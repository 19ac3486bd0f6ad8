/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One sending channel: takes packets from the queue, has a detector look at
 * their pages, and sends them in the order in which they were taken.  With a
 * detector that is worth it, the next packets are handed to it before the
 * answer for the first one is waited for.
 *
 * Entered by multifdsend_N; greeting and life cycle by the migration thread.
 * Which pages make a packet is decided in sink.c, what is written in
 * send-packet.c, and with how many calls in send-buffer.c.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "migration/multifd/send-buffer.h"
#include "migration/multifd/send-file.h"
#include "migration/multifd/send-internal.h"
#include "migration/trace.h"

MultiFDSendChannel *multifd_send_channel_new(MultiFDSend *send, unsigned id,
                                             QIOChannel *ioc)
{
    MultiFDSendChannel *c = g_new0(MultiFDSendChannel, 1);
    g_autofree char *name = g_strdup_printf("multifd channel %u", id);

    c->send = send;
    c->id = id;
    if (ioc) {
        c->ioc = qio_channel_ref(ioc);
        qio_channel_set_name(ioc, name);
    }
    if (send->detector_func) {
        c->detector = send->detector_func(send->detector_opaque);
    }
    /* The queue has jobs for no more than ZERO_PAGE_DEPTH_MAX. */
    c->depth = c->detector ? MIN(c->detector->depth, ZERO_PAGE_DEPTH_MAX) : 1;
    c->slots = g_new0(MultiFDSendSlot, c->depth);
    for (unsigned i = 0; c->detector && i < c->depth; i++) {
        c->slots[i].batch = zero_page_batch_new(c->detector, send->packet_pages,
                                                TARGET_PAGE_SIZE);
    }
    c->page = g_new(uint64_t, send->packet_pages);
    multifd_send_buffer_init(c, send->packet_pages);
    return c;
}

void multifd_send_channel_free(MultiFDSendChannel *c)
{
    if (!c) {
        return;
    }
    for (unsigned i = 0; i < c->depth; i++) {
        zero_page_batch_free(c->slots[i].batch);
    }
    zero_page_detector_free(c->detector);
    qio_channel_unref(c->ioc);
    multifd_send_file_free(c->file);
    multifd_send_buffer_destroy(c);
    multifd_compressor_free(c->compressor);
    g_free(c->page);
    g_free(c->slots);
    g_free(c);
}

bool multifd_send_channel_greet(MultiFDSendChannel *c, Error **errp)
{
    uint8_t wire[MULTIFD_GREETING_LEN];

    multifd_greeting_encode(wire, &c->send->config->uuid, c->id,
                            c->send->packet_pages);
    if (!qio_channel_write_all(c->ioc, wire, sizeof(wire), errp)) {
        return false;
    }
    qatomic_add(&c->send->stats->multifd_bytes, sizeof(wire));
    return true;
}

/* Has the detector look at the job's pages, holes aside. */
static void multifd_send_channel_submit(MultiFDSendChannel *c, MultiFDJob *job)
{
    unsigned i = (c->first + c->nr_under_way++) % c->depth;
    ZeroPageBatch *batch = c->slots[i].batch;
    const uint8_t *host = job->block->host;

    c->slots[i].job = job;
    trace_multifd_send_submit(c->id, job->packet_num, job->nr_data,
                              c->nr_under_way);
    /* A packet of holes has nothing to look at. */
    if (!c->detector || job->nr_data == 0) {
        return;
    }
    batch->nr_pages = job->nr_data;
    for (unsigned p = 0; p < job->nr_data; p++) {
        batch->page[p] = host + (job->page[p] << TARGET_PAGE_BITS);
    }
    zero_page_submit(c->detector, batch);
}

/* Waits for what was submitted first, which then is no longer under way. */
static MultiFDSendSlot *multifd_send_channel_wait(MultiFDSendChannel *c)
{
    MultiFDSendSlot *slot = &c->slots[c->first];

    c->first = (c->first + 1) % c->depth;
    c->nr_under_way--;
    if (c->detector && slot->job->nr_data > 0) {
        zero_page_wait(c->detector, slot->batch);
    }
    return slot;
}

/* Sends what was submitted first.  Returns its job, or NULL. */
static MultiFDJob *multifd_send_channel_finish(MultiFDSendChannel *c,
                                               Error **errp)
{
    MultiFDSendSlot *slot = multifd_send_channel_wait(c);
    unsigned long *zero = slot->batch ? slot->batch->zero : NULL;
    bool ok;

    if (c->file) {
        ok = multifd_send_file_job(c, slot->job, zero, errp);
    } else if (slot->job->run_nr_pages > 0) {
        ok = multifd_send_run(c, slot->job, errp);
    } else {
        ok = multifd_send_packet(c, slot->job, zero, errp);
    }
    return ok ? slot->job : NULL;
}

/* Sends what the queue gives until it is closed.  Returns false on errors. */
static bool multifd_send_channel_run(MultiFDSendChannel *c, Error **errp)
{
    MultiFDQueue *queue = c->send->queue;
    MultiFDJob *done = NULL;

    for (;;) {
        MultiFDTake take;

        c->taker.unsent = c->buffer.nr_headers > 0;
        take = multifd_queue_take(queue, &c->taker, done);
        done = NULL;
        switch (take) {
        case MULTIFD_TAKE_JOB:
            multifd_send_channel_submit(c, c->taker.job);
            if (c->nr_under_way < c->depth) {
                continue;
            }
            break;
        case MULTIFD_TAKE_NOTHING:
            if (c->nr_under_way > 0) {
                break;
            }
            /* What waits for company would now wait for ever. */
            if (!multifd_send_buffer_flush(c, errp)) {
                return false;
            }
            continue;
        case MULTIFD_TAKE_SYNC:
            if (c->file ? !multifd_send_file_sync(c, errp)
                        : !multifd_send_sync(c, c->taker.packet_num, errp)) {
                return false;
            }
            multifd_queue_synced(queue);
            continue;
        case MULTIFD_TAKE_CLOSED:
            return true;
        }
        done = multifd_send_channel_finish(c, errp);
        if (!done) {
            return false;
        }
    }
}

void *multifd_send_channel_thread(void *opaque)
{
    MultiFDSendChannel *c = opaque;
    Error *err = NULL;

    if (!multifd_send_channel_run(c, &err)) {
        multifd_send_fail(c->send, err);
    }
    /* A device must not look at pages, or write answers, after our end. */
    while (c->nr_under_way > 0) {
        multifd_send_channel_wait(c);
    }
    return NULL;
}
