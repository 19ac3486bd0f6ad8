/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work queue of the software DSA device: what was accepted, and what the
 * engines have in hand.  For util/dsa-soft*.c.
 *
 * Threads: any.  Locks: DsaSoftQueue::lock, with no other taken under it.
 */
#ifndef UTIL_DSA_SOFT_QUEUE_H
#define UTIL_DSA_SOFT_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/idxd.h"
#include "qemu/queue.h"
#include "qemu/thread.h"
#include "dsa-soft-fault.h"

/* A descriptor that was submitted by itself. */
typedef struct DsaSoftWork {
    struct dsa_hw_desc desc;
    uint64_t number;            /* in the order of acceptance */
    int64_t accepted_ns;        /* for the timing model */
    QLIST_ENTRY(DsaSoftWork) next;
} DsaSoftWork;

typedef struct DsaSoftQueue {
    /* set once */
    DsaSoftFaults *faults;
    unsigned size;              /* entries */
    QemuMutex lock;
    QemuCond arrived;           /* or closed */
    QemuCond finished;
    QemuCond closed;
    /* guarded by lock */
    DsaSoftWork *entry;         /* a ring */
    unsigned first;
    unsigned nr_entries;        /* accepted, not dispatched */
    uint64_t nr_accepted;
    QLIST_HEAD(, DsaSoftWork) running;
    /* atomic; written under lock */
    bool closing;
} DsaSoftQueue;

/**
 * dsa_soft_queue_init:
 * @queue: to be set up, and destroyed with dsa_soft_queue_destroy()
 * @faults: whether the device still works; outlives it
 * @size: entries
 */
void dsa_soft_queue_init(DsaSoftQueue *queue, DsaSoftFaults *faults,
                         unsigned size);

/**
 * dsa_soft_queue_destroy:
 * @queue: a queue that nobody uses any more
 */
void dsa_soft_queue_destroy(DsaSoftQueue *queue);

/**
 * dsa_soft_queue_push:
 * @queue: the queue
 * @desc: a descriptor
 * @limit: entries it may have afterwards, at most its size
 * @now_ns: the time, for the timing model
 *
 * Returns: false when it is full
 */
bool dsa_soft_queue_push(DsaSoftQueue *queue, const struct dsa_hw_desc *desc,
                         unsigned limit, int64_t now_ns);

/**
 * dsa_soft_queue_take:
 * @queue: the queue
 * @work: receives the oldest descriptor; in hand until
 *        dsa_soft_queue_finish()
 *
 * Waits for work, for ever while the device is stuck.  Its entry is free from
 * then on.
 * Returns: false when the queue is closed and nothing is left that can be done
 */
bool dsa_soft_queue_take(DsaSoftQueue *queue, DsaSoftWork *work);

/**
 * dsa_soft_queue_begin:
 * @queue: the queue
 * @work: receives the descriptor; in hand until dsa_soft_queue_finish()
 * @desc: a descriptor
 * @now_ns: the time, for the timing model
 *
 * Lets a submitter do the work itself, past the entries.
 */
void dsa_soft_queue_begin(DsaSoftQueue *queue, DsaSoftWork *work,
                          const struct dsa_hw_desc *desc, int64_t now_ns);

/**
 * dsa_soft_queue_finish:
 * @queue: the queue
 * @work: what was in hand
 */
void dsa_soft_queue_finish(DsaSoftQueue *queue, DsaSoftWork *work);

/**
 * dsa_soft_queue_drain:
 * @queue: the queue
 * @work: in hand
 *
 * Waits until everything that was accepted before @work is finished.
 */
void dsa_soft_queue_drain(DsaSoftQueue *queue, const DsaSoftWork *work);

/**
 * dsa_soft_queue_wait_until:
 * @queue: the queue
 * @when_ns: a time of QEMU_CLOCK_REALTIME
 *
 * Waits for a time, or until the queue is closed.
 */
void dsa_soft_queue_wait_until(DsaSoftQueue *queue, int64_t when_ns);

/**
 * dsa_soft_queue_close:
 * @queue: the queue, which gets no more work
 *
 * Ends all waits; what is there is still done.
 */
void dsa_soft_queue_close(DsaSoftQueue *queue);

#endif /* UTIL_DSA_SOFT_QUEUE_H */
