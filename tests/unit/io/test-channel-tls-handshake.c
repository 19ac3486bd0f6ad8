/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The beginning of TLS: who is let in and who is not, and peers that say
 * nothing, too little, or nonsense.
 */
#include "qemu/osdep.h"
#include "io/authz.h"
#include "io/channel-fault.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "thread-state.h"
#include "tls-certs.h"
#include "tls-pair.h"

/* One that does not come about: who says what. */
typedef struct RefusalCase {
    const char *name;
    TLSPairSetup setup;
    const char *client;         /* part of its error; NULL: hears nothing yet */
    const char *server;         /* NULL: any */
} RefusalCase;

#define UNCHECKED ",sanity-check=off"

static const RefusalCase refusal_cases[] = {
    { "wrong-host", { .hostname = "wrong.example" },
      "the peer's certificate is for 'server.example, 127.0.0.1, ::1' and not "
      "for host 'wrong.example'; set tls-hostname", "Certificate is bad" },
    { "wrong-address", { .hostname = "127.0.0.2" },
      "and not for host '127.0.0.2'", "Certificate is bad" },
    { "other-host", { .server_dir = "other-host" },
      "is for 'elsewhere.example'", "Certificate is bad" },
    { "server-expired",
      { .server_dir = "expired", .server_options = UNCHECKED },
      "the peer's certificate is refused: it has expired",
      "Certificate is expired" },
    { "server-not-yet-valid",
      { .server_dir = "not-yet", .server_options = UNCHECKED },
      "the peer's certificate is refused: it is not valid yet",
      "Certificate is bad" },
    { "server-of-another-ca", { .server_dir = "other-ca" },
      "it is not signed by a CA that is trusted", "CA is unknown" },
    { "client-expired",
      { .client_dir = "expired", .client_options = UNCHECKED },
      NULL, "the peer's certificate is refused: it has expired" },
    { "client-of-another-ca",
      { .client_dir = "other-ca", .client_options = ",verify-peer=off" },
      NULL, "it is not signed by a CA that is trusted" },
    { "client-without-certificate", { .client_dir = "no-client-cert" },
      NULL, "the peer has no certificate to show" },
    { "client-revoked", { .server_dir = "revoked" },
      NULL, "it has been revoked" },
    { "psk-other-key", { .type = "psk", .client_dir = "psk-other" },
      "the same key in keys.psk?", "the same key in keys.psk?" },
    { "psk-unknown-user",
      { .type = "psk", .client_dir = "psk-no-user",
        .client_options = ",username=somebody" },
      "the same key in keys.psk?", "the same key in keys.psk?" },
    { "no-version-in-common",
      { .client_options = ",priority=NORMAL:-VERS-ALL:+VERS-TLS1.2",
        .server_options = ",priority=NORMAL:-VERS-ALL:+VERS-TLS1.3" },
      "Handshake failed", "No supported" },
};

static void assert_says(const Error *err, const char *text)
{
    g_assert_nonnull(err);
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), text));
}

/* With TLS 1.3 a client is done before the server has looked at it. */
static void assert_client_learns(TLSPair *pair)
{
    Error *err = NULL;
    char buf[8];

    g_assert_null(pair->client_err);
    g_assert_cmpint(qio_channel_read(pair->client, buf, sizeof(buf), &err),
                    ==, -1);
    assert_says(err, "the peer has ended TLS with alert");
    error_free(err);
}

static void test_refusal(const void *opaque)
{
    const RefusalCase *c = opaque;
    TLSPair pair;

    tls_pair_open(&pair, &c->setup);
    if (c->server) {
        assert_says(pair.server_err, c->server);
    }
    if (c->client) {
        assert_says(pair.client_err, c->client);
    } else {
        assert_client_learns(&pair);
    }
    tls_pair_close(&pair);
}

/* A source that only writes hears of it all the same. */
static void test_a_writer_learns_why(void)
{
    TLSPairSetup setup = {
        .kind = CHANNEL_PAIR_TCP, .client_dir = "no-client-cert",
    };
    TLSPair pair;
    Error *err = NULL;
    bool ok = true;

    tls_pair_open(&pair, &setup);
    g_assert_nonnull(pair.server_err);
    qio_channel_unref(g_steal_pointer(&pair.server));
    for (int i = 0; ok && i < 1000; i++) {
        ok = qio_channel_write_all(pair.client, "abc", 3, &err);
    }
    g_assert_false(ok);
    assert_says(err, "the peer has ended TLS with alert");
    error_free(err);
    tls_pair_close(&pair);
}

