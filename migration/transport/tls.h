/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS of one migration: what each of its connections is wrapped in, the main one
 * and those of multifd.  A build without GnuTLS has the functions, but nobody
 * gets as far as to call them.
 *
 * Threads: created and accepting in the main thread, connecting in any.  No
 * locks.
 */
#ifndef MIGRATION_TRANSPORT_TLS_H
#define MIGRATION_TRANSPORT_TLS_H

#include <stdbool.h>
#include <gio/gio.h>
#include "io/authz.h"
#include "io/channel.h"
#include "io/tls-creds.h"

typedef struct TransportTLS TransportTLS;

/**
 * transport_tls_new_client:
 * @creds: what to use; a reference is taken
 * @hostname: what the peer's certificate must be for; copied.  NULL: not known
 * @errp: where to put the reason, or NULL
 *
 * Returns: what transport_tls_connect() needs; NULL when @creds are not for a
 *          client, or a name is needed
 */
TransportTLS *transport_tls_new_client(TLSCreds *creds, const char *hostname,
                                       Error **errp);

/**
 * transport_tls_new_server:
 * @creds: what to use; a reference is taken
 * @authz: who may connect; a reference is taken.  NULL: whom @creds trust
 * @errp: where to put the reason, or NULL
 *
 * Returns: what transport_tls_accept() needs; NULL when @creds are not for a
 *          server, or @authz could not decide
 */
TransportTLS *transport_tls_new_server(TLSCreds *creds, AuthZ *authz,
                                       Error **errp);

/**
 * transport_tls_free:
 * @tls: what was made by one of the above, or NULL
 *
 * Channels that were made with it go on.
 */
void transport_tls_free(TransportTLS *tls);

/**
 * transport_tls_connect:
 * @tls: for a client; NULL: @ioc is handed back as it is
 * @ioc: a new connection, taken over; NULL: nothing is done
 * @cancellable: ends the wait when cancelled
 * @errp: where to put the reason, or NULL
 *
 * Does the handshake with the other side.
 * Context: any thread that may block.
 * Returns: the channel to use, the caller's, or NULL
 */
QIOChannel *transport_tls_connect(TransportTLS *tls, QIOChannel *ioc,
                                  GCancellable *cancellable, Error **errp);

/**
 * transport_tls_accept:
 * @tls: for a server
 * @ioc: a new connection, taken over
 * @errp: where to put the reason, or NULL
 *
 * Context: the main thread.
 * Returns: a channel for transport_tls_handshake(), the caller's, or NULL
 */
QIOChannel *transport_tls_accept(TransportTLS *tls, QIOChannel *ioc,
                                 Error **errp);

/**
 * transport_tls_handshake:
 * @ioc: from transport_tls_accept()
 * @wait: where to put what to wait for until the next call, G_IO_IN or
 *        G_IO_OUT; 0 when the handshake is done
 * @errp: where to put the reason, or NULL
 *
 * Context: the main thread; does not wait.
 * Returns: false when the handshake has failed
 */
bool transport_tls_handshake(QIOChannel *ioc, GIOCondition *wait,
                             Error **errp);

/**
 * transport_tls_tolerate_cut:
 * @ioc: from transport_tls_accept(), its handshake done
 *
 * Takes a cut connection for the end of the stream: that of a main channel, for
 * QEMU just closes those.
 * Context: the main thread.
 */
void transport_tls_tolerate_cut(QIOChannel *ioc);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TransportTLS, transport_tls_free)

#endif
