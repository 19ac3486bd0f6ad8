/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The section "stress": what the threads were told to do, and how far each has
 * come.
 *
 * Entered by migration threads while the accelerator is at rest.  Rates and
 * the way of finding writes are each end's own and do not travel.
 */
#include "qemu/osdep.h"

#include "accel/stress-internal.h"
#include "qapi/error.h"

static bool stress_state_pre_save(void *opaque, Error **errp)
{
    StressState *state = opaque;
    StressAccel *s = container_of(state, StressAccel, state);
    QEMU_LOCK_GUARD(&s->lock);

    *state = (StressState) {
        .nr_threads = s->nr_threads,
        .pattern = s->options.pattern,
        .zero_percent = s->options.zero_percent,
        .nr_pages = s->options.nr_pages,
    };
    for (unsigned i = 0; i < s->nr_threads; i++) {
        state->nr_writes[i] = s->threads[i].nr_writes;
    }
    return true;
}

/* Are these positions that threads can have, and none of more threads? */
static bool stress_positions_are_sane(const StressState *state)
{
    for (unsigned i = 0; i < STRESS_THREADS_MAX; i++) {
        uint64_t max = i < state->nr_threads ? STRESS_PLAN_WRITES_MAX : 0;

        if (state->nr_writes[i] > max) {
            return false;
        }
    }
    return true;
}

/* What any machine could take; whether this one does is post_load's. */
static bool stress_state_validate(const void *staged, int version_id,
                                  Error **errp)
{
    const StressState *state = staged;

    if (state->nr_threads < 1 || state->nr_threads > STRESS_THREADS_MAX ||
        state->pattern >= STRESS_PATTERN__MAX || state->zero_percent > 100 ||
        state->nr_pages / STRESS_PLAN_PAGES_MIN < state->nr_threads ||
        state->nr_pages > UINT64_MAX / TARGET_PAGE_SIZE) {
        error_setg(errp, "threads=%" PRIu32 ", pattern number %" PRIu32 ", "
                   "zero=%" PRIu32 ", %" PRIu64 " pages is no state of a "
                   "stress accelerator", state->nr_threads, state->pattern,
                   state->zero_percent, state->nr_pages);
        return false;
    }
    if (!stress_positions_are_sane(state)) {
        error_setg(errp, "the number of writes of a thread is beyond all bounds"
                   "; it is no state of a stress accelerator with %" PRIu32
                   " threads", state->nr_threads);
        return false;
    }
    return true;
}

static char *stress_parameters(unsigned nr_threads, StressPattern pattern,
                               unsigned zero_percent, uint64_t nr_pages)
{
    return g_strdup_printf("threads=%u,pattern=%s,zero=%u,size=%" PRIu64,
                           nr_threads, stress_pattern_str(pattern),
                           zero_percent, nr_pages * TARGET_PAGE_SIZE);
}

static bool stress_state_post_load(void *opaque, int version_id, Error **errp)
{
    StressState *state = opaque;
    StressAccel *s = container_of(state, StressAccel, state);
    g_autofree char *theirs = stress_parameters(
        state->nr_threads, state->pattern, state->zero_percent,
        state->nr_pages);
    g_autofree char *ours = stress_parameters(
        s->nr_threads, s->options.pattern, s->options.zero_percent,
        s->options.nr_pages);
    QEMU_LOCK_GUARD(&s->lock);

    if (!g_str_equal(theirs, ours)) {
        error_setg(errp, "the guest comes with %s, but this machine has "
                   "-accel stress,%s", theirs, ours);
        return false;
    }
    for (unsigned i = 0; i < s->nr_threads; i++) {
        s->threads[i].nr_writes = state->nr_writes[i];
        s->threads[i].check = s->options.verify;
    }
    return true;
}

static const VMStateField stress_fields[] = {
    VMSTATE_UINT32(nr_threads, StressState),
    VMSTATE_UINT32(pattern, StressState),
    VMSTATE_UINT32(zero_percent, StressState),
    VMSTATE_UINT64(nr_pages, StressState),
    VMSTATE_UINT64_ARRAY(nr_writes, StressState, STRESS_THREADS_MAX),
    VMSTATE_END_OF_LIST()
};

const VMStateDescription vmstate_stress = {
    .name = "stress",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(StressState),
    .pre_save = stress_state_pre_save,
    .validate = stress_state_validate,
    .post_load = stress_state_post_load,
    .fields = stress_fields,
};