static void test_client_need_not_show_a_certificate(void)
{
    TLSPairSetup setup = {
        .client_dir = "no-client-cert", .server_options = ",verify-peer=off",
    };
    TLSPair pair;

    tls_pair_open_good(&pair, &setup);
    tls_pair_close(&pair);
}

static void test_client_need_not_care(void)
{
    TLSPairSetup setup = {
        .hostname = "wrong.example", .client_options = ",verify-peer=off",
    };
    TLSPair pair;

    tls_pair_open_good(&pair, &setup);
    tls_pair_close(&pair);
}

static void test_hosts_of_the_certificate(void)
{
    static const char *const hosts[] = {
        "server.example", "SERVER.example", "127.0.0.1", "::1",
    };

    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        TLSPairSetup setup = { .hostname = hosts[i] };
        TLSPair pair;

        tls_pair_open_good(&pair, &setup);
        tls_pair_close(&pair);
    }
}

static void test_ca_in_between(void)
{
    TLSPairSetup setup = { .server_dir = "chain" };
    TLSPair pair;

    tls_pair_open_good(&pair, &setup);
    tls_pair_close(&pair);
}

static AuthZ *authz_of(const char *identity)
{
    ObjectOptions options = {
        .qom_type = OBJECT_TYPE_AUTHZ_SIMPLE, .id = (char *)"authz0",
    };

    options.u.authz_simple.identity = (char *)identity;
    return authz_new(&options, NULL);
}

static void check_authz(const char *type, const char *identity,
                        const char *refusal)
{
    g_autoptr(AuthZ) authz = authz_of(identity);
    TLSPairSetup setup = { .type = type, .authz = authz };
    TLSPair pair;

    tls_pair_open(&pair, &setup);
    if (refusal) {
        assert_says(pair.server_err, refusal);
        assert_client_learns(&pair);
    } else {
        if (pair.server_err) {
            g_error("%s", error_get_pretty(pair.server_err));
        }
        g_assert_null(pair.client_err);
    }
    tls_pair_close(&pair);
}

static void test_authz(void)
{
    check_authz("x509", TLS_CERTS_CLIENT_DN, NULL);
    check_authz("psk", TLS_CERTS_PSK_USER, NULL);
}

static void test_authz_refuses(void)
{
    check_authz("x509", "CN=somebody",
                "object 'authz0' does not let '" TLS_CERTS_CLIENT_DN "' in");
    check_authz("psk", "somebody",
                "object 'authz0' does not let '" TLS_CERTS_PSK_USER "' in");
}

/* A server over one end of a pair; the other end is ours. */
typedef struct RawPeer {
    QIOChannel *raw;
    QIOChannel *tls;
} RawPeer;

static void raw_open(RawPeer *peer, bool server)
{
    TLSPairSetup setup = { 0 };
    g_autoptr(TLSCreds) creds = tls_pair_creds(&setup, server, NULL);
    g_autoptr(QIOChannel) inner = NULL;

    g_assert_nonnull(creds);
    channel_pair_new(CHANNEL_PAIR_UNIX, &peer->raw, &inner);
    peer->tls = server
        ? qio_channel_tls_new_server(inner, creds, NULL, NULL)
        : qio_channel_tls_new_client(inner, creds, TLS_CERTS_SERVER_NAME,
                                     NULL);
    g_assert_nonnull(peer->tls);
    qio_channel_set_name(peer->tls, "end");
}

static void raw_close(RawPeer *peer)
{
    qio_channel_unref(peer->raw);
    qio_channel_unref(peer->tls);
}

/* The peer says these bytes and then closes, or nothing more. */
static void check_raw(bool server, const void *data, size_t len, bool closes,
                      const char *text)
{
    RawPeer peer;
    Error *err = NULL;

    raw_open(&peer, server);
    g_assert_true(qio_channel_write_all(peer.raw, data, len, NULL));
    if (closes) {
        qio_channel_shutdown(peer.raw, QIO_CHANNEL_SHUTDOWN_WRITE);
    }
    g_assert_false(qio_channel_tls_handshake(peer.tls, NULL, &err));
    assert_says(err, text);
    error_free(err);
    raw_close(&peer);
}

