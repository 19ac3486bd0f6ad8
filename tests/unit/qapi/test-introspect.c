/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer of query-qmp-schema: that it is whole, and that what it promises
 * is what QEMU promises.
 *
 * qemu-10.0.2-schema.json is a part of what QEMU 10.0.2 answers: the commands
 * and events which are here too, with all types they use.
 */
#include "qemu/osdep.h"

#include "json-text.h"
#include "qapi-introspect.h"
#include "qapi/dispatch.h"
#include "qapi/qapi-types-introspect.h"

/* Members and values that QEMU does not have. */
static const char *const extensions[] = {
    "zero-pages", "zero-bytes", "zero-page-detector",
    "accel-path", "multifd-packet-size", "multifd-normal-page-ratio",
    "dsa-completion", "dsa-adaptive", "dsa-timeout", "dsa-accel",
    "qpl",
    /* QEMU calls it authz-listfile, and then does not know it. */
    "authz-list-file", NULL,
};

static const char *text_of(struct json_object *entity, const char *key)
{
    return json_object_get_string(json_object_object_get(entity, key));
}

/* Entities by name; the array keeps them. */
static GHashTable *index_entities(struct json_object *schema)
{
    GHashTable *by_name = g_hash_table_new(g_str_hash, g_str_equal);

    for (size_t i = 0; i < json_object_array_length(schema); i++) {
        struct json_object *entity = json_object_array_get_idx(schema, i);
        char *name = (char *)text_of(entity, "name");

        g_assert_true(g_hash_table_insert(by_name, name, entity));
    }
    return by_name;
}

static struct json_object *query_schema(void)
{
    g_autoptr(QmpCommandList) cmds = qmp_command_list_new();
    struct json_object *request = json_from_text(
        "{'execute':'query-qmp-schema'}");
    struct json_object *reply, *schema;

    qmp_register_introspection(cmds);
    reply = qmp_dispatch(cmds, request);
    schema = json_object_get(json_object_object_get(reply, "return"));
    g_assert_nonnull(schema);
    json_object_put(reply);
    json_object_put(request);
    return schema;
}

static struct json_object *parse_table(const char *const *table)
{
    struct json_object *schema = json_object_new_array();

    for (; *table; table++) {
        struct json_object *entity = json_tokener_parse(*table);

        g_assert_nonnull(entity);
        json_object_array_add(schema, entity);
    }
    return schema;
}

static void assert_ref(GHashTable *by_name, struct json_object *holder,
                       const char *key)
{
    const char *name = text_of(holder, key);
    struct json_object *target;
    SchemaMetaType meta;

    g_assert_nonnull(name);
    target = g_hash_table_lookup(by_name, name);
    g_assert_nonnull(target);
    meta = qapi_enum_parse(&SchemaMetaType_lookup,
                           text_of(target, "meta-type"), -1, NULL);
    g_assert_true(meta != SCHEMA_META_TYPE_COMMAND &&
                  meta != SCHEMA_META_TYPE_EVENT);
}

static void assert_refs(GHashTable *by_name, struct json_object *entity,
                        const char *list_key)
{
    struct json_object *list = json_object_object_get(entity, list_key);

    g_assert_true(json_object_is_type(list, json_type_array));
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        assert_ref(by_name, json_object_array_get_idx(list, i), "type");
    }
}

static void assert_entity_is_whole(GHashTable *by_name,
                                   struct json_object *entity)
{
    int meta = qapi_enum_parse(&SchemaMetaType_lookup,
                               text_of(entity, "meta-type"), -1, NULL);

    switch (meta) {
    case SCHEMA_META_TYPE_BUILTIN:
        g_assert_cmpint(qapi_enum_parse(&JSONType_lookup,
                                        text_of(entity, "json-type"), -1,
                                        NULL), >=, 0);
        break;
    case SCHEMA_META_TYPE_ENUM:
        g_assert_cmpuint(
            json_object_array_length(json_object_object_get(entity,
                                                            "members")), ==,
            json_object_array_length(json_object_object_get(entity,
                                                            "values")));
        break;
    case SCHEMA_META_TYPE_ARRAY:
        assert_ref(by_name, entity, "element-type");
        break;
    case SCHEMA_META_TYPE_OBJECT:
        assert_refs(by_name, entity, "members");
        if (text_of(entity, "tag")) {
            assert_refs(by_name, entity, "variants");
        }
        break;
    case SCHEMA_META_TYPE_ALTERNATE:
        assert_refs(by_name, entity, "members");
        break;
    case SCHEMA_META_TYPE_COMMAND:
        assert_ref(by_name, entity, "arg-type");
        assert_ref(by_name, entity, "ret-type");
        break;
    case SCHEMA_META_TYPE_EVENT:
        assert_ref(by_name, entity, "arg-type");
        break;
    default:
        g_assert_not_reached();
    }
}

