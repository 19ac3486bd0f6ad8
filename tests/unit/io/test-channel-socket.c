/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket channels: connecting and its ends, shutdown that wakes blocked
 * threads, non-blocking use, watches.
 */
#include "qemu/osdep.h"
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "channel-pair.h"
#include "io/address.h"
#include "io/channel-socket.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "thread-state.h"

/* A thread that blocks in a channel, and how it came out. */
typedef struct Blocked {
    QIOChannel *ioc;
    int tid;
    int ret;
    Error *err;
} Blocked;

static void *read_thread(void *opaque)
{
    Blocked *b = opaque;
    char byte;

    qatomic_set(&b->tid, qemu_get_thread_id());
    b->ret = qio_channel_read_all_eof(b->ioc, &byte, 1, &b->err);
    return NULL;
}

static void *write_thread(void *opaque)
{
    static const char block[65536];
    Blocked *b = opaque;

    qatomic_set(&b->tid, qemu_get_thread_id());
    while (qio_channel_write_all(b->ioc, block, sizeof(block), &b->err)) {
        /* until the kernel takes no more, and then until the shutdown */
    }
    return NULL;
}

static void shutdown_wakes(ChannelPairKind kind, void *(*func)(void *),
                           Blocked *b)
{
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) other = NULL;
    QemuThread thread;

    channel_pair_new(kind, &a, &other);
    qio_channel_set_name(a, "multifd channel 7");
    b->ioc = a;
    qemu_thread_create(&thread, "blocked", func, b, QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&b->tid);
    qio_channel_shutdown(a, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&thread);
}

static void test_shutdown_wakes_reader(const void *opaque)
{
    Blocked b = { 0 };

    shutdown_wakes(GPOINTER_TO_INT(opaque), read_thread, &b);
    g_assert_cmpint(b.ret, ==, 0);
    g_assert_null(b.err);
}

static void test_shutdown_wakes_writer(const void *opaque)
{
    Blocked b = { 0 };

    shutdown_wakes(GPOINTER_TO_INT(opaque), write_thread, &b);
    g_assert_nonnull(b.err);
    g_assert_cmpstr(error_get_pretty(b.err), ==, "multifd channel 7: cannot "
                    "write: the channel was shut down");
    error_free(b.err);
}

/* tcp hands out what arrives after shutdown(2) of the reading side. */
static void test_shutdown_read_stays(const void *opaque)
{
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;
    char byte;

    channel_pair_new(GPOINTER_TO_INT(opaque), &a, &b);
    qio_channel_shutdown(a, QIO_CHANNEL_SHUTDOWN_READ);
    /* unix sockets refuse this write, tcp ones do not */
    qio_channel_write_all(b, "x", 1, NULL);
    g_assert_cmpint(qio_channel_read(a, &byte, 1, NULL), ==, 0);
}

/* A peer that leaves is an error of the writer, not a signal. */
static void test_write_to_a_closed_peer(const void *opaque)
{
    g_autoptr(QIOChannel) a = NULL;
    QIOChannel *b = NULL;
    Error *err = NULL;

    channel_pair_new(GPOINTER_TO_INT(opaque), &a, &b);
    qio_channel_unref(b);
    while (qio_channel_write_all(a, "x", 1, &err)) {
        /* tcp learns of it with the answer to the first byte */
    }
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "socket: cannot write: "));
    error_free(err);
}

static void test_non_blocking(const void *opaque)
{
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;
    Error *err = NULL;
    char byte;

    channel_pair_new(GPOINTER_TO_INT(opaque), &a, &b);
    g_assert_true(qio_channel_set_blocking(a, false, &err));
    g_assert_cmpint(qio_channel_read(a, &byte, 1, &err), ==,
                    QIO_CHANNEL_ERR_BLOCK);
    while (qio_channel_writev(a, &(struct iovec){ &byte, 1 }, 1, &err) !=
           QIO_CHANNEL_ERR_BLOCK) {
        g_assert_null(err);
    }
    g_assert_true(qio_channel_set_blocking(a, true, &err));
    g_assert_true(qio_channel_write_all(b, "x", 1, &err));
    g_assert_true(qio_channel_read_all(a, &byte, 1, &err));
    g_assert_null(err);
}

static void test_tcp_options(void)
{
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;
    int fd, value;
    socklen_t len = sizeof(value);

    channel_pair_new(CHANNEL_PAIR_TCP, &a, &b);
    fd = qio_channel_get_fd(a);
    g_assert_cmpint(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), ==,
                    0);
    g_assert_cmpint(value, ==, 1);
    g_assert_cmpint(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len), ==,
                    0);
    g_assert_cmpint(value, ==, 1);
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, 0);
    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
}

