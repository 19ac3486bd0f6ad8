/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which modules of commands there are, and what each works on.  Those of the
 * session itself (qapi/control.json) are added by the monitor.
 *
 * Main thread.
 */
#include "qemu/osdep.h"

#include "qapi/qapi-commands-machine.h"
#include "qapi/qapi-commands-migration.h"
#include "qapi/qapi-commands-qom.h"
#include "qapi/qapi-commands-run-state.h"
#include "system/commands.h"
#include "system/machine.h"

void commands_register(QmpCommandList *cmds, void *opaque)
{
    Machine *machine = opaque;

    qmp_register_run_state_commands(cmds, machine);
    qmp_register_machine_commands(cmds, machine);
    qmp_register_qom_commands(cmds, machine);
    qmp_register_migration_commands(cmds, machine->migration);
}
