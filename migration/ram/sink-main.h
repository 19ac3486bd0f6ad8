/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sink that sends pages as records on the main channel: all pages without
 * multifd, and the zero pages of `zero-page-detection=legacy` with it.
 *
 * Threads: the migration thread only.  This header owns no locks.
 */
#ifndef MIGRATION_RAM_SINK_MAIN_H
#define MIGRATION_RAM_SINK_MAIN_H

#include <glib.h>
#include "migration/base/config.h"
#include "migration/base/rate.h"
#include "migration/base/stats.h"
#include "migration/ram/page-sink.h"
#include "migration/stream/stream.h"

typedef struct MainSink MainSink;

/**
 * main_sink_new:
 * @config: settings; outlives the sink
 * @out: the main channel; outlives the sink
 * @stats: counters; outlives the sink
 * @rate: limit that is charged; outlives the sink
 *
 * Returns: a sink for one outgoing stream: it remembers across sections which
 *          block was named last
 */
MainSink *main_sink_new(const MigrationConfig *config, MigStreamOut *out,
                        MigrationCounters *stats, RateLimit *rate);

/**
 * main_sink_free:
 * @sink: a sink, or NULL
 */
void main_sink_free(MainSink *sink);

/**
 * main_sink_page_sink:
 * @sink: a sink
 *
 * Returns: its PageSink, owned by @sink
 */
PageSink *main_sink_page_sink(MainSink *sink);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MainSink, main_sink_free)

#endif
