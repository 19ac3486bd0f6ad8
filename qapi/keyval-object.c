/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line's `key=value,...` as a tree of objects, arrays and
 * strings, and the visitor for an option that may also be JSON.
 *
 * Pure functions; any thread.  Splitting the text is qemu/keyval.h's.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qemu/keyval.h"

static void keyval_clash(const char *path, Error **errp)
{
    error_setg(errp, "Parameters '%s' and '%s.*' can't be given together",
               path, path);
}

/* Puts one pair into the tree under @object. */
static bool keyval_insert(struct json_object *object, const KeyvalPair *pair,
                          Error **errp)
{
    const char *step = pair->key;
    const char *dot;
    struct json_object *child;
    bool known;

    while ((dot = strchr(step, '.'))) {
        g_autofree char *name = g_strndup(step, dot - step);

        if (!json_object_object_get_ex(object, name, &child)) {
            child = json_object_new_object();
            json_object_object_add(object, name, child);
        } else if (!json_object_is_type(child, json_type_object)) {
            g_autofree char *path = g_strndup(pair->key, dot - pair->key);

            keyval_clash(path, errp);
            return false;
        }
        object = child;
        step = dot + 1;
    }
    known = json_object_object_get_ex(object, step, &child);
    if (known && json_object_is_type(child, json_type_object)) {
        keyval_clash(pair->key, errp);
        return false;
    }
    json_object_object_add(object, step, json_object_new_string(pair->value));
    return true;
}

/* Whether a name is the index of an element: a number without a 0 in front. */
static bool keyval_is_index(const char *name)
{
    return *name && strspn(name, "0123456789") == strlen(name) &&
        (*name != '0' || !name[1]);
}

static struct json_object *keyval_listify(struct json_object *object,
                                          const char *path, Error **errp);

/* Makes arrays of the objects below @object which are some. */
static bool keyval_listify_children(struct json_object *object,
                                    const char *path, Error **errp)
{
    json_object_object_foreach(object, key, child) {
        g_autofree char *child_path = NULL;
        struct json_object *array;

        if (!json_object_is_type(child, json_type_object)) {
            continue;
        }
        child_path = g_strdup_printf("%s%s%s", path, *path ? "." : "", key);
        array = keyval_listify(child, child_path, errp);
        if (!array) {
            return false;
        }
        if (array != child) {
            /* The key exists, so this changes no more than its value. */
            json_object_object_add(object, key, array);
        }
    }
    return true;
}

/*
 * An object whose keys are indexes becomes an array.  Returns @object itself
 * when it is none, a new array that holds its values, or NULL with @errp set.
 */
static struct json_object *keyval_listify(struct json_object *object,
                                          const char *path, Error **errp)
{
    int nr_keys = json_object_object_length(object);
    int nr_indexes = 0;
    struct json_object *array;

    if (!keyval_listify_children(object, path, errp)) {
        return NULL;
    }
    json_object_object_foreach(object, key, value) {
        (void)value;
        nr_indexes += keyval_is_index(key);
    }
    if (!nr_indexes) {
        return object;
    }
    if (nr_indexes < nr_keys) {
        error_setg(errp, "Parameters '%s.*' are used inconsistently: some "
                   "are numbers, some are names", path);
        return NULL;
    }
    array = json_object_new_array();
    for (int i = 0; i < nr_indexes; i++) {
        g_autofree char *index = g_strdup_printf("%d", i);
        struct json_object *element;

        if (!json_object_object_get_ex(object, index, &element)) {
            error_setg(errp, "Parameter '%s.%d' is missing", path, i);
            json_object_put(array);
            return NULL;
        }
        json_object_array_add(array, json_object_get(element));
    }
    return array;
}

struct json_object *qapi_keyval_to_object(const KeyvalList *list,
                                          Error **errp)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < list->nr_pairs; i++) {
        if (!keyval_insert(object, &list->pairs[i], errp)) {
            json_object_put(object);
            return NULL;
        }
    }
    /* The root stays an object: its keys are the names of parameters. */
    if (!keyval_listify_children(object, "", errp)) {
        json_object_put(object);
        return NULL;
    }
    return object;
}

static struct json_object *keyval_parse_json(const char *text, Error **errp)
{
    struct json_tokener *tokener = json_tokener_new();
    struct json_object *object;
    enum json_tokener_error status;

    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
                           JSON_TOKENER_VALIDATE_UTF8);
    /* With the final NUL: a text that ends too early is then an error. */
    object = json_tokener_parse_ex(tokener, text, strlen(text) + 1);
    status = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    if (status != json_tokener_success) {
        error_setg(errp, "JSON parse error, %s",
                   json_tokener_error_desc(status));
        json_object_put(object);
        return NULL;
    }
    return object;
}

Visitor *json_input_visitor_new_str(const char *text, const char *implied_key,
                                    Error **errp)
{
    g_autoptr(KeyvalList) list = NULL;
    struct json_object *object;
    Visitor *v;

    if (*text == '{') {
        object = keyval_parse_json(text, errp);
        v = object ? json_input_visitor_new(object) : NULL;
    } else {
        list = keyval_parse(text, implied_key, NULL, errp);
        object = list ? qapi_keyval_to_object(list, errp) : NULL;
        v = object ? json_input_visitor_new_keyval(object) : NULL;
    }
    json_object_put(object);
    return v;
}
