/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds DSA work queues and says, in words, why one cannot find zero pages.
 *
 * Entered by any thread, holds nothing.  The files are read in
 * dsa-info-sysfs.c; opening a queue is left to others.
 */
#include "qemu/osdep.h"

#include "linux/idxd.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/dsa-info.h"
#include "dsa-info-internal.h"

void dsa_info_free(DsaQueueInfo *info)
{
    if (info) {
        g_free(info->name);
        g_free(info->dev_path);
        g_free(info->sysfs_dir);
        g_free(info->device_dir);
        g_free(info->mode_text);
        g_free(info->type);
        g_free(info->state);
        g_free(info->label);
        g_free(info->device_state);
        g_free(info);
    }
}

bool dsa_name_parse(const char *name, unsigned *device, unsigned *queue)
{
    const char *p = NULL;
    uint64_t x, y;

    /* Digits only: what number readers skip or take besides is no name. */
    if (!strstart(name, "wq", &p) || !g_ascii_isdigit(*p) ||
        parse_uint(p, &p, 10, &x) < 0 || *p != '.' ||
        !g_ascii_isdigit(p[1]) || parse_uint_full(p + 1, 10, &y) < 0 ||
        x > UINT_MAX || y > UINT_MAX) {
        return false;
    }
    *device = x;
    *queue = y;
    return true;
}

static char *dsa_info_dir(const char *sysfs_root, const char *name)
{
    return g_build_filename(sysfs_root, DSA_SYSFS_DEVICES, name, NULL);
}

static char *dsa_info_device_dir(const char *sysfs_root, const char *kind,
                                 unsigned device)
{
    g_autofree char *name = g_strdup_printf("%s%u", kind, device);

    return dsa_info_dir(sysfs_root, name);
}

static bool dsa_info_is_dir(const char *path)
{
    return g_file_test(path, G_FILE_TEST_IS_DIR);
}

/* Says which step on the way to a queue is missing. */
static void dsa_info_no_queue(const char *sysfs_root, const char *name,
                              const char *dir, Error **errp)
{
    g_autofree char *bus = g_build_filename(sysfs_root, DSA_SYSFS_BUS, NULL);

    if (!dsa_info_is_dir(bus)) {
        error_setg(errp, "There is no work queue %s: %s does not exist, so the"
                   " kernel's driver idxd is not loaded; load it with"
                   " 'modprobe idxd'", name, bus);
    } else {
        error_setg(errp, "There is no work queue %s: %s does not exist;"
                   " 'wherry-dsa list' shows which there are", name, dir);
    }
}

static void dsa_info_no_device(const char *sysfs_root, const char *name,
                               unsigned device, const char *dir, Error **errp)
{
    g_autofree char *iax = dsa_info_device_dir(sysfs_root, "iax", device);

    if (dsa_info_is_dir(iax)) {
        error_setg(errp, "Work queue %s is of %s, an analytics accelerator"
                   " (IAA), which cannot compare memory; take a queue of a"
                   " dsaN device", name, iax);
    } else {
        error_setg(errp, "Work queue %s has no device: %s does not exist",
                   name, dir);
    }
}

DsaQueueInfo *dsa_info_read(const char *sysfs_root, const char *name,
                            Error **errp)
{
    g_autofree char *dir = NULL;
    g_autofree char *device_dir = NULL;
    unsigned device, queue;
    DsaQueueInfo *info;

    if (!dsa_name_parse(name, &device, &queue)) {
        error_setg(errp, "'%s' is no name of a work queue; those are like"
                   " wq0.1, device and queue", name);
        return NULL;
    }
    dir = dsa_info_dir(sysfs_root, name);
    if (!dsa_info_is_dir(dir)) {
        dsa_info_no_queue(sysfs_root, name, dir, errp);
        return NULL;
    }
    device_dir = dsa_info_device_dir(sysfs_root, "dsa", device);
    if (!dsa_info_is_dir(device_dir)) {
        dsa_info_no_device(sysfs_root, name, device, device_dir, errp);
        return NULL;
    }
    info = g_new0(DsaQueueInfo, 1);
    info->name = g_strdup(name);
    info->dev_path = g_strdup_printf("/dev/dsa/%s", name);
    info->sysfs_dir = g_steal_pointer(&dir);
    info->device_dir = g_steal_pointer(&device_dir);
    dsa_sysfs_fill(info);
    return info;
}

