/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the event log of the software DSA device: which errors go there,
 * what an entry says, and what happens when it is full.
 */
#include "qemu/osdep.h"

#include "dsa-soft-rig.h"
#include "qemu/thread.h"

/* Submitters do the work: an event is there when submitting returns. */
#define OPTIONS "engines=0,profile=dsa2"
#define LOG_EVENTS 64
#define LOG_FULL 0x54
#define OPERAND_SOURCE 1
#define OPERAND_RECORD 5

static DsaSoftEvent take_only(Rig *rig)
{
    DsaSoftEvent event, none;

    g_assert_true(dsa_soft_event_take(rig->soft, &event));
    g_assert_false(dsa_soft_event_take(rig->soft, &none));
    /* What stands in the log needs no register. */
    g_assert_cmphex(dsa_soft_swerror(rig->soft), ==, 0);
    return event;
}

static void submit(Rig *rig, const struct dsa_hw_desc *desc)
{
    g_assert_true(dsa_soft_enqcmd(rig->soft, desc));
}

/* A descriptor that fails and has no record. */
static struct dsa_hw_desc mute(Rig *rig)
{
    struct dsa_hw_desc desc = rig_desc(rig, 0, DSA_OPCODE_NOOP);

    desc.flags = 0;
    desc.rsvd1 = 1;
    return desc;
}

static void test_misaligned_record(void)
{
    struct dsa_hw_desc desc;
    DsaSoftEvent event;
    Rig rig;

    rig_init(&rig, OPTIONS);
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    desc.completion_addr += 16;
    submit(&rig, &desc);
    event = take_only(&rig);
    g_assert_cmphex(event.error, ==, DSA_COMP_CRA_ALIGN);
    g_assert_cmphex(event.opcode, ==, DSA_OPCODE_NOOP);
    g_assert_false(event.member);
    rig_clear(&rig);
}

/* The record that could not be written stands in the log. */
static void test_unmapped_record(void)
{
    struct dsa_hw_desc desc;
    DsaSoftEvent event;
    Rig rig;

    rig_init(&rig, OPTIONS);
    memset(rig.data, 0, RIG_PAGE);
    rig.data[100] = 1;
    desc = rig_compval(&rig, 0, rig.data, RIG_PAGE);
    desc.completion_addr = 64;
    submit(&rig, &desc);
    event = take_only(&rig);
    g_assert_cmphex(event.error, ==, DSA_COMP_CRA_XLAT);
    g_assert_cmphex(event.opcode, ==, DSA_OPCODE_COMPVAL);
    g_assert_cmphex(event.fault_addr, ==, 64);
    g_assert_cmpuint(event.operand, ==, OPERAND_RECORD);
    g_assert_cmphex(event.record.status, ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(event.record.result, ==, 1);
    g_assert_cmpuint(event.record.bytes_completed, ==, 100);
    rig_clear(&rig);
}

static void test_no_record(void)
{
    struct dsa_hw_desc desc;
    DsaSoftEvent event;
    Rig rig;

    rig_init(&rig, OPTIONS);
    desc = mute(&rig);
    submit(&rig, &desc);
    event = take_only(&rig);
    g_assert_cmphex(event.error, ==, DSA_COMP_NOZERO_RESERVE);

    /* A move from memory that is not there: the place is told. */
    desc = rig_desc(&rig, 0, DSA_OPCODE_MEMMOVE);
    desc.flags = 0;
    desc.src_addr = (uintptr_t)rig.data + RIG_PAGE;
    desc.dst_addr = (uintptr_t)rig.data;
    desc.xfer_size = 64;
    submit(&rig, &desc);
    event = take_only(&rig);
    g_assert_cmphex(event.error, ==, DSA_COMP_PAGE_FAULT_NOBOF);
    g_assert_cmphex(event.fault_addr, ==, (uintptr_t)rig.data + RIG_PAGE);
    g_assert_cmpuint(event.operand, ==, OPERAND_SOURCE);
    g_assert_cmphex(event.record.fault_addr, ==, event.fault_addr);
    rig_clear(&rig);
}

static void test_success_is_no_event(void)
{
    struct dsa_hw_desc desc;
    DsaSoftEvent event;
    Rig rig;

    rig_init(&rig, OPTIONS);
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    desc.flags = 0;
    submit(&rig, &desc);
    /* Nor is an error that a record tells. */
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    desc.rsvd1 = 1;
    submit(&rig, &desc);
    g_assert_cmphex(rig_status(&rig, 0), ==, DSA_COMP_NOZERO_RESERVE);
    g_assert_false(dsa_soft_event_take(rig.soft, &event));
    rig_clear(&rig);
}

static void test_members(void)
{
    struct dsa_hw_desc desc;
    DsaSoftEvent event;
    Rig rig;

    rig_init(&rig, OPTIONS);
    for (unsigned i = 0; i < 8; i++) {
        rig.list[i] = rig_desc(&rig, i, DSA_OPCODE_NOOP);
    }
    rig.list[3].completion_addr = 64;
    rig.list[6] = mute(&rig);
    desc = rig_batch(&rig, 100, 8);
    submit(&rig, &desc);
    g_assert_cmphex(rig_status(&rig, 100), ==, DSA_COMP_BATCH_FAIL);
    g_assert_cmpuint(rig.cr[100].result, ==, 1);
    g_assert_true(dsa_soft_event_take(rig.soft, &event));
    g_assert_cmphex(event.error, ==, DSA_COMP_CRA_XLAT);
    g_assert_true(event.member);
    g_assert_cmpuint(event.index, ==, 3);
    event = take_only(&rig);
    g_assert_cmphex(event.error, ==, DSA_COMP_NOZERO_RESERVE);
    g_assert_true(event.member);
    g_assert_cmpuint(event.index, ==, 6);
    rig_clear(&rig);
}

/* What comes while it is full is lost, and that is said. */
static void test_full(void)
{
    struct dsa_hw_desc desc;
    DsaSoftEvent event;
    Rig rig;

    rig_init(&rig, OPTIONS);
    for (unsigned i = 0; i < LOG_EVENTS; i++) {
        desc = mute(&rig);
        desc.opcode = i;
        submit(&rig, &desc);
        g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0);
    }
    desc = mute(&rig);
    submit(&rig, &desc);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, LOG_FULL);
    /* In order; a place that is free is used again. */
    for (unsigned i = 0; i < LOG_EVENTS; i++) {
        g_assert_true(dsa_soft_event_take(rig.soft, &event));
        g_assert_cmpuint(event.opcode, ==, i);
    }
    g_assert_false(dsa_soft_event_take(rig.soft, &event));
    submit(&rig, &desc);
    g_assert_true(dsa_soft_event_take(rig.soft, &event));
    g_assert_cmphex(event.error, ==, DSA_COMP_NOZERO_RESERVE);
    rig_clear(&rig);
}

