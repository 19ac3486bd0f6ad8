/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue of packets, its jobs and the numbers of packets.
 *
 * Entered by the migration thread, which fills, and by the multifdsend_N
 * threads, which empty.  What is in a job is their matter.  Both take and give
 * back several jobs at a time where they can, and signals are sent with the
 * lock let go, so that who is woken finds it free.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "migration/multifd/queue.h"

/*
 * Filled jobs a channel: enough that a channel finds the next one ready while
 * the migration thread walks over clean memory.
 */
#define QUEUE_DEPTH_PER_CHANNEL 8

/*
 * A channel takes several jobs with the lock held once where they are small:
 * about as many pages as one packet of the usual size has.
 */
#define QUEUE_BATCH_PAGES 128

/*
 * A run of holes is done faster than a channel wakes up: beside one that is
 * awake, or on its way, others are woken only when so many jobs wait.
 */
#define QUEUE_LIGHT_JOBS 4

struct MultiFDQueue {
    /* set once */
    MultiFDJob *jobs;
    uint64_t *pages;            /* of all jobs */
    unsigned nr_jobs;
    unsigned nr_channels;
    unsigned batch;             /* most jobs taken at a time */
    /* empty jobs at which a waiting migration thread is woken */
    unsigned wake_at;

    /* the migration thread's */
    MultiFDJob **own;           /* a stack of empty jobs, nr_jobs entries */
    unsigned nr_own;

    QemuMutex lock;
    QemuCond filled;            /* the channels wait: a job, a SYNC, closed */
    QemuCond emptied;           /* the migration thread waits */

    /* guarded by lock */
    MultiFDJob **fifo;          /* a ring of nr_jobs entries */
    unsigned first;
    unsigned nr_queued;
    MultiFDJob **spare;         /* a stack: the job used last is still cached */
    unsigned nr_spare;
    uint64_t next_packet_num;
    uint64_t nr_syncs;          /* SYNCs asked of each channel */
    unsigned nr_unsynced;       /* channels that have not sent the last one */
    unsigned nr_waiting;        /* channels that wait */
    bool producer_waits;
    /* guarded by lock; read without it by channels that have jobs ahead */
    bool closed;
};

MultiFDQueue *multifd_queue_new(unsigned nr_channels, unsigned packet_pages,
                                unsigned depth)
{
    MultiFDQueue *q = g_new0(MultiFDQueue, 1);
    unsigned max_held;

    q->nr_channels = nr_channels;
    q->batch = MIN(MAX(QUEUE_BATCH_PAGES / packet_pages, 1U),
                   (unsigned)MULTIFD_TAKE_MAX);
    /* When it takes some, a channel has all but one of its depth at most. */
    max_held = depth - 1 + q->batch;
    /* Those that the channels hold come on top, and two being filled. */
    q->nr_jobs = nr_channels * (QUEUE_DEPTH_PER_CHANNEL + max_held) + 2;
    q->wake_at = (q->nr_jobs - nr_channels * (max_held - 1)) / 2;
    q->jobs = g_new0(MultiFDJob, q->nr_jobs);
    q->pages = g_new0(uint64_t, (size_t)q->nr_jobs * packet_pages);
    q->fifo = g_new0(MultiFDJob *, q->nr_jobs);
    q->spare = g_new0(MultiFDJob *, q->nr_jobs);
    q->own = g_new0(MultiFDJob *, q->nr_jobs);
    for (unsigned i = 0; i < q->nr_jobs; i++) {
        q->jobs[i].max_pages = packet_pages;
        q->jobs[i].page = &q->pages[(size_t)i * packet_pages];
        q->own[q->nr_own++] = &q->jobs[i];
    }
    qemu_mutex_init(&q->lock);
    qemu_cond_init(&q->filled);
    qemu_cond_init(&q->emptied);
    return q;
}

