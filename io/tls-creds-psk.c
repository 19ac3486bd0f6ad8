/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credentials by a key that both sides have, and anonymous ones.
 *
 * Entered by the main thread.  keys.psk has lines "USER:HEXKEY", as psktool
 * writes them; a server lets GnuTLS look keys up in it, a client uses one.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "tls-creds-internal.h"

#define PSK_USER_DEFAULT "qemu"

/* The key in a line of that user; NULL when the line is another's. */
static const char *psk_key_of(const char *line, const char *user)
{
    size_t len = strlen(user);

    return !strncmp(line, user, len) && line[len] == ':' ? line + len + 1
                                                         : NULL;
}

static bool psk_is_key(const char *key)
{
    size_t len = strlen(key);

    return len > 0 && len % 2 == 0 &&
           strspn(key, "0123456789abcdefABCDEF") == len;
}

/* Every line is a key, and one is that of @user (NULL: any). */
static bool psk_check(const TLSCreds *creds, char **lines, const char *user,
                      const char **key, Error **errp)
{
    g_autofree char *path = tls_creds_path(creds, TLS_CREDS_PSK);
    unsigned nr_keys = 0;

    for (unsigned i = 0; lines[i]; i++) {
        const char *colon = strrchr(g_strchomp(lines[i]), ':');

        if (!*lines[i] || *lines[i] == '#') {
            continue;
        }
        if (!colon || colon == lines[i] || !psk_is_key(colon + 1)) {
            error_setg(errp, "TLS credentials '%s': line %u of '%s' is no "
                       "USER:KEY with hexadecimal digits; psktool writes such "
                       "lines", creds->id, i + 1, path);
            return false;
        }
        nr_keys++;
        if (user && !*key) {
            *key = psk_key_of(lines[i], user);
        }
    }
    if (user && !*key) {
        error_setg(errp, "TLS credentials '%s': '%s' has no key of user '%s'; "
                   "set 'username' to one that it has", creds->id, path, user);
        return false;
    }
    if (nr_keys == 0) {
        error_setg(errp, "TLS credentials '%s': '%s' has no key", creds->id,
                   path);
        return false;
    }
    return true;
}

static void psk_load_client(TLSCreds *creds, const char *user,
                            const char *key)
{
    const gnutls_datum_t datum = { (unsigned char *)key,
                                   (unsigned)strlen(key) };

    gnutls_psk_allocate_client_credentials(&creds->u.psk_client);
    gnutls_psk_set_client_credentials(creds->u.psk_client, user, &datum,
                                      GNUTLS_PSK_KEY_HEX);
}

static void psk_load_server(TLSCreds *creds)
{
    g_autofree char *path = tls_creds_path(creds, TLS_CREDS_PSK);

    gnutls_psk_allocate_server_credentials(&creds->u.psk_server);
    gnutls_psk_set_server_credentials_file(creds->u.psk_server, path);
    if (creds->dh) {
        gnutls_psk_set_server_dh_params(creds->u.psk_server, creds->dh);
    } else {
        gnutls_psk_set_server_known_dh_params(creds->u.psk_server,
                                              GNUTLS_SEC_PARAM_MEDIUM);
    }
}

static bool psk_load(TLSCreds *creds, const ObjectOptions *options,
                     Error **errp)
{
    bool server = creds->endpoint == QCRYPTO_TLS_CREDS_ENDPOINT_SERVER;
    const char *user = options->u.tls_creds_psk.username;
    g_auto(GStrv) lines = NULL;
    const char *key = NULL;
    gnutls_datum_t data;
    bool ok;

    if (server && user) {
        error_setg(errp, "TLS credentials '%s': 'username' says which key a "
                   "client uses; a server has all those of %s", creds->id,
                   TLS_CREDS_PSK);
        return false;
    }
    if (!user) {
        user = PSK_USER_DEFAULT;
    }
    if (!tls_creds_read(creds, TLS_CREDS_PSK, false, &data, errp)) {
        return false;
    }
    lines = g_strsplit((char *)data.data, "\n", -1);
    ok = psk_check(creds, lines, server ? NULL : user, &key, errp);
    if (ok && server) {
        psk_load_server(creds);
    } else if (ok) {
        psk_load_client(creds, user, key);
    }
    g_free(data.data);
    return ok;
}

static void psk_unload(TLSCreds *creds)
{
    if (creds->endpoint == QCRYPTO_TLS_CREDS_ENDPOINT_SERVER) {
        gnutls_psk_free_server_credentials(creds->u.psk_server);
    } else {
        gnutls_psk_free_client_credentials(creds->u.psk_client);
    }
}

static bool anon_load(TLSCreds *creds, const ObjectOptions *options,
                      Error **errp)
{
    if (creds->endpoint == QCRYPTO_TLS_CREDS_ENDPOINT_CLIENT) {
        gnutls_anon_allocate_client_credentials(&creds->u.anon_client);
        return true;
    }
    gnutls_anon_allocate_server_credentials(&creds->u.anon_server);
    if (creds->dh) {
        gnutls_anon_set_server_dh_params(creds->u.anon_server, creds->dh);
    } else {
        gnutls_anon_set_server_known_dh_params(creds->u.anon_server,
                                               GNUTLS_SEC_PARAM_MEDIUM);
    }
    return true;
}

static void anon_unload(TLSCreds *creds)
{
    if (creds->endpoint == QCRYPTO_TLS_CREDS_ENDPOINT_SERVER) {
        gnutls_anon_free_server_credentials(creds->u.anon_server);
    } else {
        gnutls_anon_free_client_credentials(creds->u.anon_client);
    }
}

const TLSCredsKind tls_creds_kind_psk = {
    .type = GNUTLS_CRD_PSK,
    .priority = ":+ECDHE-PSK:+DHE-PSK:+PSK",
    .load = psk_load,
    .unload = psk_unload,
};

const TLSCredsKind tls_creds_kind_anon = {
    .type = GNUTLS_CRD_ANON,
    .priority = ":+ANON-ECDH:+ANON-DH",
    .load = anon_load,
    .unload = anon_unload,
};
