/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text on its way to a descriptor that may not take it now: a socket, a pipe, a
 * terminal that the user has stopped.  The main loop never waits for it.
 *
 * Threads: the thread of the main loop.  No locks.
 */
#ifndef MONITOR_HMP_WRITER_H
#define MONITOR_HMP_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

typedef struct HmpWriter HmpWriter;

/* Nothing is left, or nobody is there to take it; in the loop's thread. */
typedef void HmpDrainedFunc(void *opaque);

/**
 * hmp_writer_new:
 * @fd: where to; stays the caller's and outlives the writer
 * @context: of the main loop
 * @drained: called from the loop when what had to wait is gone
 * @opaque: handed to @drained
 *
 * Context: the loop's thread.
 * Returns: a writer, to be freed with hmp_writer_free().
 */
HmpWriter *hmp_writer_new(int fd, GMainContext *context,
                          HmpDrainedFunc *drained, void *opaque);

/**
 * hmp_writer_free:
 * @w: a writer, or NULL
 *
 * Drops what was not written.
 *
 * Context: the loop's thread.
 */
void hmp_writer_free(HmpWriter *w);

/**
 * hmp_writer_write:
 * @w: a writer
 * @text: bytes, copied
 * @len_bytes: how many
 *
 * Writes now what can be written now, and the rest from the loop.
 *
 * Context: the loop's thread.
 */
void hmp_writer_write(HmpWriter *w, const char *text, size_t len_bytes);

/**
 * hmp_writer_pending:
 * @w: a writer
 *
 * Context: the loop's thread.
 * Returns: bytes that wait.
 */
size_t hmp_writer_pending(const HmpWriter *w);

/**
 * hmp_writer_flush:
 * @w: a writer
 * @timeout_ms: how long to wait for who does not read; 0 tries
 *
 * Context: the loop's thread.
 */
void hmp_writer_flush(HmpWriter *w, int timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HmpWriter, hmp_writer_free)

#endif /* MONITOR_HMP_WRITER_H */
