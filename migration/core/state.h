/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status of one migration and the first reason it failed for.  Every change
 * of status goes through here, is checked against the table of legal moves and
 * is told to the clients.
 *
 * Threads: any.
 * Locks: MigrationState::lock; while it is held only the event sink is called, so
 * that events come in the order of the changes.
 */
#ifndef MIGRATION_CORE_STATE_H
#define MIGRATION_CORE_STATE_H

#include <stdbool.h>
#include <glib.h>
#include "migration/base/rate.h"
#include "qapi/event.h"
#include "qapi/qapi-types-migration.h"
#include "qemu/thread.h"

typedef struct MigrationState {
    /* set once */
    const char *side;           /* "source" or "destination" */
    QapiEventSink *events;      /* NULL: nobody is told */
    const MigrationLive *live;  /* whether clients want to be told */
    /* guarded by lock */
    QemuMutex lock;
    MigrationStatus status;
    char *error;
} MigrationState;

/**
 * migration_state_init:
 * @state: storage of the caller
 * @side: "source" or "destination"; a constant
 * @events: where changes are told, or NULL
 * @live: whether they are told now; outlives @state
 */
void migration_state_init(MigrationState *state, const char *side,
                          QapiEventSink *events, const MigrationLive *live);

/**
 * migration_state_destroy:
 * @state: a state nobody uses any more
 */
void migration_state_destroy(MigrationState *state);

/**
 * migration_state_get:
 * @state: a state
 *
 * Returns: the status now
 */
MigrationStatus migration_state_get(MigrationState *state);

/**
 * migration_state_move:
 * @state: a state
 * @from: what the status must be
 * @to: what it becomes
 *
 * Returns: false, changing nothing, when the status is not @from
 */
bool migration_state_move(MigrationState *state, MigrationStatus from,
                          MigrationStatus to);

/**
 * migration_state_cancelling:
 * @state: the state of a source
 *
 * Moves to `cancelling` from any status that can be cancelled.
 * Returns: false, changing nothing, when there is nothing to cancel
 */
bool migration_state_cancelling(MigrationState *state);

/**
 * migration_state_complete:
 * @state: a state
 *
 * Moves to `completed`, from `cancelling` as well: a guest that has arrived is
 * gone, whatever was asked for meanwhile.
 * Returns: false, changing nothing, when the status is final or too early
 */
bool migration_state_complete(MigrationState *state);

/**
 * migration_state_fail:
 * @state: a state
 * @message: the reason; copied.  Kept only if it is the first.
 *
 * Moves to `failed` from any status that is not final and not `cancelling`.
 * Returns: false, changing nothing, otherwise
 */
bool migration_state_fail(MigrationState *state, const char *message);

/**
 * migration_state_error:
 * @state: a state
 *
 * Returns: a copy of the reason it failed for, the caller's; NULL if none
 */
char *migration_state_error(MigrationState *state);

/**
 * migration_status_is_final:
 * @status: a status
 *
 * Returns: true for completed, failed and cancelled
 */
bool migration_status_is_final(MigrationStatus status);

#endif
