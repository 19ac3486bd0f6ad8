/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine threads of the software DSA device, and what each does with a
 * submission from the check to the bell.
 *
 * Threads: `dsa_engine_N`, made and joined here.  When the queue is closed they
 * do what is left and end; waits of slow or timed answers are cut short.
 */
#include "qemu/osdep.h"

#include "qemu/timer.h"
#include "dsa-soft-batch.h"
#include "dsa-soft-engine.h"
#include "dsa-soft-work.h"

struct DsaSoftEngines {
    DsaSoftDevice *dev;
    unsigned nr_threads;
    QemuThread thread[];
};

/* False when there is no answer. */
static bool carry_out(DsaSoftDevice *dev, DsaSoftMemory *memory,
                      const DsaSoftWork *work,
                      struct dsa_completion_record *cr)
{
    const struct dsa_hw_desc *desc = &work->desc;
    DsaSoftClock clock;
    bool answered;

    if (!dsa_soft_work_check(dev, desc, false, cr)) {
        return !dsa_soft_fault_dead(&dev->faults);
    }
    dsa_soft_timing_begin(&clock, &dev->timing, work->accepted_ns,
                          desc->opcode == DSA_OPCODE_BATCH);
    if (desc->opcode == DSA_OPCODE_BATCH) {
        answered = dsa_soft_batch_run(dev, memory, &clock, desc, cr);
    } else {
        if (desc->opcode == DSA_OPCODE_DRAIN) {
            dsa_soft_queue_drain(&dev->queue, work);
        }
        answered = dsa_soft_work_run(dev, memory, &clock, desc, cr);
    }
    dsa_soft_queue_wait_until(&dev->queue, dsa_soft_timing_end(&clock));
    return answered;
}

void dsa_soft_engine_run(DsaSoftDevice *dev, const DsaSoftWork *work)
{
    struct dsa_completion_record cr = {};
    DsaSoftMemory memory;

    if (dev->config.slow_us) {
        dsa_soft_queue_wait_until(&dev->queue,
                                  qemu_clock_get_ns(QEMU_CLOCK_REALTIME) +
                                  dev->config.slow_us * SCALE_US);
    }
    dsa_soft_memory_start(&memory, &dev->pagemap);
    if (!carry_out(dev, &memory, work, &cr) ||
        dsa_soft_fault_record(&dev->faults)) {
        return;
    }
    dsa_soft_work_answer(dev, &memory, &work->desc, DSA_SOFT_NO_MEMBER, &cr);
    dsa_bell_ring(dev->bell);
}

static void *engine_thread(void *opaque)
{
    DsaSoftDevice *dev = opaque;
    DsaSoftWork work;

    while (dsa_soft_queue_take(&dev->queue, &work)) {
        dsa_soft_engine_run(dev, &work);
        dsa_soft_queue_finish(&dev->queue, &work);
    }
    return NULL;
}

DsaSoftEngines *dsa_soft_engine_start(DsaSoftDevice *dev, Error **errp)
{
    unsigned nr = dev->config.engines;
    DsaSoftEngines *engines = g_malloc0(sizeof(*engines) +
                                        nr * sizeof(engines->thread[0]));

    engines->dev = dev;
    for (unsigned i = 0; i < nr; i++) {
        g_autofree char *name = g_strdup_printf("dsa_engine_%u", i);

        if (!qemu_thread_try_create(&engines->thread[i], name, engine_thread,
                                    dev, QEMU_THREAD_JOINABLE, errp)) {
            dsa_soft_engine_stop(engines);
            return NULL;
        }
        engines->nr_threads++;
    }
    return engines;
}

void dsa_soft_engine_stop(DsaSoftEngines *engines)
{
    if (!engines) {
        return;
    }
    dsa_soft_queue_close(&engines->dev->queue);
    for (unsigned i = 0; i < engines->nr_threads; i++) {
        qemu_thread_join(&engines->thread[i]);
    }
    g_free(engines);
}
