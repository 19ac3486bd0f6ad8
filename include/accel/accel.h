/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accelerators: what runs the guest's CPUs and therefore knows what they
 * write.  The machine starts and stops one and asks it for its dirty log.
 *
 * Threads: created and freed in the main thread.  start() and stop() are
 * called under the lock of the machine's run state, so an accelerator's own
 * threads must not ask for that state.
 */
#ifndef ACCEL_ACCEL_H
#define ACCEL_ACCEL_H

#include "accel/guest.h"
#include "memory/dirty.h"
#include "memory/ram.h"
#include "migration/vmstate.h"
#include "qemu/keyval.h"
#include "qemu/main-loop.h"

typedef struct Error Error;
typedef struct AccelOps AccelOps;

/* What the machine gives to an accelerator; all of it outlives that. */
typedef struct AccelHost {
    RamList *ram;
    MainLoop *loop;
    /* what followed the name, only keys of AccelOps::options; or NULL */
    const KeyvalList *options;
    /* what the machine has beside memory; NULL: nothing, as machine `none` */
    const GuestConfig *guest;
    /*
     * The guest cannot go on: it was switched off, or failed for @reason, which
     * is NULL when it ended in order.  From any thread but not from start() or
     * stop(); the machine stops the accelerator.
     */
    void (*ended)(void *opaque, const char *reason);
    /* The guest goes no further, since its CPU fails for @reason.  Likewise. */
    void (*stuck)(void *opaque, const char *reason);
    void *opaque;
} AccelHost;

/* A key that may follow the accelerator's name. */
typedef struct AccelOption {
    const char *name;
    const char *value;          /* what may stand there, for help */
    const char *help;           /* one line */
} AccelOption;

/* The part that every accelerator's own struct begins with. */
typedef struct Accel {
    const AccelOps *ops;
} Accel;

/*
 * What each accelerator provides; all members are mandatory but those that say
 * what NULL means.
 */
struct AccelOps {
    /* as -accel names it */
    const char *name;
    /* one line for `-accel help` */
    const char *summary;

    /* its options, the last one without a name; NULL: none */
    const AccelOption *options;

    /* Makes it ready to run a machine, stopped. */
    Accel *(*create)(const AccelHost *host, Error **errp);

    /*
     * Registers the sections of what it runs, behind those of the machine.
     * They are saved when it is stopped, and loaded before its first start.
     * NULL: there are none.
     */
    bool (*register_sections)(Accel *accel, VMStateRegistry *reg,
                              Error **errp);

    /*
     * Somebody has to connect to a device before the guest may start for the
     * first time.  Main thread.  NULL: never.
     */
    bool (*awaits_client)(Accel *accel);

    /* The guest runs when this has returned; cannot fail. */
    void (*start)(Accel *accel);

    /* The guest writes no more when this has returned; cannot fail. */
    void (*stop)(Accel *accel);

    /*
     * Guest memory must hold still (@held) until it is let go again: a
     * migration hands the guest over, which runs no more by then and may not
     * have run before.  When this has returned, nobody who writes on behalf of
     * the guest does, and what was written is in the dirty log.  Called as
     * start() and stop() are.  NULL: only a running guest writes.
     */
    void (*hold)(Accel *accel, bool held);

    /* Its dirty log, owned by the accelerator. */
    DirtyProvider *(*dirty)(Accel *accel);

    /*
     * Takes so much of their time from the guest's CPUs, 0 to 99 percent, also
     * when they are stopped.  Any thread; does not wait.  NULL: it has no CPUs.
     */
    void (*throttle)(Accel *accel, unsigned percent);

    /* Frees it, stopped. */
    void (*destroy)(Accel *accel);
};

/* Holds memory and runs nothing. */
extern const AccelOps accel_none;

/* The guest's CPU is a client of the qtest protocol. */
extern const AccelOps accel_qtest;

/* Runs the CPUs of a machine `micro`; not in builds without CONFIG_KVM. */
extern const AccelOps accel_kvm;

/* Threads that write RAM and check what they wrote. */
extern const AccelOps accel_stress;

/**
 * accel_find:
 * @name: as -accel names it
 *
 * Looks an accelerator up.
 *
 * Context: any thread.
 * Returns: the accelerator, static, or NULL when this build has none of that
 * name.
 */
const AccelOps *accel_find(const char *name);

/**
 * accel_at:
 * @index: from 0
 *
 * The accelerators of this build one by one, for help texts.
 *
 * Context: any thread.
 * Returns: the accelerator, static; NULL past the last.
 */
const AccelOps *accel_at(unsigned index);

/**
 * accel_free:
 * @accel: a stopped accelerator, or NULL
 *
 * Frees an accelerator by its own destroy().
 *
 * Context: the main thread.
 */
void accel_free(Accel *accel);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Accel, accel_free)

#endif /* ACCEL_ACCEL_H */
