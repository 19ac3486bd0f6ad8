/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutexes and condition variables over pthreads.
 *
 * Entered by every thread.  A pthread call that fails here was misused,
 * which is a bug: it aborts.
 */
#include "qemu/osdep.h"

#include "qemu/mutex.h"
#include "qemu/timer.h"

void qemu_mutex_init(QemuMutex *mutex)
{
    int rc = pthread_mutex_init(&mutex->lock, NULL);

    g_assert_cmpint(rc, ==, 0);
}

void qemu_mutex_destroy(QemuMutex *mutex)
{
    int rc = pthread_mutex_destroy(&mutex->lock);

    g_assert_cmpint(rc, ==, 0);
}

/* The analysis does not know that pthreads implement its capability. */
TSA_NO_TSA void qemu_mutex_lock(QemuMutex *mutex)
{
    int rc = pthread_mutex_lock(&mutex->lock);

    g_assert_cmpint(rc, ==, 0);
}

TSA_NO_TSA int qemu_mutex_trylock(QemuMutex *mutex)
{
    int rc = pthread_mutex_trylock(&mutex->lock);

    g_assert(rc == 0 || rc == EBUSY);
    return -rc;
}

TSA_NO_TSA void qemu_mutex_unlock(QemuMutex *mutex)
{
    int rc = pthread_mutex_unlock(&mutex->lock);

    g_assert_cmpint(rc, ==, 0);
}

void qemu_cond_init(QemuCond *cond)
{
    pthread_condattr_t attr;
    int rc;

    rc = pthread_condattr_init(&attr);
    g_assert_cmpint(rc, ==, 0);
    /* A clock that somebody sets back would stretch every deadline. */
    rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    g_assert_cmpint(rc, ==, 0);
    rc = pthread_cond_init(&cond->cond, &attr);
    g_assert_cmpint(rc, ==, 0);
    pthread_condattr_destroy(&attr);
}

void qemu_cond_destroy(QemuCond *cond)
{
    int rc = pthread_cond_destroy(&cond->cond);

    g_assert_cmpint(rc, ==, 0);
}

void qemu_cond_signal(QemuCond *cond)
{
    pthread_cond_signal(&cond->cond);
}

void qemu_cond_broadcast(QemuCond *cond)
{
    pthread_cond_broadcast(&cond->cond);
}

void qemu_cond_wait(QemuCond *cond, QemuMutex *mutex)
{
    int rc = pthread_cond_wait(&cond->cond, &mutex->lock);

    g_assert_cmpint(rc, ==, 0);
}

bool qemu_cond_timedwait(QemuCond *cond, QemuMutex *mutex, int ms)
{
    int64_t ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) +
                 (int64_t)MAX(ms, 0) * SCALE_MS;
    struct timespec deadline = {
        .tv_sec = ns / NANOSECONDS_PER_SECOND,
        .tv_nsec = ns % NANOSECONDS_PER_SECOND,
    };
    int rc = pthread_cond_timedwait(&cond->cond, &mutex->lock, &deadline);

    g_assert(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}
