/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGTERM, SIGINT and SIGHUP through a signalfd: no code runs in a signal
 * handler, and the sender is known.
 *
 * Main thread.  The signals are blocked in it and in all threads made later.
 */
#include "qemu/osdep.h"

#include <glib-unix.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "qapi/error.h"
#include "system/signals.h"

struct Signals {
    /* set once */
    int fd;
    GSource *source;
    SignalsFunc *func;
    void *opaque;
    sigset_t before;        /* the signal mask to go back to */
};

static gboolean signals_readable(gint fd, GIOCondition condition,
                                 gpointer opaque)
{
    Signals *signals = opaque;
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof(info)) == sizeof(info)) {
        signals->func(info.ssi_signo, info.ssi_pid, signals->opaque);
    }
    return G_SOURCE_CONTINUE;
}

Signals *signals_new(GMainContext *context, SignalsFunc *func, void *opaque,
                     Error **errp)
{
    static const int wanted[] = { SIGTERM, SIGINT, SIGHUP };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    Signals *signals;
    sigset_t set;
    int fd;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        sigaddset(&set, wanted[i]);
    }
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        error_setg_errno(errp, errno, "Cannot make a signal descriptor");
        return NULL;
    }
    signals = g_new0(Signals, 1);
    signals->fd = fd;
    signals->func = func;
    signals->opaque = opaque;
    sigaction(SIGPIPE, &ignore, NULL);
    /* A file that may grow no further is an error to who writes it. */
    sigaction(SIGXFSZ, &ignore, NULL);
    pthread_sigmask(SIG_BLOCK, &set, &signals->before);
    signals->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(signals->source, G_SOURCE_FUNC(signals_readable),
                          signals, NULL);
    g_source_attach(signals->source, context);
    return signals;
}

void signals_free(Signals *signals)
{
    struct signalfd_siginfo info;

    if (signals) {
        g_source_destroy(signals->source);
        g_source_unref(signals->source);
        while (read(signals->fd, &info, sizeof(info)) == sizeof(info)) {
            /* What was asked for is being done already. */
        }
        pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
        close(signals->fd);
        g_free(signals);
    }
}