static void test_fd_that_is_no_socket(void)
{
    AUTO_FD int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    g_autofree char *text = g_strdup_printf("file descriptor %d is not a "
                                            "stream socket", fd);
    Error *err = NULL;

    g_assert_null(qio_channel_socket_new_fd(fd, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, text);
    error_free(err);
    /* still the caller's */
    g_assert_cmpint(fcntl(fd, F_GETFD), >=, 0);
}

static void test_datagram_socket(void)
{
    AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    Error *err = NULL;

    g_assert_null(qio_channel_socket_new_fd(fd, &err));
    g_assert_nonnull(err);
    error_free(err);
}

/* A port on 127.0.0.1 with a backlog of @backlog; nobody accepts. */
static GSocket *tcp_server_new(int backlog, SocketAddress **addr)
{
    g_autoptr(GInetAddress) loopback =
        g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocketAddress) bound = NULL;
    GSocket *server;

    server = g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                          G_SOCKET_PROTOCOL_DEFAULT, NULL);
    g_socket_set_listen_backlog(server, backlog);
    g_assert_true(g_socket_bind(server, any, false, NULL));
    g_assert_true(g_socket_listen(server, NULL));
    bound = g_socket_get_local_address(server, NULL);
    *addr = socket_address_from_gio(bound, NULL);
    return server;
}

static void test_connect_moves_bytes(void)
{
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(GSocket) server = tcp_server_new(1, &addr);
    g_autoptr(GSocket) accepted = NULL;
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;
    Error *err = NULL;
    char buf[5];

    a = qio_channel_socket_connect(addr, NULL, &err);
    g_assert_nonnull(a);
    accepted = g_socket_accept(server, NULL, NULL);
    b = qio_channel_socket_new(accepted, &err);
    g_assert_nonnull(b);
    /* The channel lives on without the GSocket it was made of. */
    g_assert_true(g_socket_close(accepted, NULL));
    g_assert_true(qio_channel_write_all(a, "hello", 5, &err));
    g_assert_true(qio_channel_read_all(b, buf, 5, &err));
    g_assert_cmpmem(buf, 5, "hello", 5);
}

static void test_connect_by_name(void)
{
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(GSocket) server = tcp_server_new(1, &addr);
    g_autoptr(QIOChannel) ioc = NULL;
    Error *err = NULL;

    g_assert_nonnull(server);
    /* The server is on one of the two addresses that the name stands for. */
    g_free(addr->u.inet.host);
    addr->u.inet.host = g_strdup("localhost");
    ioc = qio_channel_socket_connect(addr, NULL, &err);
    g_assert_nonnull(ioc);
    g_assert_null(err);
}

static void assert_connect_fails(const SocketAddress *addr, const char *text)
{
    Error *err = NULL;

    g_assert_null(qio_channel_socket_connect(addr, NULL, &err));
    g_assert_nonnull(err);
    g_assert_cmpstr(error_get_pretty(err), ==, text);
    error_free(err);
}

static void test_connect_family_excluded(void)
{
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(GSocket) server = tcp_server_new(1, &addr);
    g_autofree char *text = g_strdup_printf(
        "cannot connect to 'tcp:127.0.0.1:%s': the host has no address of "
        "that family", addr->u.inet.port);

    g_assert_nonnull(server);
    addr->u.inet.has_ipv6 = true;
    addr->u.inet.ipv6 = true;
    assert_connect_fails(addr, text);
}

static void test_connect_refused(void)
{
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(GSocket) server = tcp_server_new(1, &addr);
    g_autofree char *text = g_strdup_printf(
        "cannot connect to 'tcp:127.0.0.1:%s': Connection refused",
        addr->u.inet.port);

    g_assert_true(g_socket_close(server, NULL));
    assert_connect_fails(addr, text);
}

static void test_connect_to_port_zero(void)
{
    g_autoptr(SocketAddress) addr = socket_address_parse("tcp:127.0.0.1:0",
                                                         NULL);

    assert_connect_fails(addr, "cannot connect to 'tcp:127.0.0.1:0': port 0 "
                         "is for listening; give the port that the peer "
                         "listens on");
}

static void test_connect_to_missing_path(void)
{
    g_autoptr(SocketAddress) addr = socket_address_parse(
        "unix:/nonexistent/socket", NULL);

    assert_connect_fails(addr, "cannot connect to 'unix:/nonexistent/socket': "
                         "No such file or directory");
}

typedef struct Connect {
    const SocketAddress *addr;
    GCancellable *cancellable;
    int tid;
    QIOChannel *ioc;
    Error *err;
} Connect;

