/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket addresses: text, the QAPI type, and GIO's types; see io/address.h.
 *
 * Entered by any thread; nothing is kept.  Names are not resolved here: GIO
 * does that when a connectable is enumerated.
 */
#include "qemu/osdep.h"
#include <arpa/inet.h>
#include <gio/gunixsocketaddress.h>
#include <netdb.h>
#include <sys/un.h>
#include "io/address.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "vsock.h"

/* A unix path and its NUL must fit into the kernel's struct. */
#define UNIX_PATH_MAX (sizeof_field(struct sockaddr_un, sun_path) - 1)

/* Room for the text of one entry of the services database. */
#define SERVICE_ENTRY_BYTES 1024

/* What may stand behind an address: ",ipv4=on" and the like. */
static bool option_value(const char *option, const char *name, bool *value)
{
    const char *rest;

    if (!strstart(option, name, &rest)) {
        return false;
    }
    *value = rest[0] == '\0' || g_str_equal(rest, "=on");
    return *value || g_str_equal(rest, "=off");
}

static bool unix_path_check(const char *path, Error **errp)
{
    size_t len = strlen(path);

    if (len == 0) {
        error_setg(errp, "the path of a unix socket is empty");
        return false;
    }
    if (len > UNIX_PATH_MAX) {
        error_setg(errp, "unix socket path '%s' is too long: %zu bytes, at "
                   "most %zu fit", path, len, UNIX_PATH_MAX);
        return false;
    }
    return true;
}

static SocketAddress *address_new_inet(const char *host, const char *port)
{
    SocketAddress *addr = g_new0(SocketAddress, 1);

    addr->type = SOCKET_ADDRESS_TYPE_INET;
    addr->u.inet.host = g_strdup(host);
    addr->u.inet.port = g_strdup(port);
    return addr;
}

static SocketAddress *address_new_unix(const char *path)
{
    SocketAddress *addr = g_new0(SocketAddress, 1);

    addr->type = SOCKET_ADDRESS_TYPE_UNIX;
    addr->u.q_unix.path = g_strdup(path);
    return addr;
}

/*
 * Splits "HOST:PORT" or "[V6]:PORT".  Returns the port's text inside @text, and
 * the host in *@host, to be freed; or NULL.
 */
static const char *split_host(const char *text, char **host, Error **errp)
{
    const char *colon = strchr(text, ':');
    const char *bracket = strchr(text, ']');

    if (text[0] == '[') {
        if (!bracket || bracket[1] != ':') {
            error_setg(errp, "behind '[' an IPv6 address, ']', ':' and a port "
                       "are expected");
            return NULL;
        }
        if (!colon || colon > bracket) {
            error_setg(errp, "only an IPv6 address stands in brackets");
            return NULL;
        }
        *host = g_strndup(text + 1, bracket - text - 1);
        return bracket + 2;
    }
    if (!colon) {
        error_setg(errp, "expected HOST:PORT");
        return NULL;
    }
    if (strchr(colon + 1, ':')) {
        error_setg(errp, "write an IPv6 address in brackets, as in "
                   "[::1]:4444");
        return NULL;
    }
    *host = g_strndup(text, colon - text);
    return colon + 1;
}

static bool parse_options(InetSocketAddress *inet, char **options,
                          Error **errp)
{
    for (; *options; options++) {
        if (option_value(*options, "ipv4", &inet->ipv4)) {
            inet->has_ipv4 = true;
        } else if (option_value(*options, "ipv6", &inet->ipv6)) {
            inet->has_ipv6 = true;
        } else {
            error_setg(errp, "option '%s' is none of ipv4=on|off and "
                       "ipv6=on|off", *options);
            return false;
        }
    }
    return true;
}

