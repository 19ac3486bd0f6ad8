/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accelerator of one outgoing migration: a DSA group, and the counters of
 * the detectors on it, which outlive those.
 *
 * Threads: see accel.h.  The lock guards the list of counters.
 */
#include "qemu/osdep.h"
#include "memory/ram.h"
#include "migration/multifd/accel.h"
#include "migration/multifd/zero-page-dsa.h"
#include "qemu/atomic.h"
#include "qemu/memalign.h"
#include "qemu/thread.h"

/* Channels count at the same time: no two of them in one cache line. */
#define COUNTERS_ALIGN_BYTES 64

struct MultiFDAccel {
    DsaGroup *group;
    bool adaptive;
    QemuMutex lock;
    GPtrArray *counters;        /* ZeroPageDsaCounters of each detector */
};

MultiFDAccel *multifd_accel_new(const MigrationConfig *config,
                                const bool *stop, Error **errp)
{
    const DsaOptions options = {
        .completion = config->dsa_completion,
        .batch_pages = config->multifd_packet_pages,
        .page_bytes = TARGET_PAGE_SIZE,
        .timeout_ms = config->dsa_timeout_ms,
        .stop = stop,
    };
    MultiFDAccel *accel;
    DsaGroup *group = dsa_group_new((const char *const *)config->accel_paths,
                                    &options, errp);

    if (!group) {
        return NULL;
    }
    accel = g_new0(MultiFDAccel, 1);
    accel->group = group;
    accel->adaptive = config->dsa_adaptive;
    qemu_mutex_init(&accel->lock);
    accel->counters = g_ptr_array_new_with_free_func(qemu_vfree);
    return accel;
}

void multifd_accel_free(MultiFDAccel *accel)
{
    if (!accel) {
        return;
    }
    dsa_group_free(accel->group);
    g_ptr_array_unref(accel->counters);
    qemu_mutex_destroy(&accel->lock);
    g_free(accel);
}

ZeroPageDetector *multifd_accel_detector(MultiFDAccel *accel)
{
    ZeroPageDsaCounters *counters =
        qemu_memalign(COUNTERS_ALIGN_BYTES,
                      ROUND_UP(sizeof(*counters), COUNTERS_ALIGN_BYTES));

    memset(counters, 0, sizeof(*counters));
    WITH_QEMU_LOCK_GUARD(&accel->lock) {
        g_ptr_array_add(accel->counters, counters);
    }
    return zero_page_detector_new_dsa(dsa_lane_new(accel->group),
                                      accel->adaptive, counters);
}

MultiFDAccelStatus *multifd_accel_status(MultiFDAccel *accel)
{
    MultiFDAccelStatus *status = g_new0(MultiFDAccelStatus, 1);

    status->dsa = dsa_group_status(accel->group);
    QEMU_LOCK_GUARD(&accel->lock);
    for (guint i = 0; i < accel->counters->len; i++) {
        const ZeroPageDsaCounters *c = g_ptr_array_index(accel->counters, i);

        status->looked_pages += qatomic_read(&c->looked_pages);
        status->stepped_back_pages += qatomic_read(&c->stepped_back_pages);
        status->steps_back += qatomic_read(&c->steps_back);
    }
    return status;
}

void multifd_accel_status_free(MultiFDAccelStatus *status)
{
    if (status) {
        dsa_status_free(status->dsa);
        g_free(status);
    }
}

void multifd_accel_give_up(MultiFDAccel *accel)
{
    if (accel) {
        dsa_group_give_up(accel->group);
    }
}

char *multifd_accel_take_warning(MultiFDAccel *accel)
{
    return dsa_group_take_warning(accel->group);
}
