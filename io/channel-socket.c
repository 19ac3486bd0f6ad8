/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel over a stream socket; see io/channel-socket.h.
 *
 * Entered by any thread, under the rules of io/channel.h.  GIO makes the
 * connection (its sockets are always non-blocking); the channel then owns a
 * duplicate of the descriptor, switched to blocking, and moves bytes with the
 * system calls themselves.  Connecting is channel-socket-connect.c's part,
 * listening io/listener.c's.
 */
#include "qemu/osdep.h"
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include "io/channel-internal.h"
#include "io/channel-socket.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "channel-socket-splice.h"
#include "trace.h"

/*
 * A peer host that vanishes without a word is noticed while nothing is sent
 * after 60 s + 6 * 10 s = two minutes, instead of the kernel's two hours.
 */
#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES 6

typedef struct QIOChannelSocket {
    QIOChannel parent;

    /* set once at creation */
    int fd;
    bool is_unix;
    /* set before a second thread comes */
    bool non_blocking;

    SplicePipe out;             /* the writer's */
    SplicePipe in;              /* the reader's */

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

static ssize_t socket_read_file(QIOChannel *ioc, const QIOChannelFileRange *to,
                                Error **errp)
{
    QIOChannelSocket *sock = socket_from(ioc);
    struct iovec iov = { .iov_base = to->host, .iov_len = to->len_bytes };
    ssize_t n;
    int ret;

    if (qatomic_read(&sock->shut_read)) {
        return 0;
    }
    if (sock->non_blocking || !splice_pipe_open(&sock->in)) {
        return socket_readv(ioc, &iov, 1, errp);
    }
    n = splice_pipe_fill(&sock->in, sock->fd, to->len_bytes);
    if (n < 0) {
        return socket_readv(ioc, &iov, 1, errp);
    }
    ret = splice_pipe_store(&sock->in, to, n);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "%s: cannot put %zd bytes that have "
                         "arrived at offset %" PRIu64 " of their file",
                         qio_channel_name(ioc), n, to->offset);
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

/*
 * Headers go first, by copy.  tcp copies all: over the loopback its references
 * cost the reader more than they save, and an acknowledgement does not say that
 * they were read.
 */
static ssize_t socket_writev_stable(QIOChannel *ioc, const struct iovec *iov,
                                    size_t niov, size_t nr_copied,
                                    Error **errp)
{
    QIOChannelSocket *sock = socket_from(ioc);
    size_t n;

    if (!sock->is_unix || sock->non_blocking ||
        !splice_pipe_pays(&iov[nr_copied], niov - nr_copied) ||
        !splice_pipe_open(&sock->out)) {
        return socket_writev(ioc, iov, niov, errp);
    }
    if (nr_copied > 0) {
        return socket_writev(ioc, iov, nr_copied, errp);
    }
    n = splice_pipe_send(&sock->out, sock->fd, iov, niov);
    return n > 0 ? (ssize_t)n : socket_writev(ioc, iov, niov, errp);
}

static bool socket_wait_stable(QIOChannel *ioc, int timeout_ms)
{
    QIOChannelSocket *sock = socket_from(ioc);
    struct pollfd pfd = { .fd = sock->fd, .events = POLLRDHUP };
    int ret;

    if (!sock->out.used) {
        return true;
    }
    do {
        ret = poll(&pfd, 1, timeout_ms);
    } while (ret < 0 && errno == EINTR);
    return ret != 0;
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
    QIOChannelSocket *sock = socket_from(ioc);

    splice_pipe_refuse(&sock->out);
    splice_pipe_refuse(&sock->in);
    close(sock->fd);
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
    socket_from(ioc)->non_blocking = !blocking;
    return true;
}

static const QIOChannelOps socket_ops = {
    .kind = "socket",
    .readv = socket_readv,
    .read_file = socket_read_file,
    .writev = socket_writev,
    .writev_stable = socket_writev_stable,
    .wait_stable = socket_wait_stable,
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
    sock->is_unix = domain == AF_UNIX;
    splice_pipe_init(&sock->out);
    splice_pipe_init(&sock->in);
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
