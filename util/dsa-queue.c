/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all queues have in common: entries of dedicated queues, and giving up.
 *
 * Entered by every thread that submits or looks for answers.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "qemu/atomic.h"
#include "qemu/lockable.h"
#include "dsa-queue.h"
#include "trace.h"

void dsa_queue_init(DsaQueue *q, const DsaQueueOps *ops, const char *path)
{
    q->ops = ops;
    q->path = g_strdup(path);
    q->numa_node = -1;
    qemu_mutex_init(&q->lock);
}

void dsa_queue_forget(DsaQueue *q)
{
    g_free(q->warning);
    g_free(q->reason);
    g_free(q->path);
}

void dsa_queue_destroy(DsaQueue *q)
{
    qemu_mutex_destroy(&q->lock);
    dsa_queue_forget(q);
}

/*
 * A dedicated queue that is full drops what comes and tells nobody, so entries
 * are counted here.  The device frees one when it begins with it, we when it is
 * done: never too late.
 */
static unsigned dsa_queue_hold(DsaQueue *q, unsigned nr)
{
    uint32_t held = qatomic_fetch_add(&q->nr_held, nr);
    unsigned room = held < q->size ? q->size - held : 0;

    if (nr > room) {
        qatomic_sub(&q->nr_held, nr - room);
        nr = room;
    }
    return nr;
}

int dsa_queue_submit(DsaQueue *q, const struct dsa_hw_desc *desc, unsigned nr)
{
    int taken;

    if (!q->dedicated) {
        return q->ops->submit(q, desc, nr);
    }
    nr = dsa_queue_hold(q, nr);
    if (nr == 0) {
        return 0;
    }
    taken = q->ops->submit(q, desc, nr);
    dsa_queue_release(q, nr - MAX(taken, 0));
    return taken;
}

void dsa_queue_release(DsaQueue *q, unsigned nr)
{
    if (q->dedicated && nr > 0) {
        qatomic_sub(&q->nr_held, nr);
    }
}

bool dsa_queue_is_given_up(DsaQueue *q)
{
    return qatomic_load_acquire(&q->given_up);
}

void dsa_queue_give_up(DsaQueue *q, const char *fmt, ...)
{
    va_list ap;

    QEMU_LOCK_GUARD(&q->lock);
    if (q->reason) {
        return;
    }
    va_start(ap, fmt);
    q->reason = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_free(q->warning);
    q->warning = g_strdup_printf("DSA queue '%s' is used no more: %s", q->path,
                                 q->reason);
    qatomic_store_release(&q->given_up, true);
    trace_dsa_queue_give_up(q->path, q->reason);
}

char *dsa_queue_reason(DsaQueue *q)
{
    QEMU_LOCK_GUARD(&q->lock);

    return g_strdup(q->reason);
}

void dsa_queue_warn_full(DsaQueue *q, unsigned full_ms)
{
    QEMU_LOCK_GUARD(&q->lock);

    if (!q->warned && !q->reason) {
        q->warned = true;
        q->warning = g_strdup_printf("DSA queue '%s' has been full for %u ms: "
                                     "the CPU does its part until it is not",
                                     q->path, full_ms);
    }
}

char *dsa_queue_take_warning(DsaQueue *q)
{
    QEMU_LOCK_GUARD(&q->lock);

    return g_steal_pointer(&q->warning);
}

void dsa_queue_free(DsaQueue *q)
{
    void *left_behind;
    size_t left_bytes;

    if (!q) {
        return;
    }
    left_behind = q->left_behind;
    left_bytes = q->left_bytes;
    q->ops->free(q);
    if (left_behind) {
        munmap(left_behind, left_bytes);
    }
}

void dsa_queue_abandon(DsaQueue *q)
{
    q->ops->abandon(q);
}
