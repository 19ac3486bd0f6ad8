/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timing model of the software DSA device: a lower bound for each answer.
 *
 * Engines take a fixed time for a descriptor and share the bandwidth of the
 * device; the time for the data hides that for the descriptor.  An answer needs
 * a latency at least.  An engine here has one submission in hand, where
 * hardware overlaps many: with single descriptors it is the slower of the two.
 * Where the processor needs longer than the model, the model is late.
 *
 * Entered by submitters and engines; no locks.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/timer.h"
#include "dsa-soft-timing.h"

static int64_t now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

void dsa_soft_timing_init(DsaSoftTiming *timing, const DsaSoftConfig *config)
{
    *timing = (DsaSoftTiming) { .config = config };
}

int64_t dsa_soft_timing_submit(const DsaSoftTiming *timing)
{
    int64_t start, now;

    if (!timing->config->timing) {
        return 0;
    }
    start = now = now_ns();
    while (now - start < (int64_t)timing->config->submit_ns) {
        now = now_ns();
    }
    return now;
}

void dsa_soft_timing_begin(DsaSoftClock *clock, DsaSoftTiming *timing,
                           int64_t accepted_ns, bool batch)
{
    *clock = (DsaSoftClock) { .accepted_ns = accepted_ns };
    if (timing->config->timing) {
        clock->timing = timing;
        clock->at_ns = now_ns();
        if (batch) {
            clock->at_ns += timing->config->batch_ns;
        }
    }
}

/* When the memory has delivered @size bytes, asked for at @from_ns. */
static int64_t memory_done(DsaSoftTiming *timing, int64_t from_ns,
                           uint64_t size)
{
    int64_t need_ns = (double)size * NANOSECONDS_PER_SECOND /
                      timing->config->bandwidth;
    int64_t seen, next, free_ns = qatomic_read(&timing->memory_free_ns);

    for (;;) {
        next = MAX(from_ns, free_ns) + need_ns;
        seen = qatomic_cmpxchg(&timing->memory_free_ns, free_ns, next);
        if (seen == free_ns) {
            return next;
        }
        free_ns = seen;
    }
}

void dsa_soft_timing_add(DsaSoftClock *clock, uint64_t size,
                         uint64_t nr_faults)
{
    DsaSoftTiming *timing = clock->timing;
    int64_t engine_ns;

    if (!timing) {
        return;
    }
    engine_ns = clock->at_ns + timing->config->descriptor_ns;
    clock->at_ns = MAX(engine_ns, memory_done(timing, clock->at_ns, size)) +
                   nr_faults * timing->config->fault_us * SCALE_US;
}

int64_t dsa_soft_timing_end(const DsaSoftClock *clock)
{
    if (!clock->timing) {
        return 0;
    }
    return MAX(clock->at_ns, clock->accepted_ns +
               (int64_t)clock->timing->config->latency_ns);
}
