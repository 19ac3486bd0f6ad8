/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The throttle; see kvm-throttle.h.
 *
 * Its own thread, which only says when it is time to sleep and when to get up.
 * CPUs nap at the same time, which a guest notices least: none waits for
 * another that sleeps.
 */
#include "qemu/osdep.h"

#include "accel/kvm-throttle.h"
#include "accel/trace.h"
#include "qapi/error.h"
#include "qemu/timer.h"

/* The shorter part of a turn. */
#define THROTTLE_LEAST_MS 10

struct KvmThrottle {
    KvmCpus *cpus;          /* set once */
    QemuThread thread;
    QemuMutex lock;
    QemuCond wake;
    bool quit;              /* guarded by @lock */
    unsigned percent;       /* guarded by @lock */
};

KvmThrottlePlan kvm_throttle_plan(unsigned percent)
{
    unsigned rest = 100 - percent;
    unsigned less = MIN(percent, rest);
    unsigned more = MAX(percent, rest);
    int least = THROTTLE_LEAST_MS;
    int most = (int)((THROTTLE_LEAST_MS * more + less / 2) / less);

    return (KvmThrottlePlan) {
        .run_ms = percent < rest ? most : least,
        .nap_ms = percent < rest ? least : most,
    };
}

/* Waits for the end of a turn's part, or until there is nothing to slow down. */
static void throttle_wait_locked(KvmThrottle *t, int ms)
    TSA_REQUIRES(&t->lock);

static void throttle_wait_locked(KvmThrottle *t, int ms)
{
    int64_t end_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + ms;

    while (t->percent > 0 && !t->quit) {
        int64_t left_ms = end_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

        if (left_ms <= 0) {
            return;
        }
        (void)qemu_cond_timedwait(&t->wake, &t->lock, (int)left_ms);
    }
}

static void *throttle_thread(void *opaque)
{
    KvmThrottle *t = opaque;

    qemu_mutex_lock(&t->lock);
    while (!t->quit) {
        KvmThrottlePlan plan;

        if (t->percent == 0) {
            qemu_cond_wait(&t->wake, &t->lock);
            continue;
        }
        plan = kvm_throttle_plan(t->percent);
        throttle_wait_locked(t, plan.run_ms);
        if (t->percent > 0) {
            kvm_cpus_nap(t->cpus, true);
            throttle_wait_locked(t, plan.nap_ms);
            kvm_cpus_nap(t->cpus, false);
        }
    }
    qemu_mutex_unlock(&t->lock);
    return NULL;
}

KvmThrottle *kvm_throttle_new(KvmCpus *cpus, Error **errp)
{
    KvmThrottle *t = g_new0(KvmThrottle, 1);

    t->cpus = cpus;
    qemu_mutex_init(&t->lock);
    qemu_cond_init(&t->wake);
    if (qemu_thread_try_create(&t->thread, "CPU throttle", throttle_thread, t,
                               QEMU_THREAD_JOINABLE, errp)) {
        return t;
    }
    qemu_cond_destroy(&t->wake);
    qemu_mutex_destroy(&t->lock);
    g_free(t);
    return NULL;
}

void kvm_throttle_set(KvmThrottle *throttle, unsigned percent)
{
    QEMU_LOCK_GUARD(&throttle->lock);

    trace_kvm_throttle(percent);
    throttle->percent = MIN(percent, 99u);
    if (percent == 0) {
        /* Not when its thread gets to it: a guest may be about to resume. */
        kvm_cpus_nap(throttle->cpus, false);
    }
    qemu_cond_broadcast(&throttle->wake);
}

void kvm_throttle_free(KvmThrottle *throttle)
{
    if (!throttle) {
        return;
    }
    WITH_QEMU_LOCK_GUARD(&throttle->lock) {
        throttle->quit = true;
        qemu_cond_broadcast(&throttle->wake);
    }
    qemu_thread_join(&throttle->thread);
    qemu_cond_destroy(&throttle->wake);
    qemu_mutex_destroy(&throttle->lock);
    g_free(throttle);
}
