/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a migration comes in: sockets that others connect to, and the one
 * channel of a descriptor, a program or a file, which is handed over from the
 * loop just as if it had connected.
 *
 * Entered by the main thread only.  What a connection is, is not found out here.
 */
#include "qemu/osdep.h"
#include "io/channel-file.h"
#include "io/listener.h"
#include "qapi/error.h"
#include "migration/transport/transport-internal.h"
#include "migration/transport/transport.h"

struct TransportListener {
    TransportFunc func;
    void *opaque;
    QIOListener *listener;      /* or NULL: */
    QIOChannel *ioc;            /* until it is handed over */
    GSource *source;
};

static void listener_accepted(QIOListener *unused, QIOChannel *ioc,
                              void *opaque)
{
    TransportListener *listener = opaque;

    listener->func(ioc, listener->opaque);
}

static gboolean listener_hand_over(void *opaque)
{
    TransportListener *listener = opaque;

    /* It may be freed in there. */
    listener->func(g_steal_pointer(&listener->ioc), listener->opaque);
    return G_SOURCE_REMOVE;
}

static bool listener_set_channel(TransportListener *listener, QIOChannel *ioc,
                                 GMainContext *context)
{
    if (!ioc) {
        return false;
    }
    listener->ioc = ioc;
    listener->source = g_idle_source_new();
    g_source_set_priority(listener->source, G_PRIORITY_DEFAULT);
    g_source_set_callback(listener->source, listener_hand_over, listener,
                          NULL);
    g_source_attach(listener->source, context);
    return true;
}

static QIOChannel *listen_file(const FileMigrationArgs *file, FdStore *fds,
                               Error **errp)
{
    g_autoptr(QIOChannel) ioc = qio_channel_file_open(file->filename, O_RDONLY,
                                                      0, fds, errp);

    if (!ioc || !qio_channel_file_seek(ioc, file->offset, errp)) {
        return NULL;
    }
    return g_steal_pointer(&ioc);
}

/* A socket that listens, or the connection itself. */
static bool listen_fd(TransportListener *listener, const FdSocketAddress *addr,
                      FdStore *fds, GMainContext *context, Error **errp)
{
    int fd = transport_take_fd(addr, fds, false, errp);

    if (fd < 0) {
        return false;
    }
    if (!transport_fd_listens(fd)) {
        return listener_set_channel(listener, transport_fd_channel(fd, errp),
                                    context);
    }
    listener->listener = qio_listener_new_fd(fd, context, listener_accepted,
                                             listener, errp);
    if (!listener->listener) {
        close(fd);
    }
    return listener->listener != NULL;
}

static bool listen_any(TransportListener *listener,
                       const MigrationAddress *addr, FdStore *fds, int backlog,
                       GMainContext *context, Error **errp)
{
    switch (addr->transport) {
    case MIGRATION_ADDRESS_TYPE_EXEC:
        return listener_set_channel(
            listener, transport_exec_channel(&addr->u.exec, errp), context);
    case MIGRATION_ADDRESS_TYPE_FILE:
        return listener_set_channel(
            listener, listen_file(&addr->u.file, fds, errp), context);
    default:
        if (addr->u.socket.type == SOCKET_ADDRESS_TYPE_FD) {
            return listen_fd(listener, &addr->u.socket.u.fd, fds, context,
                             errp);
        }
        listener->listener = qio_listener_new(&addr->u.socket, backlog,
                                              context, listener_accepted,
                                              listener, errp);
        return listener->listener != NULL;
    }
}

TransportListener *transport_listen(const MigrationAddress *addr, FdStore *fds,
                                    int backlog, GMainContext *context,
                                    TransportFunc func, void *opaque,
                                    Error **errp)
{
    TransportListener *listener = g_new0(TransportListener, 1);

    listener->func = func;
    listener->opaque = opaque;
    if (!listen_any(listener, addr, fds, backlog, context, errp)) {
        g_free(listener);
        return NULL;
    }
    return listener;
}

bool transport_listener_has_one(const TransportListener *listener)
{
    return !listener->listener;
}

SocketAddressList *transport_listener_addresses(TransportListener *listener)
{
    return listener->listener ? qio_listener_addresses(listener->listener)
                              : NULL;
}

void transport_listener_free(TransportListener *listener)
{
    if (!listener) {
        return;
    }
    qio_listener_free(listener->listener);
    if (listener->source) {
        g_source_destroy(listener->source);
        g_source_unref(listener->source);
    }
    /* Nobody wants it any more: a program need not end by itself. */
    qio_channel_shutdown(listener->ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    qio_channel_unref(listener->ioc);
    g_free(listener);
}
