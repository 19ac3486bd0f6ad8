/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is the same for all kinds of channels: the reference count, the calls
 * that go on until everything is moved, and watches on a main context.
 *
 * Entered by any thread, under the rules of io/channel.h.  How bytes move is
 * left to the kinds; nothing here allocates on the way of data.
 */
#include "qemu/osdep.h"
#include <glib-unix.h>
#include "io/channel-fds.h"
#include "io/channel-internal.h"
#include "io/channel-layered.h"
#include "qapi/error.h"

/* A watch: what its GSource owns. */
typedef struct QIOChannelWatch {
    QIOChannel *ioc;
    QIOChannelFunc func;
    void *opaque;
} QIOChannelWatch;

void qio_channel_init(QIOChannel *ioc, const QIOChannelOps *ops)
{
    ioc->ops = ops;
    ioc->name = NULL;
    g_atomic_int_set(&ioc->refcount, 1);
}

QIOChannel *qio_channel_ref(QIOChannel *ioc)
{
    g_atomic_int_inc(&ioc->refcount);
    return ioc;
}

void qio_channel_unref(QIOChannel *ioc)
{
    if (!ioc || !g_atomic_int_dec_and_test(&ioc->refcount)) {
        return;
    }
    ioc->ops->finalize(ioc);
    g_free(ioc->name);
    g_free(ioc);
}

void qio_channel_set_name(QIOChannel *ioc, const char *name)
{
    g_free(ioc->name);
    ioc->name = g_strdup(name);
}

const char *qio_channel_name(const QIOChannel *ioc)
{
    return ioc->name ? ioc->name : ioc->ops->kind;
}

ssize_t qio_channel_readv(QIOChannel *ioc, const struct iovec *iov,
                          size_t niov, Error **errp)
{
    return ioc->ops->readv(ioc, iov, niov, errp);
}

ssize_t qio_channel_read(QIOChannel *ioc, void *buf, size_t len_bytes,
                         Error **errp)
{
    struct iovec iov = { .iov_base = buf, .iov_len = len_bytes };

    return qio_channel_readv(ioc, &iov, 1, errp);
}

ssize_t qio_channel_readv_fds(QIOChannel *ioc, const struct iovec *iov,
                              size_t niov, GArray *fds, Error **errp)
{
    return ioc->ops->readv_fds
        ? ioc->ops->readv_fds(ioc, iov, niov, fds, errp)
        : qio_channel_readv(ioc, iov, niov, errp);
}

ssize_t qio_channel_writev(QIOChannel *ioc, const struct iovec *iov,
                           size_t niov, Error **errp)
{
    return ioc->ops->writev(ioc, iov, niov, errp);
}

/*
 * Cuts @len_bytes off the front of a vector and drops the empty elements that
 * follow: a read into nothing but those would look like the end of the stream.
 */
static void vector_advance(struct iovec **iov, size_t *niov, size_t len_bytes)
{
    while (*niov > 0 && len_bytes >= (*iov)->iov_len) {
        len_bytes -= (*iov)->iov_len;
        (*iov)++;
        (*niov)--;
    }
    if (len_bytes > 0) {
        g_assert(*niov > 0);
        (*iov)->iov_base = (char *)(*iov)->iov_base + len_bytes;
        (*iov)->iov_len -= len_bytes;
    }
}

/* Only the rare error path needs the total, so it is added up there. */
static size_t vector_bytes(const struct iovec *iov, size_t niov)
{
    size_t total = 0;

    for (size_t i = 0; i < niov; i++) {
        total += iov[i].iov_len;
    }
    return total;
}

/*
 * What a whole read makes of the answer @n, not above 0, of one of its reads:
 * @done bytes were read before, @left are missing.
 */
static int channel_read_stopped(QIOChannel *ioc, ssize_t n, size_t done,
                                size_t left, Error **errp)
{
    if (n == QIO_CHANNEL_ERR_BLOCK) {
        error_setg(errp, "%s: a whole read was asked of a non-blocking "
                   "channel that has no data", qio_channel_name(ioc));
    } else if (n == 0 && done > 0) {
        error_setg(errp, "%s: the stream ended after %zu of %zu bytes",
                   qio_channel_name(ioc), done, done + left);
    }
    return n == 0 && done == 0 ? 0 : -1;
}

