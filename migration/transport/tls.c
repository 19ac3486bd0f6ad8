/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS of one migration; see migration/transport/tls.h.
 *
 * Entered by the main thread, and by the migration thread to connect.  TLS
 * itself is io/channel-tls*.c's.
 */
#include "qemu/osdep.h"
#include "migration/transport/tls.h"
#include "qapi/error.h"
#ifdef CONFIG_GNUTLS
#include "io/channel-tls.h"
#endif

struct TransportTLS {
    TLSCreds *creds;
    AuthZ *authz;               /* of a server, or NULL */
    char *hostname;             /* for a client, or NULL */
};

void transport_tls_free(TransportTLS *tls)
{
    if (tls) {
        tls_creds_unref(tls->creds);
        authz_unref(tls->authz);
        g_free(tls->hostname);
        g_free(tls);
    }
}

TransportTLS *transport_tls_new_client(TLSCreds *creds, const char *hostname,
                                       Error **errp)
{
    TransportTLS *tls;

    if (!tls_creds_check_endpoint(creds, QCRYPTO_TLS_CREDS_ENDPOINT_CLIENT,
                                  errp)) {
        return NULL;
    }
    if (!hostname && tls_creds_checks_host(creds)) {
        error_setg(errp, "The address of the migration has no host whose "
                   "certificate could be checked; set tls-hostname to the "
                   "name of the destination");
        return NULL;
    }
    tls = g_new0(TransportTLS, 1);
    tls->creds = tls_creds_ref(creds);
    tls->hostname = g_strdup(hostname);
    return tls;
}

TransportTLS *transport_tls_new_server(TLSCreds *creds, AuthZ *authz,
                                       Error **errp)
{
    TransportTLS *tls;

    if (!tls_creds_check_endpoint(creds, QCRYPTO_TLS_CREDS_ENDPOINT_SERVER,
                                  errp)) {
        return NULL;
    }
    if (authz && !tls_creds_names_peer(creds)) {
        error_setg(errp, "tls-authz is set, but tls-creds lets anybody in "
                   "without a name; use tls-creds-x509 with verify-peer=on, "
                   "or tls-creds-psk");
        return NULL;
    }
    tls = g_new0(TransportTLS, 1);
    tls->creds = tls_creds_ref(creds);
    tls->authz = authz ? authz_ref(authz) : NULL;
    return tls;
}

#ifdef CONFIG_GNUTLS

QIOChannel *transport_tls_connect(TransportTLS *tls, QIOChannel *ioc,
                                  GCancellable *cancellable, Error **errp)
{
    QIOChannel *secure;

    if (!tls || !ioc) {
        return ioc;
    }
    secure = qio_channel_tls_new_client(ioc, tls->creds, tls->hostname, errp);
    qio_channel_unref(ioc);
    if (secure && !qio_channel_tls_handshake(secure, cancellable, errp)) {
        qio_channel_unref(secure);
        return NULL;
    }
    return secure;
}

QIOChannel *transport_tls_accept(TransportTLS *tls, QIOChannel *ioc,
                                 Error **errp)
{
    QIOChannel *secure = qio_channel_tls_new_server(ioc, tls->creds,
                                                    tls->authz, errp);

    qio_channel_unref(ioc);
    return secure;
}

bool transport_tls_handshake(QIOChannel *ioc, GIOCondition *wait, Error **errp)
{
    return qio_channel_tls_handshake_step(ioc, wait, errp);
}

void transport_tls_tolerate_cut(QIOChannel *ioc)
{
    qio_channel_tls_tolerate_cut(ioc);
}

#else /* !CONFIG_GNUTLS */

QIOChannel *transport_tls_connect(TransportTLS *tls, QIOChannel *ioc,
                                  GCancellable *cancellable, Error **errp)
{
    g_assert(!tls);
    return ioc;
}

QIOChannel *transport_tls_accept(TransportTLS *tls, QIOChannel *ioc,
                                 Error **errp)
{
    g_assert_not_reached();
}

bool transport_tls_handshake(QIOChannel *ioc, GIOCondition *wait, Error **errp)
{
    g_assert_not_reached();
}

void transport_tls_tolerate_cut(QIOChannel *ioc)
{
    g_assert_not_reached();
}

#endif /* !CONFIG_GNUTLS */
