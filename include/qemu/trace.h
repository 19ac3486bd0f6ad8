/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trace points: one line of text, and a USDT probe where the build has
 * them, at places that a `trace-events` list names.
 *
 * scripts/tracegen.py makes from each folder's list a header with one
 * trace_NAME() function an event, and a table of the events.  system/ hands
 * all tables to trace_init().  The enabled flags, the tables and the output
 * are the one exception to "no globals": a trace point must cost one load
 * when it is off and must not need a handle.
 */
#ifndef QEMU_TRACE_H
#define QEMU_TRACE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "qemu/atomic.h"
#include "qemu/compiler.h"

/**
 * TraceEvent:
 * @name: as in the list
 * @enabled: relaxed atomic; change it through trace_enable_pattern()
 */
typedef struct TraceEvent {
    const char *name;
    bool enabled;
} TraceEvent;

/**
 * TraceEventTable:
 * @group: the folder's name, for instance "util"
 * @events: the events
 * @nr_events: how many
 */
typedef struct TraceEventTable {
    const char *group;
    TraceEvent *const *events;
    size_t nr_events;
} TraceEventTable;

/**
 * TraceEventFunc:
 * @ev: an event
 * @opaque: as given to trace_foreach()
 *
 * Called for each event.
 */
typedef void TraceEventFunc(const TraceEvent *ev, void *opaque);

/**
 * trace_event_enabled:
 * @ev: the event
 *
 * The cheap test in front of each trace point.
 *
 * Context: any thread.
 * Returns: true when lines are wanted.
 */
static inline bool trace_event_enabled(const TraceEvent *ev)
{
    return unlikely(qatomic_read(&ev->enabled));
}

/**
 * trace_init:
 * @tables: the tables of all folders; kept by reference
 * @nr_tables: how many
 *
 * Makes the events known to trace_enable_pattern() and trace_foreach().
 * Events work without it; they are just off.
 *
 * Context: main thread, before other threads run.
 */
void trace_init(const TraceEventTable *const *tables, size_t nr_tables);

/**
 * trace_enable_pattern:
 * @pattern: a name, or a glob with `*` and `?`; a `-` in front turns the
 *           matching events off instead of on
 *
 * Turns events on or off.
 *
 * Context: any thread.
 * Returns: how many events match; 0 means that there is no such event.
 */
size_t trace_enable_pattern(const char *pattern);

/**
 * trace_foreach:
 * @fn: called for each event, in the order of the tables
 * @opaque: passed to it
 *
 * Lists the events, for help texts.
 *
 * Context: any thread.
 */
void trace_foreach(TraceEventFunc *fn, void *opaque);

/**
 * trace_set_output_fd:
 * @fd: where lines go; borrowed, stays open until another is set
 *
 * Chooses the output; at first it is standard error.
 *
 * Context: any thread.
 */
void trace_set_output_fd(int fd);

/**
 * trace_log:
 * @ev: the event
 * @fmt: printf format of its arguments
 *
 * Writes one line in one write(): "wherry: pid@seconds.usec:name args".
 * A line that cannot be written is lost; tracing never fails its caller.
 *
 * Context: any thread; errno is kept.
 */
void trace_log(const TraceEvent *ev, const char *fmt, ...)
    G_GNUC_PRINTF(2, 3);

#endif /* QEMU_TRACE_H */
