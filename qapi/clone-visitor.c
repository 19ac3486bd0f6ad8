/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies a generated type from its root down: every pointer that is visited
 * is replaced by one to a copy, whose own pointers are visited next.
 *
 * Runs in any thread, from QAPI_CLONE.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "qapi/clone-visitor.h"
#include "visitor-internal.h"

static bool qapi_clone_start_struct(Visitor *v, const char *name, void **obj,
                                    size_t size, Error **errp)
{
    /* What is embedded was copied with the object around it. */
    if (obj) {
        *obj = g_memdup2(*obj, size);
    }
    return true;
}

static bool qapi_clone_start_list(Visitor *v, const char *name,
                                  GenericList **list, size_t size,
                                  Error **errp)
{
    *list = g_memdup2(*list, size);
    return true;
}

static GenericList *qapi_clone_next_list(Visitor *v, GenericList *tail,
                                         size_t size)
{
    tail->next = g_memdup2(tail->next, size);
    return tail->next;
}

static bool qapi_clone_start_alternate(Visitor *v, const char *name,
                                       GenericAlternate **obj, size_t size,
                                       Error **errp)
{
    *obj = g_memdup2(*obj, size);
    return true;
}

static bool qapi_clone_type_str(Visitor *v, const char *name, char **obj,
                                Error **errp)
{
    *obj = g_strdup(*obj);
    return true;
}

static bool qapi_clone_type_any(Visitor *v, const char *name,
                                struct json_object **obj, Error **errp)
{
    struct json_object *copy = NULL;

    /* A reference would do in one thread; json-c's count is not atomic. */
    if (*obj) {
        json_object_deep_copy(*obj, &copy, NULL);
    }
    *obj = copy;
    return true;
}

static void qapi_clone_free(Visitor *v)
{
    g_free(v);
}

static const VisitorOps qapi_clone_ops = {
    .kind = VISITOR_CLONE,
    .start_struct = qapi_clone_start_struct,
    .start_list = qapi_clone_start_list,
    .next_list = qapi_clone_next_list,
    .start_alternate = qapi_clone_start_alternate,
    .type_str = qapi_clone_type_str,
    .type_any = qapi_clone_type_any,
    .free = qapi_clone_free,
};

Visitor *qapi_clone_visitor_new(void)
{
    Visitor *v = g_new0(Visitor, 1);

    v->ops = &qapi_clone_ops;
    return v;
}
