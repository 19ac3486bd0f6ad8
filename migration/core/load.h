/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main stream of one incoming migration.  Apart from the listening around
 * it, so that a fuzz target or a test can load from any channel.
 *
 * Threads: the load thread only; migration_load_bytes() from any.
 * This header owns no locks.
 */
#ifndef MIGRATION_CORE_LOAD_H
#define MIGRATION_CORE_LOAD_H

#include <stdbool.h>
#include <glib.h>
#include "io/channel.h"
#include "migration/migration.h"
#include "migration/ram/load.h"
#include "migration/ram/received.h"

typedef struct MigrationLoad MigrationLoad;

/**
 * migration_load_new:
 * @host: the machine; outlives the result
 * @config: settings; outlives the result
 * @received: where pages are noted; outlives the result
 * @ram_ops: multifd channels, or members NULL without any
 * @ram_opaque: handed to @ram_ops
 * @ioc: the main channel, blocking; a reference is taken
 * @head: bytes already read from it; copied
 * @head_len_bytes: how many
 *
 * Returns: a load that has not begun
 */
MigrationLoad *migration_load_new(const MigrationHost *host,
                                  const MigrationConfig *config,
                                  RamReceived *received,
                                  const RamLoadOps *ram_ops, void *ram_opaque,
                                  QIOChannel *ioc, const void *head,
                                  size_t head_len_bytes);

/**
 * migration_load_free:
 * @load: a load, or NULL
 */
void migration_load_free(MigrationLoad *load);

/**
 * migration_load_bytes:
 * @load: a load
 *
 * Context: any thread.
 * Returns: bytes of the main stream that were taken so far
 */
uint64_t migration_load_bytes(const MigrationLoad *load);

/**
 * migration_load_packet_pages:
 * @load: a load whose configuration was read
 *
 * Returns: pages of a multifd packet that the source has announced, 0 when it
 *          has announced nothing
 */
unsigned migration_load_packet_pages(const MigrationLoad *load);

/**
 * migration_load_stream:
 * @load: a load that has not begun
 * @errp: where to put the reason, or NULL
 *
 * Loads everything up to and including the EOF byte.  Memory is written as it
 * comes, device state is only parsed.
 */
bool migration_load_stream(MigrationLoad *load, Error **errp);

/**
 * migration_load_skip_vmdesc:
 * @load: a load whose stream is loaded
 * @timeout_ms: how long to wait for it to begin, milliseconds
 * @errp: where to put the reason, or NULL
 *
 * Reads and drops the description that follows, if any.
 */
bool migration_load_skip_vmdesc(MigrationLoad *load, int timeout_ms,
                                Error **errp);

/**
 * migration_load_apply:
 * @load: a load whose stream is loaded
 * @errp: where to put the reason, or NULL
 *
 * Gives the devices their state and the machine its run state.
 */
bool migration_load_apply(MigrationLoad *load, Error **errp);

/**
 * migration_load_reply:
 * @load: a load that has ended
 * @arrived: whether the guest lives here now
 *
 * Tells the source, if it asked to be told.
 */
void migration_load_reply(MigrationLoad *load, bool arrived);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MigrationLoad, migration_load_free)

#endif
