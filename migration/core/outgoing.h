/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outgoing migration, as the files of migration/core/ share it.
 *
 * Threads: see each group of members.
 * Locks: MigrationOut::lock; while it is held nothing is called but what only
 * takes a lock of its own for a moment (shutting channels, reading counters).
 */
#ifndef MIGRATION_CORE_OUTGOING_H
#define MIGRATION_CORE_OUTGOING_H

#include <gio/gio.h>
#include "migration/base/config.h"
#include "migration/base/rate.h"
#include "migration/base/stats.h"
#include "migration/core/return-path.h"
#include "migration/core/state.h"
#include "migration/core/throttle.h"
#include "migration/migration.h"
#include "migration/multifd/accel.h"
#include "migration/multifd/multifd.h"
#include "migration/ram/save.h"
#include "migration/ram/sink-main.h"
#include "migration/ram/sink-mapped.h"
#include "migration/vmstate/vmdesc.h"
#include "qemu/thread.h"

typedef struct TransportTLS TransportTLS;
/* One outgoing migration, from `setup` until another begins. */
typedef struct MigrationOut {
    /* set once */
    const MigrationHost *host;
    const MigrationLive *live;
    MigrationConfig config;
    MigrationAddress *addr;
    GCancellable *cancellable;
    TransportTLS *tls;          /* what connections are wrapped in, or NULL */

    /* each with rules of its own */
    MigrationState state;
    MigrationCounters counters;
    RateLimit rate;
    MigrationThrottle throttle;

    /* main thread */
    QemuThread thread;
    bool joined;

    /* guarded by lock */
    QemuMutex lock;
    QemuCond pause_wake;        /* one of the next three has become true */
    bool continued;             /* migrate-continue, in `pre-switchover` */
    bool peer_failed;           /* a channel or the return path has ended */
    bool cancelled;
    bool handing_over;          /* the last byte may be on its way */
    bool handed_over;           /* the destination has the guest: no way back */
    QIOChannel *main_ioc;
    MultiFDSend *multifd;
    MappedOut *mapped;          /* NULL: pages have no places in a file */
    ReturnPath *return_path;
    MultiFDAccel *accel;        /* set by the migration thread alone */
    MultiFDAccelStatus *accel_status; /* what @accel had done when it went */

    /* migration thread */
    QIOChannel *at_hand;        /* a main channel that was made before it */
    MigStreamOut *out;
    MainSink *main_sink;        /* one of the two */
    MappedSink *mapped_sink;
    RamSave *ram;
    VMDesc *vmdesc;
    int64_t connected_us;       /* when the main channel was connected */
    uint32_t ram_section_id;
    int64_t window_start_us;    /* of the bandwidth measurement */
    uint64_t window_start_bytes;
    uint64_t window_start_pages;
    uint64_t round_bytes;       /* to be sent when the round began */
    uint32_t ping;              /* value of the last PING */
    uint64_t pass_told;         /* last MIGRATION_PASS */
    bool stopped;               /* MachineOps::stop() has stopped the guest */

    /* atomics, for query-migrate */
    int64_t start_us;
    int64_t setup_ms;
    int64_t stop_us;            /* when the guest was stopped, 0 before */
    int64_t downtime_ms;
    int64_t total_ms;           /* 0 until the end */
    uint64_t bandwidth;         /* bytes a second, 0: not measured yet */
    uint64_t transferred_at_stop;
    bool guest_ran;             /* the guest ran when the migration began */
    /* an atomic, for who opens work queues */
    bool stop_opening;
} MigrationOut;

/**
 * outgoing_start:
 * @m: a handle without a running migration
 * @addr: where to; taken over
 * @errp: where to put the reason, or NULL
 *
 * Begins an outgoing migration; its thread does the rest.  It may fail at once:
 * its status is `failed` then, and @errp set.
 * Context: the main thread.
 * Returns: the migration
 */
MigrationOut *outgoing_start(Migration *m, MigrationAddress *addr,
                             Error **errp);

/**
 * outgoing_cancel:
 * @o: an outgoing migration
 *
 * Ends it at once, or, when all of the guest was sent and the destination has
 * still to say that it is there, when it has or is silent for too long.
 * Context: the main thread.  Does not block.
 */
void outgoing_cancel(MigrationOut *o);

/**
 * outgoing_continue:
 * @o: an outgoing migration
 *
 * Lets it go on if its status is `pre-switchover`.
 * Context: the main thread.  Does not block.
 */
void outgoing_continue(MigrationOut *o);

/**
 * outgoing_join:
 * @o: an outgoing migration that is final or was cancelled
 *
 * Context: the main thread.
 */
void outgoing_join(MigrationOut *o);

