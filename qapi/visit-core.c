/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part that all visitors share: handing calls on, the widths of integers
 * and the names of enums.
 *
 * Runs in the thread that owns the visitor.  What a visit does is left to the
 * visitor behind it.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "visitor-internal.h"

void visit_complete(Visitor *v, void *opaque)
{
    if (v->ops->complete) {
        v->ops->complete(v, opaque);
    }
}

void visit_free(Visitor *v)
{
    if (v) {
        v->ops->free(v);
    }
}

bool visit_is_input(const Visitor *v)
{
    return v->ops->kind == VISITOR_INPUT;
}

bool visit_is_dealloc(const Visitor *v)
{
    return v->ops->kind == VISITOR_DEALLOC;
}

bool visit_start_struct(Visitor *v, const char *name, void **obj,
                        size_t size, Error **errp)
{
    return !v->ops->start_struct ||
        v->ops->start_struct(v, name, obj, size, errp);
}

bool visit_check_struct(Visitor *v, Error **errp)
{
    return !v->ops->check_struct || v->ops->check_struct(v, errp);
}

void visit_end_struct(Visitor *v, void **obj)
{
    if (v->ops->end_struct) {
        v->ops->end_struct(v, obj);
    }
}

bool visit_start_list(Visitor *v, const char *name, GenericList **list,
                      size_t size, Error **errp)
{
    return !v->ops->start_list ||
        v->ops->start_list(v, name, list, size, errp);
}

GenericList *visit_next_list(Visitor *v, GenericList *tail, size_t size)
{
    return v->ops->next_list(v, tail, size);
}

void visit_end_list(Visitor *v, void **list)
{
    if (v->ops->end_list) {
        v->ops->end_list(v, list);
    }
}

bool visit_start_alternate(Visitor *v, const char *name,
                           GenericAlternate **obj, size_t size,
                           Error **errp)
{
    return !v->ops->start_alternate ||
        v->ops->start_alternate(v, name, obj, size, errp);
}

void visit_end_alternate(Visitor *v, void **obj)
{
    if (v->ops->end_alternate) {
        v->ops->end_alternate(v, obj);
    }
}

/*
 * How a message calls a member.  QEMU gives the bare name here, where it
 * gives the whole path elsewhere; for a list element, which has no name, the
 * path is better than its "null".
 */
static char *visit_member_label(const Visitor *v, const char *name)
{
    if (!name && v->ops->full_name) {
        return v->ops->full_name(v, name);
    }
    return g_strdup(name ? name : "null");
}

void visit_bad_alternate(Visitor *v, const char *name, const char *type_name,
                         Error **errp)
{
    g_autofree char *label = visit_member_label(v, name);

    error_setg(errp, "Invalid parameter type for '%s', expected: %s",
               label, type_name);
}

bool visit_optional(Visitor *v, const char *name, bool *present)
{
    if (v->ops->optional) {
        v->ops->optional(v, name, present);
    }
    return *present;
}

static bool visit_input_enum(Visitor *v, const char *name, int *obj,
                             const QEnumLookup *lookup, Error **errp)
{
    g_autofree char *text = NULL;
    g_autofree char *label = NULL;
    int value;

    if (!v->ops->type_str(v, name, &text, errp)) {
        return false;
    }
    value = qapi_enum_parse(lookup, text, -1, NULL);
    if (value < 0) {
        label = visit_member_label(v, name);
        error_setg(errp, "Parameter '%s' does not accept value '%s'",
                   label, text);
        return false;
    }
    *obj = value;
    return true;
}

static bool visit_output_enum(Visitor *v, const char *name, int *obj,
                              const QEnumLookup *lookup, Error **errp)
{
    char *text = (char *)qapi_enum_lookup(lookup, *obj);

    if (!text) {
        error_setg(errp, "Value %d of '%s' is not in its enum", *obj,
                   name ? name : "null");
        return false;
    }
    return v->ops->type_str(v, name, &text, errp);
}

bool visit_type_enum(Visitor *v, const char *name, int *obj,
                     const QEnumLookup *lookup, Error **errp)
{
    switch (v->ops->kind) {
    case VISITOR_INPUT:
        return visit_input_enum(v, name, obj, lookup, errp);
    case VISITOR_OUTPUT:
        return visit_output_enum(v, name, obj, lookup, errp);
    case VISITOR_CLONE:
    case VISITOR_DEALLOC:
        break;
    }
    return true;
}