/* The older device has a register for the first one, and no more. */
static void test_spr_has_none(void)
{
    struct dsa_hw_desc desc;
    DsaSoftEvent event;
    Rig rig;

    rig_init(&rig, "engines=0,profile=spr");
    desc = mute(&rig);
    submit(&rig, &desc);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, DSA_COMP_NOZERO_RESERVE);
    g_assert_false(dsa_soft_event_take(rig.soft, &event));
    rig_clear(&rig);
}

/* A descriptor that was dropped has never been in the device. */
static void test_overflow_is_no_event(void)
{
    struct dsa_hw_desc desc;
    DsaSoftEvent event;
    Rig rig;

    rig_init(&rig, "profile=dsa2,mode=dedicated,full=1,faults-from=open");
    desc = rig_desc(&rig, 0, DSA_OPCODE_NOOP);
    dsa_soft_movdir64b(rig.soft, &desc);
    g_assert_cmphex(dsa_soft_swerror(rig.soft), ==, 0x53);
    g_assert_false(dsa_soft_event_take(rig.soft, &event));
    rig_clear(&rig);
}

static void *make_events(void *opaque)
{
    Rig *rig = opaque;

    for (unsigned i = 0; i < 200; i++) {
        struct dsa_hw_desc desc = { .rsvd1 = 1 };

        submit(rig, &desc);
    }
    return NULL;
}

static void test_side_by_side(void)
{
    QemuThread thread[2];
    DsaSoftEvent event;
    unsigned nr = 0;
    Rig rig;

    rig_init(&rig, OPTIONS);
    for (size_t i = 0; i < ARRAY_SIZE(thread); i++) {
        qemu_thread_create(&thread[i], "events", make_events, &rig,
                           QEMU_THREAD_JOINABLE);
    }
    for (unsigned i = 0; i < 1000; i++) {
        nr += dsa_soft_event_take(rig.soft, &event);
    }
    for (size_t i = 0; i < ARRAY_SIZE(thread); i++) {
        qemu_thread_join(&thread[i]);
    }
    while (dsa_soft_event_take(rig.soft, &event)) {
        g_assert_cmphex(event.error, ==, DSA_COMP_NOZERO_RESERVE);
        nr++;
    }
    /* All, unless there was no room. */
    g_assert_cmpuint(nr, >=, LOG_EVENTS);
    g_assert_true(nr == 400 || dsa_soft_swerror(rig.soft) == LOG_FULL);
    rig_clear(&rig);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsa-soft-log/record misaligned", test_misaligned_record);
    g_test_add_func("/dsa-soft-log/record unmapped", test_unmapped_record);
    g_test_add_func("/dsa-soft-log/no record", test_no_record);
    g_test_add_func("/dsa-soft-log/success is no event",
                    test_success_is_no_event);
    g_test_add_func("/dsa-soft-log/members of a batch", test_members);
    g_test_add_func("/dsa-soft-log/full", test_full);
    g_test_add_func("/dsa-soft-log/profile spr has none", test_spr_has_none);
    g_test_add_func("/dsa-soft-log/overflow is no event",
                    test_overflow_is_no_event);
    g_test_add_func("/dsa-soft-log/side by side", test_side_by_side);
    return g_test_run();
}
