/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening what `accel-path` names: one queue, all queues there are, or a
 * software one.
 *
 * Entered by whoever makes a group.  A queue that was named must work; of those
 * that `dsa:auto` finds, the ones that do not are left out.
 */
#include "qemu/osdep.h"

#include "qemu/dsa-info.h"
#include "dsa-open.h"
#include "dsa-path.h"

/* Takes @q over, or frees it. */
static bool dsa_open_prove(const DsaOpen *how, DsaQueue *q, GPtrArray *queues,
                           Error **errp)
{
    if (!q) {
        return false;
    }
    if (!dsa_queue_prove(q, how->timeout_ms, how->stop, errp)) {
        dsa_queue_free(q);
        return false;
    }
    g_ptr_array_add(queues, q);
    return true;
}

static bool dsa_open_has(GPtrArray *queues, const DsaQueueInfo *info)
{
    for (guint i = 0; i < queues->len; i++) {
        const DsaQueue *q = g_ptr_array_index(queues, i);

        if (g_str_equal(q->path, info->dev_path)) {
            return true;
        }
    }
    return false;
}

static bool dsa_open_info(const DsaOpen *how, const DsaQueueInfo *info,
                          GPtrArray *queues, Error **errp)
{
    if (dsa_open_has(queues, info)) {
        error_setg(errp, "DSA queue '%s' is named twice, or behind a "
                   "dsa:auto that has found it; name each once, before "
                   "dsa:auto", info->dev_path);
        return false;
    }
    return dsa_open_prove(how, dsa_device_open(info, &how->needs, errp),
                          queues, errp);
}

static bool dsa_open_named(const DsaOpen *how, const DsaPath *p,
                           GPtrArray *queues, Error **errp)
{
    g_autoptr(DsaQueueInfo) info = dsa_info_read(how->sysfs_root, p->queue,
                                                 errp);

    if (!info) {
        return false;
    }
    /* The node may be somewhere else than usual, in a container for one. */
    g_free(info->dev_path);
    info->dev_path = g_strdup(p->device);
    return dsa_open_info(how, info, queues, errp);
}

/*
 * One of those that are there; what is wrong with it goes to @why.  Returns
 * true when it is in use.
 */
static bool dsa_open_found(const DsaOpen *how, const DsaQueueInfo *info,
                           GPtrArray *queues, Error **why)
{
    Error *err = NULL;

    if (dsa_open_has(queues, info)) {
        return true;            /* named before */
    }
    if (!dsa_open_info(how, info, queues, &err)) {
        if (*why) {
            error_free(err);
        } else {
            *why = err;
        }
        return false;
    }
    return true;
}

static bool dsa_open_auto(const DsaOpen *how, const DsaPath *p,
                          GPtrArray *queues, Error **errp)
{
    g_autoptr(GPtrArray) found = dsa_info_list(how->sysfs_root, errp);
    Error *why = NULL;
    bool any = false;
    unsigned nr = 0;

    if (!found) {
        return false;
    }
    for (guint i = 0; i < found->len; i++) {
        const DsaQueueInfo *info = g_ptr_array_index(found, i);

        if (p->node < 0 || p->node == info->numa_node) {
            nr++;
            any |= dsa_open_found(how, info, queues, &why);
        }
    }
    if (any) {
        error_free(why);
        return true;
    }
    if (why) {
        error_prepend(&why, "none of %u DSA work queues can be used; the "
                      "first one: ", nr);
        error_propagate(errp, why);
    } else if (p->node >= 0) {
        error_setg(errp, "there is no DSA work queue on NUMA node %d; "
                   "wherry-dsa list tells what there is", p->node);
    } else {
        error_setg(errp, "there is no DSA work queue below %s/bus/dsa/devices; "
                   "configure one with accel-config, or use dsa:soft to try "
                   "without a device", how->sysfs_root);
    }
    return false;
}

bool dsa_open_paths(const DsaOpen *how, const char *const *paths,
                    GPtrArray *queues, Error **errp)
{
    for (; *paths; paths++) {
        g_autoptr(DsaPath) p = dsa_path_parse(*paths, errp);
        bool ok = false;

        if (!p) {
            return false;
        }
        switch (p->kind) {
        case DSA_PATH_DEVICE:
            ok = dsa_open_named(how, p, queues, errp);
            break;
        case DSA_PATH_AUTO:
            ok = dsa_open_auto(how, p, queues, errp);
            break;
        case DSA_PATH_SOFT:
            ok = dsa_open_prove(how, dsa_software_open(p->options, how->bell,
                                                       &how->needs, errp),
                                queues, errp);
            break;
        }
        if (!ok) {
            return false;
        }
    }
    if (queues->len == 0) {
        error_setg(errp, "no DSA work queue is named; set accel-path");
        return false;
    }
    return true;
}