static void *connect_thread(void *opaque)
{
    Connect *c = opaque;

    qatomic_set(&c->tid, qemu_get_thread_id());
    c->ioc = qio_channel_socket_connect(c->addr, c->cancellable, &c->err);
    return NULL;
}

static void connect_and_cancel(const SocketAddress *addr)
{
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    Connect c = { .addr = addr, .cancellable = cancellable };
    QemuThread thread;

    /*
     * The descriptor inside is made here, not by the thread: thread sanitizers
     * do not see the lock in GIO that orders its making before its use.
     */
    g_assert_cmpint(g_cancellable_get_fd(cancellable), >=, 0);
    qemu_thread_create(&thread, "connect", connect_thread, &c,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&c.tid);
    g_cancellable_cancel(cancellable);
    qemu_thread_join(&thread);
    g_cancellable_release_fd(cancellable);
    g_assert_null(c.ioc);
    g_assert_nonnull(c.err);
    g_assert_nonnull(strstr(error_get_pretty(c.err), "cancelled"));
    error_free(c.err);
}

/*
 * Connections that wait in a backlog until it is full and further ones stay
 * without an answer: how a peer stalls before it is connected.
 */
static GPtrArray *fill_tcp_backlog(GSocket *server)
{
    g_autoptr(GSocketAddress) to = g_socket_get_local_address(server, NULL);
    GPtrArray *waiting = g_ptr_array_new_with_free_func(g_object_unref);

    /* Over loopback a connect is complete, or left waiting, on return. */
    for (bool full = false; !full; ) {
        GSocket *socket = g_socket_new(G_SOCKET_FAMILY_IPV4,
                                       G_SOCKET_TYPE_STREAM,
                                       G_SOCKET_PROTOCOL_DEFAULT, NULL);
        struct tcp_info info;
        socklen_t len = sizeof(info);

        g_socket_set_blocking(socket, false);
        g_socket_connect(socket, to, NULL, NULL);
        g_ptr_array_add(waiting, socket);
        g_assert_cmpint(getsockopt(g_socket_get_fd(socket), IPPROTO_TCP,
                                   TCP_INFO, &info, &len), ==, 0);
        full = info.tcpi_state == TCP_SYN_SENT;
        g_assert_cmpuint(waiting->len, <, 1000);
    }
    return waiting;
}

static void test_cancel_tcp_connect(void)
{
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(GSocket) server = tcp_server_new(0, &addr);
    g_autoptr(GPtrArray) waiting = fill_tcp_backlog(server);

    g_assert_cmpuint(waiting->len, >, 0);
    connect_and_cancel(addr);
}

static void test_cancelled_before(void)
{
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(GSocket) server = tcp_server_new(1, &addr);
    g_autoptr(GCancellable) cancellable = g_cancellable_new();

    g_assert_nonnull(server);
    g_cancellable_cancel(cancellable);
    g_assert_null(qio_channel_socket_connect(addr, cancellable, NULL));
}

/* A unix listener with a full backlog, in a directory of its own. */
typedef struct FullUnix {
    char *dir;
    SocketAddress *addr;
    GSocket *server;
    GPtrArray *waiting;
} FullUnix;

static void full_unix_init(FullUnix *f)
{
    g_autoptr(GSocketAddress) gaddr = NULL;
    g_autofree char *path = NULL;
    bool room = true;

    f->dir = g_dir_make_tmp("wherry-test-XXXXXX", NULL);
    path = g_build_filename(f->dir, "s", NULL);
    gaddr = g_unix_socket_address_new(path);
    f->addr = socket_address_from_gio(gaddr, NULL);
    f->server = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
                             G_SOCKET_PROTOCOL_DEFAULT, NULL);
    g_socket_set_listen_backlog(f->server, 0);
    g_assert_true(g_socket_bind(f->server, gaddr, false, NULL));
    g_assert_true(g_socket_listen(f->server, NULL));
    f->waiting = g_ptr_array_new_with_free_func(g_object_unref);
    while (room) {
        GSocket *socket = g_socket_new(G_SOCKET_FAMILY_UNIX,
                                       G_SOCKET_TYPE_STREAM,
                                       G_SOCKET_PROTOCOL_DEFAULT, NULL);

        g_socket_set_blocking(socket, false);
        room = g_socket_connect(socket, gaddr, NULL, NULL);
        g_ptr_array_add(f->waiting, socket);
    }
}

