/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -global: compatibility properties of the migration.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_GLOBALS_H
#define SYSTEM_GLOBALS_H

#include <stdbool.h>

#include "migration/migration.h"
#include "system/command-line.h"
#include "system/globalstate.h"

typedef struct Error Error;

/**
 * globals_apply:
 * @cl: the command line
 * @migration: what has the properties
 * @globalstate: what has store-global-state
 * @errp: receives the reason on failure, or NULL
 *
 * Sets the properties that the command line names, in its order.
 *
 * Context: the main thread, before the first migration.
 * Returns: false when a property is unknown or its value is.
 */
bool globals_apply(const CommandLine *cl, Migration *migration,
                   GlobalState *globalstate, Error **errp);

#endif /* SYSTEM_GLOBALS_H */
