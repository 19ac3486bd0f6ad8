/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that come along with bytes: through a channel, and through a
 * stream that keeps them for whoever asks.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "channel-pair.h"
#include "io/channel-buffer.h"
#include "io/channel-fds.h"
#include "io/channel-socket.h"
#include "io/channel-stream.h"
#include "qapi/error.h"

/* The kernel's own limit of a message. */
#define MOST_FDS 253

typedef struct Rig {
    QIOChannel *ioc;        /* where they come in */
    int peer;               /* a socket to send them with */
    GArray *fds;            /* what came */
    unsigned nr_before;     /* open in this process at the beginning */
} Rig;

static unsigned count_fds(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned nr = 0;

    g_assert_nonnull(dir);
    while (g_dir_read_name(dir)) {
        nr++;
    }
    return nr;
}

static void rig_init(Rig *rig)
{
    int pair[2];

    rig->nr_before = count_fds();
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                    ==, 0);
    rig->ioc = qio_channel_socket_new_fd(pair[0], NULL);
    g_assert_nonnull(rig->ioc);
    rig->peer = pair[1];
    rig->fds = g_array_new(false, false, sizeof(int));
}

/* Nothing may be open but what the test itself has closed by now. */
static void rig_done(Rig *rig)
{
    for (guint i = 0; i < rig->fds->len; i++) {
        close(g_array_index(rig->fds, int, i));
    }
    g_array_unref(rig->fds);
    qio_channel_unref(rig->ioc);
    close(rig->peer);
    g_assert_cmpuint(count_fds(), ==, rig->nr_before);
}

/* A file that is told from others by its size. */
static int new_file(off_t size)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    return fd;
}

static void assert_file(int fd, off_t size)
{
    g_assert_cmpint(lseek(fd, 0, SEEK_END), ==, size);
    g_assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* Sends text with files of the sizes @first, @first + 1, and so on. */
static void send_files(int peer, const char *text, off_t first, unsigned nr)
{
    struct iovec iov = { (void *)text, strlen(text) };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MOST_FDS * sizeof(int))];
    } control = { 0 };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = nr ? control.space : NULL,
        .msg_controllen = nr ? CMSG_SPACE(nr * sizeof(int)) : 0,
    };
    int fds[MOST_FDS];

    for (unsigned i = 0; i < nr; i++) {
        fds[i] = new_file(first + i);
    }
    if (nr) {
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
    }
    g_assert_cmpint(sendmsg(peer, &msg, 0), ==, (ssize_t)strlen(text));
    for (unsigned i = 0; i < nr; i++) {
        close(fds[i]);
    }
}

static void assert_reads(Rig *rig, const char *text)
{
    char buf[64] = "";
    struct iovec iov = { buf, sizeof(buf) - 1 };
    Error *err = NULL;
    ssize_t n = qio_channel_readv_fds(rig->ioc, &iov, 1, rig->fds, &err);

    g_assert_null(err);
    g_assert_cmpint(n, ==, (ssize_t)strlen(text));
    g_assert_cmpstr(buf, ==, text);
}

static void test_several_in_their_order(void)
{
    Rig rig;

    rig_init(&rig);
    send_files(rig.peer, "three", 10, 3);
    assert_reads(&rig, "three");
    g_assert_cmpuint(rig.fds->len, ==, 3);
    for (guint i = 0; i < 3; i++) {
        assert_file(g_array_index(rig.fds, int, i), 10 + i);
    }
    rig_done(&rig);
}

static void test_none(void)
{
    Rig rig;

    rig_init(&rig);
    send_files(rig.peer, "none", 0, 0);
    assert_reads(&rig, "none");
    g_assert_cmpuint(rig.fds->len, ==, 0);
    rig_done(&rig);
}

static void test_most(void)
{
    Rig rig;

    rig_init(&rig);
    send_files(rig.peer, "many", 1, MOST_FDS);
    assert_reads(&rig, "many");
    g_assert_cmpuint(rig.fds->len, ==, MOST_FDS);
    assert_file(g_array_index(rig.fds, int, MOST_FDS - 1), MOST_FDS);
    rig_done(&rig);
}

