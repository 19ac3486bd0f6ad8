/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills MachineOps: what a migration asks of the machine, passed on to the
 * run state.
 *
 * Entered by migration threads (stop, resume, migrated, running,
 * incoming_done, throttle, warn) and by the main thread (the others).
 */
#include "qemu/osdep.h"

#include "system/machine-ops.h"
#include "system/report.h"

static bool machine_ops_can_migrate(void *opaque, Error **errp)
{
    MachineOpsState *s = opaque;

    return runstate_can_migrate(s->runstate, errp);
}

static bool machine_ops_running(void *opaque)
{
    MachineOpsState *s = opaque;

    return runstate_is_running(s->runstate);
}

static bool machine_ops_stop(void *opaque, Error **errp)
{
    MachineOpsState *s = opaque;

    return runstate_finish_migrate(s->runstate, errp);
}

static void machine_ops_resume(void *opaque)
{
    MachineOpsState *s = opaque;

    runstate_migrate_failed(s->runstate);
}

static void machine_ops_migrated(void *opaque)
{
    MachineOpsState *s = opaque;

    runstate_migrated(s->runstate);
}

static bool machine_ops_incoming_done(void *opaque, Error **errp)
{
    MachineOpsState *s = opaque;

    runstate_incoming_done(s->runstate, s->globalstate->received);
    return true;
}

static void machine_ops_incoming_failed(void *opaque, const char *message,
                                        bool exit_on_error)
{
    MachineOpsState *s = opaque;

    error_report("incoming migration failed: %s", message);
    if (exit_on_error) {
        s->fail(s->opaque);
    }
}

static void machine_ops_throttle(void *opaque, unsigned percent)
{
    MachineOpsState *s = opaque;

    if (s->accel->ops->throttle) {
        s->accel->ops->throttle(s->accel, percent);
    }
}

static void machine_ops_warn(void *opaque, const char *message)
{
    warn_report("%s", message);
}

const MachineOps machine_ops = {
    .can_migrate = machine_ops_can_migrate,
    .running = machine_ops_running,
    .stop = machine_ops_stop,
    .resume = machine_ops_resume,
    .migrated = machine_ops_migrated,
    .incoming_done = machine_ops_incoming_done,
    .incoming_failed = machine_ops_incoming_failed,
    .throttle = machine_ops_throttle,
    .warn = machine_ops_warn,
};
