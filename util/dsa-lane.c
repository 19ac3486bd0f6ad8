/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which queue a thread's batches go to, and what happens when it is full.
 *
 * Entered by the lane's thread.  A lane keeps to one queue, so that lanes are
 * spread over the queues in turn and stay there; it goes to the next one when
 * its own is full, and leaves pages to the CPU when all are.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "qemu/atomic.h"
#include "qemu/processor.h"
#include "qemu/timer.h"
#include "dsa-lane.h"

/* A full queue is asked again this often, with a pause in between: some us. */
#define LANE_RETRIES 64
/* Submissions for which a queue that stayed full is passed over, at most. */
#define LANE_PASS_MAX 256
/* A queue is said to be full when it was found so as many times in a row. */
#define LANE_FULL_WARN 8
/* Batches between two questions for the node of the memory; each is a call. */
#define LANE_LOOK_EVERY 64

static void dsa_buffer_unmap(void *opaque)
{
    struct iovec *buffer = opaque;

    munmap(buffer->iov_base, buffer->iov_len);
    g_free(buffer);
}

DsaLane *dsa_lane_alloc(const DsaShared *shared, unsigned index)
{
    DsaLane *lane = g_new0(DsaLane, 1);

    lane->shared = shared;
    lane->index = index;
    lane->preferred = shared->nr_queues ? index % shared->nr_queues : 0;
    lane->queue = g_new0(DsaLaneQueue, shared->nr_queues);
    lane->batches = g_ptr_array_new();
    lane->left_behind = g_ptr_array_new_with_free_func(dsa_buffer_unmap);
    return lane;
}

void dsa_lane_free(DsaLane *lane)
{
    if (!lane) {
        return;
    }
    if (dsa_lane_is_forked(lane)) {
        /* The child does not have these mappings. */
        g_ptr_array_set_free_func(lane->left_behind, g_free);
    }
    g_ptr_array_unref(lane->left_behind);
    g_ptr_array_unref(lane->batches);
    g_free(lane->queue);
    g_free(lane);
}

bool dsa_lane_is_forked(const DsaLane *lane)
{
    return qatomic_read(lane->shared->fork_guard) == 0;
}

/* The node of a page's memory without touching it; -1 if there is none yet. */
static int dsa_memory_node(const void *addr)
{
    void *pages[] = { (void *)QEMU_ALIGN_PTR_DOWN(
        (char *)(uintptr_t)addr, qemu_real_host_page_size()) };
    int node = -1;

    if (syscall(SYS_move_pages, 0, 1UL, pages, NULL, &node, 0) < 0) {
        return -1;
    }
    return MAX(node, -1);
}

/* The lane's turn among the queues of @node; none there: it stays. */
static void dsa_lane_prefer_node(DsaLane *lane, int node)
{
    const DsaShared *shared = lane->shared;
    unsigned nr = 0;

    for (unsigned i = 0; i < shared->nr_queues; i++) {
        nr += shared->queue[i]->numa_node == node;
    }
    if (node < 0 || nr == 0) {
        return;
    }
    nr = lane->index % nr;
    for (unsigned i = 0; i < shared->nr_queues; i++) {
        if (shared->queue[i]->numa_node == node && nr-- == 0) {
            lane->preferred = i;
            return;
        }
    }
}

void dsa_lane_begin(DsaLane *lane, const void *page)
{
    if (lane->shared->several_nodes && lane->until_look-- == 0) {
        lane->until_look = LANE_LOOK_EVERY - 1;
        dsa_lane_prefer_node(lane, dsa_memory_node(page));
    }
}

bool dsa_lane_may_use(DsaLane *lane, unsigned i)
{
    DsaLaneQueue *lq = &lane->queue[i];

    if (dsa_queue_is_given_up(lane->shared->queue[i])) {
        return false;
    }
    if (lq->pass > 0) {
        lq->pass--;
        return false;
    }
    return true;
}

/* It stayed full: leaves it alone, longer each time. */
static void dsa_lane_pass_over(DsaLane *lane, unsigned i)
{
    DsaLaneQueue *lq = &lane->queue[i];
    int64_t now_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    int64_t full_ms;

    DSA_COUNT(lq->counters.full, 1);
    lq->last_pass = MIN(lq->last_pass * 2 + 1, LANE_PASS_MAX);
    lq->pass = lq->last_pass;
    if (lq->nr_full++ == 0) {
        lq->full_since_ns = now_ns;
    }
    full_ms = (now_ns - lq->full_since_ns) / SCALE_MS;
    /* Twice, a second apart, may be bad luck. */
    if (lq->nr_full >= LANE_FULL_WARN &&
        full_ms >= lane->shared->timeout_ms) {
        dsa_queue_warn_full(lane->shared->queue[i], full_ms);
    }
}

unsigned dsa_lane_offer(DsaLane *lane, unsigned i,
                        const struct dsa_hw_desc *desc, unsigned nr)
{
    DsaLaneQueue *lq = &lane->queue[i];
    DsaQueue *q = lane->shared->queue[i];

    for (unsigned retry = 0; retry <= LANE_RETRIES; retry++) {
        int taken = dsa_queue_submit(q, desc, nr);

        if (taken > 0) {
            lq->nr_full = 0;
            lq->last_pass = 0;
            return taken;
        }
        if (taken < 0) {
            dsa_queue_give_up(q, "it takes no more work (%s)",
                              g_strerror(-taken));
            return 0;
        }
        DSA_COUNT(lq->counters.retries, 1);
        cpu_relax();
    }
    dsa_lane_pass_over(lane, i);
    return 0;
}
