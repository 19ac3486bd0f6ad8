/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trace points: the registry, switching by pattern, and the output.
 *
 * trace_log() is entered by every thread and takes no lock: a line is made
 * on the stack and written at once.  The tables are set before threads run.
 * This state is the one exception to "no globals"; see qemu/trace.h.
 */
#include "qemu/osdep.h"

#include "qemu/thread.h"
#include "qemu/timer.h"
#include "qemu/trace.h"

/* Longest line; what is longer is cut.  Below PIPE_BUF, so one piece. */
#define TRACE_LINE_BYTES 1024

static const TraceEventTable *const *trace_tables;
static size_t trace_nr_tables;
static int trace_fd = STDERR_FILENO;

void trace_init(const TraceEventTable *const *tables, size_t nr_tables)
{
    trace_tables = tables;
    trace_nr_tables = nr_tables;
}

size_t trace_enable_pattern(const char *pattern)
{
    bool enable = pattern[0] != '-';
    size_t nr_matched = 0;

    if (!enable) {
        pattern++;
    }
    for (size_t t = 0; t < trace_nr_tables; t++) {
        for (size_t i = 0; i < trace_tables[t]->nr_events; i++) {
            TraceEvent *ev = trace_tables[t]->events[i];

            if (g_pattern_match_simple(pattern, ev->name)) {
                qatomic_set(&ev->enabled, enable);
                nr_matched++;
            }
        }
    }
    return nr_matched;
}

void trace_foreach(TraceEventFunc *fn, void *opaque)
{
    for (size_t t = 0; t < trace_nr_tables; t++) {
        for (size_t i = 0; i < trace_tables[t]->nr_events; i++) {
            fn(trace_tables[t]->events[i], opaque);
        }
    }
}

void trace_set_output_fd(int fd)
{
    qatomic_set(&trace_fd, fd);
}

void trace_log(const TraceEvent *ev, const char *fmt, ...)
{
    int saved_errno = errno;
    int64_t now_us = qemu_clock_get_us(QEMU_CLOCK_HOST);
    char line[TRACE_LINE_BYTES];
    size_t len;
    ssize_t ignored;
    va_list ap;

    snprintf(line, sizeof(line), "wherry: %d@%" PRId64 ".%06d:%s ",
             (int)getpid(), now_us / 1000000, (int)(now_us % 1000000),
             ev->name);
    len = strlen(line);
    va_start(ap, fmt);
    vsnprintf(line + len, sizeof(line) - len, fmt, ap);
    va_end(ap);
    /* The newline takes the place of the final NUL. */
    len = strlen(line);
    line[len] = '\n';
    ignored = write(qatomic_read(&trace_fd), line, len + 1);
    (void)ignored;
    errno = saved_errno;
}
