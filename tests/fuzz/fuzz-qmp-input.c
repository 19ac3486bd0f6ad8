/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input: what a QMP client writes.  It is fed in two pieces, cut where its
 * first byte says; every value that comes out is dispatched to a table of one
 * command.
 */
#include "qemu/osdep.h"
#include <json-c/json.h>
#include "fuzz.h"
#include "monitor/json-stream.h"
#include "qapi/dispatch.h"
#include "qapi/error.h"

static bool fuzz_echo(void *ctx, json_object *args, json_object **ret,
                      Error **errp)
{
    *ret = json_object_get(args);
    return true;
}

static void fuzz_drain(JsonStream *js, const QmpCommandList *cmds)
{
    for (;;) {
        json_object *value = NULL, *reply;
        Error *err = NULL;
        JsonStreamResult result = json_stream_next(js, &value, &err);

        if (result == JSON_STREAM_MORE) {
            return;
        }
        if (result == JSON_STREAM_ERROR) {
            g_assert_nonnull(err);
            reply = qmp_error_response(err);
        } else {
            reply = qmp_dispatch(cmds, value);
        }
        if (reply) {
            g_assert_nonnull(json_object_to_json_string(reply));
        }
        json_object_put(reply);
        json_object_put(value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(QmpCommandList) cmds = qmp_command_list_new();
    g_autoptr(JsonStream) js = json_stream_new(64 * 1024, 32);
    size_t cut = size ? MIN(data[0], size) : 0;

    qmp_register_command(cmds, "echo", fuzz_echo, NULL, QCO_NO_OPTIONS);
    json_stream_feed(js, data, cut);
    fuzz_drain(js, cmds);
    json_stream_feed(js, data + cut, size - cut);
    fuzz_drain(js, cmds);
    return 0;
}
