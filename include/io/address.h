/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket addresses: text to SocketAddress (the QAPI type) and back, and to
 * GIO's GSocketConnectable, which does the name resolution.
 *
 * All functions may be called from any thread; this header owns no locks.
 */
#ifndef IO_ADDRESS_H
#define IO_ADDRESS_H

#include <stdbool.h>
#include <gio/gio.h>
#include "qapi/qapi-types-sockets.h"

typedef struct Error Error;

/**
 * socket_address_parse_inet:
 * @text: "HOST:PORT", "[V6]:PORT" or ":PORT" (any address when listening, this
 *        host when connecting), perhaps with ",ipv4=on|off" or
 *        ",ipv6=on|off" behind it; what follows "tcp:" in a URI; not NULL
 * @errp: where to put the reason, or NULL
 *
 * Returns: a new SocketAddress of type inet, the caller's; NULL when the text
 *          is not an address or the port is neither 0-65535 nor a service name
 */
SocketAddress *socket_address_parse_inet(const char *text, Error **errp);

/**
 * socket_address_parse:
 * @uri: "tcp:HOST:PORT", "unix:PATH" or "vsock:CID:PORT"; not NULL
 * @errp: where to put the reason, or NULL
 *
 * Returns: a new SocketAddress, the caller's; NULL when the scheme or the rest
 *          is not understood
 */
SocketAddress *socket_address_parse(const char *uri, Error **errp);

/**
 * socket_address_to_uri:
 * @addr: an address
 *
 * Returns: "tcp:HOST:PORT" (IPv6 in brackets), "unix:PATH", "vsock:CID:PORT" or
 *          "fd:NAME", to be g_free()d
 */
char *socket_address_to_uri(const SocketAddress *addr);

/**
 * socket_address_port:
 * @addr: an address of type inet
 * @errp: where to put the reason, or NULL
 *
 * Returns: the port's number, service names looked up; -1 when there is none
 */
int socket_address_port(const SocketAddress *addr, Error **errp);

/**
 * socket_address_wants_family:
 * @addr: an address
 * @family: of one of the addresses that its name resolves to
 *
 * Returns: whether the ipv4 and ipv6 members leave that family in
 */
bool socket_address_wants_family(const SocketAddress *addr,
                                 GSocketFamily family);

/**
 * socket_address_to_gio:
 * @addr: an address
 * @errp: where to put the reason, or NULL
 *
 * Returns: a connectable that resolves names when enumerated, the caller's;
 *          NULL when a unix path is too long, a port is out of range, or no
 *          address family is left
 */
GSocketConnectable *socket_address_to_gio(const SocketAddress *addr,
                                          Error **errp);

/**
 * socket_address_from_gio:
 * @gaddr: an address that the kernel reported
 * @errp: where to put the reason, or NULL
 *
 * Returns: a new SocketAddress with numeric host and port, the caller's; NULL
 *          for a family that is neither IPv4, IPv6 nor unix
 */
SocketAddress *socket_address_from_gio(GSocketAddress *gaddr, Error **errp);

#endif
