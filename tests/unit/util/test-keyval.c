/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the corners of `key=value,key=value`.
 */
#include "qemu/osdep.h"

#include "qemu/keyval.h"

/* The list as text: pairs with | between them. */
static char *parsed(const char *params, const char *implied_key)
{
    g_autoptr(KeyvalList) list = keyval_parse(params, implied_key, NULL,
                                              NULL);
    GString *text = g_string_new(NULL);

    g_assert_nonnull(list);
    for (size_t i = 0; i < list->nr_pairs; i++) {
        g_string_append_printf(text, "%s%s=%s", i ? "|" : "",
                               list->pairs[i].key, list->pairs[i].value);
    }
    return g_string_free(text, FALSE);
}

static void check(const char *params, const char *implied_key,
                  const char *expected)
{
    g_autofree char *text = parsed(params, implied_key);

    g_assert_cmpstr(text, ==, expected);
}

static void test_what_is_taken(void)
{
    check("", "type", "");
    check("a=", NULL, "a=");
    check("a=1,", NULL, "a=1");
    check("a=1,b=2,a=3", NULL, "a=1|b=2|a=3");
    check("a=b=c", NULL, "a=b=c");
    check("server.host=h,list.0=x,list.12=y", NULL,
          "server.host=h|list.0=x|list.12=y");
    check("__org.example=1", NULL, "__org.example=1");
}

static void test_commas_in_values(void)
{
    check("a=,,,,,b=1", NULL, "a=,,|b=1");
    check("tcp,,x,b=1", "type", "type=tcp,x|b=1");
    check("x,,y", "type", "type=x,y");
}

static void refused(const char *params, const char *expected)
{
    g_autoptr(Error) err = NULL;
    bool help = false;

    g_assert_null(keyval_parse(params, NULL, &help, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, expected);
    g_assert_false(help);
}

static void test_a_word_without_a_value(void)
{
    refused("a=1,help,on", "expected '=' after parameter 'on'");
}

static void test_a_key_that_ends_in_a_dot(void)
{
    refused("a.=1", "invalid key 'a.': names begin with a letter and dots "
            "stand between them");
}

static void test_a_key_that_is_too_long(void)
{
    g_autofree char *key = g_strnfill(KEYVAL_KEY_MAX + 1, 'k');
    g_autofree char *longer = g_strconcat(key, "=1", NULL);
    g_autofree char *fits = g_strconcat(key + 1, "=1", NULL);

    refused(longer, "key 'kkkkkkkkkkkkkkkkkkkk...' has 128 bytes, at most "
            "127 are possible");
    check(fits, NULL, fits);
}

static void check_help(const char *params, bool expected, size_t nr_pairs)
{
    bool help = !expected;
    g_autoptr(KeyvalList) list = keyval_parse(params, "type", &help, NULL);

    g_assert_cmpint(help, ==, expected);
    g_assert_cmpuint(list->nr_pairs, ==, nr_pairs);
}

static void test_asking_for_help(void)
{
    check_help("help", true, 0);
    check_help("?", true, 0);
    check_help("socket,help", true, 1);
    check_help("socket,a=help", false, 2);
    /* An escaped comma makes it a value. */
    check_help("help,,me", false, 1);
    check_help("helper", false, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keyval/what-is-taken", test_what_is_taken);
    g_test_add_func("/keyval/commas-in-values", test_commas_in_values);
    g_test_add_func("/keyval/a-word-without-a-value",
                    test_a_word_without_a_value);
    g_test_add_func("/keyval/a-key-that-ends-in-a-dot",
                    test_a_key_that_ends_in_a_dot);
    g_test_add_func("/keyval/a-key-that-is-too-long",
                    test_a_key_that_is_too_long);
    g_test_add_func("/keyval/asking-for-help", test_asking_for_help);
    return g_test_run();
}
