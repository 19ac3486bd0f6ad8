/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of which descriptors the software DSA device refuses, and how: each
 * opcode, flag and byte.
 */
#include "qemu/osdep.h"

#include "dsa-soft-rig.h"

/* Two members for what is tried inside a batch: the probe and a no-op. */
#define MEMBER_OPTIONS "engines=0,profile=dsa2,block-on-fault=on"

/* Flag of a Batch with continuation. */
#define PRIOR_RESULT 0x10000u

typedef struct Expected {
    unsigned opcode;
    uint32_t flags;             /* allowed besides CRAV, RCR, CR_TCS */
    unsigned first_reserved;    /* from there on to 63, */
    uint64_t also_reserved;     /* and bit n: byte n */
    bool member;
} Expected;

#define BOF     IDXD_OP_FLAG_BOF
#define CR      IDXD_OP_FLAG_CR
#define TCS1    IDXD_OP_FLAG_ADDR1_TCS
#define TCS2    IDXD_OP_FLAG_ADDR2_TCS
#define WRITES  (IDXD_OP_FLAG_CC | IDXD_OP_FLAG_STORD | IDXD_OP_FLAG_DRDBK)
#define BITS(first, last) \
    ((UINT64_MAX >> (63 - (last))) & (UINT64_MAX << (first)))

/* As the table of the specification has it. */
static const Expected expected[] = {
    { DSA_OPCODE_NOOP, 0, 38, BITS(16, 35), true },
    { DSA_OPCODE_BATCH, TCS1, 38, BITS(24, 31), false },
    { DSA_OPCODE_DRAIN, 0, 38, BITS(32, 35), false },
    { DSA_OPCODE_MEMMOVE, BOF | WRITES | TCS1 | TCS2, 38, 0, true },
    { DSA_OPCODE_MEMFILL, BOF | WRITES | TCS2, 38, 0, true },
    { DSA_OPCODE_COMPARE, BOF | CR | TCS1 | TCS2, 41, BITS(38, 39), true },
    { DSA_OPCODE_COMPVAL, BOF | CR | TCS1, 41, BITS(38, 39), true },
};

/* A descriptor of this opcode that does something and is right. */
static struct dsa_hw_desc good_desc(Rig *rig, unsigned opcode)
{
    struct dsa_hw_desc desc = rig_desc(rig, 0, opcode);

    switch (opcode) {
    case DSA_OPCODE_NOOP:
    case DSA_OPCODE_DRAIN:
        break;
    case DSA_OPCODE_BATCH:
        rig->list[0] = rig_desc(rig, 1, DSA_OPCODE_NOOP);
        rig->list[1] = rig_desc(rig, 2, DSA_OPCODE_NOOP);
        desc = rig_batch(rig, 0, 2);
        break;
    case DSA_OPCODE_MEMFILL:
        desc.dst_addr = (uintptr_t)rig->data;
        desc.xfer_size = 64;
        break;
    case DSA_OPCODE_COMPVAL:
        desc = rig_compval(rig, 0, rig->data, 64);
        break;
    default:
        desc.src_addr = (uintptr_t)rig->data;
        desc.dst_addr = (uintptr_t)rig->data + 128;
        desc.xfer_size = 64;
        break;
    }
    return desc;
}

static uint8_t submit_alone(Rig *rig, struct dsa_hw_desc desc)
{
    g_assert_true(dsa_soft_enqcmd(rig->soft, &desc));
    return rig_status(rig, 0);
}

static uint8_t submit_as_member(Rig *rig, struct dsa_hw_desc desc)
{
    struct dsa_hw_desc batch = rig_batch(rig, 3, 2);

    rig->list[0] = desc;
    rig->list[1] = rig_desc(rig, 4, DSA_OPCODE_NOOP);
    g_assert_true(dsa_soft_enqcmd(rig->soft, &batch));
    g_assert_cmphex(rig_status(rig, 3), ==,
                    rig_status(rig, 0) == DSA_COMP_SUCCESS ?
                    DSA_COMP_SUCCESS : DSA_COMP_BATCH_FAIL);
    return rig_status(rig, 0);
}

