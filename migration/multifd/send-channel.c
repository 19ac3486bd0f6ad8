/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One sending channel: takes a packet's pages from the queue, sorts zero pages
 * from normal ones, and writes header and content at once.
 *
 * Entered by multifdsend_N; greeting and life cycle by the migration thread.
 * Which pages make a packet is decided in sink.c.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "migration/multifd/send-internal.h"
#include "migration/trace.h"

/*
 * What a hole is sent from when it may not be sent as a zero entry: reading the
 * hole itself would populate it.
 */
static const uint8_t zero_page[TARGET_PAGE_SIZE];

MultiFDSendChannel *multifd_send_channel_new(MultiFDSend *send, unsigned id,
                                             QIOChannel *ioc)
{
    MultiFDSendChannel *c = g_new0(MultiFDSendChannel, 1);
    g_autofree char *name = g_strdup_printf("multifd channel %u", id);

    c->send = send;
    c->id = id;
    c->ioc = qio_channel_ref(ioc);
    qio_channel_set_name(ioc, name);
    if (send->config->zero_page_detection == ZERO_PAGE_DETECTION_MULTIFD) {
        c->detector = zero_page_detector_new_cpu();
    }
    return c;
}

void multifd_send_channel_free(MultiFDSendChannel *c)
{
    if (c) {
        zero_page_detector_free(c->detector);
        qio_channel_unref(c->ioc);
        g_free(c);
    }
}

bool multifd_send_channel_greet(MultiFDSendChannel *c, Error **errp)
{
    uint8_t wire[MULTIFD_GREETING_LEN];

    multifd_greeting_encode(wire, &c->send->config->uuid, c->id);
    if (!qio_channel_write_all(c->ioc, wire, sizeof(wire), errp)) {
        return false;
    }
    qatomic_add(&c->send->stats->multifd_bytes, sizeof(wire));
    return true;
}

static const uint8_t *job_host(const MultiFDJob *job, uint64_t page)
{
    return job->block->host + (page << TARGET_PAGE_BITS);
}

/* Answers in c->batch.zero which of the job's pages, holes aside, are zero. */
static void multifd_send_channel_detect(MultiFDSendChannel *c,
                                        const MultiFDJob *job)
{
    ZeroPageBatch *batch = &c->batch;

    if (!c->detector) {
        bitmap_zero(batch->zero, ZERO_PAGE_BATCH_MAX);
        return;
    }
    batch->nr_pages = job->nr_data;
    batch->page_size = TARGET_PAGE_SIZE;
    for (unsigned i = 0; i < job->nr_data; i++) {
        batch->page[i] = job_host(job, job->page[i]);
    }
    zero_page_submit(c->detector, batch);
    zero_page_wait(c->detector, batch);
}

/* Appends a page of content; neighbours share an entry of the vector. */
static void multifd_send_channel_add_content(MultiFDSendChannel *c,
                                             const uint8_t *host)
{
    struct iovec *last = &c->iov[c->nr_iov - 1];

    if (c->nr_iov > 1 && (uint8_t *)last->iov_base + last->iov_len == host) {
        last->iov_len += TARGET_PAGE_SIZE;
        return;
    }
    c->iov[c->nr_iov++] = (struct iovec) {
        .iov_base = (void *)host,
        .iov_len = TARGET_PAGE_SIZE,
    };
}

/*
 * Fills c->page and the content's part of c->iov.  Both sorts keep the order of
 * the job, so that runs stay runs here and at the other end.
 * Returns the number of normal pages.
 */
static unsigned multifd_send_channel_sort(MultiFDSendChannel *c,
                                          const MultiFDJob *job)
{
    bool holes_are_normal =
        c->send->config->zero_page_detection == ZERO_PAGE_DETECTION_NONE;
    const uint64_t *holes = &job->page[MULTIFD_PACKET_PAGES - job->nr_holes];
    unsigned nr = 0;
    unsigned nr_normal;

    for (unsigned i = 0; i < job->nr_data; i++) {
        if (!test_bit(i, c->batch.zero)) {
            multifd_send_channel_add_content(c, job_host(job, job->page[i]));
            c->page[nr++] = job->page[i];
        }
    }
    nr_normal = nr;
    for (unsigned i = 0; i < job->nr_data; i++) {
        if (test_bit(i, c->batch.zero)) {
            c->page[nr++] = job->page[i];
        }
    }
    for (unsigned i = job->nr_holes; i > 0; i--) {
        c->page[nr++] = holes[i - 1];
    }
    if (holes_are_normal) {
        for (unsigned i = 0; i < job->nr_holes; i++) {
            multifd_send_channel_add_content(c, zero_page);
        }
        nr_normal = nr;
    }
    return nr_normal;
}

static bool multifd_send_channel_job(MultiFDSendChannel *c,
                                     const MultiFDJob *job, Error **errp)
{
    MigrationCounters *stats = c->send->stats;
    unsigned nr_pages = job->nr_data + job->nr_holes;
    unsigned nr_normal, nr_zero;
    uint64_t len_bytes;

    multifd_send_channel_detect(c, job);
    c->nr_iov = 1;
    nr_normal = multifd_send_channel_sort(c, job);
    nr_zero = nr_pages - nr_normal;
    multifd_packet_encode(&c->header, job->packet_num, job->block->idstr,
                          c->page, nr_normal, nr_zero);
    c->iov[0] = (struct iovec) { &c->header, sizeof(c->header) };
    len_bytes = sizeof(c->header) + ((uint64_t)nr_normal << TARGET_PAGE_BITS);
    trace_multifd_send(c->id, job->packet_num, nr_normal, nr_zero);

    /* Zero pages were charged in full, the header was not. */
    rate_limit_charge(c->send->rate, (int64_t)len_bytes - job->charged_bytes);
    if (!qio_channel_writev_all(c->ioc, c->iov, c->nr_iov, errp)) {
        return false;
    }
    qatomic_add(&stats->normal_pages, nr_normal);
    if (nr_zero > 0) {
        /* None of them when holes went out as normal pages. */
        qatomic_add(&stats->hole_pages, job->nr_holes);
        qatomic_add(&stats->zero_pages, nr_zero);
    }
    qatomic_add(&stats->multifd_bytes, len_bytes);
    return true;
}

static bool multifd_send_channel_sync(MultiFDSendChannel *c, Error **errp)
{
    trace_multifd_send_sync(c->id, c->taker.packet_num);
    multifd_packet_encode_sync(&c->header, c->taker.packet_num);
    rate_limit_charge(c->send->rate, sizeof(c->header));
    if (!qio_channel_write_all(c->ioc, &c->header, sizeof(c->header), errp)) {
        return false;
    }
    qatomic_add(&c->send->stats->multifd_bytes, sizeof(c->header));
    multifd_queue_synced(c->send->queue);
    return true;
}

void *multifd_send_channel_thread(void *opaque)
{
    MultiFDSendChannel *c = opaque;
    Error *err = NULL;
    bool ok = true;

    while (ok) {
        switch (multifd_queue_take(c->send->queue, &c->taker)) {
        case MULTIFD_TAKE_JOB:
            ok = multifd_send_channel_job(c, c->taker.job, &err);
            break;
        case MULTIFD_TAKE_SYNC:
            ok = multifd_send_channel_sync(c, &err);
            break;
        case MULTIFD_TAKE_CLOSED:
            return NULL;
        }
    }
    multifd_send_fail(c->send, err);
    return NULL;
}
