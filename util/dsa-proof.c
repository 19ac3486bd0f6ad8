/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a queue has to show before it is trusted with a guest's pages: a no-op,
 * compares of memory we know, and the same as a batch.  Its limits, too, as far
 * as all backends have them.
 *
 * Entered by whoever opens queues.  The only place that looks at a queue's
 * records outside a batch of pages.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "qemu/atomic.h"
#include "qemu/dsa-types.h"
#include "qemu/processor.h"
#include "qemu/timer.h"
#include "dsa-deadline.h"
#include "dsa-device.h"
#include "trace.h"

/* Bytes of each of the two areas that are compared. */
#define PROOF_BYTES 4096
/* Where they differ: past what an early exit at a cache line would see. */
#define PROOF_DIFFERS_AT 4093

enum { PROOF_ZERO, PROOF_OTHER, PROOF_NR };

/* How long all of it may take. */
typedef struct DsaProofLimit {
    DsaDeadline deadline;
    const bool *stop;           /* or NULL */
} DsaProofLimit;

/* What the device reads and writes: mapped, so that it can be left behind. */
typedef struct DsaProof {
    struct dsa_hw_desc list[PROOF_NR];
    struct dsa_hw_desc desc;
    struct dsa_completion_record member[PROOF_NR];
    struct dsa_completion_record record __attribute__((aligned(64)));
    uint8_t area[PROOF_NR][PROOF_BYTES] __attribute__((aligned(64)));
} DsaProof;

bool dsa_queue_set_limits(DsaQueue *q, const DsaQueueInfo *info, Error **errp)
{
    q->dedicated = info->mode == DSA_QUEUE_DEDICATED;
    q->size = info->size;
    q->numa_node = info->numa_node;
    q->max_batch = info->max_batch_size;
    if (q->max_batch < 2 && !q->ops->takes_many) {
        error_setg(errp, "DSA queue '%s': %s/max_batch_size is %u, and batches "
                   "need 2 or more; set it with accel-config config-wq "
                   "--max-batch-size=1024 while the queue is disabled",
                   q->path, info->sysfs_dir, info->max_batch_size);
        return false;
    }
    return true;
}

static void dsa_proof_fill(DsaProof *p)
{
    p->area[PROOF_OTHER][PROOF_DIFFERS_AT] = 1;
    for (int i = 0; i < PROOF_NR; i++) {
        p->list[i] = (struct dsa_hw_desc) {
            .flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
            .opcode = DSA_OPCODE_COMPVAL,
            .completion_addr = (uintptr_t)&p->member[i],
            .src_addr = (uintptr_t)p->area[i],
            .xfer_size = PROOF_BYTES,
        };
    }
}

static bool dsa_proof_is_over(DsaProofLimit *limit)
{
    return dsa_deadline_is_over(&limit->deadline,
                                qemu_clock_get_ns(QEMU_CLOCK_REALTIME)) ||
           (limit->stop && qatomic_read(limit->stop));
}

/*
 * Submits @desc until it is taken and waits for @record.  Returns its status, 0
 * when the time was up, -errno when the queue did not take it.
 */
static int dsa_proof_run(DsaQueue *q, const struct dsa_hw_desc *desc,
                         struct dsa_completion_record *record,
                         DsaProofLimit *limit)
{
    int taken, status;
    bool over;

    record->status = DSA_COMP_NONE;
    while ((taken = dsa_queue_submit(q, desc, 1)) == 0) {
        if (dsa_proof_is_over(limit)) {
            return -EAGAIN;
        }
        cpu_relax();
    }
    if (taken < 0) {
        return taken;
    }
    do {
        /* In this order: who was held up here has its answer by now. */
        over = dsa_proof_is_over(limit);
        status = qatomic_load_acquire(&record->status);
        cpu_relax();
    } while (status == DSA_COMP_NONE && !over);
    if (status != DSA_COMP_NONE) {
        dsa_queue_release(q, 1);
    }
    return status;
}

