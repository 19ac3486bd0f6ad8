/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel over a connected stream socket (tcp or unix).  GIO resolves names
 * and connects; once connected, reads and writes go straight to sendmsg(2) and
 * recvmsg(2) on a blocking descriptor, which is what the page path needs.
 *
 * Threads: as io/channel.h.  This header owns no locks.
 */
#ifndef IO_CHANNEL_SOCKET_H
#define IO_CHANNEL_SOCKET_H

#include <gio/gio.h>
#include "io/channel.h"
#include "qapi/qapi-types-sockets.h"

/**
 * qio_channel_socket_new:
 * @socket: a connected socket; the channel duplicates its descriptor, so the
 *          caller may drop or close it
 * @errp: where to put the reason, or NULL
 *
 * Wraps a socket that was accepted or connected elsewhere.  Sets it to
 * blocking, switches Nagle's algorithm off and keep-alive on for tcp.
 * Context: any thread.
 * Returns: a new channel, or NULL
 */
QIOChannel *qio_channel_socket_new(GSocket *socket, Error **errp);

/**
 * qio_channel_socket_new_fd:
 * @fd: a connected stream socket; owned by the channel on success only
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: a new channel, or NULL when @fd is no stream socket
 */
QIOChannel *qio_channel_socket_new_fd(int fd, Error **errp);

/**
 * qio_channel_socket_connect:
 * @addr: where to
 * @cancellable: g_cancellable_cancel() on it from another thread ends the wait
 *               at once, name resolution included; may be NULL
 * @errp: where to put the reason, or NULL
 *
 * Connects, trying each address of a name in turn.  Blocks.
 * Context: any thread but one that runs a main loop which must go on.
 * Returns: a new channel, or NULL
 */
QIOChannel *qio_channel_socket_connect(const SocketAddress *addr,
                                       GCancellable *cancellable,
                                       Error **errp);

/**
 * qio_channel_socket_pair:
 * @a: where to put one end
 * @b: where to put the other end
 * @errp: where to put the reason, or NULL
 *
 * Two connected channels over a socketpair(2).
 * Context: any thread.
 * Returns: false when the kernel has no descriptors left
 */
bool qio_channel_socket_pair(QIOChannel **a, QIOChannel **b, Error **errp);

#endif
