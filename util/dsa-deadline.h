/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines that do not count time in which the process did not run: it was
 * stopped, frozen, or in the hands of a debugger.  The engines of a software
 * device were so too, and a device is not to blame for that.
 *
 * A wait that long is told by two looks at the clock that are further apart
 * than whoever waits would have had them.
 *
 * Threads: a deadline belongs to who looks at it.  No locks.
 */
#ifndef UTIL_DSA_DEADLINE_H
#define UTIL_DSA_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct DsaDeadline {
    int64_t at_ns;
    int64_t seen_ns;            /* the last look at the clock */
    int64_t span_ns;            /* all of the time there was */
} DsaDeadline;

/**
 * dsa_deadline_start:
 * @d: to be set
 * @timeout_ms: from now on, 1 or more
 */
void dsa_deadline_start(DsaDeadline *d, unsigned timeout_ms);

/**
 * dsa_deadline_resume:
 * @d: a deadline nobody has looked at for a while, on purpose
 *
 * Looks at it again from now on.  Some of the time is left then, for it may
 * have passed while the process was stopped.
 */
void dsa_deadline_resume(DsaDeadline *d);

/**
 * dsa_deadline_is_over:
 * @d: a deadline
 * @now_ns: what QEMU_CLOCK_REALTIME says, or said a moment ago
 *
 * Looks at the clock.  It becomes true after a bounded number of looks however
 * far apart they are.
 * Returns: true when the time has passed
 */
bool dsa_deadline_is_over(DsaDeadline *d, int64_t now_ns);

/**
 * dsa_deadline_nap_ms:
 * @d: a deadline
 * @now_ns: as above
 *
 * Returns: for how long one may sleep before the next look, rounded up
 */
int dsa_deadline_nap_ms(const DsaDeadline *d, int64_t now_ns);

#endif /* UTIL_DSA_DEADLINE_H */
