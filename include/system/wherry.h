/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of the program: main loop, monitors, machine, and the order in
 * which they come and go.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_WHERRY_H
#define SYSTEM_WHERRY_H

#include <stdbool.h>

#include <glib.h>

#include "system/command-line.h"

typedef struct Error Error;
typedef struct Wherry Wherry;

/**
 * wherry_new:
 * @cl: the command line; outlives the result
 * @errp: receives the reason on failure, or NULL
 *
 * Makes everything that the command line asks for, without starting it.
 *
 * Context: the main thread, while it is the only one.  The caller frees the
 * result with wherry_free().
 * Returns: the run, or NULL when a part cannot be made.
 */
Wherry *wherry_new(const CommandLine *cl, Error **errp);

/**
 * wherry_start:
 * @w: a run
 * @errp: receives the reason on failure, or NULL
 *
 * Waits for those monitor clients it has to wait for, begins to listen for an
 * incoming migration or to run the guest.
 *
 * Context: the main thread.
 * Returns: false when the address of an incoming migration is no good.
 */
bool wherry_start(Wherry *w, Error **errp);

/**
 * wherry_run:
 * @w: a started run
 *
 * Serves until something ends it: `quit`, a signal, a failed incoming
 * migration that is to end the process.
 *
 * Context: the main thread.
 * Returns: the exit status of the process.
 */
int wherry_run(Wherry *w);

/**
 * wherry_free:
 * @w: a run, half-built ones too, or NULL
 *
 * Cancels and ends what still runs, sends the last replies, frees.
 *
 * Context: the main thread.
 */
void wherry_free(Wherry *w);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Wherry, wherry_free)

#endif /* SYSTEM_WHERRY_H */
