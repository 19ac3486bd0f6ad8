/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the answer of query-qmp-schema for the arguments of
 * migrate-set-parameters.  It is parsed anew each time: somebody has pressed a
 * key for it.
 *
 * Pure functions; any thread.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "hmp-schema.h"
#include "qapi/qapi-introspect.h"

static const char *hmp_schema_text(struct json_object *obj, const char *key)
{
    struct json_object *value = NULL;

    return json_object_object_get_ex(obj, key, &value)
        ? json_object_get_string(value) : "";
}

/* The entity of that name, to be put; NULL without one. */
static struct json_object *hmp_schema_find(const char *name)
{
    for (size_t i = 0; qapi_schema_json[i]; i++) {
        struct json_object *obj = json_tokener_parse(qapi_schema_json[i]);

        if (g_str_equal(hmp_schema_text(obj, "name"), name)) {
            return obj;
        }
        json_object_put(obj);
    }
    return NULL;
}

/* The type of the arguments, to be put. */
static struct json_object *hmp_schema_arguments(void)
{
    struct json_object *command = hmp_schema_find("migrate-set-parameters");
    struct json_object *type =
        hmp_schema_find(hmp_schema_text(command, "arg-type"));

    json_object_put(command);
    return type;
}

char **hmp_schema_parameters(void)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    struct json_object *type = hmp_schema_arguments();
    struct json_object *members = NULL;

    json_object_object_get_ex(type, "members", &members);
    for (size_t i = 0; i < json_object_array_length(members); i++) {
        struct json_object *m = json_object_array_get_idx(members, i);

        g_strv_builder_add(names, hmp_schema_text(m, "name"));
    }
    json_object_put(type);
    return g_strv_builder_end(names);
}

/* The name of a parameter's type, to be freed; NULL without that parameter. */
static char *hmp_schema_type_of(const char *name)
{
    struct json_object *type = hmp_schema_arguments();
    struct json_object *members = NULL;
    char *found = NULL;

    json_object_object_get_ex(type, "members", &members);
    for (size_t i = 0; !found && i < json_object_array_length(members); i++) {
        struct json_object *m = json_object_array_get_idx(members, i);

        if (g_str_equal(hmp_schema_text(m, "name"), name)) {
            found = g_strdup(hmp_schema_text(m, "type"));
        }
    }
    json_object_put(type);
    return found;
}

/* The names that a type takes; NULL when it is no enum and no boolean. */
static char **hmp_schema_values(const char *type_name,
                                struct json_object *type)
{
    static const char *const on_off[] = { "on", "off", NULL };
    g_autoptr(GStrvBuilder) values = g_strv_builder_new();
    struct json_object *members = NULL;

    if (g_str_equal(type_name, "bool")) {
        return g_strdupv((char **)on_off);
    }
    if (!g_str_equal(hmp_schema_text(type, "meta-type"), "enum") ||
        !json_object_object_get_ex(type, "members", &members)) {
        return NULL;
    }
    for (size_t i = 0; i < json_object_array_length(members); i++) {
        struct json_object *m = json_object_array_get_idx(members, i);

        g_strv_builder_add(values, hmp_schema_text(m, "name"));
    }
    return g_strv_builder_end(values);
}

HmpParameterKind hmp_schema_parameter(const char *name, char ***values)
{
    g_autofree char *type_name = hmp_schema_type_of(name);
    struct json_object *type;
    bool list;

    if (!type_name) {
        return HMP_PARAMETER_UNKNOWN;
    }
    type = hmp_schema_find(type_name);
    list = g_str_equal(hmp_schema_text(type, "meta-type"), "array");
    if (values) {
        *values = hmp_schema_values(type_name, type);
    }
    json_object_put(type);
    return list ? HMP_PARAMETER_LIST : HMP_PARAMETER_SCALAR;
}
