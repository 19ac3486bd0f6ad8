/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long hardware would take.  For util/dsa-soft*.c.
 *
 * Threads: a DsaSoftTiming is for all, a DsaSoftClock for one.
 */
#ifndef UTIL_DSA_SOFT_TIMING_H
#define UTIL_DSA_SOFT_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "dsa-soft-options-internal.h"

typedef struct DsaSoftTiming {
    const DsaSoftConfig *config;        /* set once */
    int64_t memory_free_ns;             /* atomic: when engines may read on */
} DsaSoftTiming;

/* Of one submission; times of QEMU_CLOCK_REALTIME. */
typedef struct DsaSoftClock {
    DsaSoftTiming *timing;              /* NULL: off */
    int64_t accepted_ns;
    int64_t at_ns;                      /* the engine is this far */
} DsaSoftClock;

/**
 * dsa_soft_timing_init:
 * @timing: to be filled in
 * @config: outlives it
 */
void dsa_soft_timing_init(DsaSoftTiming *timing, const DsaSoftConfig *config);

/**
 * dsa_soft_timing_submit:
 * @timing: of the device
 *
 * Holds the submitter as the instruction would.
 * Returns: the time of the acceptance; 0 when the model is off
 */
int64_t dsa_soft_timing_submit(const DsaSoftTiming *timing);

/**
 * dsa_soft_timing_begin:
 * @clock: receives the start
 * @timing: of the device
 * @accepted_ns: from dsa_soft_timing_submit()
 * @batch: it is a batch
 */
void dsa_soft_timing_begin(DsaSoftClock *clock, DsaSoftTiming *timing,
                           int64_t accepted_ns, bool batch);

/**
 * dsa_soft_timing_add:
 * @clock: of the submission
 * @size: bytes that were read
 * @nr_faults: pages that were waited for
 *
 * Adds a descriptor.
 */
void dsa_soft_timing_add(DsaSoftClock *clock, uint64_t size,
                         uint64_t nr_faults);

/**
 * dsa_soft_timing_end:
 * @clock: of the submission
 *
 * Returns: when the record may be seen; 0 when the model is off
 */
int64_t dsa_soft_timing_end(const DsaSoftClock *clock);

#endif /* UTIL_DSA_SOFT_TIMING_H */
