/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration parameters in the human monitor.  Names, kinds and checks come from
 * the schema; what stands here is QEMU's habit: which numbers are in MiB, and
 * in which order and with which units they are shown.
 *
 * Bodies run in the thread of the main loop, the completion in any.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "hmp-cmds-internal.h"
#include "hmp-schema.h"
#include "migration/migration.h"
#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-migration.h"
#include "qemu/cutils.h"

/* QEMU's parameters in the order of `info migrate_parameters`. */
static const struct {
    const char *name;
    const char *unit;
    bool mib;               /* a bare number is in MiB */
} hmp_parameters[] = {
    { "announce-initial", " ms" },
    { "announce-max", " ms" },
    { "announce-rounds", "" },
    { "announce-step", " ms" },
    { "throttle-trigger-threshold", "" },
    { "cpu-throttle-initial", "" },
    { "cpu-throttle-increment", "" },
    { "cpu-throttle-tailslow", "" },
    { "max-cpu-throttle", "" },
    { "tls-creds", "" },
    { "tls-hostname", "" },
    { "max-bandwidth", " bytes/second", true },
    { "avail-switchover-bandwidth", " bytes/second", true },
    { "downtime-limit", " ms" },
    { "x-checkpoint-delay", " ms" },
    { "multifd-channels", "" },
    { "multifd-compression", "" },
    { "zero-page-detection", "" },
    { "xbzrle-cache-size", " bytes" },
    { "max-postcopy-bandwidth", "" },
    { "tls-authz", "" },
    { "mode", "" },
    { "direct-io", "" },
    /* ours */
    { "accel-path", "" },
    { "multifd-packet-size", " bytes" },
    { "multifd-normal-page-ratio", "" },
    { "dsa-timeout", " ms" },
};

static bool hmp_parameter_is_mib(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(hmp_parameters); i++) {
        if (g_str_equal(hmp_parameters[i].name, name)) {
            return hmp_parameters[i].mib;
        }
    }
    return false;
}

/* @text as the visitor is to read it; NULL when it is no size. */
static struct json_object *hmp_parameter_value(const char *name,
                                               const char *text, Error **errp)
{
    g_autofree char *bytes = NULL;
    uint64_t size;

    if (hmp_parameter_is_mib(name)) {
        if (qemu_strtosz_MiB(text, NULL, &size) < 0) {
            error_setg(errp, "Invalid size %s", text);
            return NULL;
        }
        bytes = g_strdup_printf("%" PRIu64, size);
        text = bytes;
    }
    return json_object_new_string(text);
}

/* {NAME: VALUE} or {NAME: [VALUE...]} with text as leaves; NULL on failure. */
static struct json_object *hmp_parameter_object(const char *name,
                                                char **values, bool list,
                                                Error **errp)
{
    struct json_object *obj;
    struct json_object *value;

    if (!list) {
        value = hmp_parameter_value(name, values[0], errp);
        if (!value) {
            return NULL;
        }
    } else {
        value = json_object_new_array();
        for (; *values; values++) {
            /* `NAME ""` makes a list empty. */
            if (**values) {
                json_object_array_add(value, json_object_new_string(*values));
            }
        }
    }
    obj = json_object_new_object();
    json_object_object_add(obj, name, value);
    return obj;
}

static bool hmp_parameter_set(Migration *m, const char *name, char **values,
                              bool list, Error **errp)
{
    struct json_object *obj = hmp_parameter_object(name, values, list, errp);
    g_autoptr(MigrationParameters) params = NULL;
    g_autoptr(Visitor) v = NULL;

    if (!obj) {
        return false;
    }
    v = json_input_visitor_new_keyval(obj);
    json_object_put(obj);
    return visit_type_MigrationParameters(v, NULL, &params, errp) &&
           migration_set_parameters(m, params, errp);
}

/*
 * The words of a setting, the name first: "NAME=VALUE" is cut in two.  A value
 * may hold further equal signs, as options of a queue do.
 */
static char **hmp_parameter_split(const char *text, Error **errp)
{
    g_autofree char *spaced = g_strdup(text);
    size_t name_len = strcspn(spaced, " \t=");

    if (spaced[name_len] == '=') {
        spaced[name_len] = ' ';
    }
    return hmp_split(spaced, errp);
}

