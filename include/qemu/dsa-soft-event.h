/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry of the event log of the software DSA device; see
 * dsa_soft_event_take().
 *
 * Plain data; no functions, no threads, no locks.
 */
#ifndef QEMU_DSA_SOFT_EVENT_H
#define QEMU_DSA_SOFT_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/idxd.h>

/* 64 bytes as in hardware; the layout is ours. */
typedef struct DsaSoftEvent {
    uint8_t error;              /* status */
    uint8_t opcode;
    bool member;                /* in a batch */
    uint8_t operand;            /* that faulted, with a fault; 0: not known */
    uint16_t index;             /* of a member in its batch */
    uint16_t reserved;
    uint64_t fault_addr;        /* with a fault */
    uint64_t reserved2[2];
    /* what would stand in the record, as far as it is known */
    struct dsa_completion_record record;
} DsaSoftEvent;

#endif /* QEMU_DSA_SOFT_EVENT_H */
