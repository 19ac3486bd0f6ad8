/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handle: what may begin when, and who is asked.
 *
 * Entered by the main thread only.  Settings are settings.c's and parameters.c's.
 */
#include "qemu/osdep.h"
#include "qapi/clone-visitor.h"
#include "qapi/error.h"
#include "qapi/qapi-visit-sockets.h"
#include "migration/core/incoming.h"
#include "migration/core/migration-internal.h"
#include "migration/core/outgoing.h"
#include "migration/transport/transport.h"

Migration *migration_new(const MigrationHost *host)
{
    Migration *m = g_new0(Migration, 1);

    m->host = *host;
    migration_settings_init(&m->settings, &m->live);
    return m;
}

void migration_free(Migration *m)
{
    if (!m) {
        return;
    }
    outgoing_free(m->out);
    incoming_free(m->in);
    migration_settings_clear(&m->settings);
    g_free(m);
}

static bool outgoing_is_running(Migration *m)
{
    return m->out && !migration_status_is_final(
                         migration_state_get(&m->out->state));
}

static bool incoming_is_running(Migration *m)
{
    return m->in && !migration_status_is_final(
                        migration_state_get(&m->in->state));
}

bool migration_is_running(Migration *m)
{
    return outgoing_is_running(m) || incoming_is_running(m);
}

/* Whether the settings go with an address. */
static bool migration_check_address(const Migration *m,
                                    const MigrationAddress *addr, Error **errp)
{
    const bool *caps = m->settings.caps;

    return transport_check(addr, caps[MIGRATION_CAPABILITY_MULTIFD],
                           caps[MIGRATION_CAPABILITY_MAPPED_RAM], errp);
}

static bool outgoing_may_start(Migration *m, const MigrationAddress *addr,
                               Error **errp)
{
    const MigrationHost *host = &m->host;

    if (!migration_check_address(m, addr, errp)) {
        return false;
    }
    if (outgoing_is_running(m)) {
        error_setg(errp, "There's a migration process in progress");
        return false;
    }
    if (m->settings.caps[MIGRATION_CAPABILITY_RETURN_PATH] &&
        transport_address_is_file(addr)) {
        error_setg(errp, "A file gives no answers: set capability "
                   "'return-path' off");
        return false;
    }
    return host->machine->can_migrate(host->machine_opaque, errp) &&
           migration_settings_check_outgoing(&m->settings, errp);
}

bool migration_start(Migration *m, const char *uri,
                     const MigrationChannelList *channels, Error **errp)
{
    ERRP_GUARD();
    g_autoptr(MigrationAddress) addr = transport_address(uri, channels, errp);

    if (!addr || !outgoing_may_start(m, addr, errp)) {
        return false;
    }
    outgoing_free(m->out);
    m->out = outgoing_start(m, g_steal_pointer(&addr), errp);
    return !*errp;
}

void migration_cancel(Migration *m)
{
    if (outgoing_is_running(m)) {
        outgoing_cancel(m->out);
    } else if (incoming_is_running(m)) {
        incoming_cancel(m->in);
    }
}

bool migration_continue(Migration *m, MigrationStatus state, Error **errp)
{
    MigrationStatus status = m->out ? migration_state_get(&m->out->state)
                                    : MIGRATION_STATUS_NONE;

    if (status != state) {
        error_setg(errp, "Migration not in expected state: %s",
                   MigrationStatus_str(status));
        return false;
    }
    if (m->out) {
        outgoing_continue(m->out);
    }
    return true;
}

static bool incoming_may_start(Migration *m, Error **errp)
{
    MigrationStatus status;

    if (!m->host.incoming_expected) {
        error_setg(errp, "'-incoming' was not specified on the command line");
        return false;
    }
    if (!m->in) {
        return true;
    }
    status = migration_state_get(&m->in->state);
    if (status != MIGRATION_STATUS_FAILED) {
        error_setg(errp, "The incoming migration has already been started");
        return false;
    }
    return true;
}

bool migration_incoming_start(Migration *m, const char *uri,
                              const MigrationChannelList *channels,
                              bool exit_on_error, Error **errp)
{
    g_autoptr(MigrationAddress) addr = NULL;

    if (!incoming_may_start(m, errp)) {
        return false;
    }
    addr = transport_address(uri, channels, errp);
    if (!addr || !migration_check_address(m, addr, errp) ||
        !migration_settings_check_mapped(&m->settings, errp)) {
        return false;
    }
    /* The failed one first: it may hold the address, or have a word to say. */
    if (m->in) {
        incoming_finish(m->in);
    }
    incoming_free(g_steal_pointer(&m->in));
    m->in = incoming_new(m, addr, exit_on_error, errp);
    return m->in != NULL;
}

static void incoming_info(MigrationIn *in, MigrationInfo *info)
{
    info->has_status = true;
    info->status = migration_state_get(&in->state);
    info->error_desc = migration_state_error(&in->state);
    if (info->status == MIGRATION_STATUS_SETUP) {
        info->has_socket_address = in->addresses != NULL;
        info->socket_address = QAPI_CLONE(SocketAddressList, in->addresses);
    }
}

MigrationInfo *migration_query(Migration *m)
{
    MigrationInfo *info = g_new0(MigrationInfo, 1);

    /* A guest comes before it goes: the outgoing one is the later one. */
    if (m->out) {
        outgoing_info(m->out, info);
    } else if (m->in) {
        incoming_info(m->in, info);
    }
    return info;
}
