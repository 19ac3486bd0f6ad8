/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Batches: descriptors for pages, handing them over, and making an answer of
 * what comes back.
 *
 * Entered by the lane's thread.  This is the path of a page: per page a store
 * of its address and a clear record on the way out, one load and a comparison
 * on the way back.  All else in a descriptor is written once.
 *
 * Records are input like any other: what a working device does not write is
 * counted, the queue is given up and the CPU looks at the page.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>
#include <sys/uio.h>

#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/cutils.h"
#include "qemu/timer.h"
#include "dsa-batch-internal.h"
#include "dsa-lane.h"
#include "trace.h"

/* The code in a status byte; the header's mask has a bit more. */
#define DSA_STATUS_CODE 0x3f

/* Status and result of a compare that went well, as one little-endian load. */
#define ANSWER_ZERO  (DSA_COMP_SUCCESS | 0 << 8)
#define ANSWER_OTHER (DSA_COMP_SUCCESS | 1 << 8)

/* Polled by the completion thread: each on a cache line of its own. */
typedef struct DsaBatchRecord {
    struct dsa_completion_record record;
} __attribute__((aligned(64))) DsaBatchRecord;

struct DsaBatch {
    DsaLane *lane;
    size_t page_size;
    unsigned max_pages;
    unsigned nr_pages;

    /* in one mapping, which a device writes to; NULL: there is none */
    struct iovec *buffer;
    struct dsa_hw_desc *desc;               /* [max_pages] a page each */
    struct dsa_hw_desc *batch_desc;         /* [max_pages / 2] */
    struct dsa_completion_record *record;   /* [max_pages] */
    DsaBatchRecord *batch_record;           /* [max_pages / 2] */
    unsigned nr_batches;

    DsaFlight flight;
    bool in_flight;             /* a queue took a part */
    DsaCpuReason left;          /* why no queue took the rest */
    unsigned nr_cpu;            /* pages the CPU did */
    bool tainted;               /* the device may still write to the buffer */

    bool offline;               /* answered in submit, by the CPU */
    unsigned long *answer;      /* then */
};

static size_t dsa_batch_nr_batches(const DsaBatch *b)
{
    return MAX(b->max_pages / 2, 1);
}

static size_t dsa_batch_bytes(const DsaBatch *b)
{
    return b->max_pages * (sizeof(*b->desc) + sizeof(*b->record)) +
           dsa_batch_nr_batches(b) * (sizeof(*b->batch_desc) +
                                      sizeof(*b->batch_record));
}

/* Widest alignment first: each begins at a multiple of its own. */
static void dsa_batch_layout(DsaBatch *b, uint8_t *p)
{
    b->desc = (struct dsa_hw_desc *)p;
    p += b->max_pages * sizeof(*b->desc);
    b->batch_desc = (struct dsa_hw_desc *)p;
    p += dsa_batch_nr_batches(b) * sizeof(*b->batch_desc);
    b->batch_record = (DsaBatchRecord *)p;
    p += dsa_batch_nr_batches(b) * sizeof(*b->batch_record);
    b->record = (struct dsa_completion_record *)p;
}

/*
 * Mapped, so that it begins at a page, is there before a device asks for it,
 * and a fork does not make the device write to a copy.  Without memory the
 * batch does with the CPU.
 */
static void dsa_batch_map(DsaBatch *b)
{
    size_t len = QEMU_ALIGN_UP(dsa_batch_bytes(b),
                               qemu_real_host_page_size());
    uint8_t *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    b->buffer = NULL;
    if (mem == MAP_FAILED) {
        return;
    }
    madvise(mem, len, MADV_DONTFORK);
    b->buffer = g_new(struct iovec, 1);
    *b->buffer = (struct iovec) { mem, len };
    dsa_batch_layout(b, mem);
    for (unsigned i = 0; i < b->max_pages; i++) {
        b->desc[i] = (struct dsa_hw_desc) {
            .flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
            .opcode = DSA_OPCODE_COMPVAL,
            .completion_addr = (uintptr_t)&b->record[i],
            .xfer_size = b->page_size,
        };
    }
    for (unsigned i = 0; i < dsa_batch_nr_batches(b); i++) {
        b->batch_desc[i] = (struct dsa_hw_desc) {
            .flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
            .opcode = DSA_OPCODE_BATCH,
            .completion_addr = (uintptr_t)&b->batch_record[i],
        };
    }
}

