/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: what the sink is given.
 */
#include "qemu/osdep.h"

#include "json-text.h"
#include "qapi-emit-events.h"
#include "qapi-events-actions.h"

typedef struct Catch {
    QapiEventSink sink;
    unsigned event_enum;
    const char *name;
    struct json_object *event;
    int nr_events;
} Catch;

static void catch_emit(void *opaque, unsigned event_enum, const char *name,
                       struct json_object *event)
{
    Catch *catch = opaque;

    json_object_put(catch->event);
    catch->event_enum = event_enum;
    catch->name = name;
    catch->event = event;
    catch->nr_events++;
}

static void catch_init(Catch *catch)
{
    *catch = (Catch) { .sink = { catch_emit, catch } };
}

/* Checks the timestamp, takes it out, and compares the rest. */
static void catch_assert(Catch *catch, test_QAPIEvent number, const char *text)
{
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    struct json_object *stamp = json_object_object_get(catch->event,
                                                       "timestamp");
    int64_t seconds = json_object_get_int64(
        json_object_object_get(stamp, "seconds"));
    int64_t us = json_object_get_int64(
        json_object_object_get(stamp, "microseconds"));

    g_assert_cmpint(catch->event_enum, ==, number);
    g_assert_cmpstr(catch->name, ==, test_QAPIEvent_str(number));
    g_assert_cmpint(json_object_object_length(stamp), ==, 2);
    g_assert_true(seconds > now - 3600 && seconds <= now);
    g_assert_true(us >= 0 && us < G_USEC_PER_SEC);
    json_object_object_del(catch->event, "timestamp");
    json_assert_text(g_steal_pointer(&catch->event), text);
}

static void test_an_event_without_data(void)
{
    Catch catch;

    catch_init(&catch);
    qapi_event_send_bare(&catch.sink);
    catch_assert(&catch, TEST_QAPI_EVENT_BARE, "{'event':'BARE'}");
}

static void test_an_event_with_data(void)
{
    char name[] = "p";
    Part part = { .name = name };
    Catch catch;

    catch_init(&catch);
    qapi_event_send_painted(&catch.sink, "n", false, COLOUR_RED, &part);
    catch_assert(&catch, TEST_QAPI_EVENT_PAINTED,
                 "{'event':'PAINTED','data':{'name':'n',"
                 "'part':{'name':'p'}}}");
    qapi_event_send_painted(&catch.sink, "n", true, COLOUR_BLUE, &part);
    catch_assert(&catch, TEST_QAPI_EVENT_PAINTED,
                 "{'event':'PAINTED','data':{'name':'n','colour':'blue',"
                 "'part':{'name':'p'}}}");
}

static void test_an_event_with_a_union(void)
{
    Shape shape = { .kind = SHAPE_KIND_CIRCLE, .u.circle.radius = 3 };
    Catch catch;

    catch_init(&catch);
    qapi_event_send_drawn(&catch.sink, &shape);
    catch_assert(&catch, TEST_QAPI_EVENT_DRAWN,
                 "{'event':'DRAWN','data':{'kind':'circle','radius':3}}");
}

static void test_an_event_without_a_sink(void)
{
    Part part = { 0 };

    qapi_event_send_bare(NULL);
    qapi_event_send_painted(NULL, "n", true, COLOUR_BLUE, &part);
}

static void test_an_event_that_has_no_json(void)
{
    Shape shape = { .kind = SHAPE_KIND__MAX };
    Catch catch;

    catch_init(&catch);
    qapi_event_send_drawn(&catch.sink, &shape);
    g_assert_cmpint(catch.nr_events, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/events/an-event-without-data",
                    test_an_event_without_data);
    g_test_add_func("/events/an-event-with-data", test_an_event_with_data);
    g_test_add_func("/events/an-event-with-a-union",
                    test_an_event_with_a_union);
    g_test_add_func("/events/an-event-without-a-sink",
                    test_an_event_without_a_sink);
    g_test_add_func("/events/an-event-that-has-no-json",
                    test_an_event_that_has_no_json);
    return g_test_run();
}
