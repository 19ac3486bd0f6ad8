/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frees a generated type from its leaves up.  A visitor has no state, and the
 * object may lack parts: every pointer may be NULL.
 *
 * Runs in any thread; generated code is its only caller.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "qapi/dealloc-visitor.h"
#include "visitor-internal.h"

/* Shared by structs and alternates; embedded ones come without @obj. */
static void qapi_dealloc_end_object(Visitor *v, void **obj)
{
    if (obj) {
        g_free(*obj);
    }
}

static GenericList *qapi_dealloc_next_list(Visitor *v, GenericList *tail,
                                           size_t size)
{
    GenericList *next = tail->next;

    g_free(tail);
    return next;
}

static bool qapi_dealloc_type_str(Visitor *v, const char *name, char **obj,
                                  Error **errp)
{
    g_free(*obj);
    return true;
}

static bool qapi_dealloc_type_any(Visitor *v, const char *name,
                                  struct json_object **obj, Error **errp)
{
    json_object_put(*obj);
    return true;
}

static void qapi_dealloc_free(Visitor *v)
{
    g_free(v);
}

static const VisitorOps qapi_dealloc_ops = {
    .kind = VISITOR_DEALLOC,
    .end_struct = qapi_dealloc_end_object,
    .next_list = qapi_dealloc_next_list,
    .end_alternate = qapi_dealloc_end_object,
    .type_str = qapi_dealloc_type_str,
    .type_any = qapi_dealloc_type_any,
    .free = qapi_dealloc_free,
};

Visitor *qapi_dealloc_visitor_new(void)
{
    Visitor *v = g_new0(Visitor, 1);

    v->ops = &qapi_dealloc_ops;
    return v;
}
