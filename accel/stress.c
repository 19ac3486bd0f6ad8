/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator whose guest is a load: threads that write RAM at a set rate,
 * with content from which a destination can tell that no write was lost.
 *
 * Main thread, start and stop under the run state's lock, throttle from any.
 * The threads are in stress-thread.c; what they write in stress-plan.c and
 * stress-page.c.
 */
#include "qemu/osdep.h"

#include "accel/stress-internal.h"
#include "accel/trace.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/atomic.h"

static StressAccel *stress_from(Accel *accel)
{
    return container_of(accel, StressAccel, parent);
}

/* By the kernel where that is wanted and it does, else by the threads. */
static bool stress_make_dirty(StressAccel *s, Error **errp)
{
    g_autofree char *reason = g_strdup("as -accel says");
    Error *err = NULL;

    if (s->options.dirty != STRESS_DIRTY_SOFT) {
        s->wp = dirty_wp_new(s->host.ram, &err);
        if (!s->wp && s->options.dirty == STRESS_DIRTY_WP) {
            error_prepend(&err, "-accel stress: dirty=wp: ");
            error_propagate(errp, err);
            return false;
        }
    }
    if (err) {
        g_free(reason);
        reason = g_strdup(error_get_pretty(err));
        error_free(err);
    }
    if (!s->wp) {
        s->soft = dirty_soft_new(s->host.ram);
    }
    trace_stress_dirty(s->wp ? "wp" : "soft", s->wp ? "" : reason);
    return true;
}

static void stress_destroy(Accel *accel)
{
    StressAccel *s = stress_from(accel);

    stress_threads_free(s);
    dirty_wp_free(s->wp);
    dirty_soft_free(s->soft);
    qemu_cond_destroy(&s->idle);
    qemu_cond_destroy(&s->wake);
    qemu_mutex_destroy(&s->lock);
    g_free(s);
}

static Accel *stress_create(const AccelHost *host, Error **errp)
{
    StressOptions options;
    StressAccel *s;

    if (!stress_options_parse(&options, host->options,
                              ram_list_total_bytes(host->ram), errp)) {
        return NULL;
    }
    s = g_new0(StressAccel, 1);
    s->parent.ops = &accel_stress;
    s->host = *host;
    s->options = options;
    qemu_mutex_init(&s->lock);
    qemu_cond_init(&s->wake);
    qemu_cond_init(&s->idle);
    if (!stress_make_dirty(s, errp) || !stress_threads_new(s, errp)) {
        stress_destroy(&s->parent);
        return NULL;
    }
    return &s->parent;
}

static bool stress_register_sections(Accel *accel, VMStateRegistry *reg,
                                     Error **errp)
{
    return vmstate_register(reg, "stress", 0, &vmstate_stress,
                            &stress_from(accel)->state, errp);
}

static void stress_start(Accel *accel)
{
    stress_threads_start(stress_from(accel));
}

static void stress_stop(Accel *accel)
{
    stress_threads_stop(stress_from(accel));
}

static DirtyProvider *stress_dirty(Accel *accel)
{
    StressAccel *s = stress_from(accel);

    return s->wp ? dirty_wp_provider(s->wp) : dirty_soft_provider(s->soft);
}

static void stress_throttle(Accel *accel, unsigned percent)
{
    StressAccel *s = stress_from(accel);

    trace_stress_throttle(percent);
    WITH_QEMU_LOCK_GUARD(&s->lock) {
        qatomic_set(&s->throttle, MIN(percent, 99));
        /* A thread in a long pause is to hear of it. */
        qemu_cond_broadcast(&s->wake);
    }
}

const AccelOps accel_stress = {
    .name = "stress",
    .summary = "threads that write RAM and check what they wrote",
    .options = stress_option_help,
    .create = stress_create,
    .register_sections = stress_register_sections,
    .start = stress_start,
    .stop = stress_stop,
    .dirty = stress_dirty,
    .throttle = stress_throttle,
    .destroy = stress_destroy,
};
