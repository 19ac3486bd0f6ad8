/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A conversation in a main loop: input in pieces and in lines, limits, a peer
 * that does not read or leaves, over a socket and over two pipes.
 */
#include "qemu/osdep.h"
#include <glib-unix.h>
#include <sys/socket.h>
#include "io/channel-socket.h"
#include "io/channel-stdio.h"
#include "io/channel-stream.h"
#include "qapi/error.h"

/* More than the kernel buffers between two sockets. */
#define BIG_BYTES (8 * 1024 * 1024)
#define LINE_MAX_BYTES 100
#define PAUSE_BYTES 1000

typedef struct Fixture {
    GMainContext *context;
    QIOStream *stream;
    QIOChannel *peer;       /* or NULL */
    QIOStreamHost host;
    GString *log;           /* "[line]", "<too long>" */
    GString *got;           /* by the peer */
    bool hold_each;         /* held at each line */
    bool answer;            /* each line is sent back, big ones grow */
    unsigned nr_drained;
    unsigned nr_closed;
    bool inside;            /* input(), which must not be entered twice */
} Fixture;

static void fixture_input(const char *data, size_t len, void *opaque)
{
    Fixture *f = opaque;

    g_assert_false(f->inside);
    f->inside = true;
    if (!data) {
        g_string_append(f->log, "<too long>");
    } else if (len || f->host.line_max_bytes) {
        g_string_append_printf(f->log, "[%.*s]", (int)len, data);
    }
    if (f->hold_each) {
        qio_stream_hold(f->stream, true);
    }
    if (data && len == 3 && memcmp(data, "big", 3) == 0) {
        g_autofree char *big = g_strnfill(BIG_BYTES, 'x');

        qio_stream_write(f->stream, big, BIG_BYTES);
    } else if (f->answer) {
        qio_stream_write_line(f->stream, "ok", "\n");
    }
    f->inside = false;
}

static void fixture_drained(void *opaque)
{
    ((Fixture *)opaque)->nr_drained++;
}

static void fixture_closed(void *opaque)
{
    ((Fixture *)opaque)->nr_closed++;
}

static void fixture_prepare(Fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->context = g_main_context_new();
    f->log = g_string_new(NULL);
    f->got = g_string_new(NULL);
    f->host = (QIOStreamHost) {
        .context = f->context,
        .pause_bytes = PAUSE_BYTES,
        .line_max_bytes = LINE_MAX_BYTES,
        .input = fixture_input,
        .drained = fixture_drained,
        .closed = fixture_closed,
        .opaque = f,
    };
}

static void fixture_start(Fixture *f)
{
    QIOChannel *ours;

    g_assert_true(qio_channel_socket_pair(&ours, &f->peer, NULL));
    g_assert_true(qio_channel_set_blocking(f->peer, false, NULL));
    f->stream = qio_stream_new(ours, &f->host, NULL);
    g_assert_nonnull(f->stream);
}

static void fixture_init(Fixture *f)
{
    fixture_prepare(f);
    fixture_start(f);
}

static void fixture_clear(Fixture *f)
{
    unsigned nr_closed = f->nr_closed;

    qio_stream_free(f->stream);
    g_assert_cmpuint(f->nr_closed, ==, nr_closed);
    qio_channel_unref(f->peer);
    g_main_context_unref(f->context);
    g_string_free(f->log, true);
    g_string_free(f->got, true);
}

/* All that can be done without anything from outside. */
static void settle(Fixture *f)
{
    while (g_main_context_iteration(f->context, false)) {
    }
}

static void say(Fixture *f, const char *text)
{
    struct iovec iov = { (char *)text, strlen(text) };

    g_assert_cmpint(qio_channel_writev(f->peer, &iov, 1, NULL), ==,
                    strlen(text));
    settle(f);
}

/* The peer reads until it has @len bytes. */
static void hear(Fixture *f, size_t len)
{
    static char buf[65536];

    while (f->got->len < len) {
        ssize_t n = qio_channel_read(f->peer, buf, sizeof(buf), NULL);

        if (n > 0) {
            g_string_append_len(f->got, buf, n);
        } else {
            g_assert_cmpint(n, ==, QIO_CHANNEL_ERR_BLOCK);
            g_main_context_iteration(f->context, false);
        }
    }
    settle(f);
}

static void leave(Fixture *f)
{
    g_clear_pointer(&f->peer, qio_channel_unref);
}

static void expect_log(Fixture *f, const char *expected)
{
    g_assert_cmpstr(f->log->str, ==, expected);
    g_string_truncate(f->log, 0);
}

