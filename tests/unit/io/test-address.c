/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket addresses: what is understood, what is refused and with which
 * sentence, and the way to GIO and back.
 */
#include "qemu/osdep.h"
#include <gio/gunixsocketaddress.h>
#include "io/address.h"
#include "qapi/error.h"

typedef struct GoodInet {
    const char *uri;
    const char *host;
    const char *port;
    int number;
} GoodInet;

static const GoodInet good_inet[] = {
    { "tcp:127.0.0.1:4444", "127.0.0.1", "4444", 4444 },
    { "tcp:localhost:0", "localhost", "0", 0 },
    { "tcp:example.net:65535", "example.net", "65535", 65535 },
    { "tcp::4444", "", "4444", 4444 },
    { "tcp:[::1]:4444", "::1", "4444", 4444 },
    { "tcp:[::]:1", "::", "1", 1 },
    { "tcp:[fe80::1%eth0]:9", "fe80::1%eth0", "9", 9 },
};

static void test_good_inet(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(good_inet); i++) {
        const GoodInet *good = &good_inet[i];
        Error *err = NULL;
        g_autoptr(SocketAddress) addr = socket_address_parse(good->uri, &err);
        g_autofree char *uri = NULL;

        g_assert_null(err);
        g_assert_nonnull(addr);
        g_assert_cmpint(addr->type, ==, SOCKET_ADDRESS_TYPE_INET);
        g_assert_cmpstr(addr->u.inet.host, ==, good->host);
        g_assert_cmpstr(addr->u.inet.port, ==, good->port);
        g_assert_cmpint(socket_address_port(addr, NULL), ==, good->number);
        uri = socket_address_to_uri(addr);
        g_assert_cmpstr(uri, ==, good->uri);
    }
}

static void test_good_unix(void)
{
    Error *err = NULL;
    g_autoptr(SocketAddress) addr = socket_address_parse("unix:/a:b,c", &err);
    g_autofree char *uri = NULL;

    g_assert_null(err);
    g_assert_cmpint(addr->type, ==, SOCKET_ADDRESS_TYPE_UNIX);
    g_assert_cmpstr(addr->u.q_unix.path, ==, "/a:b,c");
    uri = socket_address_to_uri(addr);
    g_assert_cmpstr(uri, ==, "unix:/a:b,c");
}

static void test_good_vsock(void)
{
    Error *err = NULL;
    g_autoptr(SocketAddress) addr = socket_address_parse("vsock:3:4444", &err);
    g_autofree char *uri = NULL;

    g_assert_null(err);
    g_assert_cmpint(addr->type, ==, SOCKET_ADDRESS_TYPE_VSOCK);
    g_assert_cmpstr(addr->u.vsock.cid, ==, "3");
    g_assert_cmpstr(addr->u.vsock.port, ==, "4444");
    uri = socket_address_to_uri(addr);
    g_assert_cmpstr(uri, ==, "vsock:3:4444");
}

