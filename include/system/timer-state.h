/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's `timer` section: where a guest's clocks stood.
 *
 * Threads: as migration/vmstate.h says; a machine without CPUs never changes
 * the values itself.
 */
#ifndef SYSTEM_TIMER_STATE_H
#define SYSTEM_TIMER_STATE_H

#include <stdint.h>

#include "migration/vmstate.h"

/* As it arrived, or 0: kept for the next host, which may have clocks. */
typedef struct TimerState {
    int64_t cpu_ticks_offset;   /* ticks of the guest's time stamp counter */
    int64_t cpu_clock_offset;   /* ns */
} TimerState;

extern const VMStateDescription vmstate_timer;

#endif /* SYSTEM_TIMER_STATE_H */
