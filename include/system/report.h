/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the program says on standard error: one line each, with its name in
 * front.  Together with the monitors the only way text leaves the process.
 *
 * Any thread; a line is written with one call.  No locks.
 */
#ifndef SYSTEM_REPORT_H
#define SYSTEM_REPORT_H

#include <glib.h>

typedef struct Error Error;

/**
 * error_report:
 * @fmt: printf format, without a line end
 *
 * Prints "wherry: …": something failed.
 *
 * Context: any thread.
 */
void error_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/**
 * warn_report:
 * @fmt: printf format, without a line end
 *
 * Prints "wherry: warning: …": something the operator should know.
 *
 * Context: any thread.
 */
void warn_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/**
 * info_report:
 * @fmt: printf format, without a line end
 *
 * Prints "wherry: info: …": what the program is doing.
 *
 * Context: any thread.
 */
void info_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/**
 * error_report_err:
 * @err: the error; freed
 *
 * Prints an error and, on lines of its own, its hint.
 *
 * Context: any thread.
 */
void error_report_err(Error *err);

#endif /* SYSTEM_REPORT_H */
