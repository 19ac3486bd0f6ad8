/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the software DSA device: its life, its queue, the ways in, drain.
 */
#include "qemu/osdep.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "qemu/thread.h"
#include "qemu/timer.h"
#include "dsa-soft-rig.h"

/* Takes nothing out of its queue. */
#define DEAD "stuck-after=0,faults-from=open"

static void test_no_op(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, NULL);
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    desc.pasid = 5;             /* ENQCMD does not look at it */
    desc.priv = 1;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(dsa_bell_read(&rig.bell), ==, 1);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0);
    rig_clear(&rig);
}

static void test_without_engines(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "engines=0");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    g_assert_true(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_cmphex(rig_status(&rig, 0), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);
}

static void test_info(void)
{
    const DsaQueueInfo *info;
    Rig rig;

    rig_init(&rig, "");
    info = dsa_soft_info(rig.soft);
    g_assert_cmpstr(info->name, ==, "soft");
    g_assert_null(info->dev_path);
    g_assert_cmpstr(info->sysfs_dir, ==, "dsa:soft");
    g_assert_cmpstr(info->mode_text, ==, "shared");
    g_assert_cmpstr(info->type, ==, "user");
    g_assert_cmpstr(info->state, ==, "enabled");
    g_assert_cmpuint(info->size, ==, 128);
    g_assert_cmpuint(info->threshold, ==, 128);
    g_assert_cmpuint(info->max_batch_size, ==, 32);
    g_assert_cmpuint(info->max_transfer_size, ==, 2 * 1024 * 1024);
    g_assert_false(info->block_on_fault);
    g_assert_cmphex(info->gen_cap, ==, 0x40915f010f);
    g_assert_cmphex(info->version, ==, 0x100);
    g_assert_cmphex(info->opcodes[0], ==, 0x7f);
    g_assert_cmpint(info->numa_node, ==, -1);
    g_assert_true(dsa_soft_may_map(rig.soft));
    rig_clear(&rig);

    rig_init(&rig, "profile=dsa2,mode=dedicated,size=7,max-batch-size=1024,"
             "max-transfer-size=4K,block-on-fault=on,numa-node=1,type=kernel,"
             "state=disabled,opcodes=41,portal=off");
    info = dsa_soft_info(rig.soft);
    g_assert_cmpint(info->mode, ==, DSA_QUEUE_DEDICATED);
    g_assert_cmpstr(info->mode_text, ==, "dedicated");
    g_assert_cmpstr(info->type, ==, "kernel");
    g_assert_cmpstr(info->state, ==, "disabled");
    g_assert_cmpuint(info->size, ==, 7);
    g_assert_cmpuint(info->threshold, ==, 0);
    g_assert_cmpuint(info->max_batch_size, ==, 1024);
    g_assert_cmpuint(info->max_transfer_size, ==, 4096);
    g_assert_true(info->block_on_fault);
    g_assert_cmphex(info->version, ==, 0x200);
    /* Fault information, event log, batch continuation. */
    g_assert_cmphex(info->gen_cap, ==, 0x40915f010f | 0xb000);
    g_assert_cmphex(info->opcodes[0], ==, 0x41);
    g_assert_cmpint(info->numa_node, ==, 1);
    g_assert_false(dsa_soft_may_map(rig.soft));
    rig_clear(&rig);
}

static void test_options(void)
{
    static const char *const bad[] = {
        "nonsense=1", "size", "size=", "size=0", "size=1025", "size=x",
        "size=-1", "mode=both", "engines=17", "threshold=129", ",",
        "mode=dedicated,threshold=1", "max-transfer-size=3G", "timing=yes",
        "opcodes=80", "opcodes=47f", "status-every=1,status=0",
        "status-every=1,status=80", "status-every=1,status=100",
        "inexact=16", "full=always", "numa-node=-2", "bandwidth=1",
        "size=1,size=2,size=0", "latency-ns=1", "bandwidth=1G,timing=off",
        "fault-at=8", "fault-write=on", "status=7", "batch-status=7",
    };
    size_t nr;
    const DsaSoftOption *option = dsa_soft_options(&nr);

    g_assert_true(dsa_soft_options_check(NULL, NULL));
    g_assert_true(dsa_soft_options_check("", NULL));
    g_assert_true(dsa_soft_options_check("profile=dsa2,opcodes=47f", NULL));
    g_assert_true(dsa_soft_options_check("full=forever,numa-node=-1", NULL));
    for (size_t i = 0; i < nr; i++) {
        g_autofree char *text = g_strdup_printf("%s=%s", option[i].name,
                                                option[i].initial);

        g_assert_cmpstr(option[i].help, !=, "");
        g_assert_true(!option[i].initial[0] ||
                      dsa_soft_options_check(text, NULL));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autoptr(Error) err = NULL;

        g_assert_false(dsa_soft_options_check(bad[i], &err));
        g_assert_nonnull(err);
        g_assert_null(dsa_soft_new(bad[i], NULL, NULL));
    }
}

