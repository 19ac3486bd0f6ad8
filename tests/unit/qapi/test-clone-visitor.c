/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A copy equals its source and shares nothing with it.
 */
#include "qemu/osdep.h"

#include "json-text.h"
#include "qapi-visit-widgets.h"
#include "qapi/clone-visitor.h"
#include "qapi/json-visitor.h"

static Widget *widget_from_text(const char *text)
{
    struct json_object *json = json_from_text(text);
    g_autoptr(Visitor) v = json_input_visitor_new(json);
    Widget *widget = NULL;

    json_object_put(json);
    g_assert_true(visit_type_Widget(v, NULL, &widget, NULL));
    return widget;
}

static void widget_assert_text(Widget *widget, const char *text)
{
    struct json_object *json = NULL;
    g_autoptr(Visitor) v = json_output_visitor_new(&json);

    g_assert_true(visit_type_Widget(v, NULL, &widget, NULL));
    visit_complete(v, &json);
    json_assert_text(json, text);
}

static void test_a_copy_outlives_its_source(void)
{
    static const char text[] =
        "{'name':'w','sizes':[1,2],'parts':[{'name':'a'},{'name':'b'}],"
        "'inner':{'name':'i','label':['x']},'label':{'name':'p'},"
        "'extra':{'y':[null]}}";
    Widget *widget = widget_from_text(text);
    g_autoptr(Widget) copy = QAPI_CLONE(Widget, widget);

    widget->parts->value->name[0] = 'z';
    json_object_object_del(widget->extra, "y");
    qapi_free_Widget(widget);
    widget_assert_text(copy, text);
}

static void test_embedded_branches_are_copied(void)
{
    char name[] = "n";
    const Shape shape = { .kind = SHAPE_KIND_UNIX, .u.q_unix.name = name };
    g_autoptr(Shape) copy = QAPI_CLONE(Shape, &shape);

    name[0] = 'm';
    g_assert_cmpstr(copy->u.q_unix.name, ==, "n");
    g_assert_null(copy->id);
}

static void test_nothing_stays_nothing(void)
{
    g_assert_null(QAPI_CLONE(Widget, NULL));
    g_assert_null(QAPI_CLONE(PartList, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/clone-visitor/a-copy-outlives-its-source",
                    test_a_copy_outlives_its_source);
    g_test_add_func("/clone-visitor/embedded-branches-are-copied",
                    test_embedded_branches_are_copied);
    g_test_add_func("/clone-visitor/nothing-stays-nothing",
                    test_nothing_stays_nothing);
    return g_test_run();
}
