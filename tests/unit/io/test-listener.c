/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listeners: addresses and ports, unix paths and who owns them, accepting and
 * not accepting.
 */
#include "qemu/osdep.h"
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include "io/address.h"
#include "io/channel-socket.h"
#include "io/listener.h"
#include "qapi/error.h"

typedef struct Fixture {
    GMainContext *context;
    char *dir;                  /* for unix paths */
    GPtrArray *accepted;        /* of QIOChannel */
    bool free_listener;         /* from inside the accept function */
} Fixture;

static void fixture_init(Fixture *f)
{
    f->context = g_main_context_new();
    f->dir = g_dir_make_tmp("wherry-test-XXXXXX", NULL);
    f->accepted = g_ptr_array_new_with_free_func(
        (GDestroyNotify)qio_channel_unref);
    f->free_listener = false;
}

static void fixture_clear(Fixture *f)
{
    g_ptr_array_unref(f->accepted);
    g_main_context_unref(f->context);
    /* Fails when a listener has left its path behind. */
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->dir);
}

static SocketAddress *unix_address(Fixture *f)
{
    g_autofree char *uri = g_strdup_printf("unix:%s/s", f->dir);

    return socket_address_parse(uri, NULL);
}

static void accepted(QIOListener *listener, QIOChannel *ioc, void *opaque)
{
    Fixture *f = opaque;

    g_ptr_array_add(f->accepted, ioc);
    if (f->free_listener) {
        qio_listener_free(listener);
    }
}

static QIOListener *listen_on(Fixture *f, const SocketAddress *addr)
{
    Error *err = NULL;
    QIOListener *listener = qio_listener_new(addr, 8, f->context, accepted, f,
                                             &err);

    if (!listener) {
        g_error("%s", error_get_pretty(err));
    }
    return listener;
}

static QIOListener *listen_on_uri(Fixture *f, const char *uri)
{
    g_autoptr(SocketAddress) addr = socket_address_parse(uri, NULL);

    g_assert_nonnull(addr);
    return listen_on(f, addr);
}

/* The sentence names the address and the reason; GIO words what is between. */
static void assert_refused(const SocketAddress *addr, const char *reason)
{
    g_autofree char *uri = socket_address_to_uri(addr);
    g_autofree char *begin = g_strdup_printf("cannot listen on '%s': ", uri);
    Error *err = NULL;

    g_assert_null(qio_listener_new(addr, 1, NULL, accepted, NULL, &err));
    g_assert_nonnull(err);
    g_test_message("%s", error_get_pretty(err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err), begin));
    g_assert_true(g_str_has_suffix(error_get_pretty(err), reason));
    error_free(err);
}

/* Runs the loop until there are @nr connections; each wait has an event. */
static void run_until_accepted(Fixture *f, guint nr)
{
    while (f->accepted->len < nr) {
        g_main_context_iteration(f->context, true);
    }
}

/* Connects to each address of the listener, and says hello over each. */
static void assert_all_reachable(Fixture *f, QIOListener *listener)
{
    g_autoptr(SocketAddressList) list = qio_listener_addresses(listener);

    for (SocketAddressList *at = list; at; at = at->next) {
        g_autoptr(QIOChannel) ioc = NULL;
        Error *err = NULL;
        char buf[5];

        ioc = qio_channel_socket_connect(at->value, NULL, &err);
        g_assert_null(err);
        run_until_accepted(f, f->accepted->len + 1);
        g_assert_true(qio_channel_write_all(ioc, "hello", 5, NULL));
        g_assert_true(qio_channel_read_all(
            g_ptr_array_index(f->accepted, f->accepted->len - 1), buf, 5,
            NULL));
        g_assert_cmpmem(buf, 5, "hello", 5);
    }
}

