/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor without a user: arguments, tables, help, completion, and
 * sessions on a front end that records what it is told.
 */
#include "qemu/osdep.h"

#include "monitor/hmp-internal.h"
#include "qapi/error.h"

typedef struct Fixture {
    MainLoop *loop;
    HmpHost host;
    HmpTable tables[3];
    GString *said;
    int nr_ready;
    int nr_polls;           /* that still say "under way" */
    const HmpFrontend *front;
} Fixture;

static void cmd_echo(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    hmp_printf(hmp, "%s %s %s\n", hmp_args_bool(args, "loud") ? "LOUD" : "low",
               hmp_args_str(args, "text"),
               hmp_args_str(args, "more") ? hmp_args_str(args, "more") : "-");
}

static void cmd_rest(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    hmp_printf(hmp, "<%s>\n", hmp_args_str(args, "all"));
}

static void cmd_switch(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    hmp_printf(hmp, "%d\n", hmp_args_bool(args, "state"));
}

static void cmd_fail(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Error *err = NULL;

    error_setg(&err, "no way");
    error_append_hint(&err, "Go back.\n");
    g_assert_true(hmp_handle_error(hmp, err));
    g_assert_false(hmp_handle_error(hmp, NULL));
}

static bool poll_down(Hmp *hmp, void *opaque)
{
    Fixture *f = opaque;

    if (f->nr_polls-- > 0) {
        /* Too wide: cut before the last column, where a cursor may wrap. */
        hmp_progress(hmp, "at %d and so on", f->nr_polls);
        return true;
    }
    hmp_printf(hmp, "over\n");
    return false;
}

static void cmd_wait(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    if (!hmp_wait(hmp, 1, poll_down, opaque)) {
        hmp_printf(hmp, "cannot wait\n");
    }
}

static void cmd_end(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    hmp_end(hmp);
}

static void complete_echo(GPtrArray *found, const char *const *args,
                          unsigned nr_args, const char *word)
{
    if (nr_args == 0) {
        hmp_complete_add(found, "alpha");
        hmp_complete_add(found, "alpine");
        hmp_complete_add(found, "beta");
    } else {
        hmp_complete_add(found, args[0]);
    }
}

static const HmpCommand commands[] = {
    { "echo|e", "loud:-l,quick:-q,text:s,more:s?", "[-l] [-q] text [more]",
      "say something\nor not", cmd_echo, complete_echo },
    { "rest", "all:S", "all", "the rest", cmd_rest },
    { "switch", "state:b", "on|off", "switch it", cmd_switch },
    { "fail", "", "", "fail", cmd_fail },
    { "wait", "", "", "wait", cmd_wait },
    { "end", "", "", "end", cmd_end },
    { NULL }
};

static const HmpCommand info_commands[] = {
    { "alpha", "", "", "about alpha", cmd_fail },
    { "apple", "", "", "about apples", cmd_switch },
    { NULL }
};

static void fixture_write(void *opaque, const char *text, size_t len_bytes)
{
    Fixture *f = opaque;

    g_string_append_len(f->said, text, len_bytes);
}

static void fixture_ready(void *opaque)
{
    Fixture *f = opaque;

    f->nr_ready++;
}

static const HmpFrontend plain = {
    .write = fixture_write,
    .ready = fixture_ready,
};

static unsigned fixture_columns(void *opaque)
{
    return 5;
}

static const HmpFrontend terminal = {
    .columns = fixture_columns,
    .write = fixture_write,
    .ready = fixture_ready,
};

static void fixture_init(Fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->loop = main_loop_new(NULL, NULL);
    f->said = g_string_new(NULL);
    f->tables[0] = (HmpTable){ NULL, commands, f };
    f->tables[1] = (HmpTable){ "info", info_commands, f };
    f->host.loop = f->loop;
    f->host.tables = f->tables;
}

static void fixture_clear(Fixture *f)
{
    g_string_free(f->said, true);
    main_loop_free(f->loop);
}

static void check_text(const char *line, const char *expected)
{
    g_autofree char *text = NULL;
    Fixture f;

    fixture_init(&f);
    text = hmp_run_text(&f.host, line);
    g_assert_cmpstr(text, ==, expected);
    fixture_clear(&f);
}

static void test_words(void)
{
    check_text("echo hello", "low hello -\r\n");
    check_text("  echo \t hello   world  ", "low hello world\r\n");
    check_text("e hello", "low hello -\r\n");
}

static void test_quotes(void)
{
    check_text("echo \"a b\" \"c \\\"d\\\"\"", "low a b c \"d\"\r\n");
    check_text("echo \"a\\nb\"", "low a\r\nb -\r\n");
    check_text("echo \"\" x", "low  x\r\n");
    check_text("echo \"C:\\\\x\"", "low C:\\x -\r\n");
}

static void test_flags(void)
{
    check_text("echo -l hello", "LOUD hello -\r\n");
    check_text("echo -q -l hello", "LOUD hello -\r\n");
    check_text("echo -q hello", "low hello -\r\n");
    check_text("echo -- -l", "low -l -\r\n");
    check_text("echo x -l", "low x -l\r\n");
}

