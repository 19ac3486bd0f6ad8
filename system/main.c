/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: command line in, exit status out.
 *
 * The main thread.  What happens in between is in wherry.c.
 */
#include "qemu/osdep.h"

#include <locale.h>

#include "qapi/error.h"
#include "system/cmdline.h"
#include "system/daemonize.h"
#include "system/report.h"
#include "system/wherry.h"

static int main_info(const CommandLine *cl)
{
    g_autofree char *text = cmdline_info(cl);

    return fputs(text, stdout) < 0 || fflush(stdout) ? 1 : 0;
}

static int main_run(const CommandLine *cl, Error **errp)
{
    g_autoptr(Wherry) w = NULL;
    AUTO_FD int ready_fd = -1;

    if (cl->daemonize && !daemonize_start(&ready_fd, errp)) {
        return 1;
    }
    w = wherry_new(cl, errp);
    if (!w || !wherry_start(w, errp)) {
        return 1;
    }
    if (cl->daemonize && !daemonize_ready(g_steal_fd(&ready_fd), errp)) {
        return 1;
    }
    return wherry_run(w);
}

int main(int argc, char **argv)
{
    g_autoptr(CommandLine) cl = NULL;
    Error *err = NULL;
    int status;

    /* How characters are encoded that somebody types; nothing else. */
    setlocale(LC_CTYPE, "");
    cl = cmdline_parse(argc, argv, &err);
    if (!cl) {
        error_report_err(err);
        return 1;
    }
    status = cl->action == CMDLINE_RUN ? main_run(cl, &err) : main_info(cl);
    if (err) {
        error_report_err(err);
    }
    return status;
}
