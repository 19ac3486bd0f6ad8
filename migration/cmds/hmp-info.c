/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `info migrate`, in the layout of QEMU 10.0, and behind it what only we have
 * to tell: the zero page detector and its counters, named as in query-migrate.
 *
 * The thread of the main loop.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "hmp-cmds-internal.h"
#include "io/address.h"
#include "migration/migration.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-migration.h"
#include "qemu/units.h"

/* QEMU's constant for its default of one bit per 2^18 pages. */
#define HMP_CLEAR_BITMAP_SHIFT 18

static void hmp_info_globals(Hmp *hmp, Migration *m)
{
    static const char *const sent[] = {
        "send-configuration", "send-section-footer", "send-switchover-start",
    };

    hmp_printf(hmp, "globals:\nstore-global-state: %s\n",
               migration_get_property(m, "store-global-state"));
    hmp_printf(hmp, "only-migratable: off\n");
    for (size_t i = 0; i < ARRAY_SIZE(sent); i++) {
        hmp_printf(hmp, "%s: %s\n", sent[i],
                   migration_get_property(m, sent[i]));
    }
    hmp_printf(hmp, "clear-bitmap-shift: %d\n", HMP_CLEAR_BITMAP_SHIFT);
}

static void hmp_info_status(Hmp *hmp, const MigrationInfo *info)
{
    hmp_printf(hmp, "Migration status: %s",
               MigrationStatus_str(info->status));
    if (info->status == MIGRATION_STATUS_FAILED && info->error_desc) {
        hmp_printf(hmp, " (%s)", info->error_desc);
    }
    hmp_printf(hmp, "\ntotal time: %" PRId64 " ms\n", info->total_time);
    if (info->has_expected_downtime) {
        hmp_printf(hmp, "expected downtime: %" PRId64 " ms\n",
                   info->expected_downtime);
    }
    if (info->has_downtime) {
        hmp_printf(hmp, "downtime: %" PRId64 " ms\n", info->downtime);
    }
    if (info->has_setup_time) {
        hmp_printf(hmp, "setup: %" PRId64 " ms\n", info->setup_time);
    }
}

/* A line that is there only when there is something to tell. */
static void hmp_info_unless_zero(Hmp *hmp, const char *name, uint64_t value,
                                 const char *unit)
{
    if (value) {
        hmp_printf(hmp, "%s: %" PRIu64 "%s\n", name, value, unit);
    }
}

static void hmp_info_ram(Hmp *hmp, const MigrationStats *ram)
{
    hmp_printf(hmp, "transferred ram: %" PRIu64 " kbytes\n",
               ram->transferred / KiB);
    hmp_printf(hmp, "throughput: %0.2f mbps\n", ram->mbps);
    hmp_printf(hmp, "remaining ram: %" PRIu64 " kbytes\n",
               ram->remaining / KiB);
    hmp_printf(hmp, "total ram: %" PRIu64 " kbytes\n", ram->total / KiB);
    hmp_printf(hmp, "duplicate: %" PRIu64 " pages\n",
               (uint64_t)ram->duplicate);
    hmp_printf(hmp, "normal: %" PRIu64 " pages\n", (uint64_t)ram->normal);
    hmp_printf(hmp, "normal bytes: %" PRIu64 " kbytes\n",
               ram->normal_bytes / KiB);
    hmp_printf(hmp, "dirty sync count: %" PRIu64 "\n",
               (uint64_t)ram->dirty_sync_count);
    hmp_printf(hmp, "page size: %" PRIu64 " kbytes\n", ram->page_size / KiB);
    hmp_printf(hmp, "multifd bytes: %" PRIu64 " kbytes\n",
               ram->multifd_bytes / KiB);
    hmp_printf(hmp, "pages-per-second: %" PRIu64 "\n", ram->pages_per_second);
    hmp_info_unless_zero(hmp, "dirty pages rate", ram->dirty_pages_rate,
                         " pages");
    hmp_info_unless_zero(hmp, "postcopy request count",
                         ram->postcopy_requests, "");
    if (ram->precopy_bytes) {
        hmp_printf(hmp, "precopy ram: %" PRIu64 " kbytes\n",
                   ram->precopy_bytes / KiB);
    }
    if (ram->downtime_bytes) {
        hmp_printf(hmp, "downtime ram: %" PRIu64 " kbytes\n",
                   ram->downtime_bytes / KiB);
    }
    if (ram->postcopy_bytes) {
        hmp_printf(hmp, "postcopy ram: %" PRIu64 " kbytes\n",
                   ram->postcopy_bytes / KiB);
    }
    hmp_info_unless_zero(hmp, "Zero-copy-send fallbacks happened",
                         ram->dirty_sync_missed_zero_copy, " times");
}

