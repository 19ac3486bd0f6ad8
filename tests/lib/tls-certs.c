/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes certificates with GnuTLS; see tls-certs.h.
 *
 * A case is a line of a table: what differs from good certificates.
 */
#include "qemu/osdep.h"
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/stat.h>
#include "io/tls-creds.h"
#include "tls-certs.h"

#define DAY_S (24 * 60 * 60)

/* When certificates of a case are valid. */
typedef enum CertTime {
    CERT_TIME_NOW,
    CERT_TIME_PAST,
    CERT_TIME_FUTURE,
} CertTime;

typedef struct CertCase {
    const char *name;
    CertTime time;              /* of the server's and the client's */
    CertTime ca_time;
    bool other_ca;              /* a CA that nobody else knows signs all */
    bool not_signed;            /* that CA signs, and ca-cert.pem is another */
    bool chain;                 /* a second CA signs the server's */
    bool other_host;
    bool swapped_purpose;
    bool wrong_usage;
    bool ca_is_none;
    bool ca_no_sign;
    bool server_is_ca;
    bool revoked;
    bool stray_key;
    bool encrypted_key;
    const char *absent;         /* files that are not there, by blanks */
    const char *content;        /* of the server's certificate instead */
    const char *psk;            /* of keys.psk instead */
} CertCase;

#define PSK_LINE TLS_CERTS_PSK_USER ":000102030405060708090a0b0c0d0e0f\n"

static const CertCase cert_cases[] = {
    { "good" },
    { "chain", .chain = true },
    { "other-host", .other_host = true },
    { "expired", .time = CERT_TIME_PAST },
    { "not-yet", .time = CERT_TIME_FUTURE },
    { "other-ca", .other_ca = true },
    { "wrong-purpose", .swapped_purpose = true },
    { "wrong-usage", .wrong_usage = true },
    { "ca-not-a-ca", .ca_is_none = true },
    { "ca-no-sign", .ca_no_sign = true },
    { "ca-expired", .ca_time = CERT_TIME_PAST },
    { "not-signed", .not_signed = true },
    { "key-mismatch", .stray_key = true },
    { "encrypted-key", .encrypted_key = true },
    { "garbage", .content = "-----BEGIN CERTIFICATE-----\nAAAA\n" },
    { "empty", .content = "" },
    { "revoked", .revoked = true },
    { "server-is-ca", .server_is_ca = true },
    { "no-client-cert", .absent = "client-cert.pem client-key.pem" },
    { "no-ca", .absent = "ca-cert.pem" },
    { "no-key", .absent = "server-key.pem client-key.pem" },
    { "psk-other", .psk = TLS_CERTS_PSK_USER
                          ":ffeeddccbbaa99887766554433221100\n" },
    { "psk-bad", .psk = PSK_LINE "somebody:not hexadecimal\n" },
    { "psk-no-user", .psk = "somebody:0123456789abcdef\n" },
};

/* Making keys takes long, so all cases share them. */
typedef struct CertKeys {
    gnutls_x509_privkey_t ca, other_ca, middle, server, client, stray;
} CertKeys;

/* What a certificate says. */
typedef struct CertText {
    const char *dn;
    gnutls_x509_privkey_t key;
    CertTime time;
    bool ca;                    /* basic constraints */
    unsigned usage;
    const char *purpose;        /* or NULL */
    const char *name;           /* alternative one, or NULL */
    bool addresses;             /* and those of this host */
    unsigned char serial;
} CertText;

static void check(int ret)
{
    if (ret < 0) {
        g_error("making certificates: %s", gnutls_strerror(ret));
    }
}

static gnutls_x509_privkey_t key_new(void)
{
    gnutls_x509_privkey_t key;

    check(gnutls_x509_privkey_init(&key));
    check(gnutls_x509_privkey_generate(
        key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
        0));
    return key;
}

static void cert_set_time(gnutls_x509_crt_t cert, CertTime when)
{
    static const int begin_days[] = {
        [CERT_TIME_NOW] = -2, [CERT_TIME_PAST] = -9, [CERT_TIME_FUTURE] = 5,
    };
    time_t begin = time(NULL) + begin_days[when] * DAY_S;

    check(gnutls_x509_crt_set_activation_time(cert, begin));
    check(gnutls_x509_crt_set_expiration_time(cert, begin + 7 * DAY_S));
}

static void cert_set_names(gnutls_x509_crt_t cert, const CertText *text)
{
    static const uint8_t ipv4[] = { 127, 0, 0, 1 };
    static const uint8_t ipv6[16] = { [15] = 1 };

    if (text->name) {
        check(gnutls_x509_crt_set_subject_alt_name(
            cert, GNUTLS_SAN_DNSNAME, text->name, strlen(text->name),
            GNUTLS_FSAN_SET));
    }
    if (text->addresses) {
        check(gnutls_x509_crt_set_subject_alt_name(
            cert, GNUTLS_SAN_IPADDRESS, ipv4, sizeof(ipv4),
            GNUTLS_FSAN_APPEND));
        check(gnutls_x509_crt_set_subject_alt_name(
            cert, GNUTLS_SAN_IPADDRESS, ipv6, sizeof(ipv6),
            GNUTLS_FSAN_APPEND));
    }
}

