/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to replies: what a client may send wrongly, with QEMU's words, and
 * how arguments and results pass through the generated marshalling.
 */
#include "qemu/osdep.h"

#include "json-text.h"
#include "qapi-commands-actions.h"
#include "qapi-visit-widgets.h"
#include "qapi/clone-visitor.h"
#include "qapi/dispatch.h"

/* The context of the commands of actions.json. */
struct Workshop {
    int nr_calls;
    bool fail;
    Shape *drawn;
};

Widget *qmp_paint(Workshop *ctx, const char *name, bool has_colour,
                  Colour colour, bool has_parts, PartList *parts,
                  const char *title, Error **errp)
{
    Widget *widget;

    ctx->nr_calls++;
    if (ctx->fail) {
        error_set(errp, ERROR_CLASS_DEVICE_NOT_FOUND, "No brush for %s", name);
        return NULL;
    }
    widget = g_new0(Widget, 1);
    widget->name = g_strdup(title ? title : name);
    widget->has_colour = has_colour;
    widget->colour = colour;
    widget->has_parts = has_parts;
    widget->parts = QAPI_CLONE(PartList, parts);
    return widget;
}

int64_t qmp_count(Workshop *ctx, uint32_t radius, Error **errp)
{
    ctx->nr_calls++;
    return -(int64_t)radius;
}

ShapeList *qmp_draw(Workshop *ctx, Shape *arg, Error **errp)
{
    ShapeList *list = NULL;

    ctx->nr_calls++;
    qapi_free_Shape(ctx->drawn);
    ctx->drawn = QAPI_CLONE(Shape, arg);
    QAPI_LIST_PREPEND(list, QAPI_CLONE(Shape, arg));
    return list;
}

void qmp_old_name(Workshop *ctx, Error **errp)
{
    ctx->nr_calls++;
}

void qmp_vanish(Workshop *ctx, Error **errp)
{
    ctx->nr_calls++;
    if (ctx->fail) {
        error_setg(errp, "Still here");
    }
}

typedef struct Fixture {
    Workshop workshop;
    QmpCommandList *cmds;
} Fixture;

static void fixture_set_up(Fixture *f, gconstpointer opaque)
{
    f->cmds = qmp_command_list_new();
    qmp_register_actions_commands(f->cmds, &f->workshop);
}

static void fixture_tear_down(Fixture *f, gconstpointer opaque)
{
    qapi_free_Shape(f->workshop.drawn);
    qmp_command_list_free(f->cmds);
}

static void assert_reply(Fixture *f, const char *request, const char *reply)
{
    struct json_object *json = json_from_text(request);

    json_assert_text(qmp_dispatch(f->cmds, json), reply);
    json_object_put(json);
}

static void assert_refusal(Fixture *f, const char *request, const char *desc)
{
    struct json_object *json = json_from_text(request);
    struct json_object *reply = qmp_dispatch(f->cmds, json);
    struct json_object *error = json_object_object_get(reply, "error");
    struct json_object *text = json_object_object_get(error, "desc");

    g_assert_cmpint(json_object_object_length(reply), ==, 1);
    g_assert_cmpint(json_object_object_length(error), ==, 2);
    g_assert_cmpstr(json_object_get_string(
                        json_object_object_get(error, "class")), ==,
                    "GenericError");
    g_assert_cmpstr(json_object_get_string(text), ==, desc);
    g_assert_cmpint(f->workshop.nr_calls, ==, 0);
    json_object_put(reply);
    json_object_put(json);
}

static void test_frames_that_are_refused(Fixture *f, gconstpointer opaque)
{
    static const char object[] = "QMP input must be a JSON object";

    assert_refusal(f, "[]", object);
    assert_refusal(f, "'x'", object);
    assert_refusal(f, "null", object);
    assert_refusal(f, "17", object);
    assert_refusal(f, "{}", "QMP input lacks member 'execute'");
    assert_refusal(f, "{'arguments':{}}",
                   "QMP input lacks member 'execute'");
    assert_refusal(f, "{'exec':'old_name'}",
                   "QMP input member 'exec' is unexpected");
    assert_refusal(f, "{'exec-oob':'old_name'}",
                   "QMP input member 'exec-oob' is unexpected");
    assert_refusal(f, "{'execute':'old_name','x':1}",
                   "QMP input member 'x' is unexpected");
    assert_refusal(f, "{'execute':7}",
                   "QMP input member 'execute' must be a string");
    assert_refusal(f, "{'execute':null}",
                   "QMP input member 'execute' must be a string");
    assert_refusal(f, "{'execute':'old_name','arguments':[]}",
                   "QMP input member 'arguments' must be an object");
    assert_refusal(f, "{'execute':'old_name','arguments':null}",
                   "QMP input member 'arguments' must be an object");
}

static void test_unknown_commands(Fixture *f, gconstpointer opaque)
{
    assert_reply(f, "{'execute':'foo'}",
                 "{'error':{'class':'CommandNotFound','desc':"
                 "'The command foo has not been found'}}");
    assert_reply(f, "{'execute':'never'}",
                 "{'error':{'class':'CommandNotFound','desc':"
                 "'The command never has not been found'}}");
    assert_reply(f, "{'execute':'old_name\\u0000'}",
                 "{'error':{'class':'CommandNotFound','desc':"
                 "'The command old_name has not been found'}}");
    qmp_command_list_set_not_found(f->cmds, "Not yet");
    assert_reply(f, "{'execute':'foo'}",
                 "{'error':{'class':'CommandNotFound','desc':'Not yet'}}");
    g_assert_cmpint(f->workshop.nr_calls, ==, 0);
}