DsaBatch *dsa_batch_new(DsaLane *lane, size_t page_size)
{
    DsaBatch *b = g_new0(DsaBatch, 1);

    b->lane = lane;
    b->page_size = page_size;
    b->max_pages = lane->shared->batch_pages;
    b->answer = bitmap_new(b->max_pages);
    b->flight.part = g_new(DsaPart, b->max_pages + 1);
    qemu_sem_init(&b->flight.over, 0);
    dsa_batch_map(b);
    g_ptr_array_add(lane->batches, b);
    return b;
}

void dsa_batch_free(DsaBatch *b)
{
    /* A child has no such mapping, and nobody who sleeps there wakes up. */
    if (!dsa_lane_is_forked(b->lane)) {
        if (b->buffer) {
            munmap(b->buffer->iov_base, b->buffer->iov_len);
        }
        qemu_sem_destroy(&b->flight.over);
    }
    g_free(b->buffer);
    g_free(b->flight.part);
    g_free(b->answer);
    g_free(b);
}

static void dsa_batch_add_part(DsaBatch *b, DsaPart part)
{
    b->flight.part[b->flight.nr_parts++] = part;
    if (part.queue) {
        b->in_flight = true;
    }
}

/*
 * Offers pages from @first on to one queue, as one batch where it takes those.
 * Returns how many pages it took.
 */
static unsigned dsa_batch_offer(DsaBatch *b, unsigned i, unsigned first,
                                unsigned nr)
{
    DsaLane *lane = b->lane;
    DsaQueue *q = lane->shared->queue[i];
    DsaPart part = {
        .queue = q, .first = first, .member = &b->record[first],
    };

    if (q->max_batch >= 2 && nr >= 2) {
        struct dsa_hw_desc *desc = &b->batch_desc[b->nr_batches];

        part.batch = &b->batch_record[b->nr_batches].record;
        part.nr = MIN(nr, q->max_batch);
        part.batch->status = DSA_COMP_NONE;
        desc->desc_list_addr = (uintptr_t)&b->desc[first];
        desc->desc_count = part.nr;
        if (dsa_lane_offer(lane, i, desc, 1) == 0) {
            return 0;
        }
        b->nr_batches++;
        DSA_COUNT(lane->queue[i].counters.batches, 1);
    } else {
        part.nr = dsa_lane_offer(lane, i, &b->desc[first],
                                 q->max_batch >= 2 ? 1 : nr);
        if (part.nr == 0) {
            return 0;
        }
    }
    DSA_COUNT(lane->queue[i].counters.descriptors, part.nr);
    DSA_COUNT(lane->queue[i].counters.bytes, part.nr * b->page_size);
    dsa_batch_add_part(b, part);
    return part.nr;
}

/* Offers pages to the queues in turn.  Returns how many one of them took. */
static unsigned dsa_batch_offer_any(DsaBatch *b, unsigned first, unsigned nr)
{
    const DsaShared *shared = b->lane->shared;

    b->left = DSA_CPU_NO_QUEUE;
    if (dsa_completer_has_ended(shared->completer)) {
        return 0;
    }
    for (unsigned i = 0; i < shared->nr_queues; i++) {
        unsigned q = b->lane->preferred + i;
        unsigned taken;

        q = q < shared->nr_queues ? q : q - shared->nr_queues;
        if (dsa_lane_may_use(b->lane, q)) {
            taken = dsa_batch_offer(b, q, first, nr);
            if (taken > 0) {
                return taken;
            }
        }
        if (!dsa_queue_is_given_up(shared->queue[q])) {
            b->left = DSA_CPU_QUEUE_FULL;
        }
    }
    return 0;
}

static void dsa_batch_cpu_here(DsaBatch *b, const uint8_t *const *page,
                               unsigned nr_pages)
{
    bitmap_zero(b->answer, nr_pages);
    for (unsigned i = 0; i < nr_pages; i++) {
        if (buffer_is_zero(page[i], b->page_size)) {
            set_bit(i, b->answer);
        }
    }
    DSA_COUNT(b->lane->counters.cpu_pages[DSA_CPU_NO_QUEUE], nr_pages);
}

