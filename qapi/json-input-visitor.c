/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON to C object.  The objects and arrays which the visit is inside of form
 * a stack; each object remembers which members were asked for, and the rest
 * is an error.
 *
 * Runs in the thread that owns the visitor.  json-input-scalars.c has the
 * leaves.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "json-input-internal.h"
#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "visitor-internal.h"

/**
 * JsonInputLevel:
 * @value: an object or array, owned by the input
 * @name: of the level in the one around it, NULL if it has none; copied
 * @index: in that one, if that one is an array
 * @seen: names that were asked for, of an object
 * @next: the element that comes next, of an array
 */
typedef struct JsonInputLevel {
    struct json_object *value;
    char *name;
    size_t index;
    GHashTable *seen;
    size_t next;
} JsonInputLevel;

typedef struct JsonInputVisitor {
    Visitor visitor;
    struct json_object *root;   /* a reference */
    GPtrArray *stack;           /* of JsonInputLevel */
} JsonInputVisitor;

static JsonInputVisitor *to_input(const Visitor *v)
{
    return container_of(v, JsonInputVisitor, visitor);
}

static JsonInputLevel *json_input_top(const Visitor *v)
{
    GPtrArray *stack = to_input(v)->stack;

    return stack->len ? g_ptr_array_index(stack, stack->len - 1) : NULL;
}

static void json_input_level_free(void *opaque)
{
    JsonInputLevel *level = opaque;

    g_clear_pointer(&level->seen, g_hash_table_unref);
    g_free(level->name);
    g_free(level);
}

static bool json_input_in_array(const JsonInputLevel *level)
{
    return json_object_is_type(level->value, json_type_array);
}

/* Appends one step of a path: ".name", "[index]", or "name" at the start. */
static void json_input_append_step(GString *path, const JsonInputLevel *around,
                                   const char *name, size_t index)
{
    if (json_input_in_array(around)) {
        g_string_append_printf(path, "[%zu]", index);
    } else {
        g_string_append_printf(path, "%s%s", path->len ? "." : "", name);
    }
}

char *json_input_full_name(const Visitor *v, const char *name)
{
    GPtrArray *stack = to_input(v)->stack;
    GString *path = g_string_new(NULL);
    JsonInputLevel *top = json_input_top(v);

    for (guint i = 1; i < stack->len; i++) {
        JsonInputLevel *level = g_ptr_array_index(stack, i);

        /* An object that is visited again, for an alternate, has no step. */
        if (level->name || json_input_in_array(
                g_ptr_array_index(stack, i - 1))) {
            json_input_append_step(path, g_ptr_array_index(stack, i - 1),
                                   level->name, level->index);
        }
    }
    if (top && (name || json_input_in_array(top))) {
        json_input_append_step(path, top, name, top->next);
    }
    if (!path->len) {
        g_string_append(path, name ? name : "<anonymous>");
    }
    return g_string_free(path, FALSE);
}

bool json_input_bad_type(Visitor *v, const char *name, const char *expected,
                         Error **errp)
{
    g_autofree char *full_name = json_input_full_name(v, name);

    error_setg(errp, "Invalid parameter type for '%s', expected: %s",
               full_name, expected);
    return false;
}

/* Whether there is a value; leaves no mark. */
static bool json_input_find(Visitor *v, const char *name,
                            struct json_object **value)
{
    JsonInputLevel *top = json_input_top(v);

    if (!top) {
        *value = to_input(v)->root;
        return true;
    }
    if (json_input_in_array(top)) {
        *value = json_object_array_get_idx(top->value, top->next);
        return top->next < json_object_array_length(top->value);
    }
    return json_object_object_get_ex(top->value, name, value);
}

bool json_input_get(Visitor *v, const char *name, struct json_object **value,
                    Error **errp)
{
    JsonInputLevel *top = json_input_top(v);
    g_autofree char *full_name = NULL;

    if (!json_input_find(v, name, value)) {
        full_name = json_input_full_name(v, name);
        error_setg(errp, "Parameter '%s' is missing", full_name);
        return false;
    }
    if (top && top->seen) {
        g_hash_table_add(top->seen, g_strdup(name));
    }
    return true;
}

static void json_input_push(Visitor *v, const char *name,
                            struct json_object *value)
{
    JsonInputLevel *top = json_input_top(v);
    JsonInputLevel *level = g_new0(JsonInputLevel, 1);

    level->value = value;
    level->name = g_strdup(name);
    level->index = top ? top->next : 0;
    if (json_object_is_type(value, json_type_object)) {
        level->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                            NULL);
    }
    g_ptr_array_add(to_input(v)->stack, level);
}

static void json_input_pop(Visitor *v, void **obj)
{
    GPtrArray *stack = to_input(v)->stack;

    g_ptr_array_set_size(stack, stack->len - 1);
}

