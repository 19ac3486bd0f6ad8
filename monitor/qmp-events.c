/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue between those who emit events and the QMP sessions.
 *
 * Each event becomes text in the thread that emits it, since a json-c value
 * must not be shared between threads.  The loop's thread hands the texts to
 * the listeners; what a listener does with them (send, buffer, give up on its
 * client) is its own business.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "monitor/events.h"
#include "monitor/qmp-text.h"
#include "qemu/thread.h"

typedef struct MonitorListener {
    MonitorEventFunc *fn;
    void *opaque;
} MonitorListener;

struct MonitorEvents {
    /* set once */
    MainLoop *loop;
    QapiEventSink sink;

    /* the loop's thread only */
    GArray *listeners;      /* of MonitorListener */

    QemuMutex lock;
    GQueue queue;           /* of char *, guarded by @lock */
    bool scheduled;         /* a flush is on its way, guarded by @lock */
};

static void monitor_events_bottom_half(void *opaque)
{
    MonitorEvents *events = opaque;

    WITH_QEMU_LOCK_GUARD(&events->lock) {
        events->scheduled = false;
    }
    monitor_events_flush(events);
}

static void monitor_events_emit(void *opaque, unsigned event_enum,
                                const char *name, struct json_object *event)
{
    MonitorEvents *events = opaque;
    bool schedule = false;
    bool here = main_loop_in_thread(events->loop);

    WITH_QEMU_LOCK_GUARD(&events->lock) {
        g_queue_push_tail(&events->queue, qmp_text(event));
        if (!here && !events->scheduled) {
            events->scheduled = true;
            schedule = true;
        }
    }
    json_object_put(event);
    if (schedule) {
        main_loop_schedule(events->loop, monitor_events_bottom_half, events);
    }
    if (here) {
        monitor_events_flush(events);
    }
}

MonitorEvents *monitor_events_new(MainLoop *loop)
{
    MonitorEvents *events = g_new0(MonitorEvents, 1);

    events->loop = loop;
    events->sink.emit = monitor_events_emit;
    events->sink.opaque = events;
    events->listeners = g_array_new(false, false, sizeof(MonitorListener));
    qemu_mutex_init(&events->lock);
    g_queue_init(&events->queue);
    return events;
}

void monitor_events_free(MonitorEvents *events)
{
    if (events) {
        main_loop_cancel(events->loop, monitor_events_bottom_half, events);
        g_queue_clear_full(&events->queue, g_free);
        qemu_mutex_destroy(&events->lock);
        g_array_unref(events->listeners);
        g_free(events);
    }
}

QapiEventSink *monitor_events_sink(MonitorEvents *events)
{
    return &events->sink;
}

void monitor_events_listen(MonitorEvents *events, MonitorEventFunc *fn,
                           void *opaque)
{
    MonitorListener listener = { .fn = fn, .opaque = opaque };

    monitor_events_flush(events);
    g_array_append_val(events->listeners, listener);
}

void monitor_events_unlisten(MonitorEvents *events, void *opaque)
{
    for (guint i = 0; i < events->listeners->len; i++) {
        MonitorListener *listener =
            &g_array_index(events->listeners, MonitorListener, i);

        if (listener->opaque == opaque) {
            g_array_remove_index(events->listeners, i);
            return;
        }
    }
}

void monitor_events_flush(MonitorEvents *events)
{
    for (;;) {
        g_autofree char *line = NULL;

        WITH_QEMU_LOCK_GUARD(&events->lock) {
            line = g_queue_pop_head(&events->queue);
        }
        if (!line) {
            return;
        }
        /* From the end: a listener may remove itself while it is called. */
        for (guint i = events->listeners->len; i-- > 0;) {
            MonitorListener listener =
                g_array_index(events->listeners, MonitorListener, i);

            listener.fn(line, listener.opaque);
        }
    }
}
