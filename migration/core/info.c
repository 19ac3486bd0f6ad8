/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What query-migrate says of an outgoing migration: a snapshot of counters.
 *
 * Entered by the main thread; waits for nobody.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/timer.h"
#include "migration/core/outgoing.h"

/* Which members a client finds in which status is as QEMU has it. */
static bool info_has_ram(MigrationStatus status)
{
    return status == MIGRATION_STATUS_ACTIVE ||
           status == MIGRATION_STATUS_PRE_SWITCHOVER ||
           status == MIGRATION_STATUS_DEVICE ||
           status == MIGRATION_STATUS_CANCELLING ||
           status == MIGRATION_STATUS_COMPLETED;
}

static bool info_has_detector(MigrationStatus status)
{
    return status != MIGRATION_STATUS_NONE && status != MIGRATION_STATUS_SETUP;
}

static int64_t info_total_ms(MigrationOut *o)
{
    int64_t total_ms = qatomic_read(&o->total_ms);

    if (total_ms == 0) {
        total_ms = (qemu_clock_get_us(QEMU_CLOCK_REALTIME) - o->start_us) /
                   1000;
    }
    return total_ms;
}

/*
 * What a switchover would have to send now: what is known to be left, and what
 * the guest must have written since anybody looked.
 */
static double info_expected_pages(MigrationOut *o)
{
    const MigrationCounters *c = &o->counters;
    double total =
        (double)(ram_list_total_bytes(o->host->ram) >> TARGET_PAGE_BITS);
    int64_t begin_us, unseen_us;
    double pages;

    /* Both of the same round: next to nothing is left at the end of one. */
    do {
        begin_us = qatomic_load_acquire(&c->round_begin_us);
        pages = (double)qatomic_load_acquire(&c->remaining_pages);
    } while (qatomic_read(&c->round_begin_us) != begin_us);

    unseen_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME) - begin_us;
    if (qatomic_read(&o->stop_us) == 0) {
        pages += (double)qatomic_read(&c->dirty_pages_rate) *
                 (double)unseen_us / 1e6;
    }
    return MIN(pages, total);
}

static int64_t info_expected_downtime_ms(MigrationOut *o)
{
    uint64_t bandwidth = outgoing_switchover_bandwidth(o);

    if (bandwidth == 0) {
        return (int64_t)qatomic_read(&o->live->downtime_limit_ms);
    }
    return (int64_t)(info_expected_pages(o) * TARGET_PAGE_SIZE * 1000.0 /
                     (double)bandwidth);
}

static void info_throttle(MigrationOut *o, MigrationInfo *info)
{
    unsigned percent = throttle_percent(&o->throttle);

    info->has_cpu_throttle_percentage = percent > 0;
    info->cpu_throttle_percentage = percent;
}

/* Bytes sent while the guest was stopped count as downtime's. */
static void info_phases(MigrationOut *o, MigrationStats *ram)
{
    uint64_t precopy = 0;

    if (o->guest_ran) {
        precopy = qatomic_read(&o->stop_us) != 0
                  ? qatomic_read(&o->transferred_at_stop)
                  : ram->transferred;
    }
    /* The guest may have been stopped after @transferred was read. */
    precopy = MIN(precopy, ram->transferred);
    ram->precopy_bytes = precopy;
    ram->downtime_bytes = ram->transferred - precopy;
}

static MigrationStats *info_ram(MigrationOut *o)
{
    MigrationCounters *c = &o->counters;
    MigrationStats *ram = g_new0(MigrationStats, 1);
    uint64_t zero_pages = qatomic_read(&c->zero_pages);

    ram->transferred = counters_transferred_bytes(c);
    ram->multifd_bytes = qatomic_read(&c->multifd_bytes);
    ram->total = ram_list_total_bytes(o->host->ram);
    ram->remaining = qatomic_read(&c->remaining_pages) << TARGET_PAGE_BITS;
    ram->duplicate = zero_pages;
    ram->zero_pages = zero_pages;
    ram->zero_bytes = zero_pages << TARGET_PAGE_BITS;
    ram->normal = qatomic_read(&c->normal_pages);
    ram->normal_bytes = ram->normal << TARGET_PAGE_BITS;
    ram->dirty_sync_count = qatomic_read(&c->dirty_sync_count);
    ram->dirty_sync_missed_zero_copy = qatomic_read(&c->zero_copy_missed);
    ram->dirty_pages_rate = qatomic_read(&c->dirty_pages_rate);
    ram->pages_per_second = qatomic_read(&c->pages_per_second);
    ram->page_size = TARGET_PAGE_SIZE;
    ram->mbps = (double)qatomic_read(&o->bandwidth) * 8 / 1e6;
    info_phases(o, ram);
    return ram;
}

void outgoing_info(MigrationOut *o, MigrationInfo *info)
{
    MigrationStatus status = migration_state_get(&o->state);

    info->has_status = true;
    info->status = status;
    info->error_desc = migration_state_error(&o->state);
    if (info_has_detector(status)) {
        info->zero_page_detector = outgoing_detector_info(o);
    }
    if (!info_has_ram(status)) {
        return;
    }
    info->has_total_time = true;
    info->total_time = info_total_ms(o);
    info->has_setup_time = true;
    info->setup_time = qatomic_read(&o->setup_ms);
    if (status == MIGRATION_STATUS_COMPLETED) {
        info->has_downtime = true;
        info->downtime = qatomic_read(&o->downtime_ms);
    } else {
        info->has_expected_downtime = true;
        info->expected_downtime = info_expected_downtime_ms(o);
    }
    info_throttle(o, info);
    info->ram = info_ram(o);
}
