/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations of the software DSA device on data.  For util/dsa-soft*.c.
 *
 * Threads: one at a time for each DsaSoftMemory.
 */
#ifndef UTIL_DSA_SOFT_OP_H
#define UTIL_DSA_SOFT_OP_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/idxd.h"
#include "dsa-soft-memory.h"
#include "dsa-soft-options-internal.h"

/* No injected page fault. */
#define DSA_SOFT_NO_FAULT UINT64_MAX

typedef struct DsaSoftOp {
    const DsaSoftConfig *config;
    DsaSoftMemory *memory;
    const struct dsa_hw_desc *desc;     /* has passed dsa_soft_check() */
    uint64_t fault_at;                  /* of a compare, or DSA_SOFT_NO_FAULT */
    struct dsa_completion_record *cr;   /* receives the answer; zeroed before */
} DsaSoftOp;

/**
 * dsa_soft_op_run:
 * @op: what to do: anything but a batch or a drain
 *
 * Carries it out, page by page, up to the first page fault.
 */
void dsa_soft_op_run(const DsaSoftOp *op);

#endif /* UTIL_DSA_SOFT_OP_H */
