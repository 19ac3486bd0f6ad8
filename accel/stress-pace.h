/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a stress thread may write: so many bytes a second, less what
 * auto-converge takes from it.
 *
 * A value that is one thread's; time is the caller's, in microseconds of any
 * clock that only goes forward.
 */
#ifndef ACCEL_STRESS_PACE_H
#define ACCEL_STRESS_PACE_H

#include <stdint.h>

/* The highest rate: what the sums below have room for. */
#define STRESS_PACE_RATE_MAX (UINT64_C(1) << 40)

/* The most pages at once; a thread that is to stop looks up in between. */
#define STRESS_PACE_BURST 64

typedef struct StressPace {
    uint64_t rate;          /* bytes a second; 0: as fast as it goes */
    int64_t last_us;        /* up to when all is counted */
    uint64_t credit;        /* bytes times 1000000; of use with a rate */
    uint64_t owed_us;       /* pause that is still to be made */
    unsigned throttle;      /* that it is owed for, percent */
} StressPace;

/**
 * stress_pace_start:
 * @pace: a pace to begin
 * @rate: bytes a second, at most STRESS_PACE_RATE_MAX; 0: no limit
 * @now_us: the time
 */
void stress_pace_start(StressPace *pace, uint64_t rate, int64_t now_us);

/**
 * stress_pace_allow:
 * @pace: a pace
 * @throttle: percent of the time taken away, 0 to 99
 * @now_us: the time
 * @wait_ms: receives how long to wait when nothing is allowed
 *
 * What was missed for more than a tenth of a second is not made good.
 *
 * Returns: how many pages may be written now, at most STRESS_PACE_BURST
 */
unsigned stress_pace_allow(StressPace *pace, unsigned throttle,
                           int64_t now_us, int *wait_ms);

/**
 * stress_pace_used:
 * @pace: a pace
 * @throttle: percent of the time taken away, 0 to 99
 * @nr_pages: how many of those allowed were written
 * @now_us: the time
 *
 * Counts them.
 */
void stress_pace_used(StressPace *pace, unsigned throttle, unsigned nr_pages,
                      int64_t now_us);

#endif /* ACCEL_STRESS_PACE_H */
