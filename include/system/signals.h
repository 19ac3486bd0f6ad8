/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signals that ask the process to end, as events of the main loop.
 *
 * Threads: the main thread, before it makes others: they inherit the blocked
 * signals.  No locks.
 */
#ifndef SYSTEM_SIGNALS_H
#define SYSTEM_SIGNALS_H

#include <glib.h>
#include <sys/types.h>

typedef struct Error Error;
typedef struct Signals Signals;

/* SIGTERM, SIGINT or SIGHUP came, from process @pid (0: from the kernel). */
typedef void SignalsFunc(int signo, pid_t pid, void *opaque);

/**
 * signals_new:
 * @context: whose loop calls @func
 * @func: what to call
 * @opaque: handed to @func
 * @errp: receives the reason on failure, or NULL
 *
 * From now on those signals are events; SIGPIPE is ignored.
 *
 * Context: the main thread, while it is the only one.  The caller frees the
 * result with signals_free().
 * Returns: the watch, or NULL when the system has no descriptor left.
 */
Signals *signals_new(GMainContext *context, SignalsFunc *func, void *opaque,
                     Error **errp);

/**
 * signals_free:
 * @signals: a watch, or NULL
 *
 * The signals do again what they did before.  Those that came and were not
 * told are forgotten, so a process that is ending already ends as it was going
 * to.
 *
 * Context: the main thread.
 */
void signals_free(Signals *signals);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Signals, signals_free)

#endif /* SYSTEM_SIGNALS_H */
