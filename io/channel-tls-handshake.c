/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beginning of a TLS channel: its session, the handshake, and whether the
 * peer is who it should be.
 *
 * Entered by one thread; nobody else has the channel yet, but somebody may shut
 * it down.  Moving bytes is channel-tls.c's.
 */
#include "qemu/osdep.h"
#include <arpa/inet.h>
#include <sys/eventfd.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#if GNUTLS_VERSION_NUMBER >= 0x030703
#include <gnutls/socket.h>
#endif
#include "channel-tls-internal.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "tls-creds-internal.h"
#include "trace.h"

/* Names of a certificate that a sentence mentions. */
#define NAMES_MAX 4

static void tls_refuse(QIOChannelTLS *tls, gnutls_alert_description_t alert,
                       Error *err)
{
    error_free(tls->refusal);
    tls->refusal = err;
    tls->refusal_alert = alert;
}

static gnutls_alert_description_t tls_alert_of(unsigned status)
{
    if (status & GNUTLS_CERT_REVOKED) {
        return GNUTLS_A_CERTIFICATE_REVOKED;
    }
    if (status & GNUTLS_CERT_EXPIRED) {
        return GNUTLS_A_CERTIFICATE_EXPIRED;
    }
    return status & GNUTLS_CERT_SIGNER_NOT_FOUND ? GNUTLS_A_UNKNOWN_CA
                                                 : GNUTLS_A_BAD_CERTIFICATE;
}

/* The peer's own certificate; NULL when it cannot be read. */
static gnutls_x509_crt_t tls_peer_cert(QIOChannelTLS *tls)
{
    unsigned nr = 0;
    const gnutls_datum_t *raw = gnutls_certificate_get_peers(tls->session,
                                                             &nr);
    gnutls_x509_crt_t cert;

    if (nr == 0 || gnutls_x509_crt_init(&cert) < 0) {
        return NULL;
    }
    if (gnutls_x509_crt_import(cert, raw, GNUTLS_X509_FMT_DER) < 0) {
        gnutls_x509_crt_deinit(cert);
        return NULL;
    }
    return cert;
}

/* An address stands there in binary. */
static char *tls_name_text(int type, const char *name, size_t len)
{
    char text[INET6_ADDRSTRLEN];

    if (type == GNUTLS_SAN_IPADDRESS && (len == 4 || len == 16)) {
        inet_ntop(len == 4 ? AF_INET : AF_INET6, name, text, sizeof(text));
        return g_strdup(text);
    }
    return g_strescape(name, NULL);
}

/* For whom a certificate is, as "a, b". */
static char *tls_cert_names(gnutls_x509_crt_t cert)
{
    GString *names = g_string_new(NULL);

    for (unsigned i = 0; cert && i < NAMES_MAX; i++) {
        char name[256] = "";
        size_t len = sizeof(name) - 1;
        int type = gnutls_x509_crt_get_subject_alt_name(cert, i, name, &len,
                                                        NULL);

        if (type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_IPADDRESS) {
            g_autofree char *text = tls_name_text(type, name, len);

            g_string_append_printf(names, "%s%s", names->len ? ", " : "",
                                   text);
        } else if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            break;
        }
    }
    return g_string_free(names, FALSE);
}

static void tls_refuse_status(QIOChannelTLS *tls, unsigned status)
{
    Error *err = NULL;

    if (status & GNUTLS_CERT_UNEXPECTED_OWNER &&
        !(status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_REVOKED |
                    GNUTLS_CERT_SIGNER_NOT_FOUND))) {
        gnutls_x509_crt_t cert = tls_peer_cert(tls);
        g_autofree char *names = tls_cert_names(cert);

        error_setg(&err, "the peer's certificate is for '%s' and not for host "
                   "'%s'; set tls-hostname to the name of the host that is "
                   "meant", names, tls->hostname);
        gnutls_x509_crt_deinit(cert);
    } else {
        error_setg(&err, "the peer's certificate is refused: %s",
                   tls_creds_status_text(status));
    }
    tls_refuse(tls, tls_alert_of(status), err);
}

/* Is the peer's certificate good, and for the host that is meant? */
static bool tls_verify_cert(QIOChannelTLS *tls)
{
    gnutls_typed_vdata_st data[2] = {
        { .type = GNUTLS_DT_KEY_PURPOSE_OID,
          .data = (unsigned char *)(tls->server ? GNUTLS_KP_TLS_WWW_CLIENT
                                                : GNUTLS_KP_TLS_WWW_SERVER) },
        { .type = GNUTLS_DT_DNS_HOSTNAME,
          .data = (unsigned char *)tls->hostname },
    };
    unsigned status = 0;
    int ret = gnutls_certificate_verify_peers(tls->session, data,
                                              tls->hostname ? 2 : 1, &status);

    if (ret < 0) {
        Error *err = NULL;

        error_setg(&err, "the peer's certificate cannot be verified: %s",
                   gnutls_strerror(ret));
        tls_refuse(tls, GNUTLS_A_BAD_CERTIFICATE, err);
        return false;
    }
    if (status) {
        tls_refuse_status(tls, status);
        return false;
    }
    return true;
}

