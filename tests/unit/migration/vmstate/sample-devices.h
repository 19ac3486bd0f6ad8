/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two device sections as a `-machine none` has them on the wire, without the
 * machine: the clock and the run state.
 *
 * Constant descriptions; threads: the test's own.
 */
#ifndef TESTS_MIGRATION_VMSTATE_SAMPLE_DEVICES_H
#define TESTS_MIGRATION_VMSTATE_SAMPLE_DEVICES_H

#include <stdint.h>
#include "migration/vmstate.h"

/* Section "timer", version 2: 24 bytes. */
typedef struct SampleTimer {
    int64_t cpu_ticks_offset;
    int64_t cpu_clock_offset;
} SampleTimer;

/*
 * Section "globalstate", version 1.  In 7.2 all behind the size was the name,
 * padded with zeroes, so its streams load here and ours load there.
 */
typedef struct SampleGlobalState {
    uint32_t size;              /* of the name with its NUL */
    uint8_t runstate[32];
    uint8_t has_vm_was_suspended;
    uint8_t vm_was_suspended;
    uint8_t unused[66];
} SampleGlobalState;

extern const VMStateDescription vmstate_sample_timer;
extern const VMStateDescription vmstate_sample_global_state;

/**
 * sample_registry:
 * @timer: the clock
 * @global: the run state
 *
 * Returns: the sections of a `-machine none` under QEMU's ids: timer 0, ram 1,
 *          globalstate 3
 */
VMStateRegistry *sample_registry(SampleTimer *timer, SampleGlobalState *global);

#endif
