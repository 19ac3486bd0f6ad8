/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The descriptions behind sample-devices.h.
 */
#include "qemu/osdep.h"
#include "migration/stream/wire.h"
#include "sample-devices.h"

const VMStateDescription vmstate_sample_timer = {
    .name = "timer",
    .version_id = 2,
    .minimum_version_id = 1,
    .struct_size = sizeof(SampleTimer),
    .fields = (const VMStateField[]) {
        VMSTATE_INT64(cpu_ticks_offset, SampleTimer),
        VMSTATE_UNUSED(8),
        VMSTATE_INT64_V(cpu_clock_offset, SampleTimer, 2),
        VMSTATE_END_OF_LIST()
    },
};

const VMStateDescription vmstate_sample_global_state = {
    .name = "globalstate",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(SampleGlobalState),
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(size, SampleGlobalState),
        VMSTATE_BUFFER(runstate, SampleGlobalState),
        VMSTATE_UINT8(has_vm_was_suspended, SampleGlobalState),
        VMSTATE_UINT8(vm_was_suspended, SampleGlobalState),
        VMSTATE_BUFFER(unused, SampleGlobalState),
        VMSTATE_END_OF_LIST()
    },
};

VMStateRegistry *sample_registry(SampleTimer *timer, SampleGlobalState *global)
{
    VMStateRegistry *reg = vmstate_registry_new();

    g_assert_true(vmstate_register(reg, "timer", 0, &vmstate_sample_timer,
                                   timer, NULL));
    g_assert_true(vmstate_register_iterable(reg, RAM_SAVE_IDSTR, 0,
                                            RAM_SAVE_VERSION, NULL));
    /* QEMU's "dirty-bitmap". */
    vmstate_reserve_section_id(reg);
    g_assert_true(vmstate_register(reg, "globalstate", 0,
                                   &vmstate_sample_global_state, global,
                                   NULL));
    return reg;
}
