/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the parameters of auto-converge and of those that QEMU 10.0 does not
 * have: ranges, defaults, what a query tells, and what does not go together when
 * a migration begins.
 *
 * Arguments and answers are JSON, as over QMP.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-migration.h"
#include "migration-pair.h"
#include "tests/unit/qapi/json-text.h"

static void set_ok(PairEnd *end, const char *text)
{
    Error *err = NULL;

    pair_end_set(end, text, &err);
    g_assert_null(err);
}

static struct json_object *query(PairEnd *end)
{
    MigrationParameters *params = migration_query_parameters(end->migration);
    struct json_object *json = NULL;
    g_autoptr(Visitor) v = json_output_visitor_new(&json);

    visit_type_MigrationParameters(v, NULL, &params, NULL);
    visit_complete(v, &json);
    qapi_free_MigrationParameters(params);
    return json;
}

static void assert_value(PairEnd *end, const char *name, const char *expected)
{
    struct json_object *params = query(end);
    struct json_object *value = NULL;

    g_assert_true(json_object_object_get_ex(params, name, &value));
    json_assert_text(json_object_get(value), expected);
    json_object_put(params);
}

/* A value that a parameter may have, and how it is then told. */
typedef struct Accepted {
    const char *path;
    const char *name;
    const char *text;
    const char *told;
} Accepted;

static const Accepted accepted[] = {
    { "trigger-threshold/least", "throttle-trigger-threshold",
      "{'throttle-trigger-threshold':1}", "1" },
    { "trigger-threshold/most", "throttle-trigger-threshold",
      "{'throttle-trigger-threshold':100}", "100" },
    { "throttle-initial/least", "cpu-throttle-initial",
      "{'cpu-throttle-initial':1}", "1" },
    { "throttle-initial/most", "cpu-throttle-initial",
      "{'cpu-throttle-initial':99}", "99" },
    { "throttle-increment/most", "cpu-throttle-increment",
      "{'cpu-throttle-increment':99}", "99" },
    { "tailslow/on", "cpu-throttle-tailslow",
      "{'cpu-throttle-tailslow':true}", "true" },
    { "max-throttle/as-the-initial", "max-cpu-throttle",
      "{'max-cpu-throttle':20}", "20" },
    { "max-throttle/below-the-initial-until-now", "max-cpu-throttle",
      "{'max-cpu-throttle':5,'cpu-throttle-initial':5}", "5" },
    { "detection", "zero-page-detection",
      "{'zero-page-detection':'dsa-accel'}", "'dsa-accel'" },
    { "tls/creds", "tls-creds", "{'tls-creds':'tls0'}", "'tls0'" },
    { "tls/null", "tls-creds", "{'tls-creds':null}", "''" },
    { "tls/hostname", "tls-hostname", "{'tls-hostname':'a.b'}", "'a.b'" },
    { "tls/authz", "tls-authz", "{'tls-authz':'z'}", "'z'" },
    { "compression/zlib-level/least", "multifd-zlib-level",
      "{'multifd-zlib-level':0}", "0" },
    { "compression/zlib-level/most", "multifd-zlib-level",
      "{'multifd-zlib-level':9}", "9" },
    { "compression/zstd-level/most", "multifd-zstd-level",
      "{'multifd-zstd-level':20}", "20" },
    { "compression/none", "multifd-compression",
      "{'multifd-compression':'none'}", "'none'" },
    { "packet-size/one-page", "multifd-packet-size",
      "{'multifd-packet-size':4096}", "4096" },
    { "packet-size/most", "multifd-packet-size",
      "{'multifd-packet-size':4194304}", "4194304" },
    { "normal-page-ratio/most", "multifd-normal-page-ratio",
      "{'multifd-normal-page-ratio':100}", "100" },
    { "completion/in-thread", "dsa-completion",
      "{'dsa-completion':'in-thread'}", "'in-thread'" },
    { "adaptive/off", "dsa-adaptive", "{'dsa-adaptive':false}", "false" },
    { "timeout/least", "dsa-timeout", "{'dsa-timeout':1}", "1" },
    { "timeout/most", "dsa-timeout", "{'dsa-timeout':60000}", "60000" },
    { "accel-path/string", "accel-path",
      "{'accel-path':['dsa:/dev/dsa/wq0.0']}", "['dsa:/dev/dsa/wq0.0']" },
    { "accel-path/structure", "accel-path",
      "{'accel-path':[{'kind':'dsa-auto','node':1}]}",
      "['dsa:auto?node=1']" },
    { "accel-path/both", "accel-path",
      "{'accel-path':['dsa:soft',{'kind':'dsa-soft','engines':1}]}",
      "['dsa:soft','dsa:soft?engines=1']" },
};

static void test_accepted(const void *opaque)
{
    const Accepted *a = opaque;
    MigrationPair *pair = pair_new();

    set_ok(&pair->src, a->text);
    assert_value(&pair->src, a->name, a->told);
    pair_free(pair);
}

