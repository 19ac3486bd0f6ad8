/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From `accel-path` to strings and back.
 *
 * Runs in any thread.  Members of the software device are put into the string
 * by their names in the schema, so this file knows none of them.
 */
#include "qemu/osdep.h"
#include <json-c/json.h>
#include "migration/multifd/accel-path.h"
#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-migration.h"
#include "qapi/util.h"
#include "qemu/dsa.h"
#include "qemu/dsa-soft.h"

/* The library reads some numbers as hexadecimal; the schema has no such type. */
static bool path_is_hex(const char *key)
{
    size_t nr;
    const DsaSoftOption *option = dsa_soft_options(&nr);

    for (size_t i = 0; i < nr; i++) {
        if (g_str_equal(option[i].name, key)) {
            return g_str_equal(option[i].value, "HEX");
        }
    }
    return false;
}

static char *path_number(const char *key, struct json_object *value)
{
    int64_t number = json_object_get_int64(value);

    if (number < 0) {
        return g_strdup_printf("%" PRId64, number);
    }
    /* The other function would not tell a larger one than its own type has. */
    return g_strdup_printf(path_is_hex(key) ? "0x%" PRIx64 : "%" PRIu64,
                           json_object_get_uint64(value));
}

static char *path_option_value(const char *key, struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean:
        return g_strdup(json_object_get_boolean(value) ? "on" : "off");
    case json_type_int:
        return path_number(key, value);
    default:
        return g_strdup(json_object_get_string(value));
    }
}

static bool path_add_option(GString *text, const char *key,
                            struct json_object *value, Error **errp)
{
    g_autofree char *word = path_option_value(key, value);

    /* It would be taken for an option of its own. */
    if (strchr(word, ',')) {
        error_setg(errp, "Member '%s' of 'accel-path' is \"%s\", which must "
                   "not have a comma", key, word);
        return false;
    }
    g_string_append_printf(text, "%c%s=%s", strchr(text->str, '?') ? ',' : '?',
                           key, word);
    return true;
}

static char *path_of_soft(const AccelDsaSoft *soft, Error **errp)
{
    g_autoptr(GString) text = g_string_new("dsa:soft");
    AccelDsaSoft *members = (AccelDsaSoft *)soft;
    struct json_object *object = NULL;
    Visitor *v = json_output_visitor_new(&object);
    bool ok = true;

    visit_type_AccelDsaSoft(v, NULL, &members, NULL);
    visit_complete(v, &object);
    visit_free(v);
    json_object_object_foreach(object, key, value) {
        ok = ok && path_add_option(text, key, value, errp);
    }
    json_object_put(object);
    return ok ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static char *path_of_device(const char *path, Error **errp)
{
    /* Or it would be another kind of entry. */
    if (path[0] != '/') {
        error_setg(errp, "Member 'path' of 'accel-path' is \"%s\", expected "
                   "the whole path of a character device, such as "
                   "\"/dev/dsa/wq0.0\"", path);
        return NULL;
    }
    return g_strdup_printf("dsa:%s", path);
}

static char *path_of_queues(const AccelQueues *queues, Error **errp)
{
    switch (queues->kind) {
    case ACCEL_QUEUE_TYPE_DSA_DEVICE:
        return path_of_device(queues->u.dsa_device.path, errp);
    case ACCEL_QUEUE_TYPE_DSA_AUTO:
        return queues->u.dsa_auto.has_node
               ? g_strdup_printf("dsa:auto?node=%" PRIu32,
                                 queues->u.dsa_auto.node)
               : g_strdup("dsa:auto");
    case ACCEL_QUEUE_TYPE_DSA_SOFT:
        return path_of_soft(&queues->u.dsa_soft, errp);
    default:
        g_assert_not_reached();
    }
}

char *accel_path_to_str(const AccelPath *path, Error **errp)
{
    g_autofree char *text = path->type == QTYPE_QSTRING
                            ? g_strdup(path->u.text)
                            : path_of_queues(&path->u.queues, errp);

    if (!text || !dsa_path_check(text, errp)) {
        return NULL;
    }
    return g_steal_pointer(&text);
}

char **accel_path_list_to_strv(const AccelPathList *list, Error **errp)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    for (; list; list = list->next) {
        char *text = accel_path_to_str(list->value, errp);

        if (!text) {
            return NULL;
        }
        g_ptr_array_add(paths, text);
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&paths), FALSE);
}

AccelPathList *accel_path_list_from_strv(char *const *paths)
{
    AccelPathList *list = NULL;
    AccelPathList **tail = &list;

    for (; *paths; paths++) {
        AccelPath *path = g_new0(AccelPath, 1);

        path->type = QTYPE_QSTRING;
        path->u.text = g_strdup(*paths);
        QAPI_LIST_APPEND(tail, path);
    }
    return list;
}
