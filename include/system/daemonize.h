/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -daemonize: a child in the background, and a parent that stays until it is
 * known whether the child is ready.
 *
 * Threads: the main thread, while it is the only one.  No locks.
 */
#ifndef SYSTEM_DAEMONIZE_H
#define SYSTEM_DAEMONIZE_H

#include <stdbool.h>

typedef struct Error Error;

/**
 * daemonize_start:
 * @ready_fd: receives what daemonize_ready() wants
 * @errp: receives the reason on failure, or NULL
 *
 * Forks.  The child returns; the parent waits for it and never returns: it
 * exits with 0 when the child is ready, else with the child's exit status.
 *
 * Context: the main thread, before any other is made.
 * Returns: true in the child; false when it could not be made.
 */
bool daemonize_start(int *ready_fd, Error **errp);

/**
 * daemonize_ready:
 * @ready_fd: from daemonize_start(); closed
 * @errp: receives the reason on failure, or NULL
 *
 * The child is ready: lets go of the directory and the terminal, and the
 * parent exit.
 *
 * Context: the main thread.
 * Returns: false when that does not work.
 */
bool daemonize_ready(int ready_fd, Error **errp);

#endif /* SYSTEM_DAEMONIZE_H */