static void test_rest(void)
{
    check_text("rest  a \"b c\"  d ", "<a \"b c\"  d>\r\n");
    check_text("rest -l", "<-l>\r\n");
}

static void test_booleans(void)
{
    check_text("switch on", "1\r\n");
    check_text("switch off", "0\r\n");
}

#define TRY(NAME) "Try \"help " NAME "\" for more information\r\n"

static void test_missing(void)
{
    check_text("echo", "echo|e: string expected\r\n" TRY("echo"));
    check_text("rest", "rest: string expected\r\n" TRY("rest"));
    check_text("e -l", "echo|e: string expected\r\n" TRY("e"));
    check_text("switch", "Expected 'on' or 'off'\r\n" TRY("switch"));
}

static void test_wrong_boolean(void)
{
    check_text("switch maybe", "Expected 'on' or 'off'\r\n" TRY("switch"));
}

static void test_wrong_flag(void)
{
    check_text("echo -x a", "echo|e: unsupported option -x\r\n" TRY("echo"));
    check_text("echo -ll a", "echo|e: unsupported option -ll\r\n" TRY("echo"));
}

static void test_too_many(void)
{
    check_text("echo a b c", "echo|e: extraneous characters at the end of line"
               "\r\n" TRY("echo"));
    check_text("info alpha x", "alpha: extraneous characters at the end of line"
               "\r\n" TRY("info alpha"));
}

static void test_open_quote(void)
{
    check_text("echo \"a b", "echo|e: unterminated string; a \" is missing\r\n"
               TRY("echo"));
    check_text("echo \"a\\", "echo|e: unterminated string; a \" is missing\r\n"
               TRY("echo"));
}

static void test_unknown(void)
{
    check_text("nothing a b", "unknown command: 'nothing'\r\n");
    check_text("info nothing", "unknown command: 'info nothing'\r\n");
    check_text("alpha", "unknown command: 'alpha'\r\n");
    check_text("echo|e x", "unknown command: 'echo|e'\r\n");
    check_text("help nothing", "unknown command: 'nothing'\r\n");
}

static void test_empty(void)
{
    check_text("", "");
    check_text(" \t ", "");
}

static void test_error(void)
{
    check_text("fail", "Error: no way\r\nGo back.\r\n");
}

static void test_help(void)
{
    check_text("help echo", "echo|e [-l] [-q] text [more] -- say something\r\n"
               "                        or not\r\n");
    check_text("? rest", "rest all -- the rest\r\n");
    check_text("help info apple", "info apple  -- about apples\r\n");
    check_text("info", "info alpha  -- about alpha\r\n"
               "info apple  -- about apples\r\n");
    check_text("help info", "info alpha  -- about alpha\r\n"
               "info apple  -- about apples\r\n");
}

static void test_help_all(void)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    Fixture f;

    fixture_init(&f);
    text = hmp_run_text(&f.host, "help");
    lines = g_strsplit(text, "\r\n", -1);
    /* In order, with those of the monitor; a second line and the last end. */
    g_assert_cmpuint(g_strv_length(lines), ==, 10);
    g_assert_true(g_str_has_prefix(lines[0], "echo|e "));
    g_assert_true(g_str_has_prefix(lines[2], "end "));
    g_assert_true(g_str_has_prefix(lines[4], "help|? "));
    g_assert_true(g_str_has_prefix(lines[8], "wait "));
    fixture_clear(&f);
}

static void check_complete(const char *line, size_t offset,
                           const char *expected)
{
    g_autoptr(GPtrArray) found = NULL;
    g_autofree char *joined = NULL;
    size_t at = 99;
    Fixture f;

    fixture_init(&f);
    found = hmp_complete(&f.host, line, &at);
    g_ptr_array_add(found, NULL);
    joined = g_strjoinv(" ", (char **)found->pdata);
    g_assert_cmpstr(joined, ==, expected);
    g_assert_cmpuint(at, ==, offset);
    g_ptr_array_set_size(found, found->len - 1);
    fixture_clear(&f);
}

static void test_complete_command(void)
{
    check_complete("e", 0, "e echo end");
    check_complete("  ec", 2, "echo");
    check_complete("", 0, "? e echo end fail help info rest switch wait");
    check_complete("zz", 0, "");
}

static void test_complete_sub_command(void)
{
    check_complete("info a", 5, "alpha apple");
    check_complete("info alp", 5, "alpha");
    check_complete("info alpha ", 11, "");
}

static void test_complete_help(void)
{
    check_complete("help re", 5, "rest");
    check_complete("? info ap", 7, "apple");
    check_complete("help rest x", 10, "");
}

static void test_complete_argument(void)
{
    check_complete("echo al", 5, "alpha alpine");
    check_complete("e b", 2, "beta");
    check_complete("echo -l alp", 8, "alpha alpine");
    check_complete("echo beta b", 10, "beta");
    check_complete("rest x", 5, "");
    check_complete("echo \"open al", 11, "");
}

