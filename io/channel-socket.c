/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel over a stream socket; see io/channel-socket.h.
 *
 * Entered by any thread, under the rules of io/channel.h.  GIO makes the
 * connection (its sockets are always non-blocking); the channel then owns a
 * duplicate of the descriptor, switched to blocking, and moves bytes with the
 * system calls themselves.  Listening is io/listener.c's.
 */
#include "qemu/osdep.h"
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "io/address.h"
#include "io/channel-socket.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "trace.h"

/*
 * A peer host that vanishes without a word is noticed while nothing is sent
 * after 60 s + 6 * 10 s = two minutes, instead of the kernel's two hours.
 */
#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES 6

/* How long to wait before asking a unix listener with a full backlog again. */
#define UNIX_RETRY_MS 10

typedef struct QIOChannelSocket {
    QIOChannel parent;

    /* set once at creation */
    int fd;

    /*
     * Atomics.  shutdown(2) alone is not enough: tcp delivers what arrives
     * after the reading side was shut down.
     */
    bool shut_read;
    bool shut_write;
} QIOChannelSocket;

static QIOChannelSocket *socket_from(QIOChannel *ioc)
{
    return container_of(ioc, QIOChannelSocket, parent);
}

static ssize_t socket_readv(QIOChannel *ioc, const struct iovec *iov,
                            size_t niov, Error **errp)
{
    QIOChannelSocket *sock = socket_from(ioc);
    struct msghdr msg = {
        .msg_iov = (struct iovec *)iov,
        .msg_iovlen = niov,
    };
    ssize_t n;

    do {
        if (qatomic_read(&sock->shut_read)) {
            return 0;
        }
        n = recvmsg(sock->fd, &msg, 0);
    } while (n < 0 && errno == EINTR);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return QIO_CHANNEL_ERR_BLOCK;
    }
    if (n < 0 && qatomic_read(&sock->shut_read)) {
        return 0;
    }
    if (n < 0) {
        error_setg_errno(errp, errno, "%s: cannot read",
                         qio_channel_name(ioc));
        return -1;
    }
    return n;
}

static ssize_t socket_writev(QIOChannel *ioc, const struct iovec *iov,
                             size_t niov, Error **errp)
{
    QIOChannelSocket *sock = socket_from(ioc);
    struct msghdr msg = {
        .msg_iov = (struct iovec *)iov,
        .msg_iovlen = niov,
    };
    ssize_t n;

    do {
        /* A peer that has left is an error here, not a SIGPIPE. */
        n = sendmsg(sock->fd, &msg, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return QIO_CHANNEL_ERR_BLOCK;
    }
    if (n < 0 && qatomic_read(&sock->shut_write)) {
        error_setg(errp, "%s: cannot write: the channel was shut down",
                   qio_channel_name(ioc));
        return -1;
    }
    if (n < 0) {
        error_setg_errno(errp, errno, "%s: cannot write",
                         qio_channel_name(ioc));
        return -1;
    }
    return n;
}

static void socket_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
    static const int sys_how[] = {
        [QIO_CHANNEL_SHUTDOWN_READ] = SHUT_RD,
        [QIO_CHANNEL_SHUTDOWN_WRITE] = SHUT_WR,
        [QIO_CHANNEL_SHUTDOWN_BOTH] = SHUT_RDWR,
    };
    QIOChannelSocket *sock = socket_from(ioc);

    if (how != QIO_CHANNEL_SHUTDOWN_WRITE) {
        qatomic_set(&sock->shut_read, true);
    }
    if (how != QIO_CHANNEL_SHUTDOWN_READ) {
        qatomic_set(&sock->shut_write, true);
    }
    trace_channel_socket_shutdown(sock->fd, qio_channel_name(ioc), how);
    /* Fails only when the peer has ended the connection already. */
    (void)shutdown(sock->fd, sys_how[how]);
}

static void socket_finalize(QIOChannel *ioc)
{
    close(socket_from(ioc)->fd);
}

static int socket_get_fd(QIOChannel *ioc)
{
    return socket_from(ioc)->fd;
}

static bool socket_set_blocking(QIOChannel *ioc, bool blocking, Error **errp)
{
    GError *gerr = NULL;

    if (!g_unix_set_fd_nonblocking(socket_from(ioc)->fd, !blocking, &gerr)) {
        error_setg(errp, "%s: cannot make it %s: %s", qio_channel_name(ioc),
                   blocking ? "blocking" : "non-blocking", gerr->message);
        g_error_free(gerr);
        return false;
    }
    return true;
}

static const QIOChannelOps socket_ops = {
    .kind = "socket",
    .readv = socket_readv,
    .writev = socket_writev,
    .shutdown = socket_shutdown,
    .finalize = socket_finalize,
    .get_fd = socket_get_fd,
    .set_blocking = socket_set_blocking,
};

/* Settings that help but whose absence does no harm: failures are ignored. */
static void socket_tune_tcp(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        { IPPROTO_TCP, TCP_NODELAY, 1 },
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
        { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
        { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
    };

    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        (void)setsockopt(fd, options[i].level, options[i].name,
                         &options[i].value, sizeof(options[i].value));
    }
}

