/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Visitors between json-c values and generated types, and from the command
 * line's `key=value` text.
 *
 * The input is strict: every member must be asked for, integers have neither
 * fraction nor overflow, strings hold no NUL.  A json-c value is not safe
 * against writers in other threads; a visitor and its value stay in one.
 */
#ifndef QAPI_JSON_VISITOR_H
#define QAPI_JSON_VISITOR_H

#include "qapi/visitor.h"

struct KeyvalList;

/**
 * json_input_visitor_new:
 * @obj: what to read, NULL for JSON's null; the visitor takes a reference
 *
 * Context: any thread.  Free it with visit_free().
 * Returns: a visitor which fills a C object from JSON.
 */
Visitor *json_input_visitor_new(struct json_object *obj);

/**
 * json_input_visitor_new_keyval:
 * @obj: objects and arrays of strings, as qapi_keyval_to_object() makes them
 *
 * Like json_input_visitor_new(), but scalars are text: numbers in base 8, 10
 * or 16, sizes with a suffix, booleans as on or off.
 *
 * Context: any thread.  Free it with visit_free().
 * Returns: the visitor.
 */
Visitor *json_input_visitor_new_keyval(struct json_object *obj);

/**
 * json_input_visitor_new_str:
 * @text: a JSON object when it begins with "{", else key=value pairs
 * @implied_key: key of a first value without one, or NULL for none
 * @errp: receives the reason on failure, or NULL
 *
 * The visitor for an option of the command line, which may come either way.
 *
 * Context: any thread.  Free it with visit_free().
 * Returns: the visitor, or NULL when the text is malformed.
 */
Visitor *json_input_visitor_new_str(const char *text, const char *implied_key,
                                    Error **errp);

/**
 * json_output_visitor_new:
 * @result: where visit_complete(v, @result) puts the value
 *
 * Context: any thread.  Free it with visit_free(); the caller of
 * visit_complete() owns the value.
 * Returns: a visitor which turns a C object into JSON.
 */
Visitor *json_output_visitor_new(struct json_object **result);

/**
 * qapi_keyval_to_object:
 * @list: pairs; of a key that comes several times the last counts
 * @errp: receives the reason on failure, or NULL
 *
 * Turns dotted keys into nested objects: "a.b=1" is {"a": {"b": "1"}}, and an
 * object whose keys are 0, 1, 2, ... is an array.
 *
 * Context: any thread.  The caller owns the result.
 * Returns: an object whose leaves are strings; NULL when a key is used both
 * for a value and for an object, or an array has a gap.
 */
struct json_object *qapi_keyval_to_object(const struct KeyvalList *list,
                                          Error **errp);

#endif /* QAPI_JSON_VISITOR_H */
