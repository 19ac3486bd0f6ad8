/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main loop: a GLib context, a queue of bottom halves and an eventfd.
 *
 * The loop's thread runs it; every thread may schedule and quit.  Nothing
 * of GLib is touched from a foreign thread: the queue has a pthread mutex
 * and the wake-up is a write to the eventfd.
 */
#include "qemu/osdep.h"

#include <glib-unix.h>
#include <sys/eventfd.h>

#include "qemu/atomic.h"
#include "qemu/main-loop.h"
#include "qemu/queue.h"
#include "qemu/thread.h"

typedef struct BottomHalf {
    MainLoopFunc *fn;
    void *opaque;
    QSIMPLEQ_ENTRY(BottomHalf) next;
} BottomHalf;

typedef QSIMPLEQ_HEAD(BottomHalfQueue, BottomHalf) BottomHalfQueue;

struct MainLoop {
    /* set once at creation */
    GMainContext *context;
    GSource *wakeup;
    int event_fd;
    /* guarded by lock; running is filled and emptied by the loop only */
    QemuMutex lock;
    BottomHalfQueue queue;
    BottomHalfQueue running;
    /* atomics */
    bool quit;
    int thread_id;
};

static void main_loop_wake(MainLoop *ml)
{
    /* A full counter (EAGAIN) is readable already, which is all we want. */
    eventfd_write(ml->event_fd, 1);
}

static gboolean main_loop_woken(gint fd, GIOCondition condition, gpointer data)
{
    MainLoop *ml = data;
    eventfd_t count;

    /* Reset before looking at the queue: a later post wakes us again. */
    eventfd_read(ml->event_fd, &count);
    main_loop_drain(ml);
    return G_SOURCE_CONTINUE;
}

MainLoop *main_loop_new(GMainContext *context, Error **errp)
{
    AUTO_FD int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    MainLoop *ml;

    if (fd < 0) {
        error_setg_errno(errp, errno, "cannot make an eventfd for the main "
                         "loop");
        return NULL;
    }
    ml = g_new0(MainLoop, 1);
    ml->context = context ? g_main_context_ref(context) : g_main_context_new();
    qemu_mutex_init(&ml->lock);
    QSIMPLEQ_INIT(&ml->queue);
    QSIMPLEQ_INIT(&ml->running);
    ml->thread_id = qemu_get_thread_id();
    ml->event_fd = g_steal_fd(&fd);
    ml->wakeup = g_unix_fd_source_new(ml->event_fd, G_IO_IN);
    g_source_set_callback(ml->wakeup, G_SOURCE_FUNC(main_loop_woken), ml,
                          NULL);
    g_source_attach(ml->wakeup, ml->context);
    return ml;
}

static void queue_clear(BottomHalfQueue *queue)
{
    while (!QSIMPLEQ_EMPTY(queue)) {
        BottomHalf *bh = QSIMPLEQ_FIRST(queue);

        QSIMPLEQ_REMOVE_HEAD(queue, next);
        g_free(bh);
    }
}

void main_loop_free(MainLoop *ml)
{
    if (!ml) {
        return;
    }
    g_source_destroy(ml->wakeup);
    g_source_unref(ml->wakeup);
    g_main_context_unref(ml->context);
    WITH_QEMU_LOCK_GUARD(&ml->lock) {
        queue_clear(&ml->queue);
    }
    queue_clear(&ml->running);
    close(ml->event_fd);
    qemu_mutex_destroy(&ml->lock);
    g_free(ml);
}

void main_loop_run(MainLoop *ml)
{
    qatomic_set(&ml->thread_id, qemu_get_thread_id());
    g_main_context_push_thread_default(ml->context);
    while (!qatomic_load_acquire(&ml->quit)) {
        g_main_context_iteration(ml->context, TRUE);
    }
    g_main_context_pop_thread_default(ml->context);
    qatomic_set(&ml->quit, false);
}

void main_loop_quit(MainLoop *ml)
{
    qatomic_store_release(&ml->quit, true);
    main_loop_wake(ml);
}

void main_loop_schedule(MainLoop *ml, MainLoopFunc *fn, void *opaque)
{
    BottomHalf *bh = g_new0(BottomHalf, 1);

    bh->fn = fn;
    bh->opaque = opaque;
    /*
     * The write stays under the lock: once another thread can see the bottom
     * half it may run it, and that may be the one that lets @ml be freed.
     */
    QEMU_LOCK_GUARD(&ml->lock);
    QSIMPLEQ_INSERT_TAIL(&ml->queue, bh, next);
    main_loop_wake(ml);
}

static size_t queue_cancel(BottomHalfQueue *queue, MainLoopFunc *fn,
                           void *opaque)
{
    BottomHalfQueue kept = QSIMPLEQ_HEAD_INITIALIZER(kept);
    size_t nr_cancelled = 0;

    while (!QSIMPLEQ_EMPTY(queue)) {
        BottomHalf *bh = QSIMPLEQ_FIRST(queue);

        QSIMPLEQ_REMOVE_HEAD(queue, next);
        if (bh->fn == fn && bh->opaque == opaque) {
            g_free(bh);
            nr_cancelled++;
        } else {
            QSIMPLEQ_INSERT_TAIL(&kept, bh, next);
        }
    }
    QSIMPLEQ_CONCAT(queue, &kept);
    return nr_cancelled;
}

size_t main_loop_cancel(MainLoop *ml, MainLoopFunc *fn, void *opaque)
{
    QEMU_LOCK_GUARD(&ml->lock);

    return queue_cancel(&ml->running, fn, opaque) +
           queue_cancel(&ml->queue, fn, opaque);
}

/* The next bottom half of the batch that is being run, or NULL. */
static BottomHalf *running_pop(MainLoop *ml)
{
    BottomHalf *bh;
    QEMU_LOCK_GUARD(&ml->lock);

    bh = QSIMPLEQ_FIRST(&ml->running);
    if (bh) {
        QSIMPLEQ_REMOVE_HEAD(&ml->running, next);
    }
    return bh;
}

size_t main_loop_drain(MainLoop *ml)
{
    size_t nr_run = 0;
    BottomHalf *bh;

    WITH_QEMU_LOCK_GUARD(&ml->lock) {
        /* Behind what an outer drain, whose function calls us, has left. */
        QSIMPLEQ_CONCAT(&ml->running, &ml->queue);
    }
    while ((bh = running_pop(ml))) {
        MainLoopFunc *fn = bh->fn;
        void *opaque = bh->opaque;

        g_free(bh);
        fn(opaque);
        nr_run++;
    }
    return nr_run;
}

bool main_loop_in_thread(MainLoop *ml)
{
    return qatomic_read(&ml->thread_id) == qemu_get_thread_id();
}

GMainContext *main_loop_context(MainLoop *ml)
{
    return ml->context;
}