void hmp_migrate_set_parameter(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Error *err = NULL;
    g_auto(GStrv) words = hmp_parameter_split(hmp_args_str(args, "setting"),
                                              &err);
    HmpParameterKind kind;

    if (!words) {
        hmp_handle_error(hmp, err);
        return;
    }
    kind = hmp_schema_parameter(words[0], NULL);
    if (kind == HMP_PARAMETER_UNKNOWN) {
        error_setg(&err, "invalid parameter value: %s", words[0]);
    } else if (!words[1]) {
        hmp_printf(hmp, "migrate_set_parameter: string expected\n"
                   "Try \"help migrate_set_parameter\" for more"
                   " information\n");
    } else if (kind == HMP_PARAMETER_SCALAR && words[2]) {
        hmp_printf(hmp, "migrate_set_parameter: extraneous characters at the"
                   " end of line\nTry \"help migrate_set_parameter\" for more"
                   " information\n");
    } else {
        hmp_parameter_set(opaque, words[0], words + 1,
                          kind == HMP_PARAMETER_LIST, &err);
    }
    hmp_handle_error(hmp, err);
}

static void hmp_parameter_print(Hmp *hmp, const char *name, const char *unit,
                                struct json_object *value)
{
    hmp_printf(hmp, "%s:", name);
    switch (json_object_get_type(value)) {
    case json_type_boolean:
        hmp_printf(hmp, " %s", json_object_get_boolean(value) ? "on" : "off");
        break;
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            hmp_printf(hmp, " %s", json_object_get_string(
                       json_object_array_get_idx(value, i)));
        }
        break;
    case json_type_string:
        hmp_printf(hmp, g_str_has_prefix(name, "tls-") ? " '%s'" : " %s",
                   json_object_get_string(value));
        break;
    default:
        hmp_printf(hmp, " %s%s", json_object_get_string(value), unit);
        break;
    }
    hmp_printf(hmp, "\n");
}

static struct json_object *hmp_parameters_query(Migration *m)
{
    g_autoptr(MigrationParameters) params = migration_query_parameters(m);
    MigrationParameters *p = params;
    struct json_object *obj = NULL;
    g_autoptr(Visitor) v = json_output_visitor_new(&obj);

    if (!visit_type_MigrationParameters(v, NULL, &p, NULL)) {
        return json_object_new_object();
    }
    visit_complete(v, &obj);
    return obj;
}

void hmp_info_migrate_parameters(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    struct json_object *params = hmp_parameters_query(opaque);

    for (size_t i = 0; i < ARRAY_SIZE(hmp_parameters); i++) {
        const char *name = hmp_parameters[i].name;
        struct json_object *value = NULL;

        if (json_object_object_get_ex(params, name, &value)) {
            hmp_parameter_print(hmp, name, hmp_parameters[i].unit, value);
            json_object_object_del(params, name);
        }
    }
    json_object_object_foreach(params, other, value) {
        hmp_parameter_print(hmp, other, "", value);
    }
    json_object_put(params);
}

/* Adds @before and a value for each that the parameter takes. */
static void hmp_complete_values(GPtrArray *found, const char *name,
                                const char *before)
{
    g_auto(GStrv) values = NULL;

    hmp_schema_parameter(name, &values);
    for (char **value = values; value && *value; value++) {
        g_ptr_array_add(found, g_strconcat(before, *value, NULL));
    }
}

void hmp_complete_parameter(GPtrArray *found, const char *const *args,
                            unsigned nr_args, const char *word)
{
    const char *equals = strchr(word, '=');

    if (nr_args == 0 && equals) {
        g_autofree char *name = g_strndup(word, equals - word);
        g_autofree char *before = g_strconcat(name, "=", NULL);

        hmp_complete_values(found, name, before);
    } else if (nr_args == 0) {
        g_auto(GStrv) names = hmp_schema_parameters();

        for (char **name = names; *name; name++) {
            hmp_complete_add(found, *name);
        }
    } else if (nr_args == 1) {
        hmp_complete_values(found, args[0], "");
    }
}
