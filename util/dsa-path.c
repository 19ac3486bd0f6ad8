/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parser of `accel-path` entries.
 *
 * Entered by any thread.  What is behind a path is not looked at here.
 */
#include "qemu/osdep.h"

#include "qemu/cutils.h"
#include "qemu/dsa-soft.h"
#include "dsa-path.h"

#define DSA_NODE_MAX 1023

static const char dsa_path_forms[] =
    "expected dsa:/dev/dsa/wqX.Y, dsa:auto[?node=N] or "
    "dsa:soft[?KEY=VALUE,...]";

void dsa_path_free(DsaPath *p)
{
    if (p) {
        g_free(p->device);
        g_free(p->queue);
        g_free(p->options);
        g_free(p);
    }
}

/* "wqX.Y", X and Y decimal numbers. */
static bool dsa_path_is_queue_name(const char *name)
{
    const char *p;

    if (!strstart(name, "wq", &p) || !g_ascii_isdigit(*p)) {
        return false;
    }
    p += strspn(p, "0123456789");
    if (*p++ != '.' || !g_ascii_isdigit(*p)) {
        return false;
    }
    p += strspn(p, "0123456789");
    return *p == '\0';
}

static bool dsa_path_parse_device(DsaPath *p, const char *path,
                                  const char *device, Error **errp)
{
    p->kind = DSA_PATH_DEVICE;
    p->device = g_strdup(device);
    /* Behind the last slash: a name with one at its end is a folder's. */
    p->queue = g_strdup(strrchr(device, '/') + 1);
    if (!dsa_path_is_queue_name(p->queue)) {
        error_setg(errp, "accel-path '%s': '%s' is not the name of a DSA work "
                   "queue, such as wq0.0", path, p->queue);
        return false;
    }
    return true;
}

static bool dsa_path_parse_auto(DsaPath *p, const char *path,
                                const char *options, Error **errp)
{
    const char *value;

    p->kind = DSA_PATH_AUTO;
    p->node = -1;
    if (!options) {
        return true;
    }
    if (!strstart(options, "node=", &value)) {
        error_setg(errp, "accel-path '%s': '%s' is not an option of dsa:auto; "
                   "the only one is node=N", path, options);
        return false;
    }
    if (qemu_strtoi(value, NULL, 10, &p->node) < 0 || p->node < 0 ||
        p->node > DSA_NODE_MAX) {
        error_setg(errp, "accel-path '%s': node '%s' is not a number from 0 "
                   "to %d", path, value, DSA_NODE_MAX);
        return false;
    }
    return true;
}

static bool dsa_path_parse_soft(DsaPath *p, const char *path,
                                const char *options, Error **errp)
{
    ERRP_GUARD();

    p->kind = DSA_PATH_SOFT;
    p->options = g_strdup(options ? options : "");
    if (!dsa_soft_options_check(p->options, errp)) {
        error_prepend(errp, "accel-path '%s': ", path);
        return false;
    }
    return true;
}

DsaPath *dsa_path_parse(const char *path, Error **errp)
{
    g_autoptr(DsaPath) p = g_new0(DsaPath, 1);
    g_autofree char *head = NULL;
    const char *rest, *options;
    bool ok;

    if (!strstart(path, "dsa:", &rest)) {
        error_setg(errp, "accel-path '%s': %s", path, dsa_path_forms);
        return NULL;
    }
    options = strchr(rest, '?');
    head = options ? g_strndup(rest, options - rest) : g_strdup(rest);
    options = options ? options + 1 : NULL;
    if (g_str_equal(head, "auto")) {
        ok = dsa_path_parse_auto(p, path, options, errp);
    } else if (g_str_equal(head, "soft")) {
        ok = dsa_path_parse_soft(p, path, options, errp);
    } else if (rest[0] == '/') {
        ok = dsa_path_parse_device(p, path, rest, errp);
    } else {
        error_setg(errp, "accel-path '%s': %s", path, dsa_path_forms);
        ok = false;
    }
    return ok ? g_steal_pointer(&p) : NULL;
}
