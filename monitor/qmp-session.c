/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One QMP session: greeting, negotiation, requests in, replies and events out.
 *
 * Runs in the thread of the main loop and never waits in it: reads and writes
 * are non-blocking and driven by watches.  While replies pile up, no request
 * is read or run; events cannot be held back like that, so a client that lets
 * too many pile up is dropped.
 *
 * What the commands do is not its business: it has a list of them.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>
#include <poll.h>

#include "monitor/json-stream.h"
#include "monitor/qmp-session.h"
#include "monitor/qmp-text.h"
#include "monitor/trace.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-control.h"

/* Enough for some hundred requests a turn of the loop. */
#define MONITOR_READ_BYTES (16 * 1024)
/* Replies that wait: above this no further request is taken. */
#define MONITOR_OUT_PAUSE_BYTES (64 * 1024)
/* Events that wait on top of that: above this the client is dropped. */
#define MONITOR_OUT_MAX_BYTES (4 * 1024 * 1024)

struct MonitorQmp {
    /* set once */
    MonitorHost host;
    QIOChannel *ioc;
    MonitorQmpClosedFunc *closed_fn;
    void *closed_opaque;

    /* valid before and after qmp_capabilities */
    QmpCommandList *negotiation;
    QmpCommandList *commands;
    bool negotiated;

    JsonStream *input;
    GByteArray *out;
    size_t out_offset;      /* bytes of @out that are sent */

    GSource *in_watch;
    GSource *out_watch;
    bool eof;               /* the client will say no more */
    bool closed;            /* the session is over */
};

static void monitor_qmp_process(MonitorQmp *mon);
static void monitor_qmp_update(MonitorQmp *mon);

static size_t monitor_qmp_pending(const MonitorQmp *mon)
{
    return mon->out->len - mon->out_offset;
}

static void monitor_qmp_remove_watch(GSource **watch)
{
    if (*watch) {
        g_source_destroy(*watch);
        g_source_unref(*watch);
        *watch = NULL;
    }
}

static void monitor_qmp_close(MonitorQmp *mon)
{
    if (mon->closed) {
        return;
    }
    mon->closed = true;
    trace_monitor_session_close(mon);
    monitor_qmp_remove_watch(&mon->in_watch);
    monitor_qmp_remove_watch(&mon->out_watch);
    monitor_events_unlisten(mon->host.events, mon);
    if (mon->closed_fn) {
        mon->closed_fn(mon, mon->closed_opaque);
    }
}

/* Writes what the client takes now. */
static void monitor_qmp_write(MonitorQmp *mon)
{
    while (!mon->closed && monitor_qmp_pending(mon)) {
        struct iovec iov = {
            .iov_base = mon->out->data + mon->out_offset,
            .iov_len = monitor_qmp_pending(mon),
        };
        ssize_t n = qio_channel_writev(mon->ioc, &iov, 1, NULL);

        if (n == QIO_CHANNEL_ERR_BLOCK) {
            break;
        }
        if (n <= 0) {
            monitor_qmp_close(mon);
            return;
        }
        mon->out_offset += n;
    }
    if (!monitor_qmp_pending(mon)) {
        g_byte_array_set_size(mon->out, 0);
        mon->out_offset = 0;
    } else if (mon->out_offset >= MONITOR_OUT_PAUSE_BYTES) {
        g_byte_array_remove_range(mon->out, 0, mon->out_offset);
        mon->out_offset = 0;
    }
}

static void monitor_qmp_send(MonitorQmp *mon, const char *line)
{
    bool idle = !monitor_qmp_pending(mon);

    if (mon->closed) {
        return;
    }
    g_byte_array_append(mon->out, (const guint8 *)line, strlen(line));
    g_byte_array_append(mon->out, (const guint8 *)"\r\n", 2);
    if (idle) {
        monitor_qmp_write(mon);
    }
    monitor_qmp_update(mon);
}

static void monitor_qmp_event(const char *line, void *opaque)
{
    MonitorQmp *mon = opaque;

    if (monitor_qmp_pending(mon) + strlen(line) > MONITOR_OUT_MAX_BYTES) {
        trace_monitor_session_overflow(mon, monitor_qmp_pending(mon));
        monitor_qmp_close(mon);
        return;
    }
    monitor_qmp_send(mon, line);
}

