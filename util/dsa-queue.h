/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A work queue as the library sees it: something that takes descriptors, with
 * the limits it has and the reason why it is used no more.  Backends: mapped
 * portals and write() (dsa-device.c), the software device (dsa-software.c), and
 * the one that is no device at all (dsa-null.c).
 *
 * Threads: any, at once.
 * Locks: DsaQueue::lock; nothing else is taken while it is held.
 */
#ifndef UTIL_DSA_QUEUE_H
#define UTIL_DSA_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/idxd.h>

#include "qemu/thread.h"

typedef struct DsaQueue DsaQueue;

typedef struct DsaQueueOps {
    /* for people: "enqcmd", "movdir64b", "write", "soft", "null" */
    const char *name;
    /*
     * Offers @nr descriptors, which lie one behind the other.  Returns how many
     * of the first were taken; 0 when the queue is full; -errno when it cannot
     * work.
     */
    int (*submit)(DsaQueue *q, const struct dsa_hw_desc *desc, unsigned nr);
    /* One submit costs the same for many descriptors: needs no batches. */
    bool takes_many;
    /* The queue has been proven.  NULL: does not care. */
    void (*proved)(DsaQueue *q);
    /* Drains and frees it; nothing is written to memory any more. */
    void (*free)(DsaQueue *q);
    /* The same in the child of a fork, where no thread and no mapping is. */
    void (*abandon)(DsaQueue *q);
} DsaQueueOps;

struct DsaQueue {
    /* set before others see it */
    const DsaQueueOps *ops;
    char *path;                 /* as a user would write it, without "dsa:" */
    bool dedicated;
    unsigned size;              /* entries; what a dedicated queue may hold */
    unsigned max_batch;         /* descriptors of a batch; below 2: none */
    int numa_node;              /* -1: not known */
    bool rings;                 /* completions ring the group's bell */
    void *left_behind;          /* mapped memory that it may still write to */
    size_t left_bytes;

    /* atomics */
    uint32_t nr_held;           /* entries of a dedicated queue in use */
    bool given_up;

    QemuMutex lock;
    /* guarded by lock */
    char *reason;               /* why it was given up */
    char *warning;              /* a sentence that nobody has taken yet */
    bool warned;
};

/**
 * dsa_queue_init:
 * @q: the part of a backend's queue that is ours
 * @ops: the backend
 * @path: what to call it; copied
 */
void dsa_queue_init(DsaQueue *q, const DsaQueueOps *ops, const char *path);

/**
 * dsa_queue_destroy:
 * @q: to be undone; called by the backend's free
 */
void dsa_queue_destroy(DsaQueue *q);

/**
 * dsa_queue_forget:
 * @q: to be undone in the child of a fork; called by the backend's abandon
 *
 * As dsa_queue_destroy(), less the lock, which a thread may hold that only the
 * parent has.
 */
void dsa_queue_forget(DsaQueue *q);

/**
 * dsa_queue_submit:
 * @q: a queue
 * @desc: descriptors at a multiple of 64, one behind the other
 * @nr: how many
 *
 * Offers descriptors once.  Each that is taken of a dedicated queue has to be
 * given back with dsa_queue_release() when its record has been seen.
 * Returns: how many of the first were taken, 0 when it is full, -errno when the
 *          queue cannot work
 */
int dsa_queue_submit(DsaQueue *q, const struct dsa_hw_desc *desc, unsigned nr);

/**
 * dsa_queue_release:
 * @q: a queue
 * @nr: how many descriptors that it took are done
 */
void dsa_queue_release(DsaQueue *q, unsigned nr);

/**
 * dsa_queue_is_given_up:
 * @q: a queue
 *
 * Returns: true when it is to be used no more
 */
bool dsa_queue_is_given_up(DsaQueue *q);

/**
 * dsa_queue_give_up:
 * @q: a queue
 * @fmt: why, as for printf(); the first reason stays
 *
 * Has everybody leave the queue alone from now on.
 */
void dsa_queue_give_up(DsaQueue *q, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);

/**
 * dsa_queue_warn_full:
 * @q: a queue
 * @full_ms: for how long it has been full
 *
 * Notes it as the queue's warning, unless there was one before.
 */
void dsa_queue_warn_full(DsaQueue *q, unsigned full_ms);

/**
 * dsa_queue_reason:
 * @q: a queue
 *
 * Returns: a copy of why it was given up, to be freed; NULL when it was not
 */
char *dsa_queue_reason(DsaQueue *q);

/**
 * dsa_queue_take_warning:
 * @q: a queue
 *
 * Returns: what is to be told about it, once, to be freed; NULL otherwise
 */
char *dsa_queue_take_warning(DsaQueue *q);

/**
 * dsa_queue_free:
 * @q: a queue nobody uses any more, or NULL
 *
 * Drains and closes it.
 */
void dsa_queue_free(DsaQueue *q);

/**
 * dsa_queue_abandon:
 * @q: a queue that the process this one was forked from has opened
 *
 * Frees what this process has of it.
 */
void dsa_queue_abandon(DsaQueue *q);

#endif /* UTIL_DSA_QUEUE_H */
