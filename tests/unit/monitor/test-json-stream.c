/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON out of a byte stream: how input may be cut, what is refused, and how
 * the stream goes on after that.
 */
#include "qemu/osdep.h"

#include <json-c/json.h>

#include "monitor/json-stream.h"
#include "qapi/error.h"

#define MAX_BYTES 200
#define MAX_DEPTH 8

static JsonStream *stream_new(void)
{
    return json_stream_new(MAX_BYTES, MAX_DEPTH);
}

static void feed(JsonStream *js, const char *text)
{
    json_stream_feed(js, text, strlen(text));
}

static void expect_value(JsonStream *js, const char *text)
{
    struct json_object *value = NULL;
    Error *err = NULL;
    JsonStreamResult result = json_stream_next(js, &value, &err);

    if (err) {
        g_test_message("%s", error_get_pretty(err));
    }
    g_assert_cmpint(result, ==, JSON_STREAM_VALUE);
    g_assert_cmpstr(json_object_to_json_string_ext(value,
                                                   JSON_C_TO_STRING_PLAIN),
                    ==, text);
    json_object_put(value);
}

static void expect_error(JsonStream *js, const char *part)
{
    struct json_object *value = NULL;
    g_autoptr(Error) err = NULL;

    g_assert_cmpint(json_stream_next(js, &value, &err), ==,
                    JSON_STREAM_ERROR);
    g_assert_null(value);
    g_assert_nonnull(strstr(error_get_pretty(err), part));
}

static void expect_more(JsonStream *js)
{
    struct json_object *value = NULL;

    g_assert_cmpint(json_stream_next(js, &value, NULL), ==, JSON_STREAM_MORE);
}

static void test_joined(void)
{
    g_autoptr(JsonStream) js = stream_new();

    feed(js, " {\"a\":1}{\"b\":[2,3]}\r\n\n\"c\" 4 null{}");
    expect_value(js, "{\"a\":1}");
    expect_value(js, "{\"b\":[2,3]}");
    expect_value(js, "\"c\"");
    expect_value(js, "4");
    expect_value(js, "null");
    expect_value(js, "{}");
    expect_more(js);
}

static void test_cut_everywhere(void)
{
    static const char text[] = "{\"n\":-12,\"s\":\"a\\u00e4\xc3\xa4\xe2\x82\xac"
        "\xf0\x9f\x9a\xa3\",\"t\":true}";

    for (size_t first = 1; first < sizeof(text) - 1; first++) {
        for (size_t second = first; second < sizeof(text) - 1; second++) {
            g_autoptr(JsonStream) js = stream_new();
            struct json_object *value = NULL;

            json_stream_feed(js, text, first);
            expect_more(js);
            json_stream_feed(js, text + first, second - first);
            expect_more(js);
            json_stream_feed(js, text + second, sizeof(text) - 1 - second);
            g_assert_cmpint(json_stream_next(js, &value, NULL), ==,
                            JSON_STREAM_VALUE);
            g_assert_cmpint(json_object_object_length(value), ==, 3);
            json_object_put(value);
        }
    }
}

static void test_garbage_line(void)
{
    g_autoptr(JsonStream) js = stream_new();

    feed(js, "garbage and more of it]\n{\"a\":1}");
    expect_error(js, "JSON parse error");
    expect_value(js, "{\"a\":1}");
    expect_more(js);
}

static void test_garbage_without_line_end(void)
{
    g_autoptr(JsonStream) js = stream_new();

    feed(js, "garbage");
    expect_error(js, "JSON parse error");
    expect_more(js);
    feed(js, " still garbage");
    expect_more(js);
    feed(js, "{\"a\":1}");
    expect_value(js, "{\"a\":1}");
}

static void test_garbage_inside(void)
{
    static const char *const bad[] = {
        "{]\n", "{\"a\":1,}\n", "{\"a\" 1}\n", "[1 2]\n", "}\n",
        "tru\n", "01x\n",
        "\"a\\x\"\n",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autoptr(JsonStream) js = stream_new();

        g_test_message("case %zu", i);
        feed(js, bad[i]);
        expect_error(js, "JSON parse error");
        feed(js, "\n{}");
        expect_value(js, "{}");
    }
}

