/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a stress thread may write; see accel/stress-pace.h.
 *
 * With a rate, time earns credit and pages cost it; a throttle lowers the rate.
 * Without one, the throttle has a share of the time: what was spent on writing
 * is followed by a pause in proportion.  Each thread has its own pace.
 */
#include "qemu/osdep.h"

#include "accel/stress-pace.h"
#include "memory/ram.h"

#define US_PER_S UINT64_C(1000000)
#define US_PER_MS UINT64_C(1000)

#define PAGE_COST (TARGET_PAGE_SIZE * US_PER_S)

/* The longest time that earns credit at once, and the longest wait. */
#define EARN_MAX_US (100 * US_PER_MS)
#define WAIT_MAX_MS 100

static uint64_t stress_pace_rate(const StressPace *pace, unsigned throttle)
{
    return MAX(pace->rate * (100 - throttle) / 100, 1);
}

void stress_pace_start(StressPace *pace, uint64_t rate, int64_t now_us)
{
    *pace = (StressPace) { .rate = rate, .last_us = now_us };
}

static unsigned stress_pace_allow_rate(StressPace *pace, unsigned throttle,
                                       uint64_t elapsed_us, int *wait_ms)
{
    uint64_t rate = stress_pace_rate(pace, throttle);

    pace->credit += rate * MIN(elapsed_us, EARN_MAX_US);
    pace->credit = MIN(pace->credit, MAX(rate * EARN_MAX_US, PAGE_COST));
    if (pace->credit < PAGE_COST) {
        uint64_t missing_us = (PAGE_COST - pace->credit) / rate;

        *wait_ms = (int)MIN(missing_us / US_PER_MS + 1, WAIT_MAX_MS);
        return 0;
    }
    return (unsigned)MIN(pace->credit / PAGE_COST, STRESS_PACE_BURST);
}

unsigned stress_pace_allow(StressPace *pace, unsigned throttle,
                           int64_t now_us, int *wait_ms)
{
    uint64_t elapsed_us = (uint64_t)MAX(now_us - pace->last_us, 0);

    pace->last_us = now_us;
    if (pace->rate) {
        return stress_pace_allow_rate(pace, throttle, elapsed_us, wait_ms);
    }
    pace->owed_us -= MIN(pace->owed_us, elapsed_us);
    if (pace->owed_us >= US_PER_MS) {
        *wait_ms = (int)MIN(pace->owed_us / US_PER_MS, WAIT_MAX_MS);
        return 0;
    }
    return STRESS_PACE_BURST;
}

void stress_pace_used(StressPace *pace, unsigned throttle, unsigned nr_pages,
                      int64_t now_us)
{
    uint64_t elapsed_us = (uint64_t)MAX(now_us - pace->last_us, 0);

    if (pace->rate) {
        /* The time it took earns credit, too: leave it to the next look. */
        pace->credit -= MIN(pace->credit, nr_pages * PAGE_COST);
        return;
    }
    pace->last_us = now_us;
    pace->owed_us += elapsed_us * throttle / (100 - throttle);
}