/* A submitter gets "retry" as soon as the threshold is reached. */
static void test_threshold(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "size=8,threshold=3," DEAD);
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    for (int i = 0; i < 3; i++) {
        g_assert_true(dsa_soft_enqcmd(rig.soft, &desc));
    }
    g_assert_false(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_cmpint(dsa_soft_write(rig.soft, &desc, 64), ==, -EAGAIN);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0);
    rig_clear(&rig);
}

/* What is dispatched makes room: far more than the size goes through. */
static void test_occupancy(void)
{
    Rig rig;

    rig_init(&rig, "size=2,engines=1");
    for (unsigned i = 0; i < 200; i++) {
        struct dsa_hw_desc desc = rig_desc(&rig, i, DSA_OPCODE_NOOP);

        rig_submit(&rig, &desc);
    }
    for (unsigned i = 0; i < 200; i++) {
        g_assert_cmphex(rig_wait(&rig, i), ==, DSA_COMP_SUCCESS);
    }
    rig_clear(&rig);
}

static void test_dedicated_overflow(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "mode=dedicated,size=2," DEAD);
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    dsa_soft_movdir64b(rig.soft, &desc);
    dsa_soft_movdir64b(rig.soft, &desc);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0);
    dsa_soft_movdir64b(rig.soft, &desc);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0x53);
    rig_clear(&rig);

    /* write() does not see it either. */
    rig_init(&rig, "mode=dedicated,size=1," DEAD);
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    g_assert_cmpint(dsa_soft_write(rig.soft, &desc, 64), ==, 64);
    g_assert_cmpint(dsa_soft_write(rig.soft, &desc, 64), ==, 64);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0x53);
    rig_clear(&rig);
}

static void test_dedicated(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "mode=dedicated");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    rig_clear(&rig);
}

static void test_wrong_instruction(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "mode=dedicated");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    g_assert_false(dsa_soft_enqcmd(rig.soft, &desc));
    rig_clear(&rig);

    rig_init(&rig, "mode=shared");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    dsa_soft_movdir64b(rig.soft, &desc);
    rig_drain(&rig);
    g_assert_cmphex(rig_status(&rig, 0), ==, 0);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0);
    rig_clear(&rig);
}

static void test_disabled(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init(&rig, "state=disabled");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    g_assert_false(dsa_soft_enqcmd(rig.soft, &desc));
    g_assert_cmpint(dsa_soft_write(rig.soft, &desc, 64), ==, -EAGAIN);
    rig_clear(&rig);

    rig_init(&rig, "state=disabled,mode=dedicated");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    dsa_soft_movdir64b(rig.soft, &desc);
    rig_close(&rig);
    g_assert_cmphex(rig_status(&rig, 0), ==, 0);
    rig_clear(&rig);
}

/* A drain is answered after everything that came before it. */
static void test_drain(void)
{
    const size_t len = 16 << 20;
    uint8_t *big = rig_map(len / RIG_PAGE, PROT_READ | PROT_WRITE);
    Rig rig;

    rig_init(&rig, "engines=4,max-transfer-size=16M");
    memset(big, 0, len);
    for (int round = 0; round < 10; round++) {
        struct dsa_hw_desc drain;

        for (unsigned i = 0; i < 3; i++) {
            struct dsa_hw_desc desc = rig_compval(&rig, i, big, len);

            rig_submit(&rig, &desc);
        }
        drain = rig_desc(&rig, 3, DSA_OPCODE_DRAIN);
        g_assert_cmphex(rig_run(&rig, &drain), ==, DSA_COMP_SUCCESS);
        for (unsigned i = 0; i < 3; i++) {
            g_assert_cmphex(rig_status(&rig, i), ==, DSA_COMP_SUCCESS);
        }
    }
    rig_clear(&rig);
    munmap(big, len);
}

/* Closing has everything done that was accepted, however slow it is. */
static void test_close_drains(void)
{
    Rig rig;

    rig_init(&rig, "slow-us=60000000");
    for (unsigned i = 0; i < 20; i++) {
        struct dsa_hw_desc desc = rig_compval(&rig, i, rig.data, RIG_PAGE);

        rig_submit(&rig, &desc);
    }
    rig_close(&rig);
    for (unsigned i = 0; i < 20; i++) {
        g_assert_cmphex(rig_status(&rig, i), ==, DSA_COMP_PAGE_FAULT_NOBOF);
    }
    rig_clear(&rig);
}

static void test_close_stuck(void)
{
    Rig rig;

    rig_init(&rig, DEAD);
    for (unsigned i = 0; i < 20; i++) {
        struct dsa_hw_desc desc = rig_desc(&rig, i, DSA_OPCODE_NOOP);

        rig_submit(&rig, &desc);
    }
    rig_close(&rig);
    for (unsigned i = 0; i < 20; i++) {
        g_assert_cmphex(rig_status(&rig, i), ==, 0);
    }
    rig_clear(&rig);
}

