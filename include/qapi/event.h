/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where events go.  The generated qapi_event_send_foo() functions build the
 * event and hand it to a sink; a monitor owns the sink.
 *
 * Events are sent from any thread, so emit() must be callable from any: it
 * queues the event and does not send it on the spot.  This header owns no
 * locks.
 */
#ifndef QAPI_EVENT_H
#define QAPI_EVENT_H

struct json_object;

/**
 * QapiEventSink:
 * @emit: takes an event: its number (a QAPIEvent), its static name, and the
 *        whole object with event, data and timestamp, whose ownership passes
 * @opaque: passed to @emit
 */
typedef struct QapiEventSink {
    void (*emit)(void *opaque, unsigned event_enum, const char *name,
                 struct json_object *event);
    void *opaque;
} QapiEventSink;

/**
 * qapi_event_emit:
 * @sink: where to send it; not NULL
 * @event_enum: its number
 * @name: its name, static
 * @data: its data, or NULL for none; taken
 *
 * Wraps the data and sends it; used by generated code.
 *
 * Context: any thread that may call the sink's emit().
 */
void qapi_event_emit(QapiEventSink *sink, unsigned event_enum,
                     const char *name, struct json_object *data);

#endif /* QAPI_EVENT_H */
