/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One descriptor of the software DSA device: the check, the work with the
 * faults that are to happen to it, and its completion record.
 *
 * Entered by engines, for what was submitted by itself as for members of
 * batches.  Batches and drains are put together elsewhere.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "dsa-soft-check.h"
#include "dsa-soft-op.h"
#include "dsa-soft-work.h"

/* A fault is told by 6 bits, as the specification has it. */
#define STATUS_CODE 0x3f

/* How an event names the record as what faulted. */
#define OPERAND_RECORD 5

/* Status in the register for errors when the event log has no room. */
#define DSA_SWERR_LOG_FULL 0x54

void dsa_soft_work_error(DsaSoftDevice *dev, unsigned status)
{
    qatomic_cmpxchg(&dev->swerror, 0u, status);
}

bool dsa_soft_work_check(DsaSoftDevice *dev, const struct dsa_hw_desc *desc,
                         bool member, struct dsa_completion_record *cr)
{
    uint32_t bad_flags;

    if ((desc->flags & IDXD_OP_FLAG_CRAV) &&
        !QEMU_IS_ALIGNED(desc->completion_addr, sizeof(*cr))) {
        cr->status = DSA_COMP_CRA_ALIGN;
        return false;
    }
    cr->status = dsa_soft_check(&dev->config, desc, member, &bad_flags);
    cr->invalid_flags = bad_flags;
    return cr->status == DSA_COMP_SUCCESS;
}

static bool is_compare(const struct dsa_hw_desc *desc)
{
    return desc->opcode == DSA_OPCODE_COMPARE ||
           desc->opcode == DSA_OPCODE_COMPVAL;
}

bool dsa_soft_work_run(DsaSoftDevice *dev, DsaSoftMemory *memory,
                       DsaSoftClock *clock, const struct dsa_hw_desc *desc,
                       struct dsa_completion_record *cr)
{
    uint64_t nr_resolved = memory->nr_resolved;
    DsaSoftCompareFate fate = {};
    DsaSoftOp op = {
        .config = &dev->config,
        .memory = memory,
        .desc = desc,
        .fault_at = DSA_SOFT_NO_FAULT,
        .cr = cr,
    };

    if (is_compare(desc)) {
        fate = dsa_soft_fault_compare(&dev->faults);
        if (fate.fault) {
            op.fault_at = dev->config.fault_at;
        }
    } else {
        fate.unanswered = dsa_soft_fault_dead(&dev->faults);
    }
    if (fate.unanswered) {
        return false;
    }
    cr->status = 0;
    dsa_soft_op_run(&op);
    if (fate.status) {
        cr->status = fate.status;
    }
    dsa_soft_timing_add(clock, desc->xfer_size,
                        memory->nr_resolved - nr_resolved);
    return true;
}

/* Success of any kind is only told to those who ask (RCR). */
static bool is_quiet(uint8_t status)
{
    switch (status & STATUS_CODE) {
    case DSA_COMP_SUCCESS:
    case DSA_COMP_SUCCESS_PRED:
    case DSA_COMP_BATCH_FAIL:
        return true;
    default:
        return false;
    }
}

/* The status last: whoever sees it sees the rest. */
static void write_record(struct dsa_completion_record *to,
                         const struct dsa_completion_record *cr)
{
    memcpy((char *)to + 1, (const char *)cr + 1, sizeof(*to) - 1);
    qatomic_store_release(&to->status, cr->status);
}

/* What @cr cannot say, or nobody can read there. */
static void note_error(DsaSoftDevice *dev, const struct dsa_hw_desc *desc,
                       int index, const struct dsa_completion_record *cr,
                       uint8_t error)
{
    DsaSoftEvent event = {
        .error = error,
        .opcode = desc->opcode,
        .member = index != DSA_SOFT_NO_MEMBER,
        .index = MAX(index, 0),
        .operand = cr->rsvd >> 1,
        .fault_addr = cr->fault_addr,
        .record = *cr,
    };

    if (error == DSA_COMP_CRA_XLAT) {
        event.operand = OPERAND_RECORD;
        event.fault_addr = desc->completion_addr;
    }
    if (!dev->config.dsa2) {
        dsa_soft_work_error(dev, error);
    } else if (!dsa_soft_log_add(&dev->log, &event)) {
        dsa_soft_work_error(dev, DSA_SWERR_LOG_FULL);
    }
}

bool dsa_soft_work_answer(DsaSoftDevice *dev, DsaSoftMemory *memory,
                          const struct dsa_hw_desc *desc, int index,
                          const struct dsa_completion_record *cr)
{
    struct dsa_completion_record *to;

    if (cr->status == DSA_COMP_CRA_ALIGN) {
        note_error(dev, desc, index, cr, DSA_COMP_CRA_ALIGN);
        return false;
    }
    if (!(desc->flags & IDXD_OP_FLAG_CRAV)) {
        if (!is_quiet(cr->status)) {
            note_error(dev, desc, index, cr, cr->status);
        }
    } else if ((desc->flags & IDXD_OP_FLAG_RCR) || !is_quiet(cr->status)) {
        to = dsa_soft_memory_record(memory, desc->completion_addr);
        if (!to) {
            note_error(dev, desc, index, cr, DSA_COMP_CRA_XLAT);
            return false;
        }
        write_record(to, cr);
    }
    return cr->status == DSA_COMP_SUCCESS;
}
