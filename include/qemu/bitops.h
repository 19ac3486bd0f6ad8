/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single bits of an array of unsigned long, and searching for them.
 *
 * Bit nr is bit nr % BITS_PER_LONG of word nr / BITS_PER_LONG.  Only the
 * _atomic functions may run next to others on the same word.
 */
#ifndef QEMU_BITOPS_H
#define QEMU_BITOPS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "qemu/atomic.h"
#include "qemu/host-utils.h"

#define BITS_PER_BYTE CHAR_BIT
#define BITS_PER_LONG ((long)sizeof(unsigned long) * BITS_PER_BYTE)
#define BITS_TO_LONGS(nr) (((nr) + BITS_PER_LONG - 1) / BITS_PER_LONG)

#define BIT(nr) (1UL << (nr))
#define BIT_ULL(nr) (1ULL << (nr))
#define BIT_MASK(nr) (1UL << ((unsigned long)(nr) % BITS_PER_LONG))
#define BIT_WORD(nr) ((unsigned long)(nr) / BITS_PER_LONG)
/* @length (1 to 64) set bits from bit @shift on. */
#define MAKE_64BIT_MASK(shift, length) \
    ((~UINT64_C(0) >> (64 - (length))) << (shift))

/**
 * set_bit:
 * @nr: number of the bit
 * @addr: the array
 *
 * Sets a bit.
 *
 * Context: any thread, alone on that word.
 */
static inline void set_bit(long nr, unsigned long *addr)
{
    addr[BIT_WORD(nr)] |= BIT_MASK(nr);
}

/**
 * set_bit_atomic:
 * @nr: number of the bit
 * @addr: the array
 *
 * Sets a bit; a full barrier.
 *
 * Context: any thread.
 */
static inline void set_bit_atomic(long nr, unsigned long *addr)
{
    qatomic_or(&addr[BIT_WORD(nr)], BIT_MASK(nr));
}

/**
 * clear_bit:
 * @nr: number of the bit
 * @addr: the array
 *
 * Clears a bit.
 *
 * Context: any thread, alone on that word.
 */
static inline void clear_bit(long nr, unsigned long *addr)
{
    addr[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

/**
 * clear_bit_atomic:
 * @nr: number of the bit
 * @addr: the array
 *
 * Clears a bit; a full barrier.
 *
 * Context: any thread.
 */
static inline void clear_bit_atomic(long nr, unsigned long *addr)
{
    qatomic_and(&addr[BIT_WORD(nr)], ~BIT_MASK(nr));
}

/**
 * change_bit:
 * @nr: number of the bit
 * @addr: the array
 *
 * Flips a bit.
 *
 * Context: any thread, alone on that word.
 */
static inline void change_bit(long nr, unsigned long *addr)
{
    addr[BIT_WORD(nr)] ^= BIT_MASK(nr);
}

/**
 * test_bit:
 * @nr: number of the bit
 * @addr: the array
 *
 * Looks at a bit, with a relaxed atomic load.
 *
 * Context: any thread.
 * Returns: 1 or 0.
 */
static inline int test_bit(long nr, const unsigned long *addr)
{
    return (qatomic_read(&addr[BIT_WORD(nr)]) & BIT_MASK(nr)) != 0;
}

/**
 * test_and_set_bit:
 * @nr: number of the bit
 * @addr: the array
 *
 * Sets a bit.
 *
 * Context: any thread, alone on that word.
 * Returns: 1 if it was set before, else 0.
 */
static inline int test_and_set_bit(long nr, unsigned long *addr)
{
    int old = test_bit(nr, addr);

    set_bit(nr, addr);
    return old;
}

/**
 * test_and_set_bit_atomic:
 * @nr: number of the bit
 * @addr: the array
 *
 * Sets a bit; a full barrier.
 *
 * Context: any thread.
 * Returns: 1 if it was set before, else 0.
 */
static inline int test_and_set_bit_atomic(long nr, unsigned long *addr)
{
    unsigned long old = qatomic_fetch_or(&addr[BIT_WORD(nr)], BIT_MASK(nr));

    return (old & BIT_MASK(nr)) != 0;
}

/**
 * test_and_clear_bit:
 * @nr: number of the bit
 * @addr: the array
 *
 * Clears a bit.
 *
 * Context: any thread, alone on that word.
 * Returns: 1 if it was set before, else 0.
 */
static inline int test_and_clear_bit(long nr, unsigned long *addr)
{
    int old = test_bit(nr, addr);

    clear_bit(nr, addr);
    return old;
}

/**
 * test_and_clear_bit_atomic:
 * @nr: number of the bit
 * @addr: the array
 *
 * Clears a bit; a full barrier.
 *
 * Context: any thread.
 * Returns: 1 if it was set before, else 0.
 */
static inline int test_and_clear_bit_atomic(long nr, unsigned long *addr)
{
    unsigned long old = qatomic_fetch_and(&addr[BIT_WORD(nr)],
                                          ~BIT_MASK(nr));

    return (old & BIT_MASK(nr)) != 0;
}

/**
 * find_next_bit:
 * @addr: the array
 * @size: its length in bits
 * @offset: first bit to look at
 *
 * Searches upwards for a set bit.  Words are read with relaxed atomic loads.
 *
 * Context: any thread.
 * Returns: number of the bit, or @size when there is none.
 */
unsigned long find_next_bit(const unsigned long *addr, unsigned long size,
                            unsigned long offset);

/**
 * find_next_zero_bit:
 * @addr: the array
 * @size: its length in bits
 * @offset: first bit to look at
 *
 * Searches upwards for a clear bit.  Words are read with relaxed atomic
 * loads.
 *
 * Context: any thread.
 * Returns: number of the bit, or @size when there is none.
 */
unsigned long find_next_zero_bit(const unsigned long *addr,
                                 unsigned long size, unsigned long offset);

/**
 * find_last_bit:
 * @addr: the array
 * @size: its length in bits
 *
 * Searches downwards for a set bit.
 *
 * Context: any thread.
 * Returns: number of the bit, or @size when there is none.
 */
unsigned long find_last_bit(const unsigned long *addr, unsigned long size);

/* From the first bit on. */
#define find_first_bit(addr, size) find_next_bit((addr), (size), 0)
#define find_first_zero_bit(addr, size) find_next_zero_bit((addr), (size), 0)

#endif /* QEMU_BITOPS_H */
