/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine: guest memory, accelerator, run state, device sections, and the
 * migration that moves them.  What most QMP commands have as context.
 *
 * Threads: built, used and freed by the main thread.  Migration threads come
 * in through MachineOps (machine-ops.h) and touch only what has a lock of its
 * own.  No locks here.
 */
#ifndef SYSTEM_MACHINE_H
#define SYSTEM_MACHINE_H

#include <stdbool.h>

#include <glib.h>

#include "accel/accel.h"
#include "io/fd-store.h"
#include "memory/ram.h"
#include "migration/migration.h"
#include "qapi/event.h"
#include "qemu/main-loop.h"
#include "qemu/uuid.h"
#include "system/command-line.h"
#include "system/globalstate.h"
#include "system/machine-ops.h"
#include "system/object-add.h"
#include "system/runstate.h"
#include "system/timer-state.h"

typedef struct Machine {
    /* set once, by machine_new() */
    char *name;                 /* of the guest, or NULL */
    QemuUUID uuid;
    MainLoop *loop;             /* the caller's */
    QapiEventSink *events;      /* the caller's; NULL: events go nowhere */
    ObjectSet *objects;
    FdStore *fds;               /* what users have handed over */
    RamList *ram;
    GuestConfig guest;          /* points into the command line */
    Accel *accel;
    VmRunState *runstate;
    TimerState timer;
    GlobalState globalstate;
    VMStateRegistry *vmstate;
    MachineOpsState ops_state;
    Migration *migration;

    /* the main thread only */
    bool quitting;              /* the main loop is on its way out */
    int exit_status;            /* of the process */
} Machine;

/**
 * machine_new:
 * @cl: what it is to be; only read
 * @loop: the main loop; outlives the machine
 * @events: where its events go, or NULL; outlives the machine
 * @errp: receives the reason on failure, or NULL
 *
 * Builds a machine that has not started.
 *
 * Context: the main thread; blocks while memory is populated.  The caller
 * frees it with machine_free().
 * Returns: the machine, or NULL when its parts do not fit together.
 */
Machine *machine_new(const CommandLine *cl, MainLoop *loop,
                     QapiEventSink *events, Error **errp);

/**
 * machine_end:
 * @machine: a machine
 *
 * Ends what runs: cancels a migration and waits for its threads, stops the
 * guest.  Its memory stays.
 *
 * Context: the main thread, not inside the loop.
 */
void machine_end(Machine *machine);

/**
 * machine_free:
 * @machine: a machine, half-built ones too, or NULL
 *
 * Ends it if that was not done, and frees it.
 *
 * Context: the main thread, not inside the loop.
 */
void machine_free(Machine *machine);

/**
 * machine_quit:
 * @machine: a machine
 * @cause: for the SHUTDOWN event
 *
 * Lets the main loop end, with exit status 0.
 *
 * Context: the main thread.
 */
void machine_quit(Machine *machine, ShutdownCause cause);

/**
 * machine_fail:
 * @machine: a machine
 *
 * Lets the main loop end, with exit status 1.
 *
 * Context: the main thread.
 */
void machine_fail(Machine *machine);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Machine, machine_free)

#endif /* SYSTEM_MACHINE_H */
