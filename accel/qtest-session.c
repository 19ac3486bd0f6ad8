/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client of the qtest protocol: lines in, an answer to each out.
 *
 * Runs in the thread of the main loop and never waits in it: reads and writes
 * are non-blocking and driven by watches.  While answers pile up, no line is
 * read or run, so that a client that does not read costs no memory without
 * limit; nor does one that sends a line without end, which is answered once
 * and passed over.
 */
#include "qemu/osdep.h"

#include "accel/qtest-session.h"
#include "qapi/error.h"

#define QTEST_READ_BYTES (64 * 1024)
/* Answers that wait: above this no further line is taken. */
#define QTEST_OUT_PAUSE_BYTES (64 * 1024)

struct QTestSession {
    /* set once */
    QTestSessionHost host;
    QIOChannel *ioc;
    gint64 start_us;

    GByteArray *in;
    size_t in_offset;       /* bytes of @in that are done with */
    size_t in_scanned;      /* bytes of @in without a line's end behind those */
    bool skipping;          /* a line that was too long has not ended */
    GByteArray *out;
    size_t out_offset;      /* bytes of @out that are sent */

    GSource *in_watch;
    GSource *out_watch;
    bool eof;               /* the client will say no more */
    bool closed;            /* the session is over */
};

static size_t qtest_session_pending(const QTestSession *session)
{
    return session->out->len - session->out_offset;
}

/* As QEMU marks them: (I)nfo, (R)eceived, (S)ent. */
static void qtest_session_log(QTestSession *session, char kind,
                              const char *text, size_t len)
{
    FILE *log = session->host.log;
    gint64 us = g_get_monotonic_time() - session->start_us;

    if (log) {
        fprintf(log, "[%c +%" PRIi64 ".%06" PRIi64 "] ", kind,
                us / G_USEC_PER_SEC, us % G_USEC_PER_SEC);
        fwrite(text, 1, len, log);
        fputc('\n', log);
        fflush(log);
    }
}

static void qtest_session_remove_watch(GSource **watch)
{
    if (*watch) {
        g_source_destroy(*watch);
        g_source_unref(*watch);
        *watch = NULL;
    }
}

static void qtest_session_close(QTestSession *session)
{
    if (session->closed) {
        return;
    }
    session->closed = true;
    qtest_session_log(session, 'I', "CLOSED", strlen("CLOSED"));
    qtest_session_remove_watch(&session->in_watch);
    qtest_session_remove_watch(&session->out_watch);
    if (session->host.closed) {
        session->host.closed(session, session->host.opaque);
    }
}

/* Writes what the client takes now. */
static void qtest_session_write(QTestSession *session)
{
    while (!session->closed && qtest_session_pending(session)) {
        struct iovec iov = {
            .iov_base = session->out->data + session->out_offset,
            .iov_len = qtest_session_pending(session),
        };
        ssize_t n = qio_channel_writev(session->ioc, &iov, 1, NULL);

        if (n == QIO_CHANNEL_ERR_BLOCK) {
            return;
        }
        if (n <= 0) {
            qtest_session_close(session);
            return;
        }
        session->out_offset += n;
    }
    g_byte_array_set_size(session->out, 0);
    session->out_offset = 0;
}

static void qtest_session_answer(QTestSession *session, const char *answer)
{
    size_t len = strlen(answer);

    qtest_session_log(session, 'S', answer, len);
    g_byte_array_append(session->out, (const guint8 *)answer, len);
    g_byte_array_append(session->out, (const guint8 *)"\n", 1);
    qtest_session_write(session);
}

static void qtest_session_run(QTestSession *session, const char *line,
                              size_t len)
{
    g_autofree char *answer = NULL;

    qtest_session_log(session, 'R', line, len);
    answer = qtest_run_line(session->host.qtest, line, len);
    qtest_session_answer(session, answer);
}

static void qtest_session_consume(QTestSession *session, size_t len)
{
    session->in_offset += len;
    session->in_scanned = 0;
    if (session->in_offset == session->in->len) {
        g_byte_array_set_size(session->in, 0);
        session->in_offset = 0;
    }
}

/* What is no whole line yet: waited for, or given up. */
static void qtest_session_partial(QTestSession *session, size_t len)
{
    g_autofree char *answer = NULL;

    if (session->skipping) {
        qtest_session_consume(session, len);
    } else if (len > QTEST_LINE_MAX_BYTES) {
        session->skipping = true;
        qtest_session_consume(session, len);
        answer = g_strdup_printf("FAIL The line is longer than %u bytes",
                                 QTEST_LINE_MAX_BYTES);
        qtest_session_answer(session, answer);
    } else {
        session->in_scanned = len;
    }
}

