/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `migrate`: without -d the prompt comes back when the migration is over, and a
 * terminal shows meanwhile how it goes on.
 *
 * The thread of the main loop, which asks for the state now and then; all other
 * monitors go on.
 */
#include "qemu/osdep.h"

#include "hmp-cmds-internal.h"
#include "migration/migration.h"
#include "qapi/error.h"
#include "qemu/units.h"

/* Often enough for a person; a query costs microseconds. */
#define HMP_MIGRATE_POLL_MS 100

static void hmp_migrate_progress(Hmp *hmp, const MigrationInfo *info)
{
    const MigrationStats *ram = info->ram;
    g_autofree char *left = NULL;
    double bytes_per_s;

    if (!ram) {
        hmp_progress(hmp, "%s", MigrationStatus_str(info->status));
        return;
    }
    bytes_per_s = ram->mbps * 1e6 / 8;
    left = bytes_per_s > 0
        ? g_strdup_printf("%.0f s left", ram->remaining / bytes_per_s)
        : g_strdup("time left unknown");
    hmp_progress(hmp, "%s  %3.0f %%  %.1f MiB/s  dirty %" PRId64
                 " pages/s  round %" PRId64 "  %s",
                 MigrationStatus_str(info->status),
                 ram->total ? 100.0 * (ram->total - ram->remaining) /
                              ram->total : 100.0,
                 bytes_per_s / MiB, ram->dirty_pages_rate,
                 ram->dirty_sync_count, left);
}

static bool hmp_migrate_poll(Hmp *hmp, void *opaque)
{
    Migration *m = opaque;
    g_autoptr(MigrationInfo) info = migration_query(m);

    if (migration_is_running(m)) {
        hmp_migrate_progress(hmp, info);
        return true;
    }
    if (info->error_desc) {
        hmp_printf(hmp, "Error: %s\n", info->error_desc);
    } else if (info->status == MIGRATION_STATUS_CANCELLED) {
        hmp_printf(hmp, "Error: the migration was cancelled\n");
    }
    return false;
}

void hmp_migrate(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Migration *m = opaque;
    Error *err = NULL;

    if (hmp_args_bool(args, "resume")) {
        error_setg(&err, "There is no paused postcopy migration to resume;"
                   " leave -r out");
        hmp_handle_error(hmp, err);
        return;
    }
    migration_start(m, hmp_args_str(args, "uri"), NULL, &err);
    if (hmp_handle_error(hmp, err) || hmp_args_bool(args, "detach")) {
        return;
    }
    if (!hmp_wait(hmp, HMP_MIGRATE_POLL_MS, hmp_migrate_poll, m)) {
        hmp_printf(hmp, "The end cannot be waited for here; the migration goes"
                   " on as with -d\n");
    }
}
