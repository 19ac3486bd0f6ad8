/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sending channel writes: packets with zero pages sorted from normal
 * ones, packets of holes, and SYNCs.
 *
 * Entered by multifdsend_N.  Which pages are zero was found out before, in
 * send-channel.c; how many packets leave with one call is send-buffer.c's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/bitops.h"
#include "migration/multifd/send-buffer.h"
#include "migration/multifd/send-internal.h"
#include "migration/trace.h"

/*
 * What a hole is sent from when it may not be sent as a zero entry: reading the
 * hole itself would populate it.
 */
static const uint8_t zero_page[TARGET_PAGE_SIZE];

bool multifd_send_ratio_step(MultiFDSendChannel *c)
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

/* The job's holes, to c->page from @normal and from @zero on. */
static void multifd_send_sort_holes(MultiFDSendChannel *c,
                                    const MultiFDJob *job, unsigned normal,
                                    unsigned zero)
{
    const uint64_t *holes = &job->page[job->max_pages - job->nr_holes];

    for (unsigned i = job->nr_holes; i > 0; i--) {
        if (multifd_send_ratio_step(c)) {
            multifd_send_buffer_add_content(c, zero_page);
            c->page[normal++] = holes[i - 1];
        } else {
            c->page[zero++] = holes[i - 1];
        }
    }
}

/* The job's pages that were looked at, to c->page from 0 and from @z on. */
static unsigned multifd_send_sort_data(MultiFDSendChannel *c,
                                       const MultiFDJob *job,
                                       const unsigned long *zero, unsigned z)
{
    unsigned normal = 0;

    for (unsigned i = 0; i < job->nr_data; i++) {
        uint64_t page = job->page[i];

        if (zero && test_bit(i, zero)) {
            c->page[z++] = page;
        } else {
            multifd_send_buffer_add_content(c, job->block->host +
                                               (page << TARGET_PAGE_BITS));
            c->page[normal++] = page;
        }
    }
    return normal;
}

/*
 * Puts the content into the buffer and all pages into one order: normal, then
 * zero.  Both keep the order of the job, so that runs stay runs here and at the
 * other end; holes come after the others of their sort.
 */
static const uint64_t *multifd_send_sort(MultiFDSendChannel *c,
                                         const MultiFDJob *job,
                                         unsigned long *zero,
                                         MultiFDSendTally *tally)
{
    unsigned nr_pages = job->nr_data + job->nr_holes;
    unsigned nr_zero_data = 0;
    unsigned nr_normal_holes, normal;

    if (zero) {
        if (c->send->normal_page_ratio > 0) {
            multifd_send_apply_ratio(c, zero, job->nr_data);
        }
        nr_zero_data = bitmap_count_one(zero, job->nr_data);
    }
    /* So many steps of the ratio from here on go over 100. */
    nr_normal_holes = (c->ratio_rest +
                       job->nr_holes * c->send->normal_page_ratio) / 100;
    tally->nr_holes = job->nr_holes - nr_normal_holes;
    tally->nr_zero = nr_zero_data + tally->nr_holes;
    tally->nr_normal = nr_pages - tally->nr_zero;
    if (nr_zero_data == nr_pages) {
        return job->page;       /* in order already, and without content */
    }
    normal = multifd_send_sort_data(c, job, zero, tally->nr_normal);
    multifd_send_sort_holes(c, job, normal, tally->nr_normal + nr_zero_data);
    return c->page;
}

/* Puts compressed content in the place of @nr_normal pages, if there are any. */
static bool multifd_send_compress(MultiFDSendChannel *c, uint64_t nr_normal,
                                  Error **errp)
{
    ERRP_GUARD();
    MultiFDCompressor *z = c->compressor;
    MultiFDSendBuffer *b = &c->buffer;

    if (nr_normal > 0) {
        if (!multifd_compressor_run(z, &b->iov[1], b->nr_iov - 1, errp)) {
            error_prepend(errp, "%s: ", qio_channel_name(c->ioc));
            return false;
        }
        multifd_send_buffer_set_compressed(c, z);
    }
    multifd_packet_encode_compressed(multifd_send_buffer_header(c),
                                     z->method->flag,
                                     (uint32_t)b->compressed_bytes);
    return true;
}

bool multifd_send_packet(MultiFDSendChannel *c, const MultiFDJob *job,
                         unsigned long *zero, Error **errp)
{
    MultiFDSendTally tally = { .charged_bytes = job->charged_bytes };
    const uint64_t *page = multifd_send_sort(c, job, zero, &tally);

    multifd_packet_encode(multifd_send_buffer_header(c), c->send->packet_pages,
                          job->packet_num, job->block->idstr, page,
                          tally.nr_normal, tally.nr_zero);
    if (c->compressor && !multifd_send_compress(c, tally.nr_normal, errp)) {
        return false;
    }
    trace_multifd_send(c->id, job->packet_num, tally.nr_normal, tally.nr_zero);
    return multifd_send_buffer_add(c, &tally, errp);
}

bool multifd_send_run(MultiFDSendChannel *c, const MultiFDJob *job,
                      Error **errp)
{
    unsigned packet_pages = c->send->packet_pages;
    uint64_t nr_packets = DIV_ROUND_UP(job->run_nr_pages, packet_pages);
    uint64_t packet_num = job->packet_num;
    uint64_t nr;

    for (uint64_t done = 0; done < job->run_nr_pages; done += nr) {
        MultiFDSendTally tally;

        nr = MIN(job->run_nr_pages - done, (uint64_t)packet_pages);
        tally = (MultiFDSendTally) {
            .nr_zero = nr,
            .nr_holes = nr,
            .charged_bytes = job->charged_bytes / (int64_t)nr_packets,
        };
        multifd_packet_encode_zero_run(multifd_send_buffer_header(c),
                                       packet_pages, packet_num,
                                       job->block->idstr,
                                       job->run_first + done, nr);
        if (c->compressor && !multifd_send_compress(c, 0, errp)) {
            return false;
        }
        trace_multifd_send(c->id, packet_num, 0, (unsigned)nr);
        if (!multifd_send_buffer_add(c, &tally, errp)) {
            return false;
        }
        packet_num++;
    }
    return true;
}

bool multifd_send_sync(MultiFDSendChannel *c, uint64_t packet_num, Error **errp)
{
    MultiFDSendTally tally = { 0 };

    trace_multifd_send_sync(c->id, packet_num);
    multifd_packet_encode_sync(multifd_send_buffer_header(c),
                               c->send->packet_pages, packet_num);
    return multifd_send_buffer_add(c, &tally, errp) &&
           multifd_send_buffer_flush(c, errp) &&
           multifd_send_flush_zero_copy(c, errp);
}
