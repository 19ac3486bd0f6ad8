/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Can certificates do what they are for?  A peer would find out, too, but says
 * no more than "bad certificate", and that to somebody else.
 *
 * Pure functions; entered by the main thread.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "tls-creds-internal.h"

const char *tls_creds_status_text(unsigned status)
{
    static const struct {
        unsigned bit;
        const char *text;
    } texts[] = {
        { GNUTLS_CERT_REVOKED, "it has been revoked" },
        { GNUTLS_CERT_EXPIRED, "it has expired" },
        { GNUTLS_CERT_NOT_ACTIVATED, "it is not valid yet" },
        { GNUTLS_CERT_UNEXPECTED_OWNER, "it belongs to somebody else" },
        { GNUTLS_CERT_SIGNER_NOT_CA, "who signed it is no CA" },
        { GNUTLS_CERT_INSECURE_ALGORITHM, "its algorithm is not secure" },
        { GNUTLS_CERT_PURPOSE_MISMATCH, "it is for another purpose" },
        { GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE,
          "the CA may not sign for that name" },
        { GNUTLS_CERT_SIGNER_NOT_FOUND, "it is not signed by a CA that is "
                                        "trusted" },
        { GNUTLS_CERT_SIGNATURE_FAILURE, "its signature is wrong" },
        { GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED,
          "the list of revoked ones is out of date" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (status & texts[i].bit) {
            return texts[i].text;
        }
    }
    return "it cannot be verified";
}

static bool check_time(gnutls_x509_crt_t cert, const char *path, Error **errp)
{
    time_t now = time(NULL);

    if (gnutls_x509_crt_get_expiration_time(cert) < now) {
        error_setg(errp, "the certificate '%s' has expired", path);
        return false;
    }
    if (gnutls_x509_crt_get_activation_time(cert) > now) {
        error_setg(errp, "the certificate '%s' is not valid yet; if it "
                   "should be, look at this host's clock", path);
        return false;
    }
    return true;
}

/* Constraints that are absent forbid nothing, but a CA has to say it is one. */
static bool check_constraints(gnutls_x509_crt_t cert, const char *path,
                              bool ca, Error **errp)
{
    int ret = gnutls_x509_crt_get_basic_constraints(cert, NULL, NULL, NULL);

    if (ca && ret <= 0) {
        error_setg(errp, "the certificate '%s' is not that of a CA: its basic "
                   "constraints do not say so", path);
        return false;
    }
    if (!ca && ret > 0) {
        error_setg(errp, "the certificate '%s' is that of a CA; make one for "
                   "the host itself", path);
        return false;
    }
    return true;
}

/* As in QEMU, key usage that is not critical is no reason to refuse. */
static bool check_usage(gnutls_x509_crt_t cert, const char *path, bool ca,
                        Error **errp)
{
    unsigned need = ca ? GNUTLS_KEY_KEY_CERT_SIGN
                       : GNUTLS_KEY_DIGITAL_SIGNATURE;
    unsigned usage = 0;
    unsigned critical = 0;
    int ret = gnutls_x509_crt_get_key_usage(cert, &usage, &critical);

    if (ret >= 0 && critical && !(usage & need)) {
        error_setg(errp, "the certificate '%s' has a key usage that does not "
                   "allow %s", path,
                   ca ? "to sign certificates" : "digital signatures");
        return false;
    }
    return true;
}

/* A certificate without purposes is for all. */
static bool check_purpose(gnutls_x509_crt_t cert, const char *path,
                          QCryptoTLSCredsEndpoint endpoint, Error **errp)
{
    bool server = endpoint == QCRYPTO_TLS_CREDS_ENDPOINT_SERVER;
    const char *need = server ? GNUTLS_KP_TLS_WWW_SERVER
                              : GNUTLS_KP_TLS_WWW_CLIENT;

    for (unsigned i = 0; ; i++) {
        char oid[128];
        size_t size = sizeof(oid);
        int ret = gnutls_x509_crt_get_key_purpose_oid(cert, i, oid, &size,
                                                      NULL);

        if (ret == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            if (i == 0) {
                return true;
            }
            break;
        }
        if (ret >= 0 &&
            (g_str_equal(oid, need) || g_str_equal(oid, GNUTLS_KP_ANY))) {
            return true;
        }
    }
    error_setg(errp, "the certificate '%s' is not for the purpose of a TLS %s",
               path, QCryptoTLSCredsEndpoint_str(endpoint));
    return false;
}

static bool check_ca(const TLSCertList *ca, Error **errp)
{
    for (unsigned i = 0; i < ca->nr_certs; i++) {
        if (!check_time(ca->certs[i], ca->path, errp) ||
            !check_constraints(ca->certs[i], ca->path, true, errp) ||
            !check_usage(ca->certs[i], ca->path, true, errp)) {
            return false;
        }
    }
    return true;
}

static bool check_signed(const TLSCertList *own, const TLSCertList *ca,
                         gnutls_x509_crl_t *crls, unsigned nr_crls,
                         Error **errp)
{
    unsigned status = 0;
    int ret = gnutls_x509_crt_list_verify(own->certs, (int)own->nr_certs,
                                          ca->certs, (int)ca->nr_certs, crls,
                                          (int)nr_crls, 0, &status);

    if (ret < 0) {
        error_setg(errp, "the certificate '%s' cannot be verified with '%s': "
                   "%s", own->path, ca->path, gnutls_strerror(ret));
        return false;
    }
    if (status & GNUTLS_CERT_SIGNER_NOT_FOUND) {
        error_setg(errp, "the certificate '%s' is not signed by the CA in "
                   "'%s'", own->path, ca->path);
        return false;
    }
    if (status) {
        error_setg(errp, "the certificate '%s' is refused: %s", own->path,
                   tls_creds_status_text(status));
        return false;
    }
    return true;
}

bool tls_creds_check_certs(const TLSCertList *own, const TLSCertList *ca,
                           gnutls_x509_crl_t *crls, unsigned nr_crls,
                           QCryptoTLSCredsEndpoint endpoint, Error **errp)
{
    if (!check_ca(ca, errp)) {
        return false;
    }
    /* Others behind it are those of CAs in between. */
    return own->nr_certs == 0 ||
           (check_time(own->certs[0], own->path, errp) &&
            check_constraints(own->certs[0], own->path, false, errp) &&
            check_usage(own->certs[0], own->path, false, errp) &&
            check_purpose(own->certs[0], own->path, endpoint, errp) &&
            check_signed(own, ca, crls, nr_crls, errp));
}
