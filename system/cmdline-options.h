/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of options: how each is written, what it means, what reads it.
 *
 * Constant; any thread.
 */
#ifndef SYSTEM_CMDLINE_OPTIONS_H
#define SYSTEM_CMDLINE_OPTIONS_H

#include <stdbool.h>

#include "system/command-line.h"

typedef struct Error Error;

typedef struct CommandLineOption {
    const char *name;       /* without dashes; NULL ends the table */
    const char *metavar;    /* of its argument; NULL: it has none */
    const char *help;       /* lines, no last line end; NULL: another name of
                             * an option that --help shows */
    /* @arg is NULL for an option without argument. */
    bool (*parse)(CommandLine *cl, const char *arg, Error **errp);
    const char *shown;      /* how --help writes it; NULL: "-name" */
} CommandLineOption;

extern const CommandLineOption cmdline_options[];

#endif /* SYSTEM_CMDLINE_OPTIONS_H */
