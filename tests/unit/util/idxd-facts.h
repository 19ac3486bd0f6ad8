/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What linux/idxd.h has to say, with the numbers of the device's
 * specification.  Ours and the system's header use the same names, so each has
 * a file of its own that makes a table of its numbers from the list below.
 */
#ifndef TESTS_UNIT_UTIL_IDXD_FACTS_H
#define TESTS_UNIT_UTIL_IDXD_FACTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct IdxdFact {
    const char *name;
    unsigned long value;        /* what the header says */
    unsigned long number;       /* what the specification says */
} IdxdFact;

#define IDXD_NAME(name, number) { #name, name, number },
#define IDXD_SIZE(type, number) { "sizeof " #type, sizeof(type), number },
#define IDXD_FIELD(type, field, number) \
    { #type "." #field, offsetof(type, field), number },

#define IDXD_FACTS \
    IDXD_NAME(IDXD_OP_FLAG_FENCE, 0x0001) \
    IDXD_NAME(IDXD_OP_FLAG_BOF, 0x0002) \
    IDXD_NAME(IDXD_OP_FLAG_CRAV, 0x0004) \
    IDXD_NAME(IDXD_OP_FLAG_RCR, 0x0008) \
    IDXD_NAME(IDXD_OP_FLAG_RCI, 0x0010) \
    IDXD_NAME(IDXD_OP_FLAG_CRSTS, 0x0020) \
    IDXD_NAME(IDXD_OP_FLAG_CR, 0x0080) \
    IDXD_NAME(IDXD_OP_FLAG_CC, 0x0100) \
    IDXD_NAME(IDXD_OP_FLAG_ADDR1_TCS, 0x0200) \
    IDXD_NAME(IDXD_OP_FLAG_ADDR2_TCS, 0x0400) \
    IDXD_NAME(IDXD_OP_FLAG_ADDR3_TCS, 0x0800) \
    IDXD_NAME(IDXD_OP_FLAG_CR_TCS, 0x1000) \
    IDXD_NAME(IDXD_OP_FLAG_STORD, 0x2000) \
    IDXD_NAME(IDXD_OP_FLAG_DRDBK, 0x4000) \
    IDXD_NAME(IDXD_OP_FLAG_DSTS, 0x8000) \
    IDXD_NAME(DSA_OPCODE_NOOP, 0x00) \
    IDXD_NAME(DSA_OPCODE_BATCH, 0x01) \
    IDXD_NAME(DSA_OPCODE_DRAIN, 0x02) \
    IDXD_NAME(DSA_OPCODE_MEMMOVE, 0x03) \
    IDXD_NAME(DSA_OPCODE_MEMFILL, 0x04) \
    IDXD_NAME(DSA_OPCODE_COMPARE, 0x05) \
    IDXD_NAME(DSA_OPCODE_COMPVAL, 0x06) \
    IDXD_NAME(DSA_OPCODE_CR_DELTA, 0x07) \
    IDXD_NAME(DSA_OPCODE_AP_DELTA, 0x08) \
    IDXD_NAME(DSA_OPCODE_DUALCAST, 0x09) \
    IDXD_NAME(DSA_OPCODE_CRCGEN, 0x10) \
    IDXD_NAME(DSA_OPCODE_COPY_CRC, 0x11) \
    IDXD_NAME(DSA_OPCODE_DIF_CHECK, 0x12) \
    IDXD_NAME(DSA_OPCODE_DIF_INS, 0x13) \
    IDXD_NAME(DSA_OPCODE_DIF_STRP, 0x14) \
    IDXD_NAME(DSA_OPCODE_DIF_UPDT, 0x15) \
    IDXD_NAME(DSA_OPCODE_CFLUSH, 0x20) \
    IDXD_NAME(DSA_COMP_NONE, 0x00) \
    IDXD_NAME(DSA_COMP_SUCCESS, 0x01) \
    IDXD_NAME(DSA_COMP_SUCCESS_PRED, 0x02) \
    IDXD_NAME(DSA_COMP_PAGE_FAULT_NOBOF, 0x03) \
    IDXD_NAME(DSA_COMP_PAGE_FAULT_IR, 0x04) \
    IDXD_NAME(DSA_COMP_BATCH_FAIL, 0x05) \
    IDXD_NAME(DSA_COMP_BATCH_PAGE_FAULT, 0x06) \
    IDXD_NAME(DSA_COMP_DR_OFFSET_NOINC, 0x07) \
    IDXD_NAME(DSA_COMP_DR_OFFSET_ERANGE, 0x08) \
    IDXD_NAME(DSA_COMP_DIF_ERR, 0x09) \
    IDXD_NAME(DSA_COMP_BAD_OPCODE, 0x10) \
    IDXD_NAME(DSA_COMP_INVALID_FLAGS, 0x11) \
    IDXD_NAME(DSA_COMP_NOZERO_RESERVE, 0x12) \
    IDXD_NAME(DSA_COMP_XFER_ERANGE, 0x13) \
    IDXD_NAME(DSA_COMP_DESC_CNT_ERANGE, 0x14) \
    IDXD_NAME(DSA_COMP_DR_ERANGE, 0x15) \
    IDXD_NAME(DSA_COMP_OVERLAP_BUFFERS, 0x16) \
    IDXD_NAME(DSA_COMP_DCAST_ERR, 0x17) \
    IDXD_NAME(DSA_COMP_DESCLIST_ALIGN, 0x18) \
    IDXD_NAME(DSA_COMP_INT_HANDLE_INVAL, 0x19) \
    IDXD_NAME(DSA_COMP_CRA_XLAT, 0x1a) \
    IDXD_NAME(DSA_COMP_CRA_ALIGN, 0x1b) \
    IDXD_NAME(DSA_COMP_ADDR_ALIGN, 0x1c) \
    IDXD_NAME(DSA_COMP_PRIV_BAD, 0x1d) \
    IDXD_NAME(DSA_COMP_TRAFFIC_CLASS_CONF, 0x1e) \
    IDXD_NAME(DSA_COMP_PFAULT_RDBA, 0x1f) \
    IDXD_NAME(DSA_COMP_HW_ERR1, 0x20) \
    IDXD_NAME(DSA_COMP_HW_ERR_DRB, 0x21) \
    IDXD_NAME(DSA_COMP_TRANSLATION_FAIL, 0x22) \
    IDXD_NAME(DSA_COMP_STATUS_MASK, 0x7f) \
    IDXD_NAME(DSA_COMP_STATUS_WRITE, 0x80) \
    IDXD_SIZE(struct dsa_hw_desc, 64) \
    IDXD_SIZE(struct dsa_completion_record, 32) \
    IDXD_FIELD(struct dsa_hw_desc, completion_addr, 8) \
    IDXD_FIELD(struct dsa_hw_desc, src_addr, 16) \
    IDXD_FIELD(struct dsa_hw_desc, rdback_addr, 16) \
    IDXD_FIELD(struct dsa_hw_desc, pattern, 16) \
    IDXD_FIELD(struct dsa_hw_desc, desc_list_addr, 16) \
    IDXD_FIELD(struct dsa_hw_desc, dst_addr, 24) \
    IDXD_FIELD(struct dsa_hw_desc, rdback_addr2, 24) \
    IDXD_FIELD(struct dsa_hw_desc, src2_addr, 24) \
    IDXD_FIELD(struct dsa_hw_desc, comp_pattern, 24) \
    IDXD_FIELD(struct dsa_hw_desc, xfer_size, 32) \
    IDXD_FIELD(struct dsa_hw_desc, desc_count, 32) \
    IDXD_FIELD(struct dsa_hw_desc, int_handle, 36) \
    IDXD_FIELD(struct dsa_hw_desc, rsvd1, 38) \
    IDXD_FIELD(struct dsa_hw_desc, expected_res, 40) \
    IDXD_FIELD(struct dsa_hw_desc, delta_addr, 40) \
    IDXD_FIELD(struct dsa_hw_desc, max_delta_size, 48) \
    IDXD_FIELD(struct dsa_hw_desc, delt_rsvd, 52) \
    IDXD_FIELD(struct dsa_hw_desc, expected_res_mask, 56) \
    IDXD_FIELD(struct dsa_hw_desc, delta_rec_size, 40) \
    IDXD_FIELD(struct dsa_hw_desc, dest2, 40) \
    IDXD_FIELD(struct dsa_hw_desc, crc_seed, 40) \
    IDXD_FIELD(struct dsa_hw_desc, crc_rsvd, 44) \
    IDXD_FIELD(struct dsa_hw_desc, seed_addr, 48) \
    IDXD_FIELD(struct dsa_hw_desc, op_specific, 40) \
    IDXD_FIELD(struct dsa_completion_record, status, 0) \
    IDXD_FIELD(struct dsa_completion_record, result, 1) \
    IDXD_FIELD(struct dsa_completion_record, dif_status, 1) \
    IDXD_FIELD(struct dsa_completion_record, rsvd, 2) \
    IDXD_FIELD(struct dsa_completion_record, bytes_completed, 4) \
    IDXD_FIELD(struct dsa_completion_record, fault_addr, 8) \
    IDXD_FIELD(struct dsa_completion_record, delta_rec_size, 16) \
    IDXD_FIELD(struct dsa_completion_record, crc_val, 16) \
    IDXD_FIELD(struct dsa_completion_record, op_specific, 16)

/* Bit fields have no offset: these values tell where they are. */
#define IDXD_BITS_INIT \
    { .pasid = 0xabcde, .rsvd = 0x2bc, .priv = 1, .flags = 0x123456, \
      .opcode = 0x78 }
#define IDXD_RECORD_INIT { .invalid_flags = 0x123456, .rsvd2 = 0x78 }

/**
 * idxd_facts_ours:
 * @nr: receives how many there are
 *
 * Returns: the numbers of linux-headers/linux/idxd.h
 */
const IdxdFact *idxd_facts_ours(size_t *nr);

/**
 * idxd_bits_ours:
 * @desc: receives the bytes of a descriptor with IDXD_BITS_INIT
 * @record: receives the bytes of a record with IDXD_RECORD_INIT
 */
void idxd_bits_ours(uint8_t desc[64], uint8_t record[32]);

/**
 * idxd_facts_system:
 * @nr: receives how many there are
 *
 * Returns: the numbers of the system's linux/idxd.h
 */
const IdxdFact *idxd_facts_system(size_t *nr);

/**
 * idxd_bits_system:
 * @desc: as idxd_bits_ours() with the system's header
 * @record: likewise
 */
void idxd_bits_system(uint8_t desc[64], uint8_t record[32]);

#endif /* TESTS_UNIT_UTIL_IDXD_FACTS_H */