void multifd_queue_free(MultiFDQueue *queue)
{
    if (!queue) {
        return;
    }
    qemu_cond_destroy(&queue->emptied);
    qemu_cond_destroy(&queue->filled);
    qemu_mutex_destroy(&queue->lock);
    g_free(queue->own);
    g_free(queue->spare);
    g_free(queue->fifo);
    g_free(queue->pages);
    g_free(queue->jobs);
    g_free(queue);
}

/* Has all empty jobs become the migration thread's; waits until there is one. */
static void multifd_queue_get_more(MultiFDQueue *queue)
{
    QEMU_LOCK_GUARD(&queue->lock);

    while (!queue->closed && queue->nr_spare == 0) {
        queue->producer_waits = true;
        qemu_cond_wait(&queue->emptied, &queue->lock);
    }
    queue->producer_waits = false;
    memcpy(queue->own, queue->spare, queue->nr_spare * sizeof(queue->own[0]));
    queue->nr_own = queue->nr_spare;
    queue->nr_spare = 0;
}

MultiFDJob *multifd_queue_get(MultiFDQueue *queue)
{
    MultiFDJob *job;

    if (queue->nr_own == 0) {
        multifd_queue_get_more(queue);
    }
    if (queue->nr_own == 0 || qatomic_read(&queue->closed)) {
        return NULL;
    }
    job = queue->own[--queue->nr_own];
    job->block = NULL;
    job->nr_data = 0;
    job->nr_holes = 0;
    job->run_nr_pages = 0;
    return job;
}

/*
 * Whether a channel is to be woken for @job, which was queued last.  One that is
 * awake finds it before it waits again; but content keeps a channel busy, and
 * is not left to it alone.
 */
static bool multifd_queue_wants_channel_locked(const MultiFDQueue *queue,
                                               const MultiFDJob *job)
{
    if (queue->nr_waiting == 0) {
        return false;
    }
    if (job->run_nr_pages == 0 || queue->nr_queued > QUEUE_LIGHT_JOBS) {
        return true;
    }
    return queue->nr_queued == 1 && queue->nr_waiting == queue->nr_channels;
}

bool multifd_queue_put(MultiFDQueue *queue, MultiFDJob *job)
{
    uint64_t nr_packets = 1;
    bool wake;

    if (job->run_nr_pages > 0) {
        nr_packets = DIV_ROUND_UP(job->run_nr_pages, job->max_pages);
    }
    WITH_QEMU_LOCK_GUARD(&queue->lock) {
        if (queue->closed) {
            return false;
        }
        job->packet_num = queue->next_packet_num;
        queue->next_packet_num += nr_packets;
        /* There is room: the ring has a place for every job there is. */
        queue->fifo[(queue->first + queue->nr_queued++) % queue->nr_jobs] = job;
        wake = multifd_queue_wants_channel_locked(queue, job);
    }
    if (wake) {
        qemu_cond_signal(&queue->filled);
    }
    return true;
}

bool multifd_queue_sync(MultiFDQueue *queue)
{
    QEMU_LOCK_GUARD(&queue->lock);

    queue->nr_syncs++;
    queue->nr_unsynced = queue->nr_channels;
    qemu_cond_broadcast(&queue->filled);
    while (!queue->closed && queue->nr_unsynced > 0) {
        qemu_cond_wait(&queue->emptied, &queue->lock);
    }
    return !queue->closed;
}

/* Returns true when the migration thread is to be woken. */
static bool multifd_queue_give_back_locked(MultiFDQueue *queue,
                                           MultiFDTaker *taker)
{
    for (unsigned i = 0; i < taker->nr_done; i++) {
        queue->spare[queue->nr_spare++] = taker->done[i];
    }
    taker->nr_done = 0;
    /*
     * Waking the migration thread for each single job would have it and the
     * channels take turns.  As many as wake_at come back even if all channels
     * but one stall: that is below what is left when each of them keeps all
     * that it may hold, and a channel that finds the queue empty gives back
     * all of its own before it waits.
     */
    if (queue->producer_waits && queue->nr_spare >= queue->wake_at) {
        queue->producer_waits = false;
        return true;
    }
    return false;
}

