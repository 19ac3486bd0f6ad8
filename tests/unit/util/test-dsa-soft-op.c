/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what the software DSA device does with data.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "dsa-soft-rig.h"

static void rig_init_touched(Rig *rig, const char *options)
{
    rig_init(rig, options);
    memset(rig->data, 0, RIG_PAGES * RIG_PAGE);
}

static void assert_compare(Rig *rig, const struct dsa_hw_desc *desc,
                           bool differs, uint32_t at)
{
    memset(&rig->cr[0], 0, sizeof(rig->cr[0]));
    g_assert_cmphex(rig_run(rig, desc), ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(rig->cr[0].result, ==, differs);
    g_assert_cmpuint(rig->cr[0].bytes_completed, ==, at);
}

static void test_compval_zero(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init_touched(&rig, "engines=0");
    for (uint32_t at = 0; at < RIG_PAGE; at += 13) {
        desc = rig_compval(&rig, 0, rig.data, RIG_PAGE);
        assert_compare(&rig, &desc, false, 0);
        rig.data[at] = 0x80;
        assert_compare(&rig, &desc, true, at);
        rig.data[RIG_PAGE - 1] = 1;
        assert_compare(&rig, &desc, true, at);
        rig.data[at] = 0;
        rig.data[RIG_PAGE - 1] = 0;
    }
    rig_clear(&rig);
}

/* Any alignment, any size, over borders of pages and of look-ups. */
static void test_compval_edges(void)
{
    static const uint32_t sizes[] = { 1, 7, 8, 9, 63, 4095, 4097, 12345 };
    Rig rig;

    rig_init_touched(&rig, "engines=0");
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        for (unsigned start = 4090; start < 4100; start++) {
            uint8_t *from = rig.data + start;
            struct dsa_hw_desc desc = rig_compval(&rig, 0, from, sizes[i]);

            from[-1] = from[sizes[i]] = 1;
            assert_compare(&rig, &desc, false, 0);
            from[sizes[i] - 1] = 1;
            assert_compare(&rig, &desc, true, sizes[i] - 1);
            from[-1] = from[sizes[i] - 1] = from[sizes[i]] = 0;
        }
    }
    rig_clear(&rig);
}

static void test_compval_large(void)
{
    const uint32_t size = RIG_PAGES * RIG_PAGE;
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init_touched(&rig, "max-transfer-size=4M");
    desc = rig_compval(&rig, 0, rig.data, size);
    assert_compare(&rig, &desc, false, 0);
    rig.data[size - 1] = 1;
    assert_compare(&rig, &desc, true, size - 1);

    /* The pattern goes on where the piece before it ended. */
    desc = rig_compval(&rig, 0, rig.data + 3, size - 3);
    desc.comp_pattern = UINT64_C(0x0807060504030201);
    for (uint32_t i = 0; i < size - 3; i++) {
        rig.data[3 + i] = i % 8 + 1;
    }
    assert_compare(&rig, &desc, false, 0);
    rig_clear(&rig);
}

/* Byte i is compared with byte i mod 8 of the pattern. */
static void test_compval_pattern(void)
{
    const uint64_t pattern = UINT64_C(0x0807060504030201);
    Rig rig;

    rig_init_touched(&rig, "engines=0");
    for (unsigned start = 4091; start < 4099; start++) {
        uint8_t *from = rig.data + start;
        struct dsa_hw_desc desc = rig_compval(&rig, 0, from, 5001);

        for (unsigned i = 0; i < 5001; i++) {
            from[i] = i % 8 + 1;
        }
        desc.comp_pattern = pattern;
        assert_compare(&rig, &desc, false, 0);
        from[4321] ^= 1;
        assert_compare(&rig, &desc, true, 4321);
        from[5] ^= 1;
        assert_compare(&rig, &desc, true, 5);
    }
    rig_clear(&rig);
}

/* With Check Result, the status tells whether it was as expected. */
static void test_check_result(void)
{
    Rig rig;

    rig_init_touched(&rig, "engines=0");
    for (unsigned i = 0; i < 8; i++) {
        struct dsa_hw_desc desc = rig_compval(&rig, 0, rig.data, 64);
        bool differs = i & 1, expected = i & 2, check = i & 4;

        rig.data[3] = differs;
        /* Bits 7:1 do not count. */
        desc.expected_res = expected | 0xaa;
        desc.flags |= check ? IDXD_OP_FLAG_CR : 0;
        g_assert_cmphex(rig_run(&rig, &desc), ==,
                        check && differs != expected ? DSA_COMP_SUCCESS_PRED :
                        DSA_COMP_SUCCESS);
        g_assert_cmpuint(rig.cr[0].result, ==, differs);
        g_assert_cmpuint(rig.cr[0].bytes_completed, ==, differs ? 3 : 0);
    }
    rig_clear(&rig);
}

