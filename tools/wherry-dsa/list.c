/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command `list`: which queues there are, and why each is or is not usable.
 *
 * The main thread.  Opens nothing: reads what the kernel says, and asks whether
 * the node could be opened.
 */
#include "qemu/osdep.h"

#include "linux/idxd.h"
#include "qapi/error.h"
#include "qemu/dsa-info.h"
#include "tool.h"

typedef struct ListOptions {
    gboolean json;
    char *sysfs;
} ListOptions;

/* Without reason to say no: NULL.  With --sysfs there is no node to look at. */
static char *list_reason(const DsaQueueInfo *info, bool real)
{
    Error *err = NULL;
    char *reason;

    if (!dsa_info_check(info, qemu_real_host_page_size(), &err)) {
        reason = g_strdup(error_get_pretty(err));
        error_free(err);
        return reason;
    }
    if (real && access(info->dev_path, R_OK | W_OK) < 0) {
        return g_strdup_printf("%s cannot be opened: %s; give it to your user"
                               " with chown, or with a udev rule that lasts",
                               info->dev_path, g_strerror(errno));
    }
    return NULL;
}

/* What is no reason to refuse a queue, and yet worth knowing. */
static GPtrArray *list_remarks(const DsaQueueInfo *info)
{
    GPtrArray *remarks = g_ptr_array_new_with_free_func(g_free);

    if (info->max_batch_size && info->max_batch_size < 2) {
        g_ptr_array_add(remarks, g_strdup_printf(
            "%s/max_batch_size says %u: no batches, so the queue is refused"
            " where its portal can be mapped; set up to 1024 with"
            " 'accel-config config-wq -c'",
            info->sysfs_dir, info->max_batch_size));
    } else if (info->max_batch_size == 32) {
        g_ptr_array_add(remarks, g_strdup_printf(
            "%s/max_batch_size says 32, the kernel's default; set up to 1024"
            " with 'accel-config config-wq -c'", info->sysfs_dir));
    }
    if (!dsa_info_has_opcode(info, DSA_OPCODE_BATCH)) {
        g_ptr_array_add(remarks, g_strdup(
            "the opcode Batch is not offered: each page is submitted by"
            " itself, and where the portal can be mapped the queue is refused"
            " unless it does batches all the same"));
    }
    if (info->mode == DSA_QUEUE_DEDICATED && info->clients) {
        g_ptr_array_add(remarks, g_strdup_printf(
            "%s/clients says %u: a dedicated queue has one user, opening it"
            " will fail until that one closes it", info->sysfs_dir,
            info->clients));
    }
    if (!info->opcodes_known) {
        g_ptr_array_add(remarks, g_strdup_printf(
            "%s/op_cap cannot be read: opcodes will be tried",
            info->device_dir));
    }
    return remarks;
}

static json_object *list_queue_json(const DsaQueueInfo *info,
                                    const char *reason,
                                    const GPtrArray *remarks)
{
    json_object *item = json_object_new_object();
    json_object *array = json_object_new_array();

    tool_json_string(item, "name", info->name);
    tool_json_string(item, "path", info->dev_path);
    json_object_object_add(item, "usable", json_object_new_boolean(!reason));
    tool_json_string(item, "reason", reason);
    for (guint i = 0; i < remarks->len; i++) {
        json_object_array_add(array,
                              json_object_new_string(remarks->pdata[i]));
    }
    json_object_object_add(item, "remarks", array);
    tool_json_string(item, "mode", info->mode_text);
    tool_json_string(item, "type", info->type);
    tool_json_string(item, "state", info->state);
    tool_json_string(item, "label", info->label);
    tool_json_number(item, "size", info->size);
    tool_json_number(item, "threshold", info->threshold);
    tool_json_number(item, "max-batch-size", info->max_batch_size);
    tool_json_number(item, "max-transfer-size",
                     MIN(info->max_transfer_size, INT64_MAX));
    tool_json_number(item, "clients", info->clients);
    tool_json_number(item, "node", info->numa_node);
    tool_json_number(item, "version", info->version);
    tool_json_string(item, "device-state", info->device_state);
    return item;
}

static const char *list_or_unknown(const char *text)
{
    return text ? text : "(not told)";
}

