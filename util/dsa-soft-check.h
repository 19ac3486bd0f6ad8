/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which descriptors a DSA device refuses.  For util/dsa-soft*.c.
 *
 * Pure; any thread.
 */
#ifndef UTIL_DSA_SOFT_CHECK_H
#define UTIL_DSA_SOFT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "linux/idxd.h"
#include "dsa-soft-options-internal.h"

/* Opcodes of DSA 2.0 that the kernel's header names later. */
#define DSA_SOFT_OPCODE_TRANSL_FETCH 0x0a

/* Of a Batch of DSA 2.0: the one that it continues had failed. */
#define DSA_SOFT_FLAG_PRIOR_RESULT 0x10000

/**
 * dsa_soft_check:
 * @config: limits of the queue
 * @desc: a descriptor
 * @member: it is in a batch
 * @bad_flags: receives the flags that are wrong, 0 when it is not for them
 *
 * Looks at opcode, flags, reserved bytes, sizes and alignment, in this order.
 * The address of the record is not looked at.
 * Returns: DSA_COMP_SUCCESS, or the status that the device answers
 */
uint8_t dsa_soft_check(const DsaSoftConfig *config,
                       const struct dsa_hw_desc *desc, bool member,
                       uint32_t *bad_flags);

#endif /* UTIL_DSA_SOFT_CHECK_H */