static void test_a_peer_without_tls(void)
{
    check_raw(true, "QEVM\0\0\0\3", 8, false,
              "end: the peer does not speak TLS; set tls-creds on both sides");
    check_raw(true, "\x11\x22\x33\x44\0\0\0\1", 8, false,
              "the peer does not speak TLS");
    check_raw(false, "QEVM\0\0\0\3", 8, false, "the peer does not speak TLS");
}

static void test_a_peer_that_closes(void)
{
    check_raw(true, "", 0, true,
              "end: the peer closed the connection during the TLS handshake");
    check_raw(false, "", 0, true,
              "end: the peer closed the connection during the TLS handshake");
}

/* What a good client says first. */
static GByteArray *hello_new(void)
{
    RawPeer peer;
    GIOCondition wait;
    GByteArray *hello = g_byte_array_new();
    uint8_t buf[4096];
    ssize_t n;

    raw_open(&peer, false);
    g_assert_true(qio_channel_tls_handshake_step(peer.tls, &wait, NULL));
    g_assert_cmpint(wait, ==, G_IO_IN);
    n = qio_channel_read(peer.raw, buf, sizeof(buf), NULL);
    g_assert_cmpint(n, >, 100);
    g_byte_array_append(hello, buf, (guint)n);
    raw_close(&peer);
    return hello;
}

static void test_a_hello_that_is_cut(void)
{
    g_autoptr(GByteArray) hello = hello_new();

    for (guint len = 1; len < hello->len; len += len < 50 ? 1 : 17) {
        check_raw(true, hello->data, len, true, "end: the peer closed");
    }
}

static void test_a_hello_that_is_damaged(void)
{
    g_autoptr(GByteArray) hello = hello_new();

    for (guint at = 0; at < hello->len; at += at < 60 ? 1 : 11) {
        g_autofree uint8_t *bad = g_memdup2(hello->data, hello->len);
        RawPeer peer;
        Error *err = NULL;

        bad[at] ^= 0x41;
        raw_open(&peer, true);
        g_assert_true(qio_channel_write_all(peer.raw, bad, hello->len, NULL));
        qio_channel_shutdown(peer.raw, QIO_CHANNEL_SHUTDOWN_WRITE);
        /* A nonce may be anything; the missing answer then fails it. */
        g_assert_false(qio_channel_tls_handshake(peer.tls, NULL, &err));
        g_assert_nonnull(err);
        error_free(err);
        raw_close(&peer);
    }
}

static void test_steps_do_not_wait(void)
{
    g_autoptr(GByteArray) hello = hello_new();
    GIOCondition wait = 0;
    RawPeer peer;

    raw_open(&peer, true);
    for (guint i = 0; i + 1 < hello->len; i++) {
        g_assert_true(qio_channel_tls_handshake_step(peer.tls, &wait, NULL));
        g_assert_cmpint(wait, ==, G_IO_IN);
        g_assert_true(qio_channel_write_all(peer.raw, hello->data + i, 1,
                                            NULL));
    }
    g_assert_true(qio_channel_tls_handshake_step(peer.tls, &wait, NULL));
    g_assert_cmpint(wait, ==, G_IO_IN);
    raw_close(&peer);
}

/* An error below is told in the words of the channel below. */
static void test_an_error_below(void)
{
    TLSPairSetup setup = { 0 };
    g_autoptr(TLSCreds) creds = tls_pair_creds(&setup, false, NULL);
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;
    g_autoptr(QIOChannel) fault = NULL;
    g_autoptr(QIOChannel) tls = NULL;
    Error *err = NULL;

    channel_pair_new(CHANNEL_PAIR_UNIX, &a, &b);
    fault = qio_channel_fault_new(a);
    qio_channel_fault_set_error(fault, QIO_CHANNEL_FAULT_WRITE, 10);
    tls = qio_channel_tls_new_client(fault, creds, TLS_CERTS_SERVER_NAME,
                                     NULL);
    g_assert_false(qio_channel_tls_handshake(tls, NULL, &err));
    assert_says(err, "tls: TLS over fault: ");
    error_free(err);
}

