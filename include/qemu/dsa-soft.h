/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software DSA device: one work queue, with engine threads of its own, that
 * obeys the device's specification (341204, revision 3.0) to the byte.  It
 * makes the code above it run, fault and be tested without the hardware, and is
 * never to be taken for it.
 *
 * Threads: submission from any thread; engines are `dsa_engine_N`.
 * Locks: the device's own; the bell's is taken with none of them held.
 */
#ifndef QEMU_DSA_SOFT_H
#define QEMU_DSA_SOFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "qapi/error.h"
#include "qemu/dsa-bell.h"
#include "qemu/dsa-info.h"
#include "qemu/dsa-soft-event.h"
#include "qemu/dsa-soft-options.h"

typedef struct DsaSoft DsaSoft;

/**
 * dsa_soft_new:
 * @options: "KEY=VALUE,..."; NULL or "" for none
 * @bell: rung whenever a descriptor that was submitted by itself (not a member
 *        of a batch) has its record; outlives the device
 * @errp: where to put the reason, or NULL
 *
 * Returns: a device whose engines run; NULL for options that make no sense
 */
DsaSoft *dsa_soft_new(const char *options, DsaBell *bell, Error **errp);

/**
 * dsa_soft_free:
 * @soft: a device, or NULL
 *
 * Drains and ends the engines, also of a device that is stuck.  When it
 * returns, nothing writes to the caller's memory any more.
 */
void dsa_soft_free(DsaSoft *soft);

/**
 * dsa_soft_info:
 * @soft: a device
 *
 * Returns: what the kernel's files would say of the queue; the device's own
 */
const DsaQueueInfo *dsa_soft_info(const DsaSoft *soft);

/**
 * dsa_soft_may_map:
 * @soft: a device
 *
 * Returns: false when the kernel would refuse to map the portal with EPERM, so
 *          that dsa_soft_write() is the only way in
 */
bool dsa_soft_may_map(const DsaSoft *soft);

/**
 * dsa_soft_enqcmd:
 * @soft: a device
 * @desc: a descriptor of 64 bytes
 *
 * What ENQCMD to the limited portal does.
 * Returns: true when it was accepted; false for "retry", which says no more
 */
bool dsa_soft_enqcmd(DsaSoft *soft, const void *desc);

/**
 * dsa_soft_movdir64b:
 * @soft: a device
 * @desc: a descriptor of 64 bytes
 *
 * What MOVDIR64B to a portal does: a full queue drops it and notes the overflow
 * in dsa_soft_swerror(), a shared queue ignores it.
 */
void dsa_soft_movdir64b(DsaSoft *soft, const void *desc);

/**
 * dsa_soft_write:
 * @soft: a device
 * @buf: descriptors of 64 bytes
 * @len: bytes of @buf; what is beyond the last whole descriptor is ignored
 *
 * What write() to the character device does.
 * Returns: bytes accepted, or -EAGAIN (full), -EINVAL (a batch where those are
 *          refused, a misaligned record address), -EFAULT
 */
ssize_t dsa_soft_write(DsaSoft *soft, const void *buf, size_t len);

/**
 * dsa_soft_arm:
 * @soft: a device
 *
 * Faults that the options inject happen from now on (unless the option
 * `faults-from=open` had them happen from the start).  Called by those who have
 * proven the queue.
 */
void dsa_soft_arm(DsaSoft *soft);

/**
 * dsa_soft_swerror:
 * @soft: a device
 *
 * Returns: the status of the first error that could not be put into a record,
 *          nor into the event log (0x53: dedicated queue overflow, 0x54: the
 *          log is full), 0 for none
 */
unsigned dsa_soft_swerror(DsaSoft *soft);

/**
 * dsa_soft_event_take:
 * @soft: a device
 * @event: receives the oldest event of the log; untouched on failure
 *
 * Takes an entry from the event log, which devices of DSA 2.0 have.
 * Context: any thread.
 * Returns: false when there is none
 */
bool dsa_soft_event_take(DsaSoft *soft, DsaSoftEvent *event);

#endif /* QEMU_DSA_SOFT_H */
