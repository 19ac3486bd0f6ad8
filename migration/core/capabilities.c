/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities: changing them, the rules of which go together, and telling them.
 * Names and rules are QEMU 10.0's.
 *
 * Entered by the main thread only.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "qemu/atomic.h"
#include "migration/core/incoming.h"
#include "migration/core/migration-internal.h"
#include "migration/core/outgoing.h"

bool migration_check_zero_copy(const bool *caps, MultiFDCompression compression,
                               const char *tls_creds, Error **errp)
{
    if (caps[MIGRATION_CAPABILITY_ZERO_COPY_SEND] &&
        (!caps[MIGRATION_CAPABILITY_MULTIFD] ||
         compression != MULTIFD_COMPRESSION_NONE ||
         (tls_creds && *tls_creds))) {
        error_setg(errp, "Zero copy only available for non-compressed non-TLS"
                   " multifd migration");
        return false;
    }
    return true;
}

bool migration_set_capabilities(Migration *m,
                                const MigrationCapabilityStatusList *list,
                                Error **errp)
{
    bool caps[MIGRATION_CAPABILITY__MAX];

    if (m->out && !migration_status_is_final(
                      migration_state_get(&m->out->state))) {
        error_setg(errp, "There's a migration process in progress");
        return false;
    }
    memcpy(caps, m->settings.caps, sizeof(caps));
    for (const MigrationCapabilityStatusList *l = list; l; l = l->next) {
        caps[l->value->capability] = l->value->state;
    }
    if (caps[MIGRATION_CAPABILITY_MULTIFD] !=
            m->settings.caps[MIGRATION_CAPABILITY_MULTIFD] &&
        m->in && !migration_status_is_final(
                     migration_state_get(&m->in->state))) {
        error_setg(errp, "Multifd must be set before incoming starts");
        return false;
    }
    if (!migration_check_zero_copy(caps, m->settings.multifd_compression,
                                   m->settings.tls_creds,
                                   errp)) {
        return false;
    }
    memcpy(m->settings.caps, caps, sizeof(caps));
    qatomic_set(&m->live.events, caps[MIGRATION_CAPABILITY_EVENTS]);
    return true;
}

MigrationCapabilityStatusList *migration_query_capabilities(Migration *m)
{
    MigrationCapabilityStatusList *list = NULL;

    for (int i = MIGRATION_CAPABILITY__MAX - 1; i >= 0; i--) {
        MigrationCapabilityStatus *cap = g_new0(MigrationCapabilityStatus, 1);

        cap->capability = i;
        cap->state = m->settings.caps[i];
        QAPI_LIST_PREPEND(list, cap);
    }
    return list;
}
