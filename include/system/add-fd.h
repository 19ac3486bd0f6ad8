/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -add-fd: descriptors that the program was started with, as the first ones of
 * sets that /dev/fdset/N names.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_ADD_FD_H
#define SYSTEM_ADD_FD_H

#include <stdbool.h>

#include "io/fd-store.h"
#include "system/command-line.h"

/**
 * cmdline_add_fd:
 * @cl: receives it
 * @arg: "fd=FD,set=SET[,opaque=TEXT]"
 * @errp: receives the reason on failure, or NULL
 *
 * Reads the argument of -add-fd.
 *
 * Context: before anything runs.
 * Returns: false when it is malformed.
 */
bool cmdline_add_fd(CommandLine *cl, const char *arg, Error **errp);

/**
 * cmdline_add_fd_free:
 * @data: a CommandLineAddFd, or NULL
 *
 * Context: any thread.
 */
void cmdline_add_fd_free(gpointer data);

/**
 * add_fd_setup:
 * @store: receives duplicates of them
 * @cl: a whole command line
 * @errp: receives the reason on failure, or NULL
 *
 * Fills the sets.  The originals are closed then.
 *
 * Context: the main thread, once.
 * Returns: false when there is no such descriptor.
 */
bool add_fd_setup(FdStore *store, const CommandLine *cl, Error **errp);

#endif /* SYSTEM_ADD_FD_H */
