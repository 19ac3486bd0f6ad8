/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that listen on an address; see io/listen-internal.h.
 *
 * Entered by any thread; nothing is kept.  Blocks while a name is resolved.
 * Accepting is left to io/listener.c.
 */
#include "qemu/osdep.h"
#include <gio/gunixsocketaddress.h>
#include <netinet/in.h>
#include "io/address.h"
#include "io/listen-internal.h"
#include "qapi/error.h"
#include "trace.h"

/*
 * With port 0 the kernel chooses for the first address, and another process
 * may hold that port on the second: so often a new choice is asked for.
 */
#define PORT_ATTEMPTS 16

/*
 * A path that stands in the way of a bind: removes it when it is a socket that
 * nobody listens on any more.
 */
static bool unix_path_take_over(GSocketAddress *gaddr, const char *path,
                                Error **errp)
{
    g_autoptr(GSocket) probe = NULL;
    g_autoptr(GError) gerr = NULL;
    struct stat st;

    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        error_setg(errp, "cannot listen on 'unix:%s': a file that is no "
                   "socket has this name", path);
        return false;
    }
    probe = g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM,
                         G_SOCKET_PROTOCOL_DEFAULT, &gerr);
    if (!probe) {
        error_setg(errp, "cannot listen on 'unix:%s': %s", path,
                   gerr->message);
        return false;
    }
    /* Not waiting: a full backlog is an answer, too. */
    g_socket_set_blocking(probe, false);
    if (g_socket_connect(probe, gaddr, NULL, &gerr) ||
        !g_error_matches(gerr, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED)) {
        error_setg(errp, "cannot listen on 'unix:%s': another process "
                   "listens there", path);
        return false;
    }
    trace_listen_take_over(path);
    if (unlink(path) < 0 && errno != ENOENT) {
        error_setg_errno(errp, errno, "cannot remove the socket '%s' that a "
                         "dead process left", path);
        return false;
    }
    return true;
}

/*
 * @v6only: an IPv6 socket for any address does not serve IPv4, too.
 * Returns: a socket that listens, or NULL
 */
static GSocket *socket_listen(GSocketAddress *gaddr, bool v6only, int backlog,
                              GError **gerr)
{
    g_autoptr(GSocket) socket = NULL;

    socket = g_socket_new(g_socket_address_get_family(gaddr),
                          G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                          gerr);
    if (!socket) {
        return NULL;
    }
    g_socket_set_blocking(socket, false);
    g_socket_set_listen_backlog(socket, backlog);
    if (g_socket_address_get_family(gaddr) == G_SOCKET_FAMILY_IPV6) {
        g_socket_set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, v6only, NULL);
    }
    /* true: SO_REUSEADDR, so that a port in TIME_WAIT can be had at once */
    if (!g_socket_bind(socket, gaddr, true, gerr) ||
        !g_socket_listen(socket, gerr)) {
        return NULL;
    }
    return g_steal_pointer(&socket);
}

GPtrArray *listen_unix(const char *path, int backlog, Error **errp)
{
    g_autoptr(GSocketAddress) gaddr = g_unix_socket_address_new(path);
    g_autoptr(GError) gerr = NULL;
    GSocket *socket;
    GPtrArray *sockets;

    socket = socket_listen(gaddr, false, backlog, &gerr);
    if (!socket &&
        g_error_matches(gerr, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
        if (!unix_path_take_over(gaddr, path, errp)) {
            return NULL;
        }
        g_clear_error(&gerr);
        socket = socket_listen(gaddr, false, backlog, &gerr);
    }
    if (!socket) {
        error_setg(errp, "cannot listen on 'unix:%s': %s", path,
                   gerr->message);
        return NULL;
    }
    sockets = g_ptr_array_new_with_free_func(g_object_unref);
    g_ptr_array_add(sockets, socket);
    return sockets;
}

static gboolean inet_address_equal(const void *a, const void *b)
{
    return g_inet_address_equal(
        g_inet_socket_address_get_address((GInetSocketAddress *)a),
        g_inet_socket_address_get_address((GInetSocketAddress *)b));
}

/*
 * The addresses (GInetSocketAddress) that a host name stands for, of the
 * families wanted, each once; their port means nothing.
 */
static GPtrArray *resolve_host(const SocketAddress *addr,
                               GSocketConnectable *connectable, Error **errp)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(g_object_unref);
    g_autoptr(GSocketAddressEnumerator) addresses = NULL;
    g_autoptr(GError) gerr = NULL;
    g_autofree char *uri = socket_address_to_uri(addr);
    GSocketAddress *gaddr;

    addresses = g_socket_connectable_enumerate(connectable);
    while ((gaddr = g_socket_address_enumerator_next(addresses, NULL, &gerr))) {
        if (socket_address_wants_family(
                addr, g_socket_address_get_family(gaddr)) &&
            !g_ptr_array_find_with_equal_func(hosts, gaddr,
                                              inet_address_equal, NULL)) {
            g_ptr_array_add(hosts, gaddr);
        } else {
            g_object_unref(gaddr);
        }
    }
    if (gerr || hosts->len == 0) {
        error_setg(errp, "cannot listen on '%s': %s", uri, gerr ?
                   gerr->message : "the host has no address of that family");
        return NULL;
    }
    return g_steal_pointer(&hosts);
}

