/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RAM section going out: block list, rounds, sync points.
 *
 * Entered by the migration thread.  Which pages are next is the walker's to say,
 * how they travel the sink's, when to switch over core/'s.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/timer.h"
#include "qapi/error.h"
#include "migration/ram/save.h"
#include "migration/ram/walker.h"
#include "migration/stream/ram-wire.h"
#include "migration/trace.h"

/* A PART ends after this time, so that the loop around it can look about. */
#define PART_TIME_US 50000

struct RamSave {
    const MigrationConfig *config;
    RamList *list;
    DirtyProvider *dirty;
    MigStreamOut *out;
    MappedOut *mapped;      /* NULL: pages are on streams */
    PageSink *sink;
    MigrationCounters *stats;
    RateLimit *rate;
    RamWalker *walker;
    bool tracking;
    bool unsynced;          /* pages were put since the last sync point */
    DirtyRate rate_of_writes;
    DirtyPeriod period;     /* the last one that ended */
    bool period_ended;      /* and nobody has taken it yet */
};

RamSave *ram_save_new(const MigrationConfig *config, RamList *list,
                      DirtyProvider *dirty, MigStreamOut *out, PageSink *sink,
                      MigrationCounters *stats, RateLimit *rate)
{
    RamSave *rs = g_new0(RamSave, 1);

    rs->config = config;
    rs->list = list;
    rs->dirty = dirty;
    rs->out = out;
    rs->sink = sink;
    rs->stats = stats;
    rs->rate = rate;
    rs->walker = ram_walker_new(list, dirty, config->pause_points);
    return rs;
}

void ram_save_set_mapped(RamSave *rs, MappedOut *mapped)
{
    rs->mapped = mapped;
}

void ram_save_free(RamSave *rs)
{
    if (!rs) {
        return;
    }
    if (rs->tracking) {
        rs->dirty->ops->stop(rs->dirty);
    }
    ram_walker_free(rs->walker);
    g_free(rs);
}

uint64_t ram_save_pending_bytes(const RamSave *rs)
{
    return ram_walker_dirty_pages(rs->walker) << TARGET_PAGE_BITS;
}

/*
 * A sync point of the modern style is a FLUSH record; of the older style it is
 * the EOS that ends each section, and FLUSH does not exist.  In a file nobody
 * needs to know of it.
 */
static bool ram_save_sync_point(RamSave *rs, Error **errp)
{
    if (!rs->sink->needs_sync) {
        rs->unsynced = false;
        return true;
    }
    if (!rs->sink->ops->sync(rs->sink, errp)) {
        return false;
    }
    if (!rs->mapped && !rs->config->compat.multifd_flush_after_each_section) {
        ram_wire_put_flush(rs->out);
    }
    rs->unsynced = false;
    return true;
}

static bool ram_save_end_section(RamSave *rs, bool sync, Error **errp)
{
    sync |= rs->config->compat.multifd_flush_after_each_section;
    if (sync && !ram_save_sync_point(rs, errp)) {
        return false;
    }
    ram_wire_put_eos(rs->out);
    qatomic_set(&rs->stats->remaining_pages,
                ram_walker_dirty_pages(rs->walker));
    return stream_out_ok(rs->out) || stream_out_flush(rs->out, errp);
}

static bool ram_save_put_block_list(RamSave *rs, Error **errp)
{
    ram_wire_put_mem_size(rs->out, ram_list_total_bytes(rs->list));
    for (unsigned i = 0; i < ram_list_nr_blocks(rs->list); i++) {
        RAMBlock *block = ram_list_block(rs->list, i);

        ram_wire_put_block(rs->out, block->idstr, block->used_length);
        if (rs->mapped &&
            !mapped_out_put_block(rs->mapped, rs->out, block, errp)) {
            return false;
        }
    }
    return true;
}

bool ram_save_setup(RamSave *rs, Error **errp)
{
    rs->tracking = true;
    if (!rs->dirty->ops->start(rs->dirty, rs->list, errp)) {
        return false;
    }
    dirty_rate_begin(&rs->rate_of_writes,
                     qemu_clock_get_us(QEMU_CLOCK_REALTIME),
                     counters_transferred_bytes(rs->stats));
    if (!ram_save_sync_dirty(rs, errp)) {
        return false;
    }
    return ram_save_put_block_list(rs, errp) &&
           ram_save_end_section(rs, true, errp);
}