/* A child of the process frees its copy without the threads it lacks. */
static void test_fork(void)
{
    int status = -1;
    pid_t pid;
    Rig rig;

    rig_init(&rig, NULL);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        struct dsa_hw_desc desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
        bool ok = dsa_soft_write(rig.soft, &desc, 64) == -EPERM;

        dsa_soft_free(rig.soft);
        _exit(ok ? 0 : 1);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    rig_drain(&rig);
    rig_clear(&rig);
}

typedef struct Submitter {
    QemuThread thread;
    Rig *rig;
    unsigned first;             /* record, and page */
} Submitter;

static void *submitter_thread(void *opaque)
{
    Submitter *s = opaque;

    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = s->first; i < s->first + 4; i++) {
            uint8_t *page = s->rig->data + i * RIG_PAGE;
            struct dsa_hw_desc desc = rig_compval(s->rig, i, page, RIG_PAGE);

            page[round] = round % 2;
            rig_submit(s->rig, &desc);
        }
        for (unsigned i = s->first; i < s->first + 4; i++) {
            g_assert_cmphex(rig_wait(s->rig, i), ==, DSA_COMP_SUCCESS);
            g_assert_cmpuint(s->rig->cr[i].result, ==, round % 2);
            s->rig->data[i * RIG_PAGE + round] = 0;
        }
    }
    return NULL;
}

static void test_threads(gconstpointer options)
{
    Submitter submitter[8];
    Rig rig;

    rig_init(&rig, options);
    for (unsigned i = 0; i < ARRAY_SIZE(submitter); i++) {
        submitter[i].rig = &rig;
        submitter[i].first = i * 4;
        qemu_thread_create(&submitter[i].thread, "submitter",
                           submitter_thread, &submitter[i],
                           QEMU_THREAD_JOINABLE);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(submitter); i++) {
        qemu_thread_join(&submitter[i].thread);
    }
    rig_clear(&rig);
}

/* The model says when an answer comes at the earliest. */
static void test_timing(void)
{
    struct dsa_hw_desc desc;
    int64_t start;
    Rig rig;

    rig_init(&rig, "timing=on,latency-ns=20000000,submit-ns=5000000");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    rig_run(&rig, &desc);
    g_assert_cmpint(qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start, >=,
                    25000000);
    rig_clear(&rig);

    /* Ten megabytes at a gigabyte a second. */
    rig_init(&rig, "timing=on,bandwidth=1G,max-transfer-size=1M,engines=4");
    memset(rig.data, 0, 1 << 20);
    start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    for (unsigned i = 0; i < 10; i++) {
        desc = rig_compval(&rig, i, rig.data, 1 << 20);
        rig_submit(&rig, &desc);
    }
    for (unsigned i = 0; i < 10; i++) {
        rig_wait(&rig, i);
    }
    g_assert_cmpint(qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start, >=,
                    9700000);
    rig_clear(&rig);
}

static void test_slow(void)
{
    struct dsa_hw_desc desc;
    int64_t start;
    Rig rig;

    rig_init(&rig, "slow-us=20000");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    rig_run(&rig, &desc);
    g_assert_cmpint(qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start, >=,
                    20000000);
    rig_clear(&rig);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsa-soft/no-op", test_no_op);
    g_test_add_func("/dsa-soft/without engines", test_without_engines);
    g_test_add_func("/dsa-soft/info", test_info);
    g_test_add_func("/dsa-soft/options", test_options);
    g_test_add_func("/dsa-soft/threshold", test_threshold);
    g_test_add_func("/dsa-soft/occupancy", test_occupancy);
    g_test_add_func("/dsa-soft/dedicated", test_dedicated);
    g_test_add_func("/dsa-soft/dedicated overflow", test_dedicated_overflow);
    g_test_add_func("/dsa-soft/wrong instruction", test_wrong_instruction);
    g_test_add_func("/dsa-soft/disabled", test_disabled);
    g_test_add_func("/dsa-soft/drain", test_drain);
    g_test_add_func("/dsa-soft/close drains", test_close_drains);
    g_test_add_func("/dsa-soft/close a stuck device", test_close_stuck);
    g_test_add_func("/dsa-soft/fork", test_fork);
    g_test_add_data_func("/dsa-soft/threads", "engines=2,size=16",
                         test_threads);
    g_test_add_data_func("/dsa-soft/threads without engines", "engines=0",
                         test_threads);
    g_test_add_data_func("/dsa-soft/threads with a dedicated queue",
                         "mode=dedicated,engines=4", test_threads);
    g_test_add_func("/dsa-soft/timing model", test_timing);
    g_test_add_func("/dsa-soft/slow", test_slow);
    return g_test_run();
}
