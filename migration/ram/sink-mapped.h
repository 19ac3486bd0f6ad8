/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sink that writes pages to their places in a file: all pages without
 * multifd, and with it the zero pages of `zero-page-detection=legacy`.
 *
 * Threads: the migration thread only.  This header owns no locks.
 */
#ifndef MIGRATION_RAM_SINK_MAPPED_H
#define MIGRATION_RAM_SINK_MAPPED_H

#include <glib.h>
#include "migration/base/config.h"
#include "migration/base/rate.h"
#include "migration/base/stats.h"
#include "migration/ram/mapped-out.h"
#include "migration/ram/page-sink.h"

typedef struct MappedSink MappedSink;

/**
 * mapped_sink_new:
 * @config: settings; outlives the sink
 * @out: where pages belong; outlives the sink
 * @stats: counters; outlives the sink
 * @rate: limit that is charged; outlives the sink
 *
 * Returns: a sink for one outgoing migration
 */
MappedSink *mapped_sink_new(const MigrationConfig *config, MappedOut *out,
                            MigrationCounters *stats, RateLimit *rate);

/**
 * mapped_sink_free:
 * @sink: a sink, or NULL
 */
void mapped_sink_free(MappedSink *sink);

/**
 * mapped_sink_page_sink:
 * @sink: a sink
 *
 * Returns: its PageSink, owned by @sink
 */
PageSink *mapped_sink_page_sink(MappedSink *sink);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MappedSink, mapped_sink_free)

#endif