static const struct {
    const char *name;
    const char *told;
} defaults[] = {
    { "throttle-trigger-threshold", "50" },
    { "cpu-throttle-initial", "20" },
    { "cpu-throttle-increment", "10" },
    { "cpu-throttle-tailslow", "false" },
    { "max-cpu-throttle", "99" },
    { "zero-page-detection", "'multifd'" },
    { "direct-io", "false" },
    { "accel-path", "[]" },
    { "tls-creds", "''" },
    { "tls-hostname", "''" },
    { "tls-authz", "''" },
    { "multifd-compression", "'none'" },
    { "multifd-zlib-level", "1" },
    { "multifd-zstd-level", "1" },
    { "multifd-packet-size", "524288" },
    { "multifd-normal-page-ratio", "0" },
    { "dsa-completion", "'thread'" },
    { "dsa-adaptive", "true" },
    { "dsa-timeout", "1000" },
};

static void test_defaults(void)
{
    MigrationPair *pair = pair_new();

    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        assert_value(&pair->src, defaults[i].name, defaults[i].told);
    }
    pair_free(pair);
}

/* Nothing given changes nothing. */
static void test_an_empty_change(void)
{
    MigrationPair *pair = pair_new();

    set_ok(&pair->src, "{'dsa-timeout':7,'accel-path':['dsa:auto']}");
    set_ok(&pair->src, "{}");
    assert_value(&pair->src, "dsa-timeout", "7");
    assert_value(&pair->src, "accel-path", "['dsa:auto']");
    pair_free(pair);
}

static void test_accel_path_is_emptied(void)
{
    MigrationPair *pair = pair_new();

    set_ok(&pair->src, "{'accel-path':['dsa:auto','dsa:soft']}");
    set_ok(&pair->src, "{'accel-path':[]}");
    assert_value(&pair->src, "accel-path", "[]");
    pair_free(pair);
}

typedef struct Refused {
    const char *path;
    const char *text;
    const char *message;
} Refused;

static const Refused refused[] = {
    { "trigger-threshold/nothing",
      "{'throttle-trigger-threshold':0,'dsa-timeout':7}",
      "Parameter 'throttle_trigger_threshold' expects an integer in the range "
      "of 1 to 100" },
    { "trigger-threshold/too-large",
      "{'throttle-trigger-threshold':101,'dsa-timeout':7}",
      "Parameter 'throttle_trigger_threshold' expects an integer in the range "
      "of 1 to 100" },
    { "throttle-initial/nothing",
      "{'cpu-throttle-initial':0,'dsa-timeout':7}",
      "Parameter 'cpu_throttle_initial' expects an integer in the range of 1 "
      "to 99" },
    { "throttle-initial/too-large",
      "{'cpu-throttle-initial':100,'dsa-timeout':7}",
      "Parameter 'cpu_throttle_initial' expects an integer in the range of 1 "
      "to 99" },
    { "throttle-initial/above-the-maximum",
      "{'cpu-throttle-initial':60,'max-cpu-throttle':59,'dsa-timeout':7}",
      "Parameter 'max_cpu_throttle' expects an integer in the range of "
      "cpu_throttle_initial to 99" },
    { "throttle-increment/nothing",
      "{'cpu-throttle-increment':0,'dsa-timeout':7}",
      "Parameter 'cpu_throttle_increment' expects an integer in the range of 1 "
      "to 99" },
    { "throttle-increment/too-large",
      "{'cpu-throttle-increment':100,'dsa-timeout':7}",
      "Parameter 'cpu_throttle_increment' expects an integer in the range of 1 "
      "to 99" },
    { "max-throttle/below-the-initial",
      "{'max-cpu-throttle':19,'dsa-timeout':7}",
      "Parameter 'max_cpu_throttle' expects an integer in the range of "
      "cpu_throttle_initial to 99" },
    { "max-throttle/too-large", "{'max-cpu-throttle':100,'dsa-timeout':7}",
      "Parameter 'max_cpu_throttle' expects an integer in the range of "
      "cpu_throttle_initial to 99" },
    { "compression/zlib-level", "{'multifd-zlib-level':10,'dsa-timeout':7}",
      "Parameter 'multifd_zlib_level' expects a value between 0 and 9" },
    { "compression/zstd-level", "{'multifd-zstd-level':21,'dsa-timeout':7}",
      "Parameter 'multifd_zstd_level' expects a value between 0 and 20" },
    { "packet-size/nothing", "{'multifd-packet-size':0,'dsa-timeout':7}",
      "Parameter 'multifd-packet-size' is 0, expected a multiple of 4096 from "
      "4096 to 4194304" },
    { "packet-size/no-page", "{'multifd-packet-size':6144,'dsa-timeout':7}",
      "Parameter 'multifd-packet-size' is 6144, expected a multiple of 4096 "
      "from 4096 to 4194304" },
    { "packet-size/too-large",
      "{'multifd-packet-size':4198400,'dsa-timeout':7}",
      "Parameter 'multifd-packet-size' is 4198400, expected a multiple of 4096 "
      "from 4096 to 4194304" },
    { "normal-page-ratio/too-large",
      "{'multifd-normal-page-ratio':101,'dsa-timeout':7}",
      "Parameter 'multifd-normal-page-ratio' is 101, expected 0 to 100" },
    { "timeout/none", "{'dsa-timeout':0}",
      "Parameter 'dsa-timeout' is 0, expected 1 to 60000 milliseconds" },
    { "timeout/too-long", "{'dsa-timeout':60001}",
      "Parameter 'dsa-timeout' is 60001, expected 1 to 60000 milliseconds" },
    { "accel-path/second", "{'accel-path':['dsa:soft','qat:0'],"
      "'dsa-timeout':7}",
      "accel-path 'qat:0': expected dsa:/dev/dsa/wqX.Y, dsa:auto[?node=N] or "
      "dsa:soft[?KEY=VALUE,...]" },
};

