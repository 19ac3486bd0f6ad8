/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zero test on the CPU; qemu/cutils.h brings this along.
 *
 * The body is chosen at run time: the fastest of those whose vectors the
 * processor has and the kernel saves.  Nothing outside the buffer is ever read.
 */
#ifndef QEMU_BUFFERISZERO_H
#define QEMU_BUFFERISZERO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * buffer_is_zero:
 * @buf: the buffer, of any alignment
 * @len: bytes; 0 counts as all zero
 *
 * Tells whether all bytes are zero.  Made for pages: a normal page is
 * usually found out by its first, middle or last word.
 *
 * Context: any thread.  Others may write meanwhile; then the answer may be
 * of before or after.
 * Returns: true if so.
 */
bool buffer_is_zero(const void *buf, size_t len);

/**
 * buffer_zero_bitmap:
 * @base: the first page
 * @page_size: bytes in a page
 * @nr_pages: how many follow each other
 * @zero: receives one bit a page, set when all its bytes are zero and
 *        cleared otherwise; bits above @nr_pages are left alone
 *
 * Sorts a run of pages into zero and normal.  Each page is read: none
 * may be a hole that is to stay one.
 *
 * Context: any thread, alone on @zero.
 */
void buffer_zero_bitmap(const uint8_t *base, size_t page_size,
                        size_t nr_pages, unsigned long *zero);

/**
 * buffer_zero_pages:
 * @page: addresses of the pages; the faster the more of them follow each other
 * @page_size: as for buffer_zero_bitmap()
 * @nr_pages: how many
 * @zero: as for buffer_zero_bitmap()
 *
 * buffer_zero_bitmap() for pages that lie anywhere.
 *
 * Context: any thread, alone on @zero.
 */
void buffer_zero_pages(const uint8_t *const *page, size_t page_size,
                       size_t nr_pages, unsigned long *zero);

/**
 * buffer_is_zero_nr_impls:
 *
 * How many bodies this processor can run, for tests and benchmarks.
 *
 * Context: any thread.
 * Returns: at least 1; number 0 is the portable one.
 */
size_t buffer_is_zero_nr_impls(void);

/**
 * buffer_is_zero_best_impl:
 *
 * Which body is in use, for tests and benchmarks.
 *
 * Context: any thread.
 * Returns: below buffer_is_zero_nr_impls()
 */
size_t buffer_is_zero_best_impl(void);

/**
 * buffer_is_zero_impl_name:
 * @i: below buffer_is_zero_nr_impls()
 *
 * Names a body.
 *
 * Context: any thread.
 * Returns: "portable", "sse2", "avx2" or "avx512"; static.
 */
const char *buffer_is_zero_impl_name(size_t i);

/**
 * buffer_is_zero_with:
 * @i: below buffer_is_zero_nr_impls()
 * @buf: the buffer
 * @len: bytes
 *
 * buffer_is_zero() with a given body and without its probes.
 *
 * Context: any thread.
 * Returns: true when all bytes are zero.
 */
bool buffer_is_zero_with(size_t i, const void *buf, size_t len);

#endif /* QEMU_BUFFERISZERO_H */
