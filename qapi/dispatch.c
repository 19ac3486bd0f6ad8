/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QMP request to its reply.  Nothing in a request is trusted.
 *
 * Runs in the monitor's thread, and the command's handler with it.  Reading
 * requests, the greeting and sending replies are the monitor's.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "qapi/dispatch.h"
#include "qapi/error.h"

static const char *const qmp_error_class_names[] = {
    [ERROR_CLASS_GENERIC_ERROR] = "GenericError",
    [ERROR_CLASS_COMMAND_NOT_FOUND] = "CommandNotFound",
    [ERROR_CLASS_DEVICE_NOT_ACTIVE] = "DeviceNotActive",
    [ERROR_CLASS_DEVICE_NOT_FOUND] = "DeviceNotFound",
    [ERROR_CLASS_KVM_MISSING_CAP] = "KVMMissingCap",
};

struct json_object *qmp_error_response(Error *err)
{
    struct json_object *reply = json_object_new_object();
    struct json_object *error = json_object_new_object();
    const char *name = qmp_error_class_names[error_get_class(err)];
    /* File names in messages may hold any bytes, JSON only UTF-8. */
    g_autofree char *desc = g_utf8_make_valid(error_get_pretty(err), -1);

    json_object_object_add(error, "class", json_object_new_string(name));
    json_object_object_add(error, "desc", json_object_new_string(desc));
    json_object_object_add(reply, "error", error);
    error_free(err);
    return reply;
}

/* Checks one member of the request; false for a wrong one. */
static bool qmp_check_member(const char *key, struct json_object *value,
                             Error **errp)
{
    if (!strcmp(key, "execute")) {
        if (!json_object_is_type(value, json_type_string)) {
            error_setg(errp, "QMP input member '%s' must be a string", key);
            return false;
        }
    } else if (!strcmp(key, "arguments")) {
        if (!json_object_is_type(value, json_type_object)) {
            error_setg(errp, "QMP input member '%s' must be an object", key);
            return false;
        }
    } else if (strcmp(key, "id")) {
        error_setg(errp, "QMP input member '%s' is unexpected", key);
        return false;
    }
    return true;
}

static bool qmp_check_request(struct json_object *request, Error **errp)
{
    json_object_object_foreach(request, key, value) {
        if (!qmp_check_member(key, value, errp)) {
            return false;
        }
    }
    if (!json_object_object_get_ex(request, "execute", NULL)) {
        error_setg(errp, "QMP input lacks member 'execute'");
        return false;
    }
    return true;
}

static const QmpCommand *qmp_request_command(const QmpCommandList *cmds,
                                             struct json_object *request,
                                             Error **errp)
{
    struct json_object *execute = json_object_object_get(request, "execute");
    const char *name = json_object_get_string(execute);
    const QmpCommand *cmd = NULL;

    /* A NUL inside would make a longer name pass for a shorter one. */
    if (strlen(name) == (size_t)json_object_get_string_len(execute)) {
        cmd = qmp_find_command(cmds, name);
    }
    if (!cmd && qmp_command_list_not_found(cmds)) {
        error_set(errp, ERROR_CLASS_COMMAND_NOT_FOUND, "%s",
                  qmp_command_list_not_found(cmds));
    } else if (!cmd) {
        error_set(errp, ERROR_CLASS_COMMAND_NOT_FOUND,
                  "The command %s has not been found", name);
    }
    return cmd;
}

/* Runs the request; *@reply stays NULL where success has none. */
static bool qmp_run_request(const QmpCommandList *cmds,
                            struct json_object *request,
                            struct json_object **reply, Error **errp)
{
    struct json_object *args = NULL;
    struct json_object *ret = NULL;
    const QmpCommand *cmd;
    bool ok;

    if (!json_object_is_type(request, json_type_object)) {
        error_setg(errp, "QMP input must be a JSON object");
        return false;
    }
    if (!qmp_check_request(request, errp)) {
        return false;
    }
    cmd = qmp_request_command(cmds, request, errp);
    if (!cmd) {
        return false;
    }
    if (json_object_object_get_ex(request, "arguments", &args)) {
        json_object_get(args);
    } else {
        args = json_object_new_object();
    }
    ok = cmd->fn(cmd->ctx, args, &ret, errp);
    json_object_put(args);
    if (ok && !(cmd->options & QCO_NO_SUCCESS_RESP)) {
        *reply = json_object_new_object();
        json_object_object_add(*reply, "return",
                               ret ? ret : json_object_new_object());
        return true;
    }
    json_object_put(ret);
    return ok;
}

struct json_object *qmp_dispatch(const QmpCommandList *cmds,
                                 struct json_object *request)
{
    struct json_object *reply = NULL;
    struct json_object *id = NULL;
    Error *err = NULL;

    if (!qmp_run_request(cmds, request, &reply, &err)) {
        reply = qmp_error_response(err);
    }
    if (reply && json_object_is_type(request, json_type_object) &&
        json_object_object_get_ex(request, "id", &id)) {
        json_object_object_add(reply, "id", json_object_get(id));
    }
    return reply;
}
