/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON to generated types: what is taken, what is refused and with which
 * words, and that a refusal leaks nothing (which the sanitizer sees).
 *
 * The words are those of QEMU 10.0 for the same mistakes.
 */
#include "qemu/osdep.h"

#include "json-text.h"
#include "qapi-visit-widgets.h"
#include "qapi/json-visitor.h"

/* Reads @text as the type of @obj, which has to succeed. */
#define READ(type, text) ({ \
    struct json_object *json_ = json_from_text(text); \
    g_autoptr(Visitor) v_ = json_input_visitor_new(json_); \
    Error *err_ = NULL; \
    type *obj_ = NULL; \
    json_object_put(json_); \
    g_assert_true(visit_type_ ## type(v_, NULL, &obj_, &err_)); \
    g_assert_null(err_); \
    obj_; \
})

/* Reads @text as @type, which has to fail with @message. */
#define REFUSE(type, text, message) do { \
    struct json_object *json_ = json_from_text(text); \
    g_autoptr(Visitor) v_ = json_input_visitor_new(json_); \
    Error *err_ = NULL; \
    type *obj_ = NULL; \
    json_object_put(json_); \
    g_assert_false(visit_type_ ## type(v_, NULL, &obj_, &err_)); \
    g_assert_null(obj_); \
    error_assert_text(err_, message); \
} while (0)

static void test_integers_at_their_limits(void)
{
    g_autoptr(Numbers) high = READ(Numbers,
        "{'i':9223372036854775807,'i8':127,'i16':32767,'i32':2147483647,"
        "'u8':255,'u16':65535,'u32':4294967295,"
        "'u64':18446744073709551615,'bytes':18446744073709551615}");
    g_autoptr(Numbers) low = READ(Numbers,
        "{'i':-9223372036854775808,'i8':-128,'i16':-32768,"
        "'i32':-2147483648,'u8':0,'u16':0,'u32':0,'u64':0,'bytes':0}");

    g_assert_true(high->has_i && high->i == INT64_MAX);
    g_assert_true(high->has_i8 && high->i8 == INT8_MAX);
    g_assert_true(high->has_i16 && high->i16 == INT16_MAX);
    g_assert_true(high->has_i32 && high->i32 == INT32_MAX);
    g_assert_true(high->has_u8 && high->u8 == UINT8_MAX);
    g_assert_true(high->has_u16 && high->u16 == UINT16_MAX);
    g_assert_true(high->has_u32 && high->u32 == UINT32_MAX);
    g_assert_true(high->has_u64 && high->u64 == UINT64_MAX);
    g_assert_true(high->has_bytes && high->bytes == UINT64_MAX);
    g_assert_true(low->i == INT64_MIN && low->i8 == INT8_MIN);
    g_assert_true(low->i16 == INT16_MIN && low->i32 == INT32_MIN);
    g_assert_true(low->has_u64 && low->u64 == 0);
}

static void test_a_negative_size_wraps(void)
{
    g_autoptr(Numbers) n = READ(Numbers, "{'bytes':-1,'u64':-2}");

    g_assert_cmpuint(n->bytes, ==, UINT64_MAX);
    g_assert_cmpuint(n->u64, ==, UINT64_MAX - 1);
}

static void test_integers_past_their_limits(void)
{
    REFUSE(Numbers, "{'i':9223372036854775808}",
           "Invalid parameter type for 'i', expected: integer");
    REFUSE(Numbers, "{'i8':128}", "Parameter 'i8' expects int8_t");
    REFUSE(Numbers, "{'i8':-129}", "Parameter 'i8' expects int8_t");
    REFUSE(Numbers, "{'i16':32768}", "Parameter 'i16' expects int16_t");
    REFUSE(Numbers, "{'i32':-2147483649}", "Parameter 'i32' expects int32_t");
    REFUSE(Numbers, "{'u8':256}", "Parameter 'u8' expects uint8_t");
    REFUSE(Numbers, "{'u8':-1}", "Parameter 'u8' expects uint8_t");
    REFUSE(Numbers, "{'u16':65536}", "Parameter 'u16' expects uint16_t");
    REFUSE(Numbers, "{'u32':4294967296}", "Parameter 'u32' expects uint32_t");
}

static void test_integers_of_another_type(void)
{
    REFUSE(Numbers, "{'bytes':'5'}", "Parameter 'bytes' expects uint64");
    REFUSE(Numbers, "{'bytes':1.0}", "Parameter 'bytes' expects uint64");
    REFUSE(Numbers, "{'u8':1e1}", "Parameter 'u8' expects uint64");
    REFUSE(Numbers, "{'u64':true}", "Parameter 'u64' expects uint64");
    REFUSE(Numbers, "{'u64':null}", "Parameter 'u64' expects uint64");
    REFUSE(Numbers, "{'i':1.5}",
           "Invalid parameter type for 'i', expected: integer");
    REFUSE(Numbers, "{'i8':[]}",
           "Invalid parameter type for 'i8', expected: integer");
}

