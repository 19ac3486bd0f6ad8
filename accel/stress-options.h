/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of `-accel stress`, from text to numbers that fit the machine.
 *
 * Plain data, made in the main thread.
 */
#ifndef ACCEL_STRESS_OPTIONS_H
#define ACCEL_STRESS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "accel/accel.h"
#include "accel/stress-plan.h"

#define STRESS_THREADS_MAX 64

typedef enum StressDirty {
    STRESS_DIRTY_AUTO,
    STRESS_DIRTY_WP,
    STRESS_DIRTY_SOFT,
    STRESS_DIRTY__MAX,
} StressDirty;

typedef struct StressOptions {
    unsigned nr_threads;    /* 1 to STRESS_THREADS_MAX */
    uint64_t rate;          /* bytes a second over all threads; 0: no limit */
    StressPattern pattern;
    unsigned zero_percent;  /* 0 to 100 */
    uint64_t nr_pages;      /* of RAM, from its start */
    StressDirty dirty;
    bool verify;
} StressOptions;

/* What `-accel help` shows; ends without a name. */
extern const AccelOption stress_option_help[];

/**
 * stress_options_parse:
 * @options: receives the numbers; untouched on failure
 * @list: what followed the name, or NULL
 * @ram_bytes: how much RAM the machine has
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when a value is none of its kind, or does not fit the RAM
 */
bool stress_options_parse(StressOptions *options, const KeyvalList *list,
                          uint64_t ram_bytes, Error **errp);

/**
 * stress_pattern_str:
 * @pattern: a pattern
 *
 * Returns: its name, static
 */
const char *stress_pattern_str(StressPattern pattern);

#endif /* ACCEL_STRESS_OPTIONS_H */
