/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work queue of the software DSA device.
 *
 * Submitters put descriptors in, engines take them out; an entry is free as
 * soon as its descriptor was dispatched.  A device that is stuck dispatches
 * nothing, so that its queue fills up.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/lockable.h"
#include "qemu/timer.h"
#include "dsa-soft-queue.h"

/* Waits below this are done by looking at the clock. */
#define SPIN_NS SCALE_MS

void dsa_soft_queue_init(DsaSoftQueue *queue, DsaSoftFaults *faults,
                         unsigned size)
{
    *queue = (DsaSoftQueue) {
        .faults = faults,
        .size = size,
        .entry = g_new0(DsaSoftWork, size),
    };
    QLIST_INIT(&queue->running);
    qemu_mutex_init(&queue->lock);
    qemu_cond_init(&queue->arrived);
    qemu_cond_init(&queue->finished);
    qemu_cond_init(&queue->closed);
}

void dsa_soft_queue_destroy(DsaSoftQueue *queue)
{
    qemu_cond_destroy(&queue->closed);
    qemu_cond_destroy(&queue->finished);
    qemu_cond_destroy(&queue->arrived);
    qemu_mutex_destroy(&queue->lock);
    g_clear_pointer(&queue->entry, g_free);
}

static void fill_locked(DsaSoftQueue *queue, DsaSoftWork *work,
                        const struct dsa_hw_desc *desc, int64_t now_ns)
{
    work->desc = *desc;
    work->number = queue->nr_accepted++;
    work->accepted_ns = now_ns;
}

bool dsa_soft_queue_push(DsaSoftQueue *queue, const struct dsa_hw_desc *desc,
                         unsigned limit, int64_t now_ns)
{
    QEMU_LOCK_GUARD(&queue->lock);

    if (queue->nr_entries >= limit) {
        return false;
    }
    fill_locked(queue, &queue->entry[(queue->first + queue->nr_entries) %
                                     queue->size], desc, now_ns);
    queue->nr_entries++;
    qemu_cond_signal(&queue->arrived);
    return true;
}

bool dsa_soft_queue_take(DsaSoftQueue *queue, DsaSoftWork *work)
{
    QEMU_LOCK_GUARD(&queue->lock);

    for (;;) {
        bool able = queue->nr_entries && !dsa_soft_fault_dead(queue->faults);

        if (able) {
            break;
        }
        if (queue->closing) {
            return false;
        }
        qemu_cond_wait(&queue->arrived, &queue->lock);
    }
    *work = queue->entry[queue->first];
    queue->first = (queue->first + 1) % queue->size;
    queue->nr_entries--;
    QLIST_INSERT_HEAD(&queue->running, work, next);
    return true;
}

void dsa_soft_queue_begin(DsaSoftQueue *queue, DsaSoftWork *work,
                          const struct dsa_hw_desc *desc, int64_t now_ns)
{
    QEMU_LOCK_GUARD(&queue->lock);

    fill_locked(queue, work, desc, now_ns);
    QLIST_INSERT_HEAD(&queue->running, work, next);
}

void dsa_soft_queue_finish(DsaSoftQueue *queue, DsaSoftWork *work)
{
    QEMU_LOCK_GUARD(&queue->lock);

    QLIST_REMOVE(work, next);
    qemu_cond_broadcast(&queue->finished);
}

static bool has_earlier_locked(DsaSoftQueue *queue, const DsaSoftWork *work)
{
    DsaSoftWork *other;

    QLIST_FOREACH(other, &queue->running, next) {
        if (other->number < work->number) {
            return true;
        }
    }
    return false;
}

/* Work is dispatched in order, so what came before is in hand or finished. */
void dsa_soft_queue_drain(DsaSoftQueue *queue, const DsaSoftWork *work)
{
    QEMU_LOCK_GUARD(&queue->lock);

    while (has_earlier_locked(queue, work)) {
        qemu_cond_wait(&queue->finished, &queue->lock);
    }
}

void dsa_soft_queue_wait_until(DsaSoftQueue *queue, int64_t when_ns)
{
    while (!qatomic_read(&queue->closing)) {
        int64_t left_ns = when_ns - qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

        if (left_ns <= 0) {
            return;
        }
        if (left_ns < SPIN_NS) {
            continue;
        }
        WITH_QEMU_LOCK_GUARD(&queue->lock) {
            if (!queue->closing) {
                qemu_cond_timedwait(&queue->closed, &queue->lock,
                                    MIN(left_ns / SCALE_MS, INT_MAX));
            }
        }
    }
}

void dsa_soft_queue_close(DsaSoftQueue *queue)
{
    QEMU_LOCK_GUARD(&queue->lock);

    qatomic_set(&queue->closing, true);
    qemu_cond_broadcast(&queue->arrived);
    qemu_cond_broadcast(&queue->closed);
}
