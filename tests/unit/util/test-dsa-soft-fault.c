/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of page faults of the software DSA device, on memory of each kind.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "dsa-soft-rig.h"

static void assert_fault(Rig *rig, const struct dsa_hw_desc *desc,
                         uint8_t status, uint32_t done, const void *page)
{
    g_assert_cmphex(rig_run(rig, desc), ==, status);
    g_assert_cmpuint(rig->cr[0].result, ==, 0);
    g_assert_cmpuint(rig->cr[0].bytes_completed, ==, done);
    g_assert_cmphex(rig->cr[0].fault_addr & ~UINT64_C(4095), ==,
                    (uintptr_t)page);
}

/* The compare ends at the first page that is not there, and leaves it so. */
static void test_untouched(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    desc = rig_compval(&rig, 0, rig.data, RIG_PAGE);
    assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_NOBOF, 0, rig.data);
    g_assert_false(rig_is_present(rig.data));

    rig.data[0] = rig.data[RIG_PAGE] = 0;
    desc = rig_compval(&rig, 0, rig.data + 10, 4 * RIG_PAGE);
    assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_NOBOF, 2 * RIG_PAGE - 10,
                 rig.data + 2 * RIG_PAGE);
    g_assert_false(rig_is_present(rig.data + 2 * RIG_PAGE));
    g_assert_false(rig_is_present(rig.data + 3 * RIG_PAGE));
    g_assert_cmpuint(rig.cr[0].rsvd, ==, 0);
    rig_clear(&rig);
}

/* A difference that was found counts, whatever lies behind it. */
static void test_difference_first(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    rig.data[RIG_PAGE - 1] = 1;
    desc = rig_compval(&rig, 0, rig.data, 2 * RIG_PAGE);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(rig.cr[0].result, ==, 1);
    g_assert_cmpuint(rig.cr[0].bytes_completed, ==, RIG_PAGE - 1);
    rig_clear(&rig);
}

/* A page that was only read maps the shared zero page: no fault. */
static void test_zero_page(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    g_assert_cmpuint(*(volatile uint8_t *)rig.data, ==, 0);
    desc = rig_compval(&rig, 0, rig.data, RIG_PAGE);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    /* But it cannot be written. */
    desc = rig_desc(&rig, 0, DSA_OPCODE_MEMFILL);
    desc.dst_addr = (uintptr_t)rig.data;
    desc.xfer_size = 8;
    assert_fault(&rig, &desc,
                 DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, 0,
                 rig.data);
    rig_clear(&rig);
}

/* Holes of shared memory stay holes. */
static void test_shmem_hole(void)
{
    AUTO_FD int fd = memfd_create("dsa-soft", MFD_CLOEXEC);
    struct dsa_hw_desc desc;
    struct stat st;
    uint8_t *mem;
    Rig rig;

    g_assert_cmpint(ftruncate(fd, 8 * RIG_PAGE), ==, 0);
    mem = mmap(NULL, 8 * RIG_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    g_assert_true(mem != MAP_FAILED);
    rig_init(&rig, NULL);
    desc = rig_compval(&rig, 0, mem, 8 * RIG_PAGE);
    assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_NOBOF, 0, mem);
    /* One that the file has and this process never touched faults, too. */
    g_assert_cmpint(pwrite(fd, "", 1, RIG_PAGE), ==, 1);
    desc = rig_compval(&rig, 0, mem + RIG_PAGE, RIG_PAGE);
    assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_NOBOF, 0, mem + RIG_PAGE);
    mem[2 * RIG_PAGE] = 0;
    desc = rig_compval(&rig, 0, mem + 2 * RIG_PAGE, 2 * RIG_PAGE);
    assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_NOBOF, RIG_PAGE,
                 mem + 3 * RIG_PAGE);
    g_assert_cmpint(fstat(fd, &st), ==, 0);
    g_assert_cmpint(st.st_blocks * 512, ==, 2 * RIG_PAGE);
    rig_clear(&rig);
    munmap(mem, 8 * RIG_PAGE);
}

