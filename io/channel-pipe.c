/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel over a pipe; see io/channel-pipe.h.
 *
 * The descriptors never block: who has to wait does so in poll(2), together with
 * a descriptor that a shutdown from another thread makes readable.  Entered by
 * any thread, under the rules of io/channel.h.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include "io/channel-pipe.h"
#include "channel-pipe-internal.h"
#include "qapi/error.h"
#include "qemu/atomic.h"

static QIOChannelPipe *pipe_from(QIOChannel *ioc)
{
    return container_of(ioc, QIOChannelPipe, parent);
}

static bool pipe_make_non_blocking(int fd)
{
    int flags;

    if (fd < 0) {
        return true;
    }
    flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool channel_pipe_init(QIOChannelPipe *pipe, const QIOChannelOps *ops,
                       int in_fd, int out_fd, Error **errp)
{
    AUTO_FD int wake_in_fd = eventfd(0, EFD_CLOEXEC);
    AUTO_FD int wake_out_fd = eventfd(0, EFD_CLOEXEC);

    if (wake_in_fd < 0 || wake_out_fd < 0 || !pipe_make_non_blocking(in_fd) ||
        !pipe_make_non_blocking(out_fd)) {
        error_setg_errno(errp, errno, "cannot set up a %s channel",
                         ops->kind);
        return false;
    }
    qio_channel_init(&pipe->parent, ops);
    pipe->in_fd = in_fd;
    pipe->out_fd = out_fd;
    pipe->wake_in_fd = g_steal_fd(&wake_in_fd);
    pipe->wake_out_fd = g_steal_fd(&wake_out_fd);
    return true;
}

/* Waits for the pipe, or for a shutdown: which, the caller finds out. */
static void pipe_wait(int fd, short events, int wake_fd)
{
    struct pollfd fds[] = {
        { .fd = fd, .events = events },
        { .fd = wake_fd, .events = POLLIN },
    };

    (void)poll(fds, ARRAY_SIZE(fds), -1);
}

ssize_t channel_pipe_readv(QIOChannelPipe *pipe, const struct iovec *iov,
                           size_t niov)
{
    for (;;) {
        ssize_t n;

        if (qatomic_read(&pipe->shut_read)) {
            return 0;
        }
        n = readv(pipe->in_fd, iov, (int)niov);
        if (n >= 0) {
            return n;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN || pipe->non_blocking) {
            return -errno;
        }
        pipe_wait(pipe->in_fd, POLLIN, pipe->wake_in_fd);
    }
}

/*
 * A pipe that nobody reads any more raises SIGPIPE, and knows no MSG_NOSIGNAL.
 * Who has the signal blocked anyway keeps it pending.
 */
static ssize_t pipe_write_without_signal(int fd, const struct iovec *iov,
                                         size_t niov)
{
    static const struct timespec now = { 0 };
    sigset_t sigpipe, before;
    ssize_t n;

    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    n = writev(fd, iov, (int)niov);
    n = n < 0 ? -errno : n;
    if (!sigismember(&before, SIGPIPE)) {
        if (n == -EPIPE) {
            (void)sigtimedwait(&sigpipe, NULL, &now);
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    return n;
}

ssize_t channel_pipe_writev(QIOChannelPipe *pipe, const struct iovec *iov,
                            size_t niov)
{
    for (;;) {
        ssize_t n;

        if (qatomic_read(&pipe->shut_write)) {
            return -ESHUTDOWN;
        }
        n = pipe_write_without_signal(pipe->out_fd, iov, niov);
        if (n == -EINTR) {
            continue;
        }
        if (n != -EAGAIN || pipe->non_blocking) {
            return n;
        }
        pipe_wait(pipe->out_fd, POLLOUT, pipe->wake_out_fd);
    }
}

void channel_pipe_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
    QIOChannelPipe *pipe = pipe_from(ioc);

    /* The flag first: who is woken looks at it. */
    if (how != QIO_CHANNEL_SHUTDOWN_WRITE) {
        qatomic_set(&pipe->shut_read, true);
        (void)eventfd_write(pipe->wake_in_fd, 1);
    }
    if (how != QIO_CHANNEL_SHUTDOWN_READ) {
        qatomic_set(&pipe->shut_write, true);
        (void)eventfd_write(pipe->wake_out_fd, 1);
    }
}

void channel_pipe_close(QIOChannelPipe *pipe)
{
    const int fds[] = {
        pipe->in_fd, pipe->out_fd, pipe->wake_in_fd, pipe->wake_out_fd,
    };

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

int channel_pipe_get_fd(QIOChannel *ioc)
{
    QIOChannelPipe *pipe = pipe_from(ioc);

    return pipe->in_fd >= 0 ? pipe->in_fd : pipe->out_fd;
}

int channel_pipe_get_write_fd(QIOChannel *ioc)
{
    QIOChannelPipe *pipe = pipe_from(ioc);

    return pipe->out_fd >= 0 ? pipe->out_fd : pipe->in_fd;
}

bool channel_pipe_set_blocking(QIOChannel *ioc, bool blocking, Error **errp)
{
    pipe_from(ioc)->non_blocking = !blocking;
    return true;
}

static ssize_t pipe_readv(QIOChannel *ioc, const struct iovec *iov,
                          size_t niov, Error **errp)
{
    QIOChannelPipe *pipe = pipe_from(ioc);
    ssize_t n;

    if (pipe->in_fd < 0) {
        error_setg(errp, "%s: cannot read: the pipe is open for writing only",
                   qio_channel_name(ioc));
        return -1;
    }
    n = channel_pipe_readv(pipe, iov, niov);
    if (n == -EAGAIN) {
        return QIO_CHANNEL_ERR_BLOCK;
    }
    if (n < 0) {
        error_setg_errno(errp, (int)-n, "%s: cannot read from the pipe",
                         qio_channel_name(ioc));
        return -1;
    }
    return n;
}

static ssize_t pipe_writev(QIOChannel *ioc, const struct iovec *iov,
                           size_t niov, Error **errp)
{
    QIOChannelPipe *pipe = pipe_from(ioc);
    ssize_t n;

    if (pipe->out_fd < 0) {
        error_setg(errp, "%s: cannot write: the pipe is open for reading only",
                   qio_channel_name(ioc));
        return -1;
    }
    n = channel_pipe_writev(pipe, iov, niov);
    if (n == -EAGAIN) {
        return QIO_CHANNEL_ERR_BLOCK;
    }
    if (n == -ESHUTDOWN) {
        error_setg(errp, "%s: cannot write: the channel was shut down",
                   qio_channel_name(ioc));
        return -1;
    }
    if (n < 0) {
        error_setg_errno(errp, (int)-n, "%s: cannot write to the pipe",
                         qio_channel_name(ioc));
        return -1;
    }
    return n;
}

static void pipe_finalize(QIOChannel *ioc)
{
    channel_pipe_close(pipe_from(ioc));
}

static const QIOChannelOps pipe_ops = {
    .kind = "pipe",
    .readv = pipe_readv,
    .writev = pipe_writev,
    .shutdown = channel_pipe_shutdown,
    .finalize = pipe_finalize,
    .get_fd = channel_pipe_get_fd,
    .get_write_fd = channel_pipe_get_write_fd,
    .set_blocking = channel_pipe_set_blocking,
};

static bool pipe_check(int fd, Error **errp)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        error_setg_errno(errp, errno, "cannot look at file descriptor %d", fd);
        return false;
    }
    if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) {
        error_setg(errp, "file descriptor %d is neither a pipe nor a "
                   "character device", fd);
        return false;
    }
    return true;
}

QIOChannel *qio_channel_pipe_new_fd(int fd, Error **errp)
{
    g_autofree QIOChannelPipe *pipe = g_new0(QIOChannelPipe, 1);
    AUTO_FD int other_fd = -1;
    int access;

    if (!pipe_check(fd, errp)) {
        return NULL;
    }
    access = fcntl(fd, F_GETFL) & O_ACCMODE;
    /* Each direction has a descriptor of its own. */
    other_fd = access == O_RDWR ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (access == O_RDWR && other_fd < 0) {
        error_setg_errno(errp, errno, "cannot duplicate file descriptor %d",
                         fd);
        return NULL;
    }
    if (!channel_pipe_init(pipe, &pipe_ops, access == O_WRONLY ? -1 : fd,
                           access == O_WRONLY ? fd : other_fd, errp)) {
        return NULL;
    }
    (void)g_steal_fd(&other_fd);
    return &g_steal_pointer(&pipe)->parent;
}
