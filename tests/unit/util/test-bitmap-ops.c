/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of whole-map operations, of clearing that tells what it cleared, and
 * of maps on the wire.
 */
#include "qemu/osdep.h"

#include "qemu/bitmap.h"

#define BITS 100

/* Random bits, some above the map's end, which nobody may look at. */
static void fill_random(unsigned long *map)
{
    for (long i = 0; i < BITS_TO_LONGS(BITS); i++) {
        map[i] = (unsigned long)g_test_rand_int() << 32 ^
                 (unsigned long)g_test_rand_int();
    }
}

static void test_operations_bit_by_bit(void)
{
    DECLARE_BITMAP(a, BITS);
    DECLARE_BITMAP(b, BITS);
    DECLARE_BITMAP(both, BITS);
    DECLARE_BITMAP(any, BITS);
    DECLARE_BITMAP(only_a, BITS);
    DECLARE_BITMAP(not_a, BITS);

    fill_random(a);
    fill_random(b);
    g_assert_cmpint(bitmap_and(both, a, b, BITS), ==, 1);
    bitmap_or(any, a, b, BITS);
    g_assert_cmpint(bitmap_andnot(only_a, a, b, BITS), ==, 1);
    bitmap_complement(not_a, a, BITS);
    for (long i = 0; i < BITS; i++) {
        g_assert_cmpint(test_bit(i, both), ==,
                        test_bit(i, a) && test_bit(i, b));
        g_assert_cmpint(test_bit(i, any), ==,
                        test_bit(i, a) || test_bit(i, b));
        g_assert_cmpint(test_bit(i, only_a), ==,
                        test_bit(i, a) && !test_bit(i, b));
        g_assert_cmpint(test_bit(i, not_a), ==, !test_bit(i, a));
    }
}

static void test_bits_above_the_end_do_not_count(void)
{
    DECLARE_BITMAP(a, BITS);
    DECLARE_BITMAP(b, BITS);

    bitmap_zero(a, BITS);
    bitmap_zero(b, BITS);
    set_bit(BITS, a);
    g_assert_true(bitmap_equal(a, b, BITS));
    g_assert_true(bitmap_empty(a, BITS));
    g_assert_cmpint(bitmap_count_one(a, BITS), ==, 0);
    g_assert_cmpint(bitmap_and(b, a, a, BITS), ==, 0);
    g_assert_cmpuint(find_last_bit(a, BITS), ==, BITS);
}

static void test_a_single_bit_makes_a_difference(void)
{
    DECLARE_BITMAP(a, BITS);
    DECLARE_BITMAP(b, BITS);

    for (long i = 0; i < BITS; i++) {
        bitmap_fill(a, BITS);
        g_assert_true(bitmap_full(a, BITS));
        bitmap_copy(b, a, BITS);
        clear_bit(i, b);
        g_assert_false(bitmap_equal(a, b, BITS));
        g_assert_false(bitmap_full(b, BITS));
    }
}

static void test_counting_a_part(void)
{
    DECLARE_BITMAP(map, BITS);

    fill_random(map);
    for (long start = 0; start <= BITS; start += 7) {
        for (long nr = 0; nr <= BITS - start; nr += 3) {
            long count = 0;

            for (long i = 0; i < nr; i++) {
                count += test_bit(start + i, map);
            }
            g_assert_cmpint(bitmap_count_one_with_offset(map, start, nr),
                            ==, count);
        }
    }
}

static void check_test_and_clear(bool (*func)(unsigned long *, long, long))
{
    for (long start = 0; start <= BITS; start += 3) {
        for (long nr = 0; nr <= BITS - start; nr += 7) {
            DECLARE_BITMAP(map, BITS);

            bitmap_fill(map, BITS);
            g_assert_cmpint(func(map, start, nr), ==, nr > 0);
            g_assert_cmpint(bitmap_count_one(map, BITS), ==, BITS - nr);
            g_assert_false(func(map, start, nr));
        }
    }
}

static void test_clearing_tells_whether_a_bit_was_set(void)
{
    check_test_and_clear(bitmap_test_and_clear);
    check_test_and_clear(bitmap_test_and_clear_atomic);
}

static void test_single_bits_tell_what_they_were(void)
{
    unsigned long word = 0;

    g_assert_cmpint(test_and_set_bit(5, &word), ==, 0);
    g_assert_cmpint(test_and_set_bit(5, &word), ==, 1);
    g_assert_cmpint(test_and_set_bit_atomic(63, &word), ==, 0);
    g_assert_cmpint(test_and_set_bit_atomic(63, &word), ==, 1);
    g_assert_cmpint(test_and_clear_bit(5, &word), ==, 1);
    g_assert_cmpint(test_and_clear_bit(5, &word), ==, 0);
    g_assert_cmpint(test_and_clear_bit_atomic(63, &word), ==, 1);
    g_assert_cmpint(test_and_clear_bit_atomic(63, &word), ==, 0);
    g_assert_cmphex(word, ==, 0);
}

static void test_the_wire_form_is_little_endian(void)
{
    DECLARE_BITMAP(map, BITS);
    DECLARE_BITMAP(wire, BITS);
    DECLARE_BITMAP(back, BITS);
    const uint8_t *bytes = (const uint8_t *)wire;

    bitmap_zero(map, BITS);
    set_bit(9, map);
    set_bit(99, map);
    set_bit(BITS, map);
    bitmap_to_le(wire, map, BITS);
    g_assert_cmphex(bytes[1], ==, 2);
    g_assert_cmphex(bytes[12], ==, 8);
    bitmap_from_le(back, wire, BITS);
    g_assert_true(bitmap_equal(map, back, BITS));
    g_assert_false(test_bit(BITS, back));
}

static void test_new_maps_are_empty(void)
{
    g_autofree unsigned long *small = bitmap_try_new(0);
    g_autofree unsigned long *some = bitmap_try_new(1 << 20);

    g_assert_nonnull(small);
    g_assert_true(bitmap_empty(some, 1 << 20));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bitmap/operations-bit-by-bit",
                    test_operations_bit_by_bit);
    g_test_add_func("/bitmap/bits-above-the-end-do-not-count",
                    test_bits_above_the_end_do_not_count);
    g_test_add_func("/bitmap/a-single-bit-makes-a-difference",
                    test_a_single_bit_makes_a_difference);
    g_test_add_func("/bitmap/counting-a-part", test_counting_a_part);
    g_test_add_func("/bitmap/clearing-tells-whether-a-bit-was-set",
                    test_clearing_tells_whether_a_bit_was_set);
    g_test_add_func("/bitmap/single-bits-tell-what-they-were",
                    test_single_bits_tell_what_they_were);
    g_test_add_func("/bitmap/the-wire-form-is-little-endian",
                    test_the_wire_form_is_little_endian);
    g_test_add_func("/bitmap/new-maps-are-empty",
                    test_new_maps_are_empty);
    return g_test_run();
}
