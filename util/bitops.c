/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Searching bits.  Entered by every thread; holds no state.
 *
 * Words are read with relaxed atomic loads, since another thread may be
 * setting bits in the same map.
 */
#include "qemu/osdep.h"

#include "qemu/bitops.h"

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
