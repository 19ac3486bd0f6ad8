/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rounds of an outgoing migration: how much is left, how fast it goes, and
 * when the rest is little enough to stop the guest for.
 *
 * Entered by `live_migration`.  The section's content is ram/save.c's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-events-migration.h"
#include "qemu/atomic.h"
#include "qemu/timer.h"
#include "migration/core/outgoing.h"
#include "migration/stream/section.h"
#include "migration/stream/wire.h"
#include "migration/trace.h"

void outgoing_tell_pass(MigrationOut *o)
{
    uint64_t pass = qatomic_read(&o->counters.dirty_sync_count);

    while (o->pass_told < pass) {
        o->pass_told++;
        if (o->host->events && qatomic_read(&o->live->events)) {
            qapi_event_send_migration_pass(o->host->events,
                                           (int64_t)o->pass_told);
        }
    }
}

static void iterate_begin_window(MigrationOut *o, int64_t now_us)
{
    o->window_start_us = now_us;
    o->window_start_bytes = counters_transferred_bytes(&o->counters);
    o->window_start_pages = qatomic_read(&o->counters.normal_pages) +
                            qatomic_read(&o->counters.zero_pages);
}

/*
 * Measures over windows, for a single part says little.  What else is to be done
 * now and then is done with it.
 */
static void iterate_measure(MigrationOut *o)
{
    int64_t now_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME);
    int64_t elapsed_us = now_us - o->window_start_us;
    uint64_t bytes, pages;

    qatomic_set(&o->counters.main_bytes, stream_out_bytes(o->out));
    if (elapsed_us < RATE_WINDOW_MS * 1000) {
        return;
    }
    bytes = counters_transferred_bytes(&o->counters) - o->window_start_bytes;
    pages = qatomic_read(&o->counters.normal_pages) +
            qatomic_read(&o->counters.zero_pages) - o->window_start_pages;
    qatomic_set(&o->bandwidth, bytes * 1000000 / (uint64_t)elapsed_us);
    qatomic_set(&o->counters.pages_per_second,
                pages * 1000000 / (uint64_t)elapsed_us);
    trace_migration_bandwidth(qatomic_read(&o->bandwidth));
    outgoing_warn_accel(o);
    iterate_begin_window(o, now_us);
}

uint64_t outgoing_switchover_bandwidth(MigrationOut *o)
{
    uint64_t bandwidth = qatomic_read(&o->live->avail_switchover_bandwidth);

    return bandwidth ? bandwidth : qatomic_read(&o->bandwidth);
}

/* Bytes that can be sent while the guest is stopped. */
static uint64_t iterate_threshold_bytes(MigrationOut *o)
{
    uint64_t bytes_per_ms = outgoing_switchover_bandwidth(o) / 1000;
    uint64_t limit_ms = qatomic_read(&o->live->downtime_limit_ms);

    /* A client may say that the bandwidth is as good as unlimited. */
    if (limit_ms > 0 && bytes_per_ms > UINT64_MAX / limit_ms) {
        return UINT64_MAX;
    }
    return bytes_per_ms * limit_ms;
}

static bool iterate_part(MigrationOut *o, Error **errp)
{
    section_put_next(o->out, QEMU_VM_SECTION_PART, o->ram_section_id);
    if (!ram_save_iterate(o->ram, errp)) {
        return false;
    }
    if (o->config.compat.send_section_footer) {
        section_put_footer(o->out, o->ram_section_id);
    }
    return stream_out_flush(o->out, errp);
}

/* A guest that does not run has written nothing: there is no new round. */
static bool iterate_begin_round(MigrationOut *o, Error **errp)
{
    if (!o->host->machine->running(o->host->machine_opaque)) {
        return true;
    }
    if (!ram_save_sync_dirty(o->ram, errp)) {
        return false;
    }
    outgoing_tell_pass(o);
    return true;
}

bool outgoing_iterate(MigrationOut *o, Error **errp)
{
    iterate_begin_window(o, qemu_clock_get_us(QEMU_CLOCK_REALTIME));
    for (;;) {
        uint64_t threshold = iterate_threshold_bytes(o);

        if (ram_save_pending_bytes(o->ram) <= threshold) {
            /* Before deciding: what has the guest written meanwhile? */
            if (!iterate_begin_round(o, errp)) {
                return false;
            }
            if (ram_save_pending_bytes(o->ram) <= threshold) {
                trace_migration_switchover(ram_save_pending_bytes(o->ram),
                                           threshold);
                return true;
            }
        }
        if (!iterate_part(o, errp)) {
            return false;
        }
        iterate_measure(o);
        if (!rate_limit_wait(&o->rate)) {
            error_setg(errp, "The migration was cancelled");
            return false;
        }
    }
}
