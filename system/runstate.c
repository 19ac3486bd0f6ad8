/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run state of a machine: one state, one lock, and the changes that QMP,
 * a migration and the end of the process ask for.
 *
 * Entered by the main thread and by migration threads.  Which change may
 * follow which is decided here, by the function that is called in the state
 * that is found; nobody sets a state from outside.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qapi/qapi-events-run-state.h"
#include "qemu/thread.h"
#include "system/runstate.h"
#include "system/trace.h"

struct VmRunState {
    /* set once */
    Accel *accel;
    QapiEventSink *events;  /* or NULL */

    QemuMutex lock;
    RunState state;         /* guarded by @lock, as all that follows */
    RunState before;        /* in finish-migrate: what to go back to */
    bool autostart;         /* an awaited guest is to run */
    bool shutdown;          /* the process is about to end */
};

/* The guest's memory is on its way to another process, or there. */
static bool runstate_is_away(RunState state)
{
    return state == RUN_STATE_FINISH_MIGRATE ||
           state == RUN_STATE_POSTMIGRATE;
}

static void runstate_set_locked(VmRunState *rs, RunState state)
{
    bool away = runstate_is_away(state);

    trace_runstate_set(RunState_str(rs->state), RunState_str(state));
    if (away != runstate_is_away(rs->state) && rs->accel->ops->hold) {
        rs->accel->ops->hold(rs->accel, away);
    }
    rs->state = state;
}

static void runstate_start_locked(VmRunState *rs)
{
    runstate_set_locked(rs, RUN_STATE_RUNNING);
    qapi_event_send_resume(rs->events);
    rs->accel->ops->start(rs->accel);
}

/* Stops a guest that runs; others just change their state. */
static void runstate_halt_locked(VmRunState *rs, RunState state)
{
    bool running = rs->state == RUN_STATE_RUNNING;

    if (running) {
        rs->accel->ops->stop(rs->accel);
    }
    runstate_set_locked(rs, state);
    if (running) {
        qapi_event_send_stop(rs->events);
    }
}

VmRunState *runstate_new(Accel *accel, QapiEventSink *events, bool incoming,
                         bool autostart)
{
    VmRunState *rs = g_new0(VmRunState, 1);

    qemu_mutex_init(&rs->lock);
    rs->accel = accel;
    rs->events = events;
    rs->state = incoming ? RUN_STATE_INMIGRATE : RUN_STATE_PRELAUNCH;
    rs->autostart = autostart;
    return rs;
}

void runstate_free(VmRunState *rs)
{
    if (rs) {
        qemu_mutex_destroy(&rs->lock);
        g_free(rs);
    }
}

RunState runstate_get(VmRunState *rs)
{
    QEMU_LOCK_GUARD(&rs->lock);

    return rs->state;
}

bool runstate_is_running(VmRunState *rs)
{
    return runstate_get(rs) == RUN_STATE_RUNNING;
}

void runstate_launch(VmRunState *rs)
{
    QEMU_LOCK_GUARD(&rs->lock);

    if (rs->autostart && rs->state == RUN_STATE_PRELAUNCH) {
        runstate_start_locked(rs);
    }
}

void runstate_stop(VmRunState *rs)
{
    QEMU_LOCK_GUARD(&rs->lock);

    switch (rs->state) {
    case RUN_STATE_RUNNING:
        runstate_halt_locked(rs, RUN_STATE_PAUSED);
        break;
    case RUN_STATE_INMIGRATE:
        rs->autostart = false;
        break;
    case RUN_STATE_FINISH_MIGRATE:
        /* Should the migration fail, the guest stays stopped. */
        if (rs->before == RUN_STATE_RUNNING) {
            rs->before = RUN_STATE_PAUSED;
        }
        break;
    default:
        break;
    }
}

void runstate_internal_error(VmRunState *rs)
{
    QEMU_LOCK_GUARD(&rs->lock);

    switch (rs->state) {
    case RUN_STATE_RUNNING:
    case RUN_STATE_PAUSED:
        runstate_halt_locked(rs, RUN_STATE_INTERNAL_ERROR);
        break;
    case RUN_STATE_FINISH_MIGRATE:
        rs->before = RUN_STATE_INTERNAL_ERROR;
        break;
    default:
        break;
    }
}

