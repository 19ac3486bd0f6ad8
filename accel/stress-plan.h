/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a stress thread writes and in what order, as a function of how many
 * writes it has made: so the number of writes is all its state, and what any
 * page has to hold follows from that.
 *
 * A pattern is made of lanes.  A lane is a range of pages that is written in
 * passes, each page once a pass, in an order of its own in each pass that can
 * be computed both ways.
 *
 * Plain functions of their arguments; any thread.  What they compute is part of
 * the migration stream: a change is a new version of the section.
 */
#ifndef ACCEL_STRESS_PLAN_H
#define ACCEL_STRESS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

typedef enum StressPattern {
    STRESS_PATTERN_SEQ,     /* ascending, pass after pass */
    STRESS_PATTERN_RANDOM,  /* each page once a pass, in random order */
    STRESS_PATTERN_HOT,     /* 9 of 10 writes go to the first tenth */
    STRESS_PATTERN__MAX,
} StressPattern;

/* The fewest pages a thread can have: each lane must have some. */
#define STRESS_PLAN_PAGES_MIN 16

/* More than any thread makes: two years at a write a nanosecond. */
#define STRESS_PLAN_WRITES_MAX (UINT64_C(1) << 56)

/* Constant once made. */
typedef struct StressPlan {
    StressPattern pattern;
    unsigned zero_percent;  /* of writes that make a page zero, 0 to 100 */
    unsigned thread;        /* number */
    uint64_t first_page;    /* of the thread's slice, counted over all RAM */
    uint64_t nr_pages;      /* STRESS_PLAN_PAGES_MIN or more */
} StressPlan;

/**
 * stress_plan_page:
 * @plan: a plan
 * @write: number of a write, from 0
 *
 * Returns: the page it goes to, counted over all RAM
 */
uint64_t stress_plan_page(const StressPlan *plan, uint64_t write);

/**
 * stress_plan_last_write:
 * @plan: a plan
 * @page: of its slice, counted over all RAM
 * @nr_writes: writes made so far
 * @write: receives the number of the last of them that went to @page
 *
 * Returns: false, with @write untouched, when none did
 */
bool stress_plan_last_write(const StressPlan *plan, uint64_t page,
                            uint64_t nr_writes, uint64_t *write);

/**
 * stress_plan_is_zero:
 * @plan: a plan
 * @write: number of a write, from 0
 *
 * Returns: whether it makes the page zero
 */
bool stress_plan_is_zero(const StressPlan *plan, uint64_t write);

/**
 * stress_mix:
 * @value: any
 *
 * Returns: 64 bits that each depend on all bits of @value, one to one
 */
static inline uint64_t stress_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

#endif /* ACCEL_STRESS_PLAN_H */