static bool host_has_ipv6(void)
{
    g_autoptr(GInetAddress) loopback =
        g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV6);
    g_autoptr(GSocketAddress) gaddr = g_inet_socket_address_new(loopback, 0);
    g_autoptr(GSocket) socket = g_socket_new(
        G_SOCKET_FAMILY_IPV6, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
        NULL);

    return socket && g_socket_bind(socket, gaddr, false, NULL);
}

static void test_port_zero_ipv4(void)
{
    Fixture f;
    g_autoptr(QIOListener) listener = NULL;
    g_autoptr(SocketAddressList) list = NULL;

    fixture_init(&f);
    listener = listen_on_uri(&f, "tcp:127.0.0.1:0");
    list = qio_listener_addresses(listener);
    g_assert_null(list->next);
    g_assert_cmpstr(list->value->u.inet.host, ==, "127.0.0.1");
    g_assert_cmpint(socket_address_port(list->value, NULL), >, 0);
    assert_all_reachable(&f, listener);
    fixture_clear(&f);
}

/* Any address, as people write it who are used to QEMU. */
static void test_port_zero_short(void)
{
    Fixture f;
    g_autoptr(QIOListener) listener = NULL;
    g_autoptr(SocketAddressList) list = NULL;

    fixture_init(&f);
    listener = listen_on_uri(&f, "tcp:0:0");
    list = qio_listener_addresses(listener);
    g_assert_null(list->next);
    g_assert_cmpstr(list->value->u.inet.host, ==, "0.0.0.0");
    assert_all_reachable(&f, listener);
    fixture_clear(&f);
}

static void test_port_zero_ipv6(void)
{
    Fixture f;
    g_autoptr(QIOListener) listener = NULL;
    g_autoptr(SocketAddressList) list = NULL;

    if (!host_has_ipv6()) {
        g_test_skip("this host has no IPv6 loopback address");
        return;
    }
    fixture_init(&f);
    listener = listen_on_uri(&f, "tcp:[::1]:0");
    list = qio_listener_addresses(listener);
    g_assert_null(list->next);
    g_assert_cmpstr(list->value->u.inet.host, ==, "::1");
    assert_all_reachable(&f, listener);
    fixture_clear(&f);
}

static void test_port_zero_name(void)
{
    Fixture f;
    g_autoptr(QIOListener) listener = NULL;
    g_autoptr(SocketAddressList) list = NULL;

    fixture_init(&f);
    listener = listen_on_uri(&f, "tcp:localhost:0");
    list = qio_listener_addresses(listener);
    g_assert_nonnull(list);
    g_assert_cmpint(list->next != NULL, ==, host_has_ipv6());
    if (list->next) {
        g_assert_cmpstr(list->value->u.inet.host, !=,
                        list->next->value->u.inet.host);
        g_assert_cmpstr(list->value->u.inet.port, ==,
                        list->next->value->u.inet.port);
    }
    assert_all_reachable(&f, listener);
    fixture_clear(&f);
}

static void test_any_address(void)
{
    Fixture f;
    g_autoptr(QIOListener) listener = NULL;
    g_autoptr(SocketAddressList) list = NULL;
    g_autofree char *ipv4 = NULL;
    g_autofree char *ipv6 = NULL;
    g_autoptr(SocketAddress) by_ipv4 = NULL;
    g_autoptr(SocketAddress) by_ipv6 = NULL;
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;

    if (!host_has_ipv6()) {
        g_test_skip("this host has no IPv6 loopback address");
        return;
    }
    fixture_init(&f);
    listener = listen_on_uri(&f, "tcp::0");
    list = qio_listener_addresses(listener);
    ipv4 = g_strdup_printf("127.0.0.1:%s", list->value->u.inet.port);
    ipv6 = g_strdup_printf("[::1]:%s", list->value->u.inet.port);
    by_ipv4 = socket_address_parse_inet(ipv4, NULL);
    by_ipv6 = socket_address_parse_inet(ipv6, NULL);
    a = qio_channel_socket_connect(by_ipv4, NULL, NULL);
    b = qio_channel_socket_connect(by_ipv6, NULL, NULL);
    g_assert_nonnull(a);
    g_assert_nonnull(b);
    run_until_accepted(&f, 2);
    fixture_clear(&f);
}

