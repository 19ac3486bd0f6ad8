/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event log of a software DSA device of DSA 2.0: errors that no record can
 * tell, in order.  For util/dsa-soft*.c.
 *
 * Threads: any.  Locks: DsaSoftLog::lock, with no other taken under it.
 */
#ifndef UTIL_DSA_SOFT_LOG_H
#define UTIL_DSA_SOFT_LOG_H

#include <stdbool.h>

#include "qemu/dsa-soft-event.h"
#include "qemu/thread.h"

/* Entries; hardware has as many at least. */
#define DSA_SOFT_LOG_EVENTS 64

typedef struct DsaSoftLog {
    QemuMutex lock;
    /* guarded by lock */
    DsaSoftEvent event[DSA_SOFT_LOG_EVENTS];    /* a ring */
    unsigned first;
    unsigned nr_events;
} DsaSoftLog;

/**
 * dsa_soft_log_init:
 * @log: to be set up, and destroyed with dsa_soft_log_destroy()
 */
void dsa_soft_log_init(DsaSoftLog *log);

/**
 * dsa_soft_log_destroy:
 * @log: a log that nobody uses any more
 */
void dsa_soft_log_destroy(DsaSoftLog *log);

/**
 * dsa_soft_log_add:
 * @log: the log
 * @event: to be copied
 *
 * Returns: false when the log is full; it is left as it is
 */
bool dsa_soft_log_add(DsaSoftLog *log, const DsaSoftEvent *event);

/**
 * dsa_soft_log_take:
 * @log: the log
 * @event: receives the oldest one; untouched on failure
 *
 * Returns: false when there is none
 */
bool dsa_soft_log_take(DsaSoftLog *log, DsaSoftEvent *event);

#endif /* UTIL_DSA_SOFT_LOG_H */
