/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a migration asks of the machine it moves.  Owned by this layer, filled by
 * system/, so that nothing here knows of command lines or processes.
 *
 * Threads: stop, resume, migrated, incoming_done and warn are called from
 * migration threads, running from them and from the main thread, the others from
 * the main thread.  The machine takes its own lock; migration holds none of its
 * locks during a call.
 */
#ifndef MIGRATION_MACHINE_OPS_H
#define MIGRATION_MACHINE_OPS_H

#include <stdbool.h>

typedef struct Error Error;

typedef struct MachineOps {
    /*
     * May an outgoing migration start?  Refuses a machine that waits for an
     * incoming one, and one whose guest has already gone elsewhere.
     */
    bool (*can_migrate)(void *opaque, Error **errp);

    /* Does the guest run now?  Decides what counts as downtime. */
    bool (*running)(void *opaque);

    /* Switchover: stop the guest for good or for bad; finish-migrate. */
    bool (*stop)(void *opaque, Error **errp);

    /* After stop(): it failed or was cancelled, back to what was before. */
    void (*resume)(void *opaque);

    /* After stop(): the guest lives elsewhere now; postmigrate. */
    void (*migrated)(void *opaque);

    /*
     * All of the guest has arrived and device state is applied: go to the run
     * state that the source's `globalstate` and -S ask for.
     */
    bool (*incoming_done)(void *opaque, Error **errp);

    /*
     * The incoming migration failed for the reason @message.  Called once, after
     * the status has become `failed`.  @exit_on_error: the process is to end.
     */
    void (*incoming_failed)(void *opaque, const char *message,
                            bool exit_on_error);

    /*
     * Slows the guest's CPUs down by so much, 0 to 99 percent.  Called from
     * migration threads; does not wait.  NULL: the machine cannot.
     */
    void (*throttle)(void *opaque, unsigned percent);

    /* Something that is no failure but that the operator should read. */
    void (*warn)(void *opaque, const char *message);
} MachineOps;

#endif
