/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A batch: its list of descriptors, their order, fences, and its own answer.
 *
 * The members between two fences are done one after the other, in the order
 * of the list or in a random one.  Each has its own record, written before that
 * of the batch.  The list is read once it is known to be readable; whoever
 * changes it meanwhile gets what he asked for, and nothing is trusted twice.
 *
 * Entered by engines.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "dsa-soft-batch.h"
#include "dsa-soft-check.h"
#include "dsa-soft-work.h"

typedef struct Batch {
    DsaSoftDevice *dev;
    DsaSoftMemory *memory;
    DsaSoftClock *clock;
    const struct dsa_hw_desc *list;
    unsigned nr_members;        /* that can be read */
    unsigned nr_done;           /* with or without success */
    unsigned looked;            /* members before this: pages are known */
    bool failed;                /* some member was not DSA_COMP_SUCCESS, */
    bool prior_failed;          /* or one of the batch that this continues */
} Batch;

/*
 * Asks at once for the pages of compares that follow each other in the list and
 * are close in memory, as those of a packet mostly are.
 */
static void look_ahead(Batch *b, unsigned from)
{
    uint64_t most = DSA_SOFT_WINDOW_PAGES * b->memory->pagemap->page_size;
    uint64_t start = b->list[from].src_addr;
    uint64_t len = 0;
    unsigned i;

    for (i = from; i < b->nr_members; i++) {
        const struct dsa_hw_desc *desc = &b->list[i];
        uint64_t offset = desc->src_addr - start;

        if (desc->opcode != DSA_OPCODE_COMPVAL || offset >= most ||
            offset + desc->xfer_size > most) {
            break;
        }
        len = MAX(len, offset + desc->xfer_size);
    }
    if (i > from + 1) {
        dsa_soft_memory_look(b->memory, start, len);
    }
    b->looked = MAX(i, from + 1);
}

/* False when the device is dead. */
static bool run_member(Batch *b, unsigned i)
{
    struct dsa_hw_desc desc = b->list[i];
    struct dsa_completion_record cr = {};

    if (dsa_soft_work_check(b->dev, &desc, true, &cr) &&
        !dsa_soft_work_run(b->dev, b->memory, b->clock, &desc, &cr)) {
        return false;
    }
    if (!dsa_soft_work_answer(b->dev, b->memory, &desc, (int)i, &cr)) {
        b->failed = true;
    }
    b->nr_done++;
    return true;
}

/* The next member behind @from with a fence, or the end. */
static unsigned next_fence(const Batch *b, unsigned from)
{
    unsigned i = from + 1;

    while (i < b->nr_members && !(b->list[i].flags & IDXD_OP_FLAG_FENCE)) {
        i++;
    }
    return i;
}

static void shuffle(uint16_t *order, unsigned nr, uint64_t seed)
{
    /* splitmix64, so that close seeds give different orders */
    for (unsigned i = nr - 1; i > 0; i--) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        uint16_t other;
        unsigned j;

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        j = (z ^ (z >> 31)) % (i + 1);
        other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
}

static bool run_in_disorder(Batch *b, unsigned from, unsigned to)
{
    uint64_t nr = qatomic_fetch_inc(&b->dev->nr_shuffled);
    uint16_t order[DSA_SOFT_BATCH_MAX];

    for (unsigned i = from; i < to; i++) {
        order[i - from] = i;
    }
    shuffle(order, to - from, b->dev->config.shuffle + (nr << 32));
    for (unsigned i = 0; i < to - from; i++) {
        if (!run_member(b, order[i])) {
            return false;
        }
    }
    return true;
}

static bool run_in_order(Batch *b, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        if (i >= b->looked) {
            look_ahead(b, i);
        }
        if (!run_member(b, i)) {
            return false;
        }
    }
    return true;
}

/* False when the device is dead. */
static bool run_members(Batch *b)
{
    for (unsigned from = 0, to; from < b->nr_members; from = to) {
        to = next_fence(b, from);
        if ((b->failed || b->prior_failed) &&
            (b->list[from].flags & IDXD_OP_FLAG_FENCE)) {
            /* Abandoned, with all behind it. */
            break;
        }
        if (!(b->dev->config.shuffle ? run_in_disorder(b, from, to) :
                                       run_in_order(b, from, to))) {
            return false;
        }
    }
    return true;
}

/*
 * What the members come to.  With batch continuation (gen_cap bit 15) a failure
 * is said in the result, too, and goes on from batch to batch with the flag
 * "prior result".  That the flag makes fences and the answer take the members
 * of the former batch for members of this one is our reading of the
 * specification.
 */
static void sum_up(const Batch *b, struct dsa_completion_record *cr)
{
    bool failed = b->failed || b->prior_failed;

    cr->bytes_completed = b->nr_done;
    cr->status = failed ? DSA_COMP_BATCH_FAIL : DSA_COMP_SUCCESS;
    cr->result = failed && b->dev->config.dsa2;
}

bool dsa_soft_batch_run(DsaSoftDevice *dev, DsaSoftMemory *memory,
                        DsaSoftClock *clock, const struct dsa_hw_desc *desc,
                        struct dsa_completion_record *cr)
{
    DsaSoftBatchFate fate = dsa_soft_fault_batch(&dev->faults);
    unsigned nr_wanted = fate.list_fault ? desc->desc_count / 2 :
                         desc->desc_count;
    Batch b = {
        .dev = dev,
        .memory = memory,
        .clock = clock,
        .list = (const void *)(uintptr_t)desc->desc_list_addr,
        .prior_failed = desc->flags & DSA_SOFT_FLAG_PRIOR_RESULT,
    };

    b.nr_members = dsa_soft_memory_wait(memory, desc->desc_list_addr,
                                        nr_wanted * sizeof(*desc)) /
                   sizeof(*desc);
    if (!run_members(&b) || dsa_soft_fault_dead(&dev->faults)) {
        return false;
    }
    sum_up(&b, cr);
    if (b.nr_done == b.nr_members && b.nr_members < desc->desc_count) {
        uint64_t page_size = memory->pagemap->page_size;
        uint64_t at = desc->desc_list_addr + b.nr_done * sizeof(*desc);

        cr->status = DSA_COMP_BATCH_PAGE_FAULT;
        cr->fault_addr = QEMU_ALIGN_DOWN(at, page_size);
        cr->rsvd = dev->config.dsa2 ? 1 << 1 : 0;
    } else if (fate.flag) {
        cr->status = DSA_COMP_BATCH_FAIL;
        cr->result = 1;
    }
    if (fate.status) {
        cr->status = fate.status;
    }
    return true;
}