static void test_any_address_of_one_family(void)
{
    Fixture f;
    g_autoptr(QIOListener) listener = NULL;
    g_autoptr(SocketAddressList) list = NULL;

    fixture_init(&f);
    listener = listen_on_uri(&f, "tcp::0,ipv4=on");
    list = qio_listener_addresses(listener);
    g_assert_null(list->next);
    g_assert_cmpstr(list->value->u.inet.host, ==, "0.0.0.0");
    fixture_clear(&f);
}

static void test_port_in_use(void)
{
    Fixture f;
    g_autoptr(QIOListener) listener = NULL;
    g_autoptr(SocketAddressList) list = NULL;

    fixture_init(&f);
    listener = listen_on_uri(&f, "tcp:127.0.0.1:0");
    list = qio_listener_addresses(listener);
    assert_refused(list->value, "Address already in use");
    fixture_clear(&f);
}

static void test_foreign_address(void)
{
    g_autoptr(SocketAddress) addr = socket_address_parse("tcp:192.0.2.1:0",
                                                         NULL);

    assert_refused(addr, "Cannot assign requested address");
}

static void test_unix_path_comes_and_goes(void)
{
    Fixture f;
    g_autoptr(SocketAddress) addr = NULL;
    QIOListener *listener;

    fixture_init(&f);
    addr = unix_address(&f);
    listener = listen_on(&f, addr);
    assert_all_reachable(&f, listener);
    qio_listener_free(listener);
    g_assert_false(g_file_test(addr->u.q_unix.path, G_FILE_TEST_EXISTS));
    fixture_clear(&f);
}

/* A socket in the file system that nobody listens on. */
static void make_stale(const char *path)
{
    g_autoptr(GSocketAddress) gaddr = g_unix_socket_address_new(path);
    g_autoptr(GSocket) socket = g_socket_new(
        G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
        NULL);

    g_assert_true(g_socket_bind(socket, gaddr, false, NULL));
    g_assert_true(g_socket_listen(socket, NULL));
}

static void test_stale_path_is_taken_over(void)
{
    Fixture f;
    g_autoptr(SocketAddress) addr = NULL;
    QIOListener *listener;

    fixture_init(&f);
    addr = unix_address(&f);
    make_stale(addr->u.q_unix.path);
    listener = listen_on(&f, addr);
    assert_all_reachable(&f, listener);
    qio_listener_free(listener);
    fixture_clear(&f);
}

static void test_living_path_is_refused(void)
{
    Fixture f;
    g_autoptr(SocketAddress) addr = NULL;
    QIOListener *listener;

    fixture_init(&f);
    addr = unix_address(&f);
    listener = listen_on(&f, addr);
    assert_refused(addr, "another process listens there");
    /* The one that was asked whether it lives saw that, and goes on. */
    run_until_accepted(&f, 1);
    assert_all_reachable(&f, listener);
    qio_listener_free(listener);
    fixture_clear(&f);
}

static void test_other_file_is_refused(void)
{
    Fixture f;
    g_autoptr(SocketAddress) addr = NULL;

    fixture_init(&f);
    addr = unix_address(&f);
    g_assert_true(g_file_set_contents(addr->u.q_unix.path, "x", 1, NULL));
    assert_refused(addr, "a file that is no socket has this name");
    g_assert_cmpint(g_unlink(addr->u.q_unix.path), ==, 0);
    fixture_clear(&f);
}

static void test_path_of_another_stays(void)
{
    Fixture f;
    g_autoptr(SocketAddress) addr = NULL;
    QIOListener *first, *second;

    fixture_init(&f);
    addr = unix_address(&f);
    first = listen_on(&f, addr);
    g_assert_cmpint(g_unlink(addr->u.q_unix.path), ==, 0);
    second = listen_on(&f, addr);
    qio_listener_free(first);
    assert_all_reachable(&f, second);
    qio_listener_free(second);
    fixture_clear(&f);
}

