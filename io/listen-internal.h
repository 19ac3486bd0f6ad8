/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that listen on an address: resolving, binding, choosing a port,
 * taking over a unix path.  Only io/listener.c and tests include this.
 *
 * Threads: any; no locks, no state.
 */
#ifndef IO_LISTEN_INTERNAL_H
#define IO_LISTEN_INTERNAL_H

#include <gio/gio.h>
#include "qapi/qapi-types-sockets.h"

typedef struct Error Error;

/**
 * listen_unix:
 * @path: short enough for a unix socket
 * @backlog: connections the kernel keeps waiting
 * @errp: where to put the reason, or NULL
 *
 * Listens on a path, taking it over from a dead process.
 *
 * Context: any thread.
 * Returns: an array with one non-blocking GSocket, which it owns; NULL when a
 *          living process or another sort of file has the path
 */
GPtrArray *listen_unix(const char *path, int backlog, Error **errp);

/**
 * listen_inet:
 * @addr: an address of type inet
 * @connectable: the same for GIO
 * @backlog: connections the kernel keeps waiting
 * @errp: where to put the reason, or NULL
 *
 * Listens on all addresses of a name, with one port.
 *
 * Context: any thread; blocks while the name is resolved.
 * Returns: an array of non-blocking GSockets, which it owns; NULL when there is
 *          no such address or the port is taken
 */
GPtrArray *listen_inet(const SocketAddress *addr,
                       GSocketConnectable *connectable, int backlog,
                       Error **errp);

#endif
