/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine as a migration sees it.
 *
 * Constant; the functions' threads are those that migration/machine-ops.h
 * names.  Their opaque is a MachineOpsState.
 */
#ifndef SYSTEM_MACHINE_OPS_H
#define SYSTEM_MACHINE_OPS_H

#include "migration/machine-ops.h"
#include "system/globalstate.h"
#include "system/runstate.h"

/* What of the machine a migration reaches. */
typedef struct MachineOpsState {
    VmRunState *runstate;
    Accel *accel;
    GlobalState *globalstate;
    /* the machine's way out, called in the main thread */
    void (*fail)(void *opaque);
    void *opaque;
} MachineOpsState;

extern const MachineOps machine_ops;

#endif /* SYSTEM_MACHINE_OPS_H */
