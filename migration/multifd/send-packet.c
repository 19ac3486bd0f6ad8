/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sending channel writes: zero pages sorted from normal ones, header and
 * content with one call, and SYNCs.
 *
 * Entered by multifdsend_N.  Which pages are zero was found out before, in
 * send-channel.c.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/bitops.h"
#include "migration/multifd/send-internal.h"
#include "migration/trace.h"

/*
 * What a hole is sent from when it may not be sent as a zero entry: reading the
 * hole itself would populate it.
 */
static const uint8_t zero_page[TARGET_PAGE_SIZE];

/* How a packet's pages were sorted. */
typedef struct MultiFDSorted {
    unsigned nr_normal;
    unsigned nr_zero;           /* holes among them included */
    unsigned nr_zero_holes;
} MultiFDSorted;

/*
 * Whether the next zero page is to go out as a normal one.  What is left of
 * the ratio is carried to the next page, and to the next packet: so they are
 * evenly spread, and after any number of pages the share is right.
 */
static bool multifd_send_ratio_step(MultiFDSendChannel *c)
{
    c->ratio_rest += c->send->normal_page_ratio;
    if (c->ratio_rest < 100) {
        return false;
    }
    c->ratio_rest -= 100;
    return true;
}

/* Takes from @zero those zero pages that are to go out as normal ones. */
static void multifd_send_apply_ratio(MultiFDSendChannel *c, unsigned long *zero,
                                     unsigned nr_pages)
{
    for (unsigned i = find_first_bit(zero, nr_pages); i < nr_pages;
         i = find_next_bit(zero, nr_pages, i + 1)) {
        if (multifd_send_ratio_step(c)) {
            clear_bit(i, zero);
        }
    }
}

/* Appends a page of content; neighbours share an entry of the vector. */
static void multifd_send_add_content(MultiFDSendChannel *c, const uint8_t *host)
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

/* The job's holes, to c->page from @normal and from @zero on. */
static void multifd_send_sort_holes(MultiFDSendChannel *c,
                                    const MultiFDJob *job, unsigned normal,
                                    unsigned zero)
{
    const uint64_t *holes = &job->page[job->max_pages - job->nr_holes];

    for (unsigned i = job->nr_holes; i > 0; i--) {
        if (multifd_send_ratio_step(c)) {
            multifd_send_add_content(c, zero_page);
            c->page[normal++] = holes[i - 1];
        } else {
            c->page[zero++] = holes[i - 1];
        }
    }
}

/*
 * Fills c->page and the content's part of c->iov.  Normal and zero pages keep
 * the order of the job, so that runs stay runs here and at the other end; holes
 * come after the others of their sort.
 */
static void multifd_send_sort(MultiFDSendChannel *c, const MultiFDJob *job,
                              unsigned long *zero, MultiFDSorted *sorted)
{
    unsigned nr_zero_data = 0;
    unsigned nr_normal_holes, nr_zero_holes, normal, z;

    if (zero) {
        if (c->send->normal_page_ratio > 0) {
            multifd_send_apply_ratio(c, zero, job->nr_data);
        }
        nr_zero_data = bitmap_count_one(zero, job->nr_data);
    }
    /* So many steps of the ratio from here on go over 100. */
    nr_normal_holes = (c->ratio_rest +
                       job->nr_holes * c->send->normal_page_ratio) / 100;
    nr_zero_holes = job->nr_holes - nr_normal_holes;
    sorted->nr_zero = nr_zero_data + nr_zero_holes;
    sorted->nr_zero_holes = nr_zero_holes;
    sorted->nr_normal = job->nr_data + job->nr_holes - sorted->nr_zero;

    c->nr_iov = 1;
    normal = 0;
    z = sorted->nr_normal;
    for (unsigned i = 0; i < job->nr_data; i++) {
        uint64_t page = job->page[i];

        if (zero && test_bit(i, zero)) {
            c->page[z++] = page;
        } else {
            multifd_send_add_content(c, job->block->host +
                                        (page << TARGET_PAGE_BITS));
            c->page[normal++] = page;
        }
    }
    multifd_send_sort_holes(c, job, normal, z);
}

bool multifd_send_packet(MultiFDSendChannel *c, const MultiFDJob *job,
                         unsigned long *zero, Error **errp)
{
    MigrationCounters *stats = c->send->stats;
    size_t header_bytes = multifd_packet_len(c->send->packet_pages);
    MultiFDSorted sorted;
    uint64_t len_bytes;

    multifd_send_sort(c, job, zero, &sorted);
    multifd_packet_encode(c->header, c->send->packet_pages, job->packet_num,
                          job->block->idstr, c->page, sorted.nr_normal,
                          sorted.nr_zero);
    c->iov[0] = (struct iovec) { c->header, header_bytes };
    len_bytes = header_bytes + ((uint64_t)sorted.nr_normal << TARGET_PAGE_BITS);
    trace_multifd_send(c->id, job->packet_num, sorted.nr_normal,
                       sorted.nr_zero);

    /* Zero pages were charged in full, the header was not. */
    rate_limit_charge(c->send->rate, (int64_t)len_bytes - job->charged_bytes);
    if (!qio_channel_writev_all(c->ioc, c->iov, c->nr_iov, errp)) {
        return false;
    }
    qatomic_add(&stats->normal_pages, sorted.nr_normal);
    if (sorted.nr_zero > 0) {
        qatomic_add(&stats->hole_pages, sorted.nr_zero_holes);
        qatomic_add(&stats->zero_pages, sorted.nr_zero);
    }
    qatomic_add(&stats->multifd_bytes, len_bytes);
    return true;
}

bool multifd_send_sync(MultiFDSendChannel *c, uint64_t packet_num, Error **errp)
{
    size_t header_bytes = multifd_packet_len(c->send->packet_pages);

    trace_multifd_send_sync(c->id, packet_num);
    multifd_packet_encode_sync(c->header, c->send->packet_pages, packet_num);
    rate_limit_charge(c->send->rate, header_bytes);
    if (!qio_channel_write_all(c->ioc, c->header, header_bytes, errp)) {
        return false;
    }
    qatomic_add(&c->send->stats->multifd_bytes, header_bytes);
    return true;
}
