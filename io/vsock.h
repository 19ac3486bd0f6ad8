/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets between a virtual machine and its host, of which GIO knows nothing.
 * For this folder alone.
 *
 * Threads: any; no locks, no state.
 */
#ifndef IO_VSOCK_H
#define IO_VSOCK_H

#include <stdbool.h>
#include <gio/gio.h>
#include "qapi/qapi-types-sockets.h"

typedef struct Error Error;
struct sockaddr;

/**
 * vsock_address_check:
 * @addr: numbers as text
 * @errp: where to put the reason, or NULL
 *
 * Returns: whether both are numbers of 32 bits
 */
bool vsock_address_check(const VsockSocketAddress *addr, Error **errp);

/**
 * vsock_address_from_native:
 * @native: an address of a socket
 *
 * Returns: the same, the caller's; NULL when it is of another family
 */
SocketAddress *vsock_address_from_native(const struct sockaddr *native);

/**
 * vsock_connect:
 * @addr: where to
 * @cancellable: ends the wait when cancelled; may be NULL
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread that may block.
 * Returns: a connected descriptor, the caller's; or -1
 */
int vsock_connect(const VsockSocketAddress *addr, GCancellable *cancellable,
                  Error **errp);

/**
 * vsock_listen:
 * @addr: where to listen
 * @backlog: connections the kernel keeps waiting
 * @errp: where to put the reason, or NULL
 *
 * Context: any thread.
 * Returns: a non-blocking descriptor that listens, the caller's; or -1
 */
int vsock_listen(const VsockSocketAddress *addr, int backlog, Error **errp);

#endif
