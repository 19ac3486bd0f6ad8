/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS of a migration, from its settings: which objects it needs, and what its
 * connections are wrapped in.
 *
 * Entered by the main thread only: objects come and go there, and a migration
 * keeps those that it has found.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/core/incoming.h"
#include "migration/core/migration-internal.h"
#include "migration/core/outgoing.h"
#include "migration/transport/tls.h"
#include "migration/transport/transport.h"

static TLSCreds *tls_find_creds(const Migration *m, const char *id,
                                Error **errp)
{
    if (!m->host.find_tls_creds) {
        error_setg(errp, "Parameter 'tls-creds' is '%s', and there are no "
                   "objects here", id);
        return NULL;
    }
    return m->host.find_tls_creds(m->host.objects_opaque, id, errp);
}

/* A file answers nothing, and nothing encrypts what rests in it. */
static bool tls_check_address(const Migration *m, const MigrationAddress *addr,
                              Error **errp)
{
    g_autofree char *uri = NULL;

    if (!transport_address_is_file(addr)) {
        return true;
    }
    uri = transport_address_to_uri(addr);
    error_setg(errp, "Parameter 'tls-creds' is '%s', but there is no TLS with "
               "a file such as '%s'; set tls-creds to \"\"",
               m->settings.tls_creds, uri);
    return false;
}

/* For whom the destination's certificate must be; NULL: nobody says. */
static const char *tls_hostname(const Migration *m,
                                const MigrationAddress *addr)
{
    const char *host;

    if (*m->settings.tls_hostname) {
        return m->settings.tls_hostname;
    }
    if (addr->transport != MIGRATION_ADDRESS_TYPE_SOCKET ||
        addr->u.socket.type != SOCKET_ADDRESS_TYPE_INET) {
        return NULL;
    }
    host = addr->u.socket.u.inet.host;
    return host && *host ? host : NULL;
}

bool migration_tls_outgoing(Migration *m, const MigrationAddress *addr,
                            TransportTLS **tls, Error **errp)
{
    g_autoptr(TLSCreds) creds = NULL;

    *tls = NULL;
    if (!*m->settings.tls_creds) {
        return true;
    }
    if (!tls_check_address(m, addr, errp)) {
        return false;
    }
    creds = tls_find_creds(m, m->settings.tls_creds, errp);
    if (creds) {
        *tls = transport_tls_new_client(creds, tls_hostname(m, addr), errp);
    }
    return *tls != NULL;
}

bool migration_tls_incoming(Migration *m, const MigrationAddress *addr,
                            TransportTLS **tls, Error **errp)
{
    g_autoptr(TLSCreds) creds = NULL;
    g_autoptr(AuthZ) authz = NULL;

    *tls = NULL;
    if (!*m->settings.tls_creds) {
        if (*m->settings.tls_authz) {
            error_setg(errp, "Parameter 'tls-authz' is '%s' without "
                       "tls-creds; set both or none", m->settings.tls_authz);
            return false;
        }
        return true;
    }
    if (!tls_check_address(m, addr, errp)) {
        return false;
    }
    creds = tls_find_creds(m, m->settings.tls_creds, errp);
    if (!creds) {
        return false;
    }
    if (*m->settings.tls_authz) {
        authz = m->host.find_authz(m->host.objects_opaque,
                                   m->settings.tls_authz, errp);
        if (!authz) {
            return false;
        }
    }
    *tls = transport_tls_new_server(creds, authz, errp);
    return *tls != NULL;
}

static bool tls_config_names(const MigrationConfig *config, const char *id)
{
    return g_strcmp0(config->tls_creds, id) == 0 ||
           g_strcmp0(config->tls_authz, id) == 0;
}

bool migration_uses_object(const Migration *m, const char *id)
{
    return (m->out && tls_config_names(&m->out->config, id) &&
            !migration_status_is_final(migration_state_get(&m->out->state))) ||
           (m->in && tls_config_names(&m->in->config, id) &&
            !migration_status_is_final(migration_state_get(&m->in->state)));
}
