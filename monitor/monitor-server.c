/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QMP server: a listening address and the one client that is being served.
 *
 * While there is a client, connections stay in the kernel's backlog, where
 * they cost nothing and hear nothing.  A session ends inside its own watch,
 * where it cannot be freed; a bottom half does that and lets the next one in.
 *
 * Runs in the thread of the main loop.
 */
#include "qemu/osdep.h"

#include "io/listener.h"
#include "monitor/monitor.h"
#include "monitor/qmp-session.h"
#include "monitor/trace.h"
#include "qapi/error.h"

/* Clients that may wait for their turn without being refused. */
#define MONITOR_BACKLOG 8

struct MonitorServer {
    /* set once */
    MonitorHost host;
    QIOListener *listener;

    MonitorQmp *session;    /* NULL: nobody is being served */
};

static void monitor_server_next(void *opaque)
{
    MonitorServer *server = opaque;

    g_clear_pointer(&server->session, monitor_qmp_free);
    qio_listener_set_accepting(server->listener, true);
}

static void monitor_server_session_closed(MonitorQmp *mon, void *opaque)
{
    MonitorServer *server = opaque;

    main_loop_schedule(server->host.loop, monitor_server_next, server);
}

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
    qio_channel_set_name(ioc, "QMP client");
    server->session = monitor_qmp_new(ioc, &server->host,
                                      monitor_server_session_closed, server,
                                      &err);
    if (!server->session) {
        trace_monitor_server_refused(error_get_pretty(err));
        error_free(err);
        return;
    }
    qio_listener_set_accepting(listener, false);
}

MonitorServer *monitor_server_new(const SocketAddress *addr,
                                  const MonitorHost *host, Error **errp)
{
    g_autofree MonitorServer *server = g_new0(MonitorServer, 1);

    server->host = *host;
    server->listener = qio_listener_new(addr, MONITOR_BACKLOG,
                                        main_loop_context(host->loop),
                                        monitor_server_accepted, server, errp);
    return server->listener ? g_steal_pointer(&server) : NULL;
}

void monitor_server_free(MonitorServer *server)
{
    if (server) {
        main_loop_cancel(server->host.loop, monitor_server_next, server);
        qio_listener_free(server->listener);
        if (server->session) {
            monitor_qmp_flush(server->session, 0);
            monitor_qmp_free(server->session);
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
        monitor_qmp_flush(server->session, timeout_ms);
    }
}
