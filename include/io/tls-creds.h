/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS credentials: objects tls-creds-x509, tls-creds-psk and tls-creds-anon.
 * What is in the files is read and checked when the object is made; a file that
 * changes later needs a new object.
 *
 * A build without GnuTLS has this header, but can make no such object.
 *
 * Threads: created in the main thread; afterwards constant.  The reference
 * count is atomic.  No locks.
 */
#ifndef IO_TLS_CREDS_H
#define IO_TLS_CREDS_H

#include <stdbool.h>
#include <glib.h>
#include "qapi/qapi-types-qom.h"

typedef struct Error Error;
typedef struct TLSCreds TLSCreds;

/* What a folder of credentials may hold, under QEMU's names. */
#define TLS_CREDS_CA_CERT "ca-cert.pem"
#define TLS_CREDS_CA_CRL "ca-crl.pem"
#define TLS_CREDS_SERVER_CERT "server-cert.pem"
#define TLS_CREDS_SERVER_KEY "server-key.pem"
#define TLS_CREDS_CLIENT_CERT "client-cert.pem"
#define TLS_CREDS_CLIENT_KEY "client-key.pem"
#define TLS_CREDS_DH_PARAMS "dh-params.pem"
#define TLS_CREDS_PSK "keys.psk"

/**
 * tls_creds_new:
 * @options: of one of these objects; only read
 * @errp: where to put the reason, or NULL
 *
 * Reads the files and, unless sanity-check is off, makes sure that the
 * certificates can do what they are for.
 * Context: the main thread.
 * Returns: credentials with one reference; NULL when a file is missing or
 *          wrong (the reason names it), or this build has no GnuTLS
 */
TLSCreds *tls_creds_new(const ObjectOptions *options, Error **errp);

/**
 * tls_creds_ref:
 * @creds: credentials
 *
 * Context: any thread.
 * Returns: @creds
 */
TLSCreds *tls_creds_ref(TLSCreds *creds);

/**
 * tls_creds_unref:
 * @creds: credentials, or NULL
 *
 * Context: any thread.
 */
void tls_creds_unref(TLSCreds *creds);

/**
 * tls_creds_check_endpoint:
 * @creds: credentials
 * @endpoint: which side is wanted
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when they are for the other side
 */
bool tls_creds_check_endpoint(const TLSCreds *creds,
                              QCryptoTLSCredsEndpoint endpoint, Error **errp);

/**
 * tls_creds_checks_host:
 * @creds: credentials
 *
 * Returns: whether the peer is checked against the name of a host
 */
bool tls_creds_checks_host(const TLSCreds *creds);

/**
 * tls_creds_names_peer:
 * @creds: credentials
 *
 * Returns: whether it is known who the peer is, so that an AuthZ can decide:
 *          by its certificate or by the name of its key
 */
bool tls_creds_names_peer(const TLSCreds *creds);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TLSCreds, tls_creds_unref)

#endif
