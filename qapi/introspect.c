/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command query-qmp-schema.  Its answer is data of the generator, so
 * there are no C types of it.
 *
 * Runs in the monitor's thread.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "qapi/dispatch.h"
#include "qapi/error.h"
#include "qapi/qapi-introspect.h"

static bool qmp_query_qmp_schema(void *ctx, struct json_object *args,
                                 struct json_object **ret, Error **errp)
{
    struct json_object *result;

    json_object_object_foreach(args, key, value) {
        (void)value;
        error_setg(errp, "Parameter '%s' is unexpected", key);
        return false;
    }
    result = json_object_new_array();
    for (size_t i = 0; qapi_schema_json[i]; i++) {
        json_object_array_add(result,
                              json_tokener_parse(qapi_schema_json[i]));
    }
    *ret = result;
    return true;
}

void qmp_register_introspection(QmpCommandList *cmds)
{
    qmp_register_command(cmds, "query-qmp-schema", qmp_query_qmp_schema,
                         NULL, QCO_NO_OPTIONS);
}
