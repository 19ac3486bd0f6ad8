/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors and completion records of the Intel Data Streaming Accelerator,
 * as software and device exchange them through memory.
 *
 * Written for this tree from the device's specification (341204, revision 3.0);
 * names are those of the kernel's header of the same name, which older
 * distributions lack or have in part.  Ours is always used; a unit test
 * compares the two where the system has one.  All fields are little endian.
 */
#ifndef LINUX_HEADERS_IDXD_H
#define LINUX_HEADERS_IDXD_H

#include <stdint.h>

/* Flags of a descriptor. */
#define IDXD_OP_FLAG_FENCE      0x0001  /* in a batch: wait for those before */
#define IDXD_OP_FLAG_BOF        0x0002  /* block on fault */
#define IDXD_OP_FLAG_CRAV       0x0004  /* completion_addr is valid */
#define IDXD_OP_FLAG_RCR        0x0008  /* a record in any case */
#define IDXD_OP_FLAG_RCI        0x0010  /* an interrupt on completion */
#define IDXD_OP_FLAG_CRSTS      0x0020
#define IDXD_OP_FLAG_CR         0x0080  /* check result, not "record" */
#define IDXD_OP_FLAG_CC         0x0100  /* destination writes to the cache */
#define IDXD_OP_FLAG_ADDR1_TCS  0x0200
#define IDXD_OP_FLAG_ADDR2_TCS  0x0400
#define IDXD_OP_FLAG_ADDR3_TCS  0x0800
#define IDXD_OP_FLAG_CR_TCS     0x1000
#define IDXD_OP_FLAG_STORD      0x2000  /* writes in order */
#define IDXD_OP_FLAG_DRDBK      0x4000  /* read the destination back */
#define IDXD_OP_FLAG_DSTS       0x8000

enum dsa_opcode {
    DSA_OPCODE_NOOP = 0x00,
    DSA_OPCODE_BATCH = 0x01,
    DSA_OPCODE_DRAIN = 0x02,
    DSA_OPCODE_MEMMOVE = 0x03,
    DSA_OPCODE_MEMFILL = 0x04,
    DSA_OPCODE_COMPARE = 0x05,
    DSA_OPCODE_COMPVAL = 0x06,
    DSA_OPCODE_CR_DELTA = 0x07,
    DSA_OPCODE_AP_DELTA = 0x08,
    DSA_OPCODE_DUALCAST = 0x09,
    DSA_OPCODE_CRCGEN = 0x10,
    DSA_OPCODE_COPY_CRC = 0x11,
    DSA_OPCODE_DIF_CHECK = 0x12,
    DSA_OPCODE_DIF_INS = 0x13,
    DSA_OPCODE_DIF_STRP = 0x14,
    DSA_OPCODE_DIF_UPDT = 0x15,
    DSA_OPCODE_CFLUSH = 0x20,
};

/* Status of a completion record; 0 stands there until it is written. */
enum dsa_completion_status {
    DSA_COMP_NONE = 0x00,
    DSA_COMP_SUCCESS = 0x01,
    DSA_COMP_SUCCESS_PRED = 0x02,       /* result is not the expected one */
    DSA_COMP_PAGE_FAULT_NOBOF = 0x03,
    DSA_COMP_PAGE_FAULT_IR = 0x04,      /* the kernel could not resolve it */
    DSA_COMP_BATCH_FAIL = 0x05,         /* a member is not SUCCESS */
    DSA_COMP_BATCH_PAGE_FAULT = 0x06,   /* on the list of descriptors */
    DSA_COMP_DR_OFFSET_NOINC = 0x07,
    DSA_COMP_DR_OFFSET_ERANGE = 0x08,
    DSA_COMP_DIF_ERR = 0x09,
    DSA_COMP_BAD_OPCODE = 0x10,
    DSA_COMP_INVALID_FLAGS = 0x11,
    DSA_COMP_NOZERO_RESERVE = 0x12,
    DSA_COMP_XFER_ERANGE = 0x13,
    DSA_COMP_DESC_CNT_ERANGE = 0x14,
    DSA_COMP_DR_ERANGE = 0x15,
    DSA_COMP_OVERLAP_BUFFERS = 0x16,
    DSA_COMP_DCAST_ERR = 0x17,
    DSA_COMP_DESCLIST_ALIGN = 0x18,
    DSA_COMP_INT_HANDLE_INVAL = 0x19,
    DSA_COMP_CRA_XLAT = 0x1a,           /* never in a record */
    DSA_COMP_CRA_ALIGN = 0x1b,          /* never in a record */
    DSA_COMP_ADDR_ALIGN = 0x1c,
    DSA_COMP_PRIV_BAD = 0x1d,           /* never in a record */
    DSA_COMP_TRAFFIC_CLASS_CONF = 0x1e,
    DSA_COMP_PFAULT_RDBA = 0x1f,
    DSA_COMP_HW_ERR1 = 0x20,
    DSA_COMP_HW_ERR_DRB = 0x21,
    DSA_COMP_TRANSLATION_FAIL = 0x22,
};

/* Bits of the status byte: the code, and that the fault was a write. */
#define DSA_COMP_STATUS_MASK    0x7f
#define DSA_COMP_STATUS_WRITE   0x80

/* What software submits. 64 bytes, in memory at a multiple of 64. */
struct dsa_hw_desc {
    uint32_t pasid : 20;        /* filled in by ENQCMD */
    uint32_t rsvd : 11;
    uint32_t priv : 1;
    uint32_t flags : 24;        /* IDXD_OP_FLAG_ */
    uint32_t opcode : 8;        /* enum dsa_opcode */
    uint64_t completion_addr;   /* of the record, a multiple of 32 */
    union {
        uint64_t src_addr;
        uint64_t rdback_addr;
        uint64_t pattern;
        uint64_t desc_list_addr; /* a multiple of 64 */
    };
    union {
        uint64_t dst_addr;
        uint64_t rdback_addr2;
        uint64_t src2_addr;
        uint64_t comp_pattern;
    };
    union {
        uint32_t xfer_size;     /* bytes */
        uint32_t desc_count;
    };
    uint16_t int_handle;
    uint16_t rsvd1;
    union {
        uint8_t expected_res;
        struct {
            uint64_t delta_addr;
            uint32_t max_delta_size;
            uint32_t delt_rsvd;
            uint8_t expected_res_mask;
        };
        uint32_t delta_rec_size;
        uint64_t dest2;
        struct {
            uint32_t crc_seed;
            uint32_t crc_rsvd;
            uint64_t seed_addr;
        };
        uint8_t op_specific[24];
    };
};

/* What the device answers. 32 bytes at a multiple of 32. */
struct dsa_completion_record {
    volatile uint8_t status;    /* written last */
    union {
        uint8_t result;
        uint8_t dif_status;
    };
    uint16_t rsvd;
    uint32_t bytes_completed;   /* of a batch: descriptors */
    uint64_t fault_addr;
    union {
        struct {
            uint32_t invalid_flags : 24;
            uint32_t rsvd2 : 8;
        };
        uint32_t delta_rec_size;
        uint64_t crc_val;
        uint8_t op_specific[16];
    };
};

_Static_assert(sizeof(struct dsa_hw_desc) == 64, "a descriptor's size");
_Static_assert(sizeof(struct dsa_completion_record) == 32, "a record's size");

#endif /* LINUX_HEADERS_IDXD_H */
