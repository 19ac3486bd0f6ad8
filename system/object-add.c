/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that a user makes.  There is one kind so far, the memory backends;
 * their properties are those of the schema, checked by its visitor.
 *
 * Main thread.  What a backend is made of is memory/'s business.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-qom.h"
#include "system/object-add.h"

ObjectOptions *object_options_parse(const char *text, Error **errp)
{
    ObjectOptions *options = NULL;
    Visitor *v = json_input_visitor_new_str(text, "qom-type", errp);

    if (v) {
        visit_type_ObjectOptions(v, NULL, &options, errp);
        visit_free(v);
    }
    return options;
}

GHashTable *object_set_new(void)
{
    return g_hash_table_new_full(
        g_str_hash, g_str_equal, g_free,
        (GDestroyNotify)host_memory_backend_unref);
}

/* As in QEMU: a letter, then letters, digits, "-", "." and "_". */
static bool object_id_is_valid(const char *id)
{
    if (!g_ascii_isalpha(*id)) {
        return false;
    }
    while (*++id) {
        if (!g_ascii_isalnum(*id) && !strchr("-._", *id)) {
            return false;
        }
    }
    return true;
}

bool object_add(GHashTable *objects, const ObjectOptions *options,
                Error **errp)
{
    HostMemoryBackend *backend;

    if (!object_id_is_valid(options->id)) {
        error_setg(errp, "Object id '%s' must be a letter, followed by"
                   " letters, digits, '-', '.' or '_'", options->id);
        return false;
    }
    if (g_hash_table_contains(objects, options->id)) {
        error_setg(errp, "Object id '%s' is taken", options->id);
        return false;
    }
    backend = host_memory_backend_new(options, errp);
    if (!backend) {
        return false;
    }
    g_hash_table_insert(objects, g_strdup(options->id), backend);
    return true;
}
