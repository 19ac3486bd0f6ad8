/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's `globalstate` section: what the guest was doing at the source, by the
 * name of its run state.
 *
 * Threads: as migration/vmstate.h says.  No locks of its own.
 */
#ifndef SYSTEM_GLOBALSTATE_H
#define SYSTEM_GLOBALSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "migration/vmstate.h"
#include "system/runstate.h"

#define GLOBALSTATE_NAME_BYTES 32

typedef struct GlobalState {
    /* on the wire */
    uint32_t size;                      /* bytes of the name and its NUL */
    uint8_t runstate[GLOBALSTATE_NAME_BYTES];
    uint8_t has_vm_was_suspended;
    uint8_t vm_was_suspended;
    uint8_t unused[66];

    /* set once, before the first migration */
    VmRunState *rs;
    bool store;                         /* also when a peer can do without */

    /* what came, RUN_STATE__MAX for nothing; for the incoming migration */
    RunState received;
} GlobalState;

extern const VMStateDescription vmstate_globalstate;

/**
 * globalstate_init:
 * @gs: memory for it
 * @rs: the run state that is sent; outlives @gs
 *
 * Context: the main thread.
 */
void globalstate_init(GlobalState *gs, VmRunState *rs);

#endif /* SYSTEM_GLOBALSTATE_H */
