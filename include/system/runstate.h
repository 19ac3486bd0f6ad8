/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run state of a machine: whether its guest runs, why not, and which
 * change may follow which.  Starts and stops the accelerator and tells QMP
 * clients with STOP, RESUME and SHUTDOWN.
 *
 * Threads: any, migration threads included.
 * Locks: VmRunState has one of its own; accelerator start and stop and the
 * emission of events happen under it, so that their order is that of the
 * changes.  Taken before the locks of those two, never inside them.
 */
#ifndef SYSTEM_RUNSTATE_H
#define SYSTEM_RUNSTATE_H

#include <stdbool.h>

#include <glib.h>

#include "accel/accel.h"
#include "qapi/event.h"
#include "qapi/qapi-types-run-state.h"

typedef struct Error Error;
typedef struct VmRunState VmRunState;

/**
 * runstate_new:
 * @accel: what runs the guest; outlives the result
 * @events: where events go, or NULL for nowhere; outlives the result
 * @incoming: the machine waits for a guest from elsewhere
 * @autostart: the guest is to run as soon as it can (no -S)
 *
 * Makes the run state of a machine that has not started: `inmigrate` or
 * `prelaunch`.
 *
 * Context: the main thread.  The caller frees it with runstate_free().
 * Returns: the run state.
 */
VmRunState *runstate_new(Accel *accel, QapiEventSink *events, bool incoming,
                         bool autostart);

/**
 * runstate_free:
 * @rs: a run state, or NULL
 *
 * Context: the main thread, no other can reach @rs any more.
 */
void runstate_free(VmRunState *rs);

/**
 * runstate_get:
 * @rs: a run state
 *
 * Context: any thread.
 * Returns: the state now.
 */
RunState runstate_get(VmRunState *rs);

/**
 * runstate_is_running:
 * @rs: a run state
 *
 * Context: any thread.
 * Returns: true when the guest runs.
 */
bool runstate_is_running(VmRunState *rs);

/**
 * runstate_launch:
 * @rs: a run state
 *
 * The machine is complete: runs the guest when that was asked for and no other
 * guest is awaited.
 *
 * Context: the main thread, once.
 */
void runstate_launch(VmRunState *rs);

/**
 * runstate_internal_error:
 * @rs: a run state
 *
 * The guest cannot run on, through no doing of its own: it is stopped for good.
 * One that is being handed over does not go on here should that fail.
 *
 * Context: any thread but the accelerator's.
 */
void runstate_internal_error(VmRunState *rs);

/**
 * runstate_stop:
 * @rs: a run state
 *
 * What QMP `stop` does: a running guest is paused; one that is awaited, or
 * being handed over, will not run afterwards; any other stays as it is.
 *
 * Context: any thread.
 */
void runstate_stop(VmRunState *rs);

/**
 * runstate_cont:
 * @rs: a run state
 * @errp: receives the reason on failure, or NULL
 *
 * What QMP `cont` does: runs the guest, also one that was handed over (which is
 * for the caller to know); one that is awaited will run once it is here.
 *
 * Context: any thread.
 * Returns: false in a state that the guest cannot run from.
 */
bool runstate_cont(VmRunState *rs, Error **errp);

/**
 * runstate_can_migrate:
 * @rs: a run state
 * @errp: receives the reason on failure, or NULL
 *
 * May the guest be sent elsewhere?
 *
 * Context: any thread.
 * Returns: false while another is awaited, and after it was sent already.
 */
bool runstate_can_migrate(VmRunState *rs, Error **errp);

/**
 * runstate_finish_migrate:
 * @rs: a run state
 * @errp: receives the reason on failure, or NULL
 *
 * Switchover: stops the guest and remembers what it was doing.
 *
 * Context: any thread.
 * Returns: false when the process is shutting down.
 */
bool runstate_finish_migrate(VmRunState *rs, Error **errp);

/**
 * runstate_migrate_failed:
 * @rs: a run state
 *
 * After runstate_finish_migrate(): the guest goes back to what it was doing.
 *
 * Context: any thread.
 */
void runstate_migrate_failed(VmRunState *rs);

/**
 * runstate_migrated:
 * @rs: a run state
 *
 * After runstate_finish_migrate(): the guest lives elsewhere.
 *
 * Context: any thread.
 */
void runstate_migrated(VmRunState *rs);

/**
 * runstate_to_send:
 * @rs: a run state
 *
 * The state the destination shall know of: what the guest was doing before the
 * switchover, if that is under way.
 *
 * Context: any thread.
 * Returns: a state.
 */
RunState runstate_to_send(VmRunState *rs);

/**
 * runstate_is_receivable:
 * @state: a state that a source has sent
 *
 * Context: any thread.
 * Returns: true when an awaited guest can be in that state.
 */
bool runstate_is_receivable(RunState state);

/**
 * runstate_incoming_done:
 * @rs: a run state
 * @state: what the source has sent, receivable; RUN_STATE__MAX for nothing
 *
 * The awaited guest is here: it runs if it ran at the source (or nothing is
 * known) and it may, else it takes the state it had.
 *
 * Context: any thread.
 */
void runstate_incoming_done(VmRunState *rs, RunState state);

/**
 * runstate_shutdown:
 * @rs: a run state
 * @cause: for the SHUTDOWN event
 *
 * The process is about to end: tells the clients.  Only the first call counts.
 *
 * Context: any thread.
 */
void runstate_shutdown(VmRunState *rs, ShutdownCause cause);

/**
 * runstate_keep_stopped:
 * @rs: a run state
 *
 * The process is about to end, told or not: a guest whose migration that cuts
 * short is not started any more, for it may live on elsewhere.
 *
 * Context: any thread.
 */
void runstate_keep_stopped(VmRunState *rs);

/**
 * runstate_end:
 * @rs: a run state
 *
 * Stops the guest for good, without an event, before the machine is freed.
 *
 * Context: the main thread, no migration any more.
 */
void runstate_end(VmRunState *rs);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VmRunState, runstate_free)

#endif /* SYSTEM_RUNSTATE_H */