/* Not for GIO, which is asked for names and networks only. */
static void test_to_gio_of_a_descriptor(void)
{
    SocketAddress addr = {
        .type = SOCKET_ADDRESS_TYPE_FD,
        .u.fd.str = (char *)"7",
    };
    Error *err = NULL;

    g_assert_null(socket_address_to_gio(&addr, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "'fd:7' is no address of a "
                    "network or a unix socket");
    g_assert_false(socket_address_wants_family(&addr, G_SOCKET_FAMILY_IPV4));
    error_free(err);
}

static void test_bad(const void *opaque)
{
    const char *const *uri_and_text = opaque;
    Error *err = NULL;

    g_assert_null(socket_address_parse(uri_and_text[0], &err));
    g_assert_nonnull(err);
    g_assert_cmpstr(error_get_pretty(err), ==, uri_and_text[1]);
    error_free(err);
    g_assert_null(socket_address_parse(uri_and_text[0], NULL));
}

/* Name of the case, text, sentence. */
static const char *const bad[][3] = {
    { "scheme", "udp:127.0.0.1:1", "address 'udp:127.0.0.1:1' is not "
      "understood: expected tcp:HOST:PORT, unix:PATH or vsock:CID:PORT" },
    { "empty", "", "address '' is not understood: expected tcp:HOST:PORT, "
      "unix:PATH or vsock:CID:PORT" },
    { "no-host-or-port", "tcp:", "'' is not an address: expected HOST:PORT" },
    { "no-port", "tcp:host", "'host' is not an address: expected HOST:PORT" },
    { "empty-port", "tcp:host:", "'host:' is not an address: '' is neither a "
      "port number from 0 to 65535 nor the name of a tcp service" },
    { "port-range", "tcp:host:65536", "'host:65536' is not an address: port "
      "65536 is out of range; give 0 to 65535" },
    { "port-sign", "tcp:host:-1", "'host:-1' is not an address: '-1' is "
      "neither a port number from 0 to 65535 nor the name of a tcp service" },
    { "port-text", "tcp:host:12ab", "'host:12ab' is not an address: '12ab' is "
      "neither a port number from 0 to 65535 nor the name of a tcp service" },
    { "service", "tcp:host:nosuchservice", "'host:nosuchservice' is not an "
      "address: 'nosuchservice' is neither a port number from 0 to 65535 nor "
      "the name of a tcp service" },
    { "bare-ipv6", "tcp:::1:4444", "'::1:4444' is not an address: write an "
      "IPv6 address in brackets, as in [::1]:4444" },
    { "open-bracket", "tcp:[::1:4444", "'[::1:4444' is not an address: behind "
      "'[' an IPv6 address, ']', ':' and a port are expected" },
    { "bracket-without-port", "tcp:[::1]", "'[::1]' is not an address: behind "
      "'[' an IPv6 address, ']', ':' and a port are expected" },
    { "name-in-brackets", "tcp:[host]:1", "'[host]:1' is not an address: only "
      "an IPv6 address stands in brackets" },
    { "option", "tcp:host:1,to=9", "'host:1,to=9' is not an address: option "
      "'to=9' is none of ipv4=on|off and ipv6=on|off" },
    { "option-value", "tcp:host:1,ipv4=yes", "'host:1,ipv4=yes' is not an "
      "address: option 'ipv4=yes' is none of ipv4=on|off and ipv6=on|off" },
    { "empty-path", "unix:", "the path of a unix socket is empty" },
    { "vsock-without-port", "vsock:3", "'3' is not an address: expected "
      "CID:PORT" },
    { "vsock-cid", "vsock:host:1", "'host:1' is not an address: 'host' is no "
      "CID of a vsock address; give a number from 0 to 4294967295" },
    { "vsock-port", "vsock:3:4294967296", "'3:4294967296' is not an address: "
      "'4294967296' is no port of a vsock address; give a number from 0 to "
      "4294967295" },
    { "vsock-options", "vsock:3:1,x", "'3:1,x' is not an address: '1,x' is no "
      "port of a vsock address; give a number from 0 to 4294967295" },
};

static void test_path_too_long(void)
{
    g_autofree char *fits = g_strnfill(107, 'p');
    g_autofree char *too_long = g_strnfill(108, 'p');
    g_autofree char *good_uri = g_strconcat("unix:", fits, NULL);
    g_autofree char *bad_uri = g_strconcat("unix:", too_long, NULL);
    g_autoptr(SocketAddress) addr = socket_address_parse(good_uri, NULL);
    Error *err = NULL;

    g_assert_nonnull(addr);
    g_assert_null(socket_address_parse(bad_uri, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "is too long: 108 bytes, at "
                            "most 107 fit"));
    error_free(err);
}

static void test_families(void)
{
    static const struct {
        const char *options;
        bool ipv4, ipv6;
    } cases[] = {
        { "", true, true },
        { ",ipv4=on", true, false },
        { ",ipv4", true, false },
        { ",ipv6=on", false, true },
        { ",ipv4=off", false, true },
        { ",ipv6=off", true, false },
        { ",ipv4=on,ipv6=on", true, true },
        { ",ipv4=off,ipv6=off", false, false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        g_autofree char *text = g_strconcat("h:1", cases[i].options, NULL);
        g_autoptr(SocketAddress) addr = socket_address_parse_inet(text, NULL);

        g_assert_nonnull(addr);
        g_assert_cmpint(socket_address_wants_family(addr, G_SOCKET_FAMILY_IPV4),
                        ==, cases[i].ipv4);
        g_assert_cmpint(socket_address_wants_family(addr, G_SOCKET_FAMILY_IPV6),
                        ==, cases[i].ipv6);
        g_assert_false(socket_address_wants_family(addr,
                                                   G_SOCKET_FAMILY_UNIX));
    }
}

static void test_no_family_left(void)
{
    g_autoptr(SocketAddress) addr = socket_address_parse(
        "tcp:h:1,ipv4=off,ipv6=off", NULL);
    Error *err = NULL;

    g_assert_null(socket_address_to_gio(addr, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "ipv4=off and ipv6=off leave no "
                    "way to reach 'h'");
    error_free(err);
}

static void test_service_name(void)
{
    g_autoptr(SocketAddress) addr = NULL;

    if (!g_file_test("/etc/services", G_FILE_TEST_EXISTS)) {
        g_test_skip("this host has no /etc/services");
        return;
    }
    addr = socket_address_parse("tcp:localhost:https", NULL);
    g_assert_nonnull(addr);
    g_assert_cmpstr(addr->u.inet.port, ==, "https");
    g_assert_cmpint(socket_address_port(addr, NULL), ==, 443);
}

/* An address may come from JSON, where nobody has parsed the port yet. */
static void test_to_gio_checks_port(void)
{
    SocketAddress addr = {
        .type = SOCKET_ADDRESS_TYPE_INET,
        .u.inet = { .host = (char *)"127.0.0.1", .port = (char *)"70000" },
    };
    Error *err = NULL;

    g_assert_null(socket_address_to_gio(&addr, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "port 70000 is out of range; "
                    "give 0 to 65535");
    error_free(err);
}

/* As the C library reads them. */
static void test_to_gio_of_short_numbers(void)
{
    static const char *const hosts[][2] = {
        { "0", "0.0.0.0" }, { "127.1", "127.0.0.1" },
        { "192.0.2.1", "192.0.2.1" }, { "0.example", "0.example" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        g_autofree char *text = g_strconcat(hosts[i][0], ":1", NULL);
        g_autoptr(SocketAddress) addr = socket_address_parse_inet(text, NULL);
        g_autoptr(GSocketConnectable) gaddr = socket_address_to_gio(addr, NULL);

        g_assert_cmpstr(g_network_address_get_hostname(
                            G_NETWORK_ADDRESS(gaddr)), ==, hosts[i][1]);
    }
}

static void assert_from_inet(const char *text, const char *host)
{
    g_autoptr(GSocketAddress) gaddr = g_inet_socket_address_new_from_string(
        text, 4444);
    g_autoptr(SocketAddress) addr = socket_address_from_gio(gaddr, NULL);

    g_assert_nonnull(addr);
    g_assert_cmpstr(addr->u.inet.host, ==, host);
    g_assert_cmpstr(addr->u.inet.port, ==, "4444");
}

static void test_from_gio(void)
{
    g_autoptr(GSocketAddress) gaddr = g_unix_socket_address_new("/tmp/s");
    g_autoptr(SocketAddress) addr = socket_address_from_gio(gaddr, NULL);

    g_assert_cmpstr(addr->u.q_unix.path, ==, "/tmp/s");
    assert_from_inet("192.0.2.7", "192.0.2.7");
    assert_from_inet("2001:db8::1", "2001:db8::1");
}

static void test_from_gio_of_another_family(void)
{
    struct {
        guint16 family;
        char data[14];
    } native = { .family = 16 /* AF_NETLINK */ };
    g_autoptr(GSocketAddress) gaddr = g_socket_address_new_from_native(
        &native, sizeof(native));
    Error *err = NULL;

    if (!gaddr) {
        g_test_skip("GIO makes no address object of a foreign family");
        return;
    }
    g_assert_null(socket_address_from_gio(gaddr, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "neither tcp nor unix"));
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/address/good/inet", test_good_inet);
    g_test_add_func("/address/good/unix", test_good_unix);
    g_test_add_func("/address/good/vsock", test_good_vsock);
    g_test_add_func("/address/good/service-name", test_service_name);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autofree char *path = g_strconcat("/address/bad/", bad[i][0], NULL);

        g_test_add_data_func(path, &bad[i][1], test_bad);
    }
    g_test_add_func("/address/bad/path-too-long", test_path_too_long);
    g_test_add_func("/address/bad/no-family-left", test_no_family_left);
    g_test_add_func("/address/families", test_families);
    g_test_add_func("/address/to-gio-checks-the-port",
                    test_to_gio_checks_port);
    g_test_add_func("/address/to-gio-of-a-descriptor",
                    test_to_gio_of_a_descriptor);
    g_test_add_func("/address/to-gio-of-short-numbers",
                    test_to_gio_of_short_numbers);
    g_test_add_func("/address/from-gio", test_from_gio);
    g_test_add_func("/address/from-gio-of-another-family",
                    test_from_gio_of_another_family);
    return g_test_run();
}
