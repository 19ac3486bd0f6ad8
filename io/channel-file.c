/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel over a file or a block device; see io/channel-file.h.
 *
 * Entered by any thread, under the rules of io/channel.h.  What is read or
 * written at a time, and what an end of the file means, is the user's business.
 */
#include "qemu/osdep.h"
#include <sys/uio.h>
#include "io/channel-file.h"
#include "io/channel-internal.h"
#include "io/fd-store.h"
#include "qapi/error.h"
#include "qemu/atomic.h"

/*
 * Pieces that are written at a time.  A file system with large folios copies a
 * page of the file before it is sure of the memory it comes from, and begins
 * again where that has to be mapped first: with a thousand pieces it does most
 * of the work three times.
 */
#define WRITE_PIECES_MAX 64

typedef struct QIOChannelFile {
    QIOChannel parent;

    /* set once at creation */
    int fd;
    char *path;                 /* what messages call it */
    bool is_shared;             /* others look at the descriptor's offset */

    uint64_t offset;            /* the reading or writing thread's */

    /* atomics */
    bool shut_read;
    bool shut_write;
} QIOChannelFile;

static QIOChannelFile *file_from(const QIOChannel *ioc)
{
    return container_of((QIOChannel *)ioc, QIOChannelFile, parent);
}

static ssize_t file_readv(QIOChannel *ioc, const struct iovec *iov,
                          size_t niov, Error **errp)
{
    QIOChannelFile *file = file_from(ioc);
    ssize_t n;

    do {
        if (qatomic_read(&file->shut_read)) {
            return 0;
        }
        n = preadv(file->fd, iov, (int)niov, (off_t)file->offset);
    } while (n < 0 && errno == EINTR);

    if (n < 0) {
        error_setg_errno(errp, errno, "%s: cannot read %s at offset %" PRIu64,
                         qio_channel_name(ioc), file->path, file->offset);
        return -1;
    }
    file->offset += (uint64_t)n;
    return n;
}

static ssize_t file_writev(QIOChannel *ioc, const struct iovec *iov,
                           size_t niov, Error **errp)
{
    QIOChannelFile *file = file_from(ioc);
    ssize_t n;

    do {
        if (qatomic_read(&file->shut_write)) {
            error_setg(errp, "%s: cannot write: the channel was shut down",
                       qio_channel_name(ioc));
            return -1;
        }
        n = pwritev(file->fd, iov, (int)MIN(niov, WRITE_PIECES_MAX),
                    (off_t)file->offset);
    } while (n < 0 && errno == EINTR);

    if (n < 0) {
        error_setg_errno(errp, errno, "%s: cannot write to %s at offset %"
                         PRIu64, qio_channel_name(ioc), file->path,
                         file->offset);
        return -1;
    }
    file->offset += (uint64_t)n;
    return n;
}

/* A file keeps nobody waiting; who goes on is told. */
static void file_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
    QIOChannelFile *file = file_from(ioc);

    if (how != QIO_CHANNEL_SHUTDOWN_WRITE) {
        qatomic_set(&file->shut_read, true);
    }
    if (how != QIO_CHANNEL_SHUTDOWN_READ) {
        qatomic_set(&file->shut_write, true);
    }
}

static void file_finalize(QIOChannel *ioc)
{
    QIOChannelFile *file = file_from(ioc);

    if (file->is_shared) {
        (void)lseek(file->fd, (off_t)file->offset, SEEK_SET);
    }
    close(file->fd);
    g_free(file->path);
}

static int file_get_fd(QIOChannel *ioc)
{
    return file_from(ioc)->fd;
}

/* It never waits for anybody, which is what non-blocking asks for. */
static bool file_set_blocking(QIOChannel *ioc, bool blocking, Error **errp)
{
    return true;
}

static const QIOChannelOps file_ops = {
    .kind = "file",
    .readv = file_readv,
    .writev = file_writev,
    .shutdown = file_shutdown,
    .finalize = file_finalize,
    .get_fd = file_get_fd,
    .set_blocking = file_set_blocking,
};

static bool file_check(int fd, const char *path, Error **errp)
{
    struct stat st;

    if (fstat(fd, &st) < 0) {
        error_setg_errno(errp, errno, "cannot look at %s", path);
        return false;
    }
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
        error_setg(errp, "%s is neither a file nor a block device", path);
        return false;
    }
    return true;
}

static QIOChannel *file_new(int fd, char *path, bool is_shared,
                            uint64_t offset)
{
    QIOChannelFile *file = g_new0(QIOChannelFile, 1);

    qio_channel_init(&file->parent, &file_ops);
    file->fd = fd;
    file->path = path;
    file->is_shared = is_shared;
    file->offset = offset;
    return &file->parent;
}

