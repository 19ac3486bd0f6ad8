/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of buffer_is_zero(): every body against every place where a byte can
 * be, at every alignment that can differ, with dirt on both sides.
 */
#include "qemu/osdep.h"
#include "qemu/bitmap.h"
#include "qemu/cutils.h"

#define MARGIN 128
#define ALIGNMENTS 64

/* A buffer of @len zero bytes at @offset, all around it not zero. */
static uint8_t *dirty_around(uint8_t *area, size_t area_size, size_t offset,
                             size_t len)
{
    memset(area, 0xff, area_size);
    memset(area + offset, 0, len);
    return area + offset;
}

/* One byte at every place of the buffer must be seen, none outside of it. */
static void check_len(size_t impl, size_t len, size_t step)
{
    size_t area_size = len + ALIGNMENTS + 2 * MARGIN;
    g_autofree uint8_t *area = g_malloc(area_size);

    for (size_t align = 0; align < ALIGNMENTS; align++) {
        uint8_t *buf = dirty_around(area, area_size, MARGIN + align, len);

        g_assert_true(buffer_is_zero_with(impl, buf, len));
        for (size_t i = 0; i < len; i += step) {
            buf[i] = 1;
            g_assert_false(buffer_is_zero_with(impl, buf, len));
            buf[i] = 0;
        }
    }
}

static void test_short_buffers(const void *opaque)
{
    size_t impl = GPOINTER_TO_SIZE(opaque);

    for (size_t len = 1; len < 300; len += 7) {
        check_len(impl, len, 1);
    }
}

/* Around multiples of four vectors of each width the loops change hands. */
static void test_lengths_around_the_loops_steps(const void *opaque)
{
    size_t impl = GPOINTER_TO_SIZE(opaque);

    for (size_t len = 255; len <= 1025; len++) {
        if (len % 64 <= 1 || len % 64 == 63) {
            check_len(impl, len, 13);
        }
    }
}

static void test_a_page_at_every_byte(const void *opaque)
{
    size_t impl = GPOINTER_TO_SIZE(opaque);
    g_autofree uint8_t *area = g_malloc(4096 + 128);
    uint8_t *page = area + (64 - (uintptr_t)area % 64);

    memset(page, 0, 4096);
    for (size_t i = 0; i < 4096; i++) {
        page[i] = 0x80;
        g_assert_false(buffer_is_zero_with(impl, page, 4096));
        page[i] = 0;
    }
    g_assert_true(buffer_is_zero_with(impl, page, 4096));
}

/* The chosen body and its early way out, at every byte of a page. */
static void test_the_early_way_out_hides_nothing(void)
{
    g_autofree uint8_t *page = g_malloc0(4096);

    g_assert_true(buffer_is_zero(page, 4096));
    for (size_t i = 0; i < 4096; i++) {
        page[i] = 1;
        g_assert_false(buffer_is_zero(page, 4096));
        page[i] = 0;
    }
}

static void test_nothing_is_zero(void)
{
    g_assert_true(buffer_is_zero("x", 0));
}

static void test_bitmap_sorts_pages(void)
{
    g_autofree uint8_t *pages = g_malloc0(70 * 4096);
    DECLARE_BITMAP(zero, 128);

    memset(zero, 0xff, sizeof(zero));
    pages[0] = 1;
    pages[64 * 4096 + 4095] = 1;
    pages[69 * 4096 + 2000] = 1;
    buffer_zero_bitmap(pages, 4096, 70, zero);
    g_assert_cmpint(bitmap_count_one(zero, 70), ==, 67);
    g_assert_false(test_bit(0, zero));
    g_assert_true(test_bit(63, zero));
    g_assert_false(test_bit(64, zero));
    g_assert_false(test_bit(69, zero));
    /* Bits behind the last page are left alone. */
    g_assert_true(test_bit(70, zero));
}

/* Behind a zero page and behind a normal one, at every byte of the next. */
static void test_pages_at_every_byte(void)
{
    g_autofree uint8_t *area = g_malloc0(4 * 4096);
    /* in no order, and with a gap */
    const uint8_t *page[3] = { area + 3 * 4096, area, area + 4096 };
    unsigned long zero = ~0UL;

    for (size_t i = 0; i < 4096; i++) {
        for (unsigned mask = 0; mask < 8; mask++) {
            for (unsigned p = 0; p < 3; p++) {
                ((uint8_t *)page[p])[i] = mask >> p & 1;
            }
            buffer_zero_pages(page, 4096, 3, &zero);
            g_assert_cmphex(zero, ==, ~0UL ^ mask);
        }
        ((uint8_t *)page[0])[i] = ((uint8_t *)page[1])[i] =
            ((uint8_t *)page[2])[i] = 0;
    }
}

/* Fewer bytes than a vector body takes, and none at all. */
static void test_small_pages(void)
{
    static const uint8_t area[4 * 64] = { [64 + 63] = 1, [192] = 1 };
    unsigned long zero = 0;

    buffer_zero_bitmap(area, 64, 4, &zero);
    g_assert_cmphex(zero, ==, 0x5);
    buffer_zero_bitmap(area, 64, 0, &zero);
    g_assert_cmphex(zero, ==, 0x5);
}

static void add(const char *what, size_t impl, void (*func)(const void *))
{
    g_autofree char *path = g_strdup_printf(
        "/bufferiszero/%s/%s", buffer_is_zero_impl_name(impl), what);

    g_test_add_data_func(path, GSIZE_TO_POINTER(impl), func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < buffer_is_zero_nr_impls(); i++) {
        add("short-buffers", i, test_short_buffers);
        add("lengths-around-the-loops-steps", i,
            test_lengths_around_the_loops_steps);
        add("a-page-at-every-byte", i, test_a_page_at_every_byte);
    }
    g_test_add_func("/bufferiszero/the-early-way-out-hides-nothing",
                    test_the_early_way_out_hides_nothing);
    g_test_add_func("/bufferiszero/nothing-is-zero", test_nothing_is_zero);
    g_test_add_func("/bufferiszero/bitmap-sorts-pages",
                    test_bitmap_sorts_pages);
    g_test_add_func("/bufferiszero/pages-at-every-byte",
                    test_pages_at_every_byte);
    g_test_add_func("/bufferiszero/small-pages", test_small_pages);
    return g_test_run();
}
