/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of qemu/bitmap.h (include that) for maps that several threads
 * change at once, and for maps in files and on the wire.
 *
 * Each function is atomic a word at a time, not as a whole, and a full
 * barrier.
 */
#ifndef QEMU_BITMAP_ATOMIC_H
#define QEMU_BITMAP_ATOMIC_H

#include <stdbool.h>

/**
 * bitmap_set_atomic:
 * @map: the map
 * @start: first bit of the range
 * @nr: length of the range in bits
 *
 * Sets a range.
 *
 * Context: any thread.
 */
void bitmap_set_atomic(unsigned long *map, long start, long nr);

/**
 * bitmap_test_and_clear_atomic:
 * @map: the map
 * @start: first bit of the range
 * @nr: length of the range in bits
 *
 * Clears a range.  Each bit that was set is seen by exactly one of several
 * callers.
 *
 * Context: any thread.
 * Returns: true when a bit of it was set before.
 */
bool bitmap_test_and_clear_atomic(unsigned long *map, long start, long nr);

/**
 * bitmap_copy_and_clear_atomic:
 * @dst: receives the bits; only the caller touches it
 * @src: the map that others set bits in
 * @nr: length of both in bits
 *
 * Moves all bits out of @src: none set meanwhile is lost or seen twice.
 *
 * Context: any thread.
 */
void bitmap_copy_and_clear_atomic(unsigned long *dst, unsigned long *src,
                                  long nr);

/**
 * bitmap_to_le:
 * @dst: receives the words in little-endian order; may be @src
 * @src: the map
 * @nbits: length in bits
 *
 * Makes a map fit to send; bits above @nbits in the last word become 0.
 *
 * Context: any thread, alone on the maps.
 */
void bitmap_to_le(unsigned long *dst, const unsigned long *src, long nbits);

/**
 * bitmap_from_le:
 * @dst: receives the words in the host's order; may be @src
 * @src: the map as received
 * @nbits: length in bits
 *
 * Takes a map in; bits above @nbits in the last word become 0.
 *
 * Context: any thread, alone on the maps.
 */
void bitmap_from_le(unsigned long *dst, const unsigned long *src,
                    long nbits);

#endif /* QEMU_BITMAP_ATOMIC_H */