static void check_flags_of(Rig *rig, const Expected *e, bool member)
{
    uint32_t allowed = e->flags | RIG_FLAGS | IDXD_OP_FLAG_CR_TCS |
                       (member ? IDXD_OP_FLAG_FENCE : 0);

    for (unsigned bit = 0; bit < 24; bit++) {
        struct dsa_hw_desc desc = good_desc(rig, e->opcode);
        uint32_t flag = 1u << bit;
        uint8_t status;

        desc.flags |= flag;
        status = member ? submit_as_member(rig, desc) :
                          submit_alone(rig, desc);
        if (allowed & flag) {
            g_assert_cmphex(status, ==, DSA_COMP_SUCCESS);
        } else {
            g_assert_cmphex(status, ==, DSA_COMP_INVALID_FLAGS);
            g_assert_cmphex(rig->cr[0].invalid_flags, ==, flag);
        }
    }
}

static void test_flags(void)
{
    Rig rig;

    rig_init(&rig, "engines=0,block-on-fault=on");
    memset(rig.data, 0, RIG_PAGE);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        check_flags_of(&rig, &expected[i], false);
        if (expected[i].member) {
            check_flags_of(&rig, &expected[i], true);
        }
    }
    rig_clear(&rig);
}

/* All that are wrong are named at once. */
static void test_flags_mask(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "engines=0");
    memset(rig.data, 0, RIG_PAGE);
    desc = rig_compval(&rig, 0, rig.data, 64);
    desc.flags |= 0x800102;     /* BOF, CC and bit 23 */
    g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_INVALID_FLAGS);
    g_assert_cmphex(rig.cr[0].invalid_flags, ==, 0x800102);
    rig_clear(&rig);
}

/* A queue without block_on_fault refuses it at once. */
static void test_flag_bof(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "engines=0");
    desc = rig_compval(&rig, 0, rig.data, 64);
    desc.flags |= BOF;
    g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_INVALID_FLAGS);
    g_assert_cmphex(rig.cr[0].invalid_flags, ==, BOF);
    g_assert_false(rig_is_present(rig.data));
    rig_clear(&rig);
}

/* The flag "prior result" is of batches, and of devices that have it. */
static void test_flag_prior(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, MEMBER_OPTIONS);
    memset(rig.data, 0, RIG_PAGE);
    desc = good_desc(&rig, DSA_OPCODE_BATCH);
    desc.flags |= PRIOR_RESULT;
    g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_BATCH_FAIL);
    desc = good_desc(&rig, DSA_OPCODE_NOOP);
    desc.flags |= PRIOR_RESULT;
    g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_INVALID_FLAGS);
    g_assert_cmphex(rig.cr[0].invalid_flags, ==, PRIOR_RESULT);
    rig_clear(&rig);

    rig_init(&rig, "engines=0,profile=spr");
    desc = good_desc(&rig, DSA_OPCODE_BATCH);
    desc.flags |= PRIOR_RESULT;
    g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_INVALID_FLAGS);
    g_assert_cmphex(rig.cr[0].invalid_flags, ==, PRIOR_RESULT);
    rig_clear(&rig);
}

/* Where the record is the answer, one must be asked for. */
static void test_record_needed(void)
{
    static const unsigned needs[] = {
        DSA_OPCODE_COMPARE, DSA_OPCODE_COMPVAL, DSA_OPCODE_DRAIN,
    };
    static const unsigned quiet[] = {
        DSA_OPCODE_NOOP, DSA_OPCODE_BATCH, DSA_OPCODE_MEMMOVE,
        DSA_OPCODE_MEMFILL,
    };
    Rig rig;

    rig_init(&rig, "engines=0");
    memset(rig.data, 0, RIG_PAGE);
    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        struct dsa_hw_desc desc = good_desc(&rig, needs[i]);

        desc.flags = IDXD_OP_FLAG_CRAV;
        g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_INVALID_FLAGS);
        g_assert_cmphex(rig.cr[0].invalid_flags, ==, IDXD_OP_FLAG_RCR);
    }
    /* The others say nothing when all went well, */
    for (size_t i = 0; i < ARRAY_SIZE(quiet); i++) {
        struct dsa_hw_desc desc = good_desc(&rig, quiet[i]);

        desc.flags = IDXD_OP_FLAG_CRAV;
        g_assert_cmphex(submit_alone(&rig, desc), ==, 0);
        desc.flags = 0;
        g_assert_cmphex(submit_alone(&rig, desc), ==, 0);
        /* and say it when not. */
        desc.flags = IDXD_OP_FLAG_CRAV;
        desc.rsvd1 = 1;
        g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_NOZERO_RESERVE);
    }
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0);
    rig_clear(&rig);
}

