/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input: what a destination writes on the return path.
 */
#include "qemu/osdep.h"
#include "fuzz.h"
#include "io/channel-buffer.h"
#include "migration/stream/return-path-wire.h"
#include "qapi/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(QIOChannel) ioc = qio_channel_buffer_new_data(data, size);
    g_autoptr(MigStreamIn) s = stream_in_new(ioc, NULL, 0);
    ReturnPathMessage message;
    Error *err = NULL;
    int n;

    do {
        n = return_path_get_message(s, &message, &err);
    } while (n > 0);
    g_assert_true((n < 0) == !!err);
    error_free(err);
    return 0;
}
