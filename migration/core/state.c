/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Status of a migration: one table of legal moves, one lock, one event each.
 *
 * Entered by all threads of a migration and by the main thread.
 */
#include "qemu/osdep.h"
#include "qapi/qapi-events-migration.h"
#include "qemu/atomic.h"
#include "migration/core/state.h"
#include "migration/trace.h"

#define TO(status) (1u << MIGRATION_STATUS_##status)

/* Which status may follow which; both ends of a migration share the table. */
static const unsigned legal_moves[MIGRATION_STATUS__MAX] = {
    [MIGRATION_STATUS_NONE] = TO(SETUP),
    [MIGRATION_STATUS_SETUP] = TO(ACTIVE) | TO(CANCELLING) | TO(FAILED),
    [MIGRATION_STATUS_ACTIVE] =
        TO(PRE_SWITCHOVER) | TO(DEVICE) | TO(COMPLETED) | TO(CANCELLING) |
        TO(FAILED),
    [MIGRATION_STATUS_PRE_SWITCHOVER] =
        TO(DEVICE) | TO(CANCELLING) | TO(FAILED),
    [MIGRATION_STATUS_DEVICE] = TO(COMPLETED) | TO(CANCELLING) | TO(FAILED),
    /* completed: the guest had arrived before the cancel could stop it */
    [MIGRATION_STATUS_CANCELLING] = TO(CANCELLED) | TO(COMPLETED),
};

void migration_state_init(MigrationState *state, const char *side,
                          QapiEventSink *events, const MigrationLive *live)
{
    *state = (MigrationState) {
        .side = side,
        .events = events,
        .live = live,
        .status = MIGRATION_STATUS_NONE,
    };
    qemu_mutex_init(&state->lock);
}

void migration_state_destroy(MigrationState *state)
{
    qemu_mutex_destroy(&state->lock);
    g_free(state->error);
}

MigrationStatus migration_state_get(MigrationState *state)
{
    QEMU_LOCK_GUARD(&state->lock);

    return state->status;
}

static bool state_set_locked(MigrationState *state, MigrationStatus to)
{
    if (!(legal_moves[state->status] & (1u << to))) {
        return false;
    }
    state->status = to;
    trace_migration_status(state->side, MigrationStatus_str(to));
    if (state->events && qatomic_read(&state->live->events)) {
        qapi_event_send_migration(state->events, to);
    }
    return true;
}

bool migration_state_move(MigrationState *state, MigrationStatus from,
                          MigrationStatus to)
{
    QEMU_LOCK_GUARD(&state->lock);

    return state->status == from && state_set_locked(state, to);
}

bool migration_state_cancelling(MigrationState *state)
{
    QEMU_LOCK_GUARD(&state->lock);

    return state_set_locked(state, MIGRATION_STATUS_CANCELLING);
}

bool migration_state_complete(MigrationState *state)
{
    QEMU_LOCK_GUARD(&state->lock);

    return state_set_locked(state, MIGRATION_STATUS_COMPLETED);
}

bool migration_state_fail(MigrationState *state, const char *message)
{
    QEMU_LOCK_GUARD(&state->lock);

    if (!(legal_moves[state->status] & TO(FAILED))) {
        return false;
    }
    /* Before the event: whoever asks because of it finds the reason. */
    if (!state->error) {
        state->error = g_strdup(message);
    }
    trace_migration_error(state->side, message);
    return state_set_locked(state, MIGRATION_STATUS_FAILED);
}

char *migration_state_error(MigrationState *state)
{
    QEMU_LOCK_GUARD(&state->lock);

    return g_strdup(state->error);
}

bool migration_status_is_final(MigrationStatus status)
{
    return status == MIGRATION_STATUS_COMPLETED ||
           status == MIGRATION_STATUS_FAILED ||
           status == MIGRATION_STATUS_CANCELLED;
}