static void assert_whole(struct json_object *schema)
{
    g_autoptr(GHashTable) by_name = index_entities(schema);

    g_assert_cmpuint(g_hash_table_size(by_name), >, 20);
    for (size_t i = 0; i < json_object_array_length(schema); i++) {
        assert_entity_is_whole(by_name, json_object_array_get_idx(schema, i));
    }
}

static void test_every_reference_resolves(void)
{
    struct json_object *schema = query_schema();

    assert_whole(schema);
    json_object_put(schema);
}

static void test_a_schema_with_everything(void)
{
    struct json_object *schema = parse_table(test_qapi_schema_json);
    g_autoptr(GHashTable) by_name = index_entities(schema);
    struct json_object *paint = g_hash_table_lookup(by_name, "paint");
    struct json_object *widget = g_hash_table_lookup(
        by_name, text_of(paint, "ret-type"));
    struct json_object *draw = g_hash_table_lookup(by_name, "draw");
    struct json_object *shape = g_hash_table_lookup(
        by_name, text_of(draw, "arg-type"));

    assert_whole(schema);
    g_assert_null(g_hash_table_lookup(by_name, "never"));
    g_assert_nonnull(g_hash_table_lookup(by_name, "by-hand"));
    g_assert_cmpstr(text_of(widget, "features"), ==, "[ \"shiny\" ]");
    g_assert_cmpstr(text_of(draw, "allow-oob"), ==, "true");
    g_assert_null(text_of(paint, "allow-oob"));
    g_assert_cmpstr(text_of(shape, "tag"), ==, "kind");
    /* A value without a branch has one of its own, an empty object. */
    g_assert_cmpuint(json_object_array_length(
                         json_object_object_get(shape, "variants")), ==, 3);
    json_object_put(schema);
}

static void test_arguments_are_refused(void)
{
    g_autoptr(QmpCommandList) cmds = qmp_command_list_new();
    struct json_object *request = json_from_text(
        "{'execute':'query-qmp-schema','arguments':{'x':1}}");
    struct json_object *reply;

    qmp_register_introspection(cmds);
    reply = qmp_dispatch(cmds, request);
    g_assert_cmpstr(text_of(json_object_object_get(reply, "error"), "desc"),
                    ==, "Parameter 'x' is unexpected");
    json_object_put(reply);
    json_object_put(request);
}

/* Two schemas side by side. */
typedef struct Comparison {
    GHashTable *ours;
    GHashTable *theirs;
} Comparison;

static void compare_types(Comparison *c, const char *our_name,
                          const char *their_name, const char *path);

static struct json_object *find_named(struct json_object *list,
                                      const char *key, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);

        if (!g_strcmp0(text_of(item, key), name)) {
            return item;
        }
    }
    return NULL;
}

/* Ours are some of theirs, in their order. */
static void compare_enums(struct json_object *ours, struct json_object *theirs,
                          const char *path)
{
    struct json_object *our_list = json_object_object_get(ours, "members");
    struct json_object *their_list = json_object_object_get(theirs,
                                                            "members");
    size_t next = 0;

    for (size_t i = 0; i < json_object_array_length(our_list); i++) {
        const char *name = text_of(json_object_array_get_idx(our_list, i),
                                   "name");

        if (g_strv_contains(extensions, name)) {
            g_assert_null(find_named(their_list, "name", name));
            continue;
        }
        while (next < json_object_array_length(their_list) &&
               strcmp(name, text_of(json_object_array_get_idx(their_list,
                                                              next),
                                    "name"))) {
            next++;
        }
        if (next == json_object_array_length(their_list)) {
            g_test_message("%s: value %s", path, name);
        }
        g_assert_cmpuint(next, <, json_object_array_length(their_list));
    }
}

static void compare_members(Comparison *c, struct json_object *ours,
                            struct json_object *theirs, const char *path)
{
    struct json_object *our_list = json_object_object_get(ours, "members");
    struct json_object *their_list = json_object_object_get(theirs,
                                                            "members");

    for (size_t i = 0; i < json_object_array_length(our_list); i++) {
        struct json_object *member = json_object_array_get_idx(our_list, i);
        const char *name = text_of(member, "name");
        struct json_object *twin = find_named(their_list, "name", name);
        g_autofree char *deeper = g_strdup_printf("%s.%s", path, name);

        if (g_strv_contains(extensions, name)) {
            g_assert_null(twin);
            continue;
        }
        g_test_message("%s", deeper);
        g_assert_nonnull(twin);
        g_assert_cmpint(json_object_object_get_ex(member, "default", NULL),
                        ==, json_object_object_get_ex(twin, "default", NULL));
        compare_types(c, text_of(member, "type"), text_of(twin, "type"),
                      deeper);
    }
    for (size_t i = 0; i < json_object_array_length(their_list); i++) {
        struct json_object *member = json_object_array_get_idx(their_list, i);

        /* What a client of QEMU must send, or may rely on. */
        if (!json_object_object_get_ex(member, "default", NULL)) {
            g_test_message("%s.%s", path, text_of(member, "name"));
            g_assert_nonnull(find_named(our_list, "name",
                                        text_of(member, "name")));
        }
    }
}