/* Looking ahead over a batch brings nothing in and forgets nothing. */
static void test_batch(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "profile=dsa2,max-batch-size=1024");
    for (unsigned i = 0; i < RIG_PAGES; i++) {
        if (i % 3) {
            rig.data[i * RIG_PAGE] = i % 5 == 0;
        }
        rig.list[i] = rig_compval(&rig, i, rig.data + i * RIG_PAGE, RIG_PAGE);
    }
    desc = rig_batch(&rig, 1000, RIG_PAGES);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmpuint(rig.cr[1000].bytes_completed, ==, RIG_PAGES);
    g_assert_cmpuint(rig.cr[1000].result, ==, 1);
    for (unsigned i = 0; i < RIG_PAGES; i++) {
        g_assert_cmphex(rig_status(&rig, i), ==,
                        i % 3 ? DSA_COMP_SUCCESS : DSA_COMP_PAGE_FAULT_NOBOF);
        g_assert_cmpuint(rig.cr[i].result, ==, i % 3 && i % 5 == 0);
        g_assert_true(rig_is_present(rig.data + i * RIG_PAGE) == (i % 3 != 0));
        /* DSA 2.0 says which operand: the source. */
        g_assert_cmphex(rig.cr[i].rsvd, ==, i % 3 ? 0 : 1 << 1);
    }
    rig_clear(&rig);
}

/* With block on fault, the kernel brings pages in and nobody hears of it. */
static void test_block_on_fault(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "block-on-fault=on");
    desc = rig_compval(&rig, 0, rig.data, 4 * RIG_PAGE);
    desc.flags |= IDXD_OP_FLAG_BOF;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(rig.cr[0].result, ==, 0);
    for (unsigned i = 0; i < 4; i++) {
        g_assert_true(rig_is_present(rig.data + i * RIG_PAGE));
    }
    desc = rig_desc(&rig, 0, DSA_OPCODE_MEMMOVE);
    desc.flags |= IDXD_OP_FLAG_BOF;
    desc.src_addr = (uintptr_t)rig.data + 10 * RIG_PAGE;
    desc.dst_addr = (uintptr_t)rig.data + 20 * RIG_PAGE;
    desc.xfer_size = 3 * RIG_PAGE;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    g_assert_true(rig_is_present(rig.data + 22 * RIG_PAGE));
    rig_clear(&rig);
}

/* What one member brought in is there for the next one. */
static void test_brought_in(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "block-on-fault=on");
    rig.data[0] = 1;
    rig.list[0] = rig_compval(&rig, 0, rig.data, 2 * RIG_PAGE);
    rig.list[1] = rig_desc(&rig, 1, DSA_OPCODE_MEMFILL);
    rig.list[1].flags |= IDXD_OP_FLAG_BOF;
    rig.list[1].dst_addr = (uintptr_t)rig.data + RIG_PAGE;
    rig.list[1].xfer_size = 64;
    rig.list[2] = rig_compval(&rig, 2, rig.data + RIG_PAGE, RIG_PAGE);
    rig.list[2].flags |= IDXD_OP_FLAG_FENCE;
    desc = rig_batch(&rig, 1000, 3);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);
}

/* What the kernel refuses ends it, wherever the address points. */
static void test_refused(void)
{
    uint64_t bad[] = {
        0, 4096, 0x7ffffffff000, UINT64_C(0x8000000000000000),
        UINT64_C(0xffffffffff600000), UINT64_MAX - 4095, UINT64_MAX - 7,
        0 /* PROT_NONE, below */,
    };
    uint8_t *forbidden = rig_map(3, PROT_READ | PROT_WRITE);
    Rig rig;

    memset(forbidden, 0, 3 * RIG_PAGE);
    g_assert_cmpint(mprotect(forbidden + RIG_PAGE, RIG_PAGE, PROT_NONE), ==,
                    0);
    bad[ARRAY_SIZE(bad) - 1] = (uintptr_t)forbidden + RIG_PAGE;
    rig_init(&rig, "block-on-fault=on");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        void *page = (void *)(uintptr_t)(bad[i] & ~UINT64_C(4095));
        struct dsa_hw_desc desc = rig_compval(&rig, 0, NULL, 3 * RIG_PAGE);

        desc.src_addr = bad[i];
        assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_NOBOF, 0, page);
        desc = rig_compval(&rig, 0, NULL, 3 * RIG_PAGE);
        desc.src_addr = bad[i];
        desc.flags |= IDXD_OP_FLAG_BOF;
        assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_IR, 0, page);
    }
    /* A forbidden page is a fault also in the middle. */
    {
        struct dsa_hw_desc desc = rig_compval(&rig, 0, forbidden,
                                              3 * RIG_PAGE);

        assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_NOBOF, RIG_PAGE,
                     forbidden + RIG_PAGE);
    }
    rig_clear(&rig);
    munmap(forbidden, 3 * RIG_PAGE);
}

