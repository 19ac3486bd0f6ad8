/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue of packets, its jobs and the numbers of packets.
 *
 * Entered by the migration thread, which fills, and by the multifdsend_N
 * threads, which empty.  What is in a job is their matter.
 */
#include "qemu/osdep.h"
#include "qemu/thread.h"
#include "migration/multifd/queue.h"

/*
 * Filled jobs a channel: enough that a channel finds the next one ready while
 * the migration thread walks over clean memory.
 */
#define QUEUE_DEPTH_PER_CHANNEL 4

struct MultiFDQueue {
    /* set once */
    MultiFDJob *jobs;
    uint64_t *pages;            /* of all jobs */
    unsigned nr_jobs;
    unsigned nr_channels;
    /* empty jobs at which a waiting migration thread is woken */
    unsigned wake_at;

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
    bool producer_waits;
    bool closed;
};

MultiFDQueue *multifd_queue_new(unsigned nr_channels, unsigned packet_pages,
                                unsigned depth)
{
    MultiFDQueue *q = g_new0(MultiFDQueue, 1);

    q->nr_channels = nr_channels;
    /* Those that the channels hold come on top, and two being filled. */
    q->nr_jobs = nr_channels * (QUEUE_DEPTH_PER_CHANNEL + depth) + 2;
    q->wake_at = (q->nr_jobs - nr_channels * (depth - 1)) / 2;
    q->jobs = g_new0(MultiFDJob, q->nr_jobs);
    q->pages = g_new0(uint64_t, (size_t)q->nr_jobs * packet_pages);
    q->fifo = g_new0(MultiFDJob *, q->nr_jobs);
    q->spare = g_new0(MultiFDJob *, q->nr_jobs);
    for (unsigned i = 0; i < q->nr_jobs; i++) {
        q->jobs[i].max_pages = packet_pages;
        q->jobs[i].page = &q->pages[(size_t)i * packet_pages];
        q->spare[q->nr_spare++] = &q->jobs[i];
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
    g_free(queue->spare);
    g_free(queue->fifo);
    g_free(queue->pages);
    g_free(queue->jobs);
    g_free(queue);
}

MultiFDJob *multifd_queue_get(MultiFDQueue *queue)
{
    MultiFDJob *job;

    QEMU_LOCK_GUARD(&queue->lock);
    while (!queue->closed && queue->nr_spare == 0) {
        queue->producer_waits = true;
        qemu_cond_wait(&queue->emptied, &queue->lock);
    }
    queue->producer_waits = false;
    if (queue->closed) {
        return NULL;
    }
    job = queue->spare[--queue->nr_spare];
    job->block = NULL;
    job->nr_data = 0;
    job->nr_holes = 0;
    return job;
}

bool multifd_queue_put(MultiFDQueue *queue, MultiFDJob *job)
{
    QEMU_LOCK_GUARD(&queue->lock);

    if (queue->closed) {
        return false;
    }
    job->packet_num = queue->next_packet_num++;
    /* There is room: the ring has a place for every job there is. */
    queue->fifo[(queue->first + queue->nr_queued++) % queue->nr_jobs] = job;
    qemu_cond_signal(&queue->filled);
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

static void multifd_queue_give_back_locked(MultiFDQueue *queue,
                                           MultiFDTaker *taker,
                                           MultiFDJob *job)
{
    taker->nr_held--;
    queue->spare[queue->nr_spare++] = job;
    /*
     * Waking the migration thread for each single job would have it and the
     * channels take turns.  As many as wake_at come back even if all channels
     * but one stall: that is below what is left when each of them keeps all
     * that it may hold, and a channel that finds the queue empty gives back
     * all of its own before it waits.
     */
    if (queue->producer_waits && queue->nr_spare >= queue->wake_at) {
        queue->producer_waits = false;
        qemu_cond_signal(&queue->emptied);
    }
}

MultiFDTake multifd_queue_take(MultiFDQueue *queue, MultiFDTaker *taker,
                               MultiFDJob *done)
{
    QEMU_LOCK_GUARD(&queue->lock);

    if (done) {
        multifd_queue_give_back_locked(queue, taker, done);
    }
    while (!queue->closed && queue->nr_queued == 0 && taker->nr_held == 0 &&
           taker->nr_syncs == queue->nr_syncs) {
        qemu_cond_wait(&queue->filled, &queue->lock);
    }
    if (queue->closed) {
        return MULTIFD_TAKE_CLOSED;
    }
    if (queue->nr_queued > 0) {
        taker->job = queue->fifo[queue->first];
        queue->first = (queue->first + 1) % queue->nr_jobs;
        queue->nr_queued--;
        taker->nr_held++;
        return MULTIFD_TAKE_JOB;
    }
    if (taker->nr_held > 0) {
        return MULTIFD_TAKE_NOTHING;
    }
    taker->nr_syncs++;
    taker->packet_num = queue->next_packet_num++;
    return MULTIFD_TAKE_SYNC;
}

void multifd_queue_synced(MultiFDQueue *queue)
{
    QEMU_LOCK_GUARD(&queue->lock);

    if (--queue->nr_unsynced == 0) {
        qemu_cond_signal(&queue->emptied);
    }
}

void multifd_queue_close(MultiFDQueue *queue)
{
    QEMU_LOCK_GUARD(&queue->lock);

    queue->closed = true;
    qemu_cond_broadcast(&queue->filled);
    qemu_cond_broadcast(&queue->emptied);
}