typedef struct Shaker {
    QIOChannel *ioc;
    GCancellable *cancellable;
    int tid;                    /* atomic */
    bool ok;
    Error *err;
} Shaker;

static void *shaker_thread(void *opaque)
{
    Shaker *s = opaque;

    qatomic_set(&s->tid, qemu_get_thread_id());
    s->ok = qio_channel_tls_handshake(s->ioc, s->cancellable, &s->err);
    return NULL;
}

static void check_way_out(bool cancel)
{
    RawPeer peer;
    Shaker shaker = { .cancellable = g_cancellable_new() };
    QemuThread thread;

    raw_open(&peer, false);
    shaker.ioc = peer.tls;
    /* Made here, so that two threads do not make it. */
    g_cancellable_get_fd(shaker.cancellable);
    qemu_thread_create(&thread, "shaker", shaker_thread, &shaker,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&shaker.tid);
    if (cancel) {
        g_cancellable_cancel(shaker.cancellable);
    } else {
        qio_channel_shutdown(peer.tls, QIO_CHANNEL_SHUTDOWN_BOTH);
    }
    qemu_thread_join(&thread);
    g_assert_false(shaker.ok);
    assert_says(shaker.err, "the TLS handshake was cancelled");
    error_free(shaker.err);
    g_cancellable_release_fd(shaker.cancellable);
    g_object_unref(shaker.cancellable);
    raw_close(&peer);
}

static void test_a_silent_peer_and_a_cancel(void)
{
    check_way_out(true);
}

static void test_a_silent_peer_and_a_shutdown(void)
{
    check_way_out(false);
}

static void test_credentials_of_the_other_side(void)
{
    TLSPairSetup setup = { 0 };
    g_autoptr(TLSCreds) creds = tls_pair_creds(&setup, true, NULL);
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;
    Error *err = NULL;

    channel_pair_new(CHANNEL_PAIR_UNIX, &a, &b);
    g_assert_null(qio_channel_tls_new_client(a, creds, "x", &err));
    assert_says(err, "are for a server, and here a client is needed");
    error_free(err);
}

int main(int argc, char **argv)
{
    int ret;

    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(refusal_cases); i++) {
        g_autofree char *path = g_strconcat("/tls-handshake/refused/",
                                            refusal_cases[i].name, NULL);

        g_test_add_data_func(path, &refusal_cases[i], test_refusal);
    }
    g_test_add_func("/tls-handshake/a-writer-learns-why",
                    test_a_writer_learns_why);
    g_test_add_func("/tls-handshake/client-need-not-show-a-certificate",
                    test_client_need_not_show_a_certificate);
    g_test_add_func("/tls-handshake/client-need-not-care",
                    test_client_need_not_care);
    g_test_add_func("/tls-handshake/hosts-of-the-certificate",
                    test_hosts_of_the_certificate);
    g_test_add_func("/tls-handshake/ca-in-between", test_ca_in_between);
    g_test_add_func("/tls-handshake/authz", test_authz);
    g_test_add_func("/tls-handshake/authz-refuses", test_authz_refuses);
    g_test_add_func("/tls-handshake/a-peer-without-tls",
                    test_a_peer_without_tls);
    g_test_add_func("/tls-handshake/a-peer-that-closes",
                    test_a_peer_that_closes);
    g_test_add_func("/tls-handshake/a-hello-that-is-cut",
                    test_a_hello_that_is_cut);
    g_test_add_func("/tls-handshake/a-hello-that-is-damaged",
                    test_a_hello_that_is_damaged);
    g_test_add_func("/tls-handshake/steps-do-not-wait",
                    test_steps_do_not_wait);
    g_test_add_func("/tls-handshake/an-error-below", test_an_error_below);
    g_test_add_func("/tls-handshake/a-silent-peer-and-a-cancel",
                    test_a_silent_peer_and_a_cancel);
    g_test_add_func("/tls-handshake/a-silent-peer-and-a-shutdown",
                    test_a_silent_peer_and_a_shutdown);
    g_test_add_func("/tls-handshake/credentials-of-the-other-side",
                    test_credentials_of_the_other_side);
    ret = g_test_run();
    tls_pair_remove_dirs();
    return ret;
}
