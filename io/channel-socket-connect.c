/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connecting a socket channel: names to addresses, one address after the other;
 * see io/channel-socket.h.
 *
 * Entered by any thread that may block.  GIO does the work; what moves bytes
 * afterwards is channel-socket.c.
 */
#include "qemu/osdep.h"
#include "io/address.h"
#include "io/channel-socket.h"
#include "qapi/error.h"
#include "trace.h"
#include "vsock.h"

/* How long to wait before asking a unix listener with a full backlog again. */
#define UNIX_RETRY_MS 10

/*
 * A unix listener whose backlog is full refuses a non-blocking connect with
 * EAGAIN, and nothing can be polled for room in it: asking again is the only
 * way.  tcp waits by itself.
 */
static void wait_for_backlog(GCancellable *cancellable)
{
    GPollFD pollfd;

    if (g_cancellable_make_pollfd(cancellable, &pollfd)) {
        g_poll(&pollfd, 1, UNIX_RETRY_MS);
        g_cancellable_release_fd(cancellable);
    } else {
        g_usleep(UNIX_RETRY_MS * 1000);
    }
}

static bool socket_try_connect(GSocket *socket, GSocketAddress *gaddr,
                               GCancellable *cancellable, GError **gerr)
{
    bool is_unix = g_socket_get_family(socket) == G_SOCKET_FAMILY_UNIX;

    while (!g_socket_connect(socket, gaddr, cancellable, gerr)) {
        if (!is_unix ||
            !g_error_matches(*gerr, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
            return false;
        }
        g_clear_error(gerr);
        wait_for_backlog(cancellable);
        /* The connect above would not look, and fail the same way for ever. */
        if (g_cancellable_set_error_if_cancelled(cancellable, gerr)) {
            return false;
        }
    }
    return true;
}

/* One address of a name. */
static GSocket *socket_connect_one(GSocketAddress *gaddr,
                                   GCancellable *cancellable, GError **gerr)
{
    g_autoptr(GSocket) socket = NULL;

    socket = g_socket_new(g_socket_address_get_family(gaddr),
                          G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                          gerr);
    if (!socket || !socket_try_connect(socket, gaddr, cancellable, gerr)) {
        return NULL;
    }
    return g_steal_pointer(&socket);
}

/*
 * Goes through the addresses of a name until one answers.  The reason of the
 * last failure is kept: with "localhost" the first is often an address family
 * that the peer does not listen on.
 */
static GSocket *socket_connect_any(const SocketAddress *addr,
                                   GSocketConnectable *connectable,
                                   GCancellable *cancellable, GError **gerr)
{
    g_autoptr(GSocketAddressEnumerator) addresses =
        g_socket_connectable_enumerate(connectable);

    for (;;) {
        g_autoptr(GSocketAddress) gaddr = NULL;
        GError *this_gerr = NULL;
        GSocket *socket;

        gaddr = g_socket_address_enumerator_next(addresses, cancellable,
                                                 &this_gerr);
        if (!gaddr && !this_gerr) {
            if (!*gerr) {
                g_set_error_literal(gerr, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                                    "the host has no address of that "
                                    "family");
            }
            return NULL;
        }
        if (gaddr && !socket_address_wants_family(
                addr, g_socket_address_get_family(gaddr))) {
            continue;
        }
        g_clear_error(gerr);
        if (!gaddr) {
            g_propagate_error(gerr, this_gerr);
            return NULL;
        }
        socket = socket_connect_one(gaddr, cancellable, gerr);
        if (socket ||
            g_error_matches(*gerr, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
            return socket;
        }
    }
}

/* One that GIO does not know. */
static QIOChannel *socket_connect_vsock(const VsockSocketAddress *addr,
                                        GCancellable *cancellable,
                                        Error **errp)
{
    AUTO_FD int fd = vsock_connect(addr, cancellable, errp);
    QIOChannel *ioc = fd < 0 ? NULL : qio_channel_socket_new_fd(fd, errp);

    if (ioc) {
        (void)g_steal_fd(&fd);
    }
    return ioc;
}

QIOChannel *qio_channel_socket_connect(const SocketAddress *addr,
                                       GCancellable *cancellable,
                                       Error **errp)
{
    g_autoptr(GSocketConnectable) connectable = NULL;
    g_autoptr(GSocket) socket = NULL;
    g_autofree char *uri = socket_address_to_uri(addr);
    g_autoptr(GError) gerr = NULL;

    if (addr->type == SOCKET_ADDRESS_TYPE_VSOCK) {
        trace_channel_socket_connect(uri);
        return socket_connect_vsock(&addr->u.vsock, cancellable, errp);
    }
    connectable = socket_address_to_gio(addr, errp);
    if (!connectable) {
        return NULL;
    }
    if (G_IS_NETWORK_ADDRESS(connectable) &&
        g_network_address_get_port(G_NETWORK_ADDRESS(connectable)) == 0) {
        error_setg(errp, "cannot connect to '%s': port 0 is for listening; "
                   "give the port that the peer listens on", uri);
        return NULL;
    }
    trace_channel_socket_connect(uri);
    socket = socket_connect_any(addr, connectable, cancellable, &gerr);
    if (!socket) {
        trace_channel_socket_connect_failed(uri, gerr->message);
        error_setg(errp, "cannot connect to '%s': %s", uri, gerr->message);
        return NULL;
    }
    return qio_channel_socket_new(socket, errp);
}
