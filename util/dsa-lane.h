/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane: one thread's way to the queues of a group, with what it has counted
 * and which queues it passes over for a while.
 *
 * Threads: a lane is its thread's, except for the counters, which any thread
 * may read.  No locks.
 */
#ifndef UTIL_DSA_LANE_H
#define UTIL_DSA_LANE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include <linux/idxd.h>

#include "qemu/dsa-types.h"
#include "dsa-completion.h"
#include "dsa-queue.h"

/* What the lanes of a group share; set before the first one. */
typedef struct DsaShared {
    DsaQueue **queue;
    unsigned nr_queues;
    bool several_nodes;         /* the queues are of more than one NUMA node */
    DsaCompleter *completer;
    unsigned batch_pages;
    unsigned timeout_ms;
    /* 1 in the process that made it, 0 in one that was forked from that */
    const uint32_t *fork_guard;
} DsaShared;

/* A lane's dealings with one queue. */
typedef struct DsaLaneQueue {
    DsaQueueCounters counters;  /* atomics with one writer */
    unsigned pass;              /* submissions for which it is passed over */
    unsigned last_pass;
    unsigned nr_full;           /* times in a row that it was full */
    int64_t full_since_ns;      /* the first of those */
} DsaLaneQueue;

struct DsaLane {
    const DsaShared *shared;
    unsigned index;             /* of the lane in its group */
    unsigned preferred;         /* the queue that is tried first */
    unsigned until_look;        /* batches until the node is asked for */
    DsaLaneQueue *queue;        /* [nr_queues] */
    DsaCounters counters;       /* atomics with one writer; queues unused */
    GPtrArray *batches;         /* owned */
    GPtrArray *left_behind;     /* buffers that a device may still write to */
};

/* Adds to a counter that one thread writes and others read. */
#define DSA_COUNT(counter, n) \
    qatomic_set(&(counter), qatomic_read(&(counter)) + (n))

/**
 * dsa_lane_alloc:
 * @shared: what the group's lanes share; outlives the lane
 * @index: how many lanes there were before
 *
 * Returns: a lane without batches
 */
DsaLane *dsa_lane_alloc(const DsaShared *shared, unsigned index);

/**
 * dsa_lane_free:
 * @lane: a lane whose batches are freed, or NULL
 */
void dsa_lane_free(DsaLane *lane);

/**
 * dsa_lane_is_forked:
 * @lane: a lane
 *
 * Returns: true in the child of a fork, where no queue may be touched
 */
bool dsa_lane_is_forked(const DsaLane *lane);

/**
 * dsa_lane_begin:
 * @lane: a lane
 * @page: a page of the batch that is about to be submitted
 *
 * Chooses the queue that is tried first.
 */
void dsa_lane_begin(DsaLane *lane, const void *page);

/**
 * dsa_lane_may_use:
 * @lane: a lane
 * @i: index of a queue
 *
 * Returns: false when it is given up, or was full a moment ago
 */
bool dsa_lane_may_use(DsaLane *lane, unsigned i);

/**
 * dsa_lane_offer:
 * @lane: a lane
 * @i: index of a queue
 * @desc: descriptors
 * @nr: how many
 *
 * Offers descriptors a bounded number of times, and passes the queue over for a
 * while when it stays full.
 * Returns: how many of the first were taken; 0 for none
 */
unsigned dsa_lane_offer(DsaLane *lane, unsigned i,
                        const struct dsa_hw_desc *desc, unsigned nr);

#endif /* UTIL_DSA_LANE_H */
