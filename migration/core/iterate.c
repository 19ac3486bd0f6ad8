/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rounds of an outgoing migration: how much is left, how fast it goes, and
 * when the rest is little enough to stop the guest for.  A guest that writes
 * faster than pages can be sent is sent for ever, unless it is slowed down.
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

/* No destination that is still alive takes longer to work off some buffers. */
#define DRAIN_MAX_MS 1000

/*
 * What takes less to send is sent while the guest stands still: another round
 * is another sync of dirty log and channels, and a stop costs a few
 * milliseconds anyway.
 */
#define PAYS_LEAST_MS 5.0

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
 * Measures over windows, for a single part says little.  A window begins with a
 * part and ends where the next one begins (@sending): the wait that pays for a
 * part belongs to it.  Looked at before that, the part only shows how much less
 * than before it has become.  What else is to be done now and then is done here.
 */
static void iterate_measure(MigrationOut *o, bool sending)
{
    int64_t now_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME);
    int64_t elapsed_us = now_us - o->window_start_us;
    uint64_t before = qatomic_read(&o->bandwidth);
    uint64_t bytes, pages, bandwidth;

    if (elapsed_us < RATE_WINDOW_MS * 1000) {
        return;
    }
    bytes = counters_transferred_bytes(&o->counters) - o->window_start_bytes;
    pages = qatomic_read(&o->counters.normal_pages) +
            qatomic_read(&o->counters.zero_pages) - o->window_start_pages;
    bandwidth = bytes * 1000000 / (uint64_t)elapsed_us;
    if (!sending && before > 0 && bandwidth >= before) {
        return;
    }
    qatomic_set(&o->bandwidth, bandwidth);
    qatomic_set(&o->counters.pages_per_second,
                pages * 1000000 / (uint64_t)elapsed_us);
    if (!sending) {
        return;
    }
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
    if (!stream_out_flush(o->out, errp)) {
        return false;
    }
    qatomic_set(&o->counters.main_bytes, stream_out_bytes(o->out));
    return true;
}

/* A guest that does not run has written nothing: there is no new round. */
static bool iterate_begin_round(MigrationOut *o, Error **errp)
{
    DirtyPeriod period;

    if (!o->host->machine->running(o->host->machine_opaque)) {
        qatomic_set(&o->counters.dirty_pages_rate, 0);
        return true;
    }
    if (!ram_save_sync_dirty(o->ram, errp)) {
        return false;
    }
    if (ram_save_take_period(o->ram, &period)) {
        throttle_period(&o->throttle, period.dirty_bytes, period.sent_bytes);
    }
    outgoing_tell_pass(o);
    return true;
}

static bool iterate_round_is_overdue(MigrationOut *o)
{
    int64_t age_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME) -
                     qatomic_read(&o->counters.round_begin_us);

    return throttle_round_is_overdue(
        &o->throttle, qatomic_read(&o->counters.dirty_sync_count), age_us);
}

/*
 * Does the guest write so little that less and less of it is left?  All of it may
 * have been sent before anything was measured.
 */
static bool iterate_guest_is_slow(MigrationOut *o)
{
    uint64_t written = qatomic_read(&o->counters.dirty_pages_rate)
                       << TARGET_PAGE_BITS;
    uint64_t bandwidth = qatomic_read(&o->bandwidth);

    return (bandwidth == 0 || written < bandwidth / 2) &&
           o->host->machine->running(o->host->machine_opaque);
}

/*
 * Is it worth while to send what is left before the guest is stopped?  It is for
 * a guest that writes little: it then stops for next to nothing.  A guest that
 * writes about as fast as pages are sent, or does not run, gains nothing; nor
 * does anyone from another round for what is sent in no time.
 */
static bool iterate_pays(MigrationOut *o)
{
    double pending = (double)ram_save_pending_bytes(o->ram);
    double per_ms = (double)qatomic_read(&o->bandwidth) / 1000.0;
    double limit_ms = (double)qatomic_read(&o->live->downtime_limit_ms);

    return pending > per_ms * PAYS_LEAST_MS && pending <= per_ms * limit_ms &&
           iterate_guest_is_slow(o);
}

/*
 * What was sent lies in buffers on its way, megabytes of it, which a stopped
 * guest would have to wait for.  A running one need not: if the destination can
 * answer, let it work them off first.
 */
static bool iterate_drain(MigrationOut *o, Error **errp)
{
    uint64_t limit_ms = qatomic_read(&o->live->downtime_limit_ms);

    if (!o->return_path || ram_save_pending_bytes(o->ram) > 0 ||
        !iterate_guest_is_slow(o)) {
        return true;
    }
    section_put_ping(o->out, ++o->ping);
    if (!stream_out_flush(o->out, errp)) {
        return false;
    }
    if (!return_path_wait_pong(o->return_path, o->ping,
                               (int)MIN(limit_ms, DRAIN_MAX_MS))) {
        error_setg(errp, "The return path has ended");
        return false;
    }
    return true;
}

/*
 * Is what is left little enough?  Begins a round to find out, if need be.  Rounds
 * that follow go on while each leaves no more than half of the one before.
 */
static bool iterate_may_stop(MigrationOut *o, bool *may_stop, Error **errp)
{
    uint64_t threshold = iterate_threshold_bytes(o);
    bool little = ram_save_pending_bytes(o->ram) <= threshold;
    /*
     * As in QEMU: who allows no time at all gets the guest stopped after the
     * first round with nothing left, whatever it has written meanwhile.
     */
    bool look = qatomic_read(&o->live->downtime_limit_ms) > 0;

    *may_stop = little && !look;
    if (!iterate_round_is_overdue(o) &&
        (!little || !look || iterate_pays(o))) {
        return true;
    }
    if (!iterate_drain(o, errp) || !iterate_begin_round(o, errp)) {
        return false;
    }
    little = ram_save_pending_bytes(o->ram) <= threshold;
    *may_stop = little &&
                (ram_save_pending_bytes(o->ram) > o->round_bytes / 2 ||
                 !iterate_pays(o));
    o->round_bytes = ram_save_pending_bytes(o->ram);
    if (*may_stop) {
        trace_migration_switchover(o->round_bytes, threshold);
    }
    return true;
}

bool outgoing_iterate(MigrationOut *o, Error **errp)
{
    iterate_begin_window(o, qemu_clock_get_us(QEMU_CLOCK_REALTIME));
    o->round_bytes = ram_save_pending_bytes(o->ram);
    for (;;) {
        bool may_stop, exceeded;

        if (!iterate_may_stop(o, &may_stop, errp)) {
            return false;
        }
        if (may_stop) {
            return true;
        }
        /* The wait may have ended only to have settings looked at. */
        exceeded = rate_limit_exceeded(&o->rate);
        iterate_measure(o, !exceeded);
        if (!exceeded && !iterate_part(o, errp)) {
            return false;
        }
        if (!rate_limit_wait(&o->rate)) {
            error_setg(errp, "The migration was cancelled");
            return false;
        }
    }
}
