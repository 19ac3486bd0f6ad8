/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of byte order, bit counting, rounding and aligned memory.
 */
#include "qemu/osdep.h"

#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qemu/cpuinfo.h"
#include "qemu/memalign.h"
#include "qemu/units.h"

static const uint8_t bytes[] = {
    0xff, 0x81, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
};

/* From the second byte on: an address of no alignment. */
static void test_loads_at_odd_addresses(void)
{
    const uint8_t *p = bytes + 1;

    g_assert_cmphex(ldub_p(p), ==, 0x81);
    g_assert_cmphex(lduw_be_p(p), ==, 0x8102);
    g_assert_cmphex(lduw_le_p(p), ==, 0x0281);
    g_assert_cmphex(ldl_be_p(p), ==, 0x81020304);
    g_assert_cmphex(ldl_le_p(p), ==, 0x04030281);
    g_assert_cmphex(ldq_be_p(p), ==, UINT64_C(0x8102030405060708));
    g_assert_cmphex(ldq_le_p(p), ==, UINT64_C(0x0807060504030281));
}

/* Wider than the load: the top bit must not spread. */
static void test_loads_do_not_extend_the_sign(void)
{
    uint64_t value = ldl_be_p(bytes);

    g_assert_cmphex(value, ==, UINT64_C(0xff810203));
}

static void test_stores_write_their_bytes_only(void)
{
    uint8_t buf[10];

    memset(buf, 0xaa, sizeof(buf));
    stl_be_p(buf + 1, 0x01020304);
    stw_le_p(buf + 5, 0x0506);
    stb_p(buf + 7, 9);
    g_assert_cmpmem(buf, 10, "\xaa\x01\x02\x03\x04\x06\x05\x09\xaa\xaa", 10);
    stq_be_p(buf + 1, UINT64_C(0x1112131415161718));
    g_assert_cmphex(buf[0], ==, 0xaa);
    g_assert_cmphex(buf[8], ==, 0x18);
    g_assert_cmphex(buf[9], ==, 0xaa);
}

static void test_values_go_there_and_back(void)
{
    uint32_t word = 0x01020304;

    g_assert_cmphex(be32_to_cpu(cpu_to_be32(word)), ==, word);
    g_assert_cmphex(le64_to_cpu(cpu_to_le64(bswap64(1))), ==, bswap64(1));
    cpu_to_be32s(&word);
    g_assert_cmpmem(&word, 4, "\1\2\3\4", 4);
    be32_to_cpus(&word);
    g_assert_cmphex(word, ==, 0x01020304);
}

static void test_counting_bits(void)
{
    g_assert_cmpint(ctz64(0), ==, 64);
    g_assert_cmpint(ctz64(UINT64_C(1) << 63), ==, 63);
    g_assert_cmpint(clz64(0), ==, 64);
    g_assert_cmpint(clz64(1), ==, 63);
    g_assert_cmpint(ctpop64(UINT64_MAX), ==, 64);
    g_assert_cmphex(MAKE_64BIT_MASK(4, 8), ==, 0xff0);
    g_assert_cmphex(MAKE_64BIT_MASK(0, 64), ==, UINT64_MAX);
}

static void test_powers_of_two(void)
{
    g_assert_false(is_power_of_2(0));
    g_assert_true(is_power_of_2(UINT64_C(1) << 63));
    g_assert_false(is_power_of_2(12));
    g_assert_cmpuint(pow2floor(0), ==, 0);
    g_assert_cmpuint(pow2floor(12), ==, 8);
    g_assert_cmpuint(pow2ceil(0), ==, 1);
    g_assert_cmpuint(pow2ceil(8), ==, 8);
    g_assert_cmpuint(pow2ceil(9), ==, 16);
    g_assert_cmpuint(pow2ceil((UINT64_C(1) << 63) + 1), ==, 0);
}

static void test_rounding(void)
{
    uint64_t large = 5 * GiB + 1;
    uint32_t page = 4096;

    /* The mask of a narrow @d must not cut a wide number. */
    g_assert_cmpuint(ROUND_DOWN(large, page), ==, (uint64_t)(5 * GiB));
    g_assert_cmpuint(ROUND_UP(large, page), ==, (uint64_t)(5 * GiB + 4096));
    g_assert_cmpuint(ROUND_UP(8u, 8u), ==, 8);
    g_assert_cmpuint(QEMU_ALIGN_UP(10u, 3u), ==, 12);
    g_assert_cmpuint(QEMU_ALIGN_DOWN(10u, 3u), ==, 9);
    g_assert_cmpuint(DIV_ROUND_UP(10u, 3u), ==, 4);
}

static void test_aligned_memory(void)
{
    for (size_t alignment = 1; alignment <= 2 * MiB; alignment *= 2) {
        QEMU_AUTO_VFREE void *p = qemu_memalign(alignment, 100);

        g_assert_true(QEMU_PTR_IS_ALIGNED(p, alignment));
        memset(p, 1, 100);
    }
    qemu_vfree(NULL);
}

/* The compiler's run-time library asks the processor, too. */
static void test_cpuinfo_agrees_with_the_compiler(void)
{
    g_assert_true(cpuinfo_get() & CPUINFO_ALWAYS);
#ifdef __x86_64__
    g_assert_true(cpuinfo_get() & CPUINFO_SSE2);
    g_assert_cmpint(!!(cpuinfo_get() & CPUINFO_AVX2), ==,
                    !!__builtin_cpu_supports("avx2"));
    g_assert_cmpint(!!(cpuinfo_get() & CPUINFO_AVX512BW), ==,
                    !!__builtin_cpu_supports("avx512bw"));
#endif
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bswap/loads-at-odd-addresses",
                    test_loads_at_odd_addresses);
    g_test_add_func("/bswap/loads-do-not-extend-the-sign",
                    test_loads_do_not_extend_the_sign);
    g_test_add_func("/bswap/stores-write-their-bytes-only",
                    test_stores_write_their_bytes_only);
    g_test_add_func("/bswap/values-go-there-and-back",
                    test_values_go_there_and_back);
    g_test_add_func("/host-utils/counting-bits", test_counting_bits);
    g_test_add_func("/host-utils/powers-of-two", test_powers_of_two);
    g_test_add_func("/osdep/rounding", test_rounding);
    g_test_add_func("/memalign/aligned-memory", test_aligned_memory);
    g_test_add_func("/cpuinfo/agrees-with-the-compiler",
                    test_cpuinfo_agrees_with_the_compiler);
    return g_test_run();
}
