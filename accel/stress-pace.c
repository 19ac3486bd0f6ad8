/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a stress thread may write; see accel/stress-pace.h.
 *
 * With a rate, time earns credit and pages cost it.  A throttle lowers the rate,
 * and what was spent on writing is followed by a pause in proportion: that is
 * what slows down a thread which does not reach its rate, and it makes no
 * difference to one that does.  Each thread has its own pace.
 */
#include "qemu/osdep.h"

#include "accel/stress-pace.h"
#include "memory/ram.h"

#define US_PER_S UINT64_C(1000000)
#define US_PER_MS UINT64_C(1000)

#define PAGE_COST (TARGET_PAGE_SIZE * US_PER_S)

/* Waking up costs more than a page: what is earned meanwhile goes at once. */
#define STEP_US (10 * US_PER_MS)

/* The longest time that earns credit at once, and the longest wait. */
#define EARN_MAX_US (100 * US_PER_MS)
#define WAIT_MAX_MS 100

static uint64_t stress_pace_rate(const StressPace *pace, unsigned throttle)
{
    return MAX(pace->rate * (100 - throttle) / 100, 1);
}

/* Notes that it is later; returns by how much. */
static uint64_t stress_pace_advance(StressPace *pace, unsigned throttle,
                                    int64_t now_us)
{
    uint64_t elapsed_us = (uint64_t)MAX(now_us - pace->last_us, 0);
    uint64_t rate = stress_pace_rate(pace, throttle);

    pace->last_us = now_us;
    pace->credit += rate * MIN(elapsed_us, EARN_MAX_US);
    pace->credit = MIN(pace->credit, MAX(rate * EARN_MAX_US, PAGE_COST));
    return elapsed_us;
}

void stress_pace_start(StressPace *pace, uint64_t rate, int64_t now_us)
{
    *pace = (StressPace) { .rate = rate, .last_us = now_us };
}

unsigned stress_pace_allow(StressPace *pace, unsigned throttle,
                           int64_t now_us, int *wait_ms)
{
    uint64_t elapsed_us = stress_pace_advance(pace, throttle, now_us);
    uint64_t rate = stress_pace_rate(pace, throttle);

    pace->owed_us -= MIN(pace->owed_us, elapsed_us);
    /* A pause that was due under a higher throttle is no longer. */
    if (throttle < pace->throttle) {
        pace->owed_us = 0;
    }
    pace->throttle = throttle;
    if (pace->owed_us >= US_PER_MS) {
        *wait_ms = (int)MIN(pace->owed_us / US_PER_MS, WAIT_MAX_MS);
        return 0;
    }
    if (!pace->rate) {
        return STRESS_PACE_BURST;
    }
    if (pace->credit < PAGE_COST) {
        uint64_t missing = MAX(PAGE_COST, rate * STEP_US) - pace->credit;

        *wait_ms = (int)MIN(missing / rate / US_PER_MS + 1, WAIT_MAX_MS);
        return 0;
    }
    return (unsigned)MIN(pace->credit / PAGE_COST, STRESS_PACE_BURST);
}

void stress_pace_used(StressPace *pace, unsigned throttle, unsigned nr_pages,
                      int64_t now_us)
{
    uint64_t elapsed_us = stress_pace_advance(pace, throttle, now_us);

    pace->credit -= MIN(pace->credit, nr_pages * PAGE_COST);
    pace->owed_us += elapsed_us * throttle / (100 - throttle);
}
