/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the command line to generated types.
 */
#include "qemu/osdep.h"

#include "json-text.h"
#include "qapi-visit-widgets.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-qom.h"
#include "qemu/keyval.h"

static void assert_object(const char *text, const char *expected)
{
    g_autoptr(KeyvalList) list = keyval_parse(text, NULL, NULL, NULL);
    Error *err = NULL;
    struct json_object *object = qapi_keyval_to_object(list, &err);

    g_assert_null(err);
    json_assert_text(object, expected);
}

static void assert_no_object(const char *text, const char *message)
{
    g_autoptr(KeyvalList) list = keyval_parse(text, NULL, NULL, NULL);
    Error *err = NULL;

    g_assert_null(qapi_keyval_to_object(list, &err));
    error_assert_text(err, message);
}

#define READ(type, text, implied) ({ \
    Error *err_ = NULL; \
    g_autoptr(Visitor) v_ = json_input_visitor_new_str(text, implied, \
                                                       &err_); \
    type *obj_ = NULL; \
    g_assert_null(err_); \
    g_assert_true(visit_type_ ## type(v_, NULL, &obj_, &err_)); \
    g_assert_null(err_); \
    obj_; \
})

#define REFUSE(type, text, message) do { \
    Error *err_ = NULL; \
    g_autoptr(Visitor) v_ = json_input_visitor_new_str(text, "qom-type", \
                                                       &err_); \
    type *obj_ = NULL; \
    g_assert_null(err_); \
    g_assert_false(visit_type_ ## type(v_, NULL, &obj_, &err_)); \
    g_assert_null(obj_); \
    error_assert_text(err_, message); \
} while (0)

static void test_dots_nest(void)
{
    assert_object("", "{}");
    assert_object("a=1,b=", "{'a':'1','b':''}");
    assert_object("a=1,a=2", "{'a':'2'}");
    assert_object("a.b.c=1,a.d=2", "{'a':{'b':{'c':'1'},'d':'2'}}");
}

static void test_numbers_make_lists(void)
{
    assert_object("a.0=x,a.1=y", "{'a':['x','y']}");
    assert_object("a.1=y,a.0=x", "{'a':['x','y']}");
    assert_object("a.00=x", "{'a':{'00':'x'}}");
    assert_object("a.0.b=x,a.1.b.0=y", "{'a':[{'b':'x'},{'b':['y']}]}");
}

static void test_keys_that_clash(void)
{
    assert_no_object("a=1,a.b=2",
                     "Parameters 'a' and 'a.*' can't be given together");
    assert_no_object("x.a.b=2,x.a=1",
                     "Parameters 'x.a' and 'x.a.*' can't be given together");
    assert_no_object("a.0=1,a.b=2",
                     "Parameters 'a.*' are used inconsistently: some are "
                     "numbers, some are names");
    assert_no_object("a.0=1,a.2=2", "Parameter 'a.1' is missing");
    assert_no_object("x.a.1=1", "Parameter 'x.a.0' is missing");
}

static void test_a_memory_backend(void)
{
    g_autoptr(ObjectOptions) ram = READ(ObjectOptions,
        "memory-backend-ram,id=m,size=1.5M,share=on,prealloc=off",
        "qom-type");
    g_autoptr(ObjectOptions) memfd = READ(ObjectOptions,
        "qom-type=memory-backend-memfd,id=m,size=0x200000,hugetlb=yes,"
        "hugetlbsize=2M", NULL);
    g_autoptr(ObjectOptions) file = READ(ObjectOptions,
        "memory-backend-file,id=m,size=4096,mem-path=/dev/a,,b", "qom-type");

    g_assert_cmpint(ram->qom_type, ==, OBJECT_TYPE_MEMORY_BACKEND_RAM);
    g_assert_cmpstr(ram->id, ==, "m");
    g_assert_cmpuint(ram->u.memory_backend_ram.size, ==, 3 << 19);
    g_assert_true(ram->u.memory_backend_ram.share);
    g_assert_true(ram->u.memory_backend_ram.has_prealloc);
    g_assert_false(ram->u.memory_backend_ram.prealloc);
    g_assert_cmpuint(memfd->u.memory_backend_memfd.size, ==, 2 << 20);
    g_assert_true(memfd->u.memory_backend_memfd.hugetlb);
    g_assert_cmpuint(memfd->u.memory_backend_memfd.hugetlbsize, ==, 2 << 20);
    g_assert_cmpstr(file->u.memory_backend_file.mem_path, ==, "/dev/a,b");
}

static void test_a_memory_backend_as_json(void)
{
    g_autoptr(ObjectOptions) ram = READ(ObjectOptions,
        "{\"qom-type\":\"memory-backend-ram\",\"id\":\"m\",\"size\":4096}",
        "qom-type");

    g_assert_cmpuint(ram->u.memory_backend_ram.size, ==, 4096);
    REFUSE(ObjectOptions,
           "{\"qom-type\":\"memory-backend-ram\",\"id\":\"m\","
           "\"size\":\"4K\"}", "Parameter 'size' expects uint64");
}

