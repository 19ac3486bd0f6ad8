/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator of one outgoing migration: the group of DSA queues that
 * `accel-path` names, and a detector on it for each channel.
 *
 * Threads: stated per function.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_ACCEL_H
#define MIGRATION_MULTIFD_ACCEL_H

#include "migration/base/config.h"
#include "migration/multifd/zero-page.h"
#include "qapi/error.h"
#include "qemu/dsa.h"

typedef struct MultiFDAccel MultiFDAccel;

/* What the accelerator has done so far. */
typedef struct MultiFDAccelStatus {
    DsaStatus *dsa;
    uint64_t looked_pages;      /* found not to be zero by a first look */
    uint64_t stepped_back_pages; /* left to the CPU: zero pages are too rare */
    uint64_t steps_back;        /* times that was decided */
} MultiFDAccelStatus;

/**
 * multifd_accel_new:
 * @config: zero_page_detection is ZERO_PAGE_DETECTION_DSA_ACCEL; not used after
 *          the return
 * @stop: NULL, or an atomic that ends the opening when it becomes true
 * @errp: where to put the reason, or NULL
 *
 * Opens the queues.
 * Context: the migration thread.
 * Returns: an accelerator; NULL when a queue cannot be used
 */
MultiFDAccel *multifd_accel_new(const MigrationConfig *config,
                                const bool *stop, Error **errp);

/**
 * multifd_accel_free:
 * @accel: an accelerator without detectors, or NULL
 */
void multifd_accel_free(MultiFDAccel *accel);

/**
 * multifd_accel_detector:
 * @accel: an accelerator, which outlives the detector
 *
 * Context: any thread.
 * Returns: a detector for one thread
 */
ZeroPageDetector *multifd_accel_detector(MultiFDAccel *accel);

/**
 * multifd_accel_status:
 * @accel: an accelerator
 *
 * Context: any thread, also while detectors are in use.
 * Returns: to be freed with multifd_accel_status_free()
 */
MultiFDAccelStatus *multifd_accel_status(MultiFDAccel *accel);

/**
 * multifd_accel_status_free:
 * @status: from multifd_accel_status(), or NULL
 */
void multifd_accel_status_free(MultiFDAccelStatus *status);

/**
 * multifd_accel_give_up:
 * @accel: an accelerator, or NULL
 *
 * Ends all waits for the queues: nobody wants the answers any more.
 * Context: any thread; does not wait.
 */
void multifd_accel_give_up(MultiFDAccel *accel);

/**
 * multifd_accel_take_warning:
 * @accel: an accelerator
 *
 * Context: any thread.
 * Returns: a sentence about a queue that was given up, to be freed with
 *          g_free(); NULL when there is none that was not taken before
 */
char *multifd_accel_take_warning(MultiFDAccel *accel);

#endif
