/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue of packets between the migration thread and the channels.
 */
#include "qemu/osdep.h"
#include <sched.h>
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "migration/multifd/queue.h"
#include "migration/multifd/zero-page.h"

typedef struct Taker {
    MultiFDQueue *queue;
    QemuThread thread;
    unsigned depth;             /* jobs to hold; 0: one */
    unsigned nr_jobs;
    unsigned nr_syncs;
} Taker;

/* Takes until the queue is closed, as a channel would. */
static void *taker_thread(void *opaque)
{
    Taker *t = opaque;
    MultiFDTaker taker = { 0 };
    MultiFDJob *held[ZERO_PAGE_DEPTH_MAX];
    unsigned nr_held = 0;
    MultiFDJob *done = NULL;

    for (;;) {
        MultiFDTake take = multifd_queue_take(t->queue, &taker, done);

        done = NULL;
        switch (take) {
        case MULTIFD_TAKE_JOB:
            t->nr_jobs++;
            held[nr_held++] = taker.job;
            if (nr_held == MAX(t->depth, 1)) {
                done = held[--nr_held];
            }
            break;
        case MULTIFD_TAKE_NOTHING:
            done = held[--nr_held];
            break;
        case MULTIFD_TAKE_SYNC:
            g_assert_cmpuint(nr_held, ==, 0);
            t->nr_syncs++;
            multifd_queue_synced(t->queue);
            break;
        case MULTIFD_TAKE_CLOSED:
            return NULL;
        }
    }
}

static void *sync_thread(void *opaque)
{
    return multifd_queue_sync(opaque) ? opaque : NULL;
}

static void test_order(void)
{
    MultiFDQueue *queue = multifd_queue_new(1, 128, 1);
    MultiFDTaker taker = { 0 };
    MultiFDJob *jobs[3];
    MultiFDJob *done = NULL;

    for (unsigned i = 0; i < 3; i++) {
        jobs[i] = multifd_queue_get(queue);
        g_assert_nonnull(jobs[i]);
        g_assert_cmpuint(jobs[i]->nr_data + jobs[i]->nr_holes, ==, 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        g_assert_true(multifd_queue_put(queue, jobs[i]));
    }
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmpint(multifd_queue_take(queue, &taker, done), ==,
                        MULTIFD_TAKE_JOB);
        done = taker.job;
        g_assert_true(done == jobs[i]);
        g_assert_cmpuint(taker.job->packet_num, ==, i);
    }
    multifd_queue_free(queue);
}

/* A run has a number for each of its packets, the last of which may be short. */
static void test_run_numbers(void)
{
    static const uint64_t runs[] = { 1, 128, 129, 0, 1280, 0 };
    static const uint64_t numbers[] = { 0, 1, 2, 4, 5, 15 };
    MultiFDQueue *queue = multifd_queue_new(1, 128, 1);
    MultiFDTaker taker = { 0 };
    MultiFDJob *done = NULL;

    for (unsigned i = 0; i < ARRAY_SIZE(runs); i++) {
        MultiFDJob *job = multifd_queue_get(queue);

        g_assert_cmpuint(job->run_nr_pages, ==, 0);
        job->run_nr_pages = runs[i];
        g_assert_true(multifd_queue_put(queue, job));
        g_assert_cmpint(multifd_queue_take(queue, &taker, done), ==,
                        MULTIFD_TAKE_JOB);
        done = taker.job;
        g_assert_cmpuint(done->packet_num, ==, numbers[i]);
    }
    multifd_queue_free(queue);
}