static void test_a_wrong_memory_backend(void)
{
    REFUSE(ObjectOptions, "memory-backend-foo,id=m",
           "Parameter 'qom-type' does not accept value 'memory-backend-foo'");
    REFUSE(ObjectOptions, "id=m", "Parameter 'qom-type' is missing");
    REFUSE(ObjectOptions, "memory-backend-ram,size=1M",
           "Parameter 'id' is missing");
    REFUSE(ObjectOptions, "memory-backend-ram,id=m",
           "Parameter 'size' is missing");
    REFUSE(ObjectOptions, "memory-backend-ram,id=m,size=7q",
           "Parameter 'size' expects a size value");
    REFUSE(ObjectOptions, "memory-backend-ram,id=m,size=-1",
           "Parameter 'size' expects a size value");
    REFUSE(ObjectOptions, "memory-backend-ram,id=m,size=",
           "Parameter 'size' expects a size value");
    REFUSE(ObjectOptions, "memory-backend-ram,id=m,size=99999999999999999999",
           "Parameter 'size' expects a size value");
    REFUSE(ObjectOptions, "memory-backend-ram,id=m,size=1M,share=maybe",
           "Parameter 'share' expects 'on' or 'off'");
    REFUSE(ObjectOptions, "memory-backend-ram,id=m,size=1M,mem-path=x",
           "Parameter 'mem-path' is unexpected");
    REFUSE(ObjectOptions, "memory-backend-ram,id=m,size.a=1M",
           "Invalid parameter type for 'size', expected: string");
}

static void test_scalars_from_text(void)
{
    g_autoptr(Numbers) n = READ(Numbers,
        "i=-0x10,i8=-128,u8=255,u64=18446744073709551615,bytes=4K,"
        "ratio=0.5,flag=off", NULL);

    g_assert_cmpint(n->i, ==, -16);
    g_assert_cmpint(n->i8, ==, -128);
    g_assert_cmpuint(n->u8, ==, 255);
    g_assert_cmpuint(n->u64, ==, UINT64_MAX);
    g_assert_cmpuint(n->bytes, ==, 4096);
    g_assert_true(n->ratio == 0.5 && n->has_flag && !n->flag);
    REFUSE(Numbers, "i=1k", "Parameter 'i' expects an integer");
    REFUSE(Numbers, "i8=128", "Parameter 'i8' expects int8_t");
    REFUSE(Numbers, "u8=256", "Parameter 'u8' expects uint8_t");
    REFUSE(Numbers, "u64=x", "Parameter 'u64' expects a uint64 value");
    REFUSE(Numbers, "ratio=x", "Parameter 'ratio' expects a number");
}

static void test_lists_and_objects_from_text(void)
{
    g_autoptr(Widget) w = READ(Widget,
        "name=w,parts.0.name=a,parts.1.name=b,parts.1.sizes.0=7,"
        "inner.name=i,inner.colour=blue", NULL);

    g_assert_cmpstr(w->parts->next->value->name, ==, "b");
    g_assert_cmpuint(w->parts->next->value->sizes->value, ==, 7);
    g_assert_cmpint(w->inner->colour, ==, COLOUR_BLUE);
    REFUSE(Widget, "name=w,parts.0.name=a,parts.1.sizes.0=x",
           "Parameter 'parts[1].name' is missing");
}

static void test_text_that_is_no_json(void)
{
    Error *err = NULL;

    g_assert_null(json_input_visitor_new_str("{\"a\":1", NULL, &err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "JSON parse error"));
    g_clear_pointer(&err, error_free);
    g_assert_null(json_input_visitor_new_str("{} x", NULL, &err));
    g_assert_nonnull(err);
    g_clear_pointer(&err, error_free);
    g_assert_null(json_input_visitor_new_str("a=1,=2", NULL, &err));
    g_assert_nonnull(err);
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keyval-object/dots-nest", test_dots_nest);
    g_test_add_func("/keyval-object/numbers-make-lists",
                    test_numbers_make_lists);
    g_test_add_func("/keyval-object/keys-that-clash", test_keys_that_clash);
    g_test_add_func("/keyval-object/a-memory-backend", test_a_memory_backend);
    g_test_add_func("/keyval-object/a-memory-backend-as-json",
                    test_a_memory_backend_as_json);
    g_test_add_func("/keyval-object/a-wrong-memory-backend",
                    test_a_wrong_memory_backend);
    g_test_add_func("/keyval-object/scalars-from-text",
                    test_scalars_from_text);
    g_test_add_func("/keyval-object/lists-and-objects-from-text",
                    test_lists_and_objects_from_text);
    g_test_add_func("/keyval-object/text-that-is-no-json",
                    test_text_that_is_no_json);
    return g_test_run();
}
