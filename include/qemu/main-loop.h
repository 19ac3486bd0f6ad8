/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A main loop as a handle: one thread runs it, any thread may hand it work.
 *
 * Work is a bottom half: a function and its argument, run once, in the
 * order of scheduling, by the loop's thread with no lock held.  The queue
 * sits under a pthread mutex (a leaf: nothing is taken inside it) and an
 * eventfd wakes the loop, so that ThreadSanitizer sees the hand-over, which
 * it does not with g_idle_add().
 *
 * "The loop's thread" is the one inside main_loop_run(), or before and
 * between runs the one that created the loop or ran it last.
 */
#ifndef QEMU_MAIN_LOOP_H
#define QEMU_MAIN_LOOP_H

#include <glib.h>
#include <stdbool.h>

#include "qapi/error.h"

typedef struct MainLoop MainLoop;

/* A bottom half: called once with the argument it was scheduled with. */
typedef void MainLoopFunc(void *opaque);

/**
 * main_loop_new:
 * @context: the GLib context to run, or NULL for a new one of its own
 * @errp: receives the reason on failure, or NULL
 *
 * Makes a loop.
 *
 * Context: any thread; it becomes the loop's thread.  The caller frees the
 * loop with main_loop_free().  A reference to @context is taken.
 * Returns: the loop, or NULL when the system has no descriptor left.
 */
MainLoop *main_loop_new(GMainContext *context, Error **errp);

/**
 * main_loop_free:
 * @ml: a loop that is not running, or NULL
 *
 * Frees a loop.  Bottom halves that are still queued are dropped without
 * being run: drain or cancel first where that would leak.
 *
 * Context: the loop's thread, when no other can reach @ml any more.
 */
void main_loop_free(MainLoop *ml);

/**
 * main_loop_run:
 * @ml: a loop that is not running
 *
 * Serves events and bottom halves until main_loop_quit().  A quit that came
 * before counts: then it returns without serving anything.
 *
 * Context: any thread; it becomes the loop's thread, and the context is its
 * thread-default one meanwhile.
 */
void main_loop_run(MainLoop *ml);

/**
 * main_loop_quit:
 * @ml: the loop
 *
 * Makes main_loop_run() return after the handler it is in.
 *
 * Context: any thread, bottom halves and event handlers included; not a
 * signal handler, but the reader of a signalfd.
 */
void main_loop_quit(MainLoop *ml);

/**
 * main_loop_schedule:
 * @ml: the loop
 * @fn: the function
 * @opaque: its argument; stays valid until @fn ran or was cancelled
 *
 * Queues a bottom half.  What the caller wrote before is visible to @fn.
 *
 * Context: any thread; never waits for the loop.
 */
void main_loop_schedule(MainLoop *ml, MainLoopFunc *fn, void *opaque);

/**
 * main_loop_cancel:
 * @ml: the loop
 * @fn: the function
 * @opaque: the argument
 *
 * Takes each queued bottom half with this function and argument back.
 *
 * Context: the loop's thread, where it means that none of them runs any
 * more; from another thread one may be running just now.
 * Returns: how many were taken back.
 */
size_t main_loop_cancel(MainLoop *ml, MainLoopFunc *fn, void *opaque);

/**
 * main_loop_drain:
 * @ml: the loop
 *
 * Runs what is queued now, without serving other events.  What those
 * functions schedule waits for the next time.
 *
 * Context: the loop's thread only.
 * Returns: how many ran.
 */
size_t main_loop_drain(MainLoop *ml);

/**
 * main_loop_in_thread:
 * @ml: the loop
 *
 * Tells whether the caller is the loop's thread.
 *
 * Context: any thread.
 * Returns: true if so.
 */
bool main_loop_in_thread(MainLoop *ml);

/**
 * main_loop_context:
 * @ml: the loop
 *
 * The GLib context, for attaching event sources.
 *
 * Context: any thread; attach and destroy sources in the loop's thread, or
 * before it runs.
 * Returns: the context, which belongs to @ml.
 */
GMainContext *main_loop_context(MainLoop *ml);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MainLoop, main_loop_free)

#endif /* QEMU_MAIN_LOOP_H */
