/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The leaves of JSON input, and the same from the text of a command line,
 * where every leaf is a string.
 *
 * Runs in the thread that owns the visitor.  Messages are QEMU's, which
 * clients show to people.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "json-input-internal.h"
#include "qapi/error.h"
#include "qapi/util.h"
#include "qemu/cutils.h"

static bool json_input_bad_value(Visitor *v, const char *name,
                                 const char *expected, Error **errp)
{
    g_autofree char *full_name = json_input_full_name(v, name);

    error_setg(errp, "Parameter '%s' expects %s", full_name, expected);
    return false;
}

bool json_input_type_int64(Visitor *v, const char *name, int64_t *obj,
                           Error **errp)
{
    struct json_object *value;
    int64_t number;

    if (!json_input_get(v, name, &value, errp)) {
        return false;
    }
    if (!json_object_is_type(value, json_type_int)) {
        return json_input_bad_type(v, name, "integer", errp);
    }
    /* json-c answers INT64_MAX for what is larger. */
    number = json_object_get_int64(value);
    if (number >= 0 && json_object_get_uint64(value) > INT64_MAX) {
        return json_input_bad_type(v, name, "integer", errp);
    }
    *obj = number;
    return true;
}

bool json_input_type_uint64(Visitor *v, const char *name, uint64_t *obj,
                            Error **errp)
{
    struct json_object *value;
    int64_t number;

    if (!json_input_get(v, name, &value, errp)) {
        return false;
    }
    if (!json_object_is_type(value, json_type_int)) {
        return json_input_bad_value(v, name, "uint64", errp);
    }
    /* json-c answers 0 for what is negative; QEMU takes it modulo 2^64. */
    number = json_object_get_int64(value);
    *obj = number < 0 ? (uint64_t)number : json_object_get_uint64(value);
    return true;
}

bool json_input_type_bool(Visitor *v, const char *name, bool *obj,
                          Error **errp)
{
    struct json_object *value;

    if (!json_input_get(v, name, &value, errp)) {
        return false;
    }
    if (!json_object_is_type(value, json_type_boolean)) {
        return json_input_bad_type(v, name, "boolean", errp);
    }
    *obj = json_object_get_boolean(value);
    return true;
}

bool json_input_type_number(Visitor *v, const char *name, double *obj,
                            Error **errp)
{
    struct json_object *value;

    if (!json_input_get(v, name, &value, errp)) {
        return false;
    }
    if (!json_object_is_type(value, json_type_double) &&
        !json_object_is_type(value, json_type_int)) {
        return json_input_bad_type(v, name, "number", errp);
    }
    *obj = json_object_get_double(value);
    return true;
}

/* The text of a string; NULL with @errp set for anything else. */
static const char *json_input_text(Visitor *v, const char *name, Error **errp)
{
    struct json_object *value;
    const char *text;

    if (!json_input_get(v, name, &value, errp)) {
        return NULL;
    }
    if (!json_object_is_type(value, json_type_string)) {
        json_input_bad_type(v, name, "string", errp);
        return NULL;
    }
    text = json_object_get_string(value);
    if (strlen(text) != (size_t)json_object_get_string_len(value)) {
        json_input_bad_value(v, name, "a string without NUL characters",
                             errp);
        return NULL;
    }
    return text;
}

bool json_input_type_str(Visitor *v, const char *name, char **obj,
                         Error **errp)
{
    const char *text = json_input_text(v, name, errp);

    if (!text) {
        return false;
    }
    *obj = g_strdup(text);
    return true;
}

bool json_input_type_any(Visitor *v, const char *name,
                         struct json_object **obj, Error **errp)
{
    struct json_object *value;

    if (!json_input_get(v, name, &value, errp)) {
        return false;
    }
    *obj = json_object_get(value);
    return true;
}

bool json_input_type_null(Visitor *v, const char *name,
                          struct json_object **obj, Error **errp)
{
    struct json_object *value;

    if (!json_input_get(v, name, &value, errp)) {
        return false;
    }
    if (value) {
        return json_input_bad_type(v, name, "null", errp);
    }
    *obj = NULL;
    return true;
}

/* The same from text. */

bool json_input_text_int64(Visitor *v, const char *name, int64_t *obj,
                           Error **errp)
{
    const char *text = json_input_text(v, name, errp);

    if (!text) {
        return false;
    }
    if (qemu_strtoi64(text, NULL, 0, obj) < 0) {
        return json_input_bad_value(v, name, "an integer", errp);
    }
    return true;
}

bool json_input_text_uint64(Visitor *v, const char *name, uint64_t *obj,
                            Error **errp)
{
    const char *text = json_input_text(v, name, errp);

    if (!text) {
        return false;
    }
    if (qemu_strtou64(text, NULL, 0, obj) < 0) {
        return json_input_bad_value(v, name, "a uint64 value", errp);
    }
    return true;
}

bool json_input_text_size(Visitor *v, const char *name, uint64_t *obj,
                          Error **errp)
{
    const char *text = json_input_text(v, name, errp);

    if (!text) {
        return false;
    }
    if (qemu_strtosz(text, NULL, obj) < 0) {
        return json_input_bad_value(v, name, "a size value", errp);
    }
    return true;
}

bool json_input_text_bool(Visitor *v, const char *name, bool *obj,
                          Error **errp)
{
    const char *text = json_input_text(v, name, errp);
    g_autofree char *full_name = NULL;

    if (!text) {
        return false;
    }
    full_name = json_input_full_name(v, name);
    return qapi_bool_parse(full_name, text, obj, errp);
}

bool json_input_text_number(Visitor *v, const char *name, double *obj,
                            Error **errp)
{
    const char *text = json_input_text(v, name, errp);

    if (!text) {
        return false;
    }
    if (qemu_strtod_finite(text, NULL, obj) < 0) {
        return json_input_bad_value(v, name, "a number", errp);
    }
    return true;
}

bool json_input_text_null(Visitor *v, const char *name,
                          struct json_object **obj, Error **errp)
{
    const char *text = json_input_text(v, name, errp);

    if (!text) {
        return false;
    }
    if (*text) {
        return json_input_bad_value(v, name, "an empty value", errp);
    }
    *obj = NULL;
    return true;
}
