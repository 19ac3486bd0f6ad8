/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bodies of the QMP commands about the machine, its run state and its objects.
 *
 * Main thread, called by the dispatcher with checked arguments.
 */
#include "qemu/osdep.h"

#include "qapi/qapi-commands-machine.h"
#include "qapi/qapi-commands-qom.h"
#include "qapi/qapi-commands-run-state.h"
#include "system/machine.h"

StatusInfo *qmp_query_status(Machine *machine, Error **errp)
{
    StatusInfo *info = g_new0(StatusInfo, 1);

    info->status = runstate_get(machine->runstate);
    info->running = info->status == RUN_STATE_RUNNING;
    return info;
}

void qmp_stop(Machine *machine, Error **errp)
{
    runstate_stop(machine->runstate);
}

void qmp_cont(Machine *machine, Error **errp)
{
    runstate_cont(machine->runstate, errp);
}

NameInfo *qmp_query_name(Machine *machine, Error **errp)
{
    NameInfo *info = g_new0(NameInfo, 1);

    info->name = g_strdup(machine->name);
    return info;
}

void qmp_object_add(Machine *machine, ObjectOptions *arg, Error **errp)
{
    object_add(machine->objects, arg, errp);
}

void qmp_object_del(Machine *machine, const char *id, Error **errp)
{
    object_del(machine->objects, id, machine->migration, errp);
}
