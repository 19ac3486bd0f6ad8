/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switchover: the guest is stopped, and the rest of it is sent.  From here on
 * every millisecond is downtime.
 *
 * Entered by `live_migration`.  Device state is vmstate/'s to write, the run
 * state the machine's.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/timer.h"
#include "migration/base/pause-point.h"
#include "migration/core/outgoing.h"
#include "migration/stream/section.h"
#include "migration/stream/wire.h"
#include "migration/transport/transport.h"
#include "migration/vmstate/sections.h"

/* How long tcp may take to say that a peer which sends no more has gone. */
#define PEER_GONE_MS 100

static bool switchover_stop_guest(MigrationOut *o, Error **errp)
{
    qatomic_set(&o->counters.main_bytes, stream_out_bytes(o->out));
    qatomic_set(&o->transferred_at_stop, counters_transferred_bytes(&o->counters));
    qatomic_set(&o->stop_us, qemu_clock_get_us(QEMU_CLOCK_REALTIME));
    if (!o->host->machine->stop(o->host->machine_opaque, errp)) {
        return false;
    }
    o->stopped = true;
    return true;
}

void outgoing_continue(MigrationOut *o)
{
    QEMU_LOCK_GUARD(&o->lock);

    if (migration_state_get(&o->state) == MIGRATION_STATUS_PRE_SWITCHOVER) {
        o->continued = true;
        qemu_cond_broadcast(&o->pause_wake);
    }
}

/* The guest is stopped, and somebody outside has something to do with it. */
static bool switchover_wait_for_client(MigrationOut *o, Error **errp)
{
    QEMU_LOCK_GUARD(&o->lock);

    if (!migration_state_move(&o->state, MIGRATION_STATUS_ACTIVE,
                              MIGRATION_STATUS_PRE_SWITCHOVER)) {
        error_setg(errp, "The migration was cancelled");
        return false;
    }
    while (!o->continued && !o->peer_failed && !o->cancelled) {
        qemu_cond_wait(&o->pause_wake, &o->lock);
    }
    if (!o->continued) {
        /* Why the peer failed, the thread that met it can tell. */
        error_setg(errp, "The migration ended while it waited for "
                   "migrate-continue");
        return false;
    }
    return true;
}

static bool switchover_begin(MigrationOut *o, Error **errp)
{
    bool pause = o->config.pause_before_switchover;
    MigrationStatus from = pause ? MIGRATION_STATUS_PRE_SWITCHOVER
                                 : MIGRATION_STATUS_ACTIVE;

    if (!switchover_stop_guest(o, errp) ||
        (pause && !switchover_wait_for_client(o, errp))) {
        return false;
    }
    if (!migration_state_move(&o->state, from, MIGRATION_STATUS_DEVICE)) {
        error_setg(errp, "The migration was cancelled");
        return false;
    }
    return true;
}

static bool switchover_end_ram(MigrationOut *o, Error **errp)
{
    if (!ram_save_sync_dirty(o->ram, errp)) {
        return false;
    }
    outgoing_tell_pass(o);
    pause_point(o->config.pause_points, PAUSE_POINT_AT_SWITCHOVER);
    if (o->config.compat.send_switchover_start) {
        section_put_command(o->out, MIG_CMD_SWITCHOVER_START, NULL, 0);
    }
    section_put_next(o->out, QEMU_VM_SECTION_END, o->ram_section_id);
    if (!ram_save_complete(o->ram, errp)) {
        return false;
    }
    if (o->config.compat.send_section_footer) {
        section_put_footer(o->out, o->ram_section_id);
    }
    return true;
}

static bool switchover_devices(MigrationOut *o, Error **errp)
{
    return vmstate_save_full_sections(o->host->vmstate, o->out, o->vmdesc,
                                      o->config.compat.send_section_footer,
                                      errp) &&
           stream_out_flush(o->out, errp);
}

/*
 * Without a return path nobody tells that the destination has gone, perhaps long
 * ago while a client was waited for: tcp takes what is written and only then
 * finds out.  One that sends no more may just be a one-way street to a file.
 */
static bool switchover_peer_is_there(MigrationOut *o, Error **errp)
{
    struct pollfd pfd = {
        .fd = qio_channel_get_write_fd(o->main_ioc),
        .events = POLLRDHUP,
    };

    if (o->return_path || pfd.fd < 0 ||
        transport_knows_success(o->main_ioc) || poll(&pfd, 1, 0) <= 0) {
        return true;
    }
    pfd.events = 0;
    if (!(pfd.revents & (POLLHUP | POLLERR)) &&
        poll(&pfd, 1, PEER_GONE_MS) <= 0) {
        return true;
    }
    error_setg(errp, "The destination closed the main channel before all of "
               "the guest was sent");
    return false;
}

/*
 * The point of no return.  A destination takes the guest for complete when it has
 * read the EOF byte; what follows is only a description.  So that byte has a
 * write of its own, which succeeds or does not: a cancel that shuts the channel
 * comes in time or too late, and nothing in between.
 */
static bool switchover_hand_over(MigrationOut *o, Error **errp)
{
    pause_point(o->config.pause_points, PAUSE_POINT_BEFORE_HAND_OVER);
    if (!switchover_peer_is_there(o, errp)) {
        return false;
    }
    WITH_QEMU_LOCK_GUARD(&o->lock) {
        if (o->cancelled) {
            error_setg(errp, "The migration was cancelled");
            return false;
        }
        o->handing_over = true;
    }
    if (o->return_path) {
        return_path_expect_shut(o->return_path);
    }
    stream_put_byte(o->out, QEMU_VM_EOF);
    if (!stream_out_flush(o->out, errp)) {
        return false;
    }
    pause_point(o->config.pause_points, PAUSE_POINT_AFTER_HAND_OVER);
    return true;
}

static bool switchover_put_description(MigrationOut *o, Error **errp)
{
    g_autofree char *json = vmdesc_to_json(o->vmdesc);
    bool ok;

    section_put_vmdesc(o->out, json, (uint32_t)strlen(json));
    ok = stream_out_flush(o->out, errp);
    qatomic_set(&o->counters.main_bytes, stream_out_bytes(o->out));
    return ok;
}

/*
 * With a return path the destination has the last word, and a file or a program
 * that has everything is as good; of others it is believed.
 */
static bool switchover_confirm(MigrationOut *o, Error **errp)
{
    if (o->return_path) {
        /* That the description fails, the destination says better. */
        switchover_put_description(o, NULL);
        if (!return_path_wait(o->return_path, errp)) {
            return false;
        }
    } else if (transport_knows_success(o->main_ioc)) {
        if (!switchover_put_description(o, errp) ||
            !transport_finish(o->main_ioc, errp)) {
            return false;
        }
    } else {
        outgoing_handed_over(o);
        switchover_put_description(o, NULL);
        return true;
    }
    outgoing_handed_over(o);
    return true;
}

bool outgoing_switchover(MigrationOut *o, Error **errp)
{
    rate_limit_lift(&o->rate);
    return switchover_begin(o, errp) && switchover_end_ram(o, errp) &&
           switchover_devices(o, errp) && switchover_hand_over(o, errp) &&
           switchover_confirm(o, errp);
}
