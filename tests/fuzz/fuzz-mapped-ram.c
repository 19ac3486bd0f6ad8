/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input: a file that begins with the content of a RAM section, mapped RAM in it.
 * It is loaded into blocks "m" of 16 KiB and "n" of 4 KiB.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include "fuzz.h"
#include "io/channel-file.h"
#include "migration/ram/load.h"
#include "qapi/error.h"
#include "ram-blocks.h"

/* A file of the input's bytes. */
static QIOChannel *fuzz_file(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pwrite(fd, data, size, 0), ==, (ssize_t)size);
    return qio_channel_file_new_fd(fd, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const RamLoadOps ops = { 0 };
    MigrationConfig config = { .mapped_ram = true };
    g_autoptr(RamList) ram = ram_blocks_new("m", 4, "n", 1, NULL);
    g_autoptr(RamReceived) received = ram_received_new(ram);
    g_autoptr(QIOChannel) ioc = fuzz_file(data, size);
    g_autoptr(MigStreamIn) in = stream_in_new(ioc, NULL, 0);
    g_autoptr(RamLoad) load = ram_load_new(&config, ram, received, &ops, NULL);
    Error *err = NULL;

    if (!ram_load_section(load, in, &err)) {
        /* A failure without a reason is a bug as well. */
        g_assert_nonnull(err);
        error_free(err);
    }
    return 0;
}
