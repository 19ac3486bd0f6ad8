/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON values out of a stream of bytes: buffering, limits and the way back
 * after garbage.  The parsing is json-c's.
 *
 * json-c checks UTF-8 only within one call, so a sequence that is cut at the
 * end of the input waits here for its rest.  It also takes a NUL byte for the
 * end of the text; here it is garbage like any other.
 *
 * One thread at a time.  What a value means is the caller's business.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "monitor/json-stream.h"
#include "qapi/error.h"

struct JsonStream {
    /* set once */
    size_t max_bytes;

    struct json_tokener *tokener;
    GByteArray *input;
    size_t offset;          /* bytes of @input that are done with */
    size_t value_bytes;     /* of the unfinished value, done with */
    bool skipping;          /* looking for the way back */
};

JsonStream *json_stream_new(size_t max_bytes, int max_depth)
{
    JsonStream *js = g_new0(JsonStream, 1);

    js->max_bytes = max_bytes;
    js->input = g_byte_array_new();
    js->tokener = json_tokener_new_ex(max_depth);
    json_tokener_set_flags(js->tokener, JSON_TOKENER_STRICT |
                           JSON_TOKENER_ALLOW_TRAILING_CHARS |
                           JSON_TOKENER_VALIDATE_UTF8);
    return js;
}

void json_stream_free(JsonStream *js)
{
    if (js) {
        json_tokener_free(js->tokener);
        g_byte_array_unref(js->input);
        g_free(js);
    }
}

void json_stream_feed(JsonStream *js, const void *data, size_t len_bytes)
{
    if (js->offset) {
        g_byte_array_remove_range(js->input, 0, js->offset);
        js->offset = 0;
    }
    g_byte_array_append(js->input, data, len_bytes);
}

/* Bytes at the end of @data that begin a UTF-8 sequence but do not end it. */
static size_t json_stream_cut_sequence(const uint8_t *data, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        uint8_t c = data[len - back];

        if (c >= 0xc0) {
            size_t need = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

            return need > back ? back : 0;
        }
        if (c < 0x80) {
            return 0;
        }
    }
    return 0;
}

static void json_stream_reset(JsonStream *js)
{
    json_tokener_reset(js->tokener);
    js->value_bytes = 0;
}

/* Drops input up to where a request may begin again. */
static void json_stream_skip(JsonStream *js)
{
    while (js->skipping && js->offset < js->input->len) {
        uint8_t c = js->input->data[js->offset];

        if (c == '{') {
            js->skipping = false;
        } else {
            js->offset++;
            js->skipping = c != '\n';
        }
    }
}

/* White space between values does not count towards the next one's size. */
static void json_stream_skip_space(JsonStream *js)
{
    while (!js->value_bytes && js->offset < js->input->len &&
           strchr(" \t\r\n", js->input->data[js->offset]) &&
           js->input->data[js->offset]) {
        js->offset++;
    }
}

static JsonStreamResult json_stream_fail(JsonStream *js, const char *what,
                                         Error **errp)
{
    error_setg(errp, "JSON parse error, %s", what);
    json_stream_reset(js);
    js->skipping = true;
    return JSON_STREAM_ERROR;
}

static JsonStreamResult json_stream_too_long(JsonStream *js, Error **errp)
{
    error_setg(errp, "Request is longer than %zu bytes; the rest of its line"
               " is ignored", js->max_bytes);
    json_stream_reset(js);
    js->skipping = true;
    return JSON_STREAM_ERROR;
}

JsonStreamResult json_stream_next(JsonStream *js, struct json_object **value,
                                  Error **errp)
{
    struct json_object *obj;
    const uint8_t *data;
    const uint8_t *nul;
    size_t len, used;
    bool ended;

    json_stream_skip(js);
    json_stream_skip_space(js);
    data = js->input->data + js->offset;
    len = js->input->len - js->offset;
    nul = len ? memchr(data, 0, len) : NULL;
    ended = nul != NULL;
    if (nul) {
        len = nul - data;
    }
    len -= json_stream_cut_sequence(data, len);
    /* One byte past the limit is let in, to see whether the value ends. */
    len = MIN(len, js->max_bytes + 1 - js->value_bytes);
    if (!len && ended) {
        js->offset++;
        return json_stream_fail(js, "stray NUL byte", errp);
    }
    if (!len) {
        return JSON_STREAM_MORE;
    }

    obj = json_tokener_parse_ex(js->tokener, (const char *)data, len);
    used = json_tokener_get_parse_end(js->tokener);
    js->offset += used;
    js->value_bytes += used;
    switch (json_tokener_get_error(js->tokener)) {
    case json_tokener_success:
        if (js->value_bytes > js->max_bytes) {
            json_object_put(obj);
            return json_stream_too_long(js, errp);
        }
        json_stream_reset(js);
        *value = obj;
        return JSON_STREAM_VALUE;
    case json_tokener_continue:
        if (js->value_bytes > js->max_bytes) {
            return json_stream_too_long(js, errp);
        }
        if (ended) {
            return json_stream_fail(js, "stray NUL byte", errp);
        }
        return JSON_STREAM_MORE;
    case json_tokener_error_depth:
        return json_stream_fail(js, "nesting is too deep", errp);
    default:
        return json_stream_fail(js, json_tokener_error_desc(
                                json_tokener_get_error(js->tokener)), errp);
    }
}
