/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening queues: hardware ones by their character devices, software ones by
 * their options.
 *
 * Threads: any.  No locks.
 */
#ifndef UTIL_DSA_DEVICE_H
#define UTIL_DSA_DEVICE_H

#include "qapi/error.h"
#include "qemu/dsa-bell.h"
#include "qemu/dsa-info.h"
#include "dsa-queue.h"

/* What a queue must be able to do. */
typedef struct DsaNeeds {
    uint64_t page_bytes;        /* of one compare */
} DsaNeeds;

/**
 * dsa_device_open:
 * @info: what the kernel says of the queue
 * @needs: what is wanted of it
 * @errp: where to put the reason, which names the file and what to do, or NULL
 *
 * Opens the character device, and maps the portal where the kernel lets us.
 * Returns: a queue that is not proven yet; NULL when it cannot be used
 */
DsaQueue *dsa_device_open(const DsaQueueInfo *info, const DsaNeeds *needs,
                          Error **errp);

/**
 * dsa_software_open:
 * @options: of the software device, "KEY=VALUE,..."
 * @bell: rung when it has an answer; outlives the queue
 * @needs: what is wanted of it
 * @errp: where to put the reason, or NULL
 *
 * Returns: a queue that is not proven yet; NULL when it cannot be used
 */
DsaQueue *dsa_software_open(const char *options, DsaBell *bell,
                            const DsaNeeds *needs, Error **errp);

/**
 * dsa_null_open:
 *
 * Returns: a queue that answers "not zero" at once and looks at nothing
 */
DsaQueue *dsa_null_open(void);

/**
 * dsa_queue_set_limits:
 * @q: a queue whose backend is chosen
 * @info: what the kernel says of it
 * @errp: where to put the reason, or NULL
 *
 * Takes over mode, size, batch size and node.  For the backends.
 * Returns: false when a portal takes batches of one only
 */
bool dsa_queue_set_limits(DsaQueue *q, const DsaQueueInfo *info, Error **errp);

/**
 * dsa_queue_prove:
 * @q: a queue that was just opened
 * @timeout_ms: how long it may take to answer, DSA_TIMEOUT_MS_DEFAULT at least
 * @stop: NULL, or an atomic that says when the answer is not wanted any more
 * @errp: where to put the reason, or NULL
 *
 * Has it do a no-op, compares of known memory and a batch of them, and looks at
 * the answers.  A queue that is reached by write() and takes no batches is used
 * without.
 * Returns: false when an answer is wrong or missing
 */
bool dsa_queue_prove(DsaQueue *q, unsigned timeout_ms, const bool *stop,
                     Error **errp);

#endif /* UTIL_DSA_DEVICE_H */