/* Who the peer is, as an AuthZ is asked; NULL if nobody can tell. */
static char *tls_identity(QIOChannelTLS *tls)
{
    g_autofree char *name = NULL;
    gnutls_x509_crt_t cert;
    size_t len = 0;

    if (tls->creds->kind->type == GNUTLS_CRD_PSK) {
        const char *user = gnutls_psk_server_get_username(tls->session);

        return user ? g_utf8_make_valid(user, -1) : NULL;
    }
    cert = tls_peer_cert(tls);
    if (!cert) {
        return NULL;
    }
    /* The order and form of QEMU's identities. */
    gnutls_x509_crt_get_dn(cert, NULL, &len);
    name = g_malloc0(len + 1);
    if (gnutls_x509_crt_get_dn(cert, name, &len) < 0) {
        g_clear_pointer(&name, g_free);
    }
    gnutls_x509_crt_deinit(cert);
    return name ? g_utf8_make_valid(name, -1) : NULL;
}

static bool tls_authorize(QIOChannelTLS *tls)
{
    g_autofree char *identity = NULL;
    Error *err = NULL;

    if (!tls->authz) {
        return true;
    }
    identity = tls_identity(tls);
    if (!identity) {
        error_setg(&err, "the peer does not say who it is, which tls-authz "
                   "has to know");
    } else if (authz_is_allowed(tls->authz, identity, &err)) {
        return true;
    }
    tls_refuse(tls, GNUTLS_A_ACCESS_DENIED, err);
    return false;
}

/* Called inside of the handshake, when the peer has shown its certificate. */
static int tls_verify(gnutls_session_t session)
{
    QIOChannelTLS *tls = gnutls_session_get_ptr(session);

    if (!tls->creds->verify_peer ||
        (tls_verify_cert(tls) && tls_authorize(tls))) {
        return 0;
    }
    return GNUTLS_E_CERTIFICATE_ERROR;
}

/*
 * The kernel can encrypt only if GnuTLS has the socket itself.  Whether it does
 * then is for GnuTLS's configuration to say, so this only asks for the kernel.
 */
static bool tls_kernel_may_help(QIOChannelTLS *tls)
{
#if GNUTLS_VERSION_NUMBER >= 0x030703
    g_autofree char *text = NULL;
    g_auto(GStrv) words = NULL;

    if (!g_str_equal(tls->inner->ops->kind, "socket") ||
        !g_file_get_contents("/proc/sys/net/ipv4/tcp_available_ulp", &text,
                             NULL, NULL)) {
        return false;
    }
    words = g_strsplit_set(text, " \n", -1);
    return g_strv_contains((const char *const *)words, "tls");
#else
    return false;
#endif
}

static bool tls_kernel_helps(QIOChannelTLS *tls)
{
#if GNUTLS_VERSION_NUMBER >= 0x030703
    return gnutls_transport_is_ktls_enabled(tls->session) != 0;
#else
    return false;
#endif
}

static bool tls_session_init(QIOChannelTLS *tls, Error **errp)
{
    /*
     * No tickets: nobody comes a second time, and who never reads, as the
     * source of a multifd channel, would close with unread bytes, on which tcp
     * throws away what it has not delivered.
     */
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS |
                     (tls->server ? GNUTLS_SERVER
                                  : GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT);
    int ret = gnutls_init(&tls->session, flags);

    if (ret < 0) {
        tls->session = NULL;
    } else {
        ret = gnutls_priority_set(tls->session, tls->creds->priority);
    }
    if (ret >= 0) {
        ret = gnutls_credentials_set(tls->session, tls->creds->kind->type,
                                     tls->creds->u.any);
    }
    if (ret < 0) {
        error_setg(errp, "%s: cannot begin TLS: %s",
                   qio_channel_name(&tls->parent), gnutls_strerror(ret));
        return false;
    }
    gnutls_session_set_ptr(tls->session, tls);
    gnutls_session_set_verify_function(tls->session, tls_verify);
    if (tls->server) {
        gnutls_certificate_server_set_request(
            tls->session, tls->creds->verify_peer ? GNUTLS_CERT_REQUIRE
                                                  : GNUTLS_CERT_IGNORE);
    }
    if (tls_kernel_may_help(tls)) {
        gnutls_transport_set_int(tls->session, qio_channel_get_fd(tls->inner));
    } else {
        qio_channel_tls_use_inner(tls);
    }
    tls->record_max = gnutls_record_get_max_size(tls->session);
    tls->record = g_malloc(tls->record_max);
    return true;
}

