/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client of the qtest protocol: lines in, an answer to each out.
 *
 * The thread of the main loop.  How lines come and answers go is the stream's
 * business: a client that does not read costs no memory without limit; nor does
 * one that sends a line without end, which is answered once and passed over.
 */
#include "qemu/osdep.h"

#include "accel/qtest-session.h"
#include "io/channel-stream.h"

/* Answers that wait: above this no further line is taken. */
#define QTEST_OUT_PAUSE_BYTES (64 * 1024)

struct QTestSession {
    /* set once */
    QTestSessionHost host;
    gint64 start_us;
    QIOStream *stream;
};

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

static void qtest_session_closed(void *opaque)
{
    QTestSession *session = opaque;

    qtest_session_log(session, 'I', "CLOSED", strlen("CLOSED"));
    if (session->host.closed) {
        session->host.closed(session->host.opaque);
    }
}

static void qtest_session_line(const char *line, size_t len, void *opaque)
{
    QTestSession *session = opaque;
    g_autofree char *answer = NULL;

    if (line) {
        qtest_session_log(session, 'R', line, len);
        answer = qtest_run_line(session->host.qtest, line, len);
    } else {
        answer = g_strdup_printf("FAIL The line is longer than %u bytes",
                                 QTEST_LINE_MAX_BYTES);
    }
    qtest_session_log(session, 'S', answer, strlen(answer));
    qio_stream_write_line(session->stream, answer, "\n");
}

QTestSession *qtest_session_new(QIOChannel *ioc, const QTestSessionHost *host,
                                Error **errp)
{
    g_autofree QTestSession *session = g_new0(QTestSession, 1);
    const QIOStreamHost stream_host = {
        .context = main_loop_context(host->loop),
        .pause_bytes = QTEST_OUT_PAUSE_BYTES,
        .line_max_bytes = QTEST_LINE_MAX_BYTES,
        .input = qtest_session_line,
        .closed = qtest_session_closed,
        .opaque = session,
    };

    session->host = *host;
    session->start_us = g_get_monotonic_time();
    session->stream = qio_stream_new(ioc, &stream_host, errp);
    if (!session->stream) {
        return NULL;
    }
    qtest_session_log(session, 'I', "OPENED", strlen("OPENED"));
    return g_steal_pointer(&session);
}

void qtest_session_free(QTestSession *session)
{
    if (session) {
        session->host.closed = NULL;
        qio_stream_close(session->stream);
        qio_stream_free(session->stream);
        g_free(session);
    }
}
