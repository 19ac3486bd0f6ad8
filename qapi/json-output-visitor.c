/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * C object to JSON.  Containers under construction form a stack; a value goes
 * into the topmost one, or becomes the result.
 *
 * Runs in the thread that owns the visitor.  A visit that fails half-way
 * leaves a part behind, which visit_free() drops.
 */
#include "qemu/osdep.h"

#include <math.h>

#include <json-c/json.h>

#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "visitor-internal.h"

typedef struct JsonOutputVisitor {
    Visitor visitor;
    struct json_object *root;   /* owned until visit_complete() */
    GPtrArray *stack;           /* containers, owned by those below */
    struct json_object **result;
} JsonOutputVisitor;

static JsonOutputVisitor *to_output(Visitor *v)
{
    return container_of(v, JsonOutputVisitor, visitor);
}

/* Takes @value. */
static bool json_output_add(Visitor *v, const char *name,
                            struct json_object *value)
{
    JsonOutputVisitor *ov = to_output(v);
    struct json_object *top;

    if (!ov->stack->len) {
        json_object_put(ov->root);
        ov->root = value;
        return true;
    }
    top = g_ptr_array_index(ov->stack, ov->stack->len - 1);
    if (json_object_is_type(top, json_type_array)) {
        json_object_array_add(top, value);
    } else {
        json_object_object_add(top, name, value);
    }
    return true;
}

static bool json_output_push(Visitor *v, const char *name,
                             struct json_object *container)
{
    json_output_add(v, name, container);
    g_ptr_array_add(to_output(v)->stack, container);
    return true;
}

static void json_output_pop(Visitor *v, void **obj)
{
    GPtrArray *stack = to_output(v)->stack;

    g_ptr_array_set_size(stack, stack->len - 1);
}

static bool json_output_start_struct(Visitor *v, const char *name, void **obj,
                                     size_t size, Error **errp)
{
    return json_output_push(v, name, json_object_new_object());
}

static bool json_output_start_list(Visitor *v, const char *name,
                                   GenericList **list, size_t size,
                                   Error **errp)
{
    return json_output_push(v, name, json_object_new_array());
}

static GenericList *json_output_next_list(Visitor *v, GenericList *tail,
                                          size_t size)
{
    return tail->next;
}

static bool json_output_type_int64(Visitor *v, const char *name, int64_t *obj,
                                   Error **errp)
{
    return json_output_add(v, name, json_object_new_int64(*obj));
}

static bool json_output_type_uint64(Visitor *v, const char *name,
                                    uint64_t *obj, Error **errp)
{
    return json_output_add(v, name, json_object_new_uint64(*obj));
}

static bool json_output_type_bool(Visitor *v, const char *name, bool *obj,
                                  Error **errp)
{
    return json_output_add(v, name, json_object_new_boolean(*obj));
}

static bool json_output_type_number(Visitor *v, const char *name, double *obj,
                                    Error **errp)
{
    static const char *const formats[] = { "%.15g", "%.16g", "%.17g" };
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (!isfinite(*obj)) {
        error_setg(errp, "Value of '%s' is not finite, JSON has no form of it",
                   name ? name : "null");
        return false;
    }
    /* The shortest form that reads back the same: 0.1, not 0.10000000000001. */
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        g_ascii_formatd(text, sizeof(text), formats[i], *obj);
        if (g_ascii_strtod(text, NULL) == *obj) {
            break;
        }
    }
    return json_output_add(v, name, json_object_new_double_s(*obj, text));
}

static bool json_output_type_str(Visitor *v, const char *name, char **obj,
                                 Error **errp)
{
    /* File names may hold any bytes, JSON only UTF-8. */
    g_autofree char *text = g_utf8_make_valid(*obj ? *obj : "", -1);

    return json_output_add(v, name, json_object_new_string(text));
}

static bool json_output_type_any(Visitor *v, const char *name,
                                 struct json_object **obj, Error **errp)
{
    return json_output_add(v, name, json_object_get(*obj));
}

static bool json_output_type_null(Visitor *v, const char *name,
                                  struct json_object **obj, Error **errp)
{
    return json_output_add(v, name, NULL);
}

static void json_output_complete(Visitor *v, void *opaque)
{
    JsonOutputVisitor *ov = to_output(v);

    g_assert(opaque == ov->result && !ov->stack->len);
    *ov->result = g_steal_pointer(&ov->root);
}

static void json_output_free(Visitor *v)
{
    JsonOutputVisitor *ov = to_output(v);

    json_object_put(ov->root);
    g_ptr_array_unref(ov->stack);
    g_free(ov);
}

static const VisitorOps json_output_ops = {
    .kind = VISITOR_OUTPUT,
    .start_struct = json_output_start_struct,
    .end_struct = json_output_pop,
    .start_list = json_output_start_list,
    .next_list = json_output_next_list,
    .end_list = json_output_pop,
    .type_int64 = json_output_type_int64,
    .type_uint64 = json_output_type_uint64,
    .type_bool = json_output_type_bool,
    .type_number = json_output_type_number,
    .type_str = json_output_type_str,
    .type_any = json_output_type_any,
    .type_null = json_output_type_null,
    .complete = json_output_complete,
    .free = json_output_free,
};

Visitor *json_output_visitor_new(struct json_object **result)
{
    JsonOutputVisitor *ov = g_new0(JsonOutputVisitor, 1);

    ov->visitor.ops = &json_output_ops;
    ov->stack = g_ptr_array_new();
    ov->result = result;
    return &ov->visitor;
}