/* Names below bus/dsa/devices; none without a driver; NULL on failure. */
static GPtrArray *dsa_info_names(const char *sysfs_root, Error **errp)
{
    g_autofree char *path = g_build_filename(sysfs_root, DSA_SYSFS_DEVICES,
                                             NULL);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) gerr = NULL;
    g_autoptr(GDir) dir = g_dir_open(path, 0, &gerr);
    const char *name;

    if (!dir) {
        if (g_error_matches(gerr, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            return g_steal_pointer(&names);
        }
        error_setg(errp, "Cannot list DSA work queues: %s", gerr->message);
        return NULL;
    }
    while ((name = g_dir_read_name(dir))) {
        g_ptr_array_add(names, g_strdup(name));
    }
    return g_steal_pointer(&names);
}

static int dsa_info_compare(gconstpointer a, gconstpointer b)
{
    const DsaQueueInfo *const *x = a, *const *y = b;
    unsigned xd = 0, xq = 0, yd = 0, yq = 0;

    dsa_name_parse((*x)->name, &xd, &xq);
    dsa_name_parse((*y)->name, &yd, &yq);
    return xd != yd ? (xd < yd ? -1 : 1) : (xq > yq) - (xq < yq);
}

GPtrArray *dsa_info_list(const char *sysfs_root, Error **errp)
{
    g_autoptr(GPtrArray) names = NULL;
    GPtrArray *list;

    if (g_str_equal(sysfs_root, "/sys")) {
        names = dsa_config_names();
    }
    /* A library that is older than the kernel may not see a device. */
    if (!names || !names->len) {
        g_clear_pointer(&names, g_ptr_array_unref);
        names = dsa_info_names(sysfs_root, errp);
    }
    if (!names) {
        return NULL;
    }
    list = g_ptr_array_new_with_free_func((GDestroyNotify)dsa_info_free);
    for (guint i = 0; i < names->len; i++) {
        /* Devices, groups, engines, queues of IAA: not what is looked for. */
        DsaQueueInfo *info = dsa_info_read(sysfs_root, names->pdata[i], NULL);

        if (info) {
            g_ptr_array_add(list, info);
        }
    }
    g_ptr_array_sort(list, dsa_info_compare);
    return list;
}

bool dsa_info_has_opcode(const DsaQueueInfo *info, unsigned opcode)
{
    if (!info->opcodes_known) {
        return true;
    }
    return opcode < DSA_NR_OPCODES &&
           (info->opcodes[opcode / 32] >> (opcode % 32) & 1);
}

static bool dsa_check_text(const char *dir, const char *file,
                           const char *says, const char *wanted,
                           const char *todo, Error **errp)
{
    if (g_strcmp0(says, wanted) == 0) {
        return true;
    }
    if (says) {
        error_setg(errp, "%s/%s says '%s', not '%s'; %s", dir, file, says,
                   wanted, todo);
    } else {
        error_setg(errp, "%s/%s is missing or empty and should say '%s'; %s",
                   dir, file, wanted, todo);
    }
    return false;
}