static void test_lines(void)
{
    Fixture f;

    fixture_init(&f);
    say(&f, "on");
    expect_log(&f, "");
    say(&f, "e\n");
    expect_log(&f, "[one]");
    say(&f, "two\r\n\nthr");
    expect_log(&f, "[two\r][]");
    say(&f, "ee\nfour\n");
    expect_log(&f, "[three][four]");
    g_assert_cmpuint(f.nr_closed, ==, 0);
    fixture_clear(&f);
}

static void test_bytes(void)
{
    Fixture f;

    fixture_prepare(&f);
    f.host.line_max_bytes = 0;
    fixture_start(&f);
    say(&f, "on");
    say(&f, "e\ntwo");
    expect_log(&f, "[on][e\ntwo]");
    fixture_clear(&f);
}

/* Half a line is none: it may be the begin of another one. */
static void test_half_a_line(void)
{
    Fixture f;

    fixture_init(&f);
    say(&f, "whole\nhalf");
    leave(&f);
    settle(&f);
    expect_log(&f, "[whole]");
    g_assert_cmpuint(f.nr_closed, ==, 1);
    fixture_clear(&f);
}

static void test_too_long(void)
{
    g_autofree char *fits = g_strnfill(LINE_MAX_BYTES, 'y');
    g_autofree char *whole = g_strconcat(fits, "\n", fits, "y\nz\n", NULL);
    g_autofree char *expected = g_strconcat("[", fits, "]<too long>[z]", NULL);
    Fixture f;

    fixture_init(&f);
    say(&f, whole);
    expect_log(&f, expected);
    /* In pieces: told once, at once, and passed over up to its end. */
    say(&f, fits);
    expect_log(&f, "");
    say(&f, "y");
    expect_log(&f, "<too long>");
    say(&f, fits);
    say(&f, fits);
    expect_log(&f, "");
    say(&f, "y\nz\n");
    expect_log(&f, "[z]");
    fixture_clear(&f);
}

/* What waits is bounded: then no line is taken, and later it goes on. */
static void test_peer_does_not_read(void)
{
    Fixture f;

    fixture_init(&f);
    f.answer = true;
    say(&f, "big\nnext\n");
    expect_log(&f, "[big]");
    g_assert_true(qio_stream_is_paused(f.stream));
    say(&f, "last\n");
    expect_log(&f, "");
    g_assert_cmpuint(f.nr_drained, ==, 0);
    hear(&f, BIG_BYTES + 6);
    expect_log(&f, "[next][last]");
    g_assert_cmpuint(f.nr_drained, >=, 1);
    g_assert_cmpstr(f.got->str + BIG_BYTES, ==, "ok\nok\n");
    fixture_clear(&f);
}

/* What is said later does not overtake what waits. */
static void test_order(void)
{
    Fixture f;

    fixture_init(&f);
    say(&f, "big\n");
    qio_stream_write_line(f.stream, "one", "\r\n");
    qio_stream_write(f.stream, "two", 3);
    hear(&f, BIG_BYTES + 8);
    g_assert_cmpstr(f.got->str + BIG_BYTES, ==, "one\r\ntwo");
    fixture_clear(&f);
}

/* The answers to what was said before the end of the input still come. */
static void check_end_of_input(size_t pause_bytes)
{
    Fixture f;

    fixture_prepare(&f);
    f.host.pause_bytes = pause_bytes;
    fixture_start(&f);
    f.answer = true;
    say(&f, "big\nnext\n");
    qio_channel_shutdown(f.peer, QIO_CHANNEL_SHUTDOWN_WRITE);
    settle(&f);
    g_assert_cmpuint(f.nr_closed, ==, 0);
    hear(&f, BIG_BYTES + 3);
    expect_log(&f, "[big][next]");
    g_assert_cmpuint(f.nr_closed, ==, 1);
    fixture_clear(&f);
}

/* The end is seen behind the output that waits, and before that. */
static void test_end_of_input(void)
{
    check_end_of_input(PAUSE_BYTES);
    check_end_of_input(2 * BIG_BYTES);
}

static void test_peer_leaves(void)
{
    Fixture f;

    fixture_init(&f);
    say(&f, "big\nnext\n");
    leave(&f);
    settle(&f);
    g_assert_cmpuint(f.nr_closed, ==, 1);
    expect_log(&f, "[big]");
    qio_stream_write(f.stream, "x", 1);
    g_assert_cmpuint(qio_stream_pending(f.stream), ==, 0);
    g_assert_true(qio_stream_flush(f.stream, 0));
    fixture_clear(&f);
}

static void test_held(void)
{
    Fixture f;

    fixture_init(&f);
    f.hold_each = true;
    say(&f, "one\ntwo\n");
    expect_log(&f, "[one]");
    say(&f, "three\n");
    expect_log(&f, "");
    qio_stream_hold(f.stream, false);
    expect_log(&f, "[two]");
    f.hold_each = false;
    qio_stream_hold(f.stream, false);
    settle(&f);
    expect_log(&f, "[three]");
    fixture_clear(&f);
}