/* Takes the next job, and where there are many, more for the next calls. */
static void multifd_queue_take_jobs_locked(MultiFDQueue *queue,
                                           MultiFDTaker *taker)
{
    unsigned share = queue->nr_queued / queue->nr_channels;
    unsigned nr = MIN(MAX(share, 1U), queue->batch);

    for (unsigned i = 0; i < nr; i++) {
        taker->ahead[i] = queue->fifo[queue->first];
        queue->first = (queue->first + 1) % queue->nr_jobs;
    }
    queue->nr_queued -= nr;
    taker->ahead_pos = 0;
    taker->nr_ahead = nr;
}

static MultiFDTake multifd_queue_give_ahead(MultiFDTaker *taker)
{
    taker->job = taker->ahead[taker->ahead_pos++];
    taker->nr_ahead--;
    taker->nr_held++;
    return MULTIFD_TAKE_JOB;
}

static void multifd_queue_wait_locked(MultiFDQueue *queue, bool *wake)
    TSA_REQUIRES(&queue->lock);
static MultiFDTake multifd_queue_take_locked(MultiFDQueue *queue,
                                             MultiFDTaker *taker, bool *wake)
    TSA_REQUIRES(&queue->lock);

/* The migration thread is woken before the channel sleeps. */
static void multifd_queue_wait_locked(MultiFDQueue *queue, bool *wake)
{
    if (*wake) {
        qemu_cond_signal(&queue->emptied);
        *wake = false;
    }
    queue->nr_waiting++;
    qemu_cond_wait(&queue->filled, &queue->lock);
    queue->nr_waiting--;
}

static MultiFDTake multifd_queue_take_locked(MultiFDQueue *queue,
                                             MultiFDTaker *taker, bool *wake)
{
    *wake = multifd_queue_give_back_locked(queue, taker);
    while (!queue->closed && queue->nr_queued == 0 && taker->nr_held == 0 &&
           !taker->unsent && taker->nr_syncs == queue->nr_syncs) {
        multifd_queue_wait_locked(queue, wake);
    }
    if (queue->closed) {
        return MULTIFD_TAKE_CLOSED;
    }
    if (queue->nr_queued > 0) {
        multifd_queue_take_jobs_locked(queue, taker);
        return multifd_queue_give_ahead(taker);
    }
    if (taker->nr_held > 0 || taker->nr_syncs == queue->nr_syncs) {
        return MULTIFD_TAKE_NOTHING;
    }
    taker->nr_syncs++;
    taker->packet_num = queue->next_packet_num++;
    return MULTIFD_TAKE_SYNC;
}

MultiFDTake multifd_queue_take(MultiFDQueue *queue, MultiFDTaker *taker,
                               MultiFDJob *done)
{
    MultiFDTake take;
    bool wake;

    if (done) {
        taker->nr_held--;
        taker->done[taker->nr_done++] = done;
    }
    /* There is room for one job done for each that was taken ahead. */
    if (taker->nr_ahead > 0 && !qatomic_read(&queue->closed)) {
        return multifd_queue_give_ahead(taker);
    }
    WITH_QEMU_LOCK_GUARD(&queue->lock) {
        take = multifd_queue_take_locked(queue, taker, &wake);
    }
    if (wake) {
        qemu_cond_signal(&queue->emptied);
    }
    return take;
}

void multifd_queue_synced(MultiFDQueue *queue)
{
    bool last;

    WITH_QEMU_LOCK_GUARD(&queue->lock) {
        last = --queue->nr_unsynced == 0;
    }
    if (last) {
        qemu_cond_signal(&queue->emptied);
    }
}

void multifd_queue_close(MultiFDQueue *queue)
{
    QEMU_LOCK_GUARD(&queue->lock);

    qatomic_set(&queue->closed, true);
    qemu_cond_broadcast(&queue->filled);
    qemu_cond_broadcast(&queue->emptied);
}
