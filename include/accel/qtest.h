/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server of the qtest protocol: a line of text for each access to guest
 * memory, so that a test can be the guest of a machine with `-accel qtest`.
 *
 * Threads: everything here belongs to the thread of the main loop.  No locks.
 */
#ifndef ACCEL_QTEST_H
#define ACCEL_QTEST_H

#include <stdbool.h>
#include <stdio.h>

#include "accel/accel.h"
#include "qapi/qapi-types-sockets.h"
#include "qemu/main-loop.h"

typedef struct QTestServer QTestServer;

/**
 * qtest_server_new:
 * @addr: where to listen
 * @loop: what serves the clients; outlives the server
 * @accel: a qtest accelerator, whose memory is accessed; outlives the server
 * @log: where to write what is said, or NULL; the server closes it, on failure
 *       of this function too, unless it is stderr
 * @errp: receives the reason on failure, or NULL
 *
 * Listens, and serves one client after the other from the main loop.
 *
 * Context: the loop's thread.  The caller frees it with qtest_server_free().
 * Returns: the server, or NULL when the address cannot be bound or @accel is
 * another accelerator.
 */
QTestServer *qtest_server_new(const SocketAddress *addr, MainLoop *loop,
                              Accel *accel, FILE *log, Error **errp);

/**
 * qtest_server_free:
 * @server: a server, or NULL
 *
 * Ends the session, stops listening.
 *
 * Context: the loop's thread, not from inside a command.
 */
void qtest_server_free(QTestServer *server);

/**
 * qtest_server_has_client:
 * @server: a server
 *
 * Tells whether a client is being served.
 *
 * Context: the loop's thread.
 * Returns: true if so.
 */
bool qtest_server_has_client(const QTestServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QTestServer, qtest_server_free)

#endif /* ACCEL_QTEST_H */
