/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding zero pages with Intel Data Streaming Accelerators.
 *
 * A group is the work queues in use.  Each thread that has pages to check gets
 * a lane of the group, and batches of that lane; see qemu/dsa-batch.h.  Queues
 * are hardware (idxd character devices) or the software device, which obeys the
 * same specification.
 *
 * Threads: stated per function.  A process that forks keeps its groups; in the
 * child a group answers with the CPU, and freeing it is safe.
 * Locks: none that a caller could see.
 */
#ifndef QEMU_DSA_H
#define QEMU_DSA_H

#include <stdbool.h>
#include <stddef.h>
#include <glib.h>

#include "qapi/error.h"
#include "qemu/dsa-batch.h"
#include "qemu/dsa-types.h"

typedef struct DsaGroup DsaGroup;

typedef struct DsaOptions {
    DsaCompletion completion;
    unsigned batch_pages;       /* of a batch, 1 to DSA_BATCH_PAGES_MAX */
    size_t page_bytes;          /* largest page that a batch will be made for */
    unsigned timeout_ms;        /* 0: DSA_TIMEOUT_MS_DEFAULT */
    const char *sysfs_root;     /* NULL: "/sys"; for tests */
    const bool *stop;           /* NULL, or an atomic: true ends the opening */
} DsaOptions;

/**
 * dsa_path_check:
 * @path: "dsa:/dev/dsa/wqX.Y", "dsa:auto[?node=N]" or
 *        "dsa:soft[?KEY=VALUE,...]"
 * @errp: where to put the reason, or NULL
 *
 * Checks how a path is written, without opening anything.
 * Returns: false when it cannot mean anything
 */
bool dsa_path_check(const char *path, Error **errp);

/**
 * dsa_group_new:
 * @paths: the queues, as in dsa_path_check(); NULL behind the last one
 * @options: how they are to be used; not used after the return
 * @errp: where to put the reason, which names the queue and what to do, or NULL
 *
 * Opens all queues and proves each with a no-op and with compares of known
 * memory.
 * Context: any thread; may take as long as the timeout for each queue, and a
 *          second at least.
 * Returns: a group to be freed with dsa_group_free(); NULL when a queue cannot
 *          be used, or there is none
 */
DsaGroup *dsa_group_new(const char *const *paths, const DsaOptions *options,
                        Error **errp);

/**
 * dsa_group_new_null:
 * @options: as in dsa_group_new()
 * @errp: where to put the reason, or NULL
 *
 * Makes a group with a queue that answers each compare at once, without looking
 * at memory, that it is not zero.  It serves to measure what submitting and
 * waiting cost and for nothing else; no path leads to it.
 * Returns: a group; NULL when a thread could not be started
 */
DsaGroup *dsa_group_new_null(const DsaOptions *options, Error **errp);

/**
 * dsa_group_free:
 * @group: a group whose lanes no thread uses any more, or NULL
 *
 * Drains and closes the queues and frees lanes and batches with it.
 */
void dsa_group_free(DsaGroup *group);

/**
 * dsa_lane_new:
 * @group: the group, which owns the lane: freed with it
 *
 * Makes a place for one thread.  Lanes are spread over the queues in turn.
 * Context: any thread.
 * Returns: a lane, to be used by one thread at a time
 */
DsaLane *dsa_lane_new(DsaGroup *group);

/**
 * dsa_group_status:
 * @group: a group
 *
 * Context: any thread, also while lanes are in use.
 * Returns: what it is and has done so far, to be freed with dsa_status_free()
 */
DsaStatus *dsa_group_status(DsaGroup *group);

/**
 * dsa_status_free:
 * @status: from dsa_group_status(), or NULL
 */
void dsa_status_free(DsaStatus *status);

/**
 * dsa_group_give_up:
 * @group: a group
 *
 * Leaves all that is under way, and all that comes, to the CPU: waits end at
 * once, as if the timeout had passed.  For when nobody wants the answers any
 * more and somebody waits for those who wait.
 * Context: any thread; does not wait.
 */
void dsa_group_give_up(DsaGroup *group);

/**
 * dsa_group_take_warning:
 * @group: a group
 *
 * Tells, once for each queue, that it was given up and why.
 * Context: any thread.
 * Returns: a sentence, to be freed with g_free(); NULL when there is none
 */
char *dsa_group_take_warning(DsaGroup *group);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DsaGroup, dsa_group_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DsaStatus, dsa_status_free)

#endif /* QEMU_DSA_H */
