/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session of the human monitor over a socket pair and over pipes: lines cut
 * anywhere, the end of the input, a user that does not read.
 */
#include "qemu/osdep.h"

#include <glib-unix.h>
#include <sys/socket.h>

#include "io/channel-stdio.h"
#include "monitor/hmp-stream.h"

/* More than a socket's buffer takes. */
#define BIG_BYTES (8 * 1024 * 1024)

typedef struct Fixture {
    MainLoop *loop;
    HmpHost host;
    HmpTable tables[2];
    HmpStream *stream;
    int ours[2];            /* read, write */
    int theirs[2];
    GString *in;
    int nr_runs;
    int nr_closed;
} Fixture;

static void cmd_count(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Fixture *f = opaque;

    hmp_printf(hmp, "run %d\n", ++f->nr_runs);
}

static void cmd_big(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Fixture *f = opaque;
    g_autofree char *text = g_strnfill(BIG_BYTES, 'x');

    f->nr_runs++;
    hmp_printf(hmp, "%s\n", text);
}

static bool poll_for_ever(Hmp *hmp, void *opaque)
{
    return true;
}

static void cmd_wait(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    g_assert_true(hmp_wait(hmp, 1000, poll_for_ever, opaque));
}

static const HmpCommand commands[] = {
    { "wait", "", "", "wait for ever", cmd_wait },
    { "count", "", "", "count", cmd_count },
    { "big", "", "", "say a lot", cmd_big },
    { NULL }
};

static void fixture_closed(void *opaque)
{
    Fixture *f = opaque;

    f->nr_closed++;
}

static void fixture_start(Fixture *f)
{
    f->loop = main_loop_new(NULL, NULL);
    f->in = g_string_new(NULL);
    f->tables[0] = (HmpTable){ NULL, commands, f };
    f->host.loop = f->loop;
    f->host.tables = f->tables;
    g_assert_true(g_unix_set_fd_nonblocking(f->ours[0], true, NULL));
    f->stream = hmp_stream_new(qio_channel_stdio_new(f->theirs[0],
                                                     f->theirs[1]),
                               &f->host, fixture_closed, f, NULL);
}

static void fixture_sockets(Fixture *f)
{
    int pair[2];

    memset(f, 0, sizeof(*f));
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    f->ours[0] = f->ours[1] = pair[0];
    f->theirs[0] = f->theirs[1] = pair[1];
    fixture_start(f);
}

static void fixture_pipes(Fixture *f)
{
    int in[2], out[2];

    memset(f, 0, sizeof(*f));
    g_assert_true(g_unix_open_pipe(in, 0, NULL));
    g_assert_true(g_unix_open_pipe(out, 0, NULL));
    f->ours[0] = out[0];
    f->ours[1] = in[1];
    f->theirs[0] = in[0];
    f->theirs[1] = out[1];
    fixture_start(f);
}

static void fixture_close(int *fds)
{
    if (fds[0] >= 0) {
        close(fds[0]);
    }
    if (fds[1] != fds[0] && fds[1] >= 0) {
        close(fds[1]);
    }
}

static void fixture_clear(Fixture *f)
{
    hmp_stream_free(f->stream);
    fixture_close(f->ours);
    fixture_close(f->theirs);
    g_string_free(f->in, true);
    main_loop_free(f->loop);
}

static void turn(Fixture *f)
{
    char buf[65536];
    ssize_t n;

    g_main_context_iteration(main_loop_context(f->loop), false);
    n = read(f->ours[0], buf, sizeof(buf));
    if (n > 0) {
        g_string_append_len(f->in, buf, n);
    }
}

static void say(Fixture *f, const char *text)
{
    g_assert_cmpint(write(f->ours[1], text, strlen(text)), ==, strlen(text));
}

/* Serves until all that was said ends in @text. */
static void expect_end(Fixture *f, const char *text)
{
    while (!g_str_has_suffix(f->in->str, text)) {
        turn(f);
    }
}

static void check_lines(Fixture *f)
{
    expect_end(f, "\r\n" HMP_PROMPT);
    g_string_truncate(f->in, 0);
    say(f, "cou");
    turn(f);
    say(f, "nt\r\ncount\n\ncount");
    expect_end(f, "run 2\r\n" HMP_PROMPT HMP_PROMPT);
    g_assert_cmpstr(f->in->str, ==, "run 1\r\n" HMP_PROMPT "run 2\r\n"
                    HMP_PROMPT HMP_PROMPT);
    say(f, "\n");
    expect_end(f, "run 3\r\n" HMP_PROMPT);
}

