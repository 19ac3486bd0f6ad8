/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading TLS credentials: each fault in a folder has a sentence that names the
 * file.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "tls-pair.h"

/* A folder that must be refused, and a part of the sentence. */
typedef struct BadCase {
    const char *name;           /* of the test */
    const char *type;           /* NULL: x509 */
    const char *dir;
    bool server;
    const char *options;
    const char *file;           /* must be named, or NULL */
    const char *text;
} BadCase;

static const BadCase bad_cases[] = {
    { "no-ca", NULL, "no-ca", true, NULL, "ca-cert.pem",
      "No such file or directory" },
    { "no-key", NULL, "no-key", true, NULL, "server-key.pem",
      "No such file or directory" },
    { "no-client-key", NULL, "no-key", false, NULL, "client-key.pem",
      "No such file or directory" },
    { "no-folder", NULL, "there-is-none", true, NULL, "ca-cert.pem",
      "No such file or directory" },
    { "expired", NULL, "expired", true, NULL, "server-cert.pem",
      "has expired" },
    { "client-expired", NULL, "expired", false, NULL, "client-cert.pem",
      "has expired" },
    { "not-yet-valid", NULL, "not-yet", true, NULL, "server-cert.pem",
      "is not valid yet" },
    { "ca-expired", NULL, "ca-expired", true, NULL, "ca-cert.pem",
      "has expired" },
    { "ca-that-is-none", NULL, "ca-not-a-ca", true, NULL, "ca-cert.pem",
      "is not that of a CA" },
    { "ca-that-may-not-sign", NULL, "ca-no-sign", true, NULL, "ca-cert.pem",
      "does not allow to sign certificates" },
    { "server-that-is-a-ca", NULL, "server-is-ca", true, NULL,
      "server-cert.pem", "is that of a CA" },
    { "signed-by-another-ca", NULL, "not-signed", true, NULL,
      "server-cert.pem", "is not signed by the CA in" },
    { "wrong-key-usage", NULL, "wrong-usage", true, NULL, "server-cert.pem",
      "does not allow digital signatures" },
    { "wrong-purpose", NULL, "wrong-purpose", true, NULL, "server-cert.pem",
      "is not for the purpose of a TLS server" },
    { "client-wrong-purpose", NULL, "wrong-purpose", false, NULL,
      "client-cert.pem", "is not for the purpose of a TLS client" },
    { "key-of-another", NULL, "key-mismatch", true, NULL, "server-cert.pem",
      "does not belong to the private key" },
    { "key-with-a-password", NULL, "encrypted-key", true, NULL,
      "server-key.pem", "is encrypted" },
    { "garbage", NULL, "garbage", true, NULL, "server-cert.pem",
      "has no certificate that can be read" },
    { "empty-file", NULL, "empty", true, NULL, "server-cert.pem",
      "is empty" },
    { "revoked-client", NULL, "revoked", false, NULL, "client-cert.pem",
      "has been revoked" },
    { "priority", NULL, "good", true, ",priority=NORMAL:+NONSENSE", NULL,
      "priority 'NORMAL:+NONSENSE' is not understood" },
    { "psk-bad-line", "psk", "psk-bad", true, NULL, "keys.psk",
      "line 2" },
    { "psk-no-such-user", "psk", "psk-no-user", false, NULL, "keys.psk",
      "has no key of user 'qemu'" },
    { "psk-no-such-user-by-name", "psk", "good", false, ",username=somebody",
      "keys.psk", "has no key of user 'somebody'" },
    { "psk-server-with-user", "psk", "good", true, ",username=qemu", NULL,
      "a server has all those" },
};

static void test_bad(const void *opaque)
{
    const BadCase *c = opaque;
    TLSPairSetup setup = {
        .type = c->type, .client_dir = c->dir, .server_dir = c->dir,
        .client_options = c->options, .server_options = c->options,
    };
    Error *err = NULL;

    g_assert_null(tls_pair_creds(&setup, c->server, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), "'tls0'"));
    g_assert_nonnull(strstr(error_get_pretty(err), c->text));
    if (c->file) {
        g_autofree char *dir = tls_pair_dir(c->dir);
        g_autofree char *path = g_build_filename(dir, c->file, NULL);

        g_assert_nonnull(strstr(error_get_pretty(err), path));
    }
    error_free(err);
}

