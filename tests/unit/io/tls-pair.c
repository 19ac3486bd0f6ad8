/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ends of a TLS connection; see tls-pair.h.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-qom.h"
#include "qemu/thread.h"
#include "tls-certs.h"
#include "tls-pair.h"

/* One folder for the process. */
static char *tls_pair_base;

char *tls_pair_dir(const char *name)
{
    if (!tls_pair_base) {
        tls_pair_base = g_dir_make_tmp("wherry-tls-XXXXXX", NULL);
        tls_certs_write(tls_pair_base);
    }
    return g_build_filename(tls_pair_base, name, NULL);
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inside = g_build_filename(path, name, NULL);

        remove_tree(inside);
    }
    remove(path);
}

void tls_pair_remove_dirs(void)
{
    if (tls_pair_base) {
        remove_tree(tls_pair_base);
        g_clear_pointer(&tls_pair_base, g_free);
    }
}

TLSCreds *tls_pair_creds(const TLSPairSetup *setup, bool server,
                         Error **errp)
{
    const char *name = server ? setup->server_dir : setup->client_dir;
    const char *more = server ? setup->server_options
                              : setup->client_options;
    g_autofree char *dir = tls_pair_dir(name ? name : "good");
    g_autofree char *text =
        g_strdup_printf("tls-creds-%s,id=tls0,dir=%s,endpoint=%s%s",
                        setup->type ? setup->type : "x509", dir,
                        server ? "server" : "client", more ? more : "");
    g_autoptr(ObjectOptions) options = NULL;
    g_autoptr(Visitor) v = json_input_visitor_new_str(text, "qom-type", NULL);

    g_assert_true(visit_type_ObjectOptions(v, NULL, &options, NULL));
    return tls_creds_new(options, errp);
}

static TLSCreds *good_creds(const TLSPairSetup *setup, bool server)
{
    Error *err = NULL;
    TLSCreds *creds = tls_pair_creds(setup, server, &err);

    if (!creds) {
        g_error("%s", error_get_pretty(err));
    }
    return creds;
}

static void *server_thread(void *opaque)
{
    TLSPair *pair = opaque;

    if (!qio_channel_tls_handshake(pair->server, NULL, &pair->server_err)) {
        /* As who lets go of it does. */
        qio_channel_shutdown(pair->server, QIO_CHANNEL_SHUTDOWN_BOTH);
    }
    return NULL;
}

void tls_pair_over(TLSPair *pair, const TLSPairSetup *setup,
                   QIOChannel *client, QIOChannel *server)
{
    g_autoptr(TLSCreds) client_creds = good_creds(setup, false);
    g_autoptr(TLSCreds) server_creds = good_creds(setup, true);
    const char *host = setup->hostname ? setup->hostname
                                       : TLS_CERTS_SERVER_NAME;
    QemuThread thread;

    *pair = (TLSPair) { 0 };
    pair->client = qio_channel_tls_new_client(client, client_creds, host,
                                              NULL);
    pair->server = qio_channel_tls_new_server(server, server_creds,
                                              setup->authz, NULL);
    g_assert_true(pair->client && pair->server);
    qio_channel_set_name(pair->client, "client");
    qio_channel_set_name(pair->server, "server");
    qemu_thread_create(&thread, "server", server_thread, pair,
                       QEMU_THREAD_JOINABLE);
    if (!qio_channel_tls_handshake(pair->client, NULL, &pair->client_err)) {
        qio_channel_shutdown(pair->client, QIO_CHANNEL_SHUTDOWN_BOTH);
    }
    qemu_thread_join(&thread);
}

void tls_pair_open(TLSPair *pair, const TLSPairSetup *setup)
{
    g_autoptr(QIOChannel) client = NULL;
    g_autoptr(QIOChannel) server = NULL;

    channel_pair_new(setup->kind, &client, &server);
    tls_pair_over(pair, setup, client, server);
}

void tls_pair_open_good(TLSPair *pair, const TLSPairSetup *setup)
{
    tls_pair_open(pair, setup);
    if (pair->client_err || pair->server_err) {
        g_error("client: %s; server: %s",
                pair->client_err ? error_get_pretty(pair->client_err) : "well",
                pair->server_err ? error_get_pretty(pair->server_err)
                                 : "well");
    }
}

void tls_pair_close(TLSPair *pair)
{
    qio_channel_unref(pair->client);
    qio_channel_unref(pair->server);
    error_free(pair->client_err);
    error_free(pair->server_err);
    *pair = (TLSPair) { 0 };
}
