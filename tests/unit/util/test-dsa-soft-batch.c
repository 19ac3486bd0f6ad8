/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of batches on the software DSA device.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "dsa-soft-rig.h"

/* Record of the batch itself. */
#define SELF 1000u

/* Flag of a Batch with continuation. */
#define PRIOR_RESULT 0x10000u

/* @nr compares of a page each with zero; pages are brought in. */
static struct dsa_hw_desc page_batch(Rig *rig, unsigned nr)
{
    memset(rig->data, 0, nr * RIG_PAGE);
    for (unsigned i = 0; i < nr; i++) {
        rig->list[i] = rig_compval(rig, i, rig->data + i * RIG_PAGE, RIG_PAGE);
    }
    return rig_batch(rig, SELF, nr);
}

static void assert_members(Rig *rig, unsigned from, unsigned to,
                           uint8_t status)
{
    for (unsigned i = from; i < to; i++) {
        g_assert_cmphex(rig_status(rig, i), ==, status);
    }
}

static void test_members(gconstpointer options)
{
    struct dsa_hw_desc desc;
    uint32_t rung;
    Rig rig;

    rig_init(&rig, options);
    desc = page_batch(&rig, 500);
    for (unsigned i = 0; i < 500; i += 7) {
        rig.data[i * RIG_PAGE + i] = 1;
    }
    rung = dsa_bell_read(&rig.bell);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 500);
    g_assert_cmpuint(rig.cr[SELF].result, ==, 0);
    assert_members(&rig, 0, 500, DSA_COMP_SUCCESS);
    for (unsigned i = 0; i < 500; i++) {
        g_assert_cmpuint(rig.cr[i].result, ==, i % 7 == 0);
        g_assert_cmpuint(rig.cr[i].bytes_completed, ==, i % 7 ? 0 : i);
    }
    /* Once for the batch, never for its members. */
    rig_close(&rig);
    g_assert_cmpuint(dsa_bell_read(&rig.bell) - rung, ==, 1);
    rig_clear(&rig);
}

static void test_count(void)
{
    static const struct {
        unsigned nr;
        uint8_t status;
    } cases[] = {
        { 0, DSA_COMP_DESC_CNT_ERANGE },
        { 1, DSA_COMP_DESC_CNT_ERANGE },
        { 2, DSA_COMP_SUCCESS },
        { 32, DSA_COMP_SUCCESS },
        { 33, DSA_COMP_DESC_CNT_ERANGE },
        { UINT32_MAX, DSA_COMP_DESC_CNT_ERANGE },
    };
    Rig rig;

    rig_init(&rig, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dsa_hw_desc desc = page_batch(&rig, 40);

        desc.desc_count = cases[i].nr;
        g_assert_cmphex(rig_run(&rig, &desc), ==, cases[i].status);
        if (cases[i].status != DSA_COMP_SUCCESS) {
            assert_members(&rig, 0, 40, 0);
        } else {
            assert_members(&rig, 0, cases[i].nr, DSA_COMP_SUCCESS);
            assert_members(&rig, cases[i].nr, 40, 0);
        }
    }
    rig_clear(&rig);
}

static void test_misaligned_list(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    desc = page_batch(&rig, 4);
    desc.desc_list_addr += 32;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_DESCLIST_ALIGN);
    assert_members(&rig, 0, 4, 0);
    rig_clear(&rig);
}

static void test_not_in_a_batch(gconstpointer opcode)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "profile=dsa2");
    desc = page_batch(&rig, 4);
    rig.list[2] = rig_desc(&rig, 2, GPOINTER_TO_UINT(opcode));
    rig.list[2].desc_list_addr = (uintptr_t)rig.list;
    rig.list[2].desc_count = 2;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmphex(rig_status(&rig, 2), ==, DSA_COMP_BAD_OPCODE);
    /* A failed member keeps none of the others from being done. */
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 4);
    g_assert_cmpuint(rig.cr[SELF].result, ==, 1);
    g_assert_cmphex(rig_status(&rig, 3), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);
}

/* "Not as expected" is no failure alone, and one for the batch. */
static void test_unexpected_result(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    desc = page_batch(&rig, 4);
    rig.list[1].flags |= IDXD_OP_FLAG_CR;
    rig.list[1].expected_res = 1;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmphex(rig_status(&rig, 1), ==, DSA_COMP_SUCCESS_PRED);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 4);
    g_assert_cmpuint(rig.cr[SELF].result, ==, 0);
    rig_clear(&rig);
}

static void test_fence(gconstpointer options)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, options);
    desc = page_batch(&rig, 20);
    rig.list[0].flags |= IDXD_OP_FLAG_FENCE;
    rig.list[10].flags |= IDXD_OP_FLAG_FENCE;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 20);

    /* Behind a failure, a fence abandons all that follows. */
    desc = page_batch(&rig, 20);
    rig.list[3].xfer_size = 0;
    rig.list[10].flags |= IDXD_OP_FLAG_FENCE;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 10);
    assert_members(&rig, 0, 3, DSA_COMP_SUCCESS);
    assert_members(&rig, 4, 10, DSA_COMP_SUCCESS);
    assert_members(&rig, 10, 20, 0);
    rig_clear(&rig);
}

