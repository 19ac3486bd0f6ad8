/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credentials by certificates: reads the files of a folder.
 *
 * Entered by the main thread.  Whether the certificates can do what they are for
 * is tls-creds-check.c's to say.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "tls-creds-internal.h"

static void x509_list_clear(TLSCertList *list)
{
    for (unsigned i = 0; i < list->nr_certs; i++) {
        gnutls_x509_crt_deinit(list->certs[i]);
    }
    gnutls_free(list->certs);
    g_free(list->path);
    *list = (TLSCertList) { 0 };
}

/* Everything that is read before GnuTLS gets it. */
typedef struct X509Files {
    TLSCertList ca;
    TLSCertList own;
    gnutls_x509_privkey_t key;  /* NULL: none */
    gnutls_x509_crl_t *crls;
    unsigned nr_crls;
} X509Files;

static void x509_files_clear(X509Files *files)
{
    x509_list_clear(&files->ca);
    x509_list_clear(&files->own);
    if (files->key) {
        gnutls_x509_privkey_deinit(files->key);
    }
    for (unsigned i = 0; i < files->nr_crls; i++) {
        gnutls_x509_crl_deinit(files->crls[i]);
    }
    gnutls_free(files->crls);
}

static bool x509_read_certs(const TLSCreds *creds, const char *name,
                            bool optional, TLSCertList *list, Error **errp)
{
    gnutls_datum_t data;
    int ret;

    if (!tls_creds_read(creds, name, optional, &data, errp)) {
        return false;
    }
    list->path = tls_creds_path(creds, name);
    if (!data.data) {
        return true;
    }
    ret = gnutls_x509_crt_list_import2(&list->certs, &list->nr_certs, &data,
                                       GNUTLS_X509_FMT_PEM, 0);
    g_free(data.data);
    if (ret < 0) {
        list->certs = NULL;
        list->nr_certs = 0;
        error_setg(errp, "TLS credentials '%s': '%s' has no certificate that "
                   "can be read: %s", creds->id, list->path,
                   gnutls_strerror(ret));
        return false;
    }
    return true;
}

static bool x509_read_crl(const TLSCreds *creds, X509Files *files,
                          Error **errp)
{
    g_autofree char *path = tls_creds_path(creds, TLS_CREDS_CA_CRL);
    gnutls_datum_t data;
    int ret;

    if (!tls_creds_read(creds, TLS_CREDS_CA_CRL, true, &data, errp)) {
        return false;
    }
    if (!data.data) {
        return true;
    }
    ret = gnutls_x509_crl_list_import2(&files->crls, &files->nr_crls, &data,
                                       GNUTLS_X509_FMT_PEM, 0);
    g_free(data.data);
    if (ret < 0) {
        files->crls = NULL;
        files->nr_crls = 0;
        error_setg(errp, "TLS credentials '%s': '%s' has no list of revoked "
                   "certificates that can be read: %s", creds->id, path,
                   gnutls_strerror(ret));
        return false;
    }
    return true;
}

static bool x509_read_key(const TLSCreds *creds, const char *name,
                          X509Files *files, Error **errp)
{
    g_autofree char *path = tls_creds_path(creds, name);
    gnutls_datum_t data;
    int ret;

    if (!tls_creds_read(creds, name, false, &data, errp)) {
        return false;
    }
    gnutls_x509_privkey_init(&files->key);
    ret = gnutls_x509_privkey_import2(files->key, &data, GNUTLS_X509_FMT_PEM,
                                      NULL, 0);
    gnutls_memset(data.data, 0, data.size);
    g_free(data.data);
    if (ret == GNUTLS_E_DECRYPTION_FAILED) {
        error_setg(errp, "TLS credentials '%s': the key in '%s' is encrypted; "
                   "wherry takes keys without a password only", creds->id,
                   path);
        return false;
    }
    if (ret < 0) {
        error_setg(errp, "TLS credentials '%s': '%s' has no private key that "
                   "can be read: %s", creds->id, path, gnutls_strerror(ret));
        return false;
    }
    return true;
}

