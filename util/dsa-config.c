/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds queues through libaccel-config, where it is built in.
 *
 * Entered by any thread; a context of the library for each call.  Only names
 * are taken from it.  What is known of a queue comes from the kernel's files:
 * library and kernel are not of the same age, and version 3.5 of it cannot read
 * op_cap of kernels that write it as a bitmap.
 */
#include "qemu/osdep.h"

#include "dsa-info-internal.h"

#ifdef CONFIG_ACCEL_CONFIG
#include <accel-config/libaccel_config.h>

GPtrArray *dsa_config_names(void)
{
    struct accfg_ctx *ctx = NULL;
    struct accfg_device *device;
    struct accfg_wq *wq;
    GPtrArray *names;

    if (accfg_new(&ctx) < 0) {
        return NULL;
    }
    /* Its complaints about missing files would go to standard error. */
    accfg_set_log_priority(ctx, 0);
    names = g_ptr_array_new_with_free_func(g_free);
    accfg_device_foreach(ctx, device) {
        if (accfg_device_get_type(device) != ACCFG_DEVICE_DSA) {
            continue;
        }
        accfg_wq_foreach(device, wq) {
            g_ptr_array_add(names, g_strdup(accfg_wq_get_devname(wq)));
        }
    }
    accfg_unref(ctx);
    return names;
}

#else /* !CONFIG_ACCEL_CONFIG */

GPtrArray *dsa_config_names(void)
{
    return NULL;
}

#endif /* !CONFIG_ACCEL_CONFIG */
