/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the clocks.  Entered by every thread; holds no state.
 */
#include "qemu/osdep.h"

#include "qemu/timer.h"

int64_t qemu_clock_get_ns(QEMUClockType type)
{
    struct timespec ts;

    clock_gettime(type == QEMU_CLOCK_HOST ? CLOCK_REALTIME : CLOCK_MONOTONIC,
                  &ts);
    return ts.tv_sec * NANOSECONDS_PER_SECOND + ts.tv_nsec;
}
