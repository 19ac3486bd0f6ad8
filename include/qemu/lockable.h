/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks that a scope holds.  qemu/thread.h brings this along.
 */
#ifndef QEMU_LOCKABLE_H
#define QEMU_LOCKABLE_H

#include <stddef.h>

#include "qemu/mutex.h"

/**
 * qemu_lock_guard_enter:
 * @mutex: the mutex to hold, or NULL for none
 *
 * The function behind QEMU_LOCK_GUARD(); use that.
 *
 * Context: any thread.
 * Returns: @mutex.
 */
static inline TSA_NO_TSA QemuMutex *qemu_lock_guard_enter(QemuMutex *mutex)
    TSA_ASSERT(mutex);
static inline TSA_NO_TSA QemuMutex *qemu_lock_guard_enter(QemuMutex *mutex)
{
    /* The analysis learns of the lock from TSA_ASSERT: it knows no scopes. */
    if (mutex) {
        qemu_mutex_lock(mutex);
    }
    return mutex;
}

/**
 * qemu_lock_guard_leave:
 * @mutex: the variable that holds what qemu_lock_guard_enter() returned
 *
 * The clean-up behind QEMU_LOCK_GUARD(); do not call it.
 *
 * Context: the thread that locked it.
 */
static inline TSA_NO_TSA void qemu_lock_guard_leave(QemuMutex **mutex)
{
    if (*mutex) {
        qemu_mutex_unlock(*mutex);
        *mutex = NULL;
    }
}

/* Holds @mutex from here to the end of the enclosing scope. */
#define QEMU_LOCK_GUARD(mutex) \
    __attribute__((cleanup(qemu_lock_guard_leave), unused)) \
    QemuMutex *MAKE_IDENTIFIER(qemu_lock_guard_) = \
        qemu_lock_guard_enter(mutex)

/* Holds @mutex during the statement or block that follows. */
#define WITH_QEMU_LOCK_GUARD(mutex) \
    for (__attribute__((cleanup(qemu_lock_guard_leave))) \
         QemuMutex *qemu_with_guard_ = qemu_lock_guard_enter(mutex); \
         qemu_with_guard_; \
         qemu_lock_guard_leave(&qemu_with_guard_))

#endif /* QEMU_LOCKABLE_H */
