/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Semaphores and events: things to wait for.  qemu/thread.h brings this
 * along.
 *
 * Both are built from a mutex and a condition variable.  That mutex is a
 * leaf: nothing is called while it is held.
 */
#ifndef QEMU_SEMAPHORE_H
#define QEMU_SEMAPHORE_H

#include <stdbool.h>

#include "qemu/mutex.h"

typedef struct QemuSemaphore {
    QemuMutex mutex;
    QemuCond cond;
    unsigned int count TSA_GUARDED_BY(mutex);
} QemuSemaphore;

typedef struct QemuEvent {
    QemuMutex mutex;
    QemuCond cond;
    /* written under the mutex, read without it by the fast path */
    bool value;
} QemuEvent;

/**
 * qemu_sem_init:
 * @sem: memory of a semaphore that is not in use
 * @init: its first count, 0 or more
 *
 * Makes a semaphore ready.
 *
 * Context: any thread, before others can see it.
 */
void qemu_sem_init(QemuSemaphore *sem, int init);

/**
 * qemu_sem_destroy:
 * @sem: a semaphore that nobody waits for
 *
 * Ends the use of a semaphore.  The last qemu_sem_post() must have
 * returned: join its thread first.
 *
 * Context: any thread.
 */
void qemu_sem_destroy(QemuSemaphore *sem);

/**
 * qemu_sem_post:
 * @sem: the semaphore
 *
 * Adds one to the count and wakes a waiter.
 *
 * Context: any thread.
 */
void qemu_sem_post(QemuSemaphore *sem);

/**
 * qemu_sem_wait:
 * @sem: the semaphore
 *
 * Waits until the count is above zero and takes one off.
 *
 * Context: any thread.
 */
void qemu_sem_wait(QemuSemaphore *sem);

/**
 * qemu_sem_timedwait:
 * @sem: the semaphore
 * @ms: milliseconds to wait at most; 0 or less only tries
 *
 * As qemu_sem_wait() with a limit.
 *
 * Context: any thread.
 * Returns: 0 when one was taken, -1 when the time was up.
 */
int qemu_sem_timedwait(QemuSemaphore *sem, int ms);

/**
 * qemu_event_init:
 * @ev: memory of an event that is not in use
 * @init: whether it starts set
 *
 * Makes an event ready: a flag that threads can wait for.
 *
 * Context: any thread, before others can see it.
 */
void qemu_event_init(QemuEvent *ev, bool init);

/**
 * qemu_event_destroy:
 * @ev: an event that nobody waits for
 *
 * Ends the use of an event.  The last qemu_event_set() must have returned.
 *
 * Context: any thread.
 */
void qemu_event_destroy(QemuEvent *ev);

/**
 * qemu_event_set:
 * @ev: the event
 *
 * Sets the flag and wakes all waiters; what the caller wrote before is
 * visible to them.
 *
 * Context: any thread.
 */
void qemu_event_set(QemuEvent *ev);

/**
 * qemu_event_reset:
 * @ev: the event
 *
 * Clears the flag.  Look at the condition again after it, before waiting.
 *
 * Context: any thread.
 */
void qemu_event_reset(QemuEvent *ev);

/**
 * qemu_event_wait:
 * @ev: the event
 *
 * Waits until the flag is set; it stays set.
 *
 * Context: any thread.
 */
void qemu_event_wait(QemuEvent *ev);

/**
 * qemu_event_timedwait:
 * @ev: the event
 * @ms: milliseconds to wait at most; 0 or less only looks
 *
 * As qemu_event_wait() with a limit.
 *
 * Context: any thread.
 * Returns: true when the flag was set, false when the time was up.
 */
bool qemu_event_timedwait(QemuEvent *ev, int ms);

#endif /* QEMU_SEMAPHORE_H */