/*
 * Any address: one IPv6 socket that serves IPv4, too, unless told otherwise;
 * on a host without IPv6 the IPv4 socket that stands behind it in the list.
 */
static GPtrArray *any_hosts(const SocketAddress *addr)
{
    static const GSocketFamily families[] = {
        G_SOCKET_FAMILY_IPV6, G_SOCKET_FAMILY_IPV4,
    };
    GPtrArray *hosts = g_ptr_array_new_with_free_func(g_object_unref);

    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        if (socket_address_wants_family(addr, families[i])) {
            g_autoptr(GInetAddress) any = g_inet_address_new_any(families[i]);

            g_ptr_array_add(hosts, g_inet_socket_address_new(any, 0));
        }
    }
    return hosts;
}

static bool is_any_ipv6(GInetSocketAddress *host)
{
    GInetAddress *address = g_inet_socket_address_get_address(host);

    return g_inet_address_get_family(address) == G_SOCKET_FAMILY_IPV6 &&
        g_inet_address_get_is_any(address);
}

/* This host cannot have the address at all, as opposed to: not right now. */
static bool address_is_absent(const GError *gerr)
{
    return g_error_matches(gerr, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED) ||
        g_error_matches(gerr, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT) ||
        /* EADDRNOTAVAIL has no code of its own */
        g_error_matches(gerr, G_IO_ERROR, G_IO_ERROR_FAILED);
}

static int socket_port(GSocket *socket)
{
    g_autoptr(GSocketAddress) gaddr = NULL;

    gaddr = g_socket_get_local_address(socket, NULL);
    return gaddr ? g_inet_socket_address_get_port(
        G_INET_SOCKET_ADDRESS(gaddr)) : 0;
}

/*
 * Listens on all hosts with one port; @port 0: the first one chooses.
 * Addresses that this host does not have are left out as long as one remains.
 */
static GPtrArray *listen_hosts(const SocketAddress *addr, GPtrArray *hosts,
                               int port, int backlog, GError **gerr)
{
    g_autoptr(GPtrArray) sockets =
        g_ptr_array_new_with_free_func(g_object_unref);
    bool want_ipv4 = socket_address_wants_family(addr, G_SOCKET_FAMILY_IPV4);
    bool serves_all = false;

    for (guint i = 0; i < hosts->len && !serves_all; i++) {
        GInetSocketAddress *host = g_ptr_array_index(hosts, i);
        bool dual = want_ipv4 && is_any_ipv6(host);
        bool ipv6 = g_socket_address_get_family(G_SOCKET_ADDRESS(host)) ==
                    G_SOCKET_FAMILY_IPV6;
        g_autoptr(GSocketAddress) gaddr = g_object_new(
            G_TYPE_INET_SOCKET_ADDRESS,
            "address", g_inet_socket_address_get_address(host),
            "scope-id", ipv6 ? g_inet_socket_address_get_scope_id(host) : 0,
            "port", port, NULL);
        GSocket *socket;

        g_clear_error(gerr);
        socket = socket_listen(gaddr, !dual, backlog, gerr);
        if (socket) {
            g_ptr_array_add(sockets, socket);
            port = socket_port(socket);
            serves_all = dual;
        } else if (!address_is_absent(*gerr)) {
            return NULL;
        }
    }
    return sockets->len > 0 ? g_steal_pointer(&sockets) : NULL;
}

GPtrArray *listen_inet(const SocketAddress *addr,
                       GSocketConnectable *connectable, int backlog,
                       Error **errp)
{
    g_autoptr(GPtrArray) hosts = NULL;
    g_autoptr(GError) gerr = NULL;
    g_autofree char *uri = socket_address_to_uri(addr);
    GPtrArray *sockets = NULL;
    int port, attempts;

    hosts = addr->u.inet.host[0] == '\0' ? any_hosts(addr) :
        resolve_host(addr, connectable, errp);
    if (!hosts) {
        return NULL;
    }
    port = socket_address_port(addr, NULL);
    attempts = port == 0 ? PORT_ATTEMPTS : 1;
    do {
        sockets = listen_hosts(addr, hosts, port, backlog, &gerr);
    } while (!sockets && --attempts > 0 &&
             g_error_matches(gerr, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE));
    if (!sockets) {
        error_setg(errp, "cannot listen on '%s': %s", uri, gerr->message);
    }
    return sockets;
}