bool ram_save_sync_dirty(RamSave *rs, Error **errp)
{
    int64_t now_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME);
    uint64_t nr_new;
    uint64_t round;

    if (!ram_walker_sync(rs->walker, &nr_new, errp)) {
        return false;
    }
    round = qatomic_fetch_inc(&rs->stats->dirty_sync_count) + 1;
    if (dirty_rate_add(&rs->rate_of_writes, now_us, nr_new,
                       counters_transferred_bytes(rs->stats), &rs->period)) {
        rs->period_ended = true;
        qatomic_set(&rs->stats->dirty_pages_rate, rs->period.pages_per_second);
    }
    qatomic_set(&rs->stats->remaining_pages,
                ram_walker_dirty_pages(rs->walker));
    /* Last: who sees that the round is new has what there is to be sent in it. */
    qatomic_store_release(&rs->stats->round_begin_us, now_us);
    trace_ram_sync_dirty(round, nr_new, ram_walker_dirty_pages(rs->walker));
    return true;
}

bool ram_save_take_period(RamSave *rs, DirtyPeriod *period)
{
    if (!rs->period_ended) {
        return false;
    }
    rs->period_ended = false;
    *period = rs->period;
    return true;
}

/* Sends the next run, or says that the walk is once round. */
static bool ram_save_run(RamSave *rs, bool *wrapped, Error **errp)
{
    PageRun run;

    switch (ram_walker_next(rs->walker, &run, errp)) {
    case RAM_WALKER_RUN:
        rs->unsynced = true;
        /* Now and not at the end of the section: a slow link takes its time. */
        qatomic_set(&rs->stats->remaining_pages,
                    ram_walker_dirty_pages(rs->walker));
        return rs->sink->ops->put_run(rs->sink, run.block, run.first_page,
                                      run.nr_pages, run.kind, errp);
    case RAM_WALKER_WRAPPED:
        *wrapped = true;
        return true;
    case RAM_WALKER_ERROR:
    default:
        return false;
    }
}

bool ram_save_iterate(RamSave *rs, Error **errp)
{
    int64_t end_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME) + PART_TIME_US;
    uint64_t left = ram_walker_dirty_pages(rs->walker);
    uint64_t looked = left;
    bool wrapped = false;

    while (!wrapped && left > 0) {
        if (!ram_save_run(rs, &wrapped, errp)) {
            return false;
        }
        /* The round before ended with the last section: nothing is due. */
        wrapped &= rs->unsynced;
        left = ram_walker_dirty_pages(rs->walker);
        /* Pages that lie far apart are runs of their own, and many. */
        if (looked - left < PAGE_SINK_RUN_MAX) {
            continue;
        }
        looked = left;
        if (rate_limit_exceeded(rs->rate) ||
            qemu_clock_get_us(QEMU_CLOCK_REALTIME) >= end_us) {
            break;
        }
    }
    if (!rs->sink->ops->flush(rs->sink, errp)) {
        return false;
    }
    /*
     * Once round: a page may be sent a second time from here on, perhaps on
     * another channel, and must not overtake its older copy.
     */
    wrapped |= ram_walker_dirty_pages(rs->walker) == 0;
    return ram_save_end_section(rs, wrapped && rs->unsynced, errp);
}

/*
 * What is left was sent before in this round, perhaps on another channel.  In
 * the older style the section before has ended with a sync point, and END sends
 * no page twice.
 */
static bool ram_save_wrapped_in_end(RamSave *rs, Error **errp)
{
    if (!rs->unsynced ||
        rs->config->compat.multifd_flush_after_each_section) {
        return true;
    }
    /* The channels' readers wait for the mark: it must not lie in a buffer. */
    return ram_save_sync_point(rs, errp) && stream_out_flush(rs->out, errp);
}

bool ram_save_complete(RamSave *rs, Error **errp)
{
    /* The walk may begin in the middle of RAM: twice round is enough. */
    while (ram_walker_dirty_pages(rs->walker) > 0) {
        bool wrapped = false;

        if (!ram_save_run(rs, &wrapped, errp)) {
            return false;
        }
        if (wrapped && !ram_save_wrapped_in_end(rs, errp)) {
            return false;
        }
    }
    if (!rs->sink->ops->flush(rs->sink, errp)) {
        return false;
    }
    if (rs->mapped && (!ram_save_sync_point(rs, errp) ||
                       !mapped_out_finish(rs->mapped, errp))) {
        return false;
    }
    return ram_save_end_section(rs, true, errp);
}
