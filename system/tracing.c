/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the trace points of all folders known and turns on those that -trace
 * names.
 *
 * Main thread, before others run.  The descriptor of a trace file stays open
 * until the process ends, since any thread may write to it until then.
 */
#include "qemu/osdep.h"

#include "accel/trace-accel.h"
#include "io/trace-io.h"
#include "migration/trace-migration.h"
#include "monitor/trace-monitor.h"
#include "qapi/error.h"
#include "qemu/trace.h"
#include "system/report.h"
#include "system/trace-system.h"
#include "system/tracing.h"
#include "util/trace-util.h"

static const TraceEventTable *const tracing_tables[] = {
    &trace_table_util,
    &trace_table_io,
    &trace_table_migration,
    &trace_table_monitor,
    &trace_table_accel,
    &trace_table_system,
};

static bool tracing_open(const char *file, Error **errp)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
                  0644);

    if (fd < 0) {
        error_setg_errno(errp, errno, "Cannot open the trace file '%s'", file);
        return false;
    }
    trace_set_output_fd(fd);
    return true;
}

bool tracing_setup(const CommandLine *cl, Error **errp)
{
    trace_init(tracing_tables, ARRAY_SIZE(tracing_tables));
    for (guint i = 0; i < cl->traces->len; i++) {
        const CommandLineTrace *trace = g_ptr_array_index(cl->traces, i);

        if (trace->pattern && !trace_enable_pattern(trace->pattern)) {
            warn_report("-trace: no trace point is called '%s'",
                        trace->pattern);
        }
        if (trace->file && !tracing_open(trace->file, errp)) {
            return false;
        }
    }
    return true;
}

static void tracing_list_one(const TraceEvent *ev, void *opaque)
{
    g_string_append_printf(opaque, "%s\n", ev->name);
}

void tracing_list(GString *out)
{
    trace_init(tracing_tables, ARRAY_SIZE(tracing_tables));
    trace_foreach(tracing_list_one, out);
}