bool runstate_cont(VmRunState *rs, Error **errp)
{
    QEMU_LOCK_GUARD(&rs->lock);

    switch (rs->state) {
    case RUN_STATE_RUNNING:
        return true;
    case RUN_STATE_PRELAUNCH:
    case RUN_STATE_PAUSED:
    case RUN_STATE_POSTMIGRATE:
    case RUN_STATE_SUSPENDED:
    case RUN_STATE_IO_ERROR:
    case RUN_STATE_WATCHDOG:
    case RUN_STATE_GUEST_PANICKED:
        runstate_start_locked(rs);
        return true;
    case RUN_STATE_INMIGRATE:
        rs->autostart = true;
        return true;
    case RUN_STATE_FINISH_MIGRATE:
        error_setg(errp, "Guest is being handed over by a migration; wait"
                   " until that is over, or cancel it");
        return false;
    default:
        error_setg(errp, "Guest cannot run in state '%s': it needs a reset",
                   RunState_str(rs->state));
        return false;
    }
}

bool runstate_can_migrate(VmRunState *rs, Error **errp)
{
    QEMU_LOCK_GUARD(&rs->lock);

    switch (rs->state) {
    case RUN_STATE_INMIGRATE:
        error_setg(errp, "Guest is waiting for an incoming migration");
        return false;
    case RUN_STATE_POSTMIGRATE:
        error_setg(errp, "Guest was stopped by an earlier migration, which has"
                   " sent it elsewhere; 'cont' first if it shall live here");
        return false;
    default:
        return true;
    }
}

bool runstate_finish_migrate(VmRunState *rs, Error **errp)
{
    QEMU_LOCK_GUARD(&rs->lock);

    if (rs->shutdown) {
        error_setg(errp, "Process is shutting down");
        return false;
    }
    rs->before = rs->state;
    runstate_halt_locked(rs, RUN_STATE_FINISH_MIGRATE);
    return true;
}

void runstate_migrate_failed(VmRunState *rs)
{
    QEMU_LOCK_GUARD(&rs->lock);

    if (rs->state != RUN_STATE_FINISH_MIGRATE) {
        return;
    }
    if (rs->before != RUN_STATE_RUNNING) {
        runstate_set_locked(rs, rs->before);
    } else if (rs->shutdown) {
        runstate_set_locked(rs, RUN_STATE_PAUSED);
    } else {
        runstate_start_locked(rs);
    }
}

void runstate_migrated(VmRunState *rs)
{
    QEMU_LOCK_GUARD(&rs->lock);

    if (rs->state == RUN_STATE_FINISH_MIGRATE) {
        runstate_set_locked(rs, RUN_STATE_POSTMIGRATE);
    }
}

RunState runstate_to_send(VmRunState *rs)
{
    QEMU_LOCK_GUARD(&rs->lock);

    return rs->state == RUN_STATE_FINISH_MIGRATE ? rs->before : rs->state;
}

bool runstate_is_receivable(RunState state)
{
    switch (state) {
    case RUN_STATE_RUNNING:
    case RUN_STATE_SUSPENDED:
    case RUN_STATE_PRELAUNCH:
    case RUN_STATE_PAUSED:
    case RUN_STATE_POSTMIGRATE:
    case RUN_STATE_SHUTDOWN:
    case RUN_STATE_IO_ERROR:
    case RUN_STATE_INTERNAL_ERROR:
    case RUN_STATE_WATCHDOG:
    case RUN_STATE_GUEST_PANICKED:
        return true;
    default:
        /* Passing states of QEMU, which a guest could not leave here. */
        return false;
    }
}

void runstate_incoming_done(VmRunState *rs, RunState state)
{
    QEMU_LOCK_GUARD(&rs->lock);

    if (rs->state != RUN_STATE_INMIGRATE) {
        return;
    }
    if (state != RUN_STATE__MAX && state != RUN_STATE_RUNNING &&
        state != RUN_STATE_SUSPENDED) {
        runstate_set_locked(rs, state);
    } else if (rs->autostart && !rs->shutdown) {
        runstate_start_locked(rs);
    } else {
        runstate_set_locked(rs, RUN_STATE_PAUSED);
    }
}

void runstate_shutdown(VmRunState *rs, ShutdownCause cause)
{
    QEMU_LOCK_GUARD(&rs->lock);

    if (rs->shutdown) {
        return;
    }
    rs->shutdown = true;
    qapi_event_send_shutdown(rs->events,
                             cause == SHUTDOWN_CAUSE_GUEST_SHUTDOWN, cause);
}

void runstate_keep_stopped(VmRunState *rs)
{
    QEMU_LOCK_GUARD(&rs->lock);

    rs->shutdown = true;
}

void runstate_end(VmRunState *rs)
{
    QEMU_LOCK_GUARD(&rs->lock);

    if (rs->state == RUN_STATE_RUNNING) {
        rs->accel->ops->stop(rs->accel);
    }
    if (rs->state != RUN_STATE_SHUTDOWN) {
        runstate_set_locked(rs, RUN_STATE_SHUTDOWN);
    }
}