/* Without a record, an error is noted in the device; the first one stays. */
static void test_swerror(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "engines=0");
    desc = good_desc(&rig, DSA_OPCODE_NOOP);
    desc.flags = 0;
    desc.rsvd1 = 1;
    g_assert_cmphex(submit_alone(&rig, desc), ==, 0);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, DSA_COMP_NOZERO_RESERVE);
    desc.flags = IDXD_OP_FLAG_RCR;
    g_assert_cmphex(submit_alone(&rig, desc), ==, 0);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, DSA_COMP_NOZERO_RESERVE);
    rig_clear(&rig);

    /* RCR is wrong without CRAV. */
    rig_init(&rig, "engines=0");
    desc = good_desc(&rig, DSA_OPCODE_NOOP);
    desc.flags = IDXD_OP_FLAG_RCR;
    g_assert_cmphex(submit_alone(&rig, desc), ==, 0);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, DSA_COMP_INVALID_FLAGS);
    rig_clear(&rig);
}

static void test_record_misaligned(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "engines=0");
    desc = good_desc(&rig, DSA_OPCODE_MEMFILL);
    desc.pattern = 0x55;
    desc.completion_addr += 16;
    g_assert_cmphex(submit_alone(&rig, desc), ==, 0);
    g_assert_cmphex(((uint8_t *)rig.cr)[16], ==, 0);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, DSA_COMP_CRA_ALIGN);
    /* Nothing was done. */
    g_assert_false(rig_is_present(rig.data));
    rig_clear(&rig);
}

static void test_record_unmapped(void)
{
    static const uint64_t garbage[] = {
        0, 32, 0x7ffffffffff0 - 0xfd0, UINT64_C(0x8000000000000000),
        UINT64_MAX - 31, UINT64_C(0xffff888000000000),
    };

    for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
        struct dsa_hw_desc desc;
        Rig rig;

        rig_init(&rig, "engines=0");
        desc = good_desc(&rig, DSA_OPCODE_NOOP);
        desc.completion_addr = garbage[i] & ~UINT64_C(31);
        g_assert_true(dsa_soft_enqcmd(rig.soft, &desc));
        g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, DSA_COMP_CRA_XLAT);
        rig_clear(&rig);
    }
}

static void test_reserved(void)
{
    Rig rig;

    rig_init(&rig, "engines=0");
    memset(rig.data, 0, RIG_PAGE);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const Expected *e = &expected[i];

        for (unsigned byte = 36; byte < 64; byte++) {
            struct dsa_hw_desc desc = good_desc(&rig, e->opcode);
            bool reserved = byte >= e->first_reserved || byte < 38 ||
                            (e->also_reserved >> byte & 1);

            ((uint8_t *)&desc)[byte] = 0x80;
            g_assert_cmphex(submit_alone(&rig, desc), ==, reserved ?
                            DSA_COMP_NOZERO_RESERVE : DSA_COMP_SUCCESS);
        }
        for (unsigned byte = 16; byte < 36; byte++) {
            struct dsa_hw_desc desc = good_desc(&rig, e->opcode);

            if (e->also_reserved >> byte & 1) {
                ((uint8_t *)&desc)[byte] = 1;
                g_assert_cmphex(submit_alone(&rig, desc), ==,
                                DSA_COMP_NOZERO_RESERVE);
            }
        }
    }
    rig_clear(&rig);
}

