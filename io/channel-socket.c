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
#include <sys/resource.h>
#include <sys/socket.h>
#include "io/channel-internal.h"
#include "io/channel-socket.h"
#include "io/channel-zero-copy.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/iov.h"
#include "channel-socket-fds.h"
#include "channel-socket-splice.h"
#include "channel-socket-zero-copy.h"
#include "trace.h"

/*
 * A peer host that vanishes without a word is noticed while nothing is sent
 * after 60 s + 6 * 10 s = two minutes, instead of the kernel's two hours.
 */
#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES 6

/* To lock less than this costs more than to copy it. */
#define ZERO_COPY_MIN_BYTES 16384

typedef struct QIOChannelSocket {
    QIOChannel parent;

    /* set once at creation */
    int fd;
    bool is_unix;
    /* set before a second thread comes */
    bool non_blocking;

    SocketZeroCopy zero_copy;   /* the writer's */
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

static ssize_t socket_receive(QIOChannel *ioc, struct msghdr *msg, int flags,
                              Error **errp)
{
    QIOChannelSocket *sock = socket_from(ioc);
    ssize_t n;

    do {
        if (qatomic_read(&sock->shut_read)) {
            return 0;
        }
        n = recvmsg(sock->fd, msg, flags);
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

static ssize_t socket_readv(QIOChannel *ioc, const struct iovec *iov,
                            size_t niov, Error **errp)
{
    struct msghdr msg = {
        .msg_iov = (struct iovec *)iov,
        .msg_iovlen = niov,
    };

    return socket_receive(ioc, &msg, 0, errp);
}

static ssize_t socket_readv_fds(QIOChannel *ioc, const struct iovec *iov,
                                size_t niov, GArray *fds, Error **errp)
{
    ERRP_GUARD();
    struct msghdr msg = {
        .msg_iov = (struct iovec *)iov,
        .msg_iovlen = niov,
    };
    SocketFdsControl control;
    ssize_t n;

    if (!socket_from(ioc)->is_unix) {
        return socket_readv(ioc, iov, niov, errp);
    }
    socket_fds_expect(&msg, &control);
    n = socket_receive(ioc, &msg, MSG_CMSG_CLOEXEC, errp);
    if (n > 0 && !socket_fds_collect(&msg, fds, errp)) {
        error_prepend(errp, "%s: ", qio_channel_name(ioc));
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

static void socket_write_error(QIOChannel *ioc, int errnum, Error **errp)
{
    if (qatomic_read(&socket_from(ioc)->shut_write)) {
        error_setg(errp, "%s: cannot write: the channel was shut down",
                   qio_channel_name(ioc));
    } else {
        error_setg_errno(errp, errnum, "%s: cannot write",
                         qio_channel_name(ioc));
    }
}

static ssize_t socket_send(QIOChannel *ioc, const struct iovec *iov,
                           size_t niov, int flags, Error **errp)
{
    struct msghdr msg = {
        .msg_iov = (struct iovec *)iov,
        .msg_iovlen = niov,
    };
    ssize_t n;

    do {
        /* A peer that has left is an error here, not a SIGPIPE. */
        n = sendmsg(socket_from(ioc)->fd, &msg, flags | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return QIO_CHANNEL_ERR_BLOCK;
    }
    if (n < 0) {
        socket_write_error(ioc, errno, errp);
        return -1;
    }
    return n;
}

static ssize_t socket_writev(QIOChannel *ioc, const struct iovec *iov,
                             size_t niov, Error **errp)
{
    return socket_send(ioc, iov, niov, 0, errp);
}

static void socket_memlock_error(QIOChannel *ioc, Error **errp)
{
    struct rlimit limit = { 0 };

    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    error_setg(errp, "%s: cannot send without a copy: the kernel refuses to"
               " lock the memory; RLIMIT_MEMLOCK (ulimit -l) is %" PRIu64
               " bytes for all processes of the user: raise it, or do without"
               " zero-copy-send", qio_channel_name(ioc),
               (uint64_t)limit.rlim_cur);
}

/* Headers by copy; they wait in the kernel for what goes by reference. */
static ssize_t socket_writev_zero_copy(QIOChannel *ioc, const struct iovec *iov,
                                       size_t niov, size_t nr_copied,
                                       Error **errp)
{
    QIOChannelSocket *sock = socket_from(ioc);
    ssize_t n;

    if (iov_size(&iov[nr_copied], niov - nr_copied) < ZERO_COPY_MIN_BYTES) {
        return socket_writev(ioc, iov, niov, errp);
    }
    if (nr_copied > 0) {
        return socket_send(ioc, iov, nr_copied, MSG_MORE, errp);
    }
    n = socket_zero_copy_send(&sock->zero_copy, sock->fd, iov, niov);
    if (n == -ENOBUFS) {
        socket_memlock_error(ioc, errp);
        return -1;
    }
    if (n < 0) {
        socket_write_error(ioc, (int)-n, errp);
        return -1;
    }
    return n;
}

/*
 * Headers go first, by copy.  tcp copies all unless it was told not to: over the
 * loopback its references cost the reader more than they save.
 */
static ssize_t socket_writev_stable(QIOChannel *ioc, const struct iovec *iov,
                                    size_t niov, size_t nr_copied,
                                    Error **errp)
{
    QIOChannelSocket *sock = socket_from(ioc);
    size_t n;

    if (sock->zero_copy.max_writes > 0 && !sock->non_blocking) {
        return socket_writev_zero_copy(ioc, iov, niov, nr_copied, errp);
    }
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

static bool socket_set_zero_copy(QIOChannel *ioc, unsigned max_writes,
                                 size_t max_write_bytes, Error **errp)
{
    QIOChannelSocket *sock = socket_from(ioc);
    int ret = socket_zero_copy_enable(&sock->zero_copy, sock->fd, max_writes,
                                      max_write_bytes);

    if (ret < 0 && sock->is_unix) {
        error_setg(errp, "%s: a unix socket has no zero-copy-send; use tcp, or"
                   " do without it", qio_channel_name(ioc));
    } else if (ret < 0) {
        error_setg_errno(errp, -ret, "%s: this kernel has no zero-copy-send"
                         " for such a socket", qio_channel_name(ioc));
    }
    return ret == 0;
}

static QIOChannelZeroCopy socket_flush_zero_copy(QIOChannel *ioc, Error **errp)
{
    QIOChannelSocket *sock = socket_from(ioc);
    int ret = socket_zero_copy_flush(&sock->zero_copy, sock->fd);

    if (ret < 0) {
        socket_write_error(ioc, -ret, errp);
        return QIO_CHANNEL_ZERO_COPY_FAILED;
    }
    return ret > 0 ? QIO_CHANNEL_ZERO_COPY_MISSED : QIO_CHANNEL_ZERO_COPY_DONE;
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
    .readv_fds = socket_readv_fds,
    .read_file = socket_read_file,
    .writev = socket_writev,
    .writev_stable = socket_writev_stable,
    .wait_stable = socket_wait_stable,
    .set_zero_copy = socket_set_zero_copy,
    .flush_zero_copy = socket_flush_zero_copy,
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
