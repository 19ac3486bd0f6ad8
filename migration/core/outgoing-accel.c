/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator of an outgoing migration, from before it connects until its
 * channels have ended, and what query-migrate says of it.
 *
 * Entered by `live_migration`, which opens and closes it, and by the main
 * thread, which asks at any time.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "migration/core/outgoing.h"
#include "migration/multifd/accel.h"
#include "migration/multifd/compress.h"

/*
 * Queues belong to the process that has opened them.  The program becomes a
 * daemon before its main loop runs, so before this is called.
 */
bool outgoing_open_accel(MigrationOut *o, Error **errp)
{
    MultiFDAccel *accel;

    if (o->config.zero_page_detection != ZERO_PAGE_DETECTION_DSA_ACCEL) {
        return true;
    }
    accel = multifd_accel_new(&o->config, &o->stop_opening, errp);
    if (!accel) {
        return false;
    }
    WITH_QEMU_LOCK_GUARD(&o->lock) {
        o->accel = accel;
    }
    /* A cancel from now on finds it; one before is seen when we connect. */
    return true;
}

void outgoing_warn_compression(MigrationOut *o)
{
    g_autofree char *notice = multifd_compression_notice(&o->config);

    if (notice) {
        o->host->machine->warn(o->host->machine_opaque, notice);
    }
}

void outgoing_warn_accel(MigrationOut *o)
{
    char *warning;

    while (o->accel && (warning = multifd_accel_take_warning(o->accel))) {
        o->host->machine->warn(o->host->machine_opaque, warning);
        g_free(warning);
    }
}

void outgoing_close_accel(MigrationOut *o)
{
    MultiFDAccel *accel;
    MultiFDAccelStatus *status;

    if (!o->accel) {
        return;
    }
    outgoing_warn_accel(o);
    status = multifd_accel_status(o->accel);
    WITH_QEMU_LOCK_GUARD(&o->lock) {
        accel = g_steal_pointer(&o->accel);
        o->accel_status = status;
    }
    /* Waits for what the queues have not done yet: nobody else is to. */
    multifd_accel_free(accel);
}

static DsaQueueStats *accel_queue_stats(const DsaQueueStatus *queue)
{
    const DsaQueueCounters *c = &queue->counters;
    DsaQueueStats *stats = g_new0(DsaQueueStats, 1);

    stats->path = g_strdup(queue->path);
    stats->backend = g_strdup(queue->backend);
    stats->mode = queue->dedicated ? ACCEL_QUEUE_MODE_DEDICATED
                                   : ACCEL_QUEUE_MODE_SHARED;
    stats->max_batch_size = queue->max_batch_pages;
    stats->has_numa_node = queue->numa_node >= 0;
    stats->numa_node = queue->numa_node;
    stats->given_up = g_strdup(queue->given_up);
    stats->batches = c->batches;
    stats->descriptors = c->descriptors;
    stats->bytes = c->bytes;
    stats->retries = c->retries;
    stats->full = c->full;
    return stats;
}

static DsaCpuPages *accel_cpu_pages(const MultiFDAccelStatus *status)
{
    const uint64_t *pages = status->dsa->counters.cpu_pages;
    DsaCpuPages *cpu = g_new0(DsaCpuPages, 1);

    cpu->looked = status->looked_pages;
    cpu->stepped_back = status->stepped_back_pages;
    cpu->page_fault = pages[DSA_CPU_PAGE_FAULT];
    cpu->not_done = pages[DSA_CPU_NOT_DONE];
    cpu->queue_full = pages[DSA_CPU_QUEUE_FULL];
    cpu->timeout = pages[DSA_CPU_TIMEOUT];
    cpu->device_error = pages[DSA_CPU_DEVICE_ERROR];
    cpu->no_queue = pages[DSA_CPU_NO_QUEUE];
    return cpu;
}

static DsaStats *accel_stats(const MultiFDAccelStatus *status)
{
    const DsaStatus *dsa = status->dsa;
    const DsaCounters *c = &dsa->counters;
    DsaStats *stats = g_new0(DsaStats, 1);
    DsaQueueStatsList **tail = &stats->queues;

    stats->completion = dsa->completion == DSA_COMPLETION_IN_THREAD
                        ? DSA_COMPLETION_MODE_IN_THREAD
                        : DSA_COMPLETION_MODE_THREAD;
    for (unsigned i = 0; i < dsa->nr_queues; i++) {
        QAPI_LIST_APPEND(tail, accel_queue_stats(&dsa->queue[i]));
    }
    stats->batches = c->queues.batches;
    stats->descriptors = c->queues.descriptors;
    stats->bytes = c->queues.bytes;
    stats->retries = c->queues.retries;
    stats->page_faults = c->page_faults;
    stats->page_faults_unresolved = c->page_faults_unresolved;
    stats->list_faults = c->list_faults;
    stats->cpu_pages = accel_cpu_pages(status);
    stats->steps_back = status->steps_back;
    stats->waits = c->waits;
    stats->wait_time = c->wait_ns;
    return stats;
}

ZeroPageDetectorInfo *outgoing_detector_info(MigrationOut *o)
{
    ZeroPageDetectorInfo *info = g_new0(ZeroPageDetectorInfo, 1);
    MultiFDAccelStatus *now = NULL;

    info->detector = o->config.zero_page_detection;
    QEMU_LOCK_GUARD(&o->lock);
    if (o->accel) {
        now = multifd_accel_status(o->accel);
    }
    if (now || o->accel_status) {
        info->dsa = accel_stats(now ? now : o->accel_status);
    }
    multifd_accel_status_free(now);
    return info;
}
