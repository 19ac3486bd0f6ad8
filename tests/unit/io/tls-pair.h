/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ends of a TLS connection for unit tests, with credentials from folders of
 * tls-certs.h.  Failures to make them end the test.
 *
 * Threads: the main thread of the test; the server's handshake has one of its
 * own for a while.
 */
#ifndef TESTS_UNIT_IO_TLS_PAIR_H
#define TESTS_UNIT_IO_TLS_PAIR_H

#include "tests/lib/channel-pair.h"
#include "io/channel-tls.h"

/* What a pair is made of; zeroed is a good one with certificates. */
typedef struct TLSPairSetup {
    ChannelPairKind kind;
    const char *type;           /* "x509" (NULL), "psk" or "anon" */
    const char *client_dir;     /* NULL: good */
    const char *server_dir;
    const char *client_options; /* more of them, ",priority=..." */
    const char *server_options;
    const char *hostname;       /* NULL: that of the good certificate */
    AuthZ *authz;
} TLSPairSetup;

/* The ends, and how their handshakes went: NULL is well. */
typedef struct TLSPair {
    QIOChannel *client;
    QIOChannel *server;
    Error *client_err;
    Error *server_err;
} TLSPair;

/**
 * tls_pair_dir:
 * @name: of a case of tls-certs.h
 *
 * Writes them all when called first.
 *
 * Returns: the folder, to be g_free()d
 */
char *tls_pair_dir(const char *name);

/**
 * tls_pair_remove_dirs:
 *
 * Removes what tls_pair_dir() has written.
 */
void tls_pair_remove_dirs(void);

/**
 * tls_pair_creds:
 * @setup: what to make
 * @server: for which end
 * @errp: receives the reason on failure, or NULL
 *
 * Returns: credentials, the caller's, or NULL
 */
TLSCreds *tls_pair_creds(const TLSPairSetup *setup, bool server,
                         Error **errp);

/**
 * tls_pair_over:
 * @pair: receives the ends
 * @setup: what to make
 * @client: what the client talks over; a reference is taken
 * @server: what the server talks over; a reference is taken
 *
 * Makes the ends and has them shake hands, whatever comes of it.
 */
void tls_pair_over(TLSPair *pair, const TLSPairSetup *setup,
                   QIOChannel *client, QIOChannel *server);

/**
 * tls_pair_open:
 * @pair: receives the ends
 * @setup: what to make
 *
 * tls_pair_over() a new connection.
 */
void tls_pair_open(TLSPair *pair, const TLSPairSetup *setup);

/**
 * tls_pair_open_good:
 * @pair: receives the ends, whose handshakes have gone well
 * @setup: what to make
 */
void tls_pair_open_good(TLSPair *pair, const TLSPairSetup *setup);

/**
 * tls_pair_close:
 * @pair: a pair
 */
void tls_pair_close(TLSPair *pair);

#endif
