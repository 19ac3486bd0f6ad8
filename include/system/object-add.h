/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects that a user makes: their options as text, and the set of them.
 *
 * Threads: the main thread.  No locks.
 */
#ifndef SYSTEM_OBJECT_ADD_H
#define SYSTEM_OBJECT_ADD_H

#include <stdbool.h>

#include <glib.h>

#include "memory/backend.h"
#include "qapi/qapi-types-qom.h"

typedef struct Error Error;

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
 * Returns: an empty set of objects, id (char *) to HostMemoryBackend *, which
 * owns both; free it with g_hash_table_unref().
 */
GHashTable *object_set_new(void);

/**
 * object_add:
 * @objects: the set
 * @options: what to make
 * @errp: receives the reason on failure, or NULL
 *
 * Makes an object and adds it to the set.
 *
 * Context: the main thread; blocks while memory is populated.
 * Returns: false when the id is taken or malformed, or the object cannot be
 * made.
 */
bool object_add(GHashTable *objects, const ObjectOptions *options,
                Error **errp);

#endif /* SYSTEM_OBJECT_ADD_H */
