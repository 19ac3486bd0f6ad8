/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a stress thread writes and in what order; see accel/stress-plan.h.
 *
 * Plain functions, any thread.  The random order of a pass is a Feistel
 * network over the next square that has room for all pages, entered again
 * until it yields one of them: a permutation that can be undone.
 */
#include "qemu/osdep.h"

#include "accel/stress-plan.h"

#define FEISTEL_ROUNDS 4

/* Of so many writes all but the last go to the hot pages. */
#define HOT_PERIOD 10

/* One in so many pages is hot. */
#define HOT_SHARE 10

/* Tells the uses of stress_mix() apart. */
#define SALT_ORDER UINT64_C(0x6f72646572)
#define SALT_ZERO  UINT64_C(0x7a65726f)

typedef struct StressLane {
    uint64_t base;          /* first page, within the slice */
    uint64_t nr_pages;
    bool random;
} StressLane;

static StressLane stress_lane(const StressPlan *plan, bool hot)
{
    uint64_t nr_hot = plan->nr_pages / HOT_SHARE;

    if (plan->pattern != STRESS_PATTERN_HOT) {
        return (StressLane) {
            .nr_pages = plan->nr_pages,
            .random = plan->pattern == STRESS_PATTERN_RANDOM,
        };
    }
    return (StressLane) {
        .base = hot ? 0 : nr_hot,
        .nr_pages = hot ? nr_hot : plan->nr_pages - nr_hot,
        .random = true,
    };
}

/* Half the bits of the square. */
static unsigned feistel_half_bits(uint64_t nr_pages)
{
    unsigned bits = nr_pages > 1 ? 64 - __builtin_clzll(nr_pages - 1) : 1;

    return (bits + 1) / 2;
}

static uint64_t feistel_round(uint64_t key, unsigned round, uint64_t half,
                              uint64_t mask)
{
    return stress_mix(key + (half << 3) + round) & mask;
}

static uint64_t feistel_forward(uint64_t key, unsigned half_bits, uint64_t v)
{
    uint64_t mask = (UINT64_C(1) << half_bits) - 1;
    uint64_t left = v >> half_bits;
    uint64_t right = v & mask;

    for (unsigned i = 0; i < FEISTEL_ROUNDS; i++) {
        uint64_t next = left ^ feistel_round(key, i, right, mask);

        left = right;
        right = next;
    }
    return left << half_bits | right;
}

static uint64_t feistel_backward(uint64_t key, unsigned half_bits, uint64_t v)
{
    uint64_t mask = (UINT64_C(1) << half_bits) - 1;
    uint64_t left = v >> half_bits;
    uint64_t right = v & mask;

    for (unsigned i = FEISTEL_ROUNDS; i-- > 0; ) {
        uint64_t next = right ^ feistel_round(key, i, left, mask);

        right = left;
        left = next;
    }
    return left << half_bits | right;
}

static uint64_t stress_lane_key(const StressPlan *plan, const StressLane *lane,
                                uint64_t pass)
{
    return stress_mix(stress_mix(pass ^ SALT_ORDER) +
                      ((uint64_t)plan->thread << 1) + (lane->base != 0));
}

/* Which page of the lane is at place @at of a pass. */
static uint64_t stress_lane_page(const StressPlan *plan,
                                 const StressLane *lane, uint64_t pass,
                                 uint64_t at)
{
    unsigned half_bits = feistel_half_bits(lane->nr_pages);
    uint64_t key = stress_lane_key(plan, lane, pass);

    if (!lane->random) {
        return at;
    }
    do {
        at = feistel_forward(key, half_bits, at);
    } while (at >= lane->nr_pages);
    return at;
}

/* At which place of a pass a page of the lane is. */
static uint64_t stress_lane_place(const StressPlan *plan,
                                  const StressLane *lane, uint64_t pass,
                                  uint64_t page)
{
    unsigned half_bits = feistel_half_bits(lane->nr_pages);
    uint64_t key = stress_lane_key(plan, lane, pass);

    if (!lane->random) {
        return page;
    }
    do {
        page = feistel_backward(key, half_bits, page);
    } while (page >= lane->nr_pages);
    return page;
}

/* Writes of a lane have numbers of their own: to and from those of all. */
static uint64_t stress_lane_nr_writes(const StressPlan *plan, bool hot,
                                      uint64_t nr_writes)
{
    if (plan->pattern != STRESS_PATTERN_HOT) {
        return nr_writes;
    }
    return hot ? nr_writes - nr_writes / HOT_PERIOD : nr_writes / HOT_PERIOD;
}

static uint64_t stress_lane_write(const StressPlan *plan, bool hot,
                                  uint64_t lane_write)
{
    if (plan->pattern != STRESS_PATTERN_HOT) {
        return lane_write;
    }
    return hot ? lane_write + lane_write / (HOT_PERIOD - 1)
               : lane_write * HOT_PERIOD + HOT_PERIOD - 1;
}

uint64_t stress_plan_page(const StressPlan *plan, uint64_t write)
{
    bool hot = write % HOT_PERIOD != HOT_PERIOD - 1;
    StressLane lane = stress_lane(plan, hot);
    uint64_t n = stress_lane_nr_writes(plan, hot, write);

    return plan->first_page + lane.base +
           stress_lane_page(plan, &lane, n / lane.nr_pages,
                            n % lane.nr_pages);
}

bool stress_plan_last_write(const StressPlan *plan, uint64_t page,
                            uint64_t nr_writes, uint64_t *write)
{
    uint64_t in_slice = page - plan->first_page;
    bool hot = in_slice < plan->nr_pages / HOT_SHARE;
    StressLane lane = stress_lane(plan, hot);
    uint64_t in_lane = in_slice - lane.base;
    uint64_t n = stress_lane_nr_writes(plan, hot, nr_writes);
    uint64_t pass = n / lane.nr_pages;
    uint64_t place = stress_lane_place(plan, &lane, pass, in_lane);

    if (place >= n % lane.nr_pages) {
        /* Not yet in this pass: then in the one before. */
        if (pass == 0) {
            return false;
        }
        pass--;
        place = stress_lane_place(plan, &lane, pass, in_lane);
    }
    *write = stress_lane_write(plan, hot, pass * lane.nr_pages + place);
    return true;
}

bool stress_plan_is_zero(const StressPlan *plan, uint64_t write)
{
    return stress_mix(stress_mix(write ^ SALT_ZERO) + plan->thread) % 100 <
           plan->zero_percent;
}