/**
 * outgoing_free:
 * @o: an outgoing migration, or NULL; cancelled and joined if need be
 *
 * Context: the main thread.
 */
void outgoing_free(MigrationOut *o);

/**
 * outgoing_shutdown_channels:
 * @o: an outgoing migration
 *
 * Ends all waits on the peer.
 * Context: any thread; does not block.
 */
void outgoing_shutdown_channels(MigrationOut *o);

/**
 * outgoing_peer_failed:
 * @opaque: an outgoing migration
 *
 * A multifd channel or the return path has failed: nobody may wait any more.
 * Context: a thread of theirs.
 */
void outgoing_peer_failed(void *opaque);

/**
 * outgoing_connect_at_hand:
 * @o: an outgoing migration that has no thread yet
 * @errp: where to put the reason, or NULL
 *
 * Makes the main channel if nobody has to be waited for.
 * Context: the main thread.
 * Returns: false when it can't be made
 */
bool outgoing_connect_at_hand(MigrationOut *o, Error **errp);

/**
 * outgoing_connect:
 * @o: an outgoing migration in status `setup`
 * @errp: where to put the reason, or NULL
 *
 * Makes all channels, and what writes to them.
 * Context: the migration thread.
 * Returns: false when one could not be made, or the migration was cancelled
 */
bool outgoing_connect(MigrationOut *o, Error **errp);

/**
 * outgoing_connect_mapped:
 * @o: an outgoing migration with its main channel
 * @errp: where to put the reason, or NULL
 *
 * Makes what writes pages to their places in the file.
 * Context: the migration thread.
 * Returns: false when the main channel is no file, or it cannot be opened again
 */
bool outgoing_connect_mapped(MigrationOut *o, Error **errp);

/**
 * outgoing_iterate:
 * @o: an outgoing migration in status `active`
 * @errp: where to put the reason, or NULL
 *
 * Sends rounds until the rest fits the downtime limit.
 * Context: the migration thread.
 */
bool outgoing_iterate(MigrationOut *o, Error **errp);

/**
 * outgoing_switchover_bandwidth:
 * @o: an outgoing migration
 *
 * Context: any thread.
 * Returns: what switchover is expected to run at, bytes a second; 0 when nothing
 *          was set and nothing measured yet
 */
uint64_t outgoing_switchover_bandwidth(MigrationOut *o);

/**
 * outgoing_tell_pass:
 * @o: an outgoing migration
 *
 * Emits MIGRATION_PASS for rounds that have begun since the last call.
 * Context: the migration thread.
 */
void outgoing_tell_pass(MigrationOut *o);

/**
 * outgoing_handed_over:
 * @o: an outgoing migration in status `device`
 *
 * The destination's guest is the guest.  Who cancels now, or has cancelled too
 * late to stop that, does not get a second one that runs here.
 * Context: the migration thread.
 */
void outgoing_handed_over(MigrationOut *o);

/**
 * outgoing_switchover:
 * @o: an outgoing migration in status `active`
 * @errp: where to put the reason, or NULL
 *
 * Stops the guest, waits for outgoing_continue() if that was asked for, sends
 * the rest of the guest and hands it over.
 * Context: the migration thread.
 */
bool outgoing_switchover(MigrationOut *o, Error **errp);

/**
 * outgoing_open_accel:
 * @o: an outgoing migration that has not connected
 * @errp: where to put the reason, or NULL
 *
 * Opens the work queues that it is to use, if any.
 * Context: the migration thread.
 * Returns: false when one cannot be used
 */
bool outgoing_open_accel(MigrationOut *o, Error **errp);

/**
 * outgoing_warn_compression:
 * @o: an outgoing migration
 *
 * Tells the machine when content is compressed in another way than one may expect.
 * Context: the migration thread.
 */
void outgoing_warn_compression(MigrationOut *o);

/**
 * outgoing_warn_accel:
 * @o: an outgoing migration
 *
 * Tells the machine of queues that were given up since the last call.
 * Context: the migration thread.
 */
void outgoing_warn_accel(MigrationOut *o);

/**
 * outgoing_close_accel:
 * @o: an outgoing migration whose channels have ended
 *
 * Closes the work queues; their counters stay.
 * Context: the migration thread.
 */
void outgoing_close_accel(MigrationOut *o);

/**
 * outgoing_detector_info:
 * @o: an outgoing migration
 *
 * Context: the main thread.
 * Returns: what looks for zero pages, the caller's
 */
ZeroPageDetectorInfo *outgoing_detector_info(MigrationOut *o);

/**
 * outgoing_info:
 * @o: an outgoing migration
 * @info: what to fill
 *
 * Context: the main thread.
 */
void outgoing_info(MigrationOut *o, MigrationInfo *info);

#endif
