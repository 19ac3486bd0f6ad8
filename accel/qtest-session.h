/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client of the qtest protocol, from its connection to its end.
 *
 * Threads: the thread of the main loop.  No locks.
 */
#ifndef ACCEL_QTEST_SESSION_H
#define ACCEL_QTEST_SESSION_H

#include <stdbool.h>
#include <stdio.h>

#include "accel/qtest-internal.h"
#include "io/channel.h"
#include "qemu/main-loop.h"

typedef struct QTestSession QTestSession;

/* The client is gone; free the session from the main loop. */
typedef void QTestSessionClosedFunc(void *opaque);

/* What a session is made with. */
typedef struct QTestSessionHost {
    MainLoop *loop;
    AccelQTest *qtest;
    FILE *log;              /* or NULL */
    /* Called once, at the client's end; must not free the session. */
    QTestSessionClosedFunc *closed;
    void *opaque;
} QTestSessionHost;

/**
 * qtest_session_new:
 * @ioc: the connected channel; its reference is taken, on failure too
 * @host: what the session works with; copied, what it points to outlives it
 * @errp: receives the reason on failure, or NULL
 *
 * Serves a client from the main loop.
 *
 * Context: the loop's thread.
 * Returns: the session, to be freed with qtest_session_free(); NULL when the
 * channel cannot be made non-blocking.
 */
QTestSession *qtest_session_new(QIOChannel *ioc, const QTestSessionHost *host,
                                Error **errp);

/**
 * qtest_session_free:
 * @session: a session, or NULL
 *
 * Ends a session without calling QTestSessionHost::closed.
 *
 * Context: the loop's thread, not from inside a command.
 */
void qtest_session_free(QTestSession *session);

#endif /* ACCEL_QTEST_SESSION_H */