int qio_channel_readv_all_eof(QIOChannel *ioc, struct iovec *iov, size_t niov,
                              Error **errp)
{
    size_t done = 0;

    vector_advance(&iov, &niov, 0);
    while (niov > 0) {
        ssize_t n = qio_channel_readv(ioc, iov, MIN(niov, (size_t)IOV_MAX),
                                      errp);

        if (n <= 0) {
            return channel_read_stopped(ioc, n, done, vector_bytes(iov, niov),
                                        errp);
        }
        done += n;
        vector_advance(&iov, &niov, n);
    }
    return 1;
}

int qio_channel_read_file_all_eof(QIOChannel *ioc,
                                  const QIOChannelFileRange *to, Error **errp)
{
    QIOChannelFileRange left = *to;

    if (!ioc->ops->read_file) {
        return qio_channel_read_all_eof(ioc, to->host, to->len_bytes, errp);
    }
    while (left.len_bytes > 0) {
        ssize_t n = ioc->ops->read_file(ioc, &left, errp);

        if (n <= 0) {
            return channel_read_stopped(ioc, n, to->len_bytes - left.len_bytes,
                                        left.len_bytes, errp);
        }
        left.offset += n;
        left.host += n;
        left.len_bytes -= n;
    }
    return 1;
}

int qio_channel_read_all_eof(QIOChannel *ioc, void *buf, size_t len_bytes,
                             Error **errp)
{
    struct iovec iov = { .iov_base = buf, .iov_len = len_bytes };

    return qio_channel_readv_all_eof(ioc, &iov, 1, errp);
}

bool qio_channel_read_all(QIOChannel *ioc, void *buf, size_t len_bytes,
                          Error **errp)
{
    int ret = qio_channel_read_all_eof(ioc, buf, len_bytes, errp);

    if (ret == 0) {
        error_setg(errp, "%s: the stream ended where %zu bytes were expected",
                   qio_channel_name(ioc), len_bytes);
    }
    return ret == 1;
}

/* Some of what is left, by reference where that is wanted. */
static ssize_t channel_write_some(QIOChannel *ioc, const struct iovec *iov,
                                  size_t niov, size_t nr_copied, Error **errp)
{
    niov = MIN(niov, (size_t)IOV_MAX);
    if (nr_copied < niov && ioc->ops->writev_stable) {
        return ioc->ops->writev_stable(ioc, iov, niov, nr_copied, errp);
    }
    return qio_channel_writev(ioc, iov, niov, errp);
}

bool qio_channel_writev_stable_all(QIOChannel *ioc, struct iovec *iov,
                                   size_t niov, size_t nr_copied, Error **errp)
{
    size_t all = niov;

    vector_advance(&iov, &niov, 0);
    while (niov > 0) {
        size_t nr_done = all - niov;
        ssize_t n = channel_write_some(ioc, iov, niov,
                                       nr_copied - MIN(nr_copied, nr_done),
                                       errp);

        if (n == QIO_CHANNEL_ERR_BLOCK) {
            error_setg(errp, "%s: a whole write was asked of a non-blocking "
                       "channel that has no room", qio_channel_name(ioc));
            return false;
        }
        if (n < 0) {
            return false;
        }
        vector_advance(&iov, &niov, n);
    }
    return true;
}

bool qio_channel_wait_stable(QIOChannel *ioc, int timeout_ms)
{
    return !ioc->ops->wait_stable || ioc->ops->wait_stable(ioc, timeout_ms);
}

bool qio_channel_set_zero_copy(QIOChannel *ioc, unsigned max_writes,
                               size_t max_write_bytes, Error **errp)
{
    if (!ioc->ops->set_zero_copy) {
        error_setg(errp, "%s: a %s channel has no zero-copy-send; use tcp, or"
                   " do without it", qio_channel_name(ioc), ioc->ops->kind);
        return false;
    }
    return ioc->ops->set_zero_copy(ioc, max_writes, max_write_bytes, errp);
}

QIOChannelZeroCopy qio_channel_flush_zero_copy(QIOChannel *ioc, Error **errp)
{
    return ioc->ops->flush_zero_copy ? ioc->ops->flush_zero_copy(ioc, errp)
                                     : QIO_CHANNEL_ZERO_COPY_DONE;
}

bool qio_channel_writev_all(QIOChannel *ioc, struct iovec *iov, size_t niov,
                            Error **errp)
{
    return qio_channel_writev_stable_all(ioc, iov, niov, niov, errp);
}

bool qio_channel_write_all(QIOChannel *ioc, const void *buf, size_t len_bytes,
                           Error **errp)
{
    struct iovec iov = { .iov_base = (void *)buf, .iov_len = len_bytes };

    return qio_channel_writev_all(ioc, &iov, 1, errp);
}

