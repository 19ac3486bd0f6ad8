/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -incoming: waiting for a guest from the start.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_INCOMING_H
#define SYSTEM_INCOMING_H

#include <stdbool.h>

#include "system/command-line.h"
#include "system/machine.h"

typedef struct Error Error;

/**
 * incoming_setup:
 * @machine: a complete machine
 * @cl: the command line it was made from
 * @errp: receives the reason on failure, or NULL
 *
 * Listens where -incoming says, unless that is left to migrate-incoming.  A
 * failure of that migration ends the process.
 *
 * Context: the main thread.
 * Returns: false when it cannot listen there.
 */
bool incoming_setup(Machine *machine, const CommandLine *cl, Error **errp);

#endif /* SYSTEM_INCOMING_H */