static void test_inexact(gconstpointer bytes)
{
    uint32_t step = GPOINTER_TO_UINT(bytes);
    g_autofree char *options = g_strdup_printf("engines=0,inexact=%u", step);
    Rig rig;

    rig_init_touched(&rig, options);
    for (uint32_t at = 0; at < 300; at++) {
        struct dsa_hw_desc desc = rig_compval(&rig, 0, rig.data, RIG_PAGE);

        rig.data[at] = 1;
        assert_compare(&rig, &desc, true, at / step * step);
        /* Compare of two buffers is exact all the same. */
        desc = rig_desc(&rig, 0, DSA_OPCODE_COMPARE);
        desc.src_addr = (uintptr_t)rig.data;
        desc.src2_addr = (uintptr_t)rig.data + RIG_PAGE;
        desc.xfer_size = RIG_PAGE;
        assert_compare(&rig, &desc, true, at);
        rig.data[at] = 0;
    }
    rig_clear(&rig);
}

static void test_compare(void)
{
    Rig rig;

    rig_init_touched(&rig, "engines=0");
    for (unsigned i = 0; i < 3 * RIG_PAGE; i++) {
        rig.data[i] = i % 251;
    }
    memcpy(rig.data + 5 * RIG_PAGE + 100, rig.data + 50, 2 * RIG_PAGE);
    for (uint32_t at = 0; at < 2 * RIG_PAGE; at += 97) {
        struct dsa_hw_desc desc = rig_desc(&rig, 0, DSA_OPCODE_COMPARE);

        desc.src_addr = (uintptr_t)rig.data + 50;
        desc.src2_addr = (uintptr_t)rig.data + 5 * RIG_PAGE + 100;
        desc.xfer_size = 2 * RIG_PAGE;
        assert_compare(&rig, &desc, false, 0);
        rig.data[5 * RIG_PAGE + 100 + at] ^= 4;
        assert_compare(&rig, &desc, true, at);
        rig.data[5 * RIG_PAGE + 100 + at] ^= 4;
    }
    rig_clear(&rig);
}

/* Every direction and overlap: as memmove() does it. */
static void test_move(void)
{
    static const int distance[] = {
        -9000, -4096, -100, -8, -1, 0, 1, 8, 100, 4096, 5000, 9000,
    };
    const unsigned from = 10000, size = 8999;
    g_autofree uint8_t *want = g_malloc(40000);
    Rig rig;

    rig_init_touched(&rig, "engines=0");
    for (size_t i = 0; i < ARRAY_SIZE(distance); i++) {
        struct dsa_hw_desc desc = rig_desc(&rig, 0, DSA_OPCODE_MEMMOVE);
        bool backward = distance[i] > 0 && distance[i] < (int)size;

        for (unsigned j = 0; j < 40000; j++) {
            want[j] = rig.data[j] = j * 7 % 251;
        }
        memmove(want + from + distance[i], want + from, size);
        desc.src_addr = (uintptr_t)rig.data + from;
        desc.dst_addr = (uintptr_t)rig.data + from + distance[i];
        desc.xfer_size = size;
        g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
        g_assert_cmpuint(rig.cr[0].result, ==, backward);
        g_assert_cmpint(memcmp(rig.data, want, 40000), ==, 0);
    }
    rig_clear(&rig);
}

static void test_fill(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init_touched(&rig, NULL);
    desc = rig_desc(&rig, 0, DSA_OPCODE_MEMFILL);
    desc.pattern = UINT64_C(0x0807060504030201);
    desc.dst_addr = (uintptr_t)rig.data + 4093;
    desc.xfer_size = 4099;
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    g_assert_cmpuint(rig.data[4092], ==, 0);
    for (unsigned i = 0; i < 4099; i++) {
        g_assert_cmpuint(rig.data[4093 + i], ==, i % 8 + 1);
    }
    g_assert_cmpuint(rig.data[4093 + 4099], ==, 0);
    rig_clear(&rig);
}

/* The record is as long as it should be, and no longer. */
static void test_record_bounds(void)
{
    struct dsa_hw_desc desc;
    Rig rig;

    rig_init_touched(&rig, "engines=0");
    desc = rig_compval(&rig, 5, rig.data, 64);
    memset(&rig.cr[4], 0x55, 32);
    memset(&rig.cr[6], 0x55, 32);
    g_assert_cmphex(rig_run(&rig, &desc), ==, DSA_COMP_SUCCESS);
    for (unsigned i = 0; i < 32; i++) {
        g_assert_cmphex(((uint8_t *)&rig.cr[4])[i], ==, 0x55);
        g_assert_cmphex(((uint8_t *)&rig.cr[6])[i], ==, 0x55);
    }
    rig_clear(&rig);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsa-soft-op/compare with zero", test_compval_zero);
    g_test_add_func("/dsa-soft-op/compare at edges", test_compval_edges);
    g_test_add_func("/dsa-soft-op/compare much", test_compval_large);
    g_test_add_func("/dsa-soft-op/compare with a pattern",
                    test_compval_pattern);
    g_test_add_func("/dsa-soft-op/check result", test_check_result);
    g_test_add_data_func("/dsa-soft-op/inexact 32", GUINT_TO_POINTER(32),
                         test_inexact);
    g_test_add_data_func("/dsa-soft-op/inexact 64", GUINT_TO_POINTER(64),
                         test_inexact);
    g_test_add_func("/dsa-soft-op/compare two", test_compare);
    g_test_add_func("/dsa-soft-op/move", test_move);
    g_test_add_func("/dsa-soft-op/fill", test_fill);
    g_test_add_func("/dsa-soft-op/record", test_record_bounds);
    return g_test_run();
}
