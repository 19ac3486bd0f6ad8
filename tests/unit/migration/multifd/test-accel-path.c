/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/multifd/accel-path.c: both notations of `accel-path`.
 */
#include "qemu/osdep.h"
#include "migration/multifd/accel-path.h"
#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-migration.h"
#include "qemu/dsa-soft.h"
#include "tests/unit/qapi/json-text.h"

static char *to_str(const char *text, Error **errp)
{
    struct json_object *json = json_from_text(text);
    g_autoptr(Visitor) v = json_input_visitor_new(json);
    g_autoptr(AccelPath) path = NULL;

    json_object_put(json);
    return visit_type_AccelPath(v, NULL, &path, errp)
           ? accel_path_to_str(path, errp) : NULL;
}

/* An entry in both notations. */
static const struct Notations {
    const char *name;
    const char *object;
    const char *text;
} notations[] = {
    { "device", "{'kind':'dsa-device','path':'/dev/dsa/wq3.1'}",
      "dsa:/dev/dsa/wq3.1" },
    { "auto", "{'kind':'dsa-auto'}", "dsa:auto" },
    { "auto/node", "{'kind':'dsa-auto','node':0}", "dsa:auto?node=0" },
    { "soft", "{'kind':'dsa-soft'}", "dsa:soft" },
    { "soft/switches",
      "{'kind':'dsa-soft','block-on-fault':true,'portal':false}",
      "dsa:soft?block-on-fault=on,portal=off" },
    { "soft/words",
      "{'kind':'dsa-soft','full':'forever','mode':'dedicated',"
      "'profile':'dsa2'}",
      "dsa:soft?profile=dsa2,mode=dedicated,full=forever" },
    { "soft/numbers",
      "{'kind':'dsa-soft','numa-node':-1,'timing':true,"
      "'bandwidth':30000000000,'max-transfer-size':4096}",
      "dsa:soft?max-transfer-size=4096,numa-node=-1,timing=on,"
      "bandwidth=30000000000" },
    { "soft/hexadecimal",
      "{'kind':'dsa-soft','status':26,'status-every':10}",
      "dsa:soft?status-every=10,status=0x1a" },
};

static void test_both_say_the_same(const void *opaque)
{
    const struct Notations *n = opaque;
    g_autofree char *quoted = g_strdup_printf("'%s'", n->text);
    Error *err = NULL;
    g_autofree char *of_object = to_str(n->object, &err);
    g_autofree char *of_text = NULL;

    g_assert_null(err);
    of_text = to_str(quoted, &err);
    g_assert_null(err);
    g_assert_cmpstr(of_object, ==, n->text);
    g_assert_cmpstr(of_text, ==, n->text);
}

static const struct Mistake {
    const char *name;
    const char *json;
    const char *message;
} mistakes[] = {
    { "a-comma", "{'kind':'dsa-soft','profile':'spr,stuck-after=1'}",
      "Member 'profile' of 'accel-path' is \"spr,stuck-after=1\", which must "
      "not have a comma" },
    { "no-device", "{'kind':'dsa-device','path':'soft'}",
      "Member 'path' of 'accel-path' is \"soft\", expected the whole path of a "
      "character device, such as \"/dev/dsa/wq0.0\"" },
    { "no-queue", "{'kind':'dsa-device','path':'/dev/null'}",
      "accel-path 'dsa:/dev/null': 'null' is not the name of a DSA work queue, "
      "such as wq0.0" },
    { "no-node", "'dsa:auto?node=x'",
      "accel-path 'dsa:auto?node=x': node 'x' is not a number from 0 to "
      "1023" },
    { "no-option", "'dsa:soft?speed=1'",
      "accel-path 'dsa:soft?speed=1': dsa:soft: there is no option "
      "\"speed\"" },
    { "no-member", "{'kind':'dsa-soft','speed':1}",
      "Parameter 'speed' is unexpected" },
    { "no-value", "{'kind':'dsa-soft','size':0}",
      "accel-path 'dsa:soft?size=0': dsa:soft: option size cannot be \"0\"; "
      "give 1..1024" },
    { "too-large", "{'kind':'dsa-soft','bandwidth':18446744073709551615}",
      "accel-path 'dsa:soft?bandwidth=18446744073709551615': dsa:soft: option "
      "bandwidth cannot be \"18446744073709551615\"; give 1M..1P" },
    { "nothing", "''",
      "accel-path '': expected dsa:/dev/dsa/wqX.Y, dsa:auto[?node=N] or "
      "dsa:soft[?KEY=VALUE,...]" },
};

