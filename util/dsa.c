/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups: the queues in use, the lanes to them, and what both have done.
 *
 * Entered by whoever makes and frees a group, and by any thread that asks for
 * its status.  The path of a page is dsa-batch.c's.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "qemu/atomic.h"
#include "qemu/dsa.h"
#include "qemu/lockable.h"
#include "qemu/thread.h"
#include "dsa-batch-internal.h"
#include "dsa-lane.h"
#include "dsa-open.h"
#include "dsa-path.h"

struct DsaGroup {
    /* set once */
    DsaShared shared;
    DsaCompletion completion;
    DsaBell bell;
    GPtrArray *queues;
    uint32_t *fork_guard;       /* a mapping that a child finds empty */

    QemuMutex lock;
    /* guarded by lock */
    GPtrArray *lanes;
};

bool dsa_path_check(const char *path, Error **errp)
{
    g_autoptr(DsaPath) p = dsa_path_parse(path, errp);

    return p != NULL;
}

/* A page that the kernel clears in the child of a fork. */
static bool dsa_group_map_guard(DsaGroup *g, Error **errp)
{
    size_t len = qemu_real_host_page_size();
    uint32_t *guard = mmap(NULL, len, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (guard == MAP_FAILED) {
        error_setg_errno(errp, errno, "cannot allocate memory for DSA queues");
        return false;
    }
    g->fork_guard = guard;
    g->shared.fork_guard = guard;
    if (madvise(guard, len, MADV_WIPEONFORK) < 0) {
        error_setg_errno(errp, errno, "cannot have memory cleared on fork, "
                         "which DSA queues need; use a kernel from 4.14 on");
        return false;
    }
    *guard = 1;
    return true;
}

static DsaGroup *dsa_group_alloc(const DsaOptions *options)
{
    DsaGroup *g = g_new0(DsaGroup, 1);

    g->completion = options->completion;
    g->shared.batch_pages = options->batch_pages;
    g->shared.timeout_ms = options->timeout_ms ?: DSA_TIMEOUT_MS_DEFAULT;
    g->queues = g_ptr_array_new();
    g->lanes = g_ptr_array_new();
    qemu_mutex_init(&g->lock);
    dsa_bell_init(&g->bell);
    return g;
}

static bool dsa_group_start(DsaGroup *g, Error **errp)
{
    DsaShared *shared = &g->shared;
    bool all_ring = true;

    shared->queue = (DsaQueue **)g->queues->pdata;
    shared->nr_queues = g->queues->len;
    for (unsigned i = 0; i < shared->nr_queues; i++) {
        all_ring &= shared->queue[i]->rings;
        shared->several_nodes |= shared->queue[i]->numa_node !=
                                 shared->queue[0]->numa_node;
    }
    shared->completer = dsa_completer_new(g->completion, &g->bell, all_ring,
                                          errp);
    return shared->completer != NULL;
}

DsaGroup *dsa_group_new(const char *const *paths, const DsaOptions *options,
                        Error **errp)
{
    g_autoptr(DsaGroup) g = dsa_group_alloc(options);
    DsaOpen how = {
        .sysfs_root = options->sysfs_root ?: "/sys",
        .needs.page_bytes = options->page_bytes,
        .timeout_ms = g->shared.timeout_ms,
        .stop = options->stop,
        .bell = &g->bell,
    };

    if (!dsa_group_map_guard(g, errp) ||
        !dsa_open_paths(&how, paths, g->queues, errp) ||
        !dsa_group_start(g, errp)) {
        return NULL;
    }
    return g_steal_pointer(&g);
}

DsaGroup *dsa_group_new_null(const DsaOptions *options, Error **errp)
{
    g_autoptr(DsaGroup) g = dsa_group_alloc(options);

    g_ptr_array_add(g->queues, dsa_null_open());
    if (!dsa_group_map_guard(g, errp) || !dsa_group_start(g, errp)) {
        return NULL;
    }
    return g_steal_pointer(&g);
}

static bool dsa_group_is_forked(const DsaGroup *g)
{
    return g->fork_guard && qatomic_read(g->fork_guard) == 0;
}

/*
 * First nobody looks for records any more, then the queues are drained, and
 * only then does the memory go that devices write to.  A child of the process
 * that opened them has neither threads nor mappings of its own.
 */
void dsa_group_free(DsaGroup *g)
{
    bool forked;

    if (!g) {
        return;
    }
    forked = dsa_group_is_forked(g);
    if (forked) {
        dsa_completer_abandon(g->shared.completer);
    } else {
        dsa_completer_free(g->shared.completer);
    }
    for (guint i = 0; i < g->queues->len; i++) {
        DsaQueue *q = g_ptr_array_index(g->queues, i);

        if (forked) {
            dsa_queue_abandon(q);
        } else {
            dsa_queue_free(q);
        }
    }
    for (guint i = 0; i < g->lanes->len; i++) {
        DsaLane *lane = g_ptr_array_index(g->lanes, i);

        for (guint k = 0; k < lane->batches->len; k++) {
            dsa_batch_free(g_ptr_array_index(lane->batches, k));
        }
        dsa_lane_free(lane);
    }
    g_ptr_array_unref(g->lanes);
    g_ptr_array_unref(g->queues);
    if (g->fork_guard) {
        munmap(g->fork_guard, qemu_real_host_page_size());
    }
    if (!forked) {
        /* In a child they are as the parent's threads left them: in use. */
        dsa_bell_destroy(&g->bell);
        qemu_mutex_destroy(&g->lock);
    }
    g_free(g);
}

DsaLane *dsa_lane_new(DsaGroup *g)
{
    DsaLane *lane;

    QEMU_LOCK_GUARD(&g->lock);
    lane = dsa_lane_alloc(&g->shared, g->lanes->len);
    g_ptr_array_add(g->lanes, lane);
    return lane;
}

static void dsa_queue_counters_add(DsaQueueCounters *sum,
                                   const DsaQueueCounters *c)
{
    sum->batches += qatomic_read(&c->batches);
    sum->descriptors += qatomic_read(&c->descriptors);
    sum->bytes += qatomic_read(&c->bytes);
    sum->retries += qatomic_read(&c->retries);
    sum->full += qatomic_read(&c->full);
}

static void dsa_counters_add(DsaCounters *sum, const DsaCounters *c)
{
    sum->page_faults += qatomic_read(&c->page_faults);
    sum->page_faults_unresolved += qatomic_read(&c->page_faults_unresolved);
    sum->list_faults += qatomic_read(&c->list_faults);
    for (int i = 0; i < DSA_CPU__MAX; i++) {
        sum->cpu_pages[i] += qatomic_read(&c->cpu_pages[i]);
    }
    sum->waits += qatomic_read(&c->waits);
    sum->wait_ns += qatomic_read(&c->wait_ns);
}

static DsaQueueStatus dsa_queue_status(DsaQueue *q)
{
    return (DsaQueueStatus) {
        .path = g_strdup(q->path),
        .backend = q->ops->name,
        .dedicated = q->dedicated,
        .max_batch_pages = MAX(q->max_batch, 1),
        .numa_node = q->numa_node,
        .given_up = dsa_queue_reason(q),
    };
}

DsaStatus *dsa_group_status(DsaGroup *g)
{
    DsaStatus *s = g_new0(DsaStatus, 1);

    s->completion = g->completion;
    s->nr_queues = g->queues->len;
    s->queue = g_new0(DsaQueueStatus, s->nr_queues);
    for (unsigned i = 0; i < s->nr_queues; i++) {
        s->queue[i] = dsa_queue_status(g->shared.queue[i]);
    }
    QEMU_LOCK_GUARD(&g->lock);
    for (guint k = 0; k < g->lanes->len; k++) {
        const DsaLane *lane = g_ptr_array_index(g->lanes, k);

        dsa_counters_add(&s->counters, &lane->counters);
        for (unsigned i = 0; i < s->nr_queues; i++) {
            dsa_queue_counters_add(&s->queue[i].counters,
                                   &lane->queue[i].counters);
        }
    }
    for (unsigned i = 0; i < s->nr_queues; i++) {
        dsa_queue_counters_add(&s->counters.queues, &s->queue[i].counters);
    }
    return s;
}

void dsa_status_free(DsaStatus *s)
{
    if (!s) {
        return;
    }
    for (unsigned i = 0; i < s->nr_queues; i++) {
        g_free(s->queue[i].path);
        g_free(s->queue[i].given_up);
    }
    g_free(s->queue);
    g_free(s);
}

void dsa_group_give_up(DsaGroup *g)
{
    dsa_completer_end(g->shared.completer);
}

char *dsa_group_take_warning(DsaGroup *g)
{
    for (guint i = 0; i < g->queues->len; i++) {
        char *warning = dsa_queue_take_warning(g_ptr_array_index(g->queues, i));

        if (warning) {
            return warning;
        }
    }
    return NULL;
}
