/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps that prove a group of queues: what is submitted and what has to
 * come back.
 *
 * Main thread; one step starts threads and ends them.
 */
#ifndef WHERRY_DSA_TEST_STEPS_H
#define WHERRY_DSA_TEST_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>

#include "qemu/dsa.h"

/* Batches that are under way at once in one of the steps. */
#define TEST_FLIGHTS 4

/* A group under test. */
typedef struct TestBench {
    DsaGroup *group;
    DsaLane *lane;
    DsaBatch *batch[TEST_FLIGHTS];
    size_t page_size;
    unsigned nr_pages;          /* of a full batch */
    uint8_t *mem;               /* as many pages, present, and zero between
                                   steps */
    const uint8_t **page;       /* their addresses */
    unsigned long *zero;        /* for answers */
} TestBench;

typedef struct TestStep {
    const char *name;
    /* False with the reason in @why; true with or without a remark there. */
    bool (*run)(TestBench *bench, GString *why);
} TestStep;

/**
 * test_steps:
 * @nr: receives how many there are
 *
 * Returns: the steps in their order, a constant table
 */
const TestStep *test_steps(size_t *nr);

/**
 * test_bench_new:
 * @group: outlives the bench
 * @nr_pages: most pages of a batch of @group
 *
 * Returns: a bench with memory of its own; test_bench_free() comes after
 *          @group was freed
 */
TestBench *test_bench_new(DsaGroup *group, unsigned nr_pages);

/**
 * test_bench_free:
 * @bench: a bench whose group is gone, or NULL
 */
void test_bench_free(TestBench *bench);

/**
 * test_step_run:
 * @step: what to do
 * @bench: with what
 * @why: receives the reason, or a remark
 *
 * Does one step and holds the queues to having done it, rather than the CPU in
 * their place.
 * Returns: true when the step is passed
 */
bool test_step_run(const TestStep *step, TestBench *bench, GString *why);

#endif /* WHERRY_DSA_TEST_STEPS_H */