static void test_complete_prefix(void)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

    hmp_complete_add(found, "alpha");
    g_assert_cmpuint(hmp_complete_prefix(found), ==, 5);
    hmp_complete_add(found, "alpine");
    g_assert_cmpuint(hmp_complete_prefix(found), ==, 3);
    hmp_complete_add(found, "beta");
    g_assert_cmpuint(hmp_complete_prefix(found), ==, 0);
}

static void test_session(void)
{
    Fixture f;
    Hmp *hmp;

    fixture_init(&f);
    hmp = hmp_new(&f.host, &plain, &f);
    hmp_greet(hmp);
    g_assert_true(g_str_has_prefix(f.said->str, "Wherry "));
    g_assert_true(g_str_has_suffix(f.said->str, "\r\n"));
    g_assert_cmpint(f.nr_ready, ==, 1);
    g_string_truncate(f.said, 0);
    hmp_line(hmp, "echo x");
    g_assert_cmpstr(f.said->str, ==, "low x -\r\n");
    g_assert_cmpint(f.nr_ready, ==, 2);
    hmp_line_refused(hmp, "why");
    g_assert_cmpint(f.nr_ready, ==, 3);
    hmp_free(hmp);
    fixture_clear(&f);
}

/* The prompt comes when what the command waits for is over. */
static void check_wait(const HmpFrontend *front, const char *expected)
{
    Fixture f;
    Hmp *hmp;

    fixture_init(&f);
    f.nr_polls = 2;
    hmp = hmp_new(&f.host, front, &f);
    hmp_line(hmp, "wait");
    g_assert_true(hmp_busy(hmp));
    g_assert_cmpint(f.nr_ready, ==, 0);
    while (hmp_busy(hmp)) {
        g_main_context_iteration(main_loop_context(f.loop), true);
    }
    g_assert_cmpint(f.nr_ready, ==, 1);
    g_assert_cmpstr(f.said->str, ==, expected);
    hmp_free(hmp);
    fixture_clear(&f);
}

static void test_wait_quiet(void)
{
    check_wait(&plain, "over\r\n");
}

static void test_wait_terminal(void)
{
    check_wait(&terminal,
               "\rat 1\033[K\rat 0\033[K\r\033[Kover\n");
}

static void test_wait_freed(void)
{
    Fixture f;
    Hmp *hmp;

    fixture_init(&f);
    f.nr_polls = 1000;
    hmp = hmp_new(&f.host, &plain, &f);
    hmp_line(hmp, "wait");
    hmp_free(hmp);
    g_assert_false(g_main_context_pending(main_loop_context(f.loop)));
    fixture_clear(&f);
}

static void test_wait_nowhere(void)
{
    check_text("wait", "cannot wait\r\n");
}

static void test_end(void)
{
    Fixture f;
    Hmp *hmp;

    fixture_init(&f);
    hmp = hmp_new(&f.host, &plain, &f);
    hmp_line(hmp, "end");
    g_assert_true(hmp_busy(hmp));
    g_assert_cmpint(f.nr_ready, ==, 0);
    hmp_free(hmp);
    fixture_clear(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hmp/args/words", test_words);
    g_test_add_func("/hmp/args/quotes", test_quotes);
    g_test_add_func("/hmp/args/flags", test_flags);
    g_test_add_func("/hmp/args/rest of the line", test_rest);
    g_test_add_func("/hmp/args/booleans", test_booleans);
    g_test_add_func("/hmp/args/missing", test_missing);
    g_test_add_func("/hmp/args/wrong boolean", test_wrong_boolean);
    g_test_add_func("/hmp/args/wrong flag", test_wrong_flag);
    g_test_add_func("/hmp/args/too many", test_too_many);
    g_test_add_func("/hmp/args/quote not closed", test_open_quote);
    g_test_add_func("/hmp/table/unknown command", test_unknown);
    g_test_add_func("/hmp/table/empty line", test_empty);
    g_test_add_func("/hmp/table/error with hint", test_error);
    g_test_add_func("/hmp/table/help of one", test_help);
    g_test_add_func("/hmp/table/help of all", test_help_all);
    g_test_add_func("/hmp/complete/command", test_complete_command);
    g_test_add_func("/hmp/complete/sub-command", test_complete_sub_command);
    g_test_add_func("/hmp/complete/help", test_complete_help);
    g_test_add_func("/hmp/complete/argument", test_complete_argument);
    g_test_add_func("/hmp/complete/common prefix", test_complete_prefix);
    g_test_add_func("/hmp/session/greeting and lines", test_session);
    g_test_add_func("/hmp/session/wait is quiet in a pipe", test_wait_quiet);
    g_test_add_func("/hmp/session/wait shows progress on a terminal",
                    test_wait_terminal);
    g_test_add_func("/hmp/session/freed while it waits", test_wait_freed);
    g_test_add_func("/hmp/session/cannot wait without a user",
                    test_wait_nowhere);
    g_test_add_func("/hmp/session/no prompt after the end", test_end);
    return g_test_run();
}