void qio_channel_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
    if (ioc) {
        ioc->ops->shutdown(ioc, how);
    }
}

bool qio_channel_set_blocking(QIOChannel *ioc, bool blocking, Error **errp)
{
    if (!ioc->ops->set_blocking) {
        error_setg(errp, "%s: a %s channel cannot be switched between "
                   "blocking and non-blocking", qio_channel_name(ioc),
                   ioc->ops->kind);
        return false;
    }
    return ioc->ops->set_blocking(ioc, blocking, errp);
}

int qio_channel_get_fd(QIOChannel *ioc)
{
    return ioc->ops->get_fd ? ioc->ops->get_fd(ioc) : -1;
}

int qio_channel_get_write_fd(QIOChannel *ioc)
{
    return ioc->ops->get_write_fd ? ioc->ops->get_write_fd(ioc)
                                  : qio_channel_get_fd(ioc);
}

bool qio_channel_has_pending(QIOChannel *ioc)
{
    return ioc->ops->has_pending && ioc->ops->has_pending(ioc);
}

QIOChannel *qio_channel_below(QIOChannel *ioc)
{
    return ioc->ops->below ? ioc->ops->below(ioc) : ioc;
}

bool qio_channel_say_end(QIOChannel *ioc, int timeout_ms)
{
    return !ioc->ops->say_end || ioc->ops->say_end(ioc, timeout_ms);
}

static void watch_free(void *opaque)
{
    QIOChannelWatch *watch = opaque;

    qio_channel_unref(watch->ioc);
    g_free(watch);
}

static gboolean watch_dispatch(int fd, GIOCondition condition, void *opaque)
{
    QIOChannelWatch *watch = opaque;

    return watch->func(watch->ioc, condition, watch->opaque);
}

/* A watch over a kind that reads ahead of its user. */
typedef struct QIOChannelSource {
    GSource parent;
    QIOChannel *ioc;            /* kept by the watch */
    int fd;
    void *tag;                  /* of @fd in the source */
} QIOChannelSource;

static gboolean pending_prepare(GSource *source, gint *timeout_ms)
{
    *timeout_ms = -1;
    return qio_channel_has_pending(((QIOChannelSource *)source)->ioc);
}

static gboolean pending_check(GSource *source)
{
    QIOChannelSource *s = (QIOChannelSource *)source;

    return g_source_query_unix_fd(source, s->tag) ||
           qio_channel_has_pending(s->ioc);
}

static gboolean pending_dispatch(GSource *source, GSourceFunc callback,
                                 void *opaque)
{
    QIOChannelSource *s = (QIOChannelSource *)source;
    GIOCondition condition = g_source_query_unix_fd(source, s->tag);

    if (qio_channel_has_pending(s->ioc)) {
        condition |= G_IO_IN;
    }
    return watch_dispatch(s->fd, condition, opaque);
}

static GSource *watch_source_new(QIOChannel *ioc, int fd,
                                 GIOCondition condition)
{
    static const GSourceFuncs funcs = {
        .prepare = pending_prepare,
        .check = pending_check,
        .dispatch = pending_dispatch,
    };
    QIOChannelSource *s;

    if (!ioc->ops->has_pending || !(condition & G_IO_IN)) {
        return g_unix_fd_source_new(fd, condition);
    }
    s = (QIOChannelSource *)g_source_new((GSourceFuncs *)&funcs, sizeof(*s));
    s->ioc = ioc;
    s->fd = fd;
    s->tag = g_source_add_unix_fd(&s->parent, fd,
                                  condition | G_IO_ERR | G_IO_HUP);
    return &s->parent;
}

GSource *qio_channel_add_watch(QIOChannel *ioc, GMainContext *context,
                               GIOCondition condition, QIOChannelFunc func,
                               void *opaque)
{
    QIOChannelWatch *watch = g_new0(QIOChannelWatch, 1);
    int fd = condition & G_IO_IN ? qio_channel_get_fd(ioc)
                                 : qio_channel_get_write_fd(ioc);
    GSource *source;

    g_assert(fd >= 0);
    watch->ioc = qio_channel_ref(ioc);
    watch->func = func;
    watch->opaque = opaque;
    source = watch_source_new(ioc, fd, condition);
    g_source_set_callback(source, G_SOURCE_FUNC(watch_dispatch), watch,
                          watch_free);
    g_source_attach(source, context);
    return source;
}
