/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input: a main stream from its first byte.  It is loaded the whole way, into a
 * machine with one block "m" of 16 KiB, a clock and a run state.
 */
#include "qemu/osdep.h"
#include "fuzz.h"
#include "io/channel-buffer.h"
#include "migration/core/load.h"
#include "qapi/error.h"
#include "ram-blocks.h"
#include "sample-devices.h"

static bool fuzz_incoming_done(void *opaque, Error **errp)
{
    return true;
}

static void fuzz_warn(void *opaque, const char *message)
{
}

static const MachineOps fuzz_machine = {
    .incoming_done = fuzz_incoming_done,
    .warn = fuzz_warn,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const RamLoadOps no_channels = { 0 };
    SampleTimer timer = { 0 };
    SampleGlobalState global = { 0 };
    g_autoptr(VMStateRegistry) reg = sample_registry(&timer, &global);
    g_autoptr(RamList) ram = ram_blocks_new("m", 4, NULL);
    g_autoptr(RamReceived) received = ram_received_new(ram);
    g_autoptr(QIOChannel) ioc = qio_channel_buffer_new_data(data, size);
    MigrationHost host = {
        .ram = ram, .vmstate = reg, .machine = &fuzz_machine,
    };
    MigrationConfig config = {
        .compat = { .send_configuration = true, .send_section_footer = true },
        .machine_name = "none",
    };
    g_autoptr(MigrationLoad) load = migration_load_new(
        &host, &config, received, &no_channels, NULL, ioc, NULL, 0);
    Error *err = NULL;

    if (!migration_load_stream(load, &err) ||
        !migration_load_skip_vmdesc(load, 0, &err) ||
        !migration_load_apply(load, &err)) {
        /* A failure without a reason is a bug as well. */
        g_assert_nonnull(err);
        error_free(err);
    }
    return 0;
}
