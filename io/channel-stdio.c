/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel over two shared descriptors; see io/channel-stdio.h.
 *
 * O_NONBLOCK would be set for all who share them, so each read and write asks
 * first whether it would wait, and a pipe is given no more at a time than one
 * with room takes whole.  Entered by any thread, under the rules of
 * io/channel.h.
 */
#include "qemu/osdep.h"
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include "io/channel-internal.h"
#include "io/channel-stdio.h"
#include "qapi/error.h"
#include "qemu/atomic.h"

typedef struct QIOChannelStdio {
    QIOChannel parent;

    /* set once at creation */
    int in_fd;
    int out_fd;

    /* atomics */
    bool shut_read;
    bool shut_write;
} QIOChannelStdio;

static QIOChannelStdio *stdio_from(QIOChannel *ioc)
{
    return container_of(ioc, QIOChannelStdio, parent);
}

static bool stdio_is_ready(int fd, short events)
{
    struct pollfd pfd = { .fd = fd, .events = events };

    return poll(&pfd, 1, 0) > 0;
}

/* What a system call has returned, as a channel's function returns it. */
static ssize_t stdio_result(QIOChannel *ioc, ssize_t n, const char *what,
                            Error **errp)
{
    if (n >= 0) {
        return n;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return QIO_CHANNEL_ERR_BLOCK;
    }
    error_setg_errno(errp, errno, "%s: cannot %s", qio_channel_name(ioc),
                     what);
    return -1;
}

static ssize_t stdio_readv(QIOChannel *ioc, const struct iovec *iov,
                           size_t niov, Error **errp)
{
    QIOChannelStdio *stdio = stdio_from(ioc);

    if (qatomic_read(&stdio->shut_read)) {
        return 0;
    }
    if (!stdio_is_ready(stdio->in_fd, POLLIN)) {
        return QIO_CHANNEL_ERR_BLOCK;
    }
    return stdio_result(ioc, readv(stdio->in_fd, iov, niov), "read", errp);
}

static ssize_t stdio_writev(QIOChannel *ioc, const struct iovec *iov,
                            size_t niov, Error **errp)
{
    QIOChannelStdio *stdio = stdio_from(ioc);
    struct msghdr msg = {
        .msg_iov = (struct iovec *)iov,
        .msg_iovlen = niov,
    };
    ssize_t n;

    if (qatomic_read(&stdio->shut_write)) {
        error_setg(errp, "%s: cannot write: the channel was shut down",
                   qio_channel_name(ioc));
        return -1;
    }
    if (!stdio_is_ready(stdio->out_fd, POLLOUT)) {
        return QIO_CHANNEL_ERR_BLOCK;
    }
    n = sendmsg(stdio->out_fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK) {
        n = write(stdio->out_fd, iov->iov_base, MIN(iov->iov_len, PIPE_BUF));
    }
    return stdio_result(ioc, n, "write", errp);
}

/* Nothing waits in this kind of channel. */
static void stdio_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
    QIOChannelStdio *stdio = stdio_from(ioc);

    if (how != QIO_CHANNEL_SHUTDOWN_WRITE) {
        qatomic_set(&stdio->shut_read, true);
    }
    if (how != QIO_CHANNEL_SHUTDOWN_READ) {
        qatomic_set(&stdio->shut_write, true);
    }
}

static void stdio_finalize(QIOChannel *ioc)
{
}

static int stdio_get_fd(QIOChannel *ioc)
{
    return stdio_from(ioc)->in_fd;
}

static int stdio_get_write_fd(QIOChannel *ioc)
{
    return stdio_from(ioc)->out_fd;
}

static bool stdio_set_blocking(QIOChannel *ioc, bool blocking, Error **errp)
{
    if (blocking) {
        error_setg(errp, "%s: descriptors that others have cannot be switched"
                   " to blocking", qio_channel_name(ioc));
    }
    return !blocking;
}

static const QIOChannelOps stdio_ops = {
    .kind = "stdio",
    .readv = stdio_readv,
    .writev = stdio_writev,
    .shutdown = stdio_shutdown,
    .finalize = stdio_finalize,
    .get_fd = stdio_get_fd,
    .get_write_fd = stdio_get_write_fd,
    .set_blocking = stdio_set_blocking,
};

QIOChannel *qio_channel_stdio_new(int in_fd, int out_fd)
{
    QIOChannelStdio *stdio = g_new0(QIOChannelStdio, 1);

    qio_channel_init(&stdio->parent, &stdio_ops);
    stdio->in_fd = in_fd;
    stdio->out_fd = out_fd;
    return &stdio->parent;
}