/* Writes to what is read-only, with and without waiting. */
static void test_write_refused(void)
{
    uint8_t *mem = rig_map(2, PROT_READ | PROT_WRITE);
    struct dsa_hw_desc desc;
    Rig rig;

    memset(mem, 0, 2 * RIG_PAGE);
    g_assert_cmpint(mprotect(mem + RIG_PAGE, RIG_PAGE, PROT_READ), ==, 0);
    rig_init(&rig, "block-on-fault=on,profile=dsa2");
    desc = rig_desc(&rig, 0, DSA_OPCODE_MEMFILL);
    desc.dst_addr = (uintptr_t)mem + 100;
    desc.xfer_size = RIG_PAGE;
    desc.pattern = UINT64_MAX;
    assert_fault(&rig, &desc,
                 DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE,
                 RIG_PAGE - 100, mem + RIG_PAGE);
    g_assert_cmphex(rig.cr[0].rsvd, ==, 3 << 1);
    g_assert_cmphex(mem[RIG_PAGE - 1], ==, 0xff);
    desc.flags |= IDXD_OP_FLAG_BOF;
    rig.cr[0].status = 0;
    assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_IR | DSA_COMP_STATUS_WRITE,
                 RIG_PAGE - 100, mem + RIG_PAGE);
    rig_clear(&rig);
    munmap(mem, 2 * RIG_PAGE);
}

/* Of two operands, either may be the one; a move tells its direction. */
static void test_operands(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "profile=dsa2");
    rig.data[0] = 0;
    desc = rig_desc(&rig, 0, DSA_OPCODE_COMPARE);
    desc.src_addr = (uintptr_t)rig.data;
    desc.src2_addr = (uintptr_t)rig.data + 5 * RIG_PAGE;
    desc.xfer_size = 100;
    assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_NOBOF, 0,
                 rig.data + 5 * RIG_PAGE);
    g_assert_cmphex(rig.cr[0].rsvd, ==, 2 << 1);

    /* Overlapping upwards: from the end, where the source is missing. */
    desc = rig_desc(&rig, 0, DSA_OPCODE_MEMMOVE);
    desc.src_addr = (uintptr_t)rig.data;
    desc.dst_addr = (uintptr_t)rig.data + 16;
    desc.xfer_size = 2 * RIG_PAGE;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_PAGE_FAULT_NOBOF);
    g_assert_cmpuint(rig.cr[0].result, ==, 1);
    g_assert_cmpuint(rig.cr[0].bytes_completed, ==, 0);
    rig_clear(&rig);
}

/* Translation fetch is of DSA 2.0 and takes faults as any access. */
static void test_translation_fetch(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "profile=dsa2,block-on-fault=on");
    desc = rig_compval(&rig, 0, rig.data, 2 * RIG_PAGE);
    desc.opcode = 0x0a;
    assert_fault(&rig, &desc, DSA_COMP_PAGE_FAULT_NOBOF, 0, rig.data);
    rig.cr[0].status = 0;
    desc.flags |= IDXD_OP_FLAG_BOF;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    g_assert_true(rig_is_present(rig.data + RIG_PAGE));
    rig_clear(&rig);

    rig_init(&rig, "profile=spr");
    desc = rig_compval(&rig, 0, rig.data, 2 * RIG_PAGE);
    desc.opcode = 0x0a;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BAD_OPCODE);
    rig_clear(&rig);
}

/* The page of a record is brought in, if need be. */
static void test_record_page(void)
{
    struct dsa_completion_record *cr =
        (void *)rig_map(1, PROT_READ | PROT_WRITE);
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "engines=0");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    desc.completion_addr = (uintptr_t)cr;
    g_assert_false(rig_is_present(cr));
    g_assert_true(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_cmphex(cr->status, ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);

    /* Where it may not be written, it is an error of the device. */
    g_assert_cmpint(mprotect(cr, RIG_PAGE, PROT_READ), ==, 0);
    rig_init(&rig, "engines=0");
    g_assert_true(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, DSA_COMP_CRA_XLAT);
    rig_clear(&rig);
    munmap(cr, RIG_PAGE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsa-soft-fault/untouched", test_untouched);
    g_test_add_func("/dsa-soft-fault/difference first",
                    test_difference_first);
    g_test_add_func("/dsa-soft-fault/shared zero page", test_zero_page);
    g_test_add_func("/dsa-soft-fault/hole of shared memory", test_shmem_hole);
    g_test_add_func("/dsa-soft-fault/batch", test_batch);
    g_test_add_func("/dsa-soft-fault/block on fault", test_block_on_fault);
    g_test_add_func("/dsa-soft-fault/brought in before", test_brought_in);
    g_test_add_func("/dsa-soft-fault/refused", test_refused);
    g_test_add_func("/dsa-soft-fault/write refused", test_write_refused);
    g_test_add_func("/dsa-soft-fault/operands", test_operands);
    g_test_add_func("/dsa-soft-fault/translation fetch",
                    test_translation_fetch);
    g_test_add_func("/dsa-soft-fault/page of the record", test_record_page);
    return g_test_run();
}