/* Small jobs are taken several at a time: in order, and one's share of them. */
static void test_small_jobs(void)
{
    MultiFDQueue *queue = multifd_queue_new(2, 1, 1);
    MultiFDTaker a = { 0 }, b = { 0 };
    MultiFDJob *done = NULL;

    for (unsigned i = 0; i < 16; i++) {
        g_assert_true(multifd_queue_put(queue, multifd_queue_get(queue)));
    }
    for (unsigned i = 0; i < 8; i++) {
        g_assert_cmpint(multifd_queue_take(queue, &a, done), ==,
                        MULTIFD_TAKE_JOB);
        g_assert_cmpuint(a.job->packet_num, ==, i);
        done = a.job;
    }
    for (unsigned i = 8; i < 12; i++) {
        g_assert_cmpint(multifd_queue_take(queue, &b, i > 8 ? b.job : NULL),
                        ==, MULTIFD_TAKE_JOB);
        g_assert_cmpuint(b.job->packet_num, ==, i);
    }
    g_assert_cmpint(multifd_queue_take(queue, &a, done), ==, MULTIFD_TAKE_JOB);
    g_assert_cmpuint(a.job->packet_num, ==, 12);
    /* Of what was taken ahead nothing is given out any more. */
    multifd_queue_close(queue);
    g_assert_cmpint(multifd_queue_take(queue, &a, a.job), ==,
                    MULTIFD_TAKE_CLOSED);
    multifd_queue_free(queue);
}

/* Who has something to send is told that there is no more, or of a SYNC. */
static void test_unsent(void)
{
    MultiFDQueue *queue = multifd_queue_new(1, 128, 1);
    MultiFDTaker taker = { .unsent = true };
    QemuThread thread;

    g_assert_cmpint(multifd_queue_take(queue, &taker, NULL), ==,
                    MULTIFD_TAKE_NOTHING);
    multifd_queue_put(queue, multifd_queue_get(queue));
    g_assert_cmpint(multifd_queue_take(queue, &taker, NULL), ==,
                    MULTIFD_TAKE_JOB);
    g_assert_cmpint(multifd_queue_take(queue, &taker, taker.job), ==,
                    MULTIFD_TAKE_NOTHING);
    qemu_thread_create(&thread, "sync", sync_thread, queue,
                       QEMU_THREAD_JOINABLE);
    while (multifd_queue_take(queue, &taker, NULL) == MULTIFD_TAKE_NOTHING) {
        sched_yield();          /* not asked for yet */
    }
    multifd_queue_synced(queue);
    g_assert_true(qemu_thread_join(&thread) == queue);
    multifd_queue_free(queue);
}