static void test_numbers_and_bools(void)
{
    g_autoptr(Numbers) n = READ(Numbers, "{'ratio':0.25,'flag':true}");
    g_autoptr(Numbers) m = READ(Numbers, "{'ratio':-3,'flag':false}");

    g_assert_true(n->has_ratio && n->ratio == 0.25 && n->flag);
    g_assert_true(m->ratio == -3.0 && m->has_flag && !m->flag);
    REFUSE(Numbers, "{'ratio':'1'}",
           "Invalid parameter type for 'ratio', expected: number");
    REFUSE(Numbers, "{'flag':1}",
           "Invalid parameter type for 'flag', expected: boolean");
}

static void test_absent_members(void)
{
    g_autoptr(Widget) widget = READ(Widget, "{'name':'w'}");

    g_assert_cmpstr(widget->name, ==, "w");
    g_assert_false(widget->has_colour);
    g_assert_false(widget->has_parts);
    g_assert_null(widget->inner);
    g_assert_null(widget->label);
    g_assert_cmpstr(qapi_Widget_base(widget)->name, ==, "w");
}

static void test_nested_objects(void)
{
    g_autoptr(Widget) widget = READ(Widget,
        "{'name':'w','colour':'sea-green','sizes':[1,2,3],'register':true,"
        "'parts':[{'name':'a'},{'name':'b','sizes':[]}],"
        "'inner':{'name':'i','inner':{'name':'j'}},'extra':{'x':[1]}}");

    g_assert_cmpint(widget->colour, ==, COLOUR_SEA_GREEN);
    g_assert_true(widget->has_register && widget->q_register);
    g_assert_cmpuint(QAPI_LIST_LENGTH(widget->sizes), ==, 3);
    g_assert_cmpuint(widget->sizes->next->next->value, ==, 3);
    g_assert_cmpuint(QAPI_LIST_LENGTH(widget->parts), ==, 2);
    g_assert_cmpstr(widget->parts->next->value->name, ==, "b");
    g_assert_true(widget->parts->next->value->has_sizes);
    g_assert_null(widget->parts->next->value->sizes);
    g_assert_cmpstr(widget->inner->inner->name, ==, "j");
    g_assert_true(widget->has_extra);
    json_assert_text(json_object_get(widget->extra), "{'x':[1]}");
}

static void test_wrong_members(void)
{
    REFUSE(Widget, "[]",
           "Invalid parameter type for '<anonymous>', expected: object");
    REFUSE(Widget, "{}", "Parameter 'name' is missing");
    REFUSE(Widget, "{'name':7}",
           "Invalid parameter type for 'name', expected: string");
    REFUSE(Widget, "{'name':null}",
           "Invalid parameter type for 'name', expected: string");
    REFUSE(Widget, "{'name':'a\\u0000b'}",
           "Parameter 'name' expects a string without NUL characters");
    REFUSE(Widget, "{'name':'w','x':1}", "Parameter 'x' is unexpected");
    REFUSE(Widget, "{'name':'w','sizes':{}}",
           "Invalid parameter type for 'sizes', expected: array");
    REFUSE(Widget, "{'name':'w','colour':7}",
           "Invalid parameter type for 'colour', expected: string");
    REFUSE(Widget, "{'name':'w','colour':'pink'}",
           "Parameter 'colour' does not accept value 'pink'");
    REFUSE(Widget, "{'name':'w','colour':'ultraviolet'}",
           "Parameter 'colour' does not accept value 'ultraviolet'");
    REFUSE(Widget, "{'name':'w','infrared':1}",
           "Parameter 'infrared' is unexpected");
}

static void test_a_message_names_the_path(void)
{
    REFUSE(Widget, "{'name':'w','parts':[{'name':'a'},{}]}",
           "Parameter 'parts[1].name' is missing");
    REFUSE(Widget, "{'name':'w','parts':[{'name':'a'},7]}",
           "Invalid parameter type for 'parts[1]', expected: object");
    REFUSE(Widget, "{'name':'w','parts':[null]}",
           "Invalid parameter type for 'parts[0]', expected: object");
    REFUSE(Widget, "{'name':'w','parts':[{'name':'a','b':1}]}",
           "Parameter 'parts[0].b' is unexpected");
    REFUSE(Widget, "{'name':'w','inner':{'name':'a','parts':[{'name':1}]}}",
           "Invalid parameter type for 'inner.parts[0].name', "
           "expected: string");
    REFUSE(Widget, "{'name':'w','sizes':[1,70000]}",
           "Parameter 'sizes[1]' expects uint16_t");
}