static void test_messages_stay_apart(void)
{
    Rig rig;

    rig_init(&rig);
    send_files(rig.peer, "one", 1, 1);
    send_files(rig.peer, "two", 2, 1);
    assert_reads(&rig, "one");
    g_assert_cmpuint(rig.fds->len, ==, 1);
    assert_reads(&rig, "two");
    g_assert_cmpuint(rig.fds->len, ==, 2);
    assert_file(g_array_index(rig.fds, int, 1), 2);
    rig_done(&rig);
}

static void test_a_plain_read_drops_them(void)
{
    char buf[8];
    Rig rig;

    rig_init(&rig);
    send_files(rig.peer, "gone", 1, 2);
    g_assert_cmpint(qio_channel_read(rig.ioc, buf, sizeof(buf), NULL), ==, 4);
    send_files(rig.peer, "here", 3, 1);
    assert_reads(&rig, "here");
    g_assert_cmpuint(rig.fds->len, ==, 1);
    rig_done(&rig);
}

/* The highest number that is open, as the limit counts them. */
static unsigned highest_fd(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    unsigned highest = 0;

    close(fd);
    for (unsigned i = 0; i < 4096; i++) {
        if (fcntl((int)i, F_GETFD) >= 0) {
            highest = i;
        }
    }
    return highest;
}

static void test_no_room_for_all(void)
{
    char buf[8];
    struct iovec iov = { buf, sizeof(buf) };
    struct rlimit before, limit;
    Error *err = NULL;
    ssize_t n;
    Rig rig;

    rig_init(&rig);
    qio_channel_set_name(rig.ioc, "QMP client");
    send_files(rig.peer, "three", 1, MOST_FDS);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    limit = before;
    limit.rlim_cur = highest_fd() + 2;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    n = qio_channel_readv_fds(rig.ioc, &iov, 1, rig.fds, &err);
    setrlimit(RLIMIT_NOFILE, &before);
    g_assert_cmpint(n, ==, -1);
    g_assert_cmpuint(rig.fds->len, ==, 0);
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "QMP client: only "));
    g_assert_nonnull(strstr(error_get_pretty(err), "ulimit -n"));
    error_free(err);
    rig_done(&rig);
}

static void test_kinds_without_descriptors(void)
{
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;
    g_autoptr(QIOChannel) memory = qio_channel_buffer_new_data("z", 1);
    GArray *fds = g_array_new(false, false, sizeof(int));
    char byte = 'x';
    struct iovec iov = { &byte, 1 };

    channel_pair_new(CHANNEL_PAIR_TCP, &a, &b);
    g_assert_true(qio_channel_write_all(a, "y", 1, NULL));
    g_assert_cmpint(qio_channel_readv_fds(b, &iov, 1, fds, NULL), ==, 1);
    g_assert_cmpint(byte, ==, 'y');
    g_assert_cmpint(qio_channel_readv_fds(memory, &iov, 1, fds, NULL), ==, 1);
    g_assert_cmpint(byte, ==, 'z');
    g_assert_cmpuint(fds->len, ==, 0);
    g_array_unref(fds);
}

/* A stream, and what its callback has heard. */
typedef struct StreamRig {
    Rig rig;
    GMainContext *context;
    QIOStream *stream;
    GString *heard;
    bool closed;
} StreamRig;

static void stream_input(const char *data, size_t len_bytes, void *opaque)
{
    StreamRig *s = opaque;

    g_string_append_len(s->heard, data, len_bytes);
}

static void stream_closed(void *opaque)
{
    StreamRig *s = opaque;

    s->closed = true;
}

static void stream_init(StreamRig *s, bool takes_fds)
{
    QIOStreamHost host = {
        .pause_bytes = 1,
        .takes_fds = takes_fds,
        .input = stream_input,
        .closed = stream_closed,
        .opaque = s,
    };

    /* Before the count: a context has descriptors of its own. */
    s->context = g_main_context_new();
    rig_init(&s->rig);
    host.context = s->context;
    s->stream = qio_stream_new(qio_channel_ref(s->rig.ioc), &host, NULL);
    g_assert_nonnull(s->stream);
    s->heard = g_string_new(NULL);
    s->closed = false;
}

