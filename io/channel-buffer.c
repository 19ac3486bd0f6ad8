/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel over memory; see io/channel-buffer.h.
 *
 * Entered by any thread; the lock covers all of the buffer.  Bytes that were
 * read are dropped when the buffer runs empty or has to grow.
 */
#include "qemu/osdep.h"
#include "io/channel-buffer.h"
#include "io/channel-internal.h"
#include "qapi/error.h"
#include "qemu/iov.h"
#include "qemu/thread.h"

/* What a first write to an empty buffer allocates at least. */
#define CAPACITY_MIN_BYTES 4096

typedef struct QIOChannelBuffer {
    QIOChannel parent;

    QemuMutex lock;
    /* guarded by lock; data[start .. end) is what readers get */
    uint8_t *data;
    size_t capacity;
    size_t start;
    size_t end;
    bool shut_read;
    bool shut_write;
} QIOChannelBuffer;

static QIOChannelBuffer *buffer_from(QIOChannel *ioc)
{
    return container_of(ioc, QIOChannelBuffer, parent);
}

static ssize_t buffer_readv(QIOChannel *ioc, const struct iovec *iov,
                            size_t niov, Error **errp)
{
    QIOChannelBuffer *buf = buffer_from(ioc);
    size_t n;

    QEMU_LOCK_GUARD(&buf->lock);
    if (buf->shut_read || buf->start == buf->end) {
        return 0;
    }
    n = iov_from_buf(iov, niov, 0, buf->data + buf->start,
                     buf->end - buf->start);
    buf->start += n;
    if (buf->start == buf->end) {
        buf->start = buf->end = 0;
    }
    return n;
}

/* Makes room for @more_bytes behind the content. */
static void buffer_reserve_locked(QIOChannelBuffer *buf, size_t more_bytes)
{
    size_t used = buf->end - buf->start;

    if (buf->capacity - buf->end >= more_bytes) {
        return;
    }
    if (buf->start > 0) {
        memmove(buf->data, buf->data + buf->start, used);
        buf->start = 0;
        buf->end = used;
    }
    if (buf->capacity - used < more_bytes) {
        buf->capacity = MAX(MAX(used + more_bytes, buf->capacity * 2),
                            (size_t)CAPACITY_MIN_BYTES);
        buf->data = g_realloc(buf->data, buf->capacity);
    }
}

static ssize_t buffer_writev(QIOChannel *ioc, const struct iovec *iov,
                             size_t niov, Error **errp)
{
    QIOChannelBuffer *buf = buffer_from(ioc);
    size_t n = iov_size(iov, niov);

    QEMU_LOCK_GUARD(&buf->lock);
    if (buf->shut_write) {
        error_setg(errp, "%s: cannot write: the channel was shut down",
                   qio_channel_name(ioc));
        return -1;
    }
    buffer_reserve_locked(buf, n);
    iov_to_buf(iov, niov, 0, buf->data + buf->end, n);
    buf->end += n;
    return n;
}

static void buffer_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
    QIOChannelBuffer *buf = buffer_from(ioc);

    QEMU_LOCK_GUARD(&buf->lock);
    buf->shut_read |= how != QIO_CHANNEL_SHUTDOWN_WRITE;
    buf->shut_write |= how != QIO_CHANNEL_SHUTDOWN_READ;
}

static void buffer_finalize(QIOChannel *ioc)
{
    QIOChannelBuffer *buf = buffer_from(ioc);

    g_free(buf->data);
    qemu_mutex_destroy(&buf->lock);
}

/* Nothing here ever waits, so both modes are the same. */
static bool buffer_set_blocking(QIOChannel *ioc, bool blocking, Error **errp)
{
    return true;
}

static const QIOChannelOps buffer_ops = {
    .kind = "buffer",
    .readv = buffer_readv,
    .writev = buffer_writev,
    .shutdown = buffer_shutdown,
    .finalize = buffer_finalize,
    .set_blocking = buffer_set_blocking,
};

QIOChannel *qio_channel_buffer_new(size_t capacity_bytes)
{
    QIOChannelBuffer *buf = g_new0(QIOChannelBuffer, 1);

    qio_channel_init(&buf->parent, &buffer_ops);
    qemu_mutex_init(&buf->lock);
    buf->capacity = capacity_bytes;
    buf->data = g_malloc(capacity_bytes);
    return &buf->parent;
}

QIOChannel *qio_channel_buffer_new_data(const void *data, size_t len_bytes)
{
    QIOChannel *ioc = qio_channel_buffer_new(len_bytes);
    QIOChannelBuffer *buf = buffer_from(ioc);

    if (len_bytes > 0) {
        memcpy(buf->data, data, len_bytes);
    }
    buf->end = len_bytes;
    return ioc;
}

const uint8_t *qio_channel_buffer_peek(QIOChannel *ioc, size_t *len_bytes)
{
    QIOChannelBuffer *buf = buffer_from(ioc);

    g_assert(ioc->ops == &buffer_ops);
    QEMU_LOCK_GUARD(&buf->lock);
    if (len_bytes) {
        *len_bytes = buf->end - buf->start;
    }
    return buf->end > buf->start ? buf->data + buf->start : NULL;
}

void qio_channel_buffer_reset(QIOChannel *ioc)
{
    QIOChannelBuffer *buf = buffer_from(ioc);

    g_assert(ioc->ops == &buffer_ops);
    QEMU_LOCK_GUARD(&buf->lock);
    buf->start = buf->end = 0;
}