bool visit_type_int64(Visitor *v, const char *name, int64_t *obj,
                      Error **errp)
{
    return !v->ops->type_int64 || v->ops->type_int64(v, name, obj, errp);
}

bool visit_type_int(Visitor *v, const char *name, int64_t *obj, Error **errp)
{
    return visit_type_int64(v, name, obj, errp);
}

bool visit_type_uint64(Visitor *v, const char *name, uint64_t *obj,
                       Error **errp)
{
    return !v->ops->type_uint64 || v->ops->type_uint64(v, name, obj, errp);
}

static bool visit_out_of_range(Visitor *v, const char *name,
                               const char *c_type, Error **errp)
{
    g_autofree char *label = visit_member_label(v, name);

    error_setg(errp, "Parameter '%s' expects %s", label, c_type);
    return false;
}

static bool visit_narrow_int(Visitor *v, const char *name, int64_t *value,
                             int64_t min, int64_t max, const char *c_type,
                             Error **errp)
{
    int64_t wide = *value;

    if (!visit_type_int64(v, name, &wide, errp)) {
        return false;
    }
    if (wide < min || wide > max) {
        return visit_out_of_range(v, name, c_type, errp);
    }
    *value = wide;
    return true;
}

static bool visit_narrow_uint(Visitor *v, const char *name, uint64_t *value,
                              uint64_t max, const char *c_type, Error **errp)
{
    uint64_t wide = *value;

    if (!visit_type_uint64(v, name, &wide, errp)) {
        return false;
    }
    if (wide > max) {
        return visit_out_of_range(v, name, c_type, errp);
    }
    *value = wide;
    return true;
}

bool visit_type_int8(Visitor *v, const char *name, int8_t *obj, Error **errp)
{
    int64_t value = *obj;
    bool ok = visit_narrow_int(v, name, &value, INT8_MIN, INT8_MAX, "int8_t",
                               errp);

    *obj = value;
    return ok;
}

bool visit_type_int16(Visitor *v, const char *name, int16_t *obj,
                      Error **errp)
{
    int64_t value = *obj;
    bool ok = visit_narrow_int(v, name, &value, INT16_MIN, INT16_MAX,
                               "int16_t", errp);

    *obj = value;
    return ok;
}

bool visit_type_int32(Visitor *v, const char *name, int32_t *obj,
                      Error **errp)
{
    int64_t value = *obj;
    bool ok = visit_narrow_int(v, name, &value, INT32_MIN, INT32_MAX,
                               "int32_t", errp);

    *obj = value;
    return ok;
}

bool visit_type_uint8(Visitor *v, const char *name, uint8_t *obj,
                      Error **errp)
{
    uint64_t value = *obj;
    bool ok = visit_narrow_uint(v, name, &value, UINT8_MAX, "uint8_t", errp);

    *obj = value;
    return ok;
}

bool visit_type_uint16(Visitor *v, const char *name, uint16_t *obj,
                       Error **errp)
{
    uint64_t value = *obj;
    bool ok = visit_narrow_uint(v, name, &value, UINT16_MAX, "uint16_t",
                                errp);

    *obj = value;
    return ok;
}

bool visit_type_uint32(Visitor *v, const char *name, uint32_t *obj,
                       Error **errp)
{
    uint64_t value = *obj;
    bool ok = visit_narrow_uint(v, name, &value, UINT32_MAX, "uint32_t",
                                errp);

    *obj = value;
    return ok;
}

bool visit_type_size(Visitor *v, const char *name, uint64_t *obj,
                     Error **errp)
{
    if (v->ops->type_size) {
        return v->ops->type_size(v, name, obj, errp);
    }
    return visit_type_uint64(v, name, obj, errp);
}

bool visit_type_bool(Visitor *v, const char *name, bool *obj, Error **errp)
{
    return !v->ops->type_bool || v->ops->type_bool(v, name, obj, errp);
}

bool visit_type_number(Visitor *v, const char *name, double *obj,
                       Error **errp)
{
    return !v->ops->type_number || v->ops->type_number(v, name, obj, errp);
}

bool visit_type_str(Visitor *v, const char *name, char **obj, Error **errp)
{
    return v->ops->type_str(v, name, obj, errp);
}

bool visit_type_any(Visitor *v, const char *name, struct json_object **obj,
                    Error **errp)
{
    return v->ops->type_any(v, name, obj, errp);
}

bool visit_type_null(Visitor *v, const char *name, struct json_object **obj,
                     Error **errp)
{
    return !v->ops->type_null || v->ops->type_null(v, name, obj, errp);
}
