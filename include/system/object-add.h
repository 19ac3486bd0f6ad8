/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that a user makes: their options as text, and the set of them.  Who
 * needs an object finds it by its id and takes a reference.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_OBJECT_ADD_H
#define SYSTEM_OBJECT_ADD_H

#include <stdbool.h>

#include <glib.h>

#include "io/authz.h"
#include "io/tls-creds.h"
#include "memory/backend.h"
#include "migration/migration.h"
#include "qapi/qapi-types-qom.h"

typedef struct Error Error;
typedef struct ObjectSet ObjectSet;

/**
 * object_options_parse:
 * @text: "TYPE,id=ID,PROPERTY=VALUE,..." or the same as a JSON object
 * @errp: receives the reason on failure, or NULL
 *
 * Reads the argument of -object.
 *
 * Context: any thread.
 * Returns: the options, to be freed with qapi_free_ObjectOptions(); NULL when
 * a property is unknown, missing or of the wrong type.
 */
ObjectOptions *object_options_parse(const char *text, Error **errp);

/**
 * object_set_new:
 *
 * Context: any thread.
 * Returns: an empty set of objects, to be freed with object_set_free().
 */
ObjectSet *object_set_new(void);

/**
 * object_set_free:
 * @objects: a set, or NULL
 *
 * Drops the set's references.
 *
 * Context: the main thread.
 */
void object_set_free(ObjectSet *objects);

/**
 * object_add:
 * @objects: the set
 * @options: what to make
 * @errp: receives the reason on failure, or NULL
 *
 * Makes an object and adds it to the set.
 *
 * Context: the main thread; blocks while memory is populated or files are read.
 * Returns: false when the id is taken or malformed, or the object cannot be
 * made.
 */
bool object_add(ObjectSet *objects, const ObjectOptions *options,
                Error **errp);

/**
 * object_del:
 * @objects: the set
 * @id: of the object that is to go
 * @migration: what else may need it
 * @errp: receives the reason on failure, or NULL
 *
 * Context: the main thread.
 * Returns: false when there is no such object, or it is in use.
 */
bool object_del(ObjectSet *objects, const char *id,
                const Migration *migration, Error **errp);

/**
 * object_find_backend:
 * @objects: the set
 * @id: of a memory backend
 *
 * Context: the main thread.
 * Returns: a reference to it, the caller's; NULL when there is none.
 */
HostMemoryBackend *object_find_backend(ObjectSet *objects, const char *id);

/**
 * object_find_tls_creds:
 * @opaque: an ObjectSet
 * @id: of TLS credentials
 * @errp: receives the reason on failure, or NULL
 *
 * For MigrationHost.
 *
 * Context: the main thread.
 * Returns: a reference to them, the caller's; NULL when there are none.
 */
TLSCreds *object_find_tls_creds(void *opaque, const char *id, Error **errp);

/**
 * object_find_authz:
 * @opaque: an ObjectSet
 * @id: of an object that says who may connect
 * @errp: receives the reason on failure, or NULL
 *
 * For MigrationHost.
 *
 * Context: the main thread.
 * Returns: a reference to it, the caller's; NULL when there is none.
 */
AuthZ *object_find_authz(void *opaque, const char *id, Error **errp);

#endif /* SYSTEM_OBJECT_ADD_H */