static void stream_done(StreamRig *s)
{
    qio_stream_free(s->stream);
    rig_done(&s->rig);
    g_main_context_unref(s->context);
    g_string_free(s->heard, true);
}

static void stream_hear(StreamRig *s, const char *text)
{
    while (!strstr(s->heard->str, text)) {
        g_main_context_iteration(s->context, true);
    }
}

static void assert_takes(StreamRig *s, off_t size)
{
    int fd = qio_stream_take_fd(s->stream);

    g_assert_cmpint(fd, >=, 0);
    assert_file(fd, size);
    close(fd);
}

static void test_a_stream_hands_them_out_in_order(void)
{
    StreamRig s;

    stream_init(&s, true);
    g_assert_cmpint(qio_stream_take_fd(s.stream), ==, -1);
    send_files(s.rig.peer, "two", 5, 2);
    stream_hear(&s, "two");
    assert_takes(&s, 5);
    /* Bytes without any change nothing. */
    send_files(s.rig.peer, "none", 0, 0);
    stream_hear(&s, "none");
    assert_takes(&s, 6);
    g_assert_cmpint(qio_stream_take_fd(s.stream), ==, -1);
    stream_done(&s);
}

static void test_new_ones_replace_those_left_over(void)
{
    StreamRig s;

    stream_init(&s, true);
    send_files(s.rig.peer, "old", 1, 3);
    stream_hear(&s, "old");
    assert_takes(&s, 1);
    send_files(s.rig.peer, "new", 9, 1);
    stream_hear(&s, "new");
    assert_takes(&s, 9);
    g_assert_cmpint(qio_stream_take_fd(s.stream), ==, -1);
    stream_done(&s);
}

static void test_the_end_of_a_stream_closes_them(void)
{
    StreamRig s;

    stream_init(&s, true);
    send_files(s.rig.peer, "left", 1, 3);
    stream_hear(&s, "left");
    qio_stream_close(s.stream);
    g_assert_cmpint(qio_stream_take_fd(s.stream), ==, -1);
    stream_done(&s);
}

static void test_a_stream_that_takes_none(void)
{
    StreamRig s;

    stream_init(&s, false);
    send_files(s.rig.peer, "some", 1, 3);
    stream_hear(&s, "some");
    g_assert_cmpint(qio_stream_take_fd(s.stream), ==, -1);
    stream_done(&s);
}

static void test_a_stream_ends_when_some_are_lost(void)
{
    struct rlimit before, limit;
    StreamRig s;

    stream_init(&s, true);
    send_files(s.rig.peer, "lost", 1, MOST_FDS);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    limit = before;
    limit.rlim_cur = highest_fd() + 2;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    while (!s.closed) {
        g_main_context_iteration(s.context, true);
    }
    setrlimit(RLIMIT_NOFILE, &before);
    g_assert_cmpstr(s.heard->str, ==, "");
    stream_done(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel-fds/several", test_several_in_their_order);
    g_test_add_func("/channel-fds/none", test_none);
    g_test_add_func("/channel-fds/most", test_most);
    g_test_add_func("/channel-fds/messages-stay-apart",
                    test_messages_stay_apart);
    g_test_add_func("/channel-fds/plain-read", test_a_plain_read_drops_them);
    g_test_add_func("/channel-fds/no-room", test_no_room_for_all);
    g_test_add_func("/channel-fds/other-kinds",
                    test_kinds_without_descriptors);
    g_test_add_func("/channel-fds/stream/order",
                    test_a_stream_hands_them_out_in_order);
    g_test_add_func("/channel-fds/stream/replaced",
                    test_new_ones_replace_those_left_over);
    g_test_add_func("/channel-fds/stream/end",
                    test_the_end_of_a_stream_closes_them);
    g_test_add_func("/channel-fds/stream/takes-none",
                    test_a_stream_that_takes_none);
    g_test_add_func("/channel-fds/stream/some-lost",
                    test_a_stream_ends_when_some_are_lost);
    return g_test_run();
}