/* One thing out of range: nothing of what was given is set. */
static void test_refused(const void *opaque)
{
    const Refused *r = opaque;
    MigrationPair *pair = pair_new();
    Error *err = NULL;

    set_ok(&pair->src, "{'accel-path':['dsa:auto']}");
    g_assert_false(pair_end_set(&pair->src, r->text, &err));
    error_assert_text(err, r->message);
    assert_value(&pair->src, "dsa-timeout", "1000");
    assert_value(&pair->src, "accel-path", "['dsa:auto']");
    pair_free(pair);
}

/* What `migrate` refuses, by its own address or by what was set before. */
static void assert_migrate_refused(MigrationPair *pair, const char *message)
{
    Error *err = NULL;
    MigrationInfo *info;

    g_assert_false(migration_start(pair->src.migration, pair->uri, NULL,
                                   &err));
    error_assert_text(err, message);
    info = migration_query(pair->src.migration);
    g_assert_false(info->has_status);
    qapi_free_MigrationInfo(info);
    pair_free(pair);
}

static void test_dsa_without_multifd(void)
{
    MigrationPair *pair = pair_new();

    set_ok(&pair->src, "{'zero-page-detection':'dsa-accel',"
                       "'accel-path':['dsa:soft']}");
    assert_migrate_refused(pair, "Parameter 'zero-page-detection' is "
                           "'dsa-accel', which works in multifd channels only; "
                           "switch the capability 'multifd' on or choose "
                           "another detection");
}

static void test_dsa_without_queues(void)
{
    MigrationPair *pair = pair_new();

    pair_multifd(pair, 2);
    set_ok(&pair->src, "{'zero-page-detection':'dsa-accel'}");
    assert_migrate_refused(pair, "Parameter 'zero-page-detection' is "
                           "'dsa-accel' and 'accel-path' is empty; name the "
                           "work queues to use, such as \"dsa:auto\"");
}

static void test_packet_size_without_multifd(void)
{
    MigrationPair *pair = pair_new();

    set_ok(&pair->src, "{'multifd-packet-size':8192}");
    assert_migrate_refused(pair, "Parameter 'multifd-packet-size' is 8192 "
                           "without multifd; switch the capability 'multifd' "
                           "on or set it back to 524288");
}

static void test_packet_size_without_configuration(void)
{
    MigrationPair *pair = pair_new();

    pair_multifd(pair, 2);
    set_ok(&pair->src, "{'multifd-packet-size':8192}");
    migration_set_property(pair->src.migration, "send-configuration", "off",
                           NULL);
    assert_migrate_refused(pair, "Parameter 'multifd-packet-size' is 8192, "
                           "which cannot be announced with "
                           "migration.send-configuration=off; set it back to "
                           "524288");
}

static void test_detection_as_a_property(void)
{
    MigrationPair *pair = pair_new();

    g_assert_true(migration_set_property(pair->src.migration,
                                         "zero-page-detection", "dsa-accel",
                                         NULL));
    assert_value(&pair->src, "zero-page-detection", "'dsa-accel'");
    pair_free(pair);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/parameters/defaults", test_defaults);
    g_test_add_func("/parameters/an-empty-change", test_an_empty_change);
    g_test_add_func("/parameters/accel-path-is-emptied",
                    test_accel_path_is_emptied);
    for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
        g_autofree char *path = g_strdup_printf("/parameters/accepted/%s",
                                                accepted[i].path);

        g_test_add_data_func(path, &accepted[i], test_accepted);
    }
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        g_autofree char *path = g_strdup_printf("/parameters/refused/%s",
                                                refused[i].path);

        g_test_add_data_func(path, &refused[i], test_refused);
    }
    g_test_add_func("/parameters/migrate/dsa-without-multifd",
                    test_dsa_without_multifd);
    g_test_add_func("/parameters/migrate/dsa-without-queues",
                    test_dsa_without_queues);
    g_test_add_func("/parameters/migrate/packet-size-without-multifd",
                    test_packet_size_without_multifd);
    g_test_add_func("/parameters/migrate/packet-size-without-configuration",
                    test_packet_size_without_configuration);
    g_test_add_func("/parameters/detection-as-a-property",
                    test_detection_as_a_property);
    return g_test_run();
}