SocketAddress *socket_address_parse_inet(const char *text, Error **errp)
{
    ERRP_GUARD();
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    g_autoptr(SocketAddress) addr = NULL;
    g_autofree char *host = NULL;
    const char *port;

    /* Splitting nothing gives no parts at all. */
    port = split_host(parts[0] ? parts[0] : "", &host, errp);
    if (port) {
        addr = address_new_inet(host, port);
    }
    if (!addr || !parse_options(&addr->u.inet, parts + 1, errp) ||
        socket_address_port(addr, errp) < 0) {
        error_prepend(errp, "'%s' is not an address: ", text);
        return NULL;
    }
    return g_steal_pointer(&addr);
}

/* "CID:PORT", as it stands behind "vsock:". */
static SocketAddress *address_parse_vsock(const char *text, Error **errp)
{
    ERRP_GUARD();
    g_autoptr(SocketAddress) addr = g_new0(SocketAddress, 1);
    const char *colon = strchr(text, ':');

    addr->type = SOCKET_ADDRESS_TYPE_VSOCK;
    if (!colon) {
        error_setg(errp, "'%s' is not an address: expected CID:PORT", text);
        return NULL;
    }
    addr->u.vsock.cid = g_strndup(text, colon - text);
    addr->u.vsock.port = g_strdup(colon + 1);
    if (!vsock_address_check(&addr->u.vsock, errp)) {
        error_prepend(errp, "'%s' is not an address: ", text);
        return NULL;
    }
    return g_steal_pointer(&addr);
}

SocketAddress *socket_address_parse(const char *uri, Error **errp)
{
    const char *rest;

    if (strstart(uri, "tcp:", &rest)) {
        return socket_address_parse_inet(rest, errp);
    }
    if (strstart(uri, "unix:", &rest)) {
        return unix_path_check(rest, errp) ? address_new_unix(rest) : NULL;
    }
    if (strstart(uri, "vsock:", &rest)) {
        return address_parse_vsock(rest, errp);
    }
    error_setg(errp, "address '%s' is not understood: expected "
               "tcp:HOST:PORT, unix:PATH or vsock:CID:PORT", uri);
    return NULL;
}

static char *address_inet_to_uri(const InetSocketAddress *inet)
{
    return strchr(inet->host, ':')
        ? g_strdup_printf("tcp:[%s]:%s", inet->host, inet->port)
        : g_strdup_printf("tcp:%s:%s", inet->host, inet->port);
}

char *socket_address_to_uri(const SocketAddress *addr)
{
    switch (addr->type) {
    case SOCKET_ADDRESS_TYPE_UNIX:
        return g_strconcat("unix:", addr->u.q_unix.path, NULL);
    case SOCKET_ADDRESS_TYPE_VSOCK:
        return g_strdup_printf("vsock:%s:%s", addr->u.vsock.cid,
                               addr->u.vsock.port);
    case SOCKET_ADDRESS_TYPE_FD:
        return g_strconcat("fd:", addr->u.fd.str, NULL);
    default:
        return address_inet_to_uri(&addr->u.inet);
    }
}

int socket_address_port(const SocketAddress *addr, Error **errp)
{
    const char *port = addr->u.inet.port;
    char entry[SERVICE_ENTRY_BYTES];
    struct servent service, *found = NULL;
    uint64_t number;

    if (parse_uint_full(port, 10, &number) == 0) {
        if (number <= UINT16_MAX) {
            return number;
        }
        error_setg(errp, "port %s is out of range; give 0 to %d", port,
                   UINT16_MAX);
        return -1;
    }
    if (!g_ascii_isalpha(port[0]) ||
        getservbyname_r(port, "tcp", &service, entry, sizeof(entry),
                        &found) != 0 || !found) {
        error_setg(errp, "'%s' is neither a port number from 0 to %d nor the "
                   "name of a tcp service", port, UINT16_MAX);
        return -1;
    }
    return g_ntohs(found->s_port);
}

