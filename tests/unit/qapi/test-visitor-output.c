/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generated types to JSON, and there and back again.
 */
#include "qemu/osdep.h"

#include <math.h>

#include "json-text.h"
#include "qapi-visit-widgets.h"
#include "qapi/json-visitor.h"

#define WRITE(type, obj) ({ \
    struct json_object *json_ = NULL; \
    g_autoptr(Visitor) v_ = json_output_visitor_new(&json_); \
    type *obj_ = (obj); \
    Error *err_ = NULL; \
    g_assert_true(visit_type_ ## type(v_, NULL, &obj_, &err_)); \
    g_assert_null(err_); \
    visit_complete(v_, &json_); \
    json_; \
})

#define ROUND_TRIP(type, text) do { \
    struct json_object *text_json_ = json_from_text(text); \
    g_autoptr(Visitor) in_ = json_input_visitor_new(text_json_); \
    g_autoptr(type) read_ = NULL; \
    json_object_put(text_json_); \
    g_assert_true(visit_type_ ## type(in_, NULL, &read_, NULL)); \
    json_assert_text(WRITE(type, read_), text); \
} while (0)

static void test_there_and_back(void)
{
    ROUND_TRIP(Numbers, "{}");
    ROUND_TRIP(Numbers,
               "{'i':-9223372036854775808,'i8':-128,'i16':-32768,"
               "'i32':-2147483648,'u8':255,'u16':65535,'u32':4294967295,"
               "'u64':18446744073709551615,'bytes':18446744073709551614,"
               "'ratio':148.579,'flag':false}");
    ROUND_TRIP(Widget,
               "{'name':'w','colour':'sea-green','sizes':[],"
               "'register':true,'parts':[{'name':'a'},{'name':''}],"
               "'inner':{'name':'i','label':null},"
               "'label':{'name':'p'},'extra':[null,{'a':'b'}],"
               "'palette':['blue','red']}");
    ROUND_TRIP(Widget, "{'name':'w','label':7,'extra':null}");
    ROUND_TRIP(Widget, "{'name':'w','label':['a','b']}");
    ROUND_TRIP(Shape, "{'kind':'unix','id':'x','name':'n','sizes':[4]}");
    ROUND_TRIP(Shape, "{'kind':'point'}");
    ROUND_TRIP(Drawing, "{'what':'red','kind':'circle','radius':5}");
    ROUND_TRIP(PartList, "[]");
}

static void test_doubles_are_short(void)
{
    Numbers n = { .has_ratio = true, .ratio = 0.1 };

    json_assert_text(WRITE(Numbers, &n), "{'ratio':0.1}");
    n.ratio = 0.1 + 0.2;
    json_assert_text(WRITE(Numbers, &n), "{'ratio':0.30000000000000004}");
    n.ratio = 0;
    json_assert_text(WRITE(Numbers, &n), "{'ratio':0}");
    n.ratio = 1e300;
    json_assert_text(WRITE(Numbers, &n), "{'ratio':1e+300}");
}

static void test_infinity_fails(void)
{
    struct json_object *json = NULL;
    g_autoptr(Visitor) v = json_output_visitor_new(&json);
    Numbers n = { .has_ratio = true, .ratio = HUGE_VAL };
    Numbers *obj = &n;
    Error *err = NULL;

    g_assert_false(visit_type_Numbers(v, NULL, &obj, &err));
    error_assert_text(err, "Value of 'ratio' is not finite, JSON has no form "
                      "of it");
    g_assert_null(json);
}

static void test_a_value_outside_its_enum_fails(void)
{
    struct json_object *json = NULL;
    g_autoptr(Visitor) v = json_output_visitor_new(&json);
    Shape shape = { .kind = SHAPE_KIND__MAX };
    Shape *obj = &shape;
    Error *err = NULL;

    g_assert_false(visit_type_Shape(v, NULL, &obj, &err));
    error_assert_text(err, "Value 3 of 'kind' is not in its enum");
}

static void test_a_missing_string_is_empty(void)
{
    Part part = { 0 };

    json_assert_text(WRITE(Part, &part), "{'name':''}");
}

static void test_bytes_that_are_no_utf8(void)
{
    char name[] = "a\xff" "b";
    Part part = { .name = name };

    json_assert_text(WRITE(Part, &part), "{'name':'a\xef\xbf\xbd" "b'}");
}

static void test_lists_from_macros(void)
{
    strList *list = NULL;
    strList **tail = &list;

    QAPI_LIST_APPEND(tail, g_strdup("b"));
    QAPI_LIST_APPEND(tail, g_strdup("c"));
    QAPI_LIST_PREPEND(list, g_strdup("a"));
    g_assert_cmpuint(QAPI_LIST_LENGTH(list), ==, 3);
    json_assert_text(WRITE(strList, list), "['a','b','c']");
    qapi_free_strList(list);
}

static void test_names_of_enums(void)
{
    Error *err = NULL;

    g_assert_cmpstr(Colour_str(COLOUR_SEA_GREEN), ==, "sea-green");
    g_assert_null(Colour_str((Colour)17));
    g_assert_cmpint(qapi_enum_parse(&Colour_lookup, "blue", -1, NULL), ==,
                    COLOUR_BLUE);
    g_assert_cmpint(qapi_enum_parse(&Colour_lookup, NULL, COLOUR_RED, NULL),
                    ==, COLOUR_RED);
    g_assert_cmpint(qapi_enum_parse(&Colour_lookup, "pink", -1, &err), ==,
                    -1);
    error_assert_text(err, "Invalid parameter 'pink'");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/visitor-output/there-and-back", test_there_and_back);
    g_test_add_func("/visitor-output/doubles-are-short",
                    test_doubles_are_short);
    g_test_add_func("/visitor-output/infinity-fails", test_infinity_fails);
    g_test_add_func("/visitor-output/a-value-outside-its-enum-fails",
                    test_a_value_outside_its_enum_fails);
    g_test_add_func("/visitor-output/a-missing-string-is-empty",
                    test_a_missing_string_is_empty);
    g_test_add_func("/visitor-output/bytes-that-are-no-utf8",
                    test_bytes_that_are_no_utf8);
    g_test_add_func("/visitor-output/lists-from-macros",
                    test_lists_from_macros);
    g_test_add_func("/visitor-output/names-of-enums", test_names_of_enums);
    return g_test_run();
}
