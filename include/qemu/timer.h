/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the clocks.  Deadlines use QEMU_CLOCK_REALTIME, which never goes
 * backwards; QEMU_CLOCK_HOST is for showing a date.
 */
#ifndef QEMU_TIMER_H
#define QEMU_TIMER_H

#include <stdint.h>

#define NANOSECONDS_PER_SECOND 1000000000LL
#define SCALE_MS 1000000
#define SCALE_US 1000
#define SCALE_NS 1

/**
 * QEMUClockType:
 * @QEMU_CLOCK_REALTIME: monotonic, counts from an arbitrary point
 * @QEMU_CLOCK_HOST: wall clock since 1970, jumps when somebody sets it
 */
typedef enum QEMUClockType {
    QEMU_CLOCK_REALTIME = 0,
    QEMU_CLOCK_HOST = 2,
} QEMUClockType;

/**
 * qemu_clock_get_ns:
 * @type: which clock
 *
 * Reads a clock.
 *
 * Context: any thread.
 * Returns: nanoseconds.
 */
int64_t qemu_clock_get_ns(QEMUClockType type);

/**
 * qemu_clock_get_us:
 * @type: which clock
 *
 * Reads a clock.
 *
 * Context: any thread.
 * Returns: microseconds, rounded down.
 */
static inline int64_t qemu_clock_get_us(QEMUClockType type)
{
    return qemu_clock_get_ns(type) / SCALE_US;
}

/**
 * qemu_clock_get_ms:
 * @type: which clock
 *
 * Reads a clock.
 *
 * Context: any thread.
 * Returns: milliseconds, rounded down.
 */
static inline int64_t qemu_clock_get_ms(QEMUClockType type)
{
    return qemu_clock_get_ns(type) / SCALE_MS;
}

#endif /* QEMU_TIMER_H */
