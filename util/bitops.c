/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Searching bits.  Entered by every thread; holds no state.
 *
 * Words are read with relaxed atomic loads, since another thread may be
 * setting bits in the same map.
 */
#include "qemu/osdep.h"

#include "qemu/bitops.h"

/* So many words are looked at in one go, a cache line. */
#define LINE_WORDS 8
#define LINE_BITS (LINE_WORDS * BITS_PER_LONG)

/* Has the line at @word nothing that is searched for? */
static inline bool line_is_empty(const unsigned long *word, unsigned long flip)
{
    unsigned long any = 0;

    for (unsigned i = 0; i < LINE_WORDS; i++) {
        any |= qatomic_read(&word[i]) ^ flip;
    }
    return !any;
}

/* @flip is 0 to search for set bits and all ones to search for clear ones. */
static inline unsigned long
find_next(const unsigned long *addr, unsigned long size,
          unsigned long offset, unsigned long flip)
{
    unsigned long word;

    if (offset >= size) {
        return size;
    }
    word = (qatomic_read(&addr[BIT_WORD(offset)]) ^ flip) &
           (~0UL << (offset % BITS_PER_LONG));
    offset = ROUND_DOWN(offset, (unsigned long)BITS_PER_LONG);
    while (!word) {
        offset += BITS_PER_LONG;
        /* Only where a line begins: the rest of a full one is soon through. */
        if (offset % LINE_BITS == 0) {
            while (offset < size && size - offset >= LINE_BITS &&
                   line_is_empty(&addr[BIT_WORD(offset)], flip)) {
                offset += LINE_BITS;
            }
        }
        if (offset >= size) {
            return size;
        }
        word = qatomic_read(&addr[BIT_WORD(offset)]) ^ flip;
    }
    return MIN(offset + ctz64(word), size);
}

unsigned long find_next_bit(const unsigned long *addr, unsigned long size,
                            unsigned long offset)
{
    return find_next(addr, size, offset, 0);
}

unsigned long find_next_zero_bit(const unsigned long *addr,
                                 unsigned long size, unsigned long offset)
{
    return find_next(addr, size, offset, ~0UL);
}

unsigned long find_last_bit(const unsigned long *addr, unsigned long size)
{
    unsigned long nr_words = BITS_TO_LONGS(size);

    for (unsigned long i = nr_words; i-- > 0;) {
        unsigned long word = qatomic_read(&addr[i]);

        if (i == nr_words - 1) {
            word &= ~0UL >> (-size % BITS_PER_LONG);
        }
        if (word) {
            return i * BITS_PER_LONG + 63 - clz64(word);
        }
    }
    return size;
}