static bool dsa_check_states(const DsaQueueInfo *info, Error **errp)
{
    if (g_strcmp0(info->mode_text, "shared") != 0 &&
        g_strcmp0(info->mode_text, "dedicated") != 0) {
        error_setg(errp, "%s/mode says '%s', which is neither 'shared' nor"
                   " 'dedicated'; set it with 'accel-config config-wq -m'",
                   info->sysfs_dir, info->mode_text ? info->mode_text : "");
        return false;
    }
    /* Before the queue: a queue of a halted device still says "enabled". */
    if (g_strcmp0(info->device_state, "halted") == 0) {
        error_setg(errp, "%s/state says 'halted': the device stopped after an"
                   " error; the kernel log tells why, and it must be reset"
                   " (disabled and enabled) before it works again",
                   info->device_dir);
        return false;
    }
    return (!info->device_state ||
            dsa_check_text(info->device_dir, "state", info->device_state,
                           "enabled", "enable the device with 'accel-config"
                           " enable-device'", errp)) &&
           dsa_check_text(info->sysfs_dir, "type", info->type, "user",
                          "give the queue to user space with 'accel-config"
                          " config-wq -y user'", errp) &&
           dsa_check_text(info->sysfs_dir, "state", info->state, "enabled",
                          "enable the queue with 'accel-config enable-wq'",
                          errp);
}

static bool dsa_check_limits(const DsaQueueInfo *info, uint64_t page_bytes,
                             Error **errp)
{
    if (!info->size) {
        error_setg(errp, "%s/size says 0 entries, or no number; give the queue"
                   " some with 'accel-config config-wq -s'", info->sysfs_dir);
        return false;
    }
    /* 0: not told, and then the compares at opening tell. */
    if (info->max_transfer_size && info->max_transfer_size < page_bytes) {
        error_setg(errp, "%s/max_transfer_size says %" PRIu64 " bytes, less"
                   " than a page of %" PRIu64 "; raise it with 'accel-config"
                   " config-wq -x'", info->sysfs_dir,
                   info->max_transfer_size, page_bytes);
        return false;
    }
    return true;
}

static bool dsa_check_memory(const DsaQueueInfo *info, Error **errp)
{
    if (!info->pasid_enabled) {
        error_setg(errp, "%s/pasid_enabled does not say 1, so the device cannot"
                   " use this process's addresses; boot with"
                   " 'intel_iommu=on,sm_on' and a kernel that has"
                   " INTEL_IDXD_SVM", info->device_dir);
        return false;
    }
    if (info->ats_disable) {
        error_setg(errp, "%s/ats_disable says 1, and then a page that is not"
                   " present is a device error rather than a page fault; set"
                   " it to 0 with 'accel-config config-wq -a 0'",
                   info->sysfs_dir);
        return false;
    }
    return true;
}

static bool dsa_check_opcode(const DsaQueueInfo *info, unsigned opcode,
                             const char *what, Error **errp)
{
    g_autofree char *config = NULL;
    uint32_t allowed[DSA_NR_OPCODES / 32];

    if (dsa_info_has_opcode(info, opcode)) {
        return true;
    }
    /* Only the intersection is kept; ask again who is to blame. */
    config = dsa_sysfs_text(info->sysfs_dir, "op_config");
    if (dsa_sysfs_opcodes(config, allowed) &&
        !(allowed[opcode / 32] >> (opcode % 32) & 1)) {
        error_setg(errp, "%s/op_config says '%s', without %s (opcode 0x%02x);"
                   " allow it in that file while the queue is disabled",
                   info->sysfs_dir, config, what, opcode);
    } else {
        error_setg(errp, "%s/op_cap is without %s (opcode 0x%02x): the device"
                   " does not have it; use a queue of another device",
                   info->device_dir, what, opcode);
    }
    return false;
}

bool dsa_info_check(const DsaQueueInfo *info, uint64_t page_bytes,
                    Error **errp)
{
    return dsa_check_states(info, errp) &&
           dsa_check_limits(info, page_bytes, errp) &&
           dsa_check_memory(info, errp) &&
           dsa_check_opcode(info, DSA_OPCODE_COMPVAL, "Compare Pattern",
                            errp) &&
           dsa_check_opcode(info, DSA_OPCODE_NOOP, "No-op", errp);
}
