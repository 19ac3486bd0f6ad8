/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One QMP session: a connected client from its greeting to its end.
 *
 * Threads: the thread of the main loop.  No locks.
 */
#ifndef MONITOR_QMP_SESSION_H
#define MONITOR_QMP_SESSION_H

#include <stdbool.h>

#include "io/channel.h"
#include "monitor/monitor.h"

/* The client is gone or was given up; free the session from the main loop. */
typedef void MonitorQmpClosedFunc(void *opaque);

/**
 * monitor_qmp_new:
 * @ioc: the connected channel; its reference is taken, on failure too
 * @host: what the session works with; outlives it
 * @closed: called once, when the session has come to its end by itself; it
 *          may be inside a watch, a command, or this function, so @closed must
 *          not free it
 * @opaque: handed to @closed
 * @errp: receives the reason on failure, or NULL
 *
 * Begins a session: greets, and serves requests from the main loop.
 *
 * Context: the loop's thread.
 * Returns: the session, to be freed with monitor_qmp_free(); NULL when the
 * channel cannot be made non-blocking.
 */
MonitorQmp *monitor_qmp_new(QIOChannel *ioc, const MonitorHost *host,
                            MonitorQmpClosedFunc *closed, void *opaque,
                            Error **errp);

/**
 * monitor_qmp_free:
 * @mon: a session, or NULL
 *
 * Ends a session without further words.
 *
 * Context: the loop's thread, not from inside a command.
 */
void monitor_qmp_free(MonitorQmp *mon);

/**
 * monitor_qmp_flush:
 * @mon: a session
 * @timeout_ms: how long to wait for a client that does not read; 0 tries
 *
 * Sends what is buffered.
 *
 * Context: the loop's thread.
 */
void monitor_qmp_flush(MonitorQmp *mon, int timeout_ms);

/**
 * monitor_qmp_negotiate:
 * @mon: a session
 *
 * The client has said qmp_capabilities: commands and events from now on.
 *
 * Context: the loop's thread.
 * Returns: false when it had said so before.
 */
bool monitor_qmp_negotiate(MonitorQmp *mon);

/**
 * monitor_qmp_quit:
 * @mon: a session
 *
 * The client has said `quit`.
 *
 * Context: the loop's thread.
 */
void monitor_qmp_quit(MonitorQmp *mon);

/**
 * monitor_qmp_commands:
 * @mon: a session
 *
 * Context: the loop's thread.
 * Returns: the commands of the session, owned by it.
 */
const QmpCommandList *monitor_qmp_commands(MonitorQmp *mon);

/**
 * monitor_qmp_hmp:
 * @mon: a session
 *
 * Context: the loop's thread.
 * Returns: the commands of human-monitor-command, or NULL.
 */
const HmpHost *monitor_qmp_hmp(MonitorQmp *mon);

/**
 * monitor_qmp_fds:
 * @mon: a session
 *
 * Context: the loop's thread.
 * Returns: where descriptors are kept; not NULL in the commands about them.
 */
FdStore *monitor_qmp_fds(MonitorQmp *mon);

/**
 * monitor_qmp_take_fd:
 * @mon: a session
 *
 * Takes a descriptor that came with what the client has sent.
 *
 * Context: the loop's thread.
 * Returns: the descriptor, the caller's to close; -1 if none has come.
 */
int monitor_qmp_take_fd(MonitorQmp *mon);

#endif /* MONITOR_QMP_SESSION_H */
