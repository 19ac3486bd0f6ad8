/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trace points of all folders, and what -trace does with them.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_TRACING_H
#define SYSTEM_TRACING_H

#include <stdbool.h>

#include <glib.h>

#include "system/command-line.h"

typedef struct Error Error;

/**
 * tracing_setup:
 * @cl: the command line
 * @errp: receives the reason on failure, or NULL
 *
 * Turns on the trace points that the command line names, and opens their
 * file.  A pattern that matches nothing is a warning.
 *
 * Context: the main thread, before others run.
 * Returns: false when the file cannot be opened.
 */
bool tracing_setup(const CommandLine *cl, Error **errp);

/**
 * tracing_list:
 * @out: where to add the names of all trace points, one a line
 *
 * Context: the main thread.
 */
void tracing_list(GString *out);

#endif /* SYSTEM_TRACING_H */
