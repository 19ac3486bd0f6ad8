/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a migration goes to or comes from: URIs and channel lists, and the
 * connections they stand for.
 *
 * Threads: parsing and listening in the main thread, connecting in any.
 * This header owns no locks.
 */
#ifndef MIGRATION_TRANSPORT_TRANSPORT_H
#define MIGRATION_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <gio/gio.h>
#include "io/channel.h"
#include "io/listener.h"
#include "qapi/qapi-types-migration.h"

/**
 * transport_address:
 * @uri: "tcp:HOST:PORT" or "unix:PATH", or NULL
 * @channels: a list with one channel of type main, or NULL
 * @errp: where to put the reason, or NULL
 *
 * Exactly one of @uri and @channels is to be given.
 * Returns: the address, the caller's, free with qapi_free_SocketAddress(); NULL
 *          when there is none, more than one, or it cannot be understood
 */
SocketAddress *transport_address(const char *uri,
                                 const MigrationChannelList *channels,
                                 Error **errp);

/**
 * transport_connect:
 * @addr: where to
 * @name: what messages are to call the connection; copied
 * @cancellable: ends the wait when cancelled
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread that may block.
 * Returns: a connected channel, the caller's, or NULL
 */
QIOChannel *transport_connect(const SocketAddress *addr, const char *name,
                              GCancellable *cancellable, Error **errp);

#endif