static QIOChannel *tls_new(QIOChannel *inner, TLSCreds *creds, bool server,
                           const char *hostname, AuthZ *authz, Error **errp)
{
    QIOChannelTLS *tls = g_new0(QIOChannelTLS, 1);

    qio_channel_init(&tls->parent, &qio_channel_tls_ops);
    if (inner->name) {
        /* Its messages follow ours, and need not name the same thing again. */
        qio_channel_set_name(&tls->parent, inner->name);
        qio_channel_set_name(inner, NULL);
    }
    tls->inner = qio_channel_ref(inner);
    tls->creds = tls_creds_ref(creds);
    tls->authz = authz ? authz_ref(authz) : NULL;
    tls->hostname = g_strdup(hostname);
    tls->server = server;
    qemu_mutex_init(&tls->lock);
    tls->out = g_byte_array_new();
    tls->wake_read = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    tls->wake_write = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (tls->wake_read < 0 || tls->wake_write < 0) {
        error_setg_errno(errp, errno, "%s: cannot begin TLS",
                         qio_channel_name(&tls->parent));
    } else if (qio_channel_set_blocking(inner, false, errp) &&
               tls_session_init(tls, errp)) {
        return &tls->parent;
    }
    qio_channel_unref(&tls->parent);
    return NULL;
}

QIOChannel *qio_channel_tls_new_client(QIOChannel *inner, TLSCreds *creds,
                                       const char *hostname, Error **errp)
{
    if (!tls_creds_check_endpoint(creds, QCRYPTO_TLS_CREDS_ENDPOINT_CLIENT,
                                  errp)) {
        return NULL;
    }
    g_assert(hostname || !tls_creds_checks_host(creds));
    return tls_new(inner, creds, false, hostname, NULL, errp);
}

QIOChannel *qio_channel_tls_new_server(QIOChannel *inner, TLSCreds *creds,
                                       AuthZ *authz, Error **errp)
{
    if (!tls_creds_check_endpoint(creds, QCRYPTO_TLS_CREDS_ENDPOINT_SERVER,
                                  errp)) {
        return NULL;
    }
    return tls_new(inner, creds, true, NULL, authz, errp);
}

/* Whether what came is so odd that it cannot be TLS, for such a short time. */
static bool tls_is_nonsense(int code)
{
    return code == GNUTLS_E_UNSUPPORTED_VERSION_PACKET ||
           code == GNUTLS_E_UNEXPECTED_PACKET_LENGTH ||
           code == GNUTLS_E_UNEXPECTED_PACKET ||
           code == GNUTLS_E_RECORD_OVERFLOW;
}

/* GnuTLS has no code of its own for a key that is another. */
static void tls_fail_with_hint_locked(QIOChannelTLS *tls, int code,
                                      Error **errp)
{
    Error *err = NULL;

    qio_channel_tls_fail_locked(tls, code, &err);
    if (tls->creds->kind->type == GNUTLS_CRD_PSK) {
        error_setg(errp, "%s (do both sides have the same key in %s?)",
                   error_get_pretty(err), TLS_CREDS_PSK);
        error_free(err);
    } else {
        error_propagate(errp, err);
    }
}

/* A sentence for the user, and an alert for a peer that understands it. */
static void tls_handshake_failed_locked(QIOChannelTLS *tls, int code,
                                        Error **errp)
{
    const char *name = qio_channel_name(&tls->parent);

    if (tls->refusal) {
        error_setg(errp, "%s: %s", name, error_get_pretty(tls->refusal));
        gnutls_alert_send(tls->session, GNUTLS_AL_FATAL, tls->refusal_alert);
    } else if (tls->inner_ended || code == GNUTLS_E_PREMATURE_TERMINATION) {
        error_setg(errp, "%s: the peer closed the connection during the TLS "
                   "handshake; its log says why, and tls-creds must be set "
                   "there, too", name);
    } else if (tls_is_nonsense(code)) {
        error_setg(errp, "%s: the peer does not speak TLS; set tls-creds on "
                   "both sides, or on none", name);
    } else if (code == GNUTLS_E_NO_CERTIFICATE_FOUND ||
               code == GNUTLS_E_CERTIFICATE_REQUIRED) {
        error_setg(errp, "%s: the peer has no certificate to show, and one is "
                   "wanted (verify-peer)", name);
        gnutls_alert_send(tls->session, GNUTLS_AL_FATAL,
                          GNUTLS_A_CERTIFICATE_REQUIRED);
    } else {
        tls_fail_with_hint_locked(tls, code, errp);
        gnutls_alert_send_appropriate(tls->session, code);
    }
}

