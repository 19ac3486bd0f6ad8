/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutexes and condition variables over pthreads (not GLib's, whose futexes
 * ThreadSanitizer cannot see).  qemu/thread.h brings this along.
 *
 * Timeouts count on CLOCK_MONOTONIC.  A misuse (unlocking what is not
 * locked) aborts: it is a bug here, never input.  Nothing in this layer
 * holds a lock while it calls out.
 */
#ifndef QEMU_MUTEX_H
#define QEMU_MUTEX_H

#include <pthread.h>
#include <stdbool.h>

#include "qemu/compiler.h"

typedef struct TSA_CAPABILITY("mutex") QemuMutex {
    pthread_mutex_t lock;
} QemuMutex;

typedef struct QemuCond {
    pthread_cond_t cond;
} QemuCond;

/**
 * qemu_mutex_init:
 * @mutex: memory of a mutex that is not in use
 *
 * Makes a mutex ready.  It is not recursive.
 *
 * Context: any thread, before others can see it.
 */
void qemu_mutex_init(QemuMutex *mutex);

/**
 * qemu_mutex_destroy:
 * @mutex: a mutex that nobody holds or waits for
 *
 * Ends the use of a mutex.
 *
 * Context: any thread.
 */
void qemu_mutex_destroy(QemuMutex *mutex);

/**
 * qemu_mutex_lock:
 * @mutex: a mutex the caller does not hold
 *
 * Takes the mutex; waits for whoever holds it.
 *
 * Context: any thread.
 */
void qemu_mutex_lock(QemuMutex *mutex) TSA_ACQUIRE(mutex);

/**
 * qemu_mutex_trylock:
 * @mutex: a mutex the caller does not hold
 *
 * Takes the mutex if that needs no waiting.
 *
 * Context: any thread.
 * Returns: 0 when taken, -EBUSY when somebody else has it.
 */
int qemu_mutex_trylock(QemuMutex *mutex) TSA_TRY_ACQUIRE(0, mutex);

/**
 * qemu_mutex_unlock:
 * @mutex: a mutex the caller holds
 *
 * Releases the mutex.
 *
 * Context: the thread that locked it.
 */
void qemu_mutex_unlock(QemuMutex *mutex) TSA_RELEASE(mutex);

/**
 * qemu_cond_init:
 * @cond: memory of a condition variable that is not in use
 *
 * Makes a condition variable ready.
 *
 * Context: any thread, before others can see it.
 */
void qemu_cond_init(QemuCond *cond);

/**
 * qemu_cond_destroy:
 * @cond: a condition variable that nobody waits on
 *
 * Ends the use of a condition variable.
 *
 * Context: any thread.
 */
void qemu_cond_destroy(QemuCond *cond);

/**
 * qemu_cond_signal:
 * @cond: the condition variable
 *
 * Wakes one waiter, if there is one.
 *
 * Context: any thread, with or without the mutex of the waiters.
 */
void qemu_cond_signal(QemuCond *cond);

/**
 * qemu_cond_broadcast:
 * @cond: the condition variable
 *
 * Wakes all waiters.
 *
 * Context: any thread, with or without the mutex of the waiters.
 */
void qemu_cond_broadcast(QemuCond *cond);

/**
 * qemu_cond_wait:
 * @cond: the condition variable
 * @mutex: the mutex that guards what is waited for
 *
 * Releases @mutex, waits, takes it again.  Wake-ups without cause happen:
 * call it in a loop over the condition.
 *
 * Context: any thread that holds @mutex.
 */
void qemu_cond_wait(QemuCond *cond, QemuMutex *mutex) TSA_REQUIRES(mutex);

/**
 * qemu_cond_timedwait:
 * @cond: the condition variable
 * @mutex: the mutex that guards what is waited for
 * @ms: milliseconds to wait at most; 0 or less does not wait
 *
 * As qemu_cond_wait() with a limit.
 *
 * Context: any thread that holds @mutex.
 * Returns: false when the time was up, true otherwise.
 */
bool qemu_cond_timedwait(QemuCond *cond, QemuMutex *mutex, int ms)
    TSA_REQUIRES(mutex);

#endif /* QEMU_MUTEX_H */
