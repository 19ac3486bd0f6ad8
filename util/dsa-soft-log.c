/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event log of the software DSA device: a ring of fixed size.  What comes
 * while it is full is lost, as in hardware; that this happened is noted by who
 * wanted to add it.
 *
 * Entered by engines, and by whoever reads the log.
 */
#include "qemu/osdep.h"

#include "qemu/lockable.h"
#include "dsa-soft-log.h"

QEMU_BUILD_BUG_ON(sizeof(DsaSoftEvent) != 64);

void dsa_soft_log_init(DsaSoftLog *log)
{
    log->first = 0;
    log->nr_events = 0;
    qemu_mutex_init(&log->lock);
}

void dsa_soft_log_destroy(DsaSoftLog *log)
{
    qemu_mutex_destroy(&log->lock);
}

bool dsa_soft_log_add(DsaSoftLog *log, const DsaSoftEvent *event)
{
    QEMU_LOCK_GUARD(&log->lock);

    if (log->nr_events == DSA_SOFT_LOG_EVENTS) {
        return false;
    }
    log->event[(log->first + log->nr_events) % DSA_SOFT_LOG_EVENTS] = *event;
    log->nr_events++;
    return true;
}

bool dsa_soft_log_take(DsaSoftLog *log, DsaSoftEvent *event)
{
    QEMU_LOCK_GUARD(&log->lock);

    if (log->nr_events == 0) {
        return false;
    }
    *event = log->event[log->first];
    log->first = (log->first + 1) % DSA_SOFT_LOG_EVENTS;
    log->nr_events--;
    return true;
}
