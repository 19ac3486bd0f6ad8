/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP or HMP over a socket: a server that listens, and the session with the
 * one client it serves.  The next client waits in the kernel's backlog, without a
 * greeting, until the present one goes.
 *
 * A session reads without blocking, takes requests however they are cut, and
 * stops reading while its replies pile up, so that a client that does not read
 * costs neither time nor memory without limit.
 *
 * Threads: everything here belongs to the thread of the main loop.  No locks.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "io/channel.h"
#include "io/fd-store.h"
#include "monitor/events.h"
#include "monitor/hmp.h"
#include "qapi/dispatch.h"
#include "qapi/qapi-types-sockets.h"
#include "qemu/main-loop.h"

/* The longest request and the deepest nesting in one. */
#define MONITOR_REQUEST_MAX_BYTES (1024 * 1024)
#define MONITOR_REQUEST_MAX_DEPTH 128

typedef struct MonitorServer MonitorServer;

/* A session: what the commands of qapi/control.json have as context. */
typedef struct MonitorQmp MonitorQmp;

/*
 * What a new session is made with.
 */
typedef struct MonitorHost {
    MainLoop *loop;
    MonitorEvents *events;
    /*
     * Adds the commands of the program to those of the session itself, which
     * are there already.
     */
    void (*register_commands)(QmpCommandList *cmds, void *opaque);
    /* The client said `quit`: lets the main loop end, and returns. */
    void (*quit)(void *opaque);
    void *opaque;
    /* the commands of HMP; outlives the sessions; NULL: there are none */
    const HmpHost *hmp;
    /* where handed over descriptors go; likewise; NULL: they are not taken */
    FdStore *fds;
} MonitorHost;

/**
 * monitor_server_new:
 * @addr: where to listen
 * @host: what its sessions work with; copied, what it points to outlives the
 *        server
 * @errp: receives the reason on failure, or NULL
 *
 * Listens, and serves one client after the other from the main loop.
 *
 * Context: the loop's thread.  The caller frees it with
 * monitor_server_free().
 * Returns: the server, or NULL when the address cannot be bound.
 */
MonitorServer *monitor_server_new(const SocketAddress *addr,
                                  const MonitorHost *host, Error **errp);

/**
 * monitor_server_new_hmp:
 * @addr: where to listen
 * @host: as for monitor_server_new(), with MonitorHost::hmp
 * @errp: receives the reason on failure, or NULL
 *
 * The same for the human monitor.
 *
 * Context: the loop's thread.  The caller frees it with
 * monitor_server_free().
 * Returns: the server, or NULL when the address cannot be bound.
 */
MonitorServer *monitor_server_new_hmp(const SocketAddress *addr,
                                      const MonitorHost *host, Error **errp);

/**
 * monitor_server_free:
 * @server: a server, or NULL
 *
 * Sends what the client can take without waiting, ends the session, stops
 * listening.
 *
 * Context: the loop's thread, not from inside a command.
 */
void monitor_server_free(MonitorServer *server);

/**
 * monitor_server_has_client:
 * @server: a server
 *
 * Tells whether a client is being served.
 *
 * Context: the loop's thread.
 * Returns: true if so.
 */
bool monitor_server_has_client(const MonitorServer *server);

/**
 * monitor_server_addresses:
 * @server: a server
 *
 * Where it listens, with the port that the kernel chose.
 *
 * Context: the loop's thread.
 * Returns: the addresses, the caller's.
 */
SocketAddressList *monitor_server_addresses(MonitorServer *server);

/**
 * monitor_server_flush:
 * @server: a server
 * @timeout_ms: how long the client may take
 *
 * Waits until the client's kernel has taken all replies, for the last words
 * before the process ends.
 *
 * Context: the loop's thread, not from inside a command.
 */
void monitor_server_flush(MonitorServer *server, int timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MonitorServer, monitor_server_free)

#endif /* MONITOR_MONITOR_H */
