/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the program says on standard error.
 *
 * Entered by any thread.  Each line is put together first and written with
 * one call, so that two threads do not mix theirs.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "system/report.h"

static void G_GNUC_PRINTF(2, 0) report_line(const char *kind, const char *fmt,
                                            va_list ap)
{
    g_autofree char *message = g_strdup_vprintf(fmt, ap);
    g_autofree char *line = g_strdup_printf("wherry: %s%s\n", kind, message);

    fputs(line, stderr);
}

void error_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report_line("", fmt, ap);
    va_end(ap);
}

void warn_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report_line("warning: ", fmt, ap);
    va_end(ap);
}

void info_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    report_line("info: ", fmt, ap);
    va_end(ap);
}

void error_report_err(Error *err)
{
    const char *hint = error_get_hint(err);

    error_report("%s", error_get_pretty(err));
    if (hint) {
        fputs(hint, stderr);
    }
    error_free(err);
}