/* True when there was a whole line, which is done with now. */
static bool qtest_session_next(QTestSession *session)
{
    const char *line = (const char *)session->in->data + session->in_offset;
    size_t len = session->in->len - session->in_offset;
    const char *end = len == session->in_scanned ? NULL
        : memchr(line + session->in_scanned, '\n', len - session->in_scanned);

    if (!end) {
        qtest_session_partial(session, len);
        return false;
    }
    if (end - line > QTEST_LINE_MAX_BYTES) {
        qtest_session_partial(session, end - line);
        line = end;
    }
    if (session->skipping) {
        session->skipping = false;
        qtest_session_consume(session, end + 1 - line);
        return true;
    }
    qtest_session_run(session, line, end - line);
    qtest_session_consume(session, end + 1 - line);
    return true;
}

/* Runs the lines that have come, as long as the answers get away. */
static void qtest_session_process(QTestSession *session)
{
    while (!session->closed &&
           qtest_session_pending(session) <= QTEST_OUT_PAUSE_BYTES) {
        if (!qtest_session_next(session)) {
            if (session->eof && !qtest_session_pending(session)) {
                qtest_session_close(session);
            }
            break;
        }
    }
    /* Only the beginning of a line is kept, so this copies little. */
    if (session->in_offset) {
        g_byte_array_remove_range(session->in, 0, session->in_offset);
        session->in_offset = 0;
    }
}

static void qtest_session_update(QTestSession *session);

static gboolean qtest_session_readable(QIOChannel *ioc, GIOCondition condition,
                                       void *opaque)
{
    QTestSession *session = opaque;
    size_t before = session->in->len;
    ssize_t n;

    g_byte_array_set_size(session->in, before + QTEST_READ_BYTES);
    n = qio_channel_read(ioc, session->in->data + before, QTEST_READ_BYTES,
                         NULL);
    g_byte_array_set_size(session->in, before + MAX(n, 0));
    if (n == 0) {
        session->eof = true;
    } else if (n < 0 && n != QIO_CHANNEL_ERR_BLOCK) {
        qtest_session_close(session);
        return G_SOURCE_REMOVE;
    }
    qtest_session_process(session);
    qtest_session_update(session);
    return session->in_watch ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean qtest_session_writable(QIOChannel *ioc, GIOCondition condition,
                                       void *opaque)
{
    QTestSession *session = opaque;

    qtest_session_write(session);
    qtest_session_process(session);
    qtest_session_update(session);
    return session->out_watch ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void qtest_session_set_watch(QTestSession *session, GSource **watch,
                                    bool want, GIOCondition condition,
                                    QIOChannelFunc func)
{
    if (want && !*watch) {
        *watch = qio_channel_add_watch(session->ioc,
                                       main_loop_context(session->host.loop),
                                       condition, func, session);
    } else if (!want) {
        qtest_session_remove_watch(watch);
    }
}

/* Waits for what can go on: room for answers, or further lines. */
static void qtest_session_update(QTestSession *session)
{
    size_t pending = qtest_session_pending(session);

    if (session->closed) {
        return;
    }
    qtest_session_set_watch(session, &session->out_watch, pending > 0,
                            G_IO_OUT, qtest_session_writable);
    qtest_session_set_watch(session, &session->in_watch,
                            !session->eof && pending <= QTEST_OUT_PAUSE_BYTES,
                            G_IO_IN, qtest_session_readable);
}

QTestSession *qtest_session_new(QIOChannel *ioc, const QTestSessionHost *host,
                                Error **errp)
{
    QTestSession *session;

    if (!qio_channel_set_blocking(ioc, false, errp)) {
        qio_channel_unref(ioc);
        return NULL;
    }
    session = g_new0(QTestSession, 1);
    session->host = *host;
    session->ioc = ioc;
    session->start_us = g_get_monotonic_time();
    session->in = g_byte_array_new();
    session->out = g_byte_array_new();
    qtest_session_log(session, 'I', "OPENED", strlen("OPENED"));
    qtest_session_update(session);
    return session;
}

void qtest_session_free(QTestSession *session)
{
    if (session) {
        session->host.closed = NULL;
        qtest_session_close(session);
        g_byte_array_unref(session->in);
        g_byte_array_unref(session->out);
        qio_channel_unref(session->ioc);
        g_free(session);
    }
}
