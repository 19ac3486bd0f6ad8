/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * URIs and channel lists of `migrate` and `migrate-incoming`.
 *
 * Entered by the main thread and by connecting threads.  What a socket address
 * looks like is io/address.c's to say, how it connects GIO's.
 */
#include "qemu/osdep.h"
#include "io/address.h"
#include "io/channel-socket.h"
#include "qapi/clone-visitor.h"
#include "qapi/error.h"
#include "qapi/qapi-visit-sockets.h"
#include "migration/transport/transport.h"

static SocketAddress *transport_channel_address(
    const MigrationChannelList *channels, Error **errp)
{
    const MigrationChannel *channel = channels->value;

    if (channels->next) {
        error_setg(errp, "Channel list has more than one entry");
        return NULL;
    }
    if (channel->channel_type != MIGRATION_CHANNEL_TYPE_MAIN) {
        error_setg(errp, "Channel list has no entry of channel-type 'main'");
        return NULL;
    }
    return QAPI_CLONE(SocketAddress, &channel->addr->u.socket);
}

SocketAddress *transport_address(const char *uri,
                                 const MigrationChannelList *channels,
                                 Error **errp)
{
    if (!uri == !channels) {
        error_setg(errp, "need either 'uri' or 'channels' argument");
        return NULL;
    }
    if (channels) {
        return transport_channel_address(channels, errp);
    }
    if (!g_str_has_prefix(uri, "tcp:") && !g_str_has_prefix(uri, "unix:")) {
        error_setg(errp, "unknown migration protocol: %s", uri);
        return NULL;
    }
    return socket_address_parse(uri, errp);
}

QIOChannel *transport_connect(const SocketAddress *addr, const char *name,
                              GCancellable *cancellable, Error **errp)
{
    QIOChannel *ioc = qio_channel_socket_connect(addr, cancellable, errp);

    if (ioc) {
        qio_channel_set_name(ioc, name);
    }
    return ioc;
}