/* The members of @obj, one a line; those inside others with both names. */
static void hmp_info_counters(Hmp *hmp, const char *prefix,
                              struct json_object *obj)
{
    json_object_object_foreach(obj, key, value) {
        g_autofree char *name = g_strdup_printf("%s %s", prefix, key);

        if (json_object_is_type(value, json_type_object)) {
            hmp_info_counters(hmp, name, value);
        } else if (!json_object_is_type(value, json_type_array)) {
            hmp_printf(hmp, "%s: %s\n", name, json_object_get_string(value));
        }
    }
}

/* A queue is one line, its path first. */
static void hmp_info_queue(Hmp *hmp, struct json_object *queue)
{
    struct json_object *path = NULL;
    const char *separator = " ";

    json_object_object_get_ex(queue, "path", &path);
    hmp_printf(hmp, "dsa queue %s:", json_object_get_string(path));
    json_object_object_foreach(queue, key, value) {
        if (value != path) {
            hmp_printf(hmp, "%s%s %s", separator, key,
                       json_object_get_string(value));
            separator = ", ";
        }
    }
    hmp_printf(hmp, "\n");
}

static void hmp_info_dsa(Hmp *hmp, DsaStats *dsa)
{
    struct json_object *obj = NULL, *queues = NULL;
    g_autoptr(Visitor) v = json_output_visitor_new(&obj);

    if (!visit_type_DsaStats(v, NULL, &dsa, NULL)) {
        return;
    }
    visit_complete(v, &obj);
    json_object_object_get_ex(obj, "queues", &queues);
    for (size_t i = 0; i < json_object_array_length(queues); i++) {
        hmp_info_queue(hmp, json_object_array_get_idx(queues, i));
    }
    hmp_info_counters(hmp, "dsa", obj);
    json_object_put(obj);
}

static void hmp_info_addresses(Hmp *hmp, const SocketAddressList *list)
{
    hmp_printf(hmp, "socket address: [\n");
    for (; list; list = list->next) {
        g_autofree char *uri = socket_address_to_uri(list->value);

        hmp_printf(hmp, "\t%s\n", uri);
    }
    hmp_printf(hmp, "]\n");
}

void hmp_info_migrate(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Migration *m = opaque;
    g_autoptr(MigrationInfo) info = migration_query(m);

    hmp_info_globals(hmp, m);
    if (!info->has_status) {
        return;
    }
    hmp_info_status(hmp, info);
    if (info->ram) {
        hmp_info_ram(hmp, info->ram);
    }
    if (info->has_cpu_throttle_percentage) {
        hmp_printf(hmp, "cpu throttle percentage: %" PRIu64 "\n",
                   (uint64_t)info->cpu_throttle_percentage);
    }
    if (info->has_socket_address) {
        hmp_info_addresses(hmp, info->socket_address);
    }
    if (info->zero_page_detector && info->zero_page_detector->dsa) {
        hmp_printf(hmp, "zero page detector: %s\n",
                   ZeroPageDetection_str(info->zero_page_detector->detector));
        hmp_info_dsa(hmp, info->zero_page_detector->dsa);
    }
}