/* Over a fence, a member sees what the one before it wrote. */
static void test_fence_order(void)
{
    Rig rig;

    rig_init(&rig, "shuffle=1,max-batch-size=1024");
    for (unsigned i = 0; i < 100; i++) {
        rig.list[i] = rig_desc(&rig, i, DSA_OPCODE_MEMMOVE);
        rig.list[i].flags |= IDXD_OP_FLAG_FENCE;
        rig.list[i].src_addr = (uintptr_t)rig.data + i * 8;
        rig.list[i].dst_addr = (uintptr_t)rig.data + i * 8 + 8;
        rig.list[i].xfer_size = 8;
    }
    for (unsigned round = 0; round < 5; round++) {
        struct dsa_hw_desc desc = rig_batch(&rig, SELF, 100);

        memset(rig.data, 0, RIG_PAGE);
        rig.data[0] = 77;
        g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
        g_assert_cmpuint(rig.data[800], ==, 77);
    }
    rig_clear(&rig);
}

/* Which member was done last tells the order: all write the same place. */
static unsigned last_member(Rig *rig)
{
    struct dsa_hw_desc desc;

    for (unsigned i = 0; i < 32; i++) {
        rig->list[i] = rig_desc(rig, i, DSA_OPCODE_MEMFILL);
        rig->list[i].pattern = i;
        rig->list[i].dst_addr = (uintptr_t)rig->data;
        rig->list[i].xfer_size = 8;
    }
    desc = rig_batch(rig, SELF, 32);
    g_assert_cmphex(rig_run(rig, &desc), ==, DSA_COMP_SUCCESS);
    assert_members(rig, 0, 32, DSA_COMP_SUCCESS);
    return rig->data[0];
}

static void test_shuffle(void)
{
    unsigned last[20], others = 0;
    Rig rig;

    rig_init(&rig, NULL);
    rig.data[0] = 1;
    for (unsigned i = 0; i < 20; i++) {
        g_assert_cmpuint(last_member(&rig), ==, 31);
    }
    rig_clear(&rig);

    rig_init(&rig, "shuffle=7");
    rig.data[0] = 1;
    for (unsigned i = 0; i < 20; i++) {
        last[i] = last_member(&rig);
        others += last[i] != 31;
    }
    g_assert_cmpuint(others, >, 0);
    rig_clear(&rig);

    /* The same seed, the same order. */
    rig_init(&rig, "shuffle=7");
    rig.data[0] = 1;
    for (unsigned i = 0; i < 20; i++) {
        g_assert_cmpuint(last_member(&rig), ==, last[i]);
    }
    rig_clear(&rig);
}

/* Members that ask for no record get one only when they fail. */
static void test_quiet_members(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    for (unsigned i = 0; i < 4; i++) {
        rig.list[i] = rig_desc(&rig, i, DSA_OPCODE_MEMFILL);
        rig.list[i].flags = IDXD_OP_FLAG_CRAV;
        rig.list[i].dst_addr = (uintptr_t)rig.data;
        rig.list[i].xfer_size = 8;
    }
    rig.list[2].xfer_size = 0;
    rig.data[0] = 1;
    desc = rig_batch(&rig, SELF, 4);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 4);
    g_assert_cmphex(rig_status(&rig, 2), ==, DSA_COMP_XFER_ERANGE);
    rig.cr[2].status = 0;
    assert_members(&rig, 0, 4, 0);
    rig_clear(&rig);
}

/* A batch that asks for no record and fails by a member has none. */
static void test_quiet_batch(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    desc = page_batch(&rig, 4);
    rig.list[1].xfer_size = 0;
    desc.flags = IDXD_OP_FLAG_CRAV;
    rig_submit(&rig, &desc);
    rig_drain(&rig);
    g_assert_cmphex(rig_status(&rig, SELF), ==, 0);
    g_assert_cmphex(rig_status(&rig, 3), ==, DSA_COMP_SUCCESS);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0);
    rig_clear(&rig);
}

/* A member whose record cannot be written makes the batch fail. */
static void test_member_record(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    desc = page_batch(&rig, 4);
    rig.list[1].completion_addr = 64;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 4);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, DSA_COMP_CRA_XLAT);
    rig_clear(&rig);
}

static void test_unmapped_list(void)
{
    static const uint64_t garbage[] = {
        0, 4096, UINT64_C(0x8000000000000000), UINT64_MAX - 63,
    };
    Rig rig;

    rig_init(&rig, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
        struct dsa_hw_desc desc = rig_batch(&rig, SELF, 4);

        desc.desc_list_addr = garbage[i];
        g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_PAGE_FAULT);
        g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 0);
        g_assert_cmphex(rig.cr[SELF].fault_addr, ==,
                        garbage[i] & ~UINT64_C(4095));
    }
    rig_clear(&rig);
}

