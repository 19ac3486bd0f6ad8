/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands about file descriptors in one QMP session, which gets them over
 * a socket pair.  The same with a real process is tests/qtest/test-fds.py's.
 */
#include "qemu/osdep.h"

#include <sys/socket.h>

#include "io/channel-socket.h"
#include "io/fd-store.h"
#include "monitor/qmp-session.h"

typedef struct Session {
    MainLoop *loop;
    MonitorEvents *events;
    FdStore *fds;
    MonitorHost host;
    MonitorQmp *mon;
    int peer;
} Session;

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

/* The next line that the session says, without its end. */
static char *session_line(Session *s)
{
    g_autoptr(GString) line = g_string_new(NULL);

    while (!g_str_has_suffix(line->str, "\r\n")) {
        char byte;
        ssize_t n = recv(s->peer, &byte, 1, MSG_DONTWAIT);

        if (n == 1) {
            g_string_append_c(line, byte);
        } else {
            g_assert_cmpint(n, <, 0);
            g_main_context_iteration(main_loop_context(s->loop), true);
        }
    }
    g_string_truncate(line, line->len - 2);
    return g_string_free(g_steal_pointer(&line), false);
}

/* Sends text with @nr descriptors of /dev/null; the answer. */
static char *session_ask(Session *s, const char *text, unsigned nr)
{
    struct iovec iov = { (void *)text, strlen(text) };
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(4 * sizeof(int))];
    } control = { 0 };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    int fds[4];

    g_assert_cmpuint(nr, <=, ARRAY_SIZE(fds));
    for (unsigned i = 0; i < nr; i++) {
        fds[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
    }
    if (nr) {
        msg.msg_control = control.space;
        msg.msg_controllen = CMSG_SPACE(nr * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(nr * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, nr * sizeof(int));
    }
    g_assert_cmpint(sendmsg(s->peer, &msg, 0), ==, (ssize_t)strlen(text));
    for (unsigned i = 0; i < nr; i++) {
        close(fds[i]);
    }
    return session_line(s);
}

static void expect(Session *s, const char *text, unsigned nr,
                   const char *answer)
{
    g_autofree char *line = session_ask(s, text, nr);

    g_assert_cmpstr(line, ==, answer);
}

static void session_init(Session *s, bool with_store)
{
    g_autofree char *greeting = NULL;
    QIOChannel *ioc;
    int pair[2];

    s->loop = main_loop_new(NULL, NULL);
    s->events = monitor_events_new(s->loop);
    s->fds = with_store ? fd_store_new() : NULL;
    s->host = (MonitorHost) {
        .loop = s->loop,
        .events = s->events,
        .fds = s->fds,
    };
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
                    ==, 0);
    ioc = qio_channel_socket_new_fd(pair[0], NULL);
    g_assert_nonnull(ioc);
    s->peer = pair[1];
    s->mon = monitor_qmp_new(ioc, &s->host, NULL, NULL, NULL);
    g_assert_nonnull(s->mon);
    greeting = session_line(s);
    expect(s, "{\"execute\":\"qmp_capabilities\"}", 0,
           "{\"return\":{}}");
}

static void session_done(Session *s)
{
    monitor_qmp_free(s->mon);
    fd_store_free(s->fds);
    monitor_events_free(s->events);
    main_loop_free(s->loop);
    close(s->peer);
}

#define NONE_CAME \
    "{\"error\":{\"class\":\"GenericError\",\"desc\":\"No file descriptor" \
    " supplied via SCM_RIGHTS\"}}"

static void test_a_name(void)
{
    unsigned before = count_fds();
    Session s;
    int fd;

    session_init(&s, true);
    expect(&s, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"x\"}}", 0,
           NONE_CAME);
    expect(&s, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"x\"}}", 1,
           "{\"return\":{}}");
    fd = fd_store_take(s.fds, "x", NULL);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    session_done(&s);
    g_assert_cmpuint(count_fds(), ==, before);
}

static void test_a_set(void)
{
    unsigned before = count_fds();
    Session s;
    int fd;

    session_init(&s, true);
    g_free(session_ask(&s, "{\"execute\":\"add-fd\",\"arguments\":"
                       "{\"fdset-id\":4}}", 2));
    g_free(session_ask(&s, "{\"execute\":\"add-fd\",\"arguments\":"
                       "{\"fdset-id\":4}}", 0));
    expect(&s, "{\"execute\":\"add-fd\"}", 0, NONE_CAME);
    fd = fd_store_open_set(s.fds, 4, O_RDWR, NULL);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    expect(&s, "{\"execute\":\"remove-fd\",\"arguments\":{\"fdset-id\":4}}", 0,
           "{\"return\":{}}");
    expect(&s, "{\"execute\":\"query-fdsets\"}", 0, "{\"return\":[]}");
    session_done(&s);
    g_assert_cmpuint(count_fds(), ==, before);
}

/* Whatever was used, or not, or went wrong: nothing is left open. */
static void test_nothing_is_left_open(void)
{
    unsigned before = count_fds();
    Session s;

    session_init(&s, true);
    g_free(session_ask(&s, "{\"execute\":\"getfd\",\"arguments\":"
                       "{\"fdname\":\"1\"}}", 2));
    g_free(session_ask(&s, "{\"execute\":\"add-fd\",\"arguments\":"
                       "{\"fdset-id\":-1}}", 3));
    g_free(session_ask(&s, "{\"execute\":\"add-fd\"}", 4));
    g_free(session_ask(&s, "{\"execute\":\"none-such\"}", 4));
    g_free(session_ask(&s, "]", 3));
    session_done(&s);
    g_assert_cmpuint(count_fds(), ==, before);
}

static void test_without_a_store(void)
{
    unsigned before = count_fds();
    Session s;

    session_init(&s, false);
    expect(&s, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"x\"}}", 1,
           "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"The command"
           " getfd has not been found\"}}");
    session_done(&s);
    g_assert_cmpuint(count_fds(), ==, before);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/monitor-fds/name", test_a_name);
    g_test_add_func("/monitor-fds/set", test_a_set);
    g_test_add_func("/monitor-fds/nothing-left",
                    test_nothing_is_left_open);
    g_test_add_func("/monitor-fds/without-store", test_without_a_store);
    return g_test_run();
}
