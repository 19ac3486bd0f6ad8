/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel that encrypts over another one, by GnuTLS.  It is made, then the
 * handshake is done, and then it is a channel as any other.  Only in builds with
 * CONFIG_GNUTLS.
 *
 * Threads: as io/channel.h, once the handshake is done; before that, one.
 * Locks: one inside, over the session.  While it is held the channel below is
 * called, which never waits; nobody waits with it.
 */
#ifndef IO_CHANNEL_TLS_H
#define IO_CHANNEL_TLS_H

#include <stdbool.h>
#include <gio/gio.h>
#include "io/authz.h"
#include "io/channel.h"
#include "io/tls-creds.h"

/**
 * qio_channel_tls_new_client:
 * @inner: what to talk over; a reference is taken, and it becomes non-blocking
 * @creds: credentials of a client; a reference is taken
 * @hostname: what the peer's certificate must be for, a name or an address;
 *            copied.  NULL only if !tls_creds_checks_host()
 * @errp: where to put the reason, or NULL
 *
 * The new channel has the name of @inner and blocks.
 * Returns: a channel whose handshake is to be done, or NULL
 */
QIOChannel *qio_channel_tls_new_client(QIOChannel *inner, TLSCreds *creds,
                                       const char *hostname, Error **errp);

/**
 * qio_channel_tls_new_server:
 * @inner: what to talk over; a reference is taken, and it becomes non-blocking
 * @creds: credentials of a server; a reference is taken
 * @authz: who may connect; a reference is taken.  NULL: whom @creds trust
 * @errp: where to put the reason, or NULL
 *
 * Returns: as qio_channel_tls_new_client()
 */
QIOChannel *qio_channel_tls_new_server(QIOChannel *inner, TLSCreds *creds,
                                       AuthZ *authz, Error **errp);

/**
 * qio_channel_tls_handshake_step:
 * @ioc: a TLS channel
 * @wait: where to put what to wait for until the next step: G_IO_IN or
 *        G_IO_OUT of its descriptor; 0 when the handshake is done
 * @errp: where to put the reason, or NULL
 *
 * Goes on with the handshake as far as that is possible without waiting.
 * Context: the main thread when there is an AuthZ.
 * Returns: false when it has failed; the peer was told
 */
bool qio_channel_tls_handshake_step(QIOChannel *ioc, GIOCondition *wait,
                                    Error **errp);

/**
 * qio_channel_tls_handshake:
 * @ioc: a TLS channel
 * @cancellable: ends the wait when cancelled; NULL: only a shutdown does
 * @errp: where to put the reason, or NULL
 *
 * The whole handshake.
 * Context: any thread that may block.
 * Returns: false when it has failed
 */
bool qio_channel_tls_handshake(QIOChannel *ioc, GCancellable *cancellable,
                               Error **errp);

/**
 * qio_channel_tls_tolerate_cut:
 * @ioc: a TLS channel
 *
 * From now on a connection that ends without the words for it has just ended.
 * For streams that say themselves where they end; on any other somebody may have
 * cut it.
 * Context: before a second thread reads.
 */
void qio_channel_tls_tolerate_cut(QIOChannel *ioc);

/**
 * qio_channel_tls_describe:
 * @ioc: a TLS channel whose handshake is done
 *
 * Returns: version, ciphers and who encrypts, for traces; to be g_free()d
 */
char *qio_channel_tls_describe(QIOChannel *ioc);

#endif
