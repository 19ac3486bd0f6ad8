/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session of the human monitor on a terminal, with line editing, history and
 * completion by libedit.
 *
 * Threads: the functions belong to the thread of the main loop.  Lines are
 * edited in a thread of their own, `hmp_terminal`, while no command runs; it
 * has its EditLine object for itself.
 * Locks: one, private, a leaf.
 */
#ifndef MONITOR_HMP_TERMINAL_H
#define MONITOR_HMP_TERMINAL_H

#include "monitor/hmp-internal.h"

typedef struct HmpTerminal HmpTerminal;

/**
 * hmp_terminal_new:
 * @in_fd: a terminal; the caller's, outlives the session
 * @out_fd: the same or another one; likewise
 * @host: what the session works with; outlives it
 * @errp: receives the reason on failure, or NULL
 *
 * Begins a session: greets, and takes lines.
 *
 * Context: the loop's thread, with those signals blocked that other threads
 * are to get.
 * Returns: the session, to be freed with hmp_terminal_free(); NULL when the
 * system has no descriptor or thread left.
 */
HmpTerminal *hmp_terminal_new(int in_fd, int out_fd, const HmpHost *host,
                              Error **errp);

/**
 * hmp_terminal_free:
 * @t: a session, or NULL
 *
 * Ends it, and sets the terminal as it was.
 *
 * Context: the loop's thread, not from inside a command.
 */
void hmp_terminal_free(HmpTerminal *t);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HmpTerminal, hmp_terminal_free)

#endif /* MONITOR_HMP_TERMINAL_H */