/* The second page of the list is not there: the first one is done. */
static void test_list_ends(void)
{
    uint8_t *list = rig_map(2, PROT_READ | PROT_WRITE);
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "max-batch-size=128");
    desc = page_batch(&rig, 100);
    memcpy(list, rig.list, 2 * RIG_PAGE);
    munmap(list + RIG_PAGE, RIG_PAGE);
    desc.desc_list_addr = (uintptr_t)list;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_PAGE_FAULT);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 64);
    g_assert_cmphex(rig.cr[SELF].fault_addr, ==, (uintptr_t)list + RIG_PAGE);
    assert_members(&rig, 0, 64, DSA_COMP_SUCCESS);
    assert_members(&rig, 64, 100, 0);
    rig_clear(&rig);
    munmap(list, RIG_PAGE);
}

/* The kernel brings the pages of a list in; they need not be touched. */
static void test_list_is_waited_for(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    desc = rig_batch(&rig, SELF, 4);
    g_assert_false(rig_is_present(rig.list));
    /* Four no-ops without a record. */
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);
}

/* Every other descriptor of @rig's list fails when @bad. */
static struct dsa_hw_desc prior_batch(Rig *rig, bool bad)
{
    struct dsa_hw_desc desc = page_batch(rig, 6);

    for (unsigned i = 0; i < 6 && bad; i += 2) {
        rig->list[i].xfer_size = 0;
    }
    desc.flags |= PRIOR_RESULT;
    return desc;
}

/* A batch that goes on with one that failed has failed. */
static void test_prior_result(gconstpointer options)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, options);
    desc = prior_batch(&rig, false);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmpuint(rig.cr[SELF].result, ==, 1);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 6);
    assert_members(&rig, 0, 6, DSA_COMP_SUCCESS);

    desc = prior_batch(&rig, true);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmpuint(rig.cr[SELF].result, ==, 1);

    /* Neither the one nor the other. */
    desc = prior_batch(&rig, false);
    desc.flags &= ~PRIOR_RESULT;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(rig.cr[SELF].result, ==, 0);

    /* A fence waits for what the former one was to do, too. */
    desc = prior_batch(&rig, false);
    rig.list[2].flags |= IDXD_OP_FLAG_FENCE;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 2);
    assert_members(&rig, 0, 2, DSA_COMP_SUCCESS);
    assert_members(&rig, 2, 6, 0);
    rig_clear(&rig);
}

/* Who continues behind a list that ended needs to know what was before. */
static void test_result_with_list_fault(void)
{
    uint8_t *list = rig_map(2, PROT_READ | PROT_WRITE);
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "profile=dsa2,max-batch-size=128");
    for (unsigned bad = 0; bad <= 1; bad++) {
        desc = page_batch(&rig, 100);
        rig.list[5].xfer_size = bad ? 0 : RIG_PAGE;
        memcpy(list, rig.list, RIG_PAGE);
        munmap(list + RIG_PAGE, RIG_PAGE);
        desc.desc_list_addr = (uintptr_t)list;
        g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_PAGE_FAULT);
        g_assert_cmpuint(rig.cr[SELF].result, ==, bad);
        g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 64);
    }
    rig_clear(&rig);
    munmap(list, RIG_PAGE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/dsa-soft-batch/members", "max-batch-size=1024",
                         test_members);
    g_test_add_data_func("/dsa-soft-batch/members in disorder",
                         "max-batch-size=512,shuffle=3", test_members);
    g_test_add_func("/dsa-soft-batch/count", test_count);
    g_test_add_func("/dsa-soft-batch/misaligned list", test_misaligned_list);
    g_test_add_data_func("/dsa-soft-batch/nested batch",
                         GUINT_TO_POINTER(DSA_OPCODE_BATCH),
                         test_not_in_a_batch);
    g_test_add_data_func("/dsa-soft-batch/drain inside",
                         GUINT_TO_POINTER(DSA_OPCODE_DRAIN),
                         test_not_in_a_batch);
    g_test_add_func("/dsa-soft-batch/unexpected result",
                    test_unexpected_result);
    g_test_add_data_func("/dsa-soft-batch/fence", "", test_fence);
    g_test_add_data_func("/dsa-soft-batch/fence in disorder", "shuffle=5",
                         test_fence);
    g_test_add_func("/dsa-soft-batch/fence keeps order", test_fence_order);
    g_test_add_func("/dsa-soft-batch/shuffle", test_shuffle);
    g_test_add_func("/dsa-soft-batch/quiet members", test_quiet_members);
    g_test_add_func("/dsa-soft-batch/quiet batch", test_quiet_batch);
    g_test_add_func("/dsa-soft-batch/member without record",
                    test_member_record);
    g_test_add_func("/dsa-soft-batch/unmapped list", test_unmapped_list);
    g_test_add_func("/dsa-soft-batch/list ends", test_list_ends);
    g_test_add_func("/dsa-soft-batch/list is waited for",
                    test_list_is_waited_for);
    g_test_add_data_func("/dsa-soft-batch/prior result", "profile=dsa2",
                         test_prior_result);
    g_test_add_data_func("/dsa-soft-batch/prior result in disorder",
                         "profile=dsa2,shuffle=9", test_prior_result);
    g_test_add_func("/dsa-soft-batch/result with a list fault",
                    test_result_with_list_fault);
    return g_test_run();
}
