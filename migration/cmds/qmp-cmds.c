/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bodies of the migration commands: from QMP's arguments to the functions of
 * migration/migration.h, and nothing else.
 *
 * Main thread, called by the dispatcher with checked arguments.
 */
#include "qemu/osdep.h"

#include "migration/migration.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-migration.h"

void qmp_migrate(Migration *m, const char *uri, bool has_channels,
                 MigrationChannelList *channels, Error **errp)
{
    migration_start(m, uri, channels, errp);
}

void qmp_migrate_incoming(Migration *m, const char *uri, bool has_channels,
                          MigrationChannelList *channels,
                          bool has_exit_on_error, bool exit_on_error,
                          Error **errp)
{
    migration_incoming_start(m, uri, channels,
                             !has_exit_on_error || exit_on_error, errp);
}

void qmp_migrate_cancel(Migration *m, Error **errp)
{
    migration_cancel(m);
}

void qmp_migrate_continue(Migration *m, MigrationStatus state, Error **errp)
{
    migration_continue(m, state, errp);
}

void qmp_migrate_set_capabilities(Migration *m,
                                  MigrationCapabilityStatusList *capabilities,
                                  Error **errp)
{
    migration_set_capabilities(m, capabilities, errp);
}

MigrationCapabilityStatusList *qmp_query_migrate_capabilities(Migration *m,
                                                              Error **errp)
{
    return migration_query_capabilities(m);
}

void qmp_migrate_set_parameters(Migration *m, MigrationParameters *params,
                                Error **errp)
{
    migration_set_parameters(m, params, errp);
}

MigrationParameters *qmp_query_migrate_parameters(Migration *m, Error **errp)
{
    return migration_query_parameters(m);
}

MigrationInfo *qmp_query_migrate(Migration *m, Error **errp)
{
    return migration_query(m);
}
