/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From paths to proven queues.
 *
 * Threads: any.  No locks.
 */
#ifndef UTIL_DSA_OPEN_H
#define UTIL_DSA_OPEN_H

#include <glib.h>

#include "qapi/error.h"
#include "dsa-device.h"

/* What opening needs to know besides the paths. */
typedef struct DsaOpen {
    const char *sysfs_root;
    DsaNeeds needs;
    unsigned timeout_ms;
    const bool *stop;           /* NULL, or an atomic: true ends the opening */
    DsaBell *bell;
} DsaOpen;

/**
 * dsa_open_paths:
 * @how: what the queues are for
 * @paths: NULL behind the last one
 * @queues: array of DsaQueue, to which each that was opened is added, also on
 *          failure
 * @errp: where to put the reason, or NULL
 *
 * Opens and proves what the paths name.
 * Returns: false when one cannot be used, or there is none
 */
bool dsa_open_paths(const DsaOpen *how, const char *const *paths,
                    GPtrArray *queues, Error **errp);

#endif /* UTIL_DSA_OPEN_H */
