/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carrying out one descriptor, and answering it.  For util/dsa-soft*.c.
 *
 * Threads: one at a time for each DsaSoftMemory and DsaSoftClock.
 */
#ifndef UTIL_DSA_SOFT_WORK_H
#define UTIL_DSA_SOFT_WORK_H

#include <stdbool.h>

#include "linux/idxd.h"
#include "dsa-soft-device.h"

/* In place of a member's index: was submitted by itself. */
#define DSA_SOFT_NO_MEMBER (-1)

/**
 * dsa_soft_work_error:
 * @dev: the device
 * @status: an error that can be told neither in a record nor in the event log
 *
 * Notes it in the register for such errors when it is the first.
 */
void dsa_soft_work_error(DsaSoftDevice *dev, unsigned status);

/**
 * dsa_soft_work_check:
 * @dev: the device
 * @desc: a descriptor
 * @member: it is in a batch
 * @cr: zeroed; receives the reason when it is refused
 *
 * Returns: false when it is refused
 */
bool dsa_soft_work_check(DsaSoftDevice *dev, const struct dsa_hw_desc *desc,
                         bool member, struct dsa_completion_record *cr);

/**
 * dsa_soft_work_run:
 * @dev: the device
 * @memory: of the submission
 * @clock: of the submission
 * @desc: has passed the check; no batch and no drain
 * @cr: zeroed; receives the answer
 *
 * Returns: false when there will be no answer, since the device is dead
 */
bool dsa_soft_work_run(DsaSoftDevice *dev, DsaSoftMemory *memory,
                       DsaSoftClock *clock, const struct dsa_hw_desc *desc,
                       struct dsa_completion_record *cr);

/**
 * dsa_soft_work_answer:
 * @dev: the device
 * @memory: of the submission
 * @desc: a descriptor
 * @index: its place in a batch, or DSA_SOFT_NO_MEMBER
 * @cr: its answer
 *
 * Writes the record where the descriptor wants one, and notes an error that can
 * stand in none: in the event log, or in the register of a device without.
 * Returns: false when the descriptor failed, the record included
 */
bool dsa_soft_work_answer(DsaSoftDevice *dev, DsaSoftMemory *memory,
                          const struct dsa_hw_desc *desc, int index,
                          const struct dsa_completion_record *cr);

#endif /* UTIL_DSA_SOFT_WORK_H */
