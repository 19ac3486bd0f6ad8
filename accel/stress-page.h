/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of a page that a stress thread wrote: a head that says which
 * write it was, and a filling that follows from the head, so that a page made
 * of two writes is found out.
 *
 * Plain functions; any thread.  Part of the migration stream, as
 * accel/stress-plan.h.
 */
#ifndef ACCEL_STRESS_PAGE_H
#define ACCEL_STRESS_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

#include "memory/ram.h"

#define STRESS_PAGE_WORDS (TARGET_PAGE_SIZE / 8)

/* A copy of a page; not the guest's memory. */
typedef struct StressPage {
    uint64_t word[STRESS_PAGE_WORDS];
} StressPage;

/**
 * stress_page_fill:
 * @page: receives the content
 * @thread: number of the writing thread
 * @number: of the page, counted over all RAM
 * @write: number of the write
 *
 * Makes the content of a write that is not zero.
 */
void stress_page_fill(StressPage *page, unsigned thread, uint64_t number,
                      uint64_t write);

/**
 * stress_page_holds:
 * @page: a copy of a page
 * @thread: number of the thread that wrote it
 * @number: of the page, counted over all RAM
 * @write: number of the write
 *
 * Returns: whether every byte is as stress_page_fill() makes it
 */
bool stress_page_holds(const StressPage *page, unsigned thread,
                       uint64_t number, uint64_t write);

/**
 * stress_page_is_zero:
 * @page: a copy of a page
 *
 * Returns: whether every byte is zero
 */
bool stress_page_is_zero(const StressPage *page);

/**
 * stress_page_describe:
 * @page: a copy of a page
 *
 * Says what a page holds, as the end of a sentence.
 *
 * Returns: the text, to be g_free()d
 */
char *stress_page_describe(const StressPage *page);

#endif /* ACCEL_STRESS_PAGE_H */