bool socket_address_wants_family(const SocketAddress *addr,
                                 GSocketFamily family)
{
    const InetSocketAddress *inet = &addr->u.inet;

    if (addr->type != SOCKET_ADDRESS_TYPE_INET) {
        return addr->type == SOCKET_ADDRESS_TYPE_UNIX &&
               family == G_SOCKET_FAMILY_UNIX;
    }
    /* Naming one family rules the other out, unless that is named as well. */
    switch (family) {
    case G_SOCKET_FAMILY_IPV4:
        return inet->has_ipv4 ? inet->ipv4 : !(inet->has_ipv6 && inet->ipv6);
    case G_SOCKET_FAMILY_IPV6:
        return inet->has_ipv6 ? inet->ipv6 : !(inet->has_ipv4 && inet->ipv4);
    default:
        return false;
    }
}

/*
 * The C library takes "0" for any address and "127.1" for this host, and so do
 * people; GIO asks the name service for them.
 */
static GSocketConnectable *address_of_host(const char *host, uint16_t port)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr ipv4;

    if (strspn(host, "0123456789.") == strlen(host) &&
        inet_aton(host, &ipv4) &&
        inet_ntop(AF_INET, &ipv4, text, sizeof(text))) {
        host = text;
    }
    return g_network_address_new(host, port);
}

GSocketConnectable *socket_address_to_gio(const SocketAddress *addr,
                                          Error **errp)
{
    const char *host;
    int port;

    if (addr->type == SOCKET_ADDRESS_TYPE_UNIX) {
        return unix_path_check(addr->u.q_unix.path, errp) ?
            G_SOCKET_CONNECTABLE(
                g_unix_socket_address_new(addr->u.q_unix.path)) : NULL;
    }
    if (addr->type != SOCKET_ADDRESS_TYPE_INET) {
        g_autofree char *uri = socket_address_to_uri(addr);

        error_setg(errp, "'%s' is no address of a network or a unix socket",
                   uri);
        return NULL;
    }
    host = addr->u.inet.host;
    port = socket_address_port(addr, errp);
    if (port < 0) {
        return NULL;
    }
    if (!socket_address_wants_family(addr, G_SOCKET_FAMILY_IPV4) &&
        !socket_address_wants_family(addr, G_SOCKET_FAMILY_IPV6)) {
        error_setg(errp, "ipv4=off and ipv6=off leave no way to reach '%s'",
                   host);
        return NULL;
    }
    /* ":PORT" is this host for who connects; listeners mean any address. */
    return host[0] == '\0' ? g_network_address_new_loopback(port) :
        address_of_host(host, port);
}

static SocketAddress *address_from_inet(GInetSocketAddress *gaddr)
{
    g_autofree char *port = NULL;
    g_autofree char *host = NULL;
    bool ipv6 = g_socket_address_get_family(G_SOCKET_ADDRESS(gaddr)) ==
                G_SOCKET_FAMILY_IPV6;
    uint32_t scope = ipv6 ? g_inet_socket_address_get_scope_id(gaddr) : 0;

    host = g_inet_address_to_string(g_inet_socket_address_get_address(gaddr));
    port = g_strdup_printf("%u", g_inet_socket_address_get_port(gaddr));
    if (scope != 0) {
        /* A link-local address means nothing without its interface. */
        char *scoped = g_strdup_printf("%s%%%u", host, scope);

        g_free(host);
        host = scoped;
    }
    return address_new_inet(host, port);
}

SocketAddress *socket_address_from_gio(GSocketAddress *gaddr, Error **errp)
{
    if (G_IS_INET_SOCKET_ADDRESS(gaddr)) {
        return address_from_inet(G_INET_SOCKET_ADDRESS(gaddr));
    }
    if (G_IS_UNIX_SOCKET_ADDRESS(gaddr)) {
        return address_new_unix(
            g_unix_socket_address_get_path(G_UNIX_SOCKET_ADDRESS(gaddr)));
    }
    error_setg(errp, "a socket of address family %d is neither tcp nor unix",
               (int)g_socket_address_get_family(gaddr));
    return NULL;
}
