/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stress accelerator with memory of its own; see stress-guest.h.  The main
 * thread.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qemu/units.h"
#include "stress-guest.h"

const RamFixtureBlock stress_guest_blocks[2] = {
    { "a", 1 * MiB, RAM_FIXTURE_ANON },
    { "b", 512 * KiB, RAM_FIXTURE_MEMFD },
};

const RamFixtureBlock stress_guest_large_blocks[2] = {
    { "a", 32 * MiB, RAM_FIXTURE_ANON },
    { "b", 16 * MiB, RAM_FIXTURE_MEMFD },
};

static void stress_guest_ended(void *opaque, const char *reason)
{
    StressGuest *g = opaque;
    QEMU_LOCK_GUARD(&g->lock);

    g_assert_null(g->reason);
    g_assert_nonnull(reason);
    g->reason = g_strdup(reason);
    qemu_cond_broadcast(&g->cond);
}

void stress_guest_init_ram(StressGuest *g, const char *options,
                           const RamFixtureBlock *ram)
{
    Error *err = NULL;
    AccelHost host = { .ended = stress_guest_ended, .opaque = g };

    *g = (StressGuest) { .ram = ram_fixture_new(ram, 2) };
    qemu_mutex_init(&g->lock);
    qemu_cond_init(&g->cond);
    g->options = keyval_parse(options, "accel", NULL, NULL);
    host.ram = g->ram;
    host.options = g->options;
    g->accel = accel_stress.create(&host, &err);
    if (!g->accel) {
        g_error("%s", error_get_pretty(err));
    }
    g->s = container_of(g->accel, StressAccel, parent);
}

void stress_guest_init(StressGuest *g, const char *options)
{
    stress_guest_init_ram(g, options, stress_guest_blocks);
}

void stress_guest_clear(StressGuest *g)
{
    accel_free(g->accel);
    ram_list_free(g->ram);
    keyval_free(g->options);
    g_free(g->reason);
    qemu_cond_destroy(&g->cond);
    qemu_mutex_destroy(&g->lock);
}

uint64_t stress_guest_nr_writes(const StressGuest *g)
{
    uint64_t nr = 0;

    for (unsigned i = 0; i < g->s->nr_threads; i++) {
        nr += g->s->threads[i].nr_writes;
    }
    return nr;
}

void stress_guest_run(StressGuest *g, uint64_t nr_writes)
{
    uint64_t before[STRESS_THREADS_MAX];
    bool more = true;

    for (unsigned i = 0; i < g->s->nr_threads; i++) {
        before[i] = g->s->threads[i].nr_writes;
    }
    while (more) {
        accel_stress.start(g->accel);
        g_thread_yield();
        accel_stress.stop(g->accel);
        more = false;
        for (unsigned i = 0; i < g->s->nr_threads; i++) {
            more |= g->s->threads[i].nr_writes - before[i] < nr_writes;
        }
    }
}

const char *stress_guest_run_to_the_end(StressGuest *g)
{
    accel_stress.start(g->accel);
    WITH_QEMU_LOCK_GUARD(&g->lock) {
        while (!g->reason) {
            qemu_cond_wait(&g->cond, &g->lock);
        }
    }
    accel_stress.stop(g->accel);
    return g->reason;
}

char *stress_guest_check(const StressGuest *g)
{
    for (unsigned i = 0; i < g->s->nr_threads; i++) {
        const StressThread *t = &g->s->threads[i];

        for (uint64_t page = 0; page < t->plan.nr_pages; page++) {
            char *wrong = stress_check_page(t, t->plan.first_page + page);

            if (wrong) {
                return wrong;
            }
        }
    }
    return NULL;
}

bool stress_guest_move(StressGuest *to, const StressGuest *from, Error **errp)
{
    StressState *state = &from->s->state;

    for (unsigned i = 0; i < ram_list_nr_blocks(from->ram); i++) {
        RAMBlock *a = ram_list_block(from->ram, i);

        memcpy(ram_list_block(to->ram, i)->host, a->host, a->used_length);
    }
    g_assert_true(vmstate_stress.pre_save(state, NULL));
    if (!vmstate_stress.validate(state, 1, errp)) {
        return false;
    }
    to->s->state = *state;
    return vmstate_stress.post_load(&to->s->state, 1, errp);
}
