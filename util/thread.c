/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named threads over pthreads.
 *
 * Entered by every thread.  A new thread blocks all signals before its
 * function runs: the process reads them from a descriptor in its main
 * thread.  Locks are in sync.c.
 */
#include "qemu/osdep.h"

#include <signal.h>
#include <sys/syscall.h>

#include "qemu/cutils.h"
#include "qemu/thread.h"

/* The kernel's limit for a thread's name, with its NUL. */
#define THREAD_NAME_BYTES 16

typedef struct ThreadStart {
    void *(*routine)(void *);
    void *arg;
    char name[THREAD_NAME_BYTES];
} ThreadStart;

static void *thread_start(void *opaque)
{
    ThreadStart start = *(ThreadStart *)opaque;

    g_free(opaque);
    pthread_setname_np(pthread_self(), start.name);
    return start.routine(start.arg);
}

bool qemu_thread_try_create(QemuThread *thread, const char *name,
                            void *(*start_routine)(void *), void *arg,
                            int mode, Error **errp)
{
    ThreadStart *start = g_new0(ThreadStart, 1);
    sigset_t all, old;
    pthread_attr_t attr;
    pthread_t id;
    int rc;

    start->routine = start_routine;
    start->arg = arg;
    pstrcpy(start->name, sizeof(start->name), name);

    pthread_attr_init(&attr);
    if (mode == QEMU_THREAD_DETACHED) {
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    }
    /* A thread inherits the mask of its creator at this very moment. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&id, &attr, thread_start, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);

    if (rc) {
        g_free(start);
        error_setg_errno(errp, rc, "cannot start thread '%s'", name);
        return false;
    }
    thread->thread = id;
    return true;
}

void qemu_thread_create(QemuThread *thread, const char *name,
                        void *(*start_routine)(void *), void *arg, int mode)
{
    bool started = qemu_thread_try_create(thread, name, start_routine, arg,
                                          mode, NULL);

    g_assert_true(started);
}

void *qemu_thread_join(QemuThread *thread)
{
    void *ret = NULL;
    int rc = pthread_join(thread->thread, &ret);

    g_assert_cmpint(rc, ==, 0);
    return ret;
}

void qemu_thread_get_self(QemuThread *thread)
{
    thread->thread = pthread_self();
}

bool qemu_thread_is_self(const QemuThread *thread)
{
    return pthread_equal(pthread_self(), thread->thread);
}

int qemu_get_thread_id(void)
{
    return syscall(SYS_gettid);
}
