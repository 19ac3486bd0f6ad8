/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue that answers what a test tells it to, at once or when it is told to,
 * and a place to use it from: what a group is, less the opening.
 *
 * Threads: one submits to a queue at a time, unless nothing is held.
 */
#ifndef TESTS_UNIT_UTIL_DSA_FAKE_H
#define TESTS_UNIT_UTIL_DSA_FAKE_H

#include <linux/idxd.h>

#include "qemu/dsa.h"
#include "dsa-fixture.h"
#include "util/dsa-lane.h"

#define DSA_FAKE_HELD_MAX 64

/* What is written into a record; status 0: nothing is. */
typedef struct DsaFakeAnswer {
    uint8_t status;
    uint8_t result;
    uint32_t bytes_completed;
} DsaFakeAnswer;

typedef struct DsaFake {
    DsaQueue queue;

    /* set by the test */
    bool honest;                /* compares are done as by a working device */
    DsaFakeAnswer member;       /* of each compare, when it is not honest */
    unsigned nr_answered;       /* only so many first members, if not 0 */
    DsaFakeAnswer batch;        /* of each batch */
    bool hold;                  /* answers come with dsa_fake_finish() */
    bool refuse;
    int refuses;                /* what submit returns then: 0 or -errno */
    unsigned takes;             /* descriptors in one go, if not 0 */

    /* what it was given */
    unsigned nr_batches;
    unsigned nr_plain;
    unsigned nr_held;
    unsigned longest_batch;
    struct dsa_hw_desc held[DSA_FAKE_HELD_MAX];
} DsaFake;

/**
 * dsa_fake_new:
 * @max_batch: descriptors of a batch; below 2: takes none
 *
 * Returns: an honest queue, freed with the place it is used from
 */
DsaFake *dsa_fake_new(unsigned max_batch);

/**
 * dsa_fake_do:
 * @f: a queue
 * @desc: what was submitted to it some other way
 *
 * Answers it at once.
 */
void dsa_fake_do(DsaFake *f, const struct dsa_hw_desc *desc);

/**
 * dsa_fake_finish:
 * @f: a queue that holds
 *
 * Answers all that is held, in the order in which it came.
 */
void dsa_fake_finish(DsaFake *f);

typedef struct DsaRig {
    uint32_t fork_guard;
    DsaBell bell;
    DsaShared shared;
    GPtrArray *lanes;
    DsaLane *lane;              /* the first one */
} DsaRig;

/**
 * dsa_rig_new:
 * @completion: how to wait
 * @timeout_ms: how long
 * @q: the first queue; NULL behind the last one
 *
 * Returns: a place with one lane; owns the queues
 */
DsaRig *dsa_rig_new(DsaCompletion completion, unsigned timeout_ms,
                    DsaQueue *q, ...) G_GNUC_NULL_TERMINATED;

/**
 * dsa_rig_lane:
 * @rig: a place, which owns the lane
 *
 * Returns: one more lane, which prefers the next queue
 */
DsaLane *dsa_rig_lane(DsaRig *rig);

/**
 * dsa_rig_free:
 * @rig: a place
 *
 * Frees in the order in which groups do.
 */
void dsa_rig_free(DsaRig *rig);

/* A queue, a lane and a batch, and pages of which every third one is zero. */
typedef struct DsaBench {
    DsaFake *fake;
    DsaRig *rig;
    DsaBatch *b;
    DsaPages *p;
} DsaBench;

/**
 * dsa_bench_start:
 * @x: to be filled in, with DSA_TEST_PAGES pages
 * @completion: how to wait
 * @timeout_ms: how long
 * @max_batch: descriptors of a batch; below 2: none
 */
void dsa_bench_start(DsaBench *x, DsaCompletion completion,
                     unsigned timeout_ms, unsigned max_batch);

/**
 * dsa_bench_end:
 * @x: to be undone
 */
void dsa_bench_end(DsaBench *x);

/**
 * dsa_bench_cpu_pages:
 * @x: a bench
 * @reason: why
 *
 * Returns: pages that the CPU looked at for that reason
 */
uint64_t dsa_bench_cpu_pages(const DsaBench *x, DsaCpuReason reason);

/**
 * dsa_bench_assert_given_up:
 * @x: a bench
 * @what: stands in the one warning, which it takes
 */
void dsa_bench_assert_given_up(DsaBench *x, const char *what);

/**
 * dsa_bench_assert_trusted:
 * @x: a bench whose queue is not given up and has no warning
 */
void dsa_bench_assert_trusted(DsaBench *x);

#endif /* TESTS_UNIT_UTIL_DSA_FAKE_H */
