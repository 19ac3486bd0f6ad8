/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The incoming migration, as the files of migration/core/ share it.
 *
 * Threads: see each group of members.
 * Locks: MigrationIn::lock; while it is held nothing is called but the shutdown
 * of a channel.
 */
#ifndef MIGRATION_CORE_INCOMING_H
#define MIGRATION_CORE_INCOMING_H

#include "migration/base/config.h"
#include "migration/core/load.h"
#include "migration/core/state.h"
#include "migration/migration.h"
#include "migration/multifd/multifd.h"
#include "migration/transport/transport.h"
#include "qemu/thread.h"

typedef struct MigrationIn MigrationIn;
typedef struct TransportTLS TransportTLS;

/* One incoming migration, from `setup` until another begins. */
struct MigrationIn {
    /* set once */
    const MigrationHost *host;
    MigrationConfig config;
    MigrationAddress *addr;
    bool exit_on_error;
    bool has_one_channel;       /* nobody else can connect */

    MigrationState state;

    /* main thread until the load thread starts, then the load thread's */
    RamReceived *received;
    MultiFDRecv *multifd;
    GByteArray *head;           /* what accept.c read of the main channel */

    /* the load thread's, while it runs */
    MigrationLoad *load;

    /* main thread */
    TransportListener *listener;
    TransportTLS *tls;          /* what connections are wrapped in, or NULL */
    GSList *connections;        /* IncomingConnection: not classified yet */
    GSource *main_watch;        /* while the main channel waits for others */
    SocketAddressList *addresses;
    QemuThread thread;
    bool started;
    bool joined;
    bool told;                  /* MachineOps::incoming_failed() was called */

    /* guarded by lock */
    QemuMutex lock;
    bool cancelled;
    bool committed;             /* the guest lives here: no way back */
    QIOChannel *main_ioc;
    MappedIn *mapped;           /* while its pages are read, else NULL */
};

/**
 * incoming_new:
 * @m: a handle
 * @addr: where to listen
 * @exit_on_error: handed to MachineOps::incoming_failed()
 * @errp: where to put the reason, or NULL
 *
 * Context: the main thread.
 * Returns: the migration, or NULL
 */
MigrationIn *incoming_new(Migration *m, const MigrationAddress *addr,
                          bool exit_on_error, Error **errp);

/**
 * incoming_fail:
 * @in: an incoming migration whose load thread has not started
 * @err: the reason; taken over
 *
 * Context: the main thread.
 */
void incoming_fail(MigrationIn *in, Error *err);

/**
 * incoming_name_source:
 * @in: an incoming migration
 * @err: why it failed
 *
 * Puts the program, file or descriptor that the stream came from in front: who
 * reads the sentence must know which.  A socket has only a peer.
 * Context: any thread.
 */
void incoming_name_source(const MigrationIn *in, Error **err);

/**
 * incoming_cancel:
 * @in: an incoming migration
 *
 * Ends a load, or the wait for the rest of its channels.  Does nothing once the
 * guest has arrived.
 * Context: the main thread.  Does not block.
 */
void incoming_cancel(MigrationIn *in);

/**
 * incoming_finish:
 * @in: an incoming migration whose status is final
 *
 * Waits for its thread, which has nothing to wait for, and tells the machine of
 * a failure unless that was done.
 * Context: the main thread.
 */
void incoming_finish(MigrationIn *in);

/**
 * incoming_free:
 * @in: an incoming migration, or NULL; ended and joined if need be
 *
 * Context: the main thread.
 */
void incoming_free(MigrationIn *in);

/**
 * incoming_load_thread:
 * @opaque: a MigrationIn whose channels have all arrived
 *
 * Body of `live_incoming`.
 * Returns: NULL
 */
void *incoming_load_thread(void *opaque);

/**
 * incoming_accept:
 * @in: an incoming migration in status `setup`
 * @ioc: a new connection; taken over
 *
 * Finds out without blocking what the connection is.
 * Context: the main thread.
 */
void incoming_accept(MigrationIn *in, QIOChannel *ioc);

/**
 * incoming_main_stop_waiting:
 * @in: an incoming migration
 * @errp: where to put the reason, or NULL
 *
 * Ends the watch over a main channel that came before the others, and makes it
 * blocking.  Does nothing when there is no such watch.
 * Context: the main thread.
 */
bool incoming_main_stop_waiting(MigrationIn *in, Error **errp);

/**
 * incoming_drop_connections:
 * @in: an incoming migration
 *
 * Closes the connections that have not said what they are.
 * Context: the main thread.
 */
void incoming_drop_connections(MigrationIn *in);

/**
 * incoming_arrived:
 * @in: an incoming migration
 *
 * Called after each channel that was classified: starts the load thread once
 * the main channel and all multifd channels are there.
 * Context: the main thread.
 */
void incoming_arrived(MigrationIn *in);

#endif