/* Turns what dsa_proof_run() returned into a sentence, or true. */
static bool dsa_proof_judge(DsaQueue *q, const char *what, int status,
                            Error **errp)
{
    if (status == DSA_COMP_SUCCESS) {
        return true;
    }
    if (status == -EAGAIN) {
        error_setg(errp, "DSA queue '%s' does not take a %s: it stays full; "
                   "end others that use it", q->path, what);
    } else if (status < 0) {
        error_setg_errno(errp, -status, "DSA queue '%s' does not take a %s; "
                         "run with CAP_SYS_RAWIO, or use a kernel from 6.10 on",
                         q->path, what);
    } else if (status == DSA_COMP_NONE) {
        error_setg(errp, "DSA queue '%s' did not answer a %s in time; disable "
                   "and enable the queue, and look at the kernel's log",
                   q->path, what);
    } else {
        error_setg(errp, "DSA queue '%s' answered a %s with status 0x%02x; "
                   "try the queue with wherry-dsa test", q->path, what, status);
    }
    return false;
}

static bool dsa_proof_check_result(DsaQueue *q, const DsaProof *p, int i,
                                   Error **errp)
{
    if (p->member[i].status == DSA_COMP_SUCCESS &&
        p->member[i].result == (i == PROOF_OTHER)) {
        return true;
    }
    error_setg(errp, "DSA queue '%s' took memory that is %s for the opposite "
               "(status 0x%02x, result %u); do not use this device", q->path,
               i == PROOF_ZERO ? "all zero" : "not all zero",
               p->member[i].status, p->member[i].result);
    return false;
}

static bool dsa_proof_batch(DsaQueue *q, DsaProof *p, DsaProofLimit *limit,
                            Error **errp)
{
    int status;

    p->desc = (struct dsa_hw_desc) {
        .flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
        .opcode = DSA_OPCODE_BATCH,
        .completion_addr = (uintptr_t)&p->record,
        .desc_list_addr = (uintptr_t)p->list,
        .desc_count = PROOF_NR,
    };
    for (int i = 0; i < PROOF_NR; i++) {
        p->member[i].status = DSA_COMP_NONE;
    }
    status = dsa_proof_run(q, &p->desc, &p->record, limit);
    if (status == -EINVAL ||
        (status == DSA_COMP_BAD_OPCODE && q->ops->takes_many)) {
        /* The kernel, or the queue, lets users submit no batches. */
        q->max_batch = 1;
        return true;
    }
    if (status == DSA_COMP_BAD_OPCODE) {
        error_setg(errp, "DSA queue '%s' does not take batches: the opcode "
                   "Batch (0x01) is not in its op_config or not in the "
                   "device's op_cap; allow it in op_config while the queue is "
                   "disabled", q->path);
        return false;
    }
    return dsa_proof_judge(q, "batch", status, errp) &&
           dsa_proof_check_result(q, p, PROOF_ZERO, errp) &&
           dsa_proof_check_result(q, p, PROOF_OTHER, errp);
}

static bool dsa_proof_all(DsaQueue *q, DsaProof *p, DsaProofLimit *limit,
                          Error **errp)
{
    p->desc = (struct dsa_hw_desc) {
        .flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
        .opcode = DSA_OPCODE_NOOP,
        .completion_addr = (uintptr_t)&p->record,
    };
    if (!dsa_proof_judge(q, "no-op", dsa_proof_run(q, &p->desc, &p->record,
                                                   limit), errp)) {
        return false;
    }
    for (int i = 0; i < PROOF_NR; i++) {
        int status = dsa_proof_run(q, &p->list[i], &p->member[i],
                                   limit);

        if (!dsa_proof_judge(q, "compare", status, errp) ||
            !dsa_proof_check_result(q, p, i, errp)) {
            return false;
        }
    }
    return q->max_batch < 2 || dsa_proof_batch(q, p, limit, errp);
}

bool dsa_queue_prove(DsaQueue *q, unsigned timeout_ms, const bool *stop,
                     Error **errp)
{
    /* To be late now would cost the migration, later it costs CPU time. */
    unsigned limit_ms = MAX(timeout_ms, DSA_TIMEOUT_MS_DEFAULT);
    DsaProofLimit limit = { .stop = stop };
    DsaProof *p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (p == MAP_FAILED) {
        error_setg_errno(errp, errno, "cannot allocate memory to prove DSA "
                         "queue '%s'", q->path);
        return false;
    }
    dsa_proof_fill(p);
    dsa_deadline_start(&limit.deadline, limit_ms);
    if (!dsa_proof_all(q, p, &limit, errp)) {
        /* The device may still write there, until the queue is closed. */
        q->left_behind = p;
        q->left_bytes = sizeof(*p);
        return false;
    }
    munmap(p, sizeof(*p));
    if (q->ops->proved) {
        q->ops->proved(q);
    }
    trace_dsa_queue_open(q->path, q->ops->name, q->max_batch, q->numa_node);
    return true;
}
