/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connected pairs of channels; see channel-pair.h.  Any thread.
 */
#include "qemu/osdep.h"
#include <gio/gio.h>
#include "channel-pair.h"
#include "io/channel-socket.h"
#include "qapi/error.h"

static void assert_no_error(Error *err)
{
    if (err) {
        g_error("channel pair: %s", error_get_pretty(err));
    }
}

static void tcp_pair(QIOChannel **a, QIOChannel **b)
{
    g_autoptr(GInetAddress) loopback =
        g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any_port = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocketAddress) bound = NULL;
    g_autoptr(GSocket) server = NULL, connected = NULL, accepted = NULL;
    g_autoptr(GError) gerr = NULL;
    Error *err = NULL;

    server = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                          G_SOCKET_PROTOCOL_DEFAULT, &gerr);
    g_assert_no_error(gerr);
    g_socket_bind(server, any_port, false, &gerr);
    g_assert_no_error(gerr);
    g_socket_listen(server, &gerr);
    g_assert_no_error(gerr);
    bound = g_socket_get_local_address(server, &gerr);
    g_assert_no_error(gerr);

    /* The backlog completes the connection before anybody accepts it. */
    connected = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                             G_SOCKET_PROTOCOL_DEFAULT, &gerr);
    g_assert_no_error(gerr);
    g_socket_connect(connected, bound, NULL, &gerr);
    g_assert_no_error(gerr);
    accepted = g_socket_accept(server, NULL, &gerr);
    g_assert_no_error(gerr);

    *a = qio_channel_socket_new(connected, &err);
    assert_no_error(err);
    *b = qio_channel_socket_new(accepted, &err);
    assert_no_error(err);
}

void channel_pair_new(ChannelPairKind kind, QIOChannel **a, QIOChannel **b)
{
    Error *err = NULL;

    if (kind == CHANNEL_PAIR_TCP) {
        tcp_pair(a, b);
        return;
    }
    qio_channel_socket_pair(a, b, &err);
    assert_no_error(err);
}