static void test_opcodes(void)
{
    Rig rig;

    rig_init(&rig, "engines=0");
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        struct dsa_hw_desc desc = rig_desc(&rig, 0, opcode);
        uint8_t status = submit_alone(&rig, desc);

        if (opcode <= DSA_OPCODE_COMPVAL) {
            g_assert_cmphex(status, !=, DSA_COMP_BAD_OPCODE);
        } else {
            g_assert_cmphex(status, ==, DSA_COMP_BAD_OPCODE);
        }
    }
    rig_clear(&rig);

    rig_init(&rig, "engines=0,opcodes=41");
    g_assert_cmphex(submit_alone(&rig, good_desc(&rig, DSA_OPCODE_NOOP)), ==,
                    DSA_COMP_SUCCESS);
    g_assert_cmphex(submit_alone(&rig, good_desc(&rig, DSA_OPCODE_MEMFILL)),
                    ==, DSA_COMP_BAD_OPCODE);
    rig_clear(&rig);
}

/* The opcode counts before the flags, and these before the rest. */
static void test_order(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "engines=0");
    desc = rig_compval(&rig, 0, rig.data, 0);
    g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_XFER_ERANGE);
    desc.rsvd1 = 1;
    g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_NOZERO_RESERVE);
    desc.flags |= IDXD_OP_FLAG_CC;
    g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_INVALID_FLAGS);
    desc.opcode = 0xff;
    g_assert_cmphex(submit_alone(&rig, desc), ==, DSA_COMP_BAD_OPCODE);
    rig_clear(&rig);
}

static void test_sizes(void)
{
    static const unsigned sized[] = {
        DSA_OPCODE_MEMMOVE, DSA_OPCODE_MEMFILL, DSA_OPCODE_COMPARE,
        DSA_OPCODE_COMPVAL,
    };
    static const struct {
        uint32_t size;
        uint8_t status;
    } cases[] = {
        { 0, DSA_COMP_XFER_ERANGE },
        { 1, DSA_COMP_SUCCESS },
        { 100, DSA_COMP_SUCCESS },
        { 101, DSA_COMP_XFER_ERANGE },
        { UINT32_MAX, DSA_COMP_XFER_ERANGE },
    };
    Rig rig;

    rig_init(&rig, "engines=0,max-transfer-size=100");
    memset(rig.data, 0, RIG_PAGE);
    for (size_t i = 0; i < ARRAY_SIZE(sized); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(cases); j++) {
            struct dsa_hw_desc desc = good_desc(&rig, sized[i]);

            desc.xfer_size = cases[j].size;
            g_assert_cmphex(submit_alone(&rig, desc), ==, cases[j].status);
        }
    }
    rig_clear(&rig);
}

/* Bits 30:20 of the first word: MOVDIR64B lets them through. */
static void test_first_word(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "mode=dedicated");
    desc = good_desc(&rig, DSA_OPCODE_NOOP);
    desc.pasid = 0xfffff;
    desc.priv = 1;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    desc = good_desc(&rig, DSA_OPCODE_NOOP);
    desc.rsvd = 1;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_NOZERO_RESERVE);
    rig_clear(&rig);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsa-soft-check/flags", test_flags);
    g_test_add_func("/dsa-soft-check/mask of flags", test_flags_mask);
    g_test_add_func("/dsa-soft-check/block on fault", test_flag_bof);
    g_test_add_func("/dsa-soft-check/prior result", test_flag_prior);
    g_test_add_func("/dsa-soft-check/record needed", test_record_needed);
    g_test_add_func("/dsa-soft-check/error without record", test_swerror);
    g_test_add_func("/dsa-soft-check/record misaligned",
                    test_record_misaligned);
    g_test_add_func("/dsa-soft-check/record unmapped", test_record_unmapped);
    g_test_add_func("/dsa-soft-check/reserved bytes", test_reserved);
    g_test_add_func("/dsa-soft-check/opcodes", test_opcodes);
    g_test_add_func("/dsa-soft-check/order of checks", test_order);
    g_test_add_func("/dsa-soft-check/sizes", test_sizes);
    g_test_add_func("/dsa-soft-check/first word", test_first_word);
    return g_test_run();
}
