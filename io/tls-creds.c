/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is the same for all kinds of TLS credentials; see io/tls-creds.h.
 *
 * Entered by the main thread; references come and go in any.  What the files of
 * a kind say is left to tls-creds-x509.c and tls-creds-psk.c; how a session uses
 * them to channel-tls-handshake.c.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#ifdef CONFIG_GNUTLS
#include "tls-creds-internal.h"

#define PRIORITY_DEFAULT "NORMAL"

/* Far more than any file of certificates has. */
#define FILE_MAX_BYTES (1024 * 1024)

static const TLSCredsKind *tls_creds_kind(ObjectType type)
{
    switch (type) {
    case OBJECT_TYPE_TLS_CREDS_X509:
        return &tls_creds_kind_x509;
    case OBJECT_TYPE_TLS_CREDS_PSK:
        return &tls_creds_kind_psk;
    case OBJECT_TYPE_TLS_CREDS_ANON:
        return &tls_creds_kind_anon;
    default:
        g_assert_not_reached();
    }
}

/* What the three have in common begins each of them. */
static const TlsCredsProperties *tls_creds_props(const ObjectOptions *options)
{
    switch (options->qom_type) {
    case OBJECT_TYPE_TLS_CREDS_X509:
        return qapi_TlsCredsX509Properties_base(&options->u.tls_creds_x509);
    case OBJECT_TYPE_TLS_CREDS_PSK:
        return qapi_TlsCredsPskProperties_base(&options->u.tls_creds_psk);
    default:
        return qapi_TlsCredsAnonProperties_base(&options->u.tls_creds_anon);
    }
}

char *tls_creds_path(const TLSCreds *creds, const char *name)
{
    return g_build_filename(creds->dir, name, NULL);
}

bool tls_creds_read(const TLSCreds *creds, const char *name, bool optional,
                    gnutls_datum_t *data, Error **errp)
{
    g_autofree char *path = tls_creds_path(creds, name);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_autofree char *buf = NULL;
    ssize_t len;

    if (fd < 0 && errno == ENOENT && optional) {
        *data = (gnutls_datum_t) { 0 };
        return true;
    }
    if (fd < 0) {
        error_setg_errno(errp, errno, "TLS credentials '%s': cannot open '%s'",
                         creds->id, path);
        return false;
    }
    buf = g_malloc(FILE_MAX_BYTES + 1);
    len = read(fd, buf, FILE_MAX_BYTES + 1);
    if (len < 0) {
        error_setg_errno(errp, errno, "TLS credentials '%s': cannot read '%s'",
                         creds->id, path);
        return false;
    }
    if (len == 0 || len > FILE_MAX_BYTES) {
        error_setg(errp, "TLS credentials '%s': '%s' is %s", creds->id, path,
                   len ? "longer than a megabyte" : "empty");
        return false;
    }
    buf[len] = 0;
    data->size = (unsigned)len;
    data->data = (unsigned char *)g_steal_pointer(&buf);
    return true;
}

static bool tls_creds_load_dh(TLSCreds *creds, Error **errp)
{
    g_autofree char *path = NULL;
    gnutls_datum_t data;
    int ret;

    if (!creds->dir ||
        creds->endpoint != QCRYPTO_TLS_CREDS_ENDPOINT_SERVER) {
        return true;
    }
    if (!tls_creds_read(creds, TLS_CREDS_DH_PARAMS, true, &data, errp)) {
        return false;
    }
    if (!data.data) {
        return true;
    }
    path = tls_creds_path(creds, TLS_CREDS_DH_PARAMS);
    gnutls_dh_params_init(&creds->dh);
    ret = gnutls_dh_params_import_pkcs3(creds->dh, &data, GNUTLS_X509_FMT_PEM);
    g_free(data.data);
    if (ret < 0) {
        error_setg(errp, "TLS credentials '%s': '%s' has no Diffie-Hellman "
                   "parameters: %s", creds->id, path, gnutls_strerror(ret));
        return false;
    }
    return true;
}

