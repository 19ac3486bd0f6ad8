/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How queues are written: "dsa:/dev/dsa/wqX.Y", "dsa:auto[?node=N]" and
 * "dsa:soft[?KEY=VALUE,...]", taken apart.
 *
 * Threads: any.  No locks.
 */
#ifndef UTIL_DSA_PATH_H
#define UTIL_DSA_PATH_H

#include <stdbool.h>
#include <glib.h>

#include "qapi/error.h"

typedef enum DsaPathKind {
    DSA_PATH_DEVICE,
    DSA_PATH_AUTO,
    DSA_PATH_SOFT,
} DsaPathKind;

typedef struct DsaPath {
    DsaPathKind kind;
    char *device;               /* DEVICE: "/dev/dsa/wq0.0" */
    char *queue;                /* DEVICE: "wq0.0" */
    int node;                   /* AUTO: wanted NUMA node, -1: any */
    char *options;              /* SOFT: "KEY=VALUE,...", may be empty */
} DsaPath;

/**
 * dsa_path_parse:
 * @path: as above
 * @errp: where to put the reason, or NULL
 *
 * Returns: its parts, to be freed with dsa_path_free(); NULL when it is none of
 *          the above, or the software device does not know an option
 */
DsaPath *dsa_path_parse(const char *path, Error **errp);

/**
 * dsa_path_free:
 * @p: from dsa_path_parse(), or NULL
 */
void dsa_path_free(DsaPath *p);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DsaPath, dsa_path_free)

#endif /* UTIL_DSA_PATH_H */
