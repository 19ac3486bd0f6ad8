/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batches: one packet's pages on their way through a DSA queue.
 *
 * Threads: a lane and its batches belong to one thread at a time; lanes of one
 * group are used side by side.  No locks.
 */
#ifndef QEMU_DSA_BATCH_H
#define QEMU_DSA_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "qemu/dsa-types.h"

typedef struct DsaBatch DsaBatch;

/**
 * dsa_batch_new:
 * @lane: the lane it will be used with, which owns it: freed with the group
 * @page_size: bytes of a page, 1 up to what dsa_group_new() was told
 *
 * Allocates all that a batch of pages needs, as many as dsa_group_new() was
 * told.  Several batches of a lane may be under way at once.
 * Context: the lane's thread.
 * Returns: a batch with nothing under way
 */
DsaBatch *dsa_batch_new(DsaLane *lane, size_t page_size);

/**
 * dsa_batch_submit:
 * @b: a batch with nothing under way
 * @page: addresses of the pages; not used after the return
 * @nr_pages: how many, 1 up to what dsa_group_new() was told
 *
 * Hands pages to a queue.  The pages may be written meanwhile: the answer is
 * then that of some moment until dsa_batch_wait() returns.  They must stay
 * mapped until then, and until the group is freed once a queue was given up: a
 * device that is late may still look at them.  Never fails and never waits for
 * long: what no queue takes is left to the CPU in dsa_batch_wait().
 * Context: the lane's thread.
 */
void dsa_batch_submit(DsaBatch *b, const uint8_t *const *page,
                      unsigned nr_pages);

/**
 * dsa_batch_wait:
 * @b: a batch that was submitted
 * @zero: bitmap of as many bits as pages were submitted; bit i is set when page
 *        i is all zero, and cleared otherwise
 *
 * Waits for the device and does on the CPU what it did not do: never fails, and
 * never waits longer than the group's timeout, in which time is not counted
 * when the process was stopped.
 * Context: the lane's thread.
 */
void dsa_batch_wait(DsaBatch *b, unsigned long *zero);

#endif /* QEMU_DSA_BATCH_H */