static void test_lines(void)
{
    Fixture f;

    fixture_sockets(&f);
    check_lines(&f);
    fixture_clear(&f);
}

static void test_pipes(void)
{
    Fixture f;

    fixture_pipes(&f);
    check_lines(&f);
    fixture_clear(&f);
}

/* Half a line may be the begin of another one: it is dropped. */
static void test_end_of_input(void)
{
    Fixture f;

    fixture_pipes(&f);
    say(&f, "count\ncount\ncount");
    close(f.ours[1]);
    f.ours[1] = -1;
    while (!f.nr_closed) {
        turn(&f);
    }
    g_assert_cmpint(f.nr_runs, ==, 2);
    g_assert_cmpint(f.nr_closed, ==, 1);
    fixture_clear(&f);
}

static void test_too_long(void)
{
    g_autofree char *big = g_strnfill(HMP_LINE_MAX_BYTES / 2, 'y');
    Fixture f;

    fixture_sockets(&f);
    expect_end(&f, HMP_PROMPT);
    for (int i = 0; i < 5; i++) {
        say(&f, big);
        for (int j = 0; j < 20; j++) {
            turn(&f);
        }
    }
    say(&f, "\ncount\n");
    expect_end(&f, "run 1\r\n" HMP_PROMPT);
    g_assert_nonnull(strstr(f.in->str, "Error: a line is longer than 65536"
                            " bytes\r\n"));
    fixture_clear(&f);
}

/* While a reply does not get away, no further line is run. */
static void test_user_does_not_read(void)
{
    Fixture f;

    fixture_sockets(&f);
    expect_end(&f, HMP_PROMPT);
    say(&f, "big\ncount\n");
    for (int i = 0; i < 20; i++) {
        g_main_context_iteration(main_loop_context(f.loop), false);
    }
    g_assert_cmpint(f.nr_runs, ==, 1);
    expect_end(&f, "run 2\r\n" HMP_PROMPT);
    g_assert_cmpuint(f.in->len, >, BIG_BYTES);
    fixture_clear(&f);
}

/* One that leaves in the middle of a reply costs nobody anything. */
static void test_user_leaves(void)
{
    Fixture f;

    fixture_sockets(&f);
    expect_end(&f, HMP_PROMPT);
    say(&f, "big\n");
    for (int i = 0; i < 5; i++) {
        g_main_context_iteration(main_loop_context(f.loop), false);
    }
    close(f.ours[0]);
    f.ours[0] = f.ours[1] = -1;
    while (!f.nr_closed) {
        g_main_context_iteration(main_loop_context(f.loop), true);
    }
    fixture_clear(&f);
}

/* What stands behind a zero byte would be unseen by the command. */
static void test_zero_byte(void)
{
    static const char line[] = "count\0more\ncount\n";
    Fixture f;

    fixture_sockets(&f);
    expect_end(&f, HMP_PROMPT);
    g_assert_cmpint(write(f.ours[1], line, sizeof(line) - 1), ==,
                    sizeof(line) - 1);
    expect_end(&f, "Error: a line has a zero byte in it\r\n" HMP_PROMPT
               "run 1\r\n" HMP_PROMPT);
    fixture_clear(&f);
}

/* Nobody is there for the end of a command that takes its time. */
static void test_user_leaves_a_command(void)
{
    Fixture f;

    fixture_sockets(&f);
    expect_end(&f, HMP_PROMPT);
    say(&f, "wait\ncount\n");
    for (int i = 0; i < 5; i++) {
        turn(&f);
    }
    g_assert_cmpint(f.nr_closed, ==, 0);
    close(f.ours[0]);
    f.ours[0] = f.ours[1] = -1;
    while (!f.nr_closed) {
        g_main_context_iteration(main_loop_context(f.loop), true);
    }
    g_assert_cmpint(f.nr_runs, ==, 0);
    fixture_clear(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hmp-stream/lines cut anywhere", test_lines);
    g_test_add_func("/hmp-stream/pipes", test_pipes);
    g_test_add_func("/hmp-stream/end of input", test_end_of_input);
    g_test_add_func("/hmp-stream/line too long", test_too_long);
    g_test_add_func("/hmp-stream/user does not read", test_user_does_not_read);
    g_test_add_func("/hmp-stream/user leaves", test_user_leaves);
    g_test_add_func("/hmp-stream/zero byte", test_zero_byte);
    g_test_add_func("/hmp-stream/user leaves a command",
                    test_user_leaves_a_command);
    return g_test_run();
}
