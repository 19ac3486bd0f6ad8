/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of bitmaps and bit searches, against a byte an element.
 */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/thread.h"

#define BITS 200

static void check_equal(const unsigned long *map, const uint8_t *model)
{
    for (long i = 0; i < BITS; i++) {
        g_assert_cmpint(test_bit(i, map), ==, model[i]);
    }
}

typedef void RangeFunc(unsigned long *map, long start, long nr);

/* Every range of a map, on a background of @before. */
static void check_ranges(RangeFunc *func, uint8_t before, uint8_t after)
{
    for (long start = 0; start < BITS; start += 3) {
        for (long nr = 0; nr <= BITS - start; nr += 5) {
            DECLARE_BITMAP(map, BITS);
            uint8_t model[BITS];

            memset(model, before, sizeof(model));
            if (before) {
                bitmap_fill(map, BITS);
            } else {
                bitmap_zero(map, BITS);
            }
            func(map, start, nr);
            memset(model + start, after, (size_t)nr);
            check_equal(map, model);
            g_assert_cmpint(bitmap_count_one(map, BITS), ==,
                            after ? nr : BITS - nr);
        }
    }
}

static void test_set(void)
{
    check_ranges(bitmap_set, 0, 1);
}

static void test_clear(void)
{
    check_ranges(bitmap_clear, 1, 0);
}

static void test_set_atomic(void)
{
    check_ranges(bitmap_set_atomic, 0, 1);
}

static void test_searches_find_each_bit(void)
{
    for (unsigned long bit = 0; bit < BITS; bit++) {
        DECLARE_BITMAP(map, BITS);

        bitmap_zero(map, BITS);
        set_bit((long)bit, map);
        g_assert_cmpuint(find_first_bit(map, BITS), ==, bit);
        g_assert_cmpuint(find_next_bit(map, BITS, bit), ==, bit);
        g_assert_cmpuint(find_next_bit(map, BITS, bit + 1), ==, BITS);
        g_assert_cmpuint(find_last_bit(map, BITS), ==, bit);
        bitmap_complement(map, map, BITS);
        g_assert_cmpuint(find_next_zero_bit(map, BITS, 0), ==, bit);
    }
}

static void check_searches(unsigned long *map, unsigned long nbits)
{
    for (int flip = 0; flip < 2; flip++) {
        for (unsigned long from = 0; from < nbits; from++) {
            unsigned long expected = from;
            unsigned long found = flip ? find_next_zero_bit(map, nbits, from)
                                       : find_next_bit(map, nbits, from);

            while (expected < nbits && test_bit((long)expected, map) == flip) {
                expected++;
            }
            g_assert_cmpuint(found, ==, expected);
        }
        bitmap_complement(map, map, nbits);
    }
}

/* Longer than what a search looks at in one go, from every place. */
static void test_searches_agree_with_bit_by_bit(void)
{
    enum { LONG_BITS = 1300 };
    static const long set[] = { 3, 511, 512, 640, 1023, 1024, 1290 };
    /* No word longer than that, so that a sanitizer sees who reads on. */
    g_autofree unsigned long *map = bitmap_new(LONG_BITS);

    check_searches(map, LONG_BITS);
    for (long bit = 0; bit < LONG_BITS; bit += 61) {
        set_bit(bit, map);
        check_searches(map, LONG_BITS);
        clear_bit(bit, map);
    }
    for (size_t i = 0; i < ARRAY_SIZE(set); i++) {
        set_bit(set[i], map);
        check_searches(map, LONG_BITS);
    }
}

static void test_a_search_stops_at_the_size(void)
{
    DECLARE_BITMAP(map, BITS);

    bitmap_zero(map, BITS);
    set_bit(100, map);
    g_assert_cmpuint(find_next_bit(map, 100, 0), ==, 100);
    g_assert_cmpuint(find_next_bit(map, 99, 0), ==, 99);
}

typedef struct Setter {
    unsigned long *map;
    long first;
} Setter;

static void *setter_thread(void *opaque)
{
    Setter *s = opaque;

    for (long i = s->first; i < BITS; i += 2) {
        set_bit_atomic(i, s->map);
    }
    return NULL;
}

static void test_two_threads_share_words(void)
{
    DECLARE_BITMAP(map, BITS);
    DECLARE_BITMAP(taken, BITS);
    Setter setters[2] = { { map, 0 }, { map, 1 } };
    QemuThread threads[2];

    bitmap_zero(map, BITS);
    for (int i = 0; i < 2; i++) {
        qemu_thread_create(&threads[i], "setter", setter_thread, &setters[i],
                           QEMU_THREAD_JOINABLE);
    }
    for (int i = 0; i < 2; i++) {
        qemu_thread_join(&threads[i]);
    }
    bitmap_copy_and_clear_atomic(taken, map, BITS);
    g_assert_true(bitmap_full(taken, BITS));
    g_assert_true(bitmap_empty(map, BITS));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bitmap/set", test_set);
    g_test_add_func("/bitmap/clear", test_clear);
    g_test_add_func("/bitmap/set-atomic", test_set_atomic);
    g_test_add_func("/bitmap/searches-find-each-bit",
                    test_searches_find_each_bit);
    g_test_add_func("/bitmap/searches-agree-with-bit-by-bit",
                    test_searches_agree_with_bit_by_bit);
    g_test_add_func("/bitmap/a-search-stops-at-the-size",
                    test_a_search_stops_at_the_size);
    g_test_add_func("/bitmap/two-threads-share-words",
                    test_two_threads_share_words);
    return g_test_run();
}
