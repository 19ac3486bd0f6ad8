/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named threads.  Brings along mutexes and condition variables, semaphores
 * and events, and locks that a scope holds.
 *
 * A thread is created and joined in the same file.
 */
#ifndef QEMU_THREAD_H
#define QEMU_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "qapi/error.h"
#include "qemu/compiler.h"
#include "qemu/lockable.h"
#include "qemu/mutex.h"
#include "qemu/semaphore.h"

typedef struct QemuThread {
    pthread_t thread;
} QemuThread;

#define QEMU_THREAD_JOINABLE 0
#define QEMU_THREAD_DETACHED 1

/**
 * qemu_thread_try_create:
 * @thread: receives the thread; untouched on failure
 * @name: what debuggers and perf show, cut to 15 bytes
 * @start_routine: the thread's function
 * @arg: passed to it
 * @mode: QEMU_THREAD_JOINABLE or QEMU_THREAD_DETACHED
 * @errp: receives the reason on failure, or NULL
 *
 * Starts a thread with all signals blocked, so that they reach the main
 * thread's descriptor only.
 *
 * Context: any thread.
 * Returns: true, or false with @errp set when the system has no more.
 */
bool qemu_thread_try_create(QemuThread *thread, const char *name,
                            void *(*start_routine)(void *), void *arg,
                            int mode, Error **errp);

/**
 * qemu_thread_create:
 * @thread: receives the thread
 * @name: what debuggers and perf show, cut to 15 bytes
 * @start_routine: the thread's function
 * @arg: passed to it
 * @mode: QEMU_THREAD_JOINABLE or QEMU_THREAD_DETACHED
 *
 * As qemu_thread_try_create(), for callers with no way to fail: running
 * out of threads aborts the process, as g_thread_new() does.
 *
 * Context: any thread.
 */
void qemu_thread_create(QemuThread *thread, const char *name,
                        void *(*start_routine)(void *), void *arg, int mode);

/**
 * qemu_thread_join:
 * @thread: a joinable thread, not the caller
 *
 * Waits for the thread's end.  See to it that it is on its way out first.
 *
 * Context: any thread, once per thread.
 * Returns: what the thread's function returned.
 */
void *qemu_thread_join(QemuThread *thread);

/**
 * qemu_thread_get_self:
 * @thread: receives the calling thread
 *
 * Names the calling thread, for qemu_thread_is_self().
 *
 * Context: any thread.
 */
void qemu_thread_get_self(QemuThread *thread);

/**
 * qemu_thread_is_self:
 * @thread: a thread
 *
 * Tells whether it is the caller.
 *
 * Context: any thread.
 * Returns: true if so.
 */
bool qemu_thread_is_self(const QemuThread *thread);

/**
 * qemu_get_thread_id:
 *
 * The kernel's number for the calling thread.
 *
 * Context: any thread.
 * Returns: the number that ps -L and /proc show.
 */
int qemu_get_thread_id(void);

#endif /* QEMU_THREAD_H */