/* Closing ends every wait, and drops what is queued. */
static void test_closed(void)
{
    MultiFDQueue *queue = multifd_queue_new(1, 128, 1);
    MultiFDTaker taker = { 0 };
    MultiFDJob *first = multifd_queue_get(queue);
    MultiFDJob *second = multifd_queue_get(queue);

    g_assert_true(multifd_queue_put(queue, first));
    multifd_queue_close(queue);
    g_assert_false(multifd_queue_put(queue, second));
    g_assert_null(multifd_queue_get(queue));
    g_assert_false(multifd_queue_sync(queue));
    g_assert_cmpint(multifd_queue_take(queue, &taker, NULL), ==,
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

static void test_close_wakes(void)
{
    MultiFDQueue *queue = multifd_queue_new(1, 128, 1);
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
    MultiFDQueue *queue = multifd_queue_new(1, 128, 1);
    MultiFDTaker taker = { 0 };
    QemuThread thread;

    qemu_thread_create(&thread, "sync", sync_thread, queue,
                       QEMU_THREAD_JOINABLE);
    /* It has begun when there is a SYNC to take; it is never sent. */
    g_assert_cmpint(multifd_queue_take(queue, &taker, NULL), ==, MULTIFD_TAKE_SYNC);
    multifd_queue_close(queue);
    g_assert_null(qemu_thread_join(&thread));
    multifd_queue_free(queue);
}

/* Each channel takes each SYNC once, and only when no job is left. */
static void test_sync_after_jobs(void)
{
    MultiFDQueue *queue = multifd_queue_new(2, 128, 1);
    MultiFDTaker a = { 0 }, b = { 0 };
    QemuThread thread;

    multifd_queue_put(queue, multifd_queue_get(queue));
    multifd_queue_put(queue, multifd_queue_get(queue));
    qemu_thread_create(&thread, "sync", sync_thread, queue,
                       QEMU_THREAD_JOINABLE);
    g_assert_cmpint(multifd_queue_take(queue, &a, NULL), ==, MULTIFD_TAKE_JOB);
    g_assert_cmpint(multifd_queue_take(queue, &b, NULL), ==, MULTIFD_TAKE_JOB);
    g_assert_cmpint(multifd_queue_take(queue, &b, b.job), ==,
                    MULTIFD_TAKE_SYNC);
    g_assert_cmpuint(b.packet_num, ==, 2);
    multifd_queue_synced(queue);
    g_assert_cmpint(multifd_queue_take(queue, &a, a.job), ==,
                    MULTIFD_TAKE_SYNC);
    g_assert_cmpuint(a.packet_num, ==, 3);
    multifd_queue_synced(queue);
    g_assert_true(qemu_thread_join(&thread) == queue);
    multifd_queue_free(queue);
}

/* A channel that sits on its job for ever holds up nobody. */
static void test_one_stalls(const void *data)
{
    unsigned run_nr_pages = GPOINTER_TO_UINT(data);
    MultiFDQueue *queue = multifd_queue_new(2, 128, 1);
    Taker taker = { .queue = queue };
    MultiFDTaker stalled = { 0 };

    multifd_queue_put(queue, multifd_queue_get(queue));
    g_assert_cmpint(multifd_queue_take(queue, &stalled, NULL), ==,
                    MULTIFD_TAKE_JOB);
    qemu_thread_create(&taker.thread, "taker", taker_thread, &taker,
                       QEMU_THREAD_JOINABLE);
    for (unsigned i = 0; i < 1000; i++) {
        MultiFDJob *job = multifd_queue_get(queue);

        g_assert_true(job != stalled.job);
        job->run_nr_pages = run_nr_pages;
        g_assert_true(multifd_queue_put(queue, job));
    }
    multifd_queue_close(queue);
    qemu_thread_join(&taker.thread);
    multifd_queue_free(queue);
}

/* All channels but one sit on as many jobs as they may hold. */
static void test_many_stall(void)
{
    const unsigned depth = ZERO_PAGE_DEPTH_MAX;
    MultiFDQueue *queue = multifd_queue_new(255, 1, depth);
    Taker taker = { .queue = queue, .depth = depth };
    g_autofree MultiFDTaker *stalled = g_new0(MultiFDTaker, 254);

    for (unsigned i = 0; i < 254 * depth; i++) {
        multifd_queue_put(queue, multifd_queue_get(queue));
        g_assert_cmpint(multifd_queue_take(queue, &stalled[i / depth], NULL),
                        ==, MULTIFD_TAKE_JOB);
    }
    qemu_thread_create(&taker.thread, "taker", taker_thread, &taker,
                       QEMU_THREAD_JOINABLE);
    for (unsigned i = 0; i < 10000; i++) {
        g_assert_true(multifd_queue_put(queue, multifd_queue_get(queue)));
    }
    multifd_queue_close(queue);
    qemu_thread_join(&taker.thread);
    multifd_queue_free(queue);
}

/* Each job has room for a packet, and none of it is another one's. */
static void test_pages_of_jobs(const void *data)
{
    unsigned packet_pages = GPOINTER_TO_UINT(data);
    MultiFDQueue *queue = multifd_queue_new(1, packet_pages, 1);
    MultiFDJob *jobs[3];

    for (unsigned i = 0; i < 3; i++) {
        jobs[i] = multifd_queue_get(queue);
        g_assert_cmpuint(jobs[i]->max_pages, ==, packet_pages);
        memset(jobs[i]->page, i, packet_pages * sizeof(uint64_t));
    }
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned p = 0; p < packet_pages; p++) {
            g_assert_cmphex(jobs[i]->page[p], ==, i * 0x0101010101010101);
        }
    }
    multifd_queue_free(queue);
}

/* A channel with jobs in hand does not wait when there is none to take. */
static void test_nothing(void)
{
    MultiFDQueue *queue = multifd_queue_new(1, 128, 2);
    MultiFDTaker taker = { 0 };
    MultiFDJob *first;

    multifd_queue_put(queue, multifd_queue_get(queue));
    multifd_queue_put(queue, multifd_queue_get(queue));
    g_assert_cmpint(multifd_queue_take(queue, &taker, NULL), ==,
                    MULTIFD_TAKE_JOB);
    first = taker.job;
    g_assert_cmpint(multifd_queue_take(queue, &taker, NULL), ==,
                    MULTIFD_TAKE_JOB);
    g_assert_true(taker.job != first);
    g_assert_cmpint(multifd_queue_take(queue, &taker, first), ==,
                    MULTIFD_TAKE_NOTHING);
    multifd_queue_put(queue, multifd_queue_get(queue));
    g_assert_cmpint(multifd_queue_take(queue, &taker, NULL), ==,
                    MULTIFD_TAKE_JOB);
    multifd_queue_free(queue);
}

