/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor's commands about migration: the tables, and those bodies
 * that do no more than call migration/migration.h.
 *
 * Bodies run in the thread of the main loop, completions in any.
 */
#include "qemu/osdep.h"

#include "hmp-cmds-internal.h"
#include "hmp-cmds.h"
#include "migration/migration.h"
#include "qapi/error.h"
#include "qapi/util.h"

static void hmp_migrate_cancel(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    migration_cancel(opaque);
}

static void hmp_migrate_incoming(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Error *err = NULL;

    /* As in QEMU: who types can try again, so the process goes on. */
    migration_incoming_start(opaque, hmp_args_str(args, "uri"), NULL, false,
                             &err);
    hmp_handle_error(hmp, err);
}

static int hmp_parse_enum(Hmp *hmp, const QEnumLookup *lookup,
                          const char *text)
{
    int value = qapi_enum_parse(lookup, text, -1, NULL);
    Error *err = NULL;

    if (value < 0) {
        error_setg(&err, "invalid parameter value: %s", text);
        hmp_handle_error(hmp, err);
    }
    return value;
}

static void hmp_migrate_set_capability(Hmp *hmp, const HmpArgs *args,
                                       void *opaque)
{
    int capability = hmp_parse_enum(hmp, &MigrationCapability_lookup,
                                    hmp_args_str(args, "capability"));
    MigrationCapabilityStatus status = {
        .capability = capability,
        .state = hmp_args_bool(args, "state"),
    };
    MigrationCapabilityStatusList list = { .value = &status };
    Error *err = NULL;

    if (capability >= 0) {
        migration_set_capabilities(opaque, &list, &err);
        hmp_handle_error(hmp, err);
    }
}

static void hmp_migrate_continue(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    int state = hmp_parse_enum(hmp, &MigrationStatus_lookup,
                               hmp_args_str(args, "state"));
    Error *err = NULL;

    if (state >= 0) {
        migration_continue(opaque, state, &err);
        hmp_handle_error(hmp, err);
    }
}

static void hmp_info_migrate_capabilities(Hmp *hmp, const HmpArgs *args,
                                          void *opaque)
{
    g_autoptr(MigrationCapabilityStatusList) list =
        migration_query_capabilities(opaque);

    for (MigrationCapabilityStatusList *l = list; l; l = l->next) {
        hmp_printf(hmp, "%s: %s\n",
                   MigrationCapability_str(l->value->capability),
                   l->value->state ? "on" : "off");
    }
}

static void hmp_complete_capability(GPtrArray *found, const char *const *args,
                                    unsigned nr_args, const char *word)
{
    if (nr_args == 0) {
        for (int i = 0; i < MIGRATION_CAPABILITY__MAX; i++) {
            hmp_complete_add(found, MigrationCapability_str(i));
        }
    } else if (nr_args == 1) {
        hmp_complete_add(found, "on");
        hmp_complete_add(found, "off");
    }
}

static void hmp_complete_status(GPtrArray *found, const char *const *args,
                                unsigned nr_args, const char *word)
{
    if (nr_args == 0) {
        hmp_complete_add(found, MigrationStatus_str(
                         MIGRATION_STATUS_PRE_SWITCHOVER));
    }
}

static void hmp_complete_uri(GPtrArray *found, const char *const *args,
                             unsigned nr_args, const char *word)
{
    if (nr_args == 0) {
        hmp_complete_add(found, "tcp:");
        hmp_complete_add(found, "unix:");
        hmp_complete_add(found, "vsock:");
        hmp_complete_add(found, "fd:");
        hmp_complete_add(found, "exec:");
        hmp_complete_add(found, "file:");
    }
}

const HmpCommand hmp_migration_commands[] = {
    { "migrate", "detach:-d,resume:-r,uri:s", "[-d] [-r] uri",
      "send the guest to tcp:HOST:PORT, unix:PATH, vsock:CID:PORT, fd:NAME,\n"
      "\"exec:COMMAND\" or file:PATH[,offset=N]\n"
      "-d: do not wait for the end\n"
      "-r: resume a paused postcopy migration (there is none)",
      hmp_migrate, hmp_complete_uri },
    { "migrate_cancel", "", "", "cancel the migration that is running",
      hmp_migrate_cancel },
    { "migrate_continue", "state:s", "state",
      "go on with a migration that waits in this state",
      hmp_migrate_continue, hmp_complete_status },
    { "migrate_incoming", "uri:s", "uri",
      "wait there for the guest, after -incoming defer; as with migrate",
      hmp_migrate_incoming, hmp_complete_uri },
    { "migrate_set_capability", "capability:s,state:b", "capability on|off",
      "switch a capability of migrations",
      hmp_migrate_set_capability, hmp_complete_capability },
    { "migrate_set_parameter", "setting:S", "parameter value...",
      "change a setting of migrations; also parameter=value;\n"
      "several values are a list",
      hmp_migrate_set_parameter, hmp_complete_parameter },
    { NULL }
};

const HmpCommand hmp_migration_info_commands[] = {
    { "migrate", "", "", "show the state of the migration",
      hmp_info_migrate },
    { "migrate_capabilities", "", "", "show the capabilities of migrations",
      hmp_info_migrate_capabilities },
    { "migrate_parameters", "", "", "show the settings of migrations",
      hmp_info_migrate_parameters },
    { NULL }
};
