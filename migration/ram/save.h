/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RAM section of an outgoing stream: the payloads of START, PART and END.
 * Section headers and footers are the caller's.
 *
 * Threads: the migration thread only, but for ram_save_pending_bytes().
 * This header owns no locks.
 */
#ifndef MIGRATION_RAM_SAVE_H
#define MIGRATION_RAM_SAVE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "memory/dirty.h"
#include "memory/ram.h"
#include "migration/base/config.h"
#include "migration/base/rate.h"
#include "migration/base/stats.h"
#include "migration/ram/dirty-rate.h"
#include "migration/ram/mapped-out.h"
#include "migration/ram/page-sink.h"
#include "migration/stream/stream.h"

typedef struct RamSave RamSave;

/**
 * ram_save_new:
 * @config: settings
 * @list: the blocks
 * @dirty: where the guest's writes are logged
 * @out: the main channel
 * @sink: where pages go
 * @stats: counters
 * @rate: bandwidth limit
 *
 * All of them outlive the result.
 * Returns: a walk that has not begun
 */
RamSave *ram_save_new(const MigrationConfig *config, RamList *list,
                      DirtyProvider *dirty, MigStreamOut *out, PageSink *sink,
                      MigrationCounters *stats, RateLimit *rate);

/**
 * ram_save_free:
 * @rs: a walk, or NULL
 *
 * Stops dirty tracking if it runs.
 */
void ram_save_free(RamSave *rs);

/**
 * ram_save_set_mapped:
 * @rs: a walk that has not begun
 * @mapped: where @sink writes pages to their places in a file; outlives @rs.
 *          NULL: pages are on streams
 */
void ram_save_set_mapped(RamSave *rs, MappedOut *mapped);

/**
 * ram_save_setup:
 * @rs: a walk that has not begun
 * @errp: where to put the reason, or NULL
 *
 * Starts dirty tracking, puts the payload of START: the block list, the
 * first sync point, EOS.
 */
bool ram_save_setup(RamSave *rs, Error **errp);

/**
 * ram_save_sync_dirty:
 * @rs: a walk after setup
 * @errp: where to put the reason, or NULL
 *
 * Asks for the pages written since; begins a round.
 */
bool ram_save_sync_dirty(RamSave *rs, Error **errp);

/**
 * ram_save_take_period:
 * @rs: a walk after setup
 * @period: where to put what was measured
 *
 * Returns: true, once for each period, when one has ended with the last round
 */
bool ram_save_take_period(RamSave *rs, DirtyPeriod *period);

/**
 * ram_save_iterate:
 * @rs: a walk after setup
 * @errp: where to put the reason, or NULL
 *
 * Puts the payload of a PART: pages until the round ends, the bandwidth
 * limit is reached, or 50 ms are over; a sync point where the round ended; EOS.
 */
bool ram_save_iterate(RamSave *rs, Error **errp);

/**
 * ram_save_complete:
 * @rs: a walk after setup, of a guest that is stopped
 * @errp: where to put the reason, or NULL
 *
 * Puts the payload of END: all pages left, the last sync point, EOS.
 */
bool ram_save_complete(RamSave *rs, Error **errp);

/**
 * ram_save_pending_bytes:
 * @rs: a walk
 *
 * Context: any thread.
 * Returns: bytes of the pages known to be dirty and not sent
 */
uint64_t ram_save_pending_bytes(const RamSave *rs);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RamSave, ram_save_free)

#endif
