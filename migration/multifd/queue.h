/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bounded queue between the migration thread and the multifdsend_N threads.
 * Its jobs, each the pages of one packet or a run of holes, are allocated once
 * and go round: empty to the migration thread, filled to whichever channel asks
 * next, empty again.  A channel may hold several at a time; one that stalls
 * keeps what it holds and delays no other.
 *
 * Threads: get, put and sync from the migration thread; take and synced from
 * the channels; close from any.
 * Locks: MultiFDQueue::lock, taken about once a job by the migration thread and
 * at most once by the channel; nothing else is taken while it is held.  Nobody
 * is woken who does not wait.
 */
#ifndef MIGRATION_MULTIFD_QUEUE_H
#define MIGRATION_MULTIFD_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "memory/ram.h"

typedef struct MultiFDQueue MultiFDQueue;

/*
 * The pages of one packet, owned by one thread at a time.  Pages to be looked
 * at stand at the front of @page; holes, which must not be touched, stand at
 * the back, the first one last.
 *
 * Or, with @run_nr_pages above zero, a run of holes and nothing else: as many
 * packets as it needs, with numbers that follow each other.
 */
typedef struct MultiFDJob {
    RAMBlock *block;            /* NULL while it is empty */
    uint64_t packet_num;        /* the first; given by multifd_queue_put() */
    int64_t charged_bytes;      /* what the rate limit has on account of it */
    unsigned nr_data;
    unsigned nr_holes;          /* nr_data + nr_holes <= max_pages */
    unsigned max_pages;         /* entries of page; set once */
    uint64_t *page;
    uint64_t run_first;         /* page */
    uint64_t run_nr_pages;      /* 0: no run */
} MultiFDJob;

/* What a channel is to do next. */
typedef enum MultiFDTake {
    MULTIFD_TAKE_JOB,       /* send the job's pages */
    MULTIFD_TAKE_NOTHING,   /* go on with what is held already */
    MULTIFD_TAKE_SYNC,      /* send a SYNC, then call multifd_queue_synced() */
    MULTIFD_TAKE_CLOSED,    /* end */
} MultiFDTake;

/* Most jobs that a channel takes, or gives back, with the lock held once. */
#define MULTIFD_TAKE_MAX 16

/* A channel's place at the queue; its thread's, zero at first. */
typedef struct MultiFDTaker {
    MultiFDJob *job;            /* with MULTIFD_TAKE_JOB: the one taken */
    uint64_t packet_num;        /* with MULTIFD_TAKE_SYNC: the SYNC's number */
    /* the channel's: it has headers that wait for company, and must not wait */
    bool unsent;
    /* the queue's own */
    unsigned nr_held;           /* jobs given to the channel and not done */
    uint64_t nr_syncs;          /* SYNCs taken so far */
    MultiFDJob *ahead[MULTIFD_TAKE_MAX];    /* taken, not given out yet */
    unsigned ahead_pos;
    unsigned nr_ahead;          /* from ahead_pos on */
    MultiFDJob *done[MULTIFD_TAKE_MAX];     /* done, not given back yet */
    unsigned nr_done;
} MultiFDTaker;

/**
 * multifd_queue_new:
 * @nr_channels: how many threads take jobs, 1 or more
 * @packet_pages: most pages of a job, 1 or more
 * @depth: how many jobs a channel holds at most, 1 or more
 *
 * Returns: an open queue with nothing in it
 */
MultiFDQueue *multifd_queue_new(unsigned nr_channels, unsigned packet_pages,
                                unsigned depth);

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
 * Queues a job and gives it the next number, or the next ones.  Does not wait.
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
 * @taker: the channel's place
 * @done: a job that was sent, to be given back; NULL if there is none
 *
 * Waits for something to do, but only for a channel that holds no job besides
 * @done and has nothing @unsent: one that does has something to do, and gets
 * another job or nothing.  Nor is one that holds a job given a SYNC, for that
 * says that all jobs taken before have left; what is @unsent leaves with it.
 * Context: a multifdsend_N thread.
 * Returns: what to do
 */
MultiFDTake multifd_queue_take(MultiFDQueue *queue, MultiFDTaker *taker,
                               MultiFDJob *done);

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