static void dsa_batch_fill(DsaBatch *b, const uint8_t *const *page,
                           unsigned nr_pages)
{
    struct dsa_hw_desc *desc = b->desc;
    struct dsa_completion_record *record = b->record;

    for (unsigned i = 0; i < nr_pages; i++) {
        desc[i].src_addr = (uintptr_t)page[i];
        record[i].status = DSA_COMP_NONE;
    }
}

void dsa_batch_submit(DsaBatch *b, const uint8_t *const *page,
                      unsigned nr_pages)
{
    DsaLane *lane = b->lane;
    unsigned at = 0;
    unsigned taken;

    b->nr_pages = nr_pages;
    b->in_flight = false;
    b->offline = !b->buffer || dsa_lane_is_forked(lane);
    if (b->offline) {
        dsa_batch_cpu_here(b, page, nr_pages);
        return;
    }
    b->nr_cpu = 0;
    b->nr_batches = 0;
    b->flight.nr_parts = 0;
    dsa_lane_begin(lane, page[0]);
    dsa_batch_fill(b, page, nr_pages);
    while (at < nr_pages &&
           (taken = dsa_batch_offer_any(b, at, nr_pages - at)) > 0) {
        at += taken;
    }
    if (at < nr_pages) {
        dsa_batch_add_part(b, (DsaPart) { .first = at, .nr = nr_pages - at });
    }
    trace_dsa_batch_submit(b, nr_pages, b->flight.nr_parts);
    if (b->in_flight) {
        dsa_deadline_start(&b->flight.deadline, lane->shared->timeout_ms);
        dsa_completer_add(lane->shared->completer, &b->flight);
    }
}

/* The page from byte @done on; what is before is known to be zero. */
static bool dsa_batch_cpu(DsaBatch *b, unsigned i, size_t done,
                          DsaCpuReason reason)
{
    const uint8_t *page = (const uint8_t *)(uintptr_t)b->desc[i].src_addr;

    done = done < b->page_size ? done : 0;
    b->nr_cpu++;
    DSA_COUNT(b->lane->counters.cpu_pages[reason], 1);
    return buffer_is_zero(page + done, b->page_size - done);
}

/* A page without an answer. */
static bool dsa_batch_unanswered(DsaBatch *b, const DsaPart *part, unsigned i)
{
    uint8_t status = part->batch ? part->batch->status : DSA_COMP_NONE;
    int batch = status & DSA_STATUS_CODE;

    if (status == DSA_COMP_NONE) {
        b->tainted = true;
        return dsa_batch_cpu(b, i, 0, DSA_CPU_TIMEOUT);
    }
    if (batch == DSA_COMP_BATCH_PAGE_FAULT) {
        return dsa_batch_cpu(b, i, 0, DSA_CPU_NOT_DONE);
    }
    if (batch == DSA_COMP_SUCCESS || batch == DSA_COMP_BATCH_FAIL) {
        /* It said that it was done with all of them. */
        b->tainted = true;
        dsa_queue_give_up(part->queue, "it ended a batch with status 0x%02x "
                          "and left out page %u of %u", batch, i - part->first,
                          part->nr);
    }
    return dsa_batch_cpu(b, i, 0, DSA_CPU_DEVICE_ERROR);
}

/* A page whose record does not simply say zero or not. */
static bool dsa_batch_decide(DsaBatch *b, const DsaPart *part, unsigned i)
{
    const struct dsa_completion_record *record = &b->record[i];
    uint8_t status = qatomic_load_acquire(&record->status);

    if (status == DSA_COMP_NONE) {
        return dsa_batch_unanswered(b, part, i);
    }
    switch (status & DSA_STATUS_CODE) {
    case DSA_COMP_PAGE_FAULT_NOBOF:
        DSA_COUNT(b->lane->counters.page_faults, 1);
        return dsa_batch_cpu(b, i, record->bytes_completed,
                             DSA_CPU_PAGE_FAULT);
    case DSA_COMP_PAGE_FAULT_IR:
        DSA_COUNT(b->lane->counters.page_faults_unresolved, 1);
        return dsa_batch_cpu(b, i, record->bytes_completed,
                             DSA_CPU_PAGE_FAULT);
    case DSA_COMP_SUCCESS:
        if (status == DSA_COMP_SUCCESS && record->result <= 1) {
            return record->result == 0;
        }
        break;
    }
    dsa_queue_give_up(part->queue, "it answered a compare with status 0x%02x "
                      "and result %u", status, record->result);
    return dsa_batch_cpu(b, i, 0, DSA_CPU_DEVICE_ERROR);
}