static bool json_input_start_struct(Visitor *v, const char *name, void **obj,
                                    size_t size, Error **errp)
{
    struct json_object *value;

    if (obj) {
        *obj = NULL;
    }
    if (!json_input_get(v, name, &value, errp)) {
        return false;
    }
    if (!json_object_is_type(value, json_type_object)) {
        return json_input_bad_type(v, name, "object", errp);
    }
    json_input_push(v, name, value);
    if (obj) {
        *obj = g_malloc0(size);
    }
    return true;
}

static bool json_input_check_struct(Visitor *v, Error **errp)
{
    JsonInputLevel *top = json_input_top(v);

    json_object_object_foreach(top->value, key, value) {
        (void)value;
        if (!g_hash_table_contains(top->seen, key)) {
            g_autofree char *full_name = json_input_full_name(v, key);

            error_setg(errp, "Parameter '%s' is unexpected", full_name);
            return false;
        }
    }
    return true;
}

static bool json_input_start_list(Visitor *v, const char *name,
                                  GenericList **list, size_t size,
                                  Error **errp)
{
    struct json_object *value;

    *list = NULL;
    if (!json_input_get(v, name, &value, errp)) {
        return false;
    }
    if (!json_object_is_type(value, json_type_array)) {
        return json_input_bad_type(v, name, "array", errp);
    }
    json_input_push(v, name, value);
    if (json_object_array_length(value)) {
        *list = g_malloc0(size);
    }
    return true;
}

static GenericList *json_input_next_list(Visitor *v, GenericList *tail,
                                         size_t size)
{
    JsonInputLevel *top = json_input_top(v);

    top->next++;
    if (top->next < json_object_array_length(top->value)) {
        tail->next = g_malloc0(size);
    }
    return tail->next;
}

static QType json_input_qtype(const struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        return QTYPE_QNULL;
    case json_type_boolean:
        return QTYPE_QBOOL;
    case json_type_double:
    case json_type_int:
        return QTYPE_QNUM;
    case json_type_object:
        return QTYPE_QDICT;
    case json_type_array:
        return QTYPE_QLIST;
    case json_type_string:
        return QTYPE_QSTRING;
    }
    return QTYPE_NONE;
}

static bool json_input_start_alternate(Visitor *v, const char *name,
                                       GenericAlternate **obj, size_t size,
                                       Error **errp)
{
    struct json_object *value;

    *obj = NULL;
    if (!json_input_get(v, name, &value, errp)) {
        return false;
    }
    *obj = g_malloc0(size);
    (*obj)->type = json_input_qtype(value);
    return true;
}

static void json_input_optional(Visitor *v, const char *name, bool *present)
{
    struct json_object *value;

    *present = json_input_find(v, name, &value);
}

static void json_input_free(Visitor *v)
{
    JsonInputVisitor *iv = to_input(v);

    g_ptr_array_unref(iv->stack);
    json_object_put(iv->root);
    g_free(iv);
}

static const VisitorOps json_input_ops = {
    .kind = VISITOR_INPUT,
    .start_struct = json_input_start_struct,
    .check_struct = json_input_check_struct,
    .end_struct = json_input_pop,
    .start_list = json_input_start_list,
    .next_list = json_input_next_list,
    .end_list = json_input_pop,
    .start_alternate = json_input_start_alternate,
    .optional = json_input_optional,
    .type_int64 = json_input_type_int64,
    .type_uint64 = json_input_type_uint64,
    .type_bool = json_input_type_bool,
    .type_number = json_input_type_number,
    .type_str = json_input_type_str,
    .type_any = json_input_type_any,
    .type_null = json_input_type_null,
    .full_name = json_input_full_name,
    .free = json_input_free,
};

static const VisitorOps json_input_keyval_ops = {
    .kind = VISITOR_INPUT,
    .start_struct = json_input_start_struct,
    .check_struct = json_input_check_struct,
    .end_struct = json_input_pop,
    .start_list = json_input_start_list,
    .next_list = json_input_next_list,
    .end_list = json_input_pop,
    .start_alternate = json_input_start_alternate,
    .optional = json_input_optional,
    .type_int64 = json_input_text_int64,
    .type_uint64 = json_input_text_uint64,
    .type_size = json_input_text_size,
    .type_bool = json_input_text_bool,
    .type_number = json_input_text_number,
    .type_str = json_input_type_str,
    .type_any = json_input_type_any,
    .type_null = json_input_text_null,
    .full_name = json_input_full_name,
    .free = json_input_free,
};

static Visitor *json_input_new(struct json_object *obj, const VisitorOps *ops)
{
    JsonInputVisitor *iv = g_new0(JsonInputVisitor, 1);

    iv->visitor.ops = ops;
    iv->root = json_object_get(obj);
    iv->stack = g_ptr_array_new_with_free_func(json_input_level_free);
    return &iv->visitor;
}

Visitor *json_input_visitor_new(struct json_object *obj)
{
    return json_input_new(obj, &json_input_ops);
}

Visitor *json_input_visitor_new_keyval(struct json_object *obj)
{
    return json_input_new(obj, &json_input_keyval_ops);
}