static void list_queue_text(const DsaQueueInfo *info, const char *reason,
                            const GPtrArray *remarks)
{
    g_autofree char *device = g_path_get_basename(info->device_dir);

    printf("%s: %s\n", info->name, reason ? "not usable" : "usable");
    if (reason) {
        printf("    why: %s\n", reason);
    }
    printf("    %s, %u entries", list_or_unknown(info->mode_text),
           info->size);
    if (info->mode == DSA_QUEUE_SHARED) {
        printf(" (users may fill %u)", info->threshold);
    }
    printf(", batches of up to %u, transfers of up to %" PRIu64 " bytes\n",
           info->max_batch_size, info->max_transfer_size);
    printf("    type %s, state %s, label %s, clients %u\n",
           list_or_unknown(info->type), list_or_unknown(info->state),
           list_or_unknown(info->label), info->clients);
    printf("    device %s, state %s, version %u.%u, node %d\n", device,
           list_or_unknown(info->device_state), info->version >> 8,
           info->version & 0xff, info->numa_node);
    for (guint i = 0; i < remarks->len; i++) {
        printf("    note: %s\n", (const char *)remarks->pdata[i]);
    }
}

/* Which step on the way to a queue is missing; NULL when there are queues. */
static char *list_missing(const char *sysfs, const GPtrArray *list)
{
    g_autofree char *bus = g_build_filename(sysfs, "bus/dsa", NULL);
    g_autofree char *devices = g_build_filename(bus, "devices", NULL);

    if (list->len) {
        return NULL;
    }
    if (!g_file_test(bus, G_FILE_TEST_IS_DIR)) {
        return g_strdup_printf("no driver: %s does not exist; load it with"
                               " 'modprobe idxd' ('lspci -d 8086:0b25' shows"
                               " whether there is a device)", bus);
    }
    return g_strdup_printf("no device: the driver idxd is there, but %s has no"
                           " DSA device; 'lspci -d 8086:0b25' shows whether"
                           " the host has one", devices);
}

static const char *list_source(const char *sysfs)
{
#ifdef CONFIG_ACCEL_CONFIG
    if (g_str_equal(sysfs, "/sys")) {
        return "libaccel-config";
    }
#endif
    return "sysfs";
}

static void list_print(const ListOptions *options, const char *sysfs,
                       const GPtrArray *list)
{
    g_autofree char *missing = list_missing(sysfs, list);
    json_object *queues = json_object_new_array();
    json_object *out = json_object_new_object();

    if (!options->json) {
        printf("Read through %s.\n", list_source(sysfs));
    }
    for (guint i = 0; i < list->len; i++) {
        const DsaQueueInfo *info = list->pdata[i];
        g_autofree char *reason = list_reason(info, !options->sysfs);
        g_autoptr(GPtrArray) remarks = list_remarks(info);

        if (options->json) {
            json_object_array_add(queues,
                                  list_queue_json(info, reason, remarks));
        } else {
            list_queue_text(info, reason, remarks);
        }
    }
    tool_json_string(out, "source", list_source(sysfs));
    tool_json_string(out, "missing", missing);
    json_object_object_add(out, "queues", queues);
    if (options->json) {
        tool_print_json(out);
        return;
    }
    json_object_put(out);
    if (missing) {
        printf("No queue: %s.\n", missing);
    }
}

int tool_list(int argc, char **argv)
{
    ListOptions options = { 0 };
    const GOptionEntry entries[] = {
        { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON",
          NULL },
        { "sysfs", 0, 0, G_OPTION_ARG_FILENAME, &options.sysfs,
          "Read below DIR instead of /sys", "DIR" },
        G_OPTION_ENTRY_NULL
    };
    g_autofree char *sysfs = NULL;
    g_autoptr(GPtrArray) list = NULL;
    Error *err = NULL;
    bool parsed = tool_parse(&argc, &argv, NULL,
                             "Shows which DSA work queues there are, and why"
                             " each is or is not usable.", entries);

    sysfs = options.sysfs ? options.sysfs : g_strdup("/sys");
    if (!parsed || !tool_no_operands(argc, argv)) {
        return TOOL_USAGE;
    }
    list = dsa_info_list(sysfs, &err);
    if (!list) {
        tool_error_take(err);
        return TOOL_FAILED;
    }
    list_print(&options, sysfs, list);
    return TOOL_OK;
}
