/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the write() method of the software DSA device.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "dsa-soft-rig.h"

static void test_write(void)
{
    struct dsa_hw_desc desc[4];
    Rig rig;

    rig_init(&rig, "portal=off");
    for (unsigned i = 0; i < 4; i++) {
        desc[i] = rig_desc(&rig, i, DSA_OPCODE_NOOP);
        desc[i].pasid = 9;
    }
    g_assert_cmpint(dsa_soft_write(rig.soft, desc, 63), ==, 0);
    g_assert_cmpint(dsa_soft_write(rig.soft, desc, 3 * 64 + 63), ==, 3 * 64);
    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmphex(rig_wait(&rig, i), ==, DSA_COMP_SUCCESS);
    }
    rig_drain(&rig);
    g_assert_cmphex(rig_status(&rig, 3), ==, 0);
    rig_clear(&rig);
}

static void test_write_full(void)
{
    struct dsa_hw_desc desc[4];
    Rig rig;

    rig_init(&rig, "threshold=3,stuck-after=0,faults-from=open");
    for (unsigned i = 0; i < 4; i++) {
        desc[i] = rig_desc(&rig, i, DSA_OPCODE_NOOP);
    }
    g_assert_cmpint(dsa_soft_write(rig.soft, desc, sizeof(desc)), ==, 3 * 64);
    g_assert_cmpint(dsa_soft_write(rig.soft, desc, sizeof(desc)), ==, -EAGAIN);
    rig_clear(&rig);
}

static void test_write_fault(void)
{
    uint8_t *pages = rig_map(2, PROT_READ | PROT_WRITE);
    struct dsa_hw_desc desc;
    Rig rig;

    g_assert_cmpint(mprotect(pages + RIG_PAGE, RIG_PAGE, PROT_NONE), ==, 0);
    rig_init(&rig, NULL);
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    memcpy(pages + RIG_PAGE - 64, &desc, 64);
    g_assert_cmpint(dsa_soft_write(rig.soft, pages + RIG_PAGE, 64), ==,
                    -EFAULT);
    g_assert_cmpint(dsa_soft_write(rig.soft, (void *)1, 64), ==, -EFAULT);
    g_assert_cmpint(dsa_soft_write(rig.soft, pages + RIG_PAGE - 64, 128), ==,
                    64);
    g_assert_cmphex(rig_wait(&rig, 0), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);
    munmap(pages, 2 * RIG_PAGE);
}

static void test_write_refusals(void)
{
    struct dsa_hw_desc desc[2];
    Rig rig;

    rig_init(&rig, NULL);
    desc[0] = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    desc[1] = rig_desc(&rig, 1, DSA_OPCODE_NOOP);
    desc[1].completion_addr += 16;
    desc[1].flags = 0;          /* the kernel looks at it all the same */
    g_assert_cmpint(dsa_soft_write(rig.soft, &desc[1], 64), ==, -EINVAL);
    g_assert_cmpint(dsa_soft_write(rig.soft, desc, 128), ==, 64);
    g_assert_cmphex(rig_wait(&rig, 0), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);
}

/* Without the portal, batches are for DSA 2.0 only. */
static void test_write_batch(void)
{
    static const struct {
        const char *options;
        int result;
    } cases[] = {
        { "portal=off", -EINVAL },
        { "portal=off,profile=dsa2", 64 },
        { "portal=on", 64 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dsa_hw_desc desc;
        Rig rig;

        rig_init(&rig, cases[i].options);
        rig.list[0] = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
        rig.list[1] = rig_desc(&rig, 1, DSA_OPCODE_NOOP);
        desc = rig_batch(&rig, 2, 2);
        g_assert_cmpint(dsa_soft_write(rig.soft, &desc, 64), ==,
                        cases[i].result);
        if (cases[i].result > 0) {
            g_assert_cmphex(rig_wait(&rig, 2), ==, DSA_COMP_SUCCESS);
        }
        rig_clear(&rig);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsa-soft-write/whole descriptors", test_write);
    g_test_add_func("/dsa-soft-write/full queue", test_write_full);
    g_test_add_func("/dsa-soft-write/bad memory", test_write_fault);
    g_test_add_func("/dsa-soft-write/misaligned record",
                    test_write_refusals);
    g_test_add_func("/dsa-soft-write/batch", test_write_batch);
    return g_test_run();
}