/* The value of an integer option of the socket level, or -1. */
static int socket_option(int fd, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

QIOChannel *qio_channel_socket_new_fd(int fd, Error **errp)
{
    QIOChannelSocket *sock;
    int domain = socket_option(fd, SO_DOMAIN);
    GError *gerr = NULL;

    if (socket_option(fd, SO_TYPE) != SOCK_STREAM) {
        error_setg(errp, "file descriptor %d is not a stream socket", fd);
        return NULL;
    }
    if (!g_unix_set_fd_nonblocking(fd, false, &gerr)) {
        error_setg(errp, "cannot make the socket with file descriptor %d "
                   "blocking: %s", fd, gerr->message);
        g_error_free(gerr);
        return NULL;
    }
    if (domain == AF_INET || domain == AF_INET6) {
        socket_tune_tcp(fd);
    }
    sock = g_new0(QIOChannelSocket, 1);
    qio_channel_init(&sock->parent, &socket_ops);
    sock->fd = fd;
    return &sock->parent;
}

QIOChannel *qio_channel_socket_new(GSocket *socket, Error **errp)
{
    AUTO_FD int fd = fcntl(g_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
    QIOChannel *ioc;

    if (fd < 0) {
        error_setg_errno(errp, errno, "cannot duplicate the descriptor of a "
                         "connected socket");
        return NULL;
    }
    ioc = qio_channel_socket_new_fd(fd, errp);
    if (ioc) {
        (void)g_steal_fd(&fd);
    }
    return ioc;
}

/*
 * A unix listener whose backlog is full refuses a non-blocking connect with
 * EAGAIN, and nothing can be polled for room in it: asking again is the only
 * way.  tcp waits by itself.
 */
static void wait_for_backlog(GCancellable *cancellable)
{
    GPollFD pollfd;

    if (g_cancellable_make_pollfd(cancellable, &pollfd)) {
        g_poll(&pollfd, 1, UNIX_RETRY_MS);
        g_cancellable_release_fd(cancellable);
    } else {
        g_usleep(UNIX_RETRY_MS * 1000);
    }
}

static bool socket_try_connect(GSocket *socket, GSocketAddress *gaddr,
                               GCancellable *cancellable, GError **gerr)
{
    bool is_unix = g_socket_get_family(socket) == G_SOCKET_FAMILY_UNIX;

    while (!g_socket_connect(socket, gaddr, cancellable, gerr)) {
        if (!is_unix ||
            !g_error_matches(*gerr, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
            return false;
        }
        g_clear_error(gerr);
        wait_for_backlog(cancellable);
        /* The connect above would not look, and fail the same way for ever. */
        if (g_cancellable_set_error_if_cancelled(cancellable, gerr)) {
            return false;
        }
    }
    return true;
}

/* One address of a name. */
static GSocket *socket_connect_one(GSocketAddress *gaddr,
                                   GCancellable *cancellable, GError **gerr)
{
    g_autoptr(GSocket) socket = NULL;

    socket = g_socket_new(g_socket_address_get_family(gaddr),
                          G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT,
                          gerr);
    if (!socket || !socket_try_connect(socket, gaddr, cancellable, gerr)) {
        return NULL;
    }
    return g_steal_pointer(&socket);
}

/*
 * Goes through the addresses of a name until one answers.  The reason of the
 * last failure is kept: with "localhost" the first is often an address family
 * that the peer does not listen on.
 */
static GSocket *socket_connect_any(const SocketAddress *addr,
                                   GSocketConnectable *connectable,
                                   GCancellable *cancellable, GError **gerr)
{
    g_autoptr(GSocketAddressEnumerator) addresses =
        g_socket_connectable_enumerate(connectable);

    for (;;) {
        g_autoptr(GSocketAddress) gaddr = NULL;
        GError *this_gerr = NULL;
        GSocket *socket;

        gaddr = g_socket_address_enumerator_next(addresses, cancellable,
                                                 &this_gerr);
        if (!gaddr && !this_gerr) {
            if (!*gerr) {
                g_set_error_literal(gerr, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                                    "the host has no address of that "
                                    "family");
            }
            return NULL;
        }
        if (gaddr && !socket_address_wants_family(
                addr, g_socket_address_get_family(gaddr))) {
            continue;
        }
        g_clear_error(gerr);
        if (!gaddr) {
            g_propagate_error(gerr, this_gerr);
            return NULL;
        }
        socket = socket_connect_one(gaddr, cancellable, gerr);
        if (socket ||
            g_error_matches(*gerr, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
            return socket;
        }
    }
}

QIOChannel *qio_channel_socket_connect(const SocketAddress *addr,
                                       GCancellable *cancellable,
                                       Error **errp)
{
    g_autoptr(GSocketConnectable) connectable = NULL;
    g_autoptr(GSocket) socket = NULL;
    g_autofree char *uri = socket_address_to_uri(addr);
    g_autoptr(GError) gerr = NULL;

    connectable = socket_address_to_gio(addr, errp);
    if (!connectable) {
        return NULL;
    }
    if (G_IS_NETWORK_ADDRESS(connectable) &&
        g_network_address_get_port(G_NETWORK_ADDRESS(connectable)) == 0) {
        error_setg(errp, "cannot connect to '%s': port 0 is for listening; "
                   "give the port that the peer listens on", uri);
        return NULL;
    }
    trace_channel_socket_connect(uri);
    socket = socket_connect_any(addr, connectable, cancellable, &gerr);
    if (!socket) {
        trace_channel_socket_connect_failed(uri, gerr->message);
        error_setg(errp, "cannot connect to '%s': %s", uri, gerr->message);
        return NULL;
    }
    return qio_channel_socket_new(socket, errp);
}

bool qio_channel_socket_pair(QIOChannel **a, QIOChannel **b, Error **errp)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        error_setg_errno(errp, errno, "cannot make a pair of sockets");
        return false;
    }
    /* Fresh stream sockets: there is nothing in them that could be refused. */
    *a = qio_channel_socket_new_fd(fds[0], NULL);
    *b = qio_channel_socket_new_fd(fds[1], NULL);
    g_assert(*a && *b);
    return true;
}
