/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switchover: the guest is stopped, and the rest of it is sent.  From here on
 * every millisecond is downtime.
 *
 * Entered by `live_migration`.  Device state is vmstate/'s to write, the run
 * state the machine's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/timer.h"
#include "migration/base/pause-point.h"
#include "migration/core/outgoing.h"
#include "migration/stream/section.h"
#include "migration/stream/wire.h"
#include "migration/vmstate/sections.h"

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
    g_autofree char *json = NULL;

    if (!vmstate_save_full_sections(o->host->vmstate, o->out, o->vmdesc,
                                    o->config.compat.send_section_footer,
                                    errp)) {
        return false;
    }
    stream_put_byte(o->out, QEMU_VM_EOF);
    json = vmdesc_to_json(o->vmdesc);
    section_put_vmdesc(o->out, json, (uint32_t)strlen(json));
    return true;
}

bool outgoing_switchover(MigrationOut *o, Error **errp)
{
    rate_limit_lift(&o->rate);
    if (!switchover_begin(o, errp) || !switchover_end_ram(o, errp) ||
        !switchover_devices(o, errp)) {
        return false;
    }
    if (o->return_path) {
        return_path_expect_shut(o->return_path);
    }
    if (!stream_out_flush(o->out, errp)) {
        return false;
    }
    qatomic_set(&o->counters.main_bytes, stream_out_bytes(o->out));
    return true;
}
