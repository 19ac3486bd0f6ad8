/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server: a listening address and the one client that is being served, over
 * QMP or the human monitor.
 *
 * While there is a client, connections stay in the kernel's backlog, where
 * they cost nothing and hear nothing.  A session ends inside its own watch,
 * where it cannot be freed; a bottom half does that and lets the next one in.
 *
 * Runs in the thread of the main loop.
 */
#include "qemu/osdep.h"

#include "io/listener.h"
#include "monitor/hmp-stream.h"
#include "monitor/monitor.h"
#include "monitor/qmp-session.h"
#include "monitor/trace.h"
#include "qapi/error.h"

/* Clients that may wait for their turn without being refused. */
#define MONITOR_BACKLOG 8

/* What one kind of session is; @session is what create() has returned. */
typedef struct MonitorKind {
    const char *client;     /* name of its channels */
    /* Takes @ioc, on failure too. */
    void *(*create)(MonitorServer *server, QIOChannel *ioc, Error **errp);
    void (*flush)(void *session, int timeout_ms);
    void (*free)(void *session);
} MonitorKind;

struct MonitorServer {
    /* set once */
    const MonitorKind *kind;
    MonitorHost host;
    QIOListener *listener;

    void *session;          /* NULL: nobody is being served */
};

static void monitor_server_next(void *opaque)
{
    MonitorServer *server = opaque;

    g_clear_pointer(&server->session, server->kind->free);
    qio_listener_set_accepting(server->listener, true);
}

static void monitor_server_closed(void *opaque)
{
    MonitorServer *server = opaque;

    main_loop_schedule(server->host.loop, monitor_server_next, server);
}

static void *monitor_server_qmp_create(MonitorServer *server, QIOChannel *ioc,
                                       Error **errp)
{
    return monitor_qmp_new(ioc, &server->host, monitor_server_closed, server,
                           errp);
}

static void monitor_server_qmp_flush(void *session, int timeout_ms)
{
    monitor_qmp_flush(session, timeout_ms);
}

static void monitor_server_qmp_free(void *session)
{
    monitor_qmp_free(session);
}

static const MonitorKind monitor_kind_qmp = {
    .client = "QMP client",
    .create = monitor_server_qmp_create,
    .flush = monitor_server_qmp_flush,
    .free = monitor_server_qmp_free,
};

static void *monitor_server_hmp_create(MonitorServer *server, QIOChannel *ioc,
                                       Error **errp)
{
    return hmp_stream_new(ioc, server->host.hmp, monitor_server_closed, server,
                          errp);
}

static void monitor_server_hmp_flush(void *session, int timeout_ms)
{
    hmp_stream_flush(session, timeout_ms);
}

static void monitor_server_hmp_free(void *session)
{
    hmp_stream_free(session);
}

static const MonitorKind monitor_kind_hmp = {
    .client = "HMP client",
    .create = monitor_server_hmp_create,
    .flush = monitor_server_hmp_flush,
    .free = monitor_server_hmp_free,
};

static void monitor_server_accepted(QIOListener *listener, QIOChannel *ioc,
                                    void *opaque)
{
    MonitorServer *server = opaque;
    Error *err = NULL;

    if (server->session) {
        /* Taken in the same turn of the loop as the one before it. */
        qio_channel_unref(ioc);
        return;
    }
    qio_channel_set_name(ioc, server->kind->client);
    server->session = server->kind->create(server, ioc, &err);
    if (!server->session) {
        trace_monitor_server_refused(error_get_pretty(err));
        error_free(err);
        return;
    }
    qio_listener_set_accepting(listener, false);
}

static MonitorServer *monitor_server_listen(const SocketAddress *addr,
                                            const MonitorKind *kind,
                                            const MonitorHost *host,
                                            Error **errp)
{
    g_autofree MonitorServer *server = g_new0(MonitorServer, 1);

    server->kind = kind;
    server->host = *host;
    server->listener = qio_listener_new(addr, MONITOR_BACKLOG,
                                        main_loop_context(host->loop),
                                        monitor_server_accepted, server, errp);
    return server->listener ? g_steal_pointer(&server) : NULL;
}

MonitorServer *monitor_server_new(const SocketAddress *addr,
                                  const MonitorHost *host, Error **errp)
{
    return monitor_server_listen(addr, &monitor_kind_qmp, host, errp);
}

MonitorServer *monitor_server_new_hmp(const SocketAddress *addr,
                                      const MonitorHost *host, Error **errp)
{
    return monitor_server_listen(addr, &monitor_kind_hmp, host, errp);
}

void monitor_server_free(MonitorServer *server)
{
    if (server) {
        main_loop_cancel(server->host.loop, monitor_server_next, server);
        qio_listener_free(server->listener);
        if (server->session) {
            server->kind->flush(server->session, 0);
            server->kind->free(server->session);
        }
        main_loop_cancel(server->host.loop, monitor_server_next, server);
        g_free(server);
    }
}

bool monitor_server_has_client(const MonitorServer *server)
{
    return server->session != NULL;
}

SocketAddressList *monitor_server_addresses(MonitorServer *server)
{
    return qio_listener_addresses(server->listener);
}

void monitor_server_flush(MonitorServer *server, int timeout_ms)
{
    if (server->session) {
        server->kind->flush(server->session, timeout_ms);
    }
}
