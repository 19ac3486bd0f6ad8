/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON as text, for tests: single quotes stand for double ones.
 */
#ifndef TESTS_JSON_TEXT_H
#define TESTS_JSON_TEXT_H

#include <glib.h>
#include <json-c/json.h>

#include "qapi/error.h"

/**
 * json_from_text:
 * @text: JSON
 *
 * Returns: its value, NULL for null; the caller's.  Aborts on a mistake.
 */
static inline struct json_object *json_from_text(const char *text)
{
    g_autofree char *json = g_strdelimit(g_strdup(text), "'", '"');
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *value;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    value = json_tokener_parse_ex(tokener, json, strlen(json) + 1);
    g_assert_cmpint(json_tokener_get_error(tokener), ==,
                    json_tokener_success);
    json_tokener_free(tokener);
    return value;
}

/**
 * json_assert_text:
 * @value: a value; taken
 * @expected: JSON, in the very order
 */
static inline void json_assert_text(struct json_object *value,
                                    const char *expected)
{
    g_autofree char *json = g_strdelimit(g_strdup(expected), "'", '"');

    g_assert_cmpstr(json_object_to_json_string_ext(value,
                                                   JSON_C_TO_STRING_PLAIN |
                                                   JSON_C_TO_STRING_NOSLASHESCAPE),
                    ==, json);
    json_object_put(value);
}

/**
 * error_assert_text:
 * @err: an error; taken
 * @expected: its message
 */
static inline void error_assert_text(Error *err, const char *expected)
{
    g_assert_nonnull(err);
    g_assert_cmpstr(error_get_pretty(err), ==, expected);
    error_free(err);
}

#endif /* TESTS_JSON_TEXT_H */
