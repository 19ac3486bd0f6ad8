/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that a user makes: memory backends, TLS credentials, and who may
 * connect.  Their properties are those of the schema, checked by its visitor.
 *
 * Main thread.  What an object is made of is the business of its layer.
 */
#include "qemu/osdep.h"

#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-qom.h"
#include "system/object-add.h"

/* An object: which member counts, its type says. */
typedef struct UserObject {
    ObjectType type;
    HostMemoryBackend *backend;
    TLSCreds *tls_creds;
    AuthZ *authz;
} UserObject;

struct ObjectSet {
    GHashTable *by_id;          /* char * to UserObject *, owns both */
};

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

static void object_free(void *opaque)
{
    UserObject *object = opaque;

    host_memory_backend_unref(object->backend);
    tls_creds_unref(object->tls_creds);
    authz_unref(object->authz);
    g_free(object);
}

ObjectSet *object_set_new(void)
{
    ObjectSet *objects = g_new0(ObjectSet, 1);

    objects->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                           object_free);
    return objects;
}

void object_set_free(ObjectSet *objects)
{
    if (objects) {
        g_hash_table_unref(objects->by_id);
        g_free(objects);
    }
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

/* Fills one of the members; false when the object cannot be made. */
static bool object_make(UserObject *object, const ObjectOptions *options,
                        Error **errp)
{
    object->type = options->qom_type;
    switch (options->qom_type) {
    case OBJECT_TYPE_MEMORY_BACKEND_FILE:
    case OBJECT_TYPE_MEMORY_BACKEND_MEMFD:
    case OBJECT_TYPE_MEMORY_BACKEND_RAM:
        object->backend = host_memory_backend_new(options, errp);
        return object->backend != NULL;
    case OBJECT_TYPE_TLS_CREDS_ANON:
    case OBJECT_TYPE_TLS_CREDS_PSK:
    case OBJECT_TYPE_TLS_CREDS_X509:
        object->tls_creds = tls_creds_new(options, errp);
        return object->tls_creds != NULL;
    case OBJECT_TYPE_AUTHZ_LIST:
    case OBJECT_TYPE_AUTHZ_LIST_FILE:
    case OBJECT_TYPE_AUTHZ_SIMPLE:
        object->authz = authz_new(options, errp);
        return object->authz != NULL;
    default:
        g_assert_not_reached();
    }
}

bool object_add(ObjectSet *objects, const ObjectOptions *options,
                Error **errp)
{
    UserObject *object;

    if (!object_id_is_valid(options->id)) {
        error_setg(errp, "Object id '%s' must be a letter, followed by"
                   " letters, digits, '-', '.' or '_'", options->id);
        return false;
    }
    if (g_hash_table_contains(objects->by_id, options->id)) {
        error_setg(errp, "Object id '%s' is taken", options->id);
        return false;
    }
    object = g_new0(UserObject, 1);
    if (!object_make(object, options, errp)) {
        object_free(object);
        return false;
    }
    g_hash_table_insert(objects->by_id, g_strdup(options->id), object);
    return true;
}

static bool object_is_in_use(const UserObject *object, const char *id,
                             const Migration *migration)
{
    return (object->backend &&
            g_atomic_int_get(&object->backend->refcount) > 1) ||
           migration_uses_object(migration, id);
}

bool object_del(ObjectSet *objects, const char *id,
                const Migration *migration, Error **errp)
{
    const UserObject *object = g_hash_table_lookup(objects->by_id, id);

    if (!object) {
        error_setg(errp, "object '%s' not found", id);
        return false;
    }
    if (object_is_in_use(object, id, migration)) {
        error_setg(errp, "object '%s' is in use, can not be deleted", id);
        return false;
    }
    g_hash_table_remove(objects->by_id, id);
    return true;
}

HostMemoryBackend *object_find_backend(ObjectSet *objects, const char *id)
{
    UserObject *object = g_hash_table_lookup(objects->by_id, id);

    return object && object->backend ? host_memory_backend_ref(object->backend)
                                     : NULL;
}

TLSCreds *object_find_tls_creds(void *opaque, const char *id, Error **errp)
{
    ObjectSet *objects = opaque;
    UserObject *object = g_hash_table_lookup(objects->by_id, id);

    if (!object) {
        error_setg(errp, "No TLS credentials with id '%s'; make them with"
                   " object-add", id);
        return NULL;
    }
    if (!object->tls_creds) {
        error_setg(errp, "Object with id '%s' is not TLS credentials but %s",
                   id, ObjectType_str(object->type));
        return NULL;
    }
    return tls_creds_ref(object->tls_creds);
}

AuthZ *object_find_authz(void *opaque, const char *id, Error **errp)
{
    ObjectSet *objects = opaque;
    UserObject *object = g_hash_table_lookup(objects->by_id, id);

    if (!object) {
        error_setg(errp, "No object with id '%s' that says who may connect;"
                   " make one with object-add", id);
        return NULL;
    }
    if (!object->authz) {
        error_setg(errp, "Object with id '%s' does not say who may connect:"
                   " it is %s", id, ObjectType_str(object->type));
        return NULL;
    }
    return authz_ref(object->authz);
}
