/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator without CPUs: a machine that holds memory and runs nothing.
 * Its guest can be "running" as far as run states go, and writes nothing.
 *
 * Called from the main thread and, for start and stop, from migration threads;
 * there is no state to guard.
 */
#include "qemu/osdep.h"

#include "accel/accel.h"

static Accel *accel_none_create(const AccelHost *host, Error **errp)
{
    Accel *accel = g_new0(Accel, 1);

    accel->ops = &accel_none;
    return accel;
}

static void accel_none_start(Accel *accel)
{
}

static void accel_none_stop(Accel *accel)
{
}

static DirtyProvider *accel_none_dirty(Accel *accel)
{
    return dirty_provider_none();
}

static void accel_none_destroy(Accel *accel)
{
    g_free(accel);
}

const AccelOps accel_none = {
    .name = "none",
    .summary = "no CPUs: holds guest memory, runs nothing",
    .create = accel_none_create,
    .start = accel_none_start,
    .stop = accel_none_stop,
    .dirty = accel_none_dirty,
    .destroy = accel_none_destroy,
};