/* @signer NULL: signs itself. */
static gnutls_x509_crt_t cert_new(const CertText *text,
                                  gnutls_x509_crt_t signer,
                                  gnutls_x509_privkey_t signer_key)
{
    gnutls_x509_crt_t cert;
    const char *at;

    check(gnutls_x509_crt_init(&cert));
    check(gnutls_x509_crt_set_version(cert, 3));
    check(gnutls_x509_crt_set_key(cert, text->key));
    check(gnutls_x509_crt_set_serial(cert, &text->serial, 1));
    check(gnutls_x509_crt_set_dn(cert, text->dn, &at));
    cert_set_time(cert, text->time);
    check(gnutls_x509_crt_set_basic_constraints(cert, text->ca, -1));
    check(gnutls_x509_crt_set_key_usage(cert, text->usage));
    if (text->purpose) {
        check(gnutls_x509_crt_set_key_purpose_oid(cert, text->purpose, 0));
    }
    cert_set_names(cert, text);
    check(gnutls_x509_crt_sign2(cert, signer ? signer : cert,
                                signer ? signer_key : text->key,
                                GNUTLS_DIG_SHA256, 0));
    return cert;
}

static void write_file(const char *dir, const char *name, const void *data,
                       size_t len)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    g_assert_true(g_file_set_contents(path, data, (gssize)len, NULL));
}

/* PEM of one certificate, and of another behind it unless that is NULL. */
static void write_certs(const char *dir, const char *name,
                        gnutls_x509_crt_t cert, gnutls_x509_crt_t behind)
{
    GString *text = g_string_new(NULL);
    gnutls_x509_crt_t certs[] = { cert, behind };

    for (size_t i = 0; i < ARRAY_SIZE(certs) && certs[i]; i++) {
        gnutls_datum_t pem;

        check(gnutls_x509_crt_export2(certs[i], GNUTLS_X509_FMT_PEM, &pem));
        g_string_append_len(text, (char *)pem.data, pem.size);
        gnutls_free(pem.data);
    }
    write_file(dir, name, text->str, text->len);
    g_string_free(text, TRUE);
}

static void write_key(const char *dir, const char *name,
                      gnutls_x509_privkey_t key, bool encrypted)
{
    gnutls_datum_t pem;

    check(encrypted
          ? gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM,
                                              "secret",
                                              GNUTLS_PKCS_PBES2_AES_128, &pem)
          : gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
    write_file(dir, name, pem.data, pem.size);
    gnutls_free(pem.data);
}

static void write_crl(const char *dir, gnutls_x509_crt_t revoked,
                      gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key)
{
    static const unsigned char number = 1;
    gnutls_x509_crl_t crl;
    gnutls_datum_t pem;
    time_t now = time(NULL);

    check(gnutls_x509_crl_init(&crl));
    check(gnutls_x509_crl_set_version(crl, 2));
    check(gnutls_x509_crl_set_crt(crl, revoked, now - DAY_S));
    check(gnutls_x509_crl_set_this_update(crl, now - DAY_S));
    check(gnutls_x509_crl_set_next_update(crl, now + 7 * DAY_S));
    check(gnutls_x509_crl_set_number(crl, &number, sizeof(number)));
    check(gnutls_x509_crl_sign2(crl, ca, ca_key, GNUTLS_DIG_SHA256, 0));
    check(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &pem));
    write_file(dir, TLS_CREDS_CA_CRL, pem.data, pem.size);
    gnutls_free(pem.data);
    gnutls_x509_crl_deinit(crl);
}

static gnutls_x509_crt_t ca_new(const CertCase *c, const char *dn,
                                gnutls_x509_privkey_t key)
{
    const CertText text = {
        .dn = dn, .key = key, .time = c->ca_time, .ca = !c->ca_is_none,
        .usage = c->ca_no_sign ? GNUTLS_KEY_CRL_SIGN
                               : GNUTLS_KEY_KEY_CERT_SIGN |
                                 GNUTLS_KEY_CRL_SIGN,
        .serial = 1,
    };

    return cert_new(&text, NULL, NULL);
}

/* Who signs a case's certificates. */
typedef struct CertSigner {
    gnutls_x509_crt_t cert;
    gnutls_x509_privkey_t key;
} CertSigner;

static unsigned cert_usage(const CertCase *c)
{
    return c->wrong_usage ? GNUTLS_KEY_KEY_AGREEMENT
                          : GNUTLS_KEY_DIGITAL_SIGNATURE |
                            GNUTLS_KEY_KEY_ENCIPHERMENT;
}

