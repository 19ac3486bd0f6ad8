/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Semaphores and events over a mutex and a condition variable.
 *
 * Entered by every thread.  Both are for waiting, not for the path of a
 * page, so a futex, which ThreadSanitizer would not see, gains nothing.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/lockable.h"
#include "qemu/semaphore.h"
#include "qemu/timer.h"

static int64_t deadline_in_ms(int ms)
{
    return qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + MAX(ms, 0);
}

/* Waits for a wake-up; returns false when @deadline_ms had passed before. */
static bool wait_until(QemuCond *cond, QemuMutex *mutex, int64_t deadline_ms)
    TSA_REQUIRES(mutex);
static bool wait_until(QemuCond *cond, QemuMutex *mutex, int64_t deadline_ms)
{
    int64_t left_ms = deadline_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

    if (left_ms <= 0) {
        return false;
    }
    qemu_cond_timedwait(cond, mutex, left_ms);
    return true;
}

void qemu_sem_init(QemuSemaphore *sem, int init)
{
    g_assert_cmpint(init, >=, 0);
    qemu_mutex_init(&sem->mutex);
    qemu_cond_init(&sem->cond);
    sem->count = init;
}

void qemu_sem_destroy(QemuSemaphore *sem)
{
    qemu_cond_destroy(&sem->cond);
    qemu_mutex_destroy(&sem->mutex);
}

void qemu_sem_post(QemuSemaphore *sem)
{
    QEMU_LOCK_GUARD(&sem->mutex);

    g_assert_cmpuint(sem->count, <, UINT_MAX);
    sem->count++;
    qemu_cond_signal(&sem->cond);
}

void qemu_sem_wait(QemuSemaphore *sem)
{
    QEMU_LOCK_GUARD(&sem->mutex);

    while (sem->count == 0) {
        qemu_cond_wait(&sem->cond, &sem->mutex);
    }
    sem->count--;
}

int qemu_sem_timedwait(QemuSemaphore *sem, int ms)
{
    int64_t deadline_ms = deadline_in_ms(ms);
    QEMU_LOCK_GUARD(&sem->mutex);

    while (sem->count == 0 && wait_until(&sem->cond, &sem->mutex,
                                         deadline_ms)) {
        /* look again */
    }
    if (sem->count == 0) {
        return -1;
    }
    sem->count--;
    return 0;
}

void qemu_event_init(QemuEvent *ev, bool init)
{
    qemu_mutex_init(&ev->mutex);
    qemu_cond_init(&ev->cond);
    ev->value = init;
}

void qemu_event_destroy(QemuEvent *ev)
{
    qemu_cond_destroy(&ev->cond);
    qemu_mutex_destroy(&ev->mutex);
}

void qemu_event_set(QemuEvent *ev)
{
    QEMU_LOCK_GUARD(&ev->mutex);

    qatomic_store_release(&ev->value, true);
    qemu_cond_broadcast(&ev->cond);
}

void qemu_event_reset(QemuEvent *ev)
{
    QEMU_LOCK_GUARD(&ev->mutex);

    qatomic_set(&ev->value, false);
}

void qemu_event_wait(QemuEvent *ev)
{
    if (qatomic_load_acquire(&ev->value)) {
        return;
    }

    QEMU_LOCK_GUARD(&ev->mutex);

    while (!ev->value) {
        qemu_cond_wait(&ev->cond, &ev->mutex);
    }
}

bool qemu_event_timedwait(QemuEvent *ev, int ms)
{
    int64_t deadline_ms = deadline_in_ms(ms);

    if (qatomic_load_acquire(&ev->value)) {
        return true;
    }

    QEMU_LOCK_GUARD(&ev->mutex);

    while (!ev->value && wait_until(&ev->cond, &ev->mutex, deadline_ms)) {
        /* look again */
    }
    return ev->value;
}
