/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The return path at the source: a thread that reads what the destination
 * says, until it says whether the guest has arrived.
 *
 * Threads: start, wait and free from the migration thread, hurry from any.
 * Locks: ReturnPath's own; private, nothing else is taken while it is held.
 */
#ifndef MIGRATION_CORE_RETURN_PATH_H
#define MIGRATION_CORE_RETURN_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "io/channel.h"

typedef struct ReturnPath ReturnPath;

/* Called once when the path fails; from `return_path`, holding no lock. */
typedef void (*ReturnPathErrorFunc)(void *opaque);

/**
 * return_path_start:
 * @ioc: the main channel; a reference is taken.  Its reading half is this
 *       thread's from now on.
 * @func: what to call when the destination fails or says what it must not
 * @opaque: handed to @func
 *
 * Returns: a return path whose thread runs
 */
ReturnPath *return_path_start(QIOChannel *ioc, ReturnPathErrorFunc func,
                              void *opaque);

/**
 * return_path_expect_shut:
 * @rp: a return path
 *
 * To be called before the last byte of the stream is written: from now on the
 * destination may say that the guest has arrived.
 */
void return_path_expect_shut(ReturnPath *rp);

/**
 * return_path_wait_pong:
 * @rp: a return path
 * @value: of the PING that was sent; more than that of any before
 * @timeout_ms: how long at most
 *
 * Waits until the destination has worked off all that was sent before the PING.
 * Returns: false when the path has failed; true as well when no answer came
 */
bool return_path_wait_pong(ReturnPath *rp, uint32_t value, int timeout_ms);

/**
 * return_path_hurry:
 * @rp: a return path
 * @timeout_ms: how long return_path_wait() may still wait
 *
 * Context: any thread.
 */
void return_path_hurry(ReturnPath *rp, int timeout_ms);

/**
 * return_path_wait:
 * @rp: a return path
 * @errp: where to put the reason, or NULL
 *
 * Waits until the destination has said how it went, the channel is shut, or
 * there is no more time.
 * Returns: true when the guest has arrived
 */
bool return_path_wait(ReturnPath *rp, Error **errp);

/**
 * return_path_check:
 * @rp: a return path
 * @errp: where to put the reason, or NULL
 *
 * Does not wait.
 * Context: any thread.
 * Returns: false with the reason when the path has failed
 */
bool return_path_check(ReturnPath *rp, Error **errp);

/**
 * return_path_has_refused:
 * @rp: a return path
 *
 * Context: any thread.
 * Returns: true when the destination itself has said why it failed; a path that
 *          merely ended may have been shut by this side
 */
bool return_path_has_refused(ReturnPath *rp);

/**
 * return_path_free:
 * @rp: a return path whose channel is shut, or NULL
 *
 * Joins the thread.
 */
void return_path_free(ReturnPath *rp);

#endif
