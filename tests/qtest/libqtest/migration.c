/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings, beginning and end of a migration over QMP.
 *
 * One thread.  Ends are waited for by their events, nothing is polled.
 */
#include "qemu/osdep.h"

#include "migration.h"

void migrate_set_capability(QTestState *s, const char *capability, bool value)
{
    qtest_qmp_assert_success(s, "{'execute': 'migrate-set-capabilities',"
                             " 'arguments': {'capabilities': [{'capability':"
                             " '%s', 'state': %s}]}}", capability,
                             value ? "true" : "false");
}

void migrate_set_parameter_int(QTestState *s, const char *parameter,
                               int64_t value)
{
    qtest_qmp_assert_success(s, "{'execute': 'migrate-set-parameters',"
                             " 'arguments': {'%s': %" PRIi64 "}}", parameter,
                             value);
}

void migrate_set_parameter_str(QTestState *s, const char *parameter,
                               const char *value)
{
    qtest_qmp_assert_success(s, "{'execute': 'migrate-set-parameters',"
                             " 'arguments': {'%s': '%s'}}", parameter, value);
}

static const char *json_text(struct json_object *object, const char *key)
{
    return json_object_get_string(json_object_object_get(object, key));
}

char *migrate_incoming_qmp(QTestState *to, const char *uri)
{
    struct json_object *info, *addr;
    char *where;

    qtest_qmp_assert_success(to, "{'execute': 'migrate-incoming', 'arguments':"
                             " {'uri': '%s', 'exit-on-error': false}}", uri);
    info = qtest_qmp_assert_success_ref(to, "{'execute': 'query-migrate'}");
    addr = json_object_array_get_idx(
        json_object_object_get(info, "socket-address"), 0);
    where = g_str_equal(json_text(addr, "type"), "unix")
        ? g_strdup_printf("unix:%s", json_text(addr, "path"))
        : g_strdup_printf("tcp:%s:%s", json_text(addr, "host"),
                          json_text(addr, "port"));
    json_object_put(info);
    return where;
}

void migrate_qmp(QTestState *from, const char *uri)
{
    qtest_qmp_assert_success(from, "{'execute': 'migrate',"
                             " 'arguments': {'uri': '%s'}}", uri);
}

void wait_for_migration_status(QTestState *s, const char *goal)
{
    bool reached = false;

    while (!reached) {
        struct json_object *data = qtest_qmp_eventwait_ref(s, "MIGRATION");
        const char *status = json_text(data, "status");

        reached = g_str_equal(status, goal);
        if (!reached && g_str_equal(status, "failed")) {
            g_error("the migration failed: %s", json_object_to_json_string(
                    qtest_qmp(s, "{'execute': 'query-migrate'}")));
        }
        json_object_put(data);
    }
}

void wait_for_migration_complete(QTestState *s)
{
    wait_for_migration_status(s, "completed");
}

int64_t read_ram_property_int(QTestState *s, const char *property)
{
    struct json_object *info, *ram;
    int64_t value;

    info = qtest_qmp_assert_success_ref(s, "{'execute': 'query-migrate'}");
    ram = json_object_object_get(info, "ram");
    value = json_object_get_int64(json_object_object_get(ram, property));
    json_object_put(info);
    return value;
}

char *migration_run_state(QTestState *s)
{
    struct json_object *info;
    char *state;

    info = qtest_qmp_assert_success_ref(s, "{'execute': 'query-status'}");
    state = g_strdup(json_text(info, "status"));
    json_object_put(info);
    return state;
}
