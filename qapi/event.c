/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame around an event's data.
 *
 * Runs in whatever thread an event happens in; sending is left to the sink.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "qapi/event.h"

void qapi_event_emit(QapiEventSink *sink, unsigned event_enum,
                     const char *name, struct json_object *data)
{
    int64_t now_us = g_get_real_time();
    struct json_object *event = json_object_new_object();
    struct json_object *stamp = json_object_new_object();

    json_object_object_add(stamp, "seconds",
                           json_object_new_int64(now_us / G_USEC_PER_SEC));
    json_object_object_add(stamp, "microseconds",
                           json_object_new_int64(now_us % G_USEC_PER_SEC));
    json_object_object_add(event, "timestamp", stamp);
    json_object_object_add(event, "event", json_object_new_string(name));
    if (data) {
        json_object_object_add(event, "data", data);
    }
    sink->emit(sink->opaque, event_enum, name, event);
}