static void test_the_id_comes_back(Fixture *f, gconstpointer opaque)
{
    assert_reply(f, "{'execute':'old_name','id':7}",
                 "{'return':{},'id':7}");
    assert_reply(f, "{'id':{'a':[1,'b']},'execute':'old_name'}",
                 "{'return':{},'id':{'a':[1,'b']}}");
    assert_reply(f, "{'execute':'old_name','id':null}",
                 "{'return':{},'id':null}");
    assert_reply(f, "{'execute':'foo','id':'a'}",
                 "{'error':{'class':'CommandNotFound','desc':"
                 "'The command foo has not been found'},'id':'a'}");
}

static void test_arguments_that_are_refused(Fixture *f, gconstpointer opaque)
{
    assert_refusal(f, "{'execute':'old_name','arguments':{'a':1}}",
                   "Parameter 'a' is unexpected");
    assert_refusal(f, "{'execute':'paint'}", "Parameter 'name' is missing");
    assert_refusal(f, "{'execute':'paint','arguments':{'name':'n','b':1}}",
                   "Parameter 'b' is unexpected");
    assert_refusal(f, "{'execute':'paint','arguments':{'name':'n',"
                   "'parts':[{'name':'a'},{'name':'b','sizes':[-1]}]}}",
                   "Parameter 'parts[1].sizes[0]' expects uint16_t");
    assert_refusal(f, "{'execute':'count','arguments':{'radius':true}}",
                   "Parameter 'radius' expects uint64");
    assert_refusal(f, "{'execute':'draw','arguments':{'kind':'box'}}",
                   "Parameter 'kind' does not accept value 'box'");
}

static void test_arguments_and_results(Fixture *f, gconstpointer opaque)
{
    assert_reply(f, "{'execute':'paint','arguments':{'name':'n'}}",
                 "{'return':{'name':'n'}}");
    assert_reply(f, "{'execute':'paint','arguments':{'title':'t',"
                 "'parts':[{'name':'a'}],'colour':'blue','name':'n'}}",
                 "{'return':{'name':'t','colour':'blue',"
                 "'parts':[{'name':'a'}]}}");
    assert_reply(f, "{'execute':'count','arguments':{'radius':4294967295}}",
                 "{'return':-4294967295}");
    assert_reply(f, "{'execute':'draw','arguments':{'kind':'unix',"
                 "'id':'i','name':'n'}}",
                 "{'return':[{'kind':'unix','id':'i','name':'n'}]}");
    g_assert_cmpstr(f->workshop.drawn->u.q_unix.name, ==, "n");
    assert_reply(f, "{'execute':'old_name','arguments':{}}",
                 "{'return':{}}");
    g_assert_cmpint(f->workshop.nr_calls, ==, 5);
}

static void test_a_handler_that_fails(Fixture *f, gconstpointer opaque)
{
    f->workshop.fail = true;
    assert_reply(f, "{'execute':'paint','arguments':{'name':'n'},'id':1}",
                 "{'error':{'class':'DeviceNotFound','desc':"
                 "'No brush for n'},'id':1}");
}

static void test_success_without_a_reply(Fixture *f, gconstpointer opaque)
{
    struct json_object *json = json_from_text("{'execute':'vanish','id':1}");

    g_assert_null(qmp_dispatch(f->cmds, json));
    json_object_put(json);
    g_assert_cmpint(f->workshop.nr_calls, ==, 1);
    f->workshop.fail = true;
    assert_reply(f, "{'execute':'vanish'}",
                 "{'error':{'class':'GenericError','desc':'Still here'}}");
}

static void append_name(const QmpCommand *cmd, void *opaque)
{
    g_string_append_printf(opaque, "%s ", cmd->name);
}

static void test_the_list(Fixture *f, gconstpointer opaque)
{
    g_autoptr(GString) names = g_string_new(NULL);
    const QmpCommand *draw = qmp_find_command(f->cmds, "draw");

    qmp_for_each_command(f->cmds, append_name, names);
    g_assert_cmpstr(names->str, ==, "paint count draw old_name vanish ");
    g_assert_cmpint(draw->options, ==, QCO_ALLOW_OOB);
    g_assert_true(draw->ctx == &f->workshop);
    g_assert_null(qmp_find_command(f->cmds, "by-hand"));
    qmp_register_command(f->cmds, "draw", draw->fn, NULL, QCO_NO_OPTIONS);
    g_assert_null(qmp_find_command(f->cmds, "draw")->ctx);
}

static void add(const char *path, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, fixture_set_up, test, fixture_tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/dispatch/frames-that-are-refused", test_frames_that_are_refused);
    add("/dispatch/unknown-commands", test_unknown_commands);
    add("/dispatch/the-id-comes-back", test_the_id_comes_back);
    add("/dispatch/arguments-that-are-refused",
        test_arguments_that_are_refused);
    add("/dispatch/arguments-and-results", test_arguments_and_results);
    add("/dispatch/a-handler-that-fails", test_a_handler_that_fails);
    add("/dispatch/success-without-a-reply", test_success_without_a_reply);
    add("/dispatch/the-list", test_the_list);
    return g_test_run();
}
