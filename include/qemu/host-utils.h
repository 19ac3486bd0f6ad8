/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bit counting and powers of two, under QEMU's names.
 *
 * All are pure functions, safe in any thread.
 */
#ifndef QEMU_HOST_UTILS_H
#define QEMU_HOST_UTILS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * ctz64:
 * @val: any value
 *
 * Counts the zero bits below the lowest set one.
 *
 * Context: any thread.
 * Returns: 0 to 63, or 64 when @val is 0.
 */
static inline int ctz64(uint64_t val)
{
    return val ? __builtin_ctzll(val) : 64;
}

/**
 * clz64:
 * @val: any value
 *
 * Counts the zero bits above the highest set one.
 *
 * Context: any thread.
 * Returns: 0 to 63, or 64 when @val is 0.
 */
static inline int clz64(uint64_t val)
{
    return val ? __builtin_clzll(val) : 64;
}

/**
 * ctpop64:
 * @val: any value
 *
 * Counts the set bits.
 *
 * Context: any thread.
 * Returns: 0 to 64.
 */
static inline int ctpop64(uint64_t val)
{
    return __builtin_popcountll(val);
}

/**
 * is_power_of_2:
 * @value: any value; 0 is no power of two
 *
 * Tells whether exactly one bit is set.
 *
 * Context: any thread.
 * Returns: true if so.
 */
static inline bool is_power_of_2(uint64_t value)
{
    return value && !(value & (value - 1));
}

/**
 * pow2floor:
 * @value: any value
 *
 * Rounds down to a power of two.
 *
 * Context: any thread.
 * Returns: the power, or 0 when @value is 0.
 */
static inline uint64_t pow2floor(uint64_t value)
{
    return value ? UINT64_C(1) << (63 - clz64(value)) : 0;
}

/**
 * pow2ceil:
 * @value: any value
 *
 * Rounds up to a power of two.
 *
 * Context: any thread.
 * Returns: the power; 1 when @value is 0; 0 when it does not fit 64 bits.
 */
static inline uint64_t pow2ceil(uint64_t value)
{
    int bits = value > 1 ? 64 - clz64(value - 1) : 0;

    return bits == 64 ? 0 : UINT64_C(1) << bits;
}

#endif /* QEMU_HOST_UTILS_H */
