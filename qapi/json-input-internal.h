/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the two halves of the JSON input visitor: json-input-visitor.c has
 * objects and lists, json-input-scalars.c has the leaves.
 *
 * Used in the thread that owns the visitor.
 */
#ifndef QAPI_JSON_INPUT_INTERNAL_H
#define QAPI_JSON_INPUT_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;
typedef struct Error Error;
typedef struct Visitor Visitor;

/**
 * json_input_get:
 * @v: the visitor
 * @name: the member's name, NULL for a list element or the root
 * @value: receives the value, NULL for JSON's null; still owned by the input
 * @errp: receives the reason on failure, or NULL
 *
 * Looks a value up and notes that somebody asked for it.
 *
 * Returns: false when it is missing.
 */
bool json_input_get(Visitor *v, const char *name, struct json_object **value,
                    Error **errp);

/**
 * json_input_full_name:
 * @v: the visitor
 * @name: the member's name, NULL for a list element or the root
 *
 * Returns: the path from the root, as in "a.b[1].c"; to be freed.
 */
char *json_input_full_name(const Visitor *v, const char *name);

/**
 * json_input_bad_type:
 * @v: the visitor
 * @name: the member's name
 * @expected: what it should have been
 * @errp: receives the message
 *
 * Returns: false, to be returned on.
 */
bool json_input_bad_type(Visitor *v, const char *name, const char *expected,
                         Error **errp);

/* The leaves, as in VisitorOps: from JSON, and from text. */
bool json_input_type_int64(Visitor *v, const char *name, int64_t *obj,
                           Error **errp);
bool json_input_type_uint64(Visitor *v, const char *name, uint64_t *obj,
                            Error **errp);
bool json_input_type_bool(Visitor *v, const char *name, bool *obj,
                          Error **errp);
bool json_input_type_number(Visitor *v, const char *name, double *obj,
                            Error **errp);
bool json_input_type_str(Visitor *v, const char *name, char **obj,
                         Error **errp);
bool json_input_type_any(Visitor *v, const char *name,
                         struct json_object **obj, Error **errp);
bool json_input_type_null(Visitor *v, const char *name,
                          struct json_object **obj, Error **errp);
bool json_input_text_int64(Visitor *v, const char *name, int64_t *obj,
                           Error **errp);
bool json_input_text_uint64(Visitor *v, const char *name, uint64_t *obj,
                            Error **errp);
bool json_input_text_size(Visitor *v, const char *name, uint64_t *obj,
                          Error **errp);
bool json_input_text_bool(Visitor *v, const char *name, bool *obj,
                          Error **errp);
bool json_input_text_number(Visitor *v, const char *name, double *obj,
                            Error **errp);
bool json_input_text_null(Visitor *v, const char *name,
                          struct json_object **obj, Error **errp);

#endif /* QAPI_JSON_INPUT_INTERNAL_H */