static void assert_good(const TLSPairSetup *setup, bool server)
{
    Error *err = NULL;
    g_autoptr(TLSCreds) creds = tls_pair_creds(setup, server, &err);

    if (!creds) {
        g_error("%s", error_get_pretty(err));
    }
    g_assert_true(tls_creds_check_endpoint(
        creds, server ? QCRYPTO_TLS_CREDS_ENDPOINT_SERVER
                      : QCRYPTO_TLS_CREDS_ENDPOINT_CLIENT, NULL));
}

static void test_good(void)
{
    static const char *const types[] = { "x509", "psk", "anon" };

    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        TLSPairSetup setup = { .type = types[i] };

        assert_good(&setup, true);
        assert_good(&setup, false);
    }
}

static void test_chain(void)
{
    TLSPairSetup setup = { .server_dir = "chain" };

    assert_good(&setup, true);
}

static void test_client_without_certificate(void)
{
    TLSPairSetup setup = { .client_dir = "no-client-cert" };

    assert_good(&setup, false);
}

/* Who switches the checks off gets what he wants. */
static void test_without_sanity_check(void)
{
    static const char *const dirs[] = {
        "expired", "not-yet", "ca-expired", "ca-not-a-ca", "wrong-purpose",
        "wrong-usage", "not-signed", "server-is-ca",
    };

    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        TLSPairSetup setup = {
            .server_dir = dirs[i], .server_options = ",sanity-check=off",
        };

        assert_good(&setup, true);
    }
}

static void test_other_endpoint(void)
{
    TLSPairSetup setup = { 0 };
    g_autoptr(TLSCreds) creds = tls_pair_creds(&setup, true, NULL);
    Error *err = NULL;

    g_assert_false(tls_creds_check_endpoint(
        creds, QCRYPTO_TLS_CREDS_ENDPOINT_CLIENT, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "TLS credentials 'tls0' are for a server, and here a "
                    "client is needed; make some with endpoint=client");
    error_free(err);
}

static void test_who_knows_whom(void)
{
    static const struct {
        const char *type;
        const char *options;
        bool server;
        bool checks_host;
        bool names_peer;
    } cases[] = {
        { "x509", NULL, false, true, true },
        { "x509", NULL, true, false, true },
        { "x509", ",verify-peer=off", false, false, false },
        { "x509", ",verify-peer=off", true, false, false },
        { "psk", NULL, false, false, true },
        { "psk", NULL, true, false, true },
        { "anon", NULL, true, false, false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        TLSPairSetup setup = {
            .type = cases[i].type, .client_options = cases[i].options,
            .server_options = cases[i].options,
        };
        g_autoptr(TLSCreds) creds = tls_pair_creds(&setup, cases[i].server,
                                                   NULL);

        g_assert_cmpint(tls_creds_checks_host(creds), ==,
                        cases[i].checks_host);
        g_assert_cmpint(tls_creds_names_peer(creds), ==,
                        cases[i].names_peer);
    }
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tls-creds/good", test_good);
    g_test_add_func("/tls-creds/chain", test_chain);
    g_test_add_func("/tls-creds/client-without-certificate",
                    test_client_without_certificate);
    g_test_add_func("/tls-creds/without-sanity-check",
                    test_without_sanity_check);
    g_test_add_func("/tls-creds/other-endpoint", test_other_endpoint);
    g_test_add_func("/tls-creds/who-knows-whom", test_who_knows_whom);
    for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
        g_autofree char *path = g_strconcat("/tls-creds/bad/",
                                            bad_cases[i].name, NULL);

        g_test_add_data_func(path, &bad_cases[i], test_bad);
    }
    ret = g_test_run();
    tls_pair_remove_dirs();
    return ret;
}
