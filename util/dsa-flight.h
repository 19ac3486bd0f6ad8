/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was handed to queues on behalf of one batch of pages, and how far the
 * answers are: the list of records to look at.
 *
 * Threads: filled by the lane's thread; from dsa_completer_add() until it is
 * over the completer's; then the lane's again.  No locks.
 */
#ifndef UTIL_DSA_FLIGHT_H
#define UTIL_DSA_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/idxd.h>

#include "qemu/thread.h"
#include "dsa-deadline.h"
#include "dsa-queue.h"

/* Pages that went to one queue in one go, or to none. */
typedef struct DsaPart {
    DsaQueue *queue;            /* NULL: no queue took them */
    /* of a batch; NULL: each page was submitted by itself */
    struct dsa_completion_record *batch;
    struct dsa_completion_record *member;   /* of the first page */
    uint16_t first;             /* page */
    uint16_t nr;                /* pages */
} DsaPart;

/* Where a flight is; DsaFlight::state. */
enum {
    DSA_FLIGHT_UNDER_WAY,
    DSA_FLIGHT_AWAITED,         /* somebody sleeps until it is over */
    DSA_FLIGHT_OVER,
};

typedef struct DsaFlight {
    DsaPart *part;
    unsigned nr_parts;
    DsaDeadline deadline;       /* whoever looks for records */

    /* whoever looks for records */
    unsigned at_part;           /* first that is not done; others: released */
    unsigned at_member;         /* first member in it that is not done */

    /* with the completion thread */
    struct DsaFlight *next;
    uint32_t state;             /* atomic */
    QemuSemaphore over;
} DsaFlight;

/**
 * dsa_part_is_done:
 * @part: a part that a queue took
 * @at_member: first member that may not be done; moved forward
 *
 * Returns: true when all records that were asked for are there
 */
bool dsa_part_is_done(const DsaPart *part, unsigned *at_member);

/**
 * dsa_part_release:
 * @part: a part that is done
 *
 * Gives back the entries it had of a dedicated queue.
 */
void dsa_part_release(const DsaPart *part);

/**
 * dsa_flight_poll:
 * @f: a flight
 *
 * Looks for records, without waiting, from where it stopped the last time.
 * Parts that are done are released at once: their lane may be busy for long
 * before it collects them.
 * Returns: true when all are there
 */
bool dsa_flight_poll(DsaFlight *f);

/**
 * dsa_flight_next_status:
 * @f: a flight of which dsa_flight_poll() said that it is not done
 *
 * Returns: the byte that will be written next, for dsa_portal_umwait()
 */
const volatile uint8_t *dsa_flight_next_status(const DsaFlight *f);

#endif /* UTIL_DSA_FLIGHT_H */
