/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages to their places in a file, by the migration thread alone.
 *
 * Entered by that thread.  Pages that follow each other are held back until
 * there are enough for one large write, or one of them is another.  Bitmap and
 * places are mapped-out.c's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/cutils.h"
#include "migration/ram/sink-mapped.h"

/* 1 MiB: more in one call gains nothing, and a limit on speed stays fine. */
#define WRITE_PAGES_MAX 256

struct MappedSink {
    PageSink sink;
    const MigrationConfig *config;
    MappedOut *out;
    MigrationCounters *stats;
    RateLimit *rate;
    /* pages of one block that are to be written with one call */
    const RAMBlock *block;
    uint64_t first_page;
    uint64_t nr_pages;
};

static bool mapped_sink_write(MappedSink *s, Error **errp)
{
    uint64_t nr_pages = s->nr_pages;

    s->nr_pages = 0;
    if (nr_pages == 0) {
        return true;
    }
    if (!mapped_out_content(s->out, mapped_out_file(s->out), s->block,
                            s->first_page, nr_pages, errp)) {
        return false;
    }
    qatomic_add(&s->stats->file_bytes, nr_pages << TARGET_PAGE_BITS);
    return true;
}

static bool mapped_sink_content(MappedSink *s, const RAMBlock *block,
                                uint64_t first_page, uint64_t nr_pages,
                                Error **errp)
{
    bool follows = s->block == block &&
                   s->first_page + s->nr_pages == first_page &&
                   s->nr_pages + nr_pages <= WRITE_PAGES_MAX;

    if (s->nr_pages > 0 && follows) {
        s->nr_pages += nr_pages;
        return true;
    }
    if (!mapped_sink_write(s, errp)) {
        return false;
    }
    s->block = block;
    s->first_page = first_page;
    s->nr_pages = nr_pages;
    return true;
}

/* @nr_zero: where to put how many of the pages are zero. */
static bool mapped_sink_put_data(MappedSink *s, const RAMBlock *block,
                                 uint64_t first_page, uint64_t nr_pages,
                                 uint64_t *nr_zero, Error **errp)
{
    DECLARE_BITMAP(zero, PAGE_SINK_RUN_MAX);
    const uint8_t *host = block->host + (first_page << TARGET_PAGE_BITS);

    bitmap_zero(zero, PAGE_SINK_RUN_MAX);
    if (s->config->zero_page_detection != ZERO_PAGE_DETECTION_NONE) {
        buffer_zero_bitmap(host, TARGET_PAGE_SIZE, nr_pages, zero);
    }
    for (uint64_t i = 0, end; i < nr_pages; i = end) {
        if (test_bit((long)i, zero)) {
            end = find_next_zero_bit(zero, nr_pages, i);
            mapped_out_zero(s->out, block, first_page + i, end - i);
            *nr_zero += end - i;
            continue;
        }
        end = find_next_bit(zero, nr_pages, i);
        if (!mapped_sink_content(s, block, first_page + i, end - i, errp)) {
            return false;
        }
    }
    return true;
}

/* Holes, and pages that somebody else has found to be zero. */
static bool mapped_sink_put_zero(MappedSink *s, const RAMBlock *block,
                                 uint64_t first_page, uint64_t nr_pages,
                                 PageRunKind kind, uint64_t *nr_zero,
                                 Error **errp)
{
    if (s->config->zero_page_detection == ZERO_PAGE_DETECTION_NONE) {
        return mapped_out_hole_as_content(s->out, mapped_out_file(s->out),
                                          block, first_page, nr_pages, errp);
    }
    mapped_out_zero(s->out, block, first_page, nr_pages);
    *nr_zero = nr_pages;
    if (kind == PAGE_RUN_HOLE) {
        qatomic_add(&s->stats->hole_pages, nr_pages);
    }
    return true;
}

static bool mapped_sink_put_run(PageSink *sink, RAMBlock *block,
                                uint64_t first_page, uint64_t nr_pages,
                                PageRunKind kind, Error **errp)
{
    MappedSink *s = container_of(sink, MappedSink, sink);
    uint64_t nr_zero = 0;
    bool ok = kind == PAGE_RUN_DATA
              ? mapped_sink_put_data(s, block, first_page, nr_pages, &nr_zero,
                                     errp)
              : mapped_sink_put_zero(s, block, first_page, nr_pages, kind,
                                     &nr_zero, errp);

    qatomic_add(&s->stats->zero_pages, nr_zero);
    qatomic_add(&s->stats->normal_pages, nr_pages - nr_zero);
    rate_limit_charge(s->rate,
                      (int64_t)((nr_pages - nr_zero) << TARGET_PAGE_BITS));
    return ok;
}

/* Once a PART: what is written to one place next must not come before it. */
static bool mapped_sink_flush(PageSink *sink, Error **errp)
{
    MappedSink *s = container_of(sink, MappedSink, sink);

    return mapped_sink_write(s, errp) &&
           file_io_flush(mapped_out_file(s->out), errp);
}

static const PageSinkOps mapped_sink_ops = {
    .put_run = mapped_sink_put_run,
    .flush = mapped_sink_flush,
    .sync = mapped_sink_flush,
};

MappedSink *mapped_sink_new(const MigrationConfig *config, MappedOut *out,
                            MigrationCounters *stats, RateLimit *rate)
{
    MappedSink *s = g_new0(MappedSink, 1);

    s->sink.ops = &mapped_sink_ops;
    s->config = config;
    s->out = out;
    s->stats = stats;
    s->rate = rate;
    return s;
}

void mapped_sink_free(MappedSink *sink)
{
    g_free(sink);
}

PageSink *mapped_sink_page_sink(MappedSink *sink)
{
    return &sink->sink;
}