/* Who has closed its end while a command runs is not waited for. */
static void test_peer_leaves_while_held(void)
{
    Fixture f;

    fixture_init(&f);
    f.hold_each = true;
    say(&f, "one\ntwo\n");
    qio_channel_shutdown(f.peer, QIO_CHANNEL_SHUTDOWN_WRITE);
    settle(&f);
    g_assert_cmpuint(f.nr_closed, ==, 0);
    leave(&f);
    settle(&f);
    g_assert_cmpuint(f.nr_closed, ==, 1);
    qio_stream_hold(f.stream, false);
    settle(&f);
    expect_log(&f, "[one]");
    fixture_clear(&f);
}

static void test_flush(void)
{
    Fixture f;

    fixture_init(&f);
    g_assert_true(qio_stream_flush(f.stream, 0));
    say(&f, "big\n");
    g_assert_false(qio_stream_flush(f.stream, 0));
    g_assert_false(qio_stream_flush(f.stream, 1));
    leave(&f);
    /* Does not wait for who is not there. */
    g_assert_true(qio_stream_flush(f.stream, INT_MAX));
    g_assert_cmpuint(f.nr_closed, ==, 1);
    fixture_clear(&f);
}

typedef struct Pipes {
    Fixture f;
    int in[2];              /* ours reads, theirs writes */
    int out[2];             /* theirs reads, ours writes */
} Pipes;

static void pipes_init(Pipes *p, bool lossy)
{
    fixture_prepare(&p->f);
    p->f.host.lossy = lossy;
    g_assert_true(g_unix_open_pipe(p->in, 0, NULL));
    g_assert_true(g_unix_open_pipe(p->out, 0, NULL));
    p->f.stream = qio_stream_new(qio_channel_stdio_new(p->in[0], p->out[1]),
                                 &p->f.host, NULL);
}

static void pipes_clear(Pipes *p)
{
    fixture_clear(&p->f);
    close(p->in[0]);
    close(p->in[1]);
    close(p->out[1]);
}

/* Blocking descriptors stay that, and nothing waits for them. */
static void test_pipes(void)
{
    g_autofree char *big = g_strnfill(BIG_BYTES, 'x');
    size_t nr_read = 0;
    char buf[4096];
    Pipes p;

    pipes_init(&p, false);
    g_assert_cmpint(write(p.in[1], "one\n", 4), ==, 4);
    settle(&p.f);
    expect_log(&p.f, "[one]");
    qio_stream_write(p.f.stream, big, BIG_BYTES);
    settle(&p.f);
    g_assert_cmpuint(qio_stream_pending(p.f.stream), >, 0);
    while (nr_read < BIG_BYTES) {
        nr_read += read(p.out[0], buf, sizeof(buf));
        settle(&p.f);
    }
    g_assert_cmpuint(qio_stream_pending(p.f.stream), ==, 0);
    g_assert_cmpint(fcntl(p.in[0], F_GETFL) & O_NONBLOCK, ==, 0);
    g_assert_cmpint(fcntl(p.out[1], F_GETFL) & O_NONBLOCK, ==, 0);
    close(p.out[0]);
    pipes_clear(&p);
}

static void test_nobody_reads(void)
{
    for (int lossy = 0; lossy < 2; lossy++) {
        Pipes p;

        pipes_init(&p, lossy);
        close(p.out[0]);
        qio_stream_write(p.f.stream, "x", 1);
        g_assert_cmpuint(p.f.nr_closed, ==, !lossy);
        g_assert_cmpint(write(p.in[1], "one\n", 4), ==, 4);
        settle(&p.f);
        expect_log(&p.f, lossy ? "[one]" : "");
        pipes_clear(&p);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN);
    g_test_add_func("/channel-stream/lines", test_lines);
    g_test_add_func("/channel-stream/bytes", test_bytes);
    g_test_add_func("/channel-stream/half a line is none", test_half_a_line);
    g_test_add_func("/channel-stream/line too long", test_too_long);
    g_test_add_func("/channel-stream/peer does not read",
                    test_peer_does_not_read);
    g_test_add_func("/channel-stream/order of output", test_order);
    g_test_add_func("/channel-stream/end of input", test_end_of_input);
    g_test_add_func("/channel-stream/peer leaves", test_peer_leaves);
    g_test_add_func("/channel-stream/held", test_held);
    g_test_add_func("/channel-stream/peer leaves while held",
                    test_peer_leaves_while_held);
    g_test_add_func("/channel-stream/flush", test_flush);
    g_test_add_func("/channel-stream/pipes", test_pipes);
    g_test_add_func("/channel-stream/nobody reads", test_nobody_reads);
    return g_test_run();
}