static void compare_variants(Comparison *c, struct json_object *ours,
                             struct json_object *theirs, const char *path)
{
    struct json_object *our_list = json_object_object_get(ours, "variants");
    struct json_object *their_list = json_object_object_get(theirs,
                                                            "variants");

    g_assert_cmpstr(text_of(ours, "tag"), ==, text_of(theirs, "tag"));
    for (size_t i = 0; our_list && i < json_object_array_length(our_list);
         i++) {
        struct json_object *variant = json_object_array_get_idx(our_list, i);
        struct json_object *twin = find_named(their_list, "case",
                                              text_of(variant, "case"));
        g_autofree char *deeper = g_strdup_printf("%s(%s)", path,
                                                  text_of(variant, "case"));

        if (g_strv_contains(extensions, text_of(variant, "case"))) {
            g_assert_null(twin);
            continue;
        }
        g_assert_nonnull(twin);
        compare_types(c, text_of(variant, "type"), text_of(twin, "type"),
                      deeper);
    }
}

/*
 * Ours may stand where QEMU 10.0 has one of its branches: text that may be null
 * when it is set, and never is when it is told.  Newer ones have it there, too.
 */
static void compare_alternates(Comparison *c, struct json_object *ours,
                               const char *their_name,
                               struct json_object *theirs)
{
    struct json_object *our_list = json_object_object_get(ours, "members");
    struct json_object *their_list = json_object_object_get(theirs,
                                                            "members");

    if (!their_list) {
        g_assert_nonnull(find_named(our_list, "type", their_name));
        return;
    }
    g_assert_cmpuint(json_object_array_length(our_list), ==,
                     json_object_array_length(their_list));
    for (size_t i = 0; i < json_object_array_length(our_list); i++) {
        g_assert_nonnull(find_named(
            their_list, "type",
            text_of(json_object_array_get_idx(our_list, i), "type")));
    }
}

static void compare_types(Comparison *c, const char *our_name,
                          const char *their_name, const char *path)
{
    struct json_object *ours = g_hash_table_lookup(c->ours, our_name);
    struct json_object *theirs = g_hash_table_lookup(c->theirs, their_name);
    const char *meta = text_of(ours, "meta-type");

    if (!strcmp(meta, "alternate")) {
        compare_alternates(c, ours, their_name, theirs);
        return;
    }
    g_assert_cmpstr(meta, ==, text_of(theirs, "meta-type"));
    if (!strcmp(meta, "builtin")) {
        g_assert_cmpstr(our_name, ==, their_name);
    } else if (!strcmp(meta, "array")) {
        g_autofree char *deeper = g_strdup_printf("%s[]", path);

        compare_types(c, text_of(ours, "element-type"),
                      text_of(theirs, "element-type"), deeper);
    } else if (!strcmp(meta, "enum")) {
        compare_enums(ours, theirs, path);
    } else {
        g_assert_cmpstr(meta, ==, "object");
        compare_members(c, ours, theirs, path);
        compare_variants(c, ours, theirs, path);
    }
}

static void compare_entities(Comparison *c, struct json_object *ours)
{
    const char *name = text_of(ours, "name");
    const char *meta = text_of(ours, "meta-type");
    struct json_object *theirs = g_hash_table_lookup(c->theirs, name);

    if (!strcmp(meta, "command")) {
        g_assert_nonnull(theirs);
        compare_types(c, text_of(ours, "arg-type"),
                      text_of(theirs, "arg-type"), name);
        compare_types(c, text_of(ours, "ret-type"),
                      text_of(theirs, "ret-type"), name);
    } else if (!strcmp(meta, "event")) {
        g_assert_nonnull(theirs);
        compare_types(c, text_of(ours, "arg-type"),
                      text_of(theirs, "arg-type"), name);
    }
}

static void test_all_is_as_in_qemu(void)
{
    g_autofree char *path = g_test_build_filename(
        G_TEST_DIST, "qemu-10.0.2-schema.json", NULL);
    struct json_object *theirs = json_object_from_file(path);
    struct json_object *ours = query_schema();
    g_autoptr(GHashTable) our_names = index_entities(ours);
    g_autoptr(GHashTable) their_names = NULL;
    Comparison c;

    g_assert_nonnull(theirs);
    their_names = index_entities(theirs);
    c = (Comparison) { our_names, their_names };
    for (size_t i = 0; i < json_object_array_length(ours); i++) {
        compare_entities(&c, json_object_array_get_idx(ours, i));
    }
    json_object_put(ours);
    json_object_put(theirs);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/introspect/every-reference-resolves",
                    test_every_reference_resolves);
    g_test_add_func("/introspect/a-schema-with-everything",
                    test_a_schema_with_everything);
    g_test_add_func("/introspect/arguments-are-refused",
                    test_arguments_are_refused);
    g_test_add_func("/introspect/all-is-as-in-qemu", test_all_is_as_in_qemu);
    return g_test_run();
}
