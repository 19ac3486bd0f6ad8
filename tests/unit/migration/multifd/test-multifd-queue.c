/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue of packets between the migration thread and the channels.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "migration/multifd/queue.h"

typedef struct Taker {
    MultiFDQueue *queue;
    QemuThread thread;
    unsigned nr_jobs;
    unsigned nr_syncs;
} Taker;

/* Takes until the queue is closed, as a channel would. */
static void *taker_thread(void *opaque)
{
    Taker *t = opaque;
    MultiFDTaker taker = { 0 };

    for (;;) {
        switch (multifd_queue_take(t->queue, &taker)) {
        case MULTIFD_TAKE_JOB:
            t->nr_jobs++;
            break;
        case MULTIFD_TAKE_SYNC:
            t->nr_syncs++;
            multifd_queue_synced(t->queue);
            break;
        case MULTIFD_TAKE_CLOSED:
            return NULL;
        }
    }
}

static void test_order(void)
{
    MultiFDQueue *queue = multifd_queue_new(1);
    MultiFDTaker taker = { 0 };
    MultiFDJob *jobs[3];

    for (unsigned i = 0; i < 3; i++) {
        jobs[i] = multifd_queue_get(queue);
        g_assert_nonnull(jobs[i]);
        g_assert_cmpuint(jobs[i]->nr_data + jobs[i]->nr_holes, ==, 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        g_assert_true(multifd_queue_put(queue, jobs[i]));
    }
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpint(multifd_queue_take(queue, &taker), ==,
                        MULTIFD_TAKE_JOB);
        g_assert_true(taker.job == jobs[i]);
        g_assert_cmpuint(taker.job->packet_num, ==, i);
    }
    multifd_queue_free(queue);
}

/* Closing ends every wait, and drops what is queued. */
static void test_closed(void)
{
    MultiFDQueue *queue = multifd_queue_new(1);
    MultiFDTaker taker = { 0 };
    MultiFDJob *first = multifd_queue_get(queue);
    MultiFDJob *second = multifd_queue_get(queue);

    g_assert_true(multifd_queue_put(queue, first));
    multifd_queue_close(queue);
    g_assert_false(multifd_queue_put(queue, second));
    g_assert_null(multifd_queue_get(queue));
    g_assert_false(multifd_queue_sync(queue));
    g_assert_cmpint(multifd_queue_take(queue, &taker), ==,
                    MULTIFD_TAKE_CLOSED);
    multifd_queue_free(queue);
}

static void *getter_thread(void *opaque)
{
    MultiFDQueue *queue = opaque;

    while (multifd_queue_get(queue)) {
        /* until there is none, and then until it is closed */
    }
    return NULL;
}

static void *sync_thread(void *opaque)
{
    return multifd_queue_sync(opaque) ? opaque : NULL;
}

static void test_close_wakes(void)
{
    MultiFDQueue *queue = multifd_queue_new(1);
    Taker taker = { .queue = queue };
    QemuThread getter;

    qemu_thread_create(&taker.thread, "taker", taker_thread, &taker,
                       QEMU_THREAD_JOINABLE);
    qemu_thread_create(&getter, "getter", getter_thread, queue,
                       QEMU_THREAD_JOINABLE);
    multifd_queue_close(queue);
    qemu_thread_join(&getter);
    qemu_thread_join(&taker.thread);
    multifd_queue_free(queue);
}

static void test_close_wakes_sync(void)
{
    MultiFDQueue *queue = multifd_queue_new(1);
    MultiFDTaker taker = { 0 };
    QemuThread thread;

    qemu_thread_create(&thread, "sync", sync_thread, queue,
                       QEMU_THREAD_JOINABLE);
    /* It has begun when there is a SYNC to take; it is never sent. */
    g_assert_cmpint(multifd_queue_take(queue, &taker), ==, MULTIFD_TAKE_SYNC);
    multifd_queue_close(queue);
    g_assert_null(qemu_thread_join(&thread));
    multifd_queue_free(queue);
}

