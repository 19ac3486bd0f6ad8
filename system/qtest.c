/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qtest server that the command line asks for, and its log.
 *
 * Main thread.
 */
#include "qemu/osdep.h"

#include <stdio.h>

#include "qapi/error.h"
#include "system/monitor-options.h"
#include "system/qtest.h"

/* In *@log what is to be written to, NULL for nothing. */
static bool qtest_open_log(const char *path, FILE **log, Error **errp)
{
    FILE *file;

    if (!path) {
        *log = stderr;
        return true;
    }
    if (g_str_equal(path, "none")) {
        *log = NULL;
        return true;
    }
    file = fopen(path, "we");
    if (!file) {
        error_setg_errno(errp, errno, "-qtest-log %s: cannot open the file",
                         path);
        return false;
    }
    *log = file;
    return true;
}

bool qtest_setup(const CommandLine *cl, MainLoop *loop, Accel *accel,
                 QTestServer **server, Error **errp)
{
    FILE *log;
    ERRP_GUARD();

    *server = NULL;
    if (!cl->qtest) {
        return true;
    }
    if (!qtest_open_log(cl->qtest_log, &log, errp)) {
        return false;
    }
    *server = qtest_server_new(cl->qtest->addr, loop, accel, log, errp);
    if (!*server) {
        error_prepend(errp, "-qtest %s: ", cl->qtest->text);
        return false;
    }
    return true;
}
