/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a sending channel does with its jobs when the migration goes to a file.
 *
 * Entered by multifdsend_N.  Which pages are zero was found out before, in
 * send-channel.c; bitmap and places are ram/mapped-out.c's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "migration/multifd/file.h"
#include "migration/multifd/send-file.h"
#include "migration/trace.h"

struct MultiFDSendFile {
    MappedOut *mapped;
    FileIO *io;
};

bool multifd_send_add_file(MultiFDSend *send, MappedOut *mapped, FileIO *io,
                           Error **errp)
{
    MultiFDSendChannel *c = multifd_send_channel_new(send, send->nr_threads,
                                                     NULL);

    c->file = g_new0(MultiFDSendFile, 1);
    c->file->mapped = mapped;
    c->file->io = io;
    return multifd_send_start_channel(send, c, errp);
}

void multifd_send_file_free(MultiFDSendFile *file)
{
    if (file) {
        file_io_free(file->io);
        g_free(file);
    }
}

/* How many pages from @page on follow each other, and are alike in @zero. */
static unsigned send_file_run_length(const uint64_t *page,
                                     const unsigned long *zero, unsigned at,
                                     unsigned nr_pages)
{
    unsigned end = at + 1;

    while (end < nr_pages && page[end] == page[at] + (end - at) &&
           (!zero || test_bit(end, zero) == test_bit(at, zero))) {
        end++;
    }
    return end - at;
}

/* The job's pages that were looked at. */
static bool send_file_data(MultiFDSendChannel *c, const MultiFDJob *job,
                           unsigned long *zero, MultiFDSendTally *tally,
                           Error **errp)
{
    MultiFDSendFile *f = c->file;
    unsigned n;

    for (unsigned i = 0; zero && i < job->nr_data; i++) {
        if (test_bit(i, zero) && multifd_send_ratio_step(c)) {
            clear_bit(i, zero);
        }
    }
    for (unsigned i = 0; i < job->nr_data; i += n) {
        n = send_file_run_length(job->page, zero, i, job->nr_data);
        if (zero && test_bit(i, zero)) {
            mapped_out_zero(f->mapped, job->block, job->page[i], n);
            tally->nr_zero += n;
        } else if (mapped_out_content(f->mapped, f->io, job->block,
                                      job->page[i], n, errp)) {
            tally->nr_normal += n;
        } else {
            return false;
        }
    }
    return true;
}

static bool send_file_holes(MultiFDSendChannel *c, const MultiFDJob *job,
                            MultiFDSendTally *tally, Error **errp)
{
    const uint64_t *holes = &job->page[job->max_pages - job->nr_holes];
    MultiFDSendFile *f = c->file;

    for (unsigned i = job->nr_holes; i > 0; i--) {
        if (!multifd_send_ratio_step(c)) {
            mapped_out_zero(f->mapped, job->block, holes[i - 1], 1);
            tally->nr_zero++;
            tally->nr_holes++;
        } else if (mapped_out_hole_as_content(f->mapped, f->io, job->block,
                                              holes[i - 1], 1, errp)) {
            tally->nr_normal++;
        } else {
            return false;
        }
    }
    return true;
}

static void send_file_count(MultiFDSendChannel *c, const MultiFDJob *job,
                            const MultiFDSendTally *tally)
{
    MigrationCounters *stats = c->send->stats;
    uint64_t len_bytes = tally->nr_normal << TARGET_PAGE_BITS;

    qatomic_add(&stats->multifd_bytes, len_bytes);
    qatomic_add(&stats->normal_pages, tally->nr_normal);
    qatomic_add(&stats->zero_pages, tally->nr_zero);
    qatomic_add(&stats->hole_pages, tally->nr_holes);
    rate_limit_charge(c->send->rate, (int64_t)len_bytes - job->charged_bytes);
    trace_multifd_send(c->id, job->packet_num, (unsigned)tally->nr_normal,
                       (unsigned)tally->nr_zero);
}

bool multifd_send_file_job(MultiFDSendChannel *c, const MultiFDJob *job,
                           unsigned long *zero, Error **errp)
{
    MultiFDSendTally tally = { 0 };

    if (job->run_nr_pages > 0) {
        mapped_out_zero(c->file->mapped, job->block, job->run_first,
                        job->run_nr_pages);
        tally.nr_zero = job->run_nr_pages;
        tally.nr_holes = job->run_nr_pages;
    } else if (!send_file_data(c, job, zero, &tally, errp) ||
               !send_file_holes(c, job, &tally, errp)) {
        return false;
    }
    send_file_count(c, job, &tally);
    return true;
}

bool multifd_send_file_sync(MultiFDSendChannel *c, Error **errp)
{
    return file_io_flush(c->file->io, errp);
}
