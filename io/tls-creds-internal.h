/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kind of credentials provides, and the part that all have in common.
 * For the files of TLS in io/ only.
 *
 * Threads: as io/tls-creds.h.  No locks.
 */
#ifndef IO_TLS_CREDS_INTERNAL_H
#define IO_TLS_CREDS_INTERNAL_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include "io/tls-creds.h"

/* One kind of credentials. */
typedef struct TLSCredsKind {
    gnutls_credentials_type_t type;
    const char *priority;       /* what a session has to allow for it, or "" */
    /* Fills @creds->x509 and its like. */
    bool (*load)(TLSCreds *creds, const ObjectOptions *options, Error **errp);
    void (*unload)(TLSCreds *creds);
} TLSCredsKind;

struct TLSCreds {
    gint refcount;              /* atomic */
    /* set once */
    const TLSCredsKind *kind;
    char *id;
    char *dir;                  /* or NULL, with anonymous ones */
    QCryptoTLSCredsEndpoint endpoint;
    bool verify_peer;
    gnutls_priority_t priority;
    gnutls_dh_params_t dh;      /* of a file, or NULL: well-known ones */
    /* what the kind has loaded */
    union {
        gnutls_certificate_credentials_t x509;
        gnutls_psk_server_credentials_t psk_server;
        gnutls_psk_client_credentials_t psk_client;
        gnutls_anon_server_credentials_t anon_server;
        gnutls_anon_client_credentials_t anon_client;
        void *any;
    } u;
};

/* The certificates of one file. */
typedef struct TLSCertList {
    char *path;
    gnutls_x509_crt_t *certs;
    unsigned nr_certs;
} TLSCertList;

extern const TLSCredsKind tls_creds_kind_x509;
extern const TLSCredsKind tls_creds_kind_psk;
extern const TLSCredsKind tls_creds_kind_anon;

/**
 * tls_creds_path:
 * @creds: credentials with a folder
 * @name: of a file in it
 *
 * Returns: its path, to be g_free()d
 */
char *tls_creds_path(const TLSCreds *creds, const char *name);

/**
 * tls_creds_read:
 * @creds: credentials with a folder
 * @name: of a file in it
 * @optional: whether it may be absent
 * @data: where to put the content, to be g_free()d; its data is NULL when the
 *        file is absent
 * @errp: where to put the reason, which names the path, or NULL
 *
 * Returns: false when the file cannot be read
 */
bool tls_creds_read(const TLSCreds *creds, const char *name, bool optional,
                    gnutls_datum_t *data, Error **errp);

/**
 * tls_creds_check_certs:
 * @own: the certificate to show with those that signed it; of none, if there is
 *       none
 * @ca: who may have signed certificates
 * @crls: what was revoked
 * @nr_crls: entries of @crls
 * @endpoint: which side @own is for
 * @errp: where to put the reason, which names the file, or NULL
 *
 * Returns: false when the peer would refuse @own, or anybody's signed by @ca
 */
bool tls_creds_check_certs(const TLSCertList *own, const TLSCertList *ca,
                           gnutls_x509_crl_t *crls, unsigned nr_crls,
                           QCryptoTLSCredsEndpoint endpoint, Error **errp);

/**
 * tls_creds_status_text:
 * @status: bits of gnutls_certificate_status_t, at least one
 *
 * Returns: what is wrong with the certificate, as "it has expired"
 */
const char *tls_creds_status_text(unsigned status);

#endif
