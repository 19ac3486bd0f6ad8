/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The argument of -qmp and -monitor: where to listen, and whether to wait for a
 * client.
 *
 * Pure functions, any thread.
 */
#ifndef SYSTEM_MONITOR_OPTIONS_H
#define SYSTEM_MONITOR_OPTIONS_H

#include <stdbool.h>

#include <glib.h>

#include "qapi/qapi-types-sockets.h"

typedef struct Error Error;

typedef struct MonitorOptions {
    char *text;             /* as it was written, for messages */
    SocketAddress *addr;
    bool wait;              /* start only when a client has connected */
    bool hmp;               /* for people (-monitor) and not for programs */
} MonitorOptions;

/**
 * monitor_options_parse:
 * @text: "unix:PATH" or "tcp:HOST:PORT" with ",server=on" and, if wanted,
 *        ",wait=off"; QEMU's short forms "server" and "nowait" do as well, and
 *        ",," is a comma in a path
 * @errp: receives the reason on failure, or NULL
 *
 * Reads the argument of -qmp, or one of -monitor that is no word.
 *
 * Context: any thread.  The caller frees it with monitor_options_free().
 * Returns: the options, or NULL when something is wrong or not supported.
 */
MonitorOptions *monitor_options_parse(const char *text, Error **errp);

/**
 * monitor_options_free:
 * @options: options, or NULL
 *
 * Context: any thread.
 */
void monitor_options_free(MonitorOptions *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MonitorOptions, monitor_options_free)

#endif /* SYSTEM_MONITOR_OPTIONS_H */
