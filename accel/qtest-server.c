/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server of the qtest protocol: a listening address and the one client that
 * is being served.  The next one waits in the kernel's backlog; a session ends
 * inside its own watch, so a bottom half frees it and lets the next one in.
 *
 * Runs in the thread of the main loop.
 */
#include "qemu/osdep.h"

#include "accel/qtest-session.h"
#include "accel/qtest.h"
#include "io/listener.h"
#include "qapi/error.h"

/* Clients that may wait for their turn without being refused. */
#define QTEST_BACKLOG 8

struct QTestServer {
    /* set once */
    QTestSessionHost host;
    QIOListener *listener;

    QTestSession *session;  /* NULL: nobody is being served */
};

static void qtest_server_next(void *opaque)
{
    QTestServer *server = opaque;

    g_clear_pointer(&server->session, qtest_session_free);
    qio_listener_set_accepting(server->listener, true);
}

static void qtest_server_session_closed(void *opaque)
{
    QTestServer *server = opaque;

    main_loop_schedule(server->host.loop, qtest_server_next, server);
}

static void qtest_server_accepted(QIOListener *listener, QIOChannel *ioc,
                                  void *opaque)
{
    QTestServer *server = opaque;

    if (server->session) {
        /* Taken in the same turn of the loop as the one before it. */
        qio_channel_unref(ioc);
        return;
    }
    qio_channel_set_name(ioc, "qtest client");
    server->session = qtest_session_new(ioc, &server->host, NULL);
    if (server->session) {
        qio_listener_set_accepting(listener, false);
    }
}

QTestServer *qtest_server_new(const SocketAddress *addr, MainLoop *loop,
                              Accel *accel, FILE *log, Error **errp)
{
    g_autoptr(QTestServer) server = g_new0(QTestServer, 1);

    server->host.loop = loop;
    server->host.qtest = qtest_from_accel(accel);
    server->host.log = log;
    server->host.closed = qtest_server_session_closed;
    server->host.opaque = server;
    if (!server->host.qtest) {
        error_setg(errp, "Accelerator '%s' has no memory for a test to write;"
                   " add -accel qtest", accel->ops->name);
        return NULL;
    }
    server->listener = qio_listener_new(addr, QTEST_BACKLOG,
                                        main_loop_context(loop),
                                        qtest_server_accepted, server, errp);
    return server->listener ? g_steal_pointer(&server) : NULL;
}

void qtest_server_free(QTestServer *server)
{
    if (server) {
        main_loop_cancel(server->host.loop, qtest_server_next, server);
        qio_listener_free(server->listener);
        qtest_session_free(server->session);
        if (server->host.log && server->host.log != stderr) {
            fclose(server->host.log);
        }
        g_free(server);
    }
}

bool qtest_server_has_client(const QTestServer *server)
{
    return server->session != NULL;
}