static void test_not_utf8(void)
{
    static const char *const bad[] = {
        "\xff\n", "{\"a\":\"\xff\"}\n", "{\"a\":\"\xc3\"}\n",
        "{\"a\":\"\xa4\"}\n",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autoptr(JsonStream) js = stream_new();

        feed(js, bad[i]);
        expect_error(js, "JSON parse error");
        feed(js, "\n{}");
        expect_value(js, "{}");
    }
}

static void test_nul_byte(void)
{
    static const char text[] = "{\"a\":\0 1}\n{}\0";
    g_autoptr(JsonStream) js = stream_new();

    json_stream_feed(js, text, sizeof(text) - 1);
    expect_error(js, "NUL");
    expect_value(js, "{}");
    expect_error(js, "NUL");
    expect_more(js);
}

/* A string value that is @len bytes long with its quotes. */
static char *long_value(size_t len)
{
    g_autofree char *inner = g_strnfill(len - 2, 'x');

    return g_strdup_printf("\"%s\"", inner);
}

static void test_longest(void)
{
    g_autoptr(JsonStream) js = stream_new();
    g_autofree char *value = long_value(MAX_BYTES);
    g_autofree char *space = g_strnfill(3 * MAX_BYTES, ' ');

    /* space between values is not part of them */
    feed(js, space);
    expect_more(js);
    feed(js, value);
    expect_value(js, value);
    feed(js, value);
    expect_value(js, value);
}

static void test_too_long(void)
{
    g_autofree char *value = long_value(MAX_BYTES + 1);

    for (size_t cut = 0; cut <= MAX_BYTES + 1; cut++) {
        g_autoptr(JsonStream) js = stream_new();

        json_stream_feed(js, value, cut);
        if (cut <= MAX_BYTES) {
            expect_more(js);
            feed(js, value + cut);
        }
        expect_error(js, "longer than 200 bytes");
        expect_more(js);
        feed(js, "xxx\n{}");
        expect_value(js, "{}");
    }
}

static void test_deepest(void)
{
    g_autoptr(JsonStream) js = stream_new();
    g_autofree char *open = g_strnfill(MAX_DEPTH, '[');
    g_autofree char *close = g_strnfill(MAX_DEPTH, ']');
    g_autofree char *value = g_strconcat(open, close, NULL);

    feed(js, value);
    expect_value(js, value);
}

static void test_too_deep(void)
{
    g_autoptr(JsonStream) js = stream_new();
    g_autofree char *open = g_strnfill(MAX_DEPTH + 1, '[');

    feed(js, open);
    expect_error(js, "nesting");
    feed(js, "]]]]\n{}");
    expect_value(js, "{}");
}

/* Each byte of garbage gets somewhere: there is no endless loop. */
static void test_every_byte(void)
{
    for (int c = 0; c < 256; c++) {
        g_autoptr(JsonStream) js = stream_new();
        uint8_t byte = c;
        struct json_object *value = NULL;
        int rounds = 0;

        for (int i = 0; i < 3; i++) {
            json_stream_feed(js, &byte, 1);
        }
        while (json_stream_next(js, &value, NULL) != JSON_STREAM_MORE) {
            json_object_put(value);
            value = NULL;
            g_assert_cmpint(++rounds, <=, 3);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-stream/joined values", test_joined);
    g_test_add_func("/json-stream/cut at every byte", test_cut_everywhere);
    g_test_add_func("/json-stream/garbage up to the line end",
                    test_garbage_line);
    g_test_add_func("/json-stream/garbage without line end",
                    test_garbage_without_line_end);
    g_test_add_func("/json-stream/garbage inside a value",
                    test_garbage_inside);
    g_test_add_func("/json-stream/not UTF-8", test_not_utf8);
    g_test_add_func("/json-stream/NUL byte", test_nul_byte);
    g_test_add_func("/json-stream/longest value", test_longest);
    g_test_add_func("/json-stream/too long", test_too_long);
    g_test_add_func("/json-stream/deepest value", test_deepest);
    g_test_add_func("/json-stream/too deep", test_too_deep);
    g_test_add_func("/json-stream/every byte as garbage", test_every_byte);
    return g_test_run();
}