static void full_unix_clear(FullUnix *f)
{
    g_object_unref(f->server);
    g_ptr_array_unref(f->waiting);
    g_unlink(f->addr->u.q_unix.path);
    g_rmdir(f->dir);
    g_free(f->dir);
    qapi_free_SocketAddress(f->addr);
}

static void test_cancel_unix_connect(void)
{
    FullUnix f;

    full_unix_init(&f);
    connect_and_cancel(f.addr);
    full_unix_clear(&f);
}

static void test_full_unix_backlog_is_waited_for(void)
{
    FullUnix f;
    Connect c = { 0 };
    QemuThread thread;

    full_unix_init(&f);
    c.addr = f.addr;
    qemu_thread_create(&thread, "connect", connect_thread, &c,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&c.tid);
    g_object_unref(g_socket_accept(f.server, NULL, NULL));
    qemu_thread_join(&thread);
    g_assert_nonnull(c.ioc);
    qio_channel_unref(c.ioc);
    full_unix_clear(&f);
}

typedef struct Watched {
    GMainLoop *loop;
    unsigned nr_calls;
    unsigned stop_after;
} Watched;

static gboolean watched(QIOChannel *ioc, GIOCondition condition, void *opaque)
{
    Watched *w = opaque;
    char byte;

    g_assert_true(condition & G_IO_IN);
    g_assert_true(qio_channel_read_all(ioc, &byte, 1, NULL));
    if (++w->nr_calls == w->stop_after) {
        g_main_loop_quit(w->loop);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void test_watch(void)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(GMainLoop) loop = g_main_loop_new(context, false);
    g_autoptr(QIOChannel) a = NULL;
    QIOChannel *b = NULL;
    Watched w = { .loop = loop, .stop_after = 2 };
    GSource *source;
    char byte;

    channel_pair_new(CHANNEL_PAIR_UNIX, &a, &b);
    source = qio_channel_add_watch(b, context, G_IO_IN, watched, &w);
    /* The watch keeps it. */
    qio_channel_unref(b);
    g_assert_true(qio_channel_write_all(a, "xy", 2, NULL));
    g_main_loop_run(loop);
    g_assert_cmpuint(w.nr_calls, ==, 2);
    g_assert_true(g_source_is_destroyed(source));
    g_source_unref(source);
    /* Its reference was the last, so the peer sees the end. */
    g_assert_cmpint(qio_channel_read(a, &byte, 1, NULL), ==, 0);
}

static void add_both(const char *path, GTestDataFunc func)
{
    g_autofree char *unix_path = g_strconcat("/channel-socket/unix/", path,
                                             NULL);
    g_autofree char *tcp_path = g_strconcat("/channel-socket/tcp/", path,
                                            NULL);

    g_test_add_data_func(unix_path, GINT_TO_POINTER(CHANNEL_PAIR_UNIX), func);
    g_test_add_data_func(tcp_path, GINT_TO_POINTER(CHANNEL_PAIR_TCP), func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_both("shutdown-wakes-a-blocked-reader", test_shutdown_wakes_reader);
    add_both("shutdown-wakes-a-blocked-writer", test_shutdown_wakes_writer);
    add_both("reading-stays-shut", test_shutdown_read_stays);
    add_both("write-to-a-closed-peer-is-an-error",
             test_write_to_a_closed_peer);
    add_both("non-blocking", test_non_blocking);
    g_test_add_func("/channel-socket/tcp/options", test_tcp_options);
    g_test_add_func("/channel-socket/fd-that-is-no-socket",
                    test_fd_that_is_no_socket);
    g_test_add_func("/channel-socket/datagram-socket", test_datagram_socket);
    g_test_add_func("/channel-socket/connect/moves-bytes",
                    test_connect_moves_bytes);
    g_test_add_func("/channel-socket/connect/by-name", test_connect_by_name);
    g_test_add_func("/channel-socket/connect/family-excluded",
                    test_connect_family_excluded);
    g_test_add_func("/channel-socket/connect/refused", test_connect_refused);
    g_test_add_func("/channel-socket/connect/port-zero",
                    test_connect_to_port_zero);
    g_test_add_func("/channel-socket/connect/missing-path",
                    test_connect_to_missing_path);
    g_test_add_func("/channel-socket/connect/cancel-tcp",
                    test_cancel_tcp_connect);
    g_test_add_func("/channel-socket/connect/cancelled-before",
                    test_cancelled_before);
    g_test_add_func("/channel-socket/connect/cancel-unix",
                    test_cancel_unix_connect);
    g_test_add_func("/channel-socket/connect/full-unix-backlog-is-waited-for",
                    test_full_unix_backlog_is_waited_for);
    g_test_add_func("/channel-socket/watch", test_watch);
    return g_test_run();
}