static void test_not_accepting(void)
{
    Fixture f;
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(QIOChannel) ioc = NULL;
    QIOListener *listener;

    fixture_init(&f);
    addr = unix_address(&f);
    listener = listen_on(&f, addr);
    qio_listener_set_accepting(listener, false);
    qio_listener_set_accepting(listener, false);
    ioc = qio_channel_socket_connect(addr, NULL, NULL);
    g_assert_nonnull(ioc);
    /* The connection stands in the backlog, and nothing wakes the loop. */
    g_assert_false(g_main_context_iteration(f.context, false));
    g_assert_cmpuint(f.accepted->len, ==, 0);
    qio_listener_set_accepting(listener, true);
    run_until_accepted(&f, 1);
    qio_listener_free(listener);
    fixture_clear(&f);
}

static void test_freed_from_inside(void)
{
    Fixture f;
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;

    fixture_init(&f);
    f.free_listener = true;
    addr = unix_address(&f);
    listen_on(&f, addr);
    a = qio_channel_socket_connect(addr, NULL, NULL);
    b = qio_channel_socket_connect(addr, NULL, NULL);
    g_assert_nonnull(a);
    g_assert_nonnull(b);
    run_until_accepted(&f, 1);
    while (g_main_context_iteration(f.context, false)) {
        /* nothing may be left that dispatches */
    }
    g_assert_cmpuint(f.accepted->len, ==, 1);
    g_assert_false(g_file_test(addr->u.q_unix.path, G_FILE_TEST_EXISTS));
    fixture_clear(&f);
}

/*
 * Without descriptors the connection waits, and the loop does not spin on it:
 * there is nothing to dispatch until the pause is over.
 */
static void test_out_of_descriptors(void)
{
    Fixture f;
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(QIOChannel) ioc = NULL;
    QIOListener *listener;
    struct rlimit old, low;
    int next;

    fixture_init(&f);
    addr = unix_address(&f);
    listener = listen_on(&f, addr);
    ioc = qio_channel_socket_connect(addr, NULL, NULL);
    next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(next);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
    low = old;
    low.rlim_cur = next;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &low), ==, 0);
    g_assert_true(g_main_context_iteration(f.context, true));
    g_assert_false(g_main_context_iteration(f.context, false));
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);
    g_assert_cmpuint(f.accepted->len, ==, 0);
    run_until_accepted(&f, 1);
    qio_listener_free(listener);
    fixture_clear(&f);
}

/* Made by somebody else, whose path stays. */
static void test_descriptor_that_listens(void)
{
    Fixture f;
    g_autoptr(SocketAddress) addr = NULL;
    g_autoptr(QIOListener) listener = NULL;
    g_autoptr(GSocketConnectable) gaddr = NULL;
    g_autoptr(GSocket) socket = NULL;

    fixture_init(&f);
    addr = unix_address(&f);
    gaddr = socket_address_to_gio(addr, NULL);
    socket = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
                          G_SOCKET_PROTOCOL_DEFAULT, NULL);
    g_assert_true(g_socket_bind(socket, G_SOCKET_ADDRESS(gaddr), true, NULL));
    g_assert_true(g_socket_listen(socket, NULL));
    listener = qio_listener_new_fd(dup(g_socket_get_fd(socket)), f.context,
                                   accepted, &f, NULL);
    g_assert_nonnull(listener);
    assert_all_reachable(&f, listener);
    g_clear_pointer(&listener, qio_listener_free);
    g_assert_cmpint(g_unlink(addr->u.q_unix.path), ==, 0);
    fixture_clear(&f);
}

