/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of error objects.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"

static void test_nobody_wants_to_know(void)
{
    error_setg(NULL, "lost");
}

static void test_the_first_error_wins(void)
{
    g_autoptr(Error) err = NULL;

    error_setg(&err, "cause %d", 1);
    error_setg(&err, "consequence");
    g_assert_cmpstr(error_get_pretty(err), ==, "cause 1");
}

static void test_the_first_error_wins_when_handed_on(void)
{
    g_autoptr(Error) err = NULL;
    Error *later = NULL;

    error_setg(&err, "cause");
    error_setg(&later, "consequence");
    error_propagate(&err, later);
    g_assert_cmpstr(error_get_pretty(err), ==, "cause");
}

static void test_errno_keeps_its_text(void)
{
    g_autoptr(Error) err = NULL;

    error_setg_errno(&err, ENOENT, "Could not open '%s'", "x");
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "Could not open 'x': "));
}

static void test_class_and_copy(void)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(Error) copy = NULL;

    error_set(&err, ERROR_CLASS_COMMAND_NOT_FOUND, "none");
    copy = error_copy(err);
    g_assert_cmpint(error_get_class(copy), ==, ERROR_CLASS_COMMAND_NOT_FOUND);
    g_assert_cmpstr(error_get_pretty(copy), ==, "none");
}

static void test_prepend_and_hint(void)
{
    g_autoptr(Error) err = NULL;

    error_setg(&err, "x");
    error_prepend(&err, "channel %d: ", 3);
    error_append_hint(&err, "try %s", "this");
    g_assert_cmpstr(error_get_pretty(err), ==, "channel 3: x");
    g_assert_cmpstr(error_get_hint(err), ==, "try this");
}

static bool guarded(Error **errp)
{
    ERRP_GUARD();

    error_setg(errp, "inner");
    return *errp != NULL;
}

static void test_guard_lets_look_at_the_error(void)
{
    g_autoptr(Error) err = NULL;

    g_assert_true(guarded(NULL));
    g_assert_true(guarded(&err));
    g_assert_cmpstr(error_get_pretty(err), ==, "inner");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/nobody-wants-to-know", test_nobody_wants_to_know);
    g_test_add_func("/error/the-first-error-wins", test_the_first_error_wins);
    g_test_add_func("/error/the-first-error-wins-when-handed-on",
                    test_the_first_error_wins_when_handed_on);
    g_test_add_func("/error/errno-keeps-its-text", test_errno_keeps_its_text);
    g_test_add_func("/error/class-and-copy", test_class_and_copy);
    g_test_add_func("/error/prepend-and-hint", test_prepend_and_hint);
    g_test_add_func("/error/guard-lets-look-at-the-error",
                    test_guard_lets_look_at_the_error);
    return g_test_run();
}