static void monitor_qmp_reply(MonitorQmp *mon, struct json_object *reply)
{
    g_autofree char *line = NULL;

    if (reply) {
        line = qmp_text(reply);
        json_object_put(reply);
        /* What happened before the reply was made is told before it. */
        monitor_events_flush(mon->host.events);
        monitor_qmp_send(mon, line);
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
static void monitor_qmp_process(MonitorQmp *mon)
{
    while (!mon->closed &&
           monitor_qmp_pending(mon) <= MONITOR_OUT_PAUSE_BYTES) {
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
            if (mon->eof && !monitor_qmp_pending(mon)) {
                monitor_qmp_close(mon);
            }
            return;
        }
    }
}

static gboolean monitor_qmp_readable(QIOChannel *ioc, GIOCondition condition,
                                     void *opaque)
{
    MonitorQmp *mon = opaque;
    g_autofree char *buf = g_malloc(MONITOR_READ_BYTES);
    ssize_t n = qio_channel_read(ioc, buf, MONITOR_READ_BYTES, NULL);

    if (n > 0) {
        json_stream_feed(mon->input, buf, n);
    } else if (n == 0) {
        mon->eof = true;
    } else if (n != QIO_CHANNEL_ERR_BLOCK) {
        monitor_qmp_close(mon);
        return G_SOURCE_REMOVE;
    }
    monitor_qmp_process(mon);
    monitor_qmp_update(mon);
    return mon->in_watch ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean monitor_qmp_writable(QIOChannel *ioc, GIOCondition condition,
                                     void *opaque)
{
    MonitorQmp *mon = opaque;

    monitor_qmp_write(mon);
    monitor_qmp_process(mon);
    monitor_qmp_update(mon);
    return mon->out_watch ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void monitor_qmp_set_watch(MonitorQmp *mon, GSource **watch, bool want,
                                  GIOCondition condition, QIOChannelFunc func)
{
    if (want && !*watch) {
        *watch = qio_channel_add_watch(mon->ioc,
                                       main_loop_context(mon->host.loop),
                                       condition, func, mon);
    } else if (!want) {
        monitor_qmp_remove_watch(watch);
    }
}

/* Waits for what can go on: room for replies, or further requests. */
static void monitor_qmp_update(MonitorQmp *mon)
{
    size_t pending = monitor_qmp_pending(mon);

    if (mon->closed) {
        return;
    }
    monitor_qmp_set_watch(mon, &mon->out_watch, pending > 0,
                          G_IO_OUT, monitor_qmp_writable);
    monitor_qmp_set_watch(mon, &mon->in_watch,
                          !mon->eof && pending <= MONITOR_OUT_PAUSE_BYTES,
                          G_IO_IN, monitor_qmp_readable);
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
    MonitorQmp *mon;

    if (!qio_channel_set_blocking(ioc, false, errp)) {
        qio_channel_unref(ioc);
        return NULL;
    }
    mon = g_new0(MonitorQmp, 1);
    mon->host = *host;
    mon->ioc = ioc;
    mon->input = json_stream_new(MONITOR_REQUEST_MAX_BYTES,
                                 MONITOR_REQUEST_MAX_DEPTH);
    mon->out = g_byte_array_new();
    monitor_qmp_init_commands(mon);
    trace_monitor_session_open(mon);
    monitor_qmp_greet(mon);
    if (mon->closed) {
        error_setg(errp, "QMP client left before its greeting");
        monitor_qmp_free(mon);
        return NULL;
    }
    mon->closed_fn = closed;
    mon->closed_opaque = opaque;
    monitor_qmp_update(mon);
    return mon;
}

void monitor_qmp_free(MonitorQmp *mon)
{
    if (mon) {
        mon->closed_fn = NULL;
        monitor_qmp_close(mon);
        qmp_command_list_free(mon->negotiation);
        qmp_command_list_free(mon->commands);
        json_stream_free(mon->input);
        g_byte_array_unref(mon->out);
        qio_channel_unref(mon->ioc);
        g_free(mon);
    }
}

bool monitor_qmp_flush(MonitorQmp *mon, int timeout_ms)
{
    gint64 deadline_us = g_get_monotonic_time() + timeout_ms * 1000LL;

    monitor_qmp_write(mon);
    while (!mon->closed && monitor_qmp_pending(mon)) {
        struct pollfd pfd = {
            .fd = qio_channel_get_fd(mon->ioc),
            .events = POLLOUT,
        };
        gint64 left_us = deadline_us - g_get_monotonic_time();

        if (left_us <= 0 || poll(&pfd, 1, (int)((left_us + 999) / 1000)) == 0) {
            break;
        }
        monitor_qmp_write(mon);
    }
    monitor_qmp_update(mon);
    return !monitor_qmp_pending(mon);
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
