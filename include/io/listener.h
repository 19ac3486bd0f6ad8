/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listener: accepts connections on an address and hands each to a function,
 * from the loop of one main context.  GIO resolves, binds and listens.
 *
 * Threads: created, used and freed in the thread that runs its main context.
 * This header owns no locks.
 */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include <stdbool.h>
#include <glib.h>
#include "io/channel.h"
#include "qapi/qapi-types-sockets.h"

typedef struct QIOListener QIOListener;

/* One accepted connection; the function takes over the reference of @ioc. */
typedef void (*QIOListenerFunc)(QIOListener *listener, QIOChannel *ioc,
                                void *opaque);

/**
 * qio_listener_new:
 * @addr: where to listen: a tcp name may mean several addresses, port "0" lets
 *        the kernel choose one port (the same for all addresses of the name); a
 *        unix path left over by a dead process is taken over, one that a
 *        living process listens on is refused
 * @backlog: connections the kernel keeps waiting; 1 or more
 * @context: main context whose loop accepts; NULL for the default
 * @func: what to call for each connection
 * @opaque: handed to @func
 * @errp: where to put the reason, or NULL
 *
 * Returns: a listener that accepts from the next turn of the loop on; NULL when
 *          the address cannot be bound
 */
QIOListener *qio_listener_new(const SocketAddress *addr, int backlog,
                              GMainContext *context, QIOListenerFunc func,
                              void *opaque, Error **errp);

/**
 * qio_listener_new_fd:
 * @fd: a socket that listens; owned by the listener on success only
 * @context: as for qio_listener_new()
 * @func: likewise
 * @opaque: likewise
 * @errp: where to put the reason, or NULL
 *
 * Accepts on a socket that somebody else has made; a unix path stays.
 * Returns: a listener, or NULL when @fd does not listen
 */
QIOListener *qio_listener_new_fd(int fd, GMainContext *context,
                                 QIOListenerFunc func, void *opaque,
                                 Error **errp);

/**
 * qio_listener_addresses:
 * @listener: a listener
 *
 * Returns: what is listened on, with the ports the kernel chose; the caller's,
 *          free with qapi_free_SocketAddressList()
 */
SocketAddressList *qio_listener_addresses(QIOListener *listener);

/**
 * qio_listener_set_accepting:
 * @listener: a listener
 * @accepting: false leaves new connections in the backlog
 *
 * Lets a server that serves one client at a time keep the next one waiting.
 */
void qio_listener_set_accepting(QIOListener *listener, bool accepting);

/**
 * qio_listener_free:
 * @listener: a listener, or NULL; may be called from inside its function
 *
 * Stops listening, removes the unix path it made, frees.
 */
void qio_listener_free(QIOListener *listener);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QIOListener, qio_listener_free)

#endif
