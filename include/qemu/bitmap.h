/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bitmaps over arrays of unsigned long: ranges and whole maps.
 *
 * Lengths and positions are in bits.  A map of nbits occupies
 * BITS_TO_LONGS(nbits) words; the bits of the last word above nbits are
 * neither read nor relied upon, but whole-map writers may clear them.  Only
 * the _atomic functions may run next to others on the same words.
 */
#ifndef QEMU_BITMAP_H
#define QEMU_BITMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "qemu/bitops.h"

#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

/* The bits of a word from bit @start % BITS_PER_LONG up. */
#define BITMAP_FIRST_WORD_MASK(start) \
    (~0UL << ((unsigned long)(start) % BITS_PER_LONG))
/* The bits of the last word that belong to a map of @nbits, at least 1. */
#define BITMAP_LAST_WORD_MASK(nbits) \
    (~0UL >> (-(unsigned long)(nbits) % BITS_PER_LONG))

/**
 * bitmap_new:
 * @nbits: length in bits
 *
 * Allocates a map with all bits clear.
 *
 * Context: any thread.  The caller frees it with g_free().
 * Returns: the map; out of memory aborts, as g_malloc() does.
 */
unsigned long *bitmap_new(long nbits);

/**
 * bitmap_try_new:
 * @nbits: length in bits
 *
 * As bitmap_new(), for lengths that come from outside.
 *
 * Context: any thread.  The caller frees it with g_free().
 * Returns: the map, or NULL when there is no memory for it.
 */
unsigned long *bitmap_try_new(long nbits);

/**
 * bitmap_zero:
 * @dst: the map
 * @nbits: length in bits
 *
 * Clears all bits.
 *
 * Context: any thread, alone on the map.
 */
void bitmap_zero(unsigned long *dst, long nbits);

/**
 * bitmap_fill:
 * @dst: the map
 * @nbits: length in bits
 *
 * Sets all bits; those above @nbits in the last word end up clear.
 *
 * Context: any thread, alone on the map.
 */
void bitmap_fill(unsigned long *dst, long nbits);

/**
 * bitmap_copy:
 * @dst: the map to write
 * @src: the map to read
 * @nbits: length of both in bits
 *
 * Copies whole words.
 *
 * Context: any thread, alone on both maps.
 */
void bitmap_copy(unsigned long *dst, const unsigned long *src, long nbits);

/**
 * bitmap_and:
 * @dst: the map to write; may be one of the others
 * @src1: a map
 * @src2: another
 * @nbits: length of all in bits
 *
 * Keeps the bits set in both.
 *
 * Context: any thread, alone on the maps.
 * Returns: 1 when a bit is left, else 0.
 */
int bitmap_and(unsigned long *dst, const unsigned long *src1,
               const unsigned long *src2, long nbits);

/**
 * bitmap_or:
 * @dst: the map to write; may be one of the others
 * @src1: a map
 * @src2: another
 * @nbits: length of all in bits
 *
 * Joins two maps.
 *
 * Context: any thread, alone on the maps.
 */
void bitmap_or(unsigned long *dst, const unsigned long *src1,
               const unsigned long *src2, long nbits);

/**
 * bitmap_andnot:
 * @dst: the map to write; may be one of the others
 * @src1: a map
 * @src2: what to take away
 * @nbits: length of all in bits
 *
 * Keeps the bits of @src1 that @src2 has not.
 *
 * Context: any thread, alone on the maps.
 * Returns: 1 when a bit is left, else 0.
 */
int bitmap_andnot(unsigned long *dst, const unsigned long *src1,
                  const unsigned long *src2, long nbits);

/**
 * bitmap_complement:
 * @dst: the map to write; may be @src
 * @src: a map
 * @nbits: length of both in bits
 *
 * Flips all bits.
 *
 * Context: any thread, alone on the maps.
 */
void bitmap_complement(unsigned long *dst, const unsigned long *src,
                       long nbits);

/**
 * bitmap_equal:
 * @a: a map
 * @b: another
 * @nbits: length of both in bits
 *
 * Compares two maps.
 *
 * Context: any thread.
 * Returns: 1 when all bits agree, else 0.
 */
int bitmap_equal(const unsigned long *a, const unsigned long *b, long nbits);

/**
 * bitmap_empty:
 * @map: the map
 * @nbits: length in bits
 *
 * Tells whether no bit is set.
 *
 * Context: any thread.
 * Returns: 1 if so, else 0.
 */
int bitmap_empty(const unsigned long *map, long nbits);

/**
 * bitmap_full:
 * @map: the map
 * @nbits: length in bits
 *
 * Tells whether each bit is set.
 *
 * Context: any thread.
 * Returns: 1 if so, else 0.
 */
int bitmap_full(const unsigned long *map, long nbits);

/**
 * bitmap_count_one:
 * @map: the map
 * @nbits: length in bits
 *
 * Counts the set bits.
 *
 * Context: any thread.
 * Returns: how many.
 */
long bitmap_count_one(const unsigned long *map, long nbits);

/**
 * bitmap_count_one_with_offset:
 * @map: the map
 * @offset: first bit of the range
 * @nbits: length of the range in bits
 *
 * Counts the set bits of a range.
 *
 * Context: any thread.
 * Returns: how many.
 */
long bitmap_count_one_with_offset(const unsigned long *map, long offset,
                                  long nbits);

/**
 * bitmap_set:
 * @map: the map
 * @start: first bit of the range
 * @nr: length of the range in bits
 *
 * Sets a range.
 *
 * Context: any thread, alone on those words.
 */
void bitmap_set(unsigned long *map, long start, long nr);

/**
 * bitmap_clear:
 * @map: the map
 * @start: first bit of the range
 * @nr: length of the range in bits
 *
 * Clears a range.
 *
 * Context: any thread, alone on those words.
 */
void bitmap_clear(unsigned long *map, long start, long nr);

/**
 * bitmap_test_and_clear:
 * @map: the map
 * @start: first bit of the range
 * @nr: length of the range in bits
 *
 * Clears a range.
 *
 * Context: any thread, alone on those words.
 * Returns: true when a bit of it was set before.
 */
bool bitmap_test_and_clear(unsigned long *map, long start, long nr);

#include "qemu/bitmap-atomic.h"

#endif /* QEMU_BITMAP_H */
