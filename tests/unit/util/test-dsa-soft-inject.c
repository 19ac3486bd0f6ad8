/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the faults that the software DSA device has on demand.
 */
#include "qemu/osdep.h"

#include "dsa-soft-rig.h"

#define SELF 1000u

/* One engine: everything comes in its turn. */
static void init(Rig *rig, const char *options)
{
    g_autofree char *all = g_strdup_printf("engines=1,%s", options);

    rig_init(rig, all);
    memset(rig->data, 0, 64 * RIG_PAGE);
}

static void run_compares(Rig *rig, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        struct dsa_hw_desc desc = rig_compval(rig, i,
                                              rig->data + i * RIG_PAGE,
                                              RIG_PAGE);

        rig_submit(rig, &desc);
    }
    rig_drain(rig);
}

static struct dsa_hw_desc page_batch(Rig *rig, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        rig->list[i] = rig_compval(rig, i, rig->data + i * RIG_PAGE, RIG_PAGE);
    }
    return rig_batch(rig, SELF, nr);
}

static void test_full(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    init(&rig, "full=3");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    dsa_soft_arm(rig.soft);
    rig.cr[0].status = 0;
    g_assert_false(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_cmpint(dsa_soft_write(rig.soft, &desc, 64), ==, -EAGAIN);
    g_assert_false(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_true(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_cmphex(rig_wait(&rig, 0), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);

    init(&rig, "full=forever,faults-from=open");
    for (unsigned i = 0; i < 1000; i++) {
        g_assert_false(dsa_soft_enqcmd(rig.soft, &desc));
    }
    rig_clear(&rig);
}

static void test_full_dedicated(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    init(&rig, "mode=dedicated,full=1,faults-from=open");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    dsa_soft_movdir64b(rig.soft, &desc);
    rig_drain(&rig);
    g_assert_cmphex(rig_status(&rig, 0), ==, 0);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0x53);
    rig_clear(&rig);
}

typedef struct FaultCase {
    const char *options;
    uint8_t status;
    uint32_t at;
} FaultCase;

/* Every third compare, from when it is armed. */
static void test_fault(gconstpointer data)
{
    const FaultCase *c = data;
    Rig rig;

    init(&rig, c->options);
    run_compares(&rig, 5);
    for (unsigned i = 0; i < 5; i++) {
        g_assert_cmphex(rig_status(&rig, i), ==, DSA_COMP_SUCCESS);
    }
    dsa_soft_arm(rig.soft);
    run_compares(&rig, 9);
    for (unsigned i = 0; i < 9; i++) {
        bool fault = i % 3 == 2;

        g_assert_cmphex(rig_status(&rig, i), ==,
                        fault ? c->status : DSA_COMP_SUCCESS);
        g_assert_cmpuint(rig.cr[i].result, ==, 0);
        g_assert_cmpuint(rig.cr[i].bytes_completed, ==, fault ? c->at : 0);
        if (fault) {
            g_assert_cmphex(rig.cr[i].fault_addr, ==,
                            (uintptr_t)rig.data + i * RIG_PAGE);
        }
    }
    rig_clear(&rig);
}

/* It is a page fault as any: a difference in front of it counts. */
static void test_fault_behind_difference(void)
{
    Rig rig;

    init(&rig, "fault-every=1,fault-at=100,faults-from=open");
    rig.data[99] = 1;
    rig.data[RIG_PAGE + 100] = 1;
    run_compares(&rig, 2);
    g_assert_cmphex(rig_status(&rig, 0), ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(rig.cr[0].result, ==, 1);
    g_assert_cmpuint(rig.cr[0].bytes_completed, ==, 99);
    g_assert_cmphex(rig_status(&rig, 1), ==, DSA_COMP_PAGE_FAULT_NOBOF);
    g_assert_cmpuint(rig.cr[1].bytes_completed, ==, 100);
    rig_clear(&rig);

    /* A compare that does not reach the byte is done. */
    init(&rig, "fault-every=1,fault-at=4096,faults-from=open");
    run_compares(&rig, 1);
    g_assert_cmphex(rig_status(&rig, 0), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);
}

static void test_fault_in_batch(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    init(&rig, "fault-every=4,faults-from=open");
    desc = page_batch(&rig, 8);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 8);
    for (unsigned i = 0; i < 8; i++) {
        g_assert_cmphex(rig_status(&rig, i), ==,
                        i % 4 == 3 ? DSA_COMP_PAGE_FAULT_NOBOF :
                        DSA_COMP_SUCCESS);
    }
    rig_clear(&rig);
}

static void test_list_fault(void)
{
    Rig rig;

    init(&rig, "list-fault-every=2,faults-from=open");
    for (unsigned round = 0; round < 4; round++) {
        struct dsa_hw_desc desc = page_batch(&rig, 9);
        bool fault = round % 2;

        g_assert_cmphex(rig_run(&rig, &desc), ==,
                        fault ? DSA_COMP_BATCH_PAGE_FAULT : DSA_COMP_SUCCESS);
        g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, fault ? 4 : 9);
        for (unsigned i = 0; i < 9; i++) {
            g_assert_cmphex(rig_status(&rig, i), ==,
                            fault && i >= 4 ? 0 : DSA_COMP_SUCCESS);
        }
        if (fault) {
            g_assert_cmphex(rig.cr[SELF].fault_addr, ==,
                            (uintptr_t)rig.list);
        }
    }
    rig_clear(&rig);
}

/* The work is done and nobody is told; members are not lost. */
static void test_lose(void)
{
    struct dsa_hw_desc desc;
    uint32_t rung;
    Rig rig;

    init(&rig, "lose-every=2");
    dsa_soft_arm(rig.soft);
    rung = dsa_bell_read(&rig.bell);
    for (unsigned i = 0; i < 4; i++) {
        desc = rig_compval(&rig, i, rig.data, RIG_PAGE);
        rig_submit(&rig, &desc);
    }
    desc = page_batch(&rig, 2);
    rig_submit(&rig, &desc);
    rig_close(&rig);
    g_assert_cmpuint(dsa_bell_read(&rig.bell) - rung, ==, 3);
    g_assert_cmphex(rig_status(&rig, 2), ==, DSA_COMP_SUCCESS);
    g_assert_cmphex(rig_status(&rig, 3), ==, 0);
    g_assert_cmphex(rig_status(&rig, SELF), ==, DSA_COMP_SUCCESS);
    g_assert_cmphex(rig_status(&rig, 0), ==, DSA_COMP_SUCCESS);
    g_assert_cmphex(rig_status(&rig, 1), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);

    init(&rig, "lose-every=1,faults-from=open");
    desc = page_batch(&rig, 2);
    rig_submit(&rig, &desc);
    rig_close(&rig);
    g_assert_cmphex(rig_status(&rig, 0), ==, DSA_COMP_SUCCESS);
    g_assert_cmphex(rig_status(&rig, 1), ==, DSA_COMP_SUCCESS);
    g_assert_cmphex(rig_status(&rig, SELF), ==, 0);
    rig_clear(&rig);
}

static void test_status(void)
{
    Rig rig;

    init(&rig, "status-every=2,status=0x3d,faults-from=open");
    run_compares(&rig, 6);
    for (unsigned i = 0; i < 6; i++) {
        g_assert_cmphex(rig_status(&rig, i), ==,
                        i % 2 ? 0x3d : DSA_COMP_SUCCESS);
    }
    rig_clear(&rig);
}

static void test_batch_status(void)
{
    Rig rig;

    init(&rig, "batch-status-every=2,batch-status=20,faults-from=open");
    for (unsigned round = 0; round < 4; round++) {
        struct dsa_hw_desc desc = page_batch(&rig, 4);

        g_assert_cmphex(rig_run(&rig, &desc), ==,
                        round % 2 ? DSA_COMP_HW_ERR1 : DSA_COMP_SUCCESS);
        g_assert_cmphex(rig_status(&rig, 3), ==, DSA_COMP_SUCCESS);
    }
    rig_clear(&rig);
}

static void test_batch_flag(void)
{
    Rig rig;

    init(&rig, "batch-flag-every=2,faults-from=open");
    for (unsigned round = 0; round < 4; round++) {
        struct dsa_hw_desc desc = page_batch(&rig, 4);

        g_assert_cmphex(rig_run(&rig, &desc), ==,
                        round % 2 ? DSA_COMP_BATCH_FAIL : DSA_COMP_SUCCESS);
        g_assert_cmpuint(rig.cr[SELF].result, ==, round % 2);
        g_assert_cmpuint(rig.cr[SELF].bytes_completed, ==, 4);
        for (unsigned i = 0; i < 4; i++) {
            g_assert_cmphex(rig_status(&rig, i), ==, DSA_COMP_SUCCESS);
        }
    }
    rig_clear(&rig);
}

/* The device takes what fits into its queue and answers nothing. */
static void test_stuck(void)
{
    unsigned accepted = 0;
    struct dsa_hw_desc desc;
    Rig rig;

    init(&rig, "stuck-after=3,size=8");
    run_compares(&rig, 10);
    dsa_soft_arm(rig.soft);
    for (unsigned i = 0; i < 3; i++) {
        desc = rig_compval(&rig, i, rig.data, RIG_PAGE);
        g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    }
    desc = rig_desc(&rig, 3, DSA_OPCODE_NOOP);
    while (dsa_soft_enqcmd(rig.soft, &desc)) {
        accepted++;
    }
    g_assert_cmpuint(accepted, ==, 8);
    rig_close(&rig);
    g_assert_cmphex(rig_status(&rig, 3), ==, 0);
    rig_clear(&rig);
}

static void test_stuck_in_batch(gconstpointer options)
{
    struct dsa_hw_desc desc;
    Rig rig;

    init(&rig, options);
    desc = page_batch(&rig, 10);
    rig_submit(&rig, &desc);
    rig_close(&rig);
    for (unsigned i = 0; i < 10; i++) {
        g_assert_cmphex(rig_status(&rig, i), ==,
                        i < 5 ? DSA_COMP_SUCCESS : 0);
    }
    g_assert_cmphex(rig_status(&rig, SELF), ==, 0);
    rig_clear(&rig);
}

/* A queue that was disabled takes nothing more. */
static void test_halt(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    init(&rig, "halt-after=2,faults-from=open");
    for (unsigned i = 0; i < 2; i++) {
        desc = rig_compval(&rig, i, rig.data, RIG_PAGE);
        g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    }
    desc = rig_desc(&rig, 2, DSA_OPCODE_NOOP);
    g_assert_false(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_cmpint(dsa_soft_write(rig.soft, &desc, 64), ==, -EAGAIN);
    rig_clear(&rig);

    init(&rig, "mode=dedicated,halt-after=0,faults-from=open");
    desc = rig_desc(&rig, 2, DSA_OPCODE_NOOP);
    dsa_soft_movdir64b(rig.soft, &desc);
    rig_close(&rig);
    g_assert_cmphex(rig_status(&rig, 2), ==, 0);
    rig_clear(&rig);
}

/* The same with the work done by who submits. */
static void test_stuck_without_engines(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "engines=0,size=4,stuck-after=0,faults-from=open");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    for (unsigned i = 0; i < 4; i++) {
        g_assert_true(dsa_soft_enqcmd(rig.soft, &desc));
    }
    g_assert_false(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_cmphex(rig_status(&rig, 0), ==, 0);
    rig_clear(&rig);
}

int main(int argc, char **argv)
{
    static const FaultCase faults[] = {
        { "fault-every=3", DSA_COMP_PAGE_FAULT_NOBOF, 0 },
        { "fault-every=3,fault-at=1000", DSA_COMP_PAGE_FAULT_NOBOF, 1000 },
        { "fault-every=3,fault-at=8,fault-write=on",
          DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE, 8 },
        { "fault-every=3,fault-at=4095,fault-refused=on",
          DSA_COMP_PAGE_FAULT_IR, 4095 },
        { "fault-every=3,fault-refused=on,fault-write=on",
          DSA_COMP_PAGE_FAULT_IR | DSA_COMP_STATUS_WRITE, 0 },
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsa-soft-inject/full", test_full);
    g_test_add_func("/dsa-soft-inject/full dedicated", test_full_dedicated);
    g_test_add_data_func("/dsa-soft-inject/fault", &faults[0], test_fault);
    g_test_add_data_func("/dsa-soft-inject/fault at byte", &faults[1],
                         test_fault);
    g_test_add_data_func("/dsa-soft-inject/write fault", &faults[2],
                         test_fault);
    g_test_add_data_func("/dsa-soft-inject/refused fault", &faults[3],
                         test_fault);
    g_test_add_data_func("/dsa-soft-inject/refused write fault", &faults[4],
                         test_fault);
    g_test_add_func("/dsa-soft-inject/fault behind a difference",
                    test_fault_behind_difference);
    g_test_add_func("/dsa-soft-inject/fault in a batch", test_fault_in_batch);
    g_test_add_func("/dsa-soft-inject/list fault", test_list_fault);
    g_test_add_func("/dsa-soft-inject/lost records", test_lose);
    g_test_add_func("/dsa-soft-inject/status", test_status);
    g_test_add_func("/dsa-soft-inject/status of a batch", test_batch_status);
    g_test_add_func("/dsa-soft-inject/flag of a batch", test_batch_flag);
    g_test_add_func("/dsa-soft-inject/stuck", test_stuck);
    g_test_add_data_func("/dsa-soft-inject/stuck in a batch",
                         "stuck-after=5,faults-from=open",
                         test_stuck_in_batch);
    g_test_add_data_func("/dsa-soft-inject/halted in a batch",
                         "halt-after=5,faults-from=open",
                         test_stuck_in_batch);
    g_test_add_func("/dsa-soft-inject/halt", test_halt);
    g_test_add_func("/dsa-soft-inject/stuck without engines",
                    test_stuck_without_engines);
    return g_test_run();
}
