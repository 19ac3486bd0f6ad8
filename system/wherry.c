/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of the program.  Parts are made in the order of their need and go
 * in reverse, with one exception: the migration ends while the monitors still
 * stand, so that clients hear how it ended.
 *
 * Main thread.
 */
#include "qemu/osdep.h"

#include <signal.h>

#include "monitor/events.h"
#include "monitor/monitor.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "system/commands.h"
#include "system/hmp-system.h"
#include "system/incoming.h"
#include "system/machine.h"
#include "system/monitor-options.h"
#include "system/pidfile.h"
#include "system/qtest.h"
#include "system/report.h"
#include "system/signals.h"
#include "system/trace.h"
#include "system/tracing.h"
#include "system/wherry.h"

/* How long a client may take to read the last replies. */
#define WHERRY_LAST_WORDS_MS 200

struct Wherry {
    /* set once */
    const CommandLine *cl;
    PidFile *pidfile;
    MainLoop *loop;
    Signals *signals;
    MonitorEvents *events;
    Machine *machine;
    GPtrArray *servers;     /* of MonitorServer, as in cl->monitors */
    HmpTable hmp_tables[HMP_SYSTEM_TABLES];
    HmpHost hmp;
    HmpStdio *stdio;        /* -monitor stdio, or NULL */
    QTestServer *qtest;     /* or NULL */
};

static void wherry_signal(int signo, pid_t pid, void *opaque)
{
    Wherry *w = opaque;

    trace_wherry_signal(signo, pid);
    if (signo != SIGINT) {
        error_report("terminating on signal %d from pid %ld", signo,
                     (long)pid);
    }
    machine_quit(w->machine, SHUTDOWN_CAUSE_HOST_SIGNAL);
}

static void wherry_qmp_quit(void *opaque)
{
    machine_quit(opaque, SHUTDOWN_CAUSE_HOST_QMP_QUIT);
}

static const char *wherry_monitor_option(const MonitorOptions *options)
{
    return options->hmp ? "-monitor" : "-qmp";
}

static bool wherry_make_stdio(Wherry *w, Error **errp)
{
    ERRP_GUARD();

    if (!w->cl->monitor_stdio) {
        return true;
    }
    if (w->cl->daemonize) {
        error_setg(errp, "-monitor stdio: a daemon has no terminal; use"
                   " -monitor unix:PATH,server=on,wait=off");
        return false;
    }
    w->stdio = hmp_stdio_new(&w->hmp, errp);
    if (!w->stdio) {
        error_prepend(errp, "-monitor stdio: ");
    }
    return w->stdio != NULL;
}

static bool wherry_make_monitors(Wherry *w, Error **errp)
{
    MonitorHost host = {
        .loop = w->loop,
        .events = w->events,
        .register_commands = commands_register,
        .quit = wherry_qmp_quit,
        .opaque = w->machine,
        .hmp = &w->hmp,
        .fds = w->machine->fds,
    };
    ERRP_GUARD();

    hmp_system_tables(w->hmp_tables, w->machine);
    w->hmp.loop = w->loop;
    w->hmp.tables = w->hmp_tables;
    w->hmp.nr_cpus = w->machine->guest.nr_cpus;
    w->servers = g_ptr_array_new_with_free_func(
        (GDestroyNotify)monitor_server_free);
    for (guint i = 0; i < w->cl->monitors->len; i++) {
        MonitorOptions *options = g_ptr_array_index(w->cl->monitors, i);
        MonitorServer *server = options->hmp
            ? monitor_server_new_hmp(options->addr, &host, errp)
            : monitor_server_new(options->addr, &host, errp);

        if (!server) {
            error_prepend(errp, "%s %s: ", wherry_monitor_option(options),
                          options->text);
            return false;
        }
        g_ptr_array_add(w->servers, server);
    }
    return wherry_make_stdio(w, errp);
}

