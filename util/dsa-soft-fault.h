/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults that the options of the software DSA device inject: when which.
 * For util/dsa-soft*.c.
 *
 * Threads: any; all that changes is atomic.
 */
#ifndef UTIL_DSA_SOFT_FAULT_H
#define UTIL_DSA_SOFT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "dsa-soft-options-internal.h"

typedef struct DsaSoftFaults {
    /* set once */
    const DsaSoftConfig *config;
    /* atomic */
    bool armed;
    uint64_t nr_submissions;    /* what came since it was armed */
    uint64_t nr_compares;
    uint64_t nr_batches;
    uint64_t nr_records;        /* of what was submitted by itself */
} DsaSoftFaults;

/* What is to happen to a compare. */
typedef struct DsaSoftCompareFate {
    bool unanswered;            /* the device is dead */
    bool fault;                 /* at DsaSoftConfig::fault_at */
    uint8_t status;             /* instead of the true one; 0: none */
} DsaSoftCompareFate;

/* What is to happen to a batch. */
typedef struct DsaSoftBatchFate {
    bool list_fault;            /* behind half of its members */
    bool flag;                  /* failed, although it did not */
    uint8_t status;             /* instead of the true one; 0: none */
} DsaSoftBatchFate;

/**
 * dsa_soft_fault_init:
 * @faults: to be filled in
 * @config: outlives it
 */
void dsa_soft_fault_init(DsaSoftFaults *faults, const DsaSoftConfig *config);

/**
 * dsa_soft_fault_arm:
 * @faults: of the device
 *
 * Faults happen from now on.
 */
void dsa_soft_fault_arm(DsaSoftFaults *faults);

/**
 * dsa_soft_fault_submission:
 * @faults: of the device
 *
 * Counts a submission.
 * Returns: true when it is to be refused
 */
bool dsa_soft_fault_submission(DsaSoftFaults *faults);

/**
 * dsa_soft_fault_compare:
 * @faults: of the device
 *
 * Counts a compare.
 * Returns: its fate
 */
DsaSoftCompareFate dsa_soft_fault_compare(DsaSoftFaults *faults);

/**
 * dsa_soft_fault_batch:
 * @faults: of the device
 *
 * Counts a batch.
 * Returns: its fate
 */
DsaSoftBatchFate dsa_soft_fault_batch(DsaSoftFaults *faults);

/**
 * dsa_soft_fault_record:
 * @faults: of the device
 *
 * Counts a record of what was submitted by itself.
 * Returns: true when it is to be lost
 */
bool dsa_soft_fault_record(DsaSoftFaults *faults);

/**
 * dsa_soft_fault_dead:
 * @faults: of the device
 *
 * Returns: true when nothing is answered any more
 */
bool dsa_soft_fault_dead(DsaSoftFaults *faults);

/**
 * dsa_soft_fault_halted:
 * @faults: of the device
 *
 * Returns: true when the queue takes nothing any more
 */
bool dsa_soft_fault_halted(DsaSoftFaults *faults);

#endif /* UTIL_DSA_SOFT_FAULT_H */
