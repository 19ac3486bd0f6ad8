/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a migration goes to or comes from: URIs and channel lists, and the
 * connections they stand for: sockets, inherited descriptors, programs, files.
 *
 * Threads: parsing and listening in the main thread, connecting in any.
 * This header owns no locks.
 */
#ifndef MIGRATION_TRANSPORT_TRANSPORT_H
#define MIGRATION_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <gio/gio.h>
#include "io/channel.h"
#include "qapi/qapi-types-migration.h"

typedef struct FdStore FdStore;
typedef struct TransportListener TransportListener;

/* One connection; the function takes over the reference of @ioc. */
typedef void (*TransportFunc)(QIOChannel *ioc, void *opaque);

/**
 * transport_address:
 * @uri: "tcp:HOST:PORT", "unix:PATH", "vsock:CID:PORT", "fd:NAME",
 *       "exec:COMMAND" or "file:PATH[,offset=N]"; or NULL
 * @channels: a list with one channel of type main, or NULL
 * @errp: where to put the reason, or NULL
 *
 * Exactly one of @uri and @channels is to be given; an empty list is none.
 * Returns: the address, the caller's, free with qapi_free_MigrationAddress();
 *          NULL when there is none, more than one, or it cannot be understood
 */
MigrationAddress *transport_address(const char *uri,
                                    const MigrationChannelList *channels,
                                    Error **errp);

/**
 * transport_address_to_uri:
 * @addr: an address
 *
 * Returns: what messages call it, as a user would write it, to be g_free()d
 */
char *transport_address_to_uri(const MigrationAddress *addr);

/**
 * transport_address_is_file:
 * @addr: an address
 *
 * Returns: whether it is a file, in which each byte can be reached
 */
bool transport_address_is_file(const MigrationAddress *addr);

/**
 * transport_address_has_many_channels:
 * @addr: an address
 *
 * Returns: whether a second connection to it is possible: only with sockets that
 *          somebody listens on
 */
bool transport_address_has_many_channels(const MigrationAddress *addr);

/**
 * transport_check:
 * @addr: an address
 * @multifd: whether there are to be multifd channels
 * @mapped_ram: whether each page has its place in a file
 * @errp: where to put the reason, or NULL
 *
 * Returns: whether the address can do that
 */
bool transport_check(const MigrationAddress *addr, bool multifd,
                     bool mapped_ram, Error **errp);

/**
 * transport_address_is_at_hand:
 * @addr: an address
 *
 * Returns: whether transport_connect() waits for nobody, so that a client can be
 *          told at once when it fails: true for all but sockets to connect
 */
bool transport_address_is_at_hand(const MigrationAddress *addr);

/**
 * transport_connect:
 * @addr: where to; a file is made, cut off at its offset, and written from there
 * @fds: has the descriptors of fd:NAME and /dev/fdset/N; NULL when there are
 *       none.  A named one is used up.
 * @name: what messages are to call the connection; copied
 * @cancellable: ends the wait when cancelled
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread that may block.
 * Returns: a connected channel, the caller's, or NULL
 */
QIOChannel *transport_connect(const MigrationAddress *addr, FdStore *fds,
                              const char *name, GCancellable *cancellable,
                              Error **errp);

/**
 * transport_knows_success:
 * @ioc: a channel of transport_connect()
 *
 * Returns: whether it is known here, without a word from a destination, that all
 *          has arrived: in a file, or at a program that ends with status 0
 */
bool transport_knows_success(const QIOChannel *ioc);

/**
 * transport_finish:
 * @ioc: such a channel, to which all was written
 * @errp: where to put the reason, or NULL
 *
 * Tells a program that nothing more comes, and waits until it has ended; asks a
 * file for what its disk has kept to itself.  Shutting the channel ends a wait.
 * Context: any thread that may block.
 * Returns: false when that is a failure, or the wait was ended
 */
bool transport_finish(QIOChannel *ioc, Error **errp);

/**
 * transport_open_file:
 * @addr: an address that is a file
 * @flags: of open(2)
 * @fds: as for transport_connect()
 * @errp: where to put the reason, or NULL
 *
 * One more descriptor of the file; it is neither cut off nor moved to the
 * address's offset.
 * Context: any thread.
 * Returns: the descriptor, the caller's; -1 when it cannot be opened
 */
int transport_open_file(const MigrationAddress *addr, int flags, FdStore *fds,
                        Error **errp);

/**
 * transport_listen:
 * @addr: where to listen; what is there already (fd:, exec:, file:) is taken or
 *        begun now and handed over once, from the loop
 * @fds: as for transport_connect()
 * @backlog: connections the kernel keeps waiting; 1 or more
 * @context: main context whose loop calls @func
 * @func: what to call for each connection.  A file can't be polled, and is not
 *        to be: it is always ready.
 * @opaque: handed to @func
 * @errp: where to put the reason, or NULL
 *
 * Context: the thread that runs @context.
 * Returns: a listener, or NULL
 */
TransportListener *transport_listen(const MigrationAddress *addr, FdStore *fds,
                                    int backlog, GMainContext *context,
                                    TransportFunc func, void *opaque,
                                    Error **errp);

/**
 * transport_listener_has_one:
 * @listener: a listener
 *
 * Returns: whether it hands over one channel and no more
 */
bool transport_listener_has_one(const TransportListener *listener);

/**
 * transport_listener_addresses:
 * @listener: a listener
 *
 * Context: the thread of its context.
 * Returns: what is listened on, with the ports the kernel chose; the caller's,
 *          free with qapi_free_SocketAddressList(); NULL where there is nothing
 *          that one could connect to
 */
SocketAddressList *transport_listener_addresses(TransportListener *listener);

/**
 * transport_listener_free:
 * @listener: a listener, or NULL; may be called from inside its function
 *
 * Stops listening.  Channels that were handed over go on.
 * Context: the thread of its context.
 */
void transport_listener_free(TransportListener *listener);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TransportListener, transport_listener_free)

#endif
