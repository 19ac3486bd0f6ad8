/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bounded queue between the migration thread and the multifdsend_N threads.
 * Its jobs, each the pages of one packet, are allocated once and go round:
 * empty to the migration thread, filled to whichever channel asks next, empty
 * again. A channel that stalls keeps one job and delays no other.
 *
 * Threads: get, put and sync from the migration thread; take and synced from
 * the channels; close from any.
 * Locks: MultiFDQueue::lock, taken once or twice a packet; nothing else is
 * taken while it is held.
 */
#ifndef MIGRATION_MULTIFD_QUEUE_H
#define MIGRATION_MULTIFD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "memory/ram.h"
#include "migration/stream/multifd-packet.h"

typedef struct MultiFDQueue MultiFDQueue;

/*
 * The pages of one packet, owned by one thread at a time.  Pages to be looked
 * at stand at the front of @page; holes, which must not be touched, stand at
 * the back, the first one last.
 */
typedef struct MultiFDJob {
    RAMBlock *block;            /* NULL while it is empty */
    uint64_t packet_num;        /* given by multifd_queue_put() */
    int64_t charged_bytes;      /* what the rate limit has on account of it */
    unsigned nr_data;
    unsigned nr_holes;          /* nr_data + nr_holes <= 128 */
    uint64_t page[MULTIFD_PACKET_PAGES];
} MultiFDJob;

/* What a channel is to do next. */
typedef enum MultiFDTake {
    MULTIFD_TAKE_JOB,       /* send the job's pages */
    MULTIFD_TAKE_SYNC,      /* send a SYNC, then call multifd_queue_synced() */
    MULTIFD_TAKE_CLOSED,    /* end */
} MultiFDTake;

/* A channel's place at the queue; its thread's, zero at first. */
typedef struct MultiFDTaker {
    MultiFDJob *job;            /* with MULTIFD_TAKE_JOB; given back by take */
    uint64_t packet_num;        /* with MULTIFD_TAKE_SYNC: the SYNC's number */
    uint64_t nr_syncs;          /* SYNCs taken so far */
} MultiFDTaker;

/**
 * multifd_queue_new:
 * @nr_channels: how many threads take jobs, 1 or more
 *
 * Returns: an open queue with nothing in it
 */
MultiFDQueue *multifd_queue_new(unsigned nr_channels);

/**
 * multifd_queue_free:
 * @queue: a queue that no thread uses any more, or NULL
 */
void multifd_queue_free(MultiFDQueue *queue);

/**
 * multifd_queue_get:
 * @queue: a queue
 *
 * Waits for an empty job.
 * Context: the migration thread.
 * Returns: the job, to be handed on with multifd_queue_put(); NULL when the
 *          queue was closed
 */
MultiFDJob *multifd_queue_get(MultiFDQueue *queue);

/**
 * multifd_queue_put:
 * @queue: a queue
 * @job: a filled job from multifd_queue_get(), no longer the caller's
 *
 * Queues a packet and gives it the next number.  Does not wait.
 * Context: the migration thread.
 * Returns: false when the queue was closed
 */
bool multifd_queue_put(MultiFDQueue *queue, MultiFDJob *job);

/**
 * multifd_queue_sync:
 * @queue: a queue
 *
 * Has each channel take one SYNC after the jobs that are queued, and waits
 * until all SYNCs are sent.
 * Context: the migration thread.
 * Returns: false when the queue was closed
 */
bool multifd_queue_sync(MultiFDQueue *queue);

/**
 * multifd_queue_take:
 * @queue: a queue
 * @taker: the channel's place; a job in it is given back
 *
 * Waits for something to do.
 * Context: a multifdsend_N thread.
 * Returns: what to do
 */
MultiFDTake multifd_queue_take(MultiFDQueue *queue, MultiFDTaker *taker);

/**
 * multifd_queue_synced:
 * @queue: a queue
 *
 * Says that the SYNC taken last has left.
 * Context: a multifdsend_N thread.
 */
void multifd_queue_synced(MultiFDQueue *queue);

/**
 * multifd_queue_close:
 * @queue: a queue
 *
 * Ends all waits, now and from now on; what is queued is dropped.
 * Context: any thread.
 */
void multifd_queue_close(MultiFDQueue *queue);

#endif