static void test_descriptor_that_does_not_listen(void)
{
    AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_autofree char *expected = g_strdup_printf(
        "file descriptor %d is no socket that listens", fd);
    Error *err = NULL;

    g_assert_null(qio_listener_new_fd(fd, NULL, accepted, NULL, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, expected);
    error_free(err);
}

/* Whether this kernel takes a connection from itself; why not, is printed. */
static bool vsock_answers(uint32_t port)
{
    AUTO_FD int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_vm native = {
        .svm_family = AF_VSOCK,
        .svm_cid = VMADDR_CID_LOCAL,
        .svm_port = port,
    };

    if (connect(fd, (struct sockaddr *)&native, sizeof(native)) < 0) {
        g_autofree char *reason = g_strdup_printf(
            "no vsock connection to this host itself: %s", g_strerror(errno));

        g_test_skip(reason);
        return false;
    }
    return true;
}

static void test_vsock(void)
{
    g_autoptr(SocketAddress) any = socket_address_parse(
        "vsock:4294967295:4294967295", NULL);
    g_autoptr(QIOListener) listener = NULL;
    g_autoptr(SocketAddressList) list = NULL;
    g_autoptr(QIOChannel) ioc = NULL;
    Fixture f;

    fixture_init(&f);
    listener = qio_listener_new(any, 8, f.context, accepted, &f, NULL);
    if (!listener) {
        g_test_skip("this kernel has no vsock");
        fixture_clear(&f);
        return;
    }
    list = qio_listener_addresses(listener);
    g_assert_cmpint(list->value->type, ==, SOCKET_ADDRESS_TYPE_VSOCK);
    g_assert_cmpstr(list->value->u.vsock.cid, ==, "4294967295");
    g_assert_cmpstr(list->value->u.vsock.port, !=, "4294967295");
    if (vsock_answers((uint32_t)g_ascii_strtoull(list->value->u.vsock.port,
                                                 NULL, 10))) {
        g_free(list->value->u.vsock.cid);
        list->value->u.vsock.cid = g_strdup("1");
        ioc = qio_channel_socket_connect(list->value, NULL, NULL);
        g_assert_nonnull(ioc);
        run_until_accepted(&f, 2);
        g_assert_true(qio_channel_write_all(ioc, "x", 1, NULL));
    }
    fixture_clear(&f);
}

static void test_null_is_accepted(void)
{
    qio_listener_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/listener/port-zero/ipv4", test_port_zero_ipv4);
    g_test_add_func("/listener/port-zero/short-number", test_port_zero_short);
    g_test_add_func("/listener/port-zero/ipv6", test_port_zero_ipv6);
    g_test_add_func("/listener/port-zero/name", test_port_zero_name);
    g_test_add_func("/listener/any-address", test_any_address);
    g_test_add_func("/listener/any-address-of-one-family",
                    test_any_address_of_one_family);
    g_test_add_func("/listener/port-in-use", test_port_in_use);
    g_test_add_func("/listener/foreign-address", test_foreign_address);
    g_test_add_func("/listener/unix/comes-and-goes",
                    test_unix_path_comes_and_goes);
    g_test_add_func("/listener/unix/stale-path-is-taken-over",
                    test_stale_path_is_taken_over);
    g_test_add_func("/listener/unix/living-path-is-refused",
                    test_living_path_is_refused);
    g_test_add_func("/listener/unix/other-file-is-refused",
                    test_other_file_is_refused);
    g_test_add_func("/listener/unix/path-of-another-stays",
                    test_path_of_another_stays);
    g_test_add_func("/listener/not-accepting", test_not_accepting);
    g_test_add_func("/listener/freed-from-inside", test_freed_from_inside);
    g_test_add_func("/listener/out-of-descriptors", test_out_of_descriptors);
    g_test_add_func("/listener/descriptor-that-listens",
                    test_descriptor_that_listens);
    g_test_add_func("/listener/descriptor-that-does-not-listen",
                    test_descriptor_that_does_not_listen);
    g_test_add_func("/listener/vsock", test_vsock);
    g_test_add_func("/listener/null-is-accepted", test_null_is_accepted);
    return g_test_run();
}