/* Each channel takes each SYNC once, and only when no job is left. */
static void test_sync_after_jobs(void)
{
    MultiFDQueue *queue = multifd_queue_new(2);
    MultiFDTaker a = { 0 }, b = { 0 };
    QemuThread thread;

    multifd_queue_put(queue, multifd_queue_get(queue));
    multifd_queue_put(queue, multifd_queue_get(queue));
    qemu_thread_create(&thread, "sync", sync_thread, queue,
                       QEMU_THREAD_JOINABLE);
    g_assert_cmpint(multifd_queue_take(queue, &a), ==, MULTIFD_TAKE_JOB);
    g_assert_cmpint(multifd_queue_take(queue, &b), ==, MULTIFD_TAKE_JOB);
    g_assert_cmpint(multifd_queue_take(queue, &b), ==, MULTIFD_TAKE_SYNC);
    g_assert_cmpuint(b.packet_num, ==, 2);
    multifd_queue_synced(queue);
    g_assert_cmpint(multifd_queue_take(queue, &a), ==, MULTIFD_TAKE_SYNC);
    g_assert_cmpuint(a.packet_num, ==, 3);
    multifd_queue_synced(queue);
    g_assert_true(qemu_thread_join(&thread) == queue);
    multifd_queue_free(queue);
}

/* A channel that sits on its job for ever holds up nobody. */
static void test_one_stalls(void)
{
    MultiFDQueue *queue = multifd_queue_new(2);
    Taker taker = { .queue = queue };
    MultiFDTaker stalled = { 0 };

    multifd_queue_put(queue, multifd_queue_get(queue));
    g_assert_cmpint(multifd_queue_take(queue, &stalled), ==, MULTIFD_TAKE_JOB);
    qemu_thread_create(&taker.thread, "taker", taker_thread, &taker,
                       QEMU_THREAD_JOINABLE);
    for (unsigned i = 0; i < 1000; i++) {
        MultiFDJob *job = multifd_queue_get(queue);

        g_assert_true(job != stalled.job);
        g_assert_true(multifd_queue_put(queue, job));
    }
    multifd_queue_close(queue);
    qemu_thread_join(&taker.thread);
    multifd_queue_free(queue);
}

/* Nothing is lost or doubled with many channels and many sync points. */
static void test_many(void)
{
    MultiFDQueue *queue = multifd_queue_new(8);
    Taker takers[8];
    unsigned nr_jobs = 0;

    for (unsigned i = 0; i < 8; i++) {
        takers[i] = (Taker) { .queue = queue };
        qemu_thread_create(&takers[i].thread, "taker", taker_thread,
                           &takers[i], QEMU_THREAD_JOINABLE);
    }
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < 50 * round; i++) {
            multifd_queue_put(queue, multifd_queue_get(queue));
        }
        g_assert_true(multifd_queue_sync(queue));
    }
    multifd_queue_close(queue);
    for (unsigned i = 0; i < 8; i++) {
        qemu_thread_join(&takers[i].thread);
        g_assert_cmpuint(takers[i].nr_syncs, ==, 20);
        nr_jobs += takers[i].nr_jobs;
    }
    g_assert_cmpuint(nr_jobs, ==, 50 * (19 * 20 / 2));
    multifd_queue_free(queue);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/multifd-queue/order and numbers", test_order);
    g_test_add_func("/multifd-queue/closed", test_closed);
    g_test_add_func("/multifd-queue/closing wakes get and take",
                    test_close_wakes);
    g_test_add_func("/multifd-queue/closing wakes sync",
                    test_close_wakes_sync);
    g_test_add_func("/multifd-queue/syncs come after jobs",
                    test_sync_after_jobs);
    g_test_add_func("/multifd-queue/one channel stalls", test_one_stalls);
    g_test_add_func("/multifd-queue/many channels", test_many);
    return g_test_run();
}
