/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One QMP session: greeting, negotiation, requests in, replies and events out.
 *
 * The thread of the main loop, in which the stream never waits.  While replies
 * pile up, no request is read or run; events cannot be held back like that, so
 * a client that lets too many pile up is dropped.
 *
 * What the commands do is not its business: it has a list of them.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "io/channel-stream.h"
#include "monitor/json-stream.h"
#include "monitor/qmp-session.h"
#include "monitor/qmp-text.h"
#include "monitor/trace.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-control.h"
#include "qapi/qapi-commands-fds.h"

/* Replies that wait: above this no further request is taken. */
#define MONITOR_OUT_PAUSE_BYTES (64 * 1024)
/* Events that wait on top of that: above this the client is dropped. */
#define MONITOR_OUT_MAX_BYTES (4 * 1024 * 1024)

struct MonitorQmp {
    /* set once */
    MonitorHost host;
    MonitorQmpClosedFunc *closed_fn;
    void *closed_opaque;

    /* valid before and after qmp_capabilities */
    QmpCommandList *negotiation;
    QmpCommandList *commands;
    bool negotiated;

    JsonStream *input;
    QIOStream *stream;
};

static void monitor_qmp_closed(void *opaque)
{
    MonitorQmp *mon = opaque;

    trace_monitor_session_close(mon);
    monitor_events_unlisten(mon->host.events, mon);
    if (mon->closed_fn) {
        mon->closed_fn(mon->closed_opaque);
    }
}

static void monitor_qmp_event(const char *line, void *opaque)
{
    MonitorQmp *mon = opaque;

    size_t pending = qio_stream_pending(mon->stream);

    if (pending + strlen(line) > MONITOR_OUT_MAX_BYTES) {
        trace_monitor_session_overflow(mon, pending);
        qio_stream_close(mon->stream);
        return;
    }
    qio_stream_write_line(mon->stream, line, "\r\n");
}

static void monitor_qmp_reply(MonitorQmp *mon, struct json_object *reply)
{
    g_autofree char *line = NULL;

    if (reply) {
        line = qmp_text(reply);
        json_object_put(reply);
        /* What happened before the reply was made is told before it. */
        monitor_events_flush(mon->host.events);
        qio_stream_write_line(mon->stream, line, "\r\n");
    }
}

static void monitor_qmp_request(MonitorQmp *mon, struct json_object *request)
{
    trace_monitor_session_request(mon);
    monitor_qmp_reply(mon, qmp_dispatch(mon->negotiated ? mon->commands
                                                        : mon->negotiation,
                                        request));
    json_object_put(request);
}

/* Runs the requests that have come, as long as their replies get away. */
static void monitor_qmp_input(const char *data, size_t len_bytes, void *opaque)
{
    MonitorQmp *mon = opaque;

    json_stream_feed(mon->input, data, len_bytes);
    while (!qio_stream_is_paused(mon->stream)) {
        struct json_object *request = NULL;
        Error *err = NULL;

        switch (json_stream_next(mon->input, &request, &err)) {
        case JSON_STREAM_VALUE:
            monitor_qmp_request(mon, request);
            break;
        case JSON_STREAM_ERROR:
            monitor_qmp_reply(mon, qmp_error_response(err));
            break;
        case JSON_STREAM_MORE:
            return;
        }
    }
}

/* The greeting's version is the answer of query-version. */
static void monitor_qmp_greet(MonitorQmp *mon)
{
    const QmpCommand *cmd = qmp_find_command(mon->commands, "query-version");
    struct json_object *greeting = json_object_new_object();
    struct json_object *qmp = json_object_new_object();
    struct json_object *args = json_object_new_object();
    struct json_object *version = NULL;

    cmd->fn(cmd->ctx, args, &version, NULL);
    json_object_put(args);
    json_object_object_add(qmp, "version", version);
    json_object_object_add(qmp, "capabilities", json_object_new_array());
    json_object_object_add(greeting, "QMP", qmp);
    monitor_qmp_reply(mon, greeting);
}

static void monitor_qmp_init_commands(MonitorQmp *mon)
{
    const QmpCommand *cmd;

    mon->commands = qmp_command_list_new();
    qmp_register_control_commands(mon->commands, mon);
    if (mon->host.fds) {
        qmp_register_fds_commands(mon->commands, mon);
    }
    qmp_register_introspection(mon->commands);
    if (mon->host.register_commands) {
        mon->host.register_commands(mon->commands, mon->host.opaque);
    }

    mon->negotiation = qmp_command_list_new();
    qmp_command_list_set_not_found(
        mon->negotiation,
        "Expecting capabilities negotiation with 'qmp_capabilities'");
    cmd = qmp_find_command(mon->commands, "qmp_capabilities");
    qmp_register_command(mon->negotiation, cmd->name, cmd->fn, cmd->ctx,
                         cmd->options);
}

MonitorQmp *monitor_qmp_new(QIOChannel *ioc, const MonitorHost *host,
                            MonitorQmpClosedFunc *closed, void *opaque,
                            Error **errp)
{
    g_autofree MonitorQmp *mon = g_new0(MonitorQmp, 1);
    const QIOStreamHost stream_host = {
        .context = main_loop_context(host->loop),
        .pause_bytes = MONITOR_OUT_PAUSE_BYTES,
        .takes_fds = host->fds != NULL,
        .input = monitor_qmp_input,
        .closed = monitor_qmp_closed,
        .opaque = mon,
    };

    mon->stream = qio_stream_new(ioc, &stream_host, errp);
    if (!mon->stream) {
        return NULL;
    }
    mon->host = *host;
    mon->closed_fn = closed;
    mon->closed_opaque = opaque;
    mon->input = json_stream_new(MONITOR_REQUEST_MAX_BYTES,
                                 MONITOR_REQUEST_MAX_DEPTH);
    monitor_qmp_init_commands(mon);
    trace_monitor_session_open(mon);
    monitor_qmp_greet(mon);
    return g_steal_pointer(&mon);
}

void monitor_qmp_free(MonitorQmp *mon)
{
    if (mon) {
        mon->closed_fn = NULL;
        qio_stream_close(mon->stream);
        qio_stream_free(mon->stream);
        qmp_command_list_free(mon->negotiation);
        qmp_command_list_free(mon->commands);
        json_stream_free(mon->input);
        g_free(mon);
    }
}

void monitor_qmp_flush(MonitorQmp *mon, int timeout_ms)
{
    qio_stream_flush(mon->stream, timeout_ms);
}

bool monitor_qmp_negotiate(MonitorQmp *mon)
{
    if (mon->negotiated) {
        return false;
    }
    mon->negotiated = true;
    monitor_events_listen(mon->host.events, monitor_qmp_event, mon);
    return true;
}

void monitor_qmp_quit(MonitorQmp *mon)
{
    if (mon->host.quit) {
        mon->host.quit(mon->host.opaque);
    }
}

const QmpCommandList *monitor_qmp_commands(MonitorQmp *mon)
{
    return mon->commands;
}

const HmpHost *monitor_qmp_hmp(MonitorQmp *mon)
{
    return mon->host.hmp;
}

FdStore *monitor_qmp_fds(MonitorQmp *mon)
{
    return mon->host.fds;
}

int monitor_qmp_take_fd(MonitorQmp *mon)
{
    return qio_stream_take_fd(mon->stream);
}
