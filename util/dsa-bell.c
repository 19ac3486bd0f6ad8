/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bell: a count and those who wait for it to change.
 *
 * Entered by every thread.  Who rings pays for a lock only when somebody waits:
 * the count is changed before the waiters are counted, and a waiter is counted
 * before it looks at the count for the last time, so one of the two sees the
 * other.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/dsa-bell.h"
#include "qemu/lockable.h"
#include "qemu/timer.h"

void dsa_bell_init(DsaBell *bell)
{
    bell->count = 0;
    bell->nr_waiters = 0;
    qemu_mutex_init(&bell->lock);
    qemu_cond_init(&bell->rung);
}

void dsa_bell_destroy(DsaBell *bell)
{
    qemu_cond_destroy(&bell->rung);
    qemu_mutex_destroy(&bell->lock);
}

uint32_t dsa_bell_read(DsaBell *bell)
{
    return qatomic_load_acquire(&bell->count);
}

void dsa_bell_ring(DsaBell *bell)
{
    qatomic_inc(&bell->count);
    if (qatomic_fetch_add(&bell->nr_waiters, 0) > 0) {
        QEMU_LOCK_GUARD(&bell->lock);
        qemu_cond_broadcast(&bell->rung);
    }
}

bool dsa_bell_wait(DsaBell *bell, uint32_t seen, int timeout_ms)
{
    int64_t deadline_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + timeout_ms;
    bool rung = true;

    qatomic_inc(&bell->nr_waiters);
    WITH_QEMU_LOCK_GUARD(&bell->lock) {
        while (rung && qatomic_fetch_add(&bell->count, 0) == seen) {
            int64_t left_ms;

            if (timeout_ms < 0) {
                qemu_cond_wait(&bell->rung, &bell->lock);
                continue;
            }
            left_ms = deadline_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
            if (left_ms <= 0) {
                rung = false;
            } else {
                qemu_cond_timedwait(&bell->rung, &bell->lock, left_ms);
            }
        }
    }
    qatomic_dec(&bell->nr_waiters);
    return rung;
}