/* What the record of a batch as a whole says. */
static void dsa_batch_judge(DsaBatch *b, const DsaPart *part)
{
    uint8_t status = part->batch->status;

    switch (status & DSA_STATUS_CODE) {
    case DSA_COMP_SUCCESS:
    case DSA_COMP_BATCH_FAIL:
        break;
    case DSA_COMP_BATCH_PAGE_FAULT:
        DSA_COUNT(b->lane->counters.list_faults, 1);
        break;
    default:
        /* Nobody knows what such a device still writes. */
        b->tainted = true;
        dsa_queue_give_up(part->queue, "it answered a batch with status "
                          "0x%02x", status);
    }
}

static void dsa_batch_collect_part(DsaBatch *b, const DsaPart *part,
                                   unsigned long *zero)
{
    const struct dsa_completion_record *record = &b->record[part->first];
    unsigned end = part->first + part->nr;

    if (part->batch) {
        dsa_batch_judge(b, part);
    }
    for (unsigned i = part->first; i < end; i++, record++) {
        uint16_t answer = *(const uint16_t *)(const void *)record;

        if (answer == ANSWER_OTHER) {
            continue;
        }
        if (likely(answer == ANSWER_ZERO) || dsa_batch_decide(b, part, i)) {
            set_bit(i, zero);
        }
    }
}

/* A part without answer yet: its queue is at fault, or the group ends. */
static void dsa_batch_late(DsaBatch *b, const DsaPart *part)
{
    const DsaShared *shared = b->lane->shared;

    b->tainted = true;
    if (!dsa_completer_has_ended(shared->completer)) {
        dsa_queue_give_up(part->queue, "it has not answered within %u ms",
                          shared->timeout_ms);
    }
}

/* A part that nobody writes to any more is collected at full speed. */
static void dsa_batch_collect(DsaBatch *b, unsigned long *zero)
{
    for (unsigned p = 0; p < b->flight.nr_parts; p++) {
        const DsaPart *part = &b->flight.part[p];
        DsaPart late = *part;
        unsigned at_member = 0;
        bool done = dsa_part_is_done(part, &at_member);

        if (!done) {
            dsa_batch_late(b, part);
        } else if (p >= b->flight.at_part) {
            dsa_part_release(part);
        }
        if (done && part->queue) {
            dsa_batch_collect_part(b, part, zero);
            continue;
        }
        /* A batch that comes from now on says nothing of its members. */
        late.batch = NULL;
        for (unsigned i = part->first; i < part->first + part->nr; i++) {
            if (part->queue ? dsa_batch_decide(b, &late, i)
                            : dsa_batch_cpu(b, i, 0, b->left)) {
                set_bit(i, zero);
            }
        }
    }
}

static void dsa_batch_await(DsaBatch *b)
{
    DsaCompleter *completer = b->lane->shared->completer;
    int64_t start_ns;

    if (dsa_completer_is_over(completer, &b->flight)) {
        return;
    }
    start_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    dsa_completer_wait(completer, &b->flight);
    DSA_COUNT(b->lane->counters.waits, 1);
    DSA_COUNT(b->lane->counters.wait_ns,
              qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start_ns);
}

void dsa_batch_wait(DsaBatch *b, unsigned long *zero)
{
    bitmap_zero(zero, b->nr_pages);
    if (b->offline) {
        bitmap_copy(zero, b->answer, b->nr_pages);
        return;
    }
    if (dsa_lane_is_forked(b->lane)) {
        /* Submitted by the parent: nothing is known, and "not zero" is safe. */
        return;
    }
    if (b->in_flight) {
        dsa_batch_await(b);
    }
    dsa_batch_collect(b, zero);
    trace_dsa_batch_done(b, b->nr_pages, b->nr_cpu);
    if (b->tainted) {
        /* The device may write there until it is closed. */
        g_ptr_array_add(b->lane->left_behind, b->buffer);
        b->buffer = NULL;
        b->tainted = false;
        if (!dsa_completer_has_ended(b->lane->shared->completer)) {
            dsa_batch_map(b);
        }
    }
}
