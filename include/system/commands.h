/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP commands of the program, all modules together.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_COMMANDS_H
#define SYSTEM_COMMANDS_H

#include "qapi/dispatch.h"

/**
 * commands_register:
 * @cmds: where to add the commands
 * @opaque: the Machine they work on; outlives @cmds
 *
 * Fits MonitorHost::register_commands.
 *
 * Context: the main thread.
 */
void commands_register(QmpCommandList *cmds, void *opaque);

#endif /* SYSTEM_COMMANDS_H */