/* The end of a handshake without fault: the rest of what is to be known. */
static bool tls_handshake_done_locked(QIOChannelTLS *tls, Error **errp)
{
    if (tls->server && tls->creds->kind->type == GNUTLS_CRD_PSK &&
        !tls_authorize(tls)) {
        tls_handshake_failed_locked(tls, GNUTLS_E_CERTIFICATE_ERROR, errp);
        return false;
    }
    tls->in_kernel = tls_kernel_helps(tls);
    if (!tls->in_kernel) {
        qio_channel_tls_use_inner(tls);
    }
    return true;
}

char *qio_channel_tls_describe(QIOChannel *ioc)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);
    QEMU_LOCK_GUARD(&tls->lock);
    char *desc = gnutls_session_get_desc(tls->session);
    char *text = g_strdup_printf("%s, encrypted by %s", desc ? desc : "TLS",
                                 tls->in_kernel ? "the kernel" : "GnuTLS");

    gnutls_free(desc);
    return text;
}

static void tls_trace_handshake(QIOChannel *ioc)
{
    g_autofree char *text = qio_channel_tls_describe(ioc);

    trace_channel_tls_handshake(qio_channel_name(ioc), text);
}

/* One step, without what waits to be sent: 0 done, GNUTLS_E_AGAIN, or failed. */
static int tls_step_locked(QIOChannelTLS *tls, Error **errp)
{
    int ret = 0;

    if (tls->shaken) {
        return 0;
    }
    do {
        ret = gnutls_handshake(tls->session);
    } while (ret == GNUTLS_E_INTERRUPTED ||
             ret == GNUTLS_E_WARNING_ALERT_RECEIVED);
    if (ret == 0 && !tls_handshake_done_locked(tls, errp)) {
        return GNUTLS_E_CERTIFICATE_ERROR;
    }
    if (ret < 0 && ret != GNUTLS_E_AGAIN) {
        tls_handshake_failed_locked(tls, ret, errp);
    }
    tls->shaken = ret == 0;
    return ret;
}

bool qio_channel_tls_handshake_step(QIOChannel *ioc, GIOCondition *wait,
                                    Error **errp)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);
    int ret = 0;
    int flushed = 0;

    WITH_QEMU_LOCK_GUARD(&tls->lock) {
        ret = tls_step_locked(tls, errp);
        flushed = qio_channel_tls_flush_locked(tls);
        if (ret < 0 && ret != GNUTLS_E_AGAIN) {
            return false;
        }
        if (flushed < 0 && flushed != GNUTLS_E_AGAIN) {
            qio_channel_tls_fail_locked(tls, flushed, errp);
            return false;
        }
        *wait = gnutls_record_get_direction(tls->session) ? G_IO_OUT
                                                          : G_IO_IN;
    }
    if (flushed == GNUTLS_E_AGAIN) {
        *wait = G_IO_OUT;
    } else if (ret == 0) {
        tls_trace_handshake(ioc);
        *wait = 0;
    }
    return true;
}

/* Until the channel below is ready, or somebody ends the wait. */
static void tls_handshake_wait(QIOChannelTLS *tls, GIOCondition condition,
                               GCancellable *cancellable)
{
    GPollFD pfds[3] = {
        { .fd = condition & G_IO_OUT ? qio_channel_get_write_fd(tls->inner)
                                     : qio_channel_get_fd(tls->inner),
          .events = condition },
        { .fd = tls->wake_read, .events = G_IO_IN },
    };
    bool cancels = cancellable &&
                   g_cancellable_make_pollfd(cancellable, &pfds[2]);

    g_poll(pfds, cancels ? 3 : 2, -1);
    if (cancels) {
        g_cancellable_release_fd(cancellable);
    }
}

static bool tls_handshake_is_cancelled(const QIOChannelTLS *tls,
                                       GCancellable *cancellable)
{
    return g_cancellable_is_cancelled(cancellable) ||
           qatomic_read(&tls->shut_read);
}

bool qio_channel_tls_handshake(QIOChannel *ioc, GCancellable *cancellable,
                               Error **errp)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);

    while (!tls_handshake_is_cancelled(tls, cancellable)) {
        GIOCondition wait;
        Error *err = NULL;

        if (!qio_channel_tls_handshake_step(ioc, &wait, &err)) {
            if (tls_handshake_is_cancelled(tls, cancellable)) {
                /* Our own end is no fault of the peer's. */
                error_free(err);
                break;
            }
            error_propagate(errp, err);
            return false;
        }
        if (wait == 0) {
            return true;
        }
        tls_handshake_wait(tls, wait, cancellable);
    }
    error_setg(errp, "%s: the TLS handshake was cancelled",
               qio_channel_name(ioc));
    return false;
}
