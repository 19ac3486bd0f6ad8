/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From argv to a struct CommandLine.  Parsing checks each option by itself;
 * whether they fit together is seen when the machine is built from them.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_CMDLINE_H
#define SYSTEM_CMDLINE_H

#include <glib.h>

#include "system/command-line.h"

typedef struct Error Error;

/**
 * cmdline_parse:
 * @argc: as main() has it
 * @argv: as main() has it; -opt and --opt are the same
 * @errp: receives the reason on failure, which names the option, or NULL
 *
 * Reads the command line.  Of an option that may come only once the last one
 * counts.
 *
 * Context: the main thread.  The caller frees it with cmdline_free().
 * Returns: the struct, or NULL when an option is unknown or malformed.
 */
CommandLine *cmdline_parse(int argc, char **argv, Error **errp);

/**
 * cmdline_free:
 * @cl: a command line, or NULL
 *
 * Context: the main thread.
 */
void cmdline_free(CommandLine *cl);

/**
 * cmdline_info:
 * @cl: a command line whose action is not CMDLINE_RUN
 *
 * What the action is to print: the help text, the version, a list.
 *
 * Context: the main thread.
 * Returns: lines, to be freed with g_free().
 */
char *cmdline_info(const CommandLine *cl);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CommandLine, cmdline_free)

#endif /* SYSTEM_CMDLINE_H */
