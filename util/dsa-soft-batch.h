/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batches of the software DSA device.  For util/dsa-soft*.c.
 */
#ifndef UTIL_DSA_SOFT_BATCH_H
#define UTIL_DSA_SOFT_BATCH_H

#include <stdbool.h>

#include "linux/idxd.h"
#include "dsa-soft-device.h"

/**
 * dsa_soft_batch_run:
 * @dev: the device
 * @memory: of the submission
 * @clock: of the submission
 * @desc: a Batch descriptor that has passed the check
 * @cr: zeroed; receives the answer
 *
 * Carries out the members and answers each.
 * Context: an engine, or who submits.
 * Returns: false when there will be no answer, since the device is dead
 */
bool dsa_soft_batch_run(DsaSoftDevice *dev, DsaSoftMemory *memory,
                        DsaSoftClock *clock, const struct dsa_hw_desc *desc,
                        struct dsa_completion_record *cr);

#endif /* UTIL_DSA_SOFT_BATCH_H */