/* A client need not have a certificate, but then not a key either. */
static bool x509_read_own(const TLSCreds *creds, X509Files *files,
                          Error **errp)
{
    bool server = creds->endpoint == QCRYPTO_TLS_CREDS_ENDPOINT_SERVER;
    const char *cert = server ? TLS_CREDS_SERVER_CERT : TLS_CREDS_CLIENT_CERT;
    const char *key = server ? TLS_CREDS_SERVER_KEY : TLS_CREDS_CLIENT_KEY;
    g_autofree char *key_path = tls_creds_path(creds, key);

    if (!x509_read_certs(creds, cert, !server, &files->own, errp)) {
        return false;
    }
    if (files->own.nr_certs > 0) {
        return x509_read_key(creds, key, files, errp);
    }
    if (access(key_path, F_OK) == 0) {
        error_setg(errp, "TLS credentials '%s': there is a key '%s' and no "
                   "certificate '%s'", creds->id, key_path, files->own.path);
        return false;
    }
    return true;
}

/* Hands everything to GnuTLS, which keeps copies. */
static bool x509_set(TLSCreds *creds, X509Files *files, Error **errp)
{
    gnutls_certificate_credentials_t x509;
    int ret;

    gnutls_certificate_allocate_credentials(&x509);
    creds->u.x509 = x509;
    ret = gnutls_certificate_set_x509_trust(x509, files->ca.certs,
                                            (int)files->ca.nr_certs);
    if (ret >= 0 && files->nr_crls > 0) {
        ret = gnutls_certificate_set_x509_crl(x509, files->crls,
                                              (int)files->nr_crls);
    }
    if (ret < 0) {
        error_setg(errp, "TLS credentials '%s': '%s' cannot be used: %s",
                   creds->id, files->ca.path, gnutls_strerror(ret));
        return false;
    }
    if (files->key) {
        ret = gnutls_certificate_set_x509_key(x509, files->own.certs,
                                              (int)files->own.nr_certs,
                                              files->key);
    }
    if (ret == GNUTLS_E_CERTIFICATE_KEY_MISMATCH) {
        error_setg(errp, "TLS credentials '%s': the certificate '%s' does not "
                   "belong to the private key beside it", creds->id,
                   files->own.path);
        return false;
    }
    if (ret < 0) {
        error_setg(errp, "TLS credentials '%s': '%s' and its key cannot be "
                   "used: %s", creds->id, files->own.path,
                   gnutls_strerror(ret));
        return false;
    }
    if (creds->dh) {
        gnutls_certificate_set_dh_params(x509, creds->dh);
    } else {
        gnutls_certificate_set_known_dh_params(x509, GNUTLS_SEC_PARAM_MEDIUM);
    }
    return true;
}

static bool x509_load(TLSCreds *creds, const ObjectOptions *options,
                      Error **errp)
{
    ERRP_GUARD();
    const TlsCredsX509Properties *props = &options->u.tls_creds_x509;
    X509Files files = { 0 };
    bool ok = x509_read_certs(creds, TLS_CREDS_CA_CERT, false, &files.ca,
                              errp) &&
              x509_read_crl(creds, &files, errp) &&
              x509_read_own(creds, &files, errp);

    if (ok && (!props->has_sanity_check || props->sanity_check) &&
        !tls_creds_check_certs(&files.own, &files.ca, files.crls,
                               files.nr_crls, creds->endpoint, errp)) {
        error_prepend(errp, "TLS credentials '%s': ", creds->id);
        ok = false;
    }
    ok = ok && x509_set(creds, &files, errp);
    x509_files_clear(&files);
    return ok;
}

static void x509_unload(TLSCreds *creds)
{
    gnutls_certificate_free_credentials(creds->u.x509);
}

const TLSCredsKind tls_creds_kind_x509 = {
    .type = GNUTLS_CRD_CERTIFICATE,
    .priority = "",
    .load = x509_load,
    .unload = x509_unload,
};
