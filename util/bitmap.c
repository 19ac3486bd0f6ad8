/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bitmaps: whole maps and ranges, plain and atomic.
 *
 * Entered by every thread; holds no state.  The atomic functions work a word
 * at a time; reading plainly beside them is up to the caller.
 */
#include "qemu/osdep.h"

#include "qemu/bitmap.h"
#include "qemu/bswap.h"

static size_t map_bytes(long nbits)
{
    return BITS_TO_LONGS(nbits) * sizeof(unsigned long);
}

unsigned long *bitmap_new(long nbits)
{
    return g_new0(unsigned long, BITS_TO_LONGS(nbits));
}

unsigned long *bitmap_try_new(long nbits)
{
    /* Not even an empty map is NULL: that means failure here. */
    return g_try_malloc0(MAX(map_bytes(nbits), sizeof(unsigned long)));
}

void bitmap_zero(unsigned long *dst, long nbits)
{
    memset(dst, 0, map_bytes(nbits));
}

void bitmap_fill(unsigned long *dst, long nbits)
{
    if (nbits > 0) {
        memset(dst, 0xff, map_bytes(nbits));
        dst[BITS_TO_LONGS(nbits) - 1] = BITMAP_LAST_WORD_MASK(nbits);
    }
}

void bitmap_copy(unsigned long *dst, const unsigned long *src, long nbits)
{
    memcpy(dst, src, map_bytes(nbits));
}

/* The bits of word @i that belong to a map of @nbits. */
static unsigned long word_mask(long i, long nbits)
{
    return i == BITS_TO_LONGS(nbits) - 1 ? BITMAP_LAST_WORD_MASK(nbits)
                                         : ~0UL;
}

int bitmap_and(unsigned long *dst, const unsigned long *src1,
               const unsigned long *src2, long nbits)
{
    unsigned long any = 0;

    for (long i = 0; i < BITS_TO_LONGS(nbits); i++) {
        dst[i] = src1[i] & src2[i];
        any |= dst[i] & word_mask(i, nbits);
    }
    return any != 0;
}

void bitmap_or(unsigned long *dst, const unsigned long *src1,
               const unsigned long *src2, long nbits)
{
    for (long i = 0; i < BITS_TO_LONGS(nbits); i++) {
        dst[i] = src1[i] | src2[i];
    }
}

int bitmap_andnot(unsigned long *dst, const unsigned long *src1,
                  const unsigned long *src2, long nbits)
{
    unsigned long any = 0;

    for (long i = 0; i < BITS_TO_LONGS(nbits); i++) {
        dst[i] = src1[i] & ~src2[i];
        any |= dst[i] & word_mask(i, nbits);
    }
    return any != 0;
}

void bitmap_complement(unsigned long *dst, const unsigned long *src,
                       long nbits)
{
    for (long i = 0; i < BITS_TO_LONGS(nbits); i++) {
        dst[i] = ~src[i] & word_mask(i, nbits);
    }
}

int bitmap_equal(const unsigned long *a, const unsigned long *b, long nbits)
{
    for (long i = 0; i < BITS_TO_LONGS(nbits); i++) {
        if ((a[i] ^ b[i]) & word_mask(i, nbits)) {
            return 0;
        }
    }
    return 1;
}

int bitmap_empty(const unsigned long *map, long nbits)
{
    return find_first_bit(map, nbits) == nbits;
}

int bitmap_full(const unsigned long *map, long nbits)
{
    return find_first_zero_bit(map, nbits) == nbits;
}

/*
 * The part of a range that lies in the word of its first bit, as a mask;
 * moves @start and @nr past it.
 */
static inline unsigned long next_mask(long *start, long *nr)
{
    long used = MIN(BITS_PER_LONG - *start % BITS_PER_LONG, *nr);
    unsigned long mask = BITMAP_FIRST_WORD_MASK(*start) &
                         BITMAP_LAST_WORD_MASK(*start + used);

    *start += used;
    *nr -= used;
    return mask;
}

long bitmap_count_one_with_offset(const unsigned long *map, long offset,
                                  long nbits)
{
    long count = 0;

    while (nbits > 0) {
        const unsigned long *word = &map[BIT_WORD(offset)];
        unsigned long mask = next_mask(&offset, &nbits);
        unsigned long bits = qatomic_read(word) & mask;

        /* Counting is a call where the processor is not known to have it. */
        if (bits) {
            count += ctpop64(bits);
        }
    }
    return count;
}

long bitmap_count_one(const unsigned long *map, long nbits)
{
    return bitmap_count_one_with_offset(map, 0, nbits);
}

/* Fills a range with ones or zeroes, whole words of it with one memset(). */
static inline void fill_range(unsigned long *map, long start, long nr,
                              bool ones)
{
    while (nr > 0) {
        unsigned long *word = &map[BIT_WORD(start)];
        unsigned long mask;

        if (start % BITS_PER_LONG == 0 && nr >= BITS_PER_LONG) {
            long whole = nr - nr % BITS_PER_LONG;

            memset(word, ones ? 0xff : 0, whole / BITS_PER_BYTE);
            start += whole;
            nr -= whole;
            continue;
        }
        mask = next_mask(&start, &nr);
        *word = ones ? *word | mask : *word & ~mask;
    }
}

void bitmap_set(unsigned long *map, long start, long nr)
{
    fill_range(map, start, nr, true);
}

void bitmap_clear(unsigned long *map, long start, long nr)
{
    fill_range(map, start, nr, false);
}

bool bitmap_test_and_clear(unsigned long *map, long start, long nr)
{
    unsigned long seen = 0;

    while (nr > 0) {
        unsigned long *word = &map[BIT_WORD(start)];
        unsigned long mask = next_mask(&start, &nr);

        seen |= *word & mask;
        *word &= ~mask;
    }
    return seen != 0;
}

void bitmap_set_atomic(unsigned long *map, long start, long nr)
{
    while (nr > 0) {
        unsigned long *word = &map[BIT_WORD(start)];

        qatomic_or(word, next_mask(&start, &nr));
    }
}

bool bitmap_test_and_clear_atomic(unsigned long *map, long start, long nr)
{
    unsigned long seen = 0;

    while (nr > 0) {
        unsigned long *word = &map[BIT_WORD(start)];
        unsigned long mask = next_mask(&start, &nr);

        /* Most words of a dirty log are clear: do not fight for the line. */
        if (qatomic_read(word) & mask) {
            seen |= qatomic_fetch_and(word, ~mask) & mask;
        }
    }
    /* The promise of a full barrier holds for an all-clear range too. */
    if (!seen) {
        smp_mb();
    }
    return seen != 0;
}

void bitmap_copy_and_clear_atomic(unsigned long *dst, unsigned long *src,
                                  long nr)
{
    for (long i = 0; i < BITS_TO_LONGS(nr); i++) {
        dst[i] = qatomic_xchg(&src[i], 0);
    }
}

void bitmap_to_le(unsigned long *dst, const unsigned long *src, long nbits)
{
    for (long i = 0; i < BITS_TO_LONGS(nbits); i++) {
        unsigned long word = src[i] & word_mask(i, nbits);

        dst[i] = sizeof(word) == 8 ? cpu_to_le64(word) : cpu_to_le32(word);
    }
}

void bitmap_from_le(unsigned long *dst, const unsigned long *src, long nbits)
{
    for (long i = 0; i < BITS_TO_LONGS(nbits); i++) {
        unsigned long word = src[i];

        word = sizeof(word) == 8 ? le64_to_cpu(word) : le32_to_cpu(word);
        dst[i] = word & word_mask(i, nbits);
    }
}
