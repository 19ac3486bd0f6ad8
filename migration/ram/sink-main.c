/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages as records on the main channel.
 *
 * Entered by the migration thread.  Page content is put by reference: it leaves
 * with the records around it in one vectored write.  Sections around the records
 * are the caller's.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/cutils.h"
#include "qapi/error.h"
#include "migration/ram/sink-main.h"
#include "migration/stream/ram-wire.h"

struct MainSink {
    PageSink sink;
    const MigrationConfig *config;
    MigStreamOut *out;
    MigrationCounters *stats;
    RateLimit *rate;
    const RAMBlock *last_block; /* named in the last record, or NULL */
};

/* What a hole is sent from when holes may not be sent as zero records. */
static const uint8_t zero_page[TARGET_PAGE_SIZE];

/* The name a record of @block must carry: none where the last one named it. */
static const char *main_sink_name(MainSink *s, const RAMBlock *block)
{
    if (block == s->last_block) {
        return NULL;
    }
    s->last_block = block;
    return block->idstr;
}

static void main_sink_zeroes(MainSink *s, RAMBlock *block, uint64_t first_page,
                             uint64_t nr_pages)
{
    ram_wire_put_zeroes(s->out, main_sink_name(s, block),
                        first_page << TARGET_PAGE_BITS, nr_pages);
}

static void main_sink_normal(MainSink *s, RAMBlock *block, uint64_t page,
                             const void *content)
{
    ram_wire_put_page(s->out, main_sink_name(s, block),
                      page << TARGET_PAGE_BITS);
    stream_put_buffer_ref(s->out, content, TARGET_PAGE_SIZE);
}

/* Returns how many of the pages were zero. */
static uint64_t main_sink_put_data(MainSink *s, RAMBlock *block,
                                   uint64_t first_page, uint64_t nr_pages)
{
    DECLARE_BITMAP(zero, PAGE_SINK_RUN_MAX);
    const uint8_t *host = block->host + (first_page << TARGET_PAGE_BITS);
    uint64_t nr_zero = 0;

    bitmap_zero(zero, PAGE_SINK_RUN_MAX);
    if (s->config->zero_page_detection != ZERO_PAGE_DETECTION_NONE) {
        buffer_zero_bitmap(host, TARGET_PAGE_SIZE, nr_pages, zero);
    }
    for (uint64_t i = 0, end; i < nr_pages; i = end) {
        if (test_bit(i, zero)) {
            end = find_next_zero_bit(zero, nr_pages, i);
            main_sink_zeroes(s, block, first_page + i, end - i);
            nr_zero += end - i;
        } else {
            end = i + 1;
            main_sink_normal(s, block, first_page + i,
                             host + (i << TARGET_PAGE_BITS));
        }
    }
    return nr_zero;
}

static bool main_sink_put_run(PageSink *sink, RAMBlock *block,
                              uint64_t first_page, uint64_t nr_pages,
                              PageRunKind kind, Error **errp)
{
    MainSink *s = container_of(sink, MainSink, sink);
    uint64_t before = stream_out_bytes(s->out);
    uint64_t nr_zero = 0;
    bool all_normal =
        s->config->zero_page_detection == ZERO_PAGE_DETECTION_NONE;

    if (kind == PAGE_RUN_DATA) {
        nr_zero = main_sink_put_data(s, block, first_page, nr_pages);
    } else if (all_normal) {
        for (uint64_t i = 0; i < nr_pages; i++) {
            main_sink_normal(s, block, first_page + i, zero_page);
        }
    } else {
        main_sink_zeroes(s, block, first_page, nr_pages);
        nr_zero = nr_pages;
        if (kind == PAGE_RUN_HOLE) {
            qatomic_add(&s->stats->hole_pages, nr_zero);
        }
    }
    qatomic_add(&s->stats->zero_pages, nr_zero);
    qatomic_add(&s->stats->normal_pages, nr_pages - nr_zero);
    rate_limit_charge(s->rate, (int64_t)(stream_out_bytes(s->out) - before));
    /* A failed write is held in the stream; only then ask for the reason. */
    return stream_out_ok(s->out) || stream_out_flush(s->out, errp);
}

static bool main_sink_flush(PageSink *sink, Error **errp)
{
    MainSink *s = container_of(sink, MainSink, sink);

    return stream_out_flush(s->out, errp);
}

/* One channel keeps its own order: there is nothing to wait for. */
static bool main_sink_sync(PageSink *sink, Error **errp)
{
    return true;
}

static const PageSinkOps main_sink_ops = {
    .put_run = main_sink_put_run,
    .flush = main_sink_flush,
    .sync = main_sink_sync,
};

MainSink *main_sink_new(const MigrationConfig *config, MigStreamOut *out,
                        MigrationCounters *stats, RateLimit *rate)
{
    MainSink *s = g_new0(MainSink, 1);

    s->sink.ops = &main_sink_ops;
    s->config = config;
    s->out = out;
    s->stats = stats;
    s->rate = rate;
    return s;
}

void main_sink_free(MainSink *sink)
{
    g_free(sink);
}

PageSink *main_sink_page_sink(MainSink *sink)
{
    return &sink->sink;
}