Wherry *wherry_new(const CommandLine *cl, Error **errp)
{
    g_autoptr(Wherry) w = g_new0(Wherry, 1);

    w->cl = cl;
    if (!tracing_setup(cl, errp)) {
        return NULL;
    }
    if (cl->pidfile && !(w->pidfile = pidfile_new(cl->pidfile, errp))) {
        return NULL;
    }
    w->loop = main_loop_new(NULL, errp);
    if (!w->loop) {
        return NULL;
    }
    w->events = monitor_events_new(w->loop);
    w->machine = machine_new(cl, w->loop, monitor_events_sink(w->events),
                             errp);
    if (!w->machine) {
        return NULL;
    }
    /* Not before: a machine that takes long to make can be interrupted. */
    w->signals = signals_new(main_loop_context(w->loop), wherry_signal, w,
                             errp);
    if (!w->signals || !wherry_make_monitors(w, errp) ||
        !qtest_setup(cl, w->loop, w->machine->accel, &w->qtest, errp)) {
        return NULL;
    }
    return g_steal_pointer(&w);
}

static bool wherry_awaits_qtest(const Wherry *w)
{
    return w->qtest && w->cl->qtest->wait &&
           !qtest_server_has_client(w->qtest);
}

static bool wherry_awaits_serial(const Wherry *w)
{
    Accel *accel = w->machine->accel;

    return accel->ops->awaits_client && accel->ops->awaits_client(accel);
}

/* The first one whose client has to come, as it was asked for; NULL: nobody. */
static char *wherry_awaited(const Wherry *w)
{
    for (guint i = 0; i < w->servers->len; i++) {
        const MonitorOptions *options = g_ptr_array_index(w->cl->monitors, i);

        if (options->wait &&
            !monitor_server_has_client(g_ptr_array_index(w->servers, i))) {
            return g_strdup_printf("%s %s", wherry_monitor_option(options),
                                   options->text);
        }
    }
    if (wherry_awaits_qtest(w)) {
        return g_strdup_printf("-qtest %s", w->cl->qtest->text);
    }
    if (wherry_awaits_serial(w)) {
        return g_strdup_printf("-serial unix:%s", w->cl->serial_path);
    }
    return NULL;
}

/* Serves the monitors alone until their clients have come. */
static void wherry_wait(Wherry *w)
{
    g_autofree char *told = NULL;

    while (!w->machine->quitting) {
        g_autofree char *awaited = wherry_awaited(w);

        if (!awaited) {
            return;
        }
        if (g_strcmp0(awaited, told)) {
            info_report("waiting for a client: %s", awaited);
            g_free(told);
            told = g_steal_pointer(&awaited);
        }
        g_main_context_iteration(main_loop_context(w->loop), true);
    }
}

bool wherry_start(Wherry *w, Error **errp)
{
    wherry_wait(w);
    if (w->machine->quitting) {
        /* Nothing begins any more; wherry_run() returns at once. */
        return true;
    }
    if (!incoming_setup(w->machine, w->cl, errp)) {
        return false;
    }
    runstate_launch(w->machine->runstate);
    return true;
}

int wherry_run(Wherry *w)
{
    main_loop_run(w->loop);
    trace_wherry_quit(w->machine->exit_status);
    return w->machine->exit_status;
}

void wherry_free(Wherry *w)
{
    if (!w) {
        return;
    }
    /* Gives the terminal back before anything that may take a moment. */
    hmp_stdio_free(w->stdio);
    if (w->machine) {
        machine_end(w->machine);
    }
    if (w->servers) {
        for (guint i = 0; i < w->servers->len; i++) {
            monitor_server_flush(g_ptr_array_index(w->servers, i),
                                 WHERRY_LAST_WORDS_MS);
        }
        g_ptr_array_unref(w->servers);
    }
    qtest_server_free(w->qtest);
    machine_free(w->machine);
    monitor_events_free(w->events);
    pidfile_free(w->pidfile);
    signals_free(w->signals);
    main_loop_free(w->loop);
    g_free(w);
}
