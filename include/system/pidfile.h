/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -pidfile: a file with the process id, locked for as long as the process
 * lives.
 *
 * Threads: the main thread of the process whose id it is.  No locks.
 */
#ifndef SYSTEM_PIDFILE_H
#define SYSTEM_PIDFILE_H

#include <glib.h>

typedef struct Error Error;
typedef struct PidFile PidFile;

/**
 * pidfile_new:
 * @path: the file, an absolute path; made when it is missing
 * @errp: receives the reason on failure, or NULL
 *
 * Locks the file and writes the process id.
 *
 * Context: the main thread, after the last fork.  The caller frees the result
 * with pidfile_free().
 * Returns: the file, or NULL when it cannot be made, or a living process has
 * it.
 */
PidFile *pidfile_new(const char *path, Error **errp);

/**
 * pidfile_free:
 * @pidfile: a file, or NULL
 *
 * Removes and unlocks the file.
 *
 * Context: the main thread.
 */
void pidfile_free(PidFile *pidfile);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PidFile, pidfile_free)

#endif /* SYSTEM_PIDFILE_H */