static bool tls_creds_set_priority(TLSCreds *creds, const char *wanted,
                                   Error **errp)
{
    g_autofree char *all = g_strconcat(wanted ? wanted : PRIORITY_DEFAULT,
                                       creds->kind->priority, NULL);
    const char *at = NULL;
    int ret = gnutls_priority_init(&creds->priority, all, &at);

    if (ret < 0) {
        creds->priority = NULL;
        error_setg(errp, "TLS credentials '%s': priority '%s' is not "
                   "understood from '%s' on: %s", creds->id, all,
                   at ? at : all, gnutls_strerror(ret));
        return false;
    }
    return true;
}

TLSCreds *tls_creds_new(const ObjectOptions *options, Error **errp)
{
    const TlsCredsProperties *props = tls_creds_props(options);
    g_autoptr(TLSCreds) creds = g_new0(TLSCreds, 1);

    g_atomic_int_set(&creds->refcount, 1);
    creds->kind = tls_creds_kind(options->qom_type);
    creds->id = g_strdup(options->id);
    creds->dir = g_strdup(props->dir);
    creds->endpoint = props->has_endpoint ? props->endpoint
                                          : QCRYPTO_TLS_CREDS_ENDPOINT_CLIENT;
    creds->verify_peer = !props->has_verify_peer || props->verify_peer;
    if (!creds->dir && creds->kind != &tls_creds_kind_anon) {
        error_setg(errp, "TLS credentials '%s': 'dir' is missing; name the "
                   "folder with the files", creds->id);
        return NULL;
    }
    if (!tls_creds_set_priority(creds, props->priority, errp) ||
        !tls_creds_load_dh(creds, errp) ||
        !creds->kind->load(creds, options, errp)) {
        return NULL;
    }
    return g_steal_pointer(&creds);
}

TLSCreds *tls_creds_ref(TLSCreds *creds)
{
    g_atomic_int_inc(&creds->refcount);
    return creds;
}

void tls_creds_unref(TLSCreds *creds)
{
    if (!creds || !g_atomic_int_dec_and_test(&creds->refcount)) {
        return;
    }
    if (creds->u.any) {
        creds->kind->unload(creds);
    }
    if (creds->priority) {
        gnutls_priority_deinit(creds->priority);
    }
    /* After what points to it. */
    if (creds->dh) {
        gnutls_dh_params_deinit(creds->dh);
    }
    g_free(creds->dir);
    g_free(creds->id);
    g_free(creds);
}

bool tls_creds_check_endpoint(const TLSCreds *creds,
                              QCryptoTLSCredsEndpoint endpoint, Error **errp)
{
    if (creds->endpoint == endpoint) {
        return true;
    }
    error_setg(errp, "TLS credentials '%s' are for a %s, and here a %s is "
               "needed; make some with endpoint=%s", creds->id,
               QCryptoTLSCredsEndpoint_str(creds->endpoint),
               QCryptoTLSCredsEndpoint_str(endpoint),
               QCryptoTLSCredsEndpoint_str(endpoint));
    return false;
}

bool tls_creds_checks_host(const TLSCreds *creds)
{
    return creds->kind == &tls_creds_kind_x509 && creds->verify_peer &&
           creds->endpoint == QCRYPTO_TLS_CREDS_ENDPOINT_CLIENT;
}

bool tls_creds_names_peer(const TLSCreds *creds)
{
    return creds->kind == &tls_creds_kind_psk ||
           (creds->kind == &tls_creds_kind_x509 && creds->verify_peer);
}

#else /* !CONFIG_GNUTLS */

#include "io/tls-creds.h"

TLSCreds *tls_creds_new(const ObjectOptions *options, Error **errp)
{
    error_setg(errp, "There are no TLS credentials such as '%s': this wherry "
               "was built without GnuTLS", options->id);
    return NULL;
}

/* Without an object nobody gets here. */
TLSCreds *tls_creds_ref(TLSCreds *creds)
{
    return creds;
}

void tls_creds_unref(TLSCreds *creds)
{
}

bool tls_creds_check_endpoint(const TLSCreds *creds,
                              QCryptoTLSCredsEndpoint endpoint, Error **errp)
{
    g_assert_not_reached();
}

bool tls_creds_checks_host(const TLSCreds *creds)
{
    g_assert_not_reached();
}

bool tls_creds_names_peer(const TLSCreds *creds)
{
    g_assert_not_reached();
}

#endif /* !CONFIG_GNUTLS */