QIOChannel *qio_channel_file_new_fd(int fd, Error **errp)
{
    g_autofree char *path = g_strdup_printf("file descriptor %d", fd);
    int flags = fcntl(fd, F_GETFL);
    off_t offset;

    if (!file_check(fd, path, errp)) {
        return NULL;
    }
    /* The kernel appends, whatever offset a write names. */
    offset = lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
    if (flags < 0 || offset < 0) {
        error_setg_errno(errp, errno, "cannot find out where %s is", path);
        return NULL;
    }
    return file_new(fd, g_steal_pointer(&path), true, (uint64_t)offset);
}

/* A descriptor of an fdset: others have it, too, so it stays as it is. */
static int file_open_set(const char *path, int64_t fdset_id, int flags,
                         FdStore *fds, Error **errp)
{
    g_autofree char *quoted = g_strdup_printf("'%s'", path);
    AUTO_FD int fd = fd_store_open_set(fds, fdset_id, flags, errp);

    if (fd < 0 || !file_check(fd, quoted, errp)) {
        return -1;
    }
    if (fcntl(fd, F_GETFL) & O_APPEND) {
        error_setg(errp, "'%s' was opened with O_APPEND, which has no offsets",
                   path);
        return -1;
    }
    return g_steal_fd(&fd);
}

static int file_open_path(const char *path, int flags, mode_t mode,
                          Error **errp)
{
    ERRP_GUARD();
    g_autofree char *quoted = g_strdup_printf("'%s'", path);
    AUTO_FD int fd = -1;

    do {
        /* Non-blocking: a pipe without its other end would keep us here. */
        fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, mode);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        error_setg_errno(errp, errno, "Could not %s '%s'",
                         flags & O_CREAT ? "create" : "open", path);
        return -1;
    }
    if (!file_check(fd, quoted, errp)) {
        error_append_hint(errp, "Pipes and terminals can be given as fd:.\n");
        return -1;
    }
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0) {
        error_setg_errno(errp, errno, "cannot make '%s' blocking", path);
        return -1;
    }
    return g_steal_fd(&fd);
}

int qio_channel_file_open_fd(const char *path, int flags, mode_t mode,
                             FdStore *fds, Error **errp)
{
    int64_t fdset_id;
    int ret = fd_store_parse_set(path, &fdset_id, errp);

    if (ret < 0) {
        return -1;
    }
    return ret > 0 ? file_open_set(path, fdset_id, flags, fds, errp)
                   : file_open_path(path, flags, mode, errp);
}

QIOChannel *qio_channel_file_open(const char *path, int flags, mode_t mode,
                                  FdStore *fds, Error **errp)
{
    int fd = qio_channel_file_open_fd(path, flags, mode, fds, errp);

    return fd < 0 ? NULL
                  : file_new(fd, g_strdup_printf("'%s'", path), false, 0);
}

bool qio_channel_is_file(const QIOChannel *ioc)
{
    return ioc->ops == &file_ops;
}

bool qio_channel_file_truncate(QIOChannel *ioc, uint64_t size_bytes,
                               Error **errp)
{
    QIOChannelFile *file = file_from(ioc);
    struct stat st;

    if (fstat(file->fd, &st) == 0 && S_ISBLK(st.st_mode)) {
        return true;
    }
    if (size_bytes > INT64_MAX) {
        errno = EFBIG;
    } else if (ftruncate(file->fd, (off_t)size_bytes) == 0) {
        return true;
    }
    error_setg_errno(errp, errno, "cannot cut %s off at offset %" PRIu64,
                     file->path, size_bytes);
    return false;
}

bool qio_channel_file_seek(QIOChannel *ioc, uint64_t offset, Error **errp)
{
    QIOChannelFile *file = file_from(ioc);

    if (offset > INT64_MAX) {
        error_setg(errp, "%s: %s has no offset %" PRIu64 "; the greatest is %"
                   PRId64, qio_channel_name(ioc), file->path, offset,
                   INT64_MAX);
        return false;
    }
    file->offset = offset;
    return true;
}

bool qio_channel_file_settle(QIOChannel *ioc, Error **errp)
{
    QIOChannelFile *file = file_from(ioc);
    int fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);

    if (fd < 0 || close(fd) < 0) {
        error_setg_errno(errp, errno, "cannot keep what was written to %s",
                         file->path);
        return false;
    }
    return true;
}

uint64_t qio_channel_file_tell(const QIOChannel *ioc)
{
    return file_from(ioc)->offset;
}
