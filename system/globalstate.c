/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's `globalstate` section: 100 bytes after a length, which began as one
 * padded name and were divided up later.
 *
 * The hooks run in migration threads, one migration at a time.  What follows
 * from a state that arrived is decided by runstate_incoming_done(), when
 * everything has arrived.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "system/globalstate.h"

/* A peer without the section takes the guest for running, or paused by -S. */
static bool globalstate_needed(void *opaque)
{
    GlobalState *gs = opaque;
    RunState state = runstate_to_send(gs->rs);

    return gs->store ||
           (state != RUN_STATE_RUNNING && state != RUN_STATE_PAUSED);
}

static bool globalstate_pre_save(void *opaque, Error **errp)
{
    GlobalState *gs = opaque;
    const char *name = RunState_str(runstate_to_send(gs->rs));

    memset(gs->runstate, 0, sizeof(gs->runstate));
    memcpy(gs->runstate, name, strlen(name));
    gs->size = strlen(name) + 1;
    gs->has_vm_was_suspended = 1;
    gs->vm_was_suspended = 0;
    memset(gs->unused, 0, sizeof(gs->unused));
    return true;
}

/* The run state of that name; RUN_STATE__MAX when a guest cannot be in it. */
static RunState globalstate_parse(const GlobalState *gs, Error **errp)
{
    const char *name = (const char *)gs->runstate;
    int state;

    if (!memchr(name, 0, sizeof(gs->runstate))) {
        error_setg(errp, "globalstate: run state name of %d bytes has no end",
                   GLOBALSTATE_NAME_BYTES);
        return RUN_STATE__MAX;
    }
    state = qapi_enum_parse(&RunState_lookup, name, -1, NULL);
    if (state < 0 || !runstate_is_receivable(state)) {
        g_autofree char *printable = g_strescape(name, NULL);

        error_setg(errp, "globalstate: a guest cannot arrive in run state"
                   " '%s'", printable);
        return RUN_STATE__MAX;
    }
    return state;
}

static bool globalstate_validate(const void *staged, int version_id,
                                 Error **errp)
{
    return globalstate_parse(staged, errp) != RUN_STATE__MAX;
}

static bool globalstate_post_load(void *opaque, int version_id, Error **errp)
{
    GlobalState *gs = opaque;

    gs->received = globalstate_parse(gs, errp);
    return gs->received != RUN_STATE__MAX;
}

static const VMStateField globalstate_fields[] = {
    VMSTATE_UINT32(size, GlobalState),
    VMSTATE_BUFFER(runstate, GlobalState),
    VMSTATE_UINT8(has_vm_was_suspended, GlobalState),
    VMSTATE_UINT8(vm_was_suspended, GlobalState),
    VMSTATE_BUFFER(unused, GlobalState),
    VMSTATE_END_OF_LIST()
};

const VMStateDescription vmstate_globalstate = {
    .name = "globalstate",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(GlobalState),
    .needed = globalstate_needed,
    .pre_save = globalstate_pre_save,
    .validate = globalstate_validate,
    .post_load = globalstate_post_load,
    .fields = globalstate_fields,
};

QEMU_BUILD_BUG_ON(sizeof_field(GlobalState, runstate) + 1 + 1 +
                  sizeof_field(GlobalState, unused) != 100);

void globalstate_init(GlobalState *gs, VmRunState *rs)
{
    memset(gs, 0, sizeof(*gs));
    gs->rs = rs;
    gs->store = true;
    gs->received = RUN_STATE__MAX;
}