static gnutls_x509_crt_t server_new(const CertCase *c, const CertKeys *keys,
                                    const CertSigner *by)
{
    const CertText text = {
        .dn = "CN=server.example,O=Wherry Tests,C=XX",
        .key = keys->server, .time = c->time, .usage = cert_usage(c),
        .ca = c->server_is_ca,
        .purpose = c->swapped_purpose ? GNUTLS_KP_TLS_WWW_CLIENT
                                      : GNUTLS_KP_TLS_WWW_SERVER,
        .name = c->other_host ? "elsewhere.example" : TLS_CERTS_SERVER_NAME,
        .addresses = !c->other_host, .serial = 2,
    };

    return cert_new(&text, by->cert, by->key);
}

static gnutls_x509_crt_t client_new(const CertCase *c, const CertKeys *keys,
                                    const CertSigner *by)
{
    const CertText text = {
        .dn = "CN=client.example,O=Wherry Tests,C=XX",
        .key = keys->client, .time = c->time, .usage = cert_usage(c),
        .purpose = c->swapped_purpose ? GNUTLS_KP_TLS_WWW_SERVER
                                      : GNUTLS_KP_TLS_WWW_CLIENT,
        .name = "client.example", .serial = 3,
    };

    return cert_new(&text, by->cert, by->key);
}

static gnutls_x509_crt_t middle_new(const CertKeys *keys, const CertSigner *by)
{
    const CertText text = {
        .dn = "CN=Middle CA,O=Wherry Tests,C=XX", .key = keys->middle,
        .ca = true, .usage = GNUTLS_KEY_KEY_CERT_SIGN, .serial = 4,
    };

    return cert_new(&text, by->cert, by->key);
}

static void remove_absent(const char *dir, const char *names)
{
    g_auto(GStrv) list = g_strsplit(names, " ", -1);

    for (char **name = list; *name; name++) {
        g_autofree char *path = g_build_filename(dir, *name, NULL);

        g_assert_cmpint(unlink(path), ==, 0);
    }
}

static void write_case(const char *parent, const CertCase *c,
                       const CertKeys *keys)
{
    g_autofree char *dir = g_build_filename(parent, c->name, NULL);
    gnutls_x509_crt_t ca = ca_new(c, "CN=Test CA,O=Wherry Tests,C=XX",
                                  keys->ca);
    gnutls_x509_crt_t other = ca_new(c, "CN=Other CA,O=Wherry Tests,C=XX",
                                     keys->other_ca);
    bool by_other = c->other_ca || c->not_signed;
    CertSigner root = { by_other ? other : ca,
                        by_other ? keys->other_ca : keys->ca };
    gnutls_x509_crt_t middle = middle_new(keys, &root);
    CertSigner second = { middle, keys->middle };
    gnutls_x509_crt_t server = server_new(c, keys, c->chain ? &second : &root);
    gnutls_x509_crt_t client = client_new(c, keys, &root);

    g_assert_cmpint(mkdir(dir, 0700), ==, 0);
    write_certs(dir, TLS_CREDS_CA_CERT, c->other_ca ? other : ca, NULL);
    write_certs(dir, TLS_CREDS_SERVER_CERT, server, c->chain ? middle : NULL);
    write_certs(dir, TLS_CREDS_CLIENT_CERT, client, NULL);
    write_key(dir, TLS_CREDS_SERVER_KEY,
              c->stray_key ? keys->stray : keys->server, c->encrypted_key);
    write_key(dir, TLS_CREDS_CLIENT_KEY,
              c->stray_key ? keys->stray : keys->client, c->encrypted_key);
    write_file(dir, TLS_CREDS_PSK, c->psk ? c->psk : PSK_LINE,
               strlen(c->psk ? c->psk : PSK_LINE));
    if (c->revoked) {
        write_crl(dir, client, root.cert, root.key);
    }
    if (c->content) {
        write_file(dir, TLS_CREDS_SERVER_CERT, c->content,
                   strlen(c->content));
    }
    if (c->absent) {
        remove_absent(dir, c->absent);
    }
    gnutls_x509_crt_deinit(client);
    gnutls_x509_crt_deinit(server);
    gnutls_x509_crt_deinit(middle);
    gnutls_x509_crt_deinit(other);
    gnutls_x509_crt_deinit(ca);
}

void tls_certs_write(const char *dir)
{
    CertKeys keys = {
        key_new(), key_new(), key_new(), key_new(), key_new(), key_new(),
    };
    gnutls_x509_privkey_t all[] = {
        keys.ca, keys.other_ca, keys.middle, keys.server, keys.client,
        keys.stray,
    };

    for (size_t i = 0; i < ARRAY_SIZE(cert_cases); i++) {
        write_case(dir, &cert_cases[i], &keys);
    }
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        gnutls_x509_privkey_deinit(all[i]);
    }
}