static void test_refused(const void *opaque)
{
    const struct Mistake *m = opaque;
    Error *err = NULL;

    g_assert_null(to_str(m->json, &err));
    error_assert_text(err, m->message);
}

/* Each option of the software device once, as the schema has it. */
static const char all_members[] =
    "{'kind':'dsa-soft','profile':'spr','mode':'shared','size':1,"
    "'threshold':1,'max-batch-size':1,'max-transfer-size':1,"
    "'block-on-fault':true,'engines':1,'portal':true,'state':'enabled',"
    "'type':'user','opcodes':'7f','numa-node':1,'shuffle':1,'inexact':32,"
    "'timing':true,'latency-ns':1,'descriptor-ns':1,'bandwidth':1048576,"
    "'submit-ns':1,'batch-ns':1,'fault-us':1,'faults-from':'open',"
    "'full':'1','fault-every':1,'fault-at':1,'fault-write':true,"
    "'fault-refused':true,'list-fault-every':1,'lose-every':1,"
    "'status-every':1,'status':1,'batch-status-every':1,'batch-status':1,"
    "'batch-flag-every':1,'stuck-after':'1','halt-after':'1','slow-us':1}";

/* The schema refuses a member that it does not know, the library an option. */
static void test_structure_has_all_options(void)
{
    Error *err = NULL;
    g_autofree char *text = to_str(all_members, &err);
    g_auto(GStrv) pair = NULL;
    size_t nr;
    const DsaSoftOption *option = dsa_soft_options(&nr);

    g_assert_null(err);
    pair = g_strsplit(strchr(text, '?') + 1, ",", -1);
    g_assert_cmpuint(g_strv_length(pair), ==, nr);
    for (size_t i = 0; i < nr; i++) {
        g_autofree char *key = g_strdup_printf("%s=", option[i].name);
        unsigned found = 0;

        for (size_t j = 0; j < nr; j++) {
            found += g_str_has_prefix(pair[j], key);
        }
        g_test_message("%s", key);
        g_assert_cmpuint(found, ==, 1);
    }
}

static void test_list_and_back(void)
{
    AccelPath path[2] = {
        { .type = QTYPE_QSTRING, .u.text = (char *)"dsa:auto" },
        { .type = QTYPE_QDICT,
          .u.queues.kind = ACCEL_QUEUE_TYPE_DSA_SOFT },
    };
    AccelPathList second = { .value = &path[1] };
    AccelPathList first = { .next = &second, .value = &path[0] };
    g_auto(GStrv) strv = accel_path_list_to_strv(&first, NULL);
    g_autoptr(AccelPathList) back = NULL;

    g_assert_cmpuint(g_strv_length(strv), ==, 2);
    back = accel_path_list_from_strv(strv);
    g_assert_cmpint(back->value->type, ==, QTYPE_QSTRING);
    g_assert_cmpstr(back->value->u.text, ==, "dsa:auto");
    g_assert_cmpstr(back->next->value->u.text, ==, "dsa:soft");
    g_assert_null(back->next->next);
}

static void test_empty_list(void)
{
    g_auto(GStrv) strv = accel_path_list_to_strv(NULL, NULL);

    g_assert_nonnull(strv);
    g_assert_null(strv[0]);
    g_assert_null(accel_path_list_from_strv(strv));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(notations); i++) {
        g_autofree char *path = g_strdup_printf("/accel-path/same/%s",
                                                notations[i].name);

        g_test_add_data_func(path, &notations[i], test_both_say_the_same);
    }
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        g_autofree char *path = g_strdup_printf("/accel-path/refused/%s",
                                                mistakes[i].name);

        g_test_add_data_func(path, &mistakes[i], test_refused);
    }
    g_test_add_func("/accel-path/structure-has-all-options",
                    test_structure_has_all_options);
    g_test_add_func("/accel-path/list-and-back", test_list_and_back);
    g_test_add_func("/accel-path/empty-list", test_empty_list);
    return g_test_run();
}
