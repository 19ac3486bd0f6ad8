/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The migration subsystem of one machine: its settings, the outgoing and the
 * incoming migration.  Everything hangs off the Migration handle, so one
 * process may hold several machines, and a unit test holds both ends.
 *
 * Threads: all calls come from the thread that runs the main loop, and none of
 * them blocks on a peer.  The work is done by `live_migration`, `multifdsend_N`
 * and `return_path` at the source, by `live_incoming` and `multifdrecv_N` at the
 * destination.
 * Locks: Migration's own, private; machine operations are called without it.
 */
#ifndef MIGRATION_MIGRATION_H
#define MIGRATION_MIGRATION_H

#include <stdbool.h>
#include <glib.h>
#include "io/authz.h"
#include "io/fd-store.h"
#include "io/tls-creds.h"
#include "memory/dirty.h"
#include "memory/ram.h"
#include "migration/base/config.h"
#include "migration/machine-ops.h"
#include "migration/vmstate.h"
#include "qapi/event.h"
#include "qapi/qapi-types-migration.h"
#include "qemu/main-loop.h"

typedef struct Migration Migration;

/*
 * What a Migration works on.  Everything pointed to belongs to the caller and
 * outlives the handle.
 */
typedef struct MigrationHost {
    RamList *ram;
    DirtyProvider *dirty;
    VMStateRegistry *vmstate;       /* has "ram" registered as iterable */
    const MachineOps *machine;
    void *machine_opaque;
    MainLoop *loop;
    QapiEventSink *events;          /* NULL: events go nowhere */
    const char *machine_name;       /* as it stands on the wire, e.g. "none" */
    QemuUUID uuid;                  /* all zero when -uuid was not given */
    /*
     * Pages that no record named fail an incoming migration.  True for machines
     * that are nothing but RAM; others only warn.
     */
    bool missing_pages_fatal;
    bool incoming_expected;         /* -incoming was given */
    /*
     * Find an object: a reference for the caller, or NULL with the reason.
     * NULL: there are no objects.  In the main thread.
     */
    TLSCreds *(*find_tls_creds)(void *opaque, const char *id, Error **errp);
    AuthZ *(*find_authz)(void *opaque, const char *id, Error **errp);
    void *objects_opaque;
    FdStore *fds;                   /* what fd: and /dev/fdset/ mean, or NULL */
    const PausePoints *pause_points; /* NULL outside tests */
    unsigned throttle_round_ms;     /* 0 outside tests; see core/throttle.h */
} MigrationHost;

/**
 * migration_new:
 * @host: what to work on; copied
 *
 * Returns: a handle with QEMU 10.0's default settings
 */
Migration *migration_new(const MigrationHost *host);

/**
 * migration_free:
 * @m: a handle, or NULL
 *
 * Cancels what runs, waits for its threads and frees.  The guest of a
 * cancelled outgoing migration is resumed.
 */
void migration_free(Migration *m);

/**
 * migration_set_property:
 * @m: a handle
 * @name: a property of `-global migration.NAME=VALUE`
 * @value: "on", "off", or the name of a value
 * @errp: where to put the reason, or NULL
 *
 * Context: before the first migration.
 * Returns: false when the name or the value is unknown
 */
bool migration_set_property(Migration *m, const char *name, const char *value,
                            Error **errp);

/**
 * migration_get_property:
 * @m: a handle
 * @name: a property that is on or off
 *
 * Returns: "on" or "off", as migration_set_property() takes it; NULL when the
 *          name is unknown
 */
const char *migration_get_property(const Migration *m, const char *name);

/**
 * migration_stores_global_state:
 * @m: a handle
 *
 * Returns: the property `store-global-state`: whether the stream carries the run
 *          state in section "globalstate"
 */
bool migration_stores_global_state(const Migration *m);

/**
 * migration_set_capabilities:
 * @m: a handle
 * @list: capabilities and their new state
 * @errp: where to put the reason, or NULL
 *
 * All of them or, when a rule is broken or a migration runs, none.
 * Returns: true when set
 */
bool migration_set_capabilities(Migration *m,
                                const MigrationCapabilityStatusList *list,
                                Error **errp);

/**
 * migration_query_capabilities:
 * @m: a handle
 *
 * Returns: every capability with its state, the caller's
 */
MigrationCapabilityStatusList *migration_query_capabilities(Migration *m);

/**
 * migration_set_parameters:
 * @m: a handle
 * @params: the parameters to change (has_… set)
 * @errp: where to put the reason, or NULL
 *
 * All of them or, when one is out of range, none.  While a migration runs the
 * bandwidths, the downtime limit and those of auto-converge apply at once, the
 * others to the next one.
 * Returns: true when set
 */
bool migration_set_parameters(Migration *m, const MigrationParameters *params,
                              Error **errp);

/**
 * migration_query_parameters:
 * @m: a handle
 *
 * Returns: every parameter, the caller's
 */
MigrationParameters *migration_query_parameters(Migration *m);

/**
 * migration_query:
 * @m: a handle
 *
 * A snapshot for query-migrate; waits for no thread that talks to a peer.
 * Returns: a new MigrationInfo, the caller's
 */
MigrationInfo *migration_query(Migration *m);

/**
 * migration_start:
 * @m: a handle
 * @uri: "tcp:HOST:PORT" or "unix:PATH"; NULL when @channels is given
 * @channels: a list with one main channel; NULL when @uri is given
 * @errp: where to put the reason, or NULL
 *
 * Begins an outgoing migration and returns at once; whether it connects shows in
 * the status.
 * Returns: false when it may not begin: bad address, one runs already, the
 *          machine refuses
 */
bool migration_start(Migration *m, const char *uri,
                     const MigrationChannelList *channels, Error **errp);

/**
 * migration_cancel:
 * @m: a handle
 *
 * Cancels an outgoing migration, or ends an incoming one that is connected; does
 * nothing otherwise.  Returns at once; the status follows within milliseconds
 * whatever the peer does.
 */
void migration_cancel(Migration *m);

/**
 * migration_continue:
 * @m: a handle
 * @state: the status that the caller believes the outgoing migration to have
 * @errp: where to put the reason, or NULL
 *
 * Ends the wait of capability `pause-before-switchover`, which is one in status
 * `pre-switchover`; there is none in others, and nothing is done.
 * Returns: false when the status is another one
 */
bool migration_continue(Migration *m, MigrationStatus state, Error **errp);

/**
 * migration_incoming_start:
 * @m: a handle
 * @uri: "tcp:HOST:PORT" or "unix:PATH"; NULL when @channels is given
 * @channels: a list with one main channel; NULL when @uri is given
 * @exit_on_error: handed to MachineOps::incoming_failed
 * @errp: where to put the reason, or NULL
 *
 * Listens, and loads what comes.
 * Returns: false when it cannot listen, or an incoming migration is under way
 *          or has completed
 */
bool migration_incoming_start(Migration *m, const char *uri,
                              const MigrationChannelList *channels,
                              bool exit_on_error, Error **errp);

/**
 * migration_is_running:
 * @m: a handle
 *
 * Returns: true while an outgoing or incoming migration is under way, from
 *          `setup` until its status is final; its threads end soon after
 */
bool migration_is_running(Migration *m);

/**
 * migration_uses_object:
 * @m: a handle
 * @id: of an object
 *
 * Returns: whether a migration that is under way needs that object
 */
bool migration_uses_object(const Migration *m, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Migration, migration_free)

#endif
