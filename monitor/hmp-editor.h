/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Line editing on a terminal: libedit's own interface, whose state hangs off an
 * object, with the keys and the completion of the human monitor.
 *
 * Threads: an editor belongs to the thread that made it.  No locks.
 */
#ifndef MONITOR_HMP_EDITOR_H
#define MONITOR_HMP_EDITOR_H

#include "monitor/hmp.h"

typedef struct HmpEditor HmpEditor;

/**
 * hmp_editor_new:
 * @in_fd: a terminal; the caller's
 * @out_fd: a terminal; the caller's
 * @stop_fd: input ends when this is readable; the caller's
 * @host: what there is to complete; outlives the editor
 *
 * Context: any thread, from then on only that one.
 * Returns: an editor with an empty history, to be freed with
 * hmp_editor_free(); NULL when memory or descriptors are used up.
 */
HmpEditor *hmp_editor_new(int in_fd, int out_fd, int stop_fd,
                          const HmpHost *host);

/**
 * hmp_editor_free:
 * @ed: an editor, or NULL
 *
 * Sets the terminal as it was.
 *
 * Context: the editor's thread.
 */
void hmp_editor_free(HmpEditor *ed);

/**
 * hmp_editor_line:
 * @ed: an editor
 *
 * Prompts, and lets the user edit a line, which becomes part of the history.
 * The terminal is raw only meanwhile.
 *
 * Context: the editor's thread; blocks.
 * Returns: the line without its end, to be freed with g_free(); NULL when the
 * terminal is gone or the input was ended.
 */
char *hmp_editor_line(HmpEditor *ed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HmpEditor, hmp_editor_free)

#endif /* MONITOR_HMP_EDITOR_H */
