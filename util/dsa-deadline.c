/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deadlines in time in which the process ran.
 *
 * Entered by the completion thread, by those who wait without it, and by who
 * proves queues.
 */
#include "qemu/osdep.h"

#include "qemu/timer.h"
#include "dsa-deadline.h"

/*
 * In parts of the whole time: how long one may sleep between two looks, from
 * when on the time between two is a stop, and what of it counts all the same,
 * so that an end comes on a host that is always that slow.
 */
#define NAPS 4
#define STOPS 2
#define COUNTED 8

void dsa_deadline_start(DsaDeadline *d, unsigned timeout_ms)
{
    d->seen_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    d->span_ns = (int64_t)timeout_ms * SCALE_MS;
    d->at_ns = d->seen_ns + d->span_ns;
}

void dsa_deadline_resume(DsaDeadline *d)
{
    d->seen_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    d->at_ns = MAX(d->at_ns, d->seen_ns + d->span_ns / NAPS);
}

bool dsa_deadline_is_over(DsaDeadline *d, int64_t now_ns)
{
    int64_t passed_ns = now_ns - d->seen_ns;

    if (passed_ns > d->span_ns / STOPS) {
        d->at_ns += passed_ns - d->span_ns / COUNTED;
    }
    d->seen_ns = MAX(d->seen_ns, now_ns);
    return now_ns > d->at_ns;
}

int dsa_deadline_nap_ms(const DsaDeadline *d, int64_t now_ns)
{
    int64_t left_ns = MIN(d->at_ns - now_ns, d->span_ns / NAPS);

    return left_ns <= 0 ? 0 : (int)MIN(left_ns / SCALE_MS + 1, INT_MAX);
}
