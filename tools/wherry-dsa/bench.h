/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of `wherry-dsa bench` share: the settings, one measurement,
 * and the library's own cost.
 *
 * Main thread; a measurement starts threads and ends them.
 */
#ifndef WHERRY_DSA_BENCH_H
#define WHERRY_DSA_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>

#include "qapi/error.h"
#include "qemu/dsa.h"

/* How many batches a thread keeps under way, as a multifd channel does. */
#define BENCH_DEPTH 2

typedef struct BenchSettings {
    const char *path;
    DsaCompletion completion;
    unsigned packet_pages;
    unsigned nr_threads;
    unsigned time_ms;           /* of one measurement */
    unsigned timeout_ms;
    uint64_t size_bytes;        /* of the memory to look at */
    size_t page_size;
} BenchSettings;

typedef enum BenchPattern {
    BENCH_ZERO,
    BENCH_HALF,
    BENCH_RANDOM,
    BENCH_PATTERN__MAX,
} BenchPattern;

typedef struct BenchMemory {
    uint8_t *base;
    uint64_t nr_pages;          /* whole packets for each thread */
    BenchPattern pattern;
} BenchMemory;

/* Who looks: a group of queues, or a body of the CPU's zero test. */
typedef struct BenchWorker {
    const char *name;
    DsaGroup *group;            /* NULL: the CPU */
    int impl;                   /* of buffer_is_zero_with(); -1: the usual
                                   entry, with its probes */
} BenchWorker;

typedef struct BenchResult {
    uint64_t pages;
    uint64_t wall_ns;
    uint64_t sender_ns;         /* CPU time of the threads that ask */
    uint64_t process_ns;        /* CPU time of all threads */
} BenchResult;

/* What submitting and waiting cost on a queue that does nothing. */
typedef struct BenchCost {
    unsigned packets;
    unsigned packet_pages;
    double ns_per_page;
    double instructions_per_page; /* negative: cannot be counted here */
    char *why_not;              /* then the reason */
} BenchCost;

/**
 * bench_memory_new:
 * @settings: how much
 * @errp: where to put the reason, or NULL
 *
 * Returns: present memory, all zero, to be freed with bench_memory_free();
 *          NULL when there is not as much
 */
BenchMemory *bench_memory_new(const BenchSettings *settings, Error **errp);

/**
 * bench_memory_free:
 * @memory: memory that nobody looks at any more, or NULL
 */
void bench_memory_free(BenchMemory *memory);

/**
 * bench_memory_fill:
 * @settings: of the memory
 * @memory: receives the pattern
 * @pattern: which pages are zero
 */
void bench_memory_fill(const BenchSettings *settings, BenchMemory *memory,
                       BenchPattern pattern);

/**
 * bench_pattern_name:
 * @pattern: which
 *
 * Returns: "zero", "half" or "random"; static
 */
const char *bench_pattern_name(BenchPattern pattern);

/**
 * bench_compare:
 * @settings: of the memory
 * @memory: filled
 * @group: whose answers are compared with the CPU's
 * @errp: where to put the reason, or NULL
 *
 * Returns: false at the first page that they disagree on
 */
bool bench_compare(const BenchSettings *settings, const BenchMemory *memory,
                   DsaGroup *group, Error **errp);

/**
 * bench_run:
 * @settings: how many threads, for how long
 * @memory: filled
 * @worker: who looks
 *
 * Returns: what it took
 */
BenchResult bench_run(const BenchSettings *settings,
                      const BenchMemory *memory, const BenchWorker *worker);

/**
 * bench_cost:
 * @settings: size of a packet, and how to wait
 * @packets: how many
 * @cost: receives what it took, to be released with bench_cost_clear();
 *        untouched on failure
 * @errp: where to put the reason, or NULL
 *
 * Measures the library alone, with a queue that answers without looking.
 * Returns: false when there cannot be such a queue
 */
bool bench_cost(const BenchSettings *settings, unsigned packets,
                BenchCost *cost, Error **errp);

/**
 * bench_cost_clear:
 * @cost: from bench_cost()
 */
void bench_cost_clear(BenchCost *cost);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BenchMemory, bench_memory_free)

#endif /* WHERRY_DSA_BENCH_H */