static void test_branches_of_a_union(void)
{
    g_autoptr(Shape) circle = READ(Shape, "{'radius':3,'kind':'circle'}");
    g_autoptr(Shape) part = READ(Shape,
        "{'kind':'unix','id':'x','name':'n','sizes':[4]}");
    g_autoptr(Shape) point = READ(Shape, "{'kind':'point'}");
    g_autoptr(Drawing) drawing = READ(Drawing,
        "{'what':'red','kind':'circle','radius':5}");
    g_autoptr(Drawing) empty = READ(Drawing, "{'what':'sea-green'}");

    g_assert_cmpuint(circle->u.circle.radius, ==, 3);
    g_assert_cmpstr(part->id, ==, "x");
    g_assert_cmpstr(part->u.q_unix.name, ==, "n");
    g_assert_cmpuint(part->u.q_unix.sizes->value, ==, 4);
    g_assert_cmpint(point->kind, ==, SHAPE_KIND_POINT);
    g_assert_cmpuint(drawing->u.red.u.circle.radius, ==, 5);
    g_assert_cmpint(empty->what, ==, COLOUR_SEA_GREEN);
}

static void test_wrong_branches(void)
{
    REFUSE(Shape, "{'radius':3}", "Parameter 'kind' is missing");
    REFUSE(Shape, "{'kind':'box'}",
           "Parameter 'kind' does not accept value 'box'");
    REFUSE(Shape, "{'kind':'circle'}", "Parameter 'radius' is missing");
    REFUSE(Shape, "{'kind':'point','radius':3}",
           "Parameter 'radius' is unexpected");
    REFUSE(Shape, "{'kind':'unix','name':'n','radius':1}",
           "Parameter 'radius' is unexpected");
}

static void test_each_branch_of_an_alternate(void)
{
    g_autoptr(Widget) w1 = READ(Widget, "{'name':'w','label':'text'}");
    g_autoptr(Widget) w2 = READ(Widget, "{'name':'w','label':null}");
    g_autoptr(Widget) w3 = READ(Widget, "{'name':'w','label':7}");
    g_autoptr(Widget) w4 = READ(Widget,
        "{'name':'w','label':{'name':'p','sizes':[1]}}");
    g_autoptr(Widget) w5 = READ(Widget, "{'name':'w','label':['a','b']}");

    g_assert_cmpstr(w1->label->u.text, ==, "text");
    g_assert_cmpint(w2->label->type, ==, QTYPE_QNULL);
    g_assert_cmpuint(w3->label->u.number, ==, 7);
    g_assert_cmpstr(w4->label->u.part.name, ==, "p");
    g_assert_cmpstr(w5->label->u.many->next->value, ==, "b");
}

static void test_wrong_alternates(void)
{
    REFUSE(Widget, "{'name':'w','label':true}",
           "Invalid parameter type for 'label', expected: Label");
    REFUSE(Widget, "{'name':'w','label':256}",
           "Parameter 'label' expects uint8_t");
    REFUSE(Widget, "{'name':'w','label':{'name':'p','b':1}}",
           "Parameter 'label.b' is unexpected");
    REFUSE(Widget, "{'name':'w','label':['a',1]}",
           "Invalid parameter type for 'label[1]', expected: string");
    REFUSE(Widget, "{'name':'w','inner':{'name':'x','label':{}}}",
           "Parameter 'inner.label.name' is missing");
}

static void test_lists_at_the_root(void)
{
    g_autoptr(ColourList) colours = READ(ColourList, "['red','blue']");
    g_autoptr(PartList) none = READ(PartList, "[]");

    g_assert_cmpint(colours->next->value, ==, COLOUR_BLUE);
    g_assert_null(none);
    REFUSE(ColourList, "['red','pink']",
           "Parameter '[1]' does not accept value 'pink'");
    REFUSE(PartList, "null",
           "Invalid parameter type for '<anonymous>', expected: array");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/visitor-input/integers-at-their-limits",
                    test_integers_at_their_limits);
    g_test_add_func("/visitor-input/a-negative-size-wraps",
                    test_a_negative_size_wraps);
    g_test_add_func("/visitor-input/integers-past-their-limits",
                    test_integers_past_their_limits);
    g_test_add_func("/visitor-input/integers-of-another-type",
                    test_integers_of_another_type);
    g_test_add_func("/visitor-input/numbers-and-bools",
                    test_numbers_and_bools);
    g_test_add_func("/visitor-input/absent-members", test_absent_members);
    g_test_add_func("/visitor-input/nested-objects", test_nested_objects);
    g_test_add_func("/visitor-input/wrong-members", test_wrong_members);
    g_test_add_func("/visitor-input/a-message-names-the-path",
                    test_a_message_names_the_path);
    g_test_add_func("/visitor-input/branches-of-a-union",
                    test_branches_of_a_union);
    g_test_add_func("/visitor-input/wrong-branches", test_wrong_branches);
    g_test_add_func("/visitor-input/each-branch-of-an-alternate",
                    test_each_branch_of_an_alternate);
    g_test_add_func("/visitor-input/wrong-alternates",
                    test_wrong_alternates);
    g_test_add_func("/visitor-input/lists-at-the-root",
                    test_lists_at_the_root);
    return g_test_run();
}
