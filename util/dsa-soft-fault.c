/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Injected faults: counts what passes by and says when it is time.
 *
 * Entered by submitters and engines without locks.  Before it is armed nothing
 * is counted, so that a proof of the queue moves no fault.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "dsa-soft-fault.h"

void dsa_soft_fault_init(DsaSoftFaults *faults, const DsaSoftConfig *config)
{
    *faults = (DsaSoftFaults) {
        .config = config,
        .armed = config->faults_from_open,
    };
}

void dsa_soft_fault_arm(DsaSoftFaults *faults)
{
    qatomic_set(&faults->armed, true);
}

static bool is_armed(DsaSoftFaults *faults)
{
    return qatomic_read(&faults->armed);
}

/* True for number every - 1, 2 * every - 1 and so on. */
static bool is_turn(uint64_t number, uint64_t every)
{
    return every && number % every == every - 1;
}

bool dsa_soft_fault_submission(DsaSoftFaults *faults)
{
    return is_armed(faults) && faults->config->full &&
           qatomic_fetch_inc(&faults->nr_submissions) < faults->config->full;
}

DsaSoftCompareFate dsa_soft_fault_compare(DsaSoftFaults *faults)
{
    const DsaSoftConfig *config = faults->config;
    DsaSoftCompareFate fate = {};
    uint64_t nr;

    if (!is_armed(faults)) {
        return fate;
    }
    nr = qatomic_fetch_inc(&faults->nr_compares);
    fate.unanswered = nr >= MIN(config->stuck_after, config->halt_after);
    fate.fault = is_turn(nr, config->fault_every);
    if (is_turn(nr, config->status_every)) {
        fate.status = config->status;
    }
    return fate;
}

DsaSoftBatchFate dsa_soft_fault_batch(DsaSoftFaults *faults)
{
    const DsaSoftConfig *config = faults->config;
    DsaSoftBatchFate fate = {};
    uint64_t nr;

    if (!is_armed(faults)) {
        return fate;
    }
    nr = qatomic_fetch_inc(&faults->nr_batches);
    fate.list_fault = is_turn(nr, config->list_fault_every);
    fate.flag = is_turn(nr, config->batch_flag_every);
    if (is_turn(nr, config->batch_status_every)) {
        fate.status = config->batch_status;
    }
    return fate;
}

bool dsa_soft_fault_record(DsaSoftFaults *faults)
{
    return is_armed(faults) && faults->config->lose_every &&
           is_turn(qatomic_fetch_inc(&faults->nr_records),
                   faults->config->lose_every);
}

bool dsa_soft_fault_dead(DsaSoftFaults *faults)
{
    const DsaSoftConfig *config = faults->config;

    return is_armed(faults) && qatomic_read(&faults->nr_compares) >=
           MIN(config->stuck_after, config->halt_after);
}

bool dsa_soft_fault_halted(DsaSoftFaults *faults)
{
    return is_armed(faults) && qatomic_read(&faults->nr_compares) >=
           faults->config->halt_after;
}
