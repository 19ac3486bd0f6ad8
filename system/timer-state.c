/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's `timer` section.  A machine without CPUs has no clocks of its own; it
 * keeps what came with a guest and passes it on.
 *
 * Constant description, used by migration threads.
 */
#include "qemu/osdep.h"

#include "system/timer-state.h"

static const VMStateField timer_fields[] = {
    VMSTATE_INT64(cpu_ticks_offset, TimerState),
    VMSTATE_UNUSED(8),
    VMSTATE_INT64_V(cpu_clock_offset, TimerState, 2),
    VMSTATE_END_OF_LIST()
};

const VMStateDescription vmstate_timer = {
    .name = "timer",
    .version_id = 2,
    .minimum_version_id = 1,
    .struct_size = sizeof(TimerState),
    .fields = timer_fields,
};
