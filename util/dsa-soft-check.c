/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a DSA device checks of a descriptor before it does anything: a table
 * with a row for each opcode.
 *
 * The specification gives no order in which checks are made when several
 * things are wrong; this device's is opcode, flags, reserved bytes, sizes and
 * alignment.  Pure; any thread.
 */
#include "qemu/osdep.h"

#include "dsa-soft-check.h"

/* Flags that each opcode may have.  Users get no interrupts (RCI). */
#define COMMON_FLAGS (IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR | \
                      IDXD_OP_FLAG_CR_TCS)
#define WRITE_FLAGS (IDXD_OP_FLAG_BOF | IDXD_OP_FLAG_CC | \
                     IDXD_OP_FLAG_STORD | IDXD_OP_FLAG_DRDBK)

/* Bit n stands for byte n of a descriptor. */
#define BYTES(first, last) \
    ((UINT64_MAX >> (63 - (last))) & (UINT64_MAX << (first)))
/* The handle of an interrupt, which nobody may ask for, and what follows. */
#define NO_INTERRUPT BYTES(36, 39)

typedef struct OpcodeRule {
    uint32_t flags;             /* allowed besides the common ones */
    uint64_t reserved;          /* bytes that are to be 0 */
    bool answer_in_record;      /* useless without one */
    bool has_size;              /* transfer size at 32 */
    bool no_member;             /* not in a batch */
} OpcodeRule;

static const OpcodeRule opcode_rules[] = {
    [DSA_OPCODE_NOOP] = {
        .reserved = BYTES(16, 35) | NO_INTERRUPT | BYTES(40, 63),
    },
    [DSA_OPCODE_BATCH] = {
        .flags = IDXD_OP_FLAG_ADDR1_TCS,
        .reserved = BYTES(24, 31) | NO_INTERRUPT | BYTES(40, 63),
        .no_member = true,
    },
    /* Reading back is not offered: gen_cap bit 9 is clear. */
    [DSA_OPCODE_DRAIN] = {
        .reserved = BYTES(32, 35) | NO_INTERRUPT | BYTES(40, 63),
        .answer_in_record = true,
        .no_member = true,
    },
    [DSA_OPCODE_MEMMOVE] = {
        .flags = WRITE_FLAGS | IDXD_OP_FLAG_ADDR1_TCS | IDXD_OP_FLAG_ADDR2_TCS,
        .reserved = NO_INTERRUPT | BYTES(40, 63),
        .has_size = true,
    },
    [DSA_OPCODE_MEMFILL] = {
        .flags = WRITE_FLAGS | IDXD_OP_FLAG_ADDR2_TCS,
        .reserved = NO_INTERRUPT | BYTES(40, 63),
        .has_size = true,
    },
    [DSA_OPCODE_COMPARE] = {
        .flags = IDXD_OP_FLAG_BOF | IDXD_OP_FLAG_CR | IDXD_OP_FLAG_ADDR1_TCS |
                 IDXD_OP_FLAG_ADDR2_TCS,
        .reserved = NO_INTERRUPT | BYTES(41, 63),
        .answer_in_record = true,
        .has_size = true,
    },
    [DSA_OPCODE_COMPVAL] = {
        .flags = IDXD_OP_FLAG_BOF | IDXD_OP_FLAG_CR | IDXD_OP_FLAG_ADDR1_TCS,
        .reserved = NO_INTERRUPT | BYTES(41, 63),
        .answer_in_record = true,
        .has_size = true,
    },
    [DSA_SOFT_OPCODE_TRANSL_FETCH] = {
        .flags = IDXD_OP_FLAG_BOF,
        .reserved = NO_INTERRUPT,
        .has_size = true,
    },
};

static uint32_t find_bad_flags(const DsaSoftConfig *config,
                               const OpcodeRule *rule,
                               const struct dsa_hw_desc *desc, bool member)
{
    uint32_t allowed = COMMON_FLAGS | rule->flags;
    uint32_t needed = 0;
    uint32_t bad;

    if (member) {
        allowed |= IDXD_OP_FLAG_FENCE;
    }
    if (!config->block_on_fault) {
        allowed &= ~IDXD_OP_FLAG_BOF;
    }
    if (config->dsa2 && desc->opcode == DSA_OPCODE_BATCH) {
        allowed |= DSA_SOFT_FLAG_PRIOR_RESULT;
    }
    if (rule->answer_in_record) {
        needed = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
    }
    bad = (desc->flags & ~allowed) | (needed & ~desc->flags);
    if (!(desc->flags & IDXD_OP_FLAG_CRAV)) {
        bad |= desc->flags & IDXD_OP_FLAG_RCR;
    }
    return bad;
}

static bool reserved_is_zero(const struct dsa_hw_desc *desc, uint64_t reserved)
{
    const uint8_t *byte = (const uint8_t *)desc;

    for (unsigned i = 0; i < sizeof(*desc); i++) {
        if ((reserved >> i & 1) && byte[i]) {
            return false;
        }
    }
    return desc->rsvd == 0;
}

static uint8_t check_batch(const DsaSoftConfig *config,
                           const struct dsa_hw_desc *desc)
{
    if (desc->desc_count < 2 || desc->desc_count > config->max_batch_size) {
        return DSA_COMP_DESC_CNT_ERANGE;
    }
    if (!QEMU_IS_ALIGNED(desc->desc_list_addr, sizeof(*desc))) {
        return DSA_COMP_DESCLIST_ALIGN;
    }
    return DSA_COMP_SUCCESS;
}

uint8_t dsa_soft_check(const DsaSoftConfig *config,
                       const struct dsa_hw_desc *desc, bool member,
                       uint32_t *bad_flags)
{
    const OpcodeRule *rule = &opcode_rules[0];

    *bad_flags = 0;
    if (desc->opcode >= 64 || !(config->opcodes >> desc->opcode & 1)) {
        return DSA_COMP_BAD_OPCODE;
    }
    /* No queue offers an opcode that has no row. */
    rule += desc->opcode;
    if (member && rule->no_member) {
        return DSA_COMP_BAD_OPCODE;
    }
    *bad_flags = find_bad_flags(config, rule, desc, member);
    if (*bad_flags) {
        return DSA_COMP_INVALID_FLAGS;
    }
    if (!reserved_is_zero(desc, rule->reserved)) {
        return DSA_COMP_NOZERO_RESERVE;
    }
    if (rule->has_size && (desc->xfer_size == 0 ||
                           desc->xfer_size > config->max_transfer_size)) {
        return DSA_COMP_XFER_ERANGE;
    }
    return desc->opcode == DSA_OPCODE_BATCH ? check_batch(config, desc) :
           DSA_COMP_SUCCESS;
}