/* A SYNC says that all before it has left: it waits for what is held. */
static void test_no_sync_for_a_holder(void)
{
    MultiFDQueue *queue = multifd_queue_new(2, 128, 2);
    MultiFDTaker holder = { 0 }, idle = { 0 };
    QemuThread thread;
    MultiFDJob *job;

    multifd_queue_put(queue, multifd_queue_get(queue));
    g_assert_cmpint(multifd_queue_take(queue, &holder, NULL), ==,
                    MULTIFD_TAKE_JOB);
    job = holder.job;
    qemu_thread_create(&thread, "sync", sync_thread, queue,
                       QEMU_THREAD_JOINABLE);
    /* It has begun when the other channel gets its SYNC. */
    g_assert_cmpint(multifd_queue_take(queue, &idle, NULL), ==,
                    MULTIFD_TAKE_SYNC);
    multifd_queue_synced(queue);
    g_assert_cmpint(multifd_queue_take(queue, &holder, NULL), ==,
                    MULTIFD_TAKE_NOTHING);
    g_assert_cmpint(multifd_queue_take(queue, &holder, job), ==,
                    MULTIFD_TAKE_SYNC);
    multifd_queue_synced(queue);
    g_assert_true(qemu_thread_join(&thread) == queue);
    multifd_queue_free(queue);
}

typedef struct ManyCase {
    unsigned depth;
    unsigned packet_pages;
} ManyCase;

/* Nothing is lost or doubled with many channels and many sync points. */
static void test_many(const void *data)
{
    const ManyCase *t = data;
    unsigned depth = t->depth;
    MultiFDQueue *queue = multifd_queue_new(8, t->packet_pages, depth);
    Taker takers[8];
    unsigned nr_jobs = 0;

    for (unsigned i = 0; i < 8; i++) {
        takers[i] = (Taker) { .queue = queue, .depth = depth };
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
    static const ManyCase many = { 1, 128 };
    static const ManyCase many_held = { ZERO_PAGE_DEPTH_MAX, 128 };
    static const ManyCase many_small = { ZERO_PAGE_DEPTH_MAX, 1 };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/multifd-queue/order and numbers", test_order);
    g_test_add_func("/multifd-queue/closed", test_closed);
    g_test_add_func("/multifd-queue/closing wakes get and take",
                    test_close_wakes);
    g_test_add_func("/multifd-queue/closing wakes sync",
                    test_close_wakes_sync);
    g_test_add_func("/multifd-queue/syncs come after jobs",
                    test_sync_after_jobs);
    g_test_add_func("/multifd-queue/numbers of a run", test_run_numbers);
    g_test_add_func("/multifd-queue/small jobs", test_small_jobs);
    g_test_add_func("/multifd-queue/who has something unsent does not wait",
                    test_unsent);
    g_test_add_data_func("/multifd-queue/one channel stalls",
                         GUINT_TO_POINTER(0), test_one_stalls);
    g_test_add_data_func("/multifd-queue/one channel stalls, runs of holes",
                         GUINT_TO_POINTER(2048), test_one_stalls);
    g_test_add_func("/multifd-queue/all channels but one stall",
                    test_many_stall);
    g_test_add_data_func("/multifd-queue/jobs of one page",
                         GUINT_TO_POINTER(1), test_pages_of_jobs);
    g_test_add_data_func("/multifd-queue/jobs of 1024 pages",
                         GUINT_TO_POINTER(1024), test_pages_of_jobs);
    g_test_add_func("/multifd-queue/nothing for who has something",
                    test_nothing);
    g_test_add_func("/multifd-queue/no sync for who holds a job",
                    test_no_sync_for_a_holder);
    g_test_add_data_func("/multifd-queue/many channels", &many, test_many);
    g_test_add_data_func("/multifd-queue/many channels that hold many",
                         &many_held, test_many);
    g_test_add_data_func("/multifd-queue/many channels and small jobs",
                         &many_small, test_many);
    return g_test_run();
}
