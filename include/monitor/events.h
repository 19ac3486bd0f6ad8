/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From whoever has something to tell to every QMP session that listens: one
 * queue of events, emptied by the thread of the main loop.
 *
 * Threads: events are emitted from any thread.  In the loop's thread they go
 * out at once, behind those that wait; elsewhere they are queued and a bottom
 * half sends them.  The order of emission is kept.
 * Locks: MonitorEvents has one of its own, a leaf but for the main loop's
 * queue; no listener is called under it.
 */
#ifndef MONITOR_EVENTS_H
#define MONITOR_EVENTS_H

#include <stdbool.h>

#include <glib.h>

#include "qapi/event.h"
#include "qemu/main-loop.h"

typedef struct MonitorEvents MonitorEvents;

/* Gets each event as JSON text without a line end, in the loop's thread. */
typedef void MonitorEventFunc(const char *line, void *opaque);

/**
 * monitor_events_new:
 * @loop: whose thread sends events out; must outlive the result
 *
 * Makes a queue without listeners.
 *
 * Context: the loop's thread.  The caller frees it with
 * monitor_events_free().
 * Returns: the queue.
 */
MonitorEvents *monitor_events_new(MainLoop *loop);

/**
 * monitor_events_free:
 * @events: a queue that nobody emits to any more, or NULL
 *
 * Frees a queue; what still waits in it is dropped.
 *
 * Context: the loop's thread, all listeners gone.
 */
void monitor_events_free(MonitorEvents *events);

/**
 * monitor_events_sink:
 * @events: the queue
 *
 * The end that events are put in.
 *
 * Context: any thread.
 * Returns: the sink for qapi_event_send_…(), owned by @events.
 */
QapiEventSink *monitor_events_sink(MonitorEvents *events);

/**
 * monitor_events_listen:
 * @events: the queue
 * @fn: what to call for each event from now on
 * @opaque: handed to @fn, and what names the listener
 *
 * Adds a listener.  Events that still wait were emitted before it came and do
 * not reach it.
 *
 * Context: the loop's thread.
 */
void monitor_events_listen(MonitorEvents *events, MonitorEventFunc *fn,
                           void *opaque);

/**
 * monitor_events_unlisten:
 * @events: the queue
 * @opaque: as given to monitor_events_listen()
 *
 * Removes a listener; nothing happens when there is none of that name.
 *
 * Context: the loop's thread; from inside a listener, too.
 */
void monitor_events_unlisten(MonitorEvents *events, void *opaque);

/**
 * monitor_events_flush:
 * @events: the queue
 *
 * Sends out what waits.  A reply must not overtake the events that came
 * before it.
 *
 * Context: the loop's thread, not from inside a listener.
 */
void monitor_events_flush(MonitorEvents *events);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MonitorEvents, monitor_events_free)

#endif /* MONITOR_EVENTS_H */
