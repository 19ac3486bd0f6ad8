/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dsa.c has to do with batches besides what every caller has.
 *
 * Threads: the lane's, or the one that frees the group.  No locks.
 */
#ifndef UTIL_DSA_BATCH_INTERNAL_H
#define UTIL_DSA_BATCH_INTERNAL_H

#include "qemu/dsa-batch.h"

/**
 * dsa_batch_free:
 * @b: a batch of a lane whose queues are closed
 */
void dsa_batch_free(DsaBatch *b);

#endif /* UTIL_DSA_BATCH_INTERNAL_H */
