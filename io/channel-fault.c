/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel that misbehaves on demand; see io/channel-fault.h.
 *
 * Entered by any thread.  The lock covers the faults and the byte counts; it
 * is not held while the wrapped channel reads or writes, so a shutdown always
 * gets through.
 */
#include "qemu/osdep.h"
#include "io/channel-fault.h"
#include "io/channel-internal.h"
#include "qapi/error.h"
#include "qemu/iov.h"
#include "qemu/thread.h"

/* Elements of a caller's vector that one short transfer uses at most. */
#define SHORT_VECTOR_MAX 64

/* One direction; all guarded by the channel's lock. */
typedef struct FaultState {
    size_t max_bytes;           /* 0 = no limit */
    uint64_t error_at;
    uint64_t eof_at;
    uint64_t hold_at;
    uint64_t done_bytes;
    bool held;                  /* a thread stands at hold_at */
    bool shut;
} FaultState;

typedef struct QIOChannelFault {
    QIOChannel parent;

    /* set once at creation; holds a reference */
    QIOChannel *inner;

    QemuMutex lock;
    /* any change of a FaultState */
    QemuCond changed;
    /* guarded by lock */
    FaultState state[2];
    bool blocking;
} QIOChannelFault;

/* What comes next in a direction. */
typedef enum FaultStep {
    FAULT_STEP_TRANSFER,
    FAULT_STEP_ERROR,
    FAULT_STEP_EOF,
    FAULT_STEP_BLOCK,
} FaultStep;

static QIOChannelFault *fault_from(QIOChannel *ioc)
{
    return container_of(ioc, QIOChannelFault, parent);
}

/* Waits at a hold; then says what comes next, and how many bytes of it. */
static FaultStep fault_next(QIOChannelFault *fault,
                            QIOChannelFaultDirection dir, size_t *max_bytes)
{
    FaultState *st = &fault->state[dir];
    uint64_t stop_at;

    QEMU_LOCK_GUARD(&fault->lock);
    while (st->hold_at <= st->done_bytes && !st->shut) {
        if (!fault->blocking) {
            return FAULT_STEP_BLOCK;
        }
        st->held = true;
        qemu_cond_broadcast(&fault->changed);
        qemu_cond_wait(&fault->changed, &fault->lock);
    }
    st->held = false;
    if (st->shut) {
        return FAULT_STEP_EOF;
    }
    if (st->error_at <= st->done_bytes) {
        return FAULT_STEP_ERROR;
    }
    if (st->eof_at <= st->done_bytes) {
        return FAULT_STEP_EOF;
    }
    stop_at = MIN(MIN(st->error_at, st->eof_at), st->hold_at);
    *max_bytes = MIN(stop_at - st->done_bytes, (uint64_t)SSIZE_MAX);
    if (st->max_bytes > 0) {
        *max_bytes = MIN(*max_bytes, st->max_bytes);
    }
    return FAULT_STEP_TRANSFER;
}

static void fault_count(QIOChannelFault *fault, QIOChannelFaultDirection dir,
                        ssize_t n)
{
    if (n > 0) {
        QEMU_LOCK_GUARD(&fault->lock);
        fault->state[dir].done_bytes += n;
    }
}

static ssize_t fault_readv(QIOChannel *ioc, const struct iovec *iov,
                           size_t niov, Error **errp)
{
    QIOChannelFault *fault = fault_from(ioc);
    struct iovec part[SHORT_VECTOR_MAX];
    size_t max_bytes = 0;
    ssize_t n;

    switch (fault_next(fault, QIO_CHANNEL_FAULT_READ, &max_bytes)) {
    case FAULT_STEP_BLOCK:
        return QIO_CHANNEL_ERR_BLOCK;
    case FAULT_STEP_EOF:
        return 0;
    case FAULT_STEP_ERROR:
        error_setg(errp, "%s: cannot read: an error was injected",
                   qio_channel_name(ioc));
        return -1;
    case FAULT_STEP_TRANSFER:
        break;
    }
    if (iov_size(iov, niov) > max_bytes) {
        niov = iov_copy(part, ARRAY_SIZE(part), iov, niov, 0, max_bytes);
        iov = part;
    }
    n = qio_channel_readv(fault->inner, iov, niov, errp);
    fault_count(fault, QIO_CHANNEL_FAULT_READ, n);
    return n;
}

static ssize_t fault_writev(QIOChannel *ioc, const struct iovec *iov,
                            size_t niov, Error **errp)
{
    QIOChannelFault *fault = fault_from(ioc);
    struct iovec part[SHORT_VECTOR_MAX];
    size_t max_bytes = 0;
    ssize_t n;

    switch (fault_next(fault, QIO_CHANNEL_FAULT_WRITE, &max_bytes)) {
    case FAULT_STEP_BLOCK:
        return QIO_CHANNEL_ERR_BLOCK;
    case FAULT_STEP_EOF:
        error_setg_errno(errp, EPIPE, "%s: cannot write",
                         qio_channel_name(ioc));
        return -1;
    case FAULT_STEP_ERROR:
        error_setg(errp, "%s: cannot write: an error was injected",
                   qio_channel_name(ioc));
        return -1;
    case FAULT_STEP_TRANSFER:
        break;
    }
    if (iov_size(iov, niov) > max_bytes) {
        niov = iov_copy(part, ARRAY_SIZE(part), iov, niov, 0, max_bytes);
        iov = part;
    }
    n = qio_channel_writev(fault->inner, iov, niov, errp);
    fault_count(fault, QIO_CHANNEL_FAULT_WRITE, n);
    return n;
}

static void fault_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
    QIOChannelFault *fault = fault_from(ioc);

    WITH_QEMU_LOCK_GUARD(&fault->lock) {
        fault->state[QIO_CHANNEL_FAULT_READ].shut |=
            how != QIO_CHANNEL_SHUTDOWN_WRITE;
        fault->state[QIO_CHANNEL_FAULT_WRITE].shut |=
            how != QIO_CHANNEL_SHUTDOWN_READ;
        qemu_cond_broadcast(&fault->changed);
    }
    qio_channel_shutdown(fault->inner, how);
}

static void fault_finalize(QIOChannel *ioc)
{
    QIOChannelFault *fault = fault_from(ioc);

    qio_channel_unref(fault->inner);
    qemu_cond_destroy(&fault->changed);
    qemu_mutex_destroy(&fault->lock);
}

static int fault_get_fd(QIOChannel *ioc)
{
    return qio_channel_get_fd(fault_from(ioc)->inner);
}

static bool fault_set_blocking(QIOChannel *ioc, bool blocking, Error **errp)
{
    QIOChannelFault *fault = fault_from(ioc);

    if (!qio_channel_set_blocking(fault->inner, blocking, errp)) {
        return false;
    }
    QEMU_LOCK_GUARD(&fault->lock);
    fault->blocking = blocking;
    return true;
}

static const QIOChannelOps fault_ops = {
    .kind = "fault",
    .readv = fault_readv,
    .writev = fault_writev,
    .shutdown = fault_shutdown,
    .finalize = fault_finalize,
    .get_fd = fault_get_fd,
    .set_blocking = fault_set_blocking,
};

QIOChannel *qio_channel_fault_new(QIOChannel *inner)
{
    QIOChannelFault *fault = g_new0(QIOChannelFault, 1);

    qio_channel_init(&fault->parent, &fault_ops);
    fault->inner = qio_channel_ref(inner);
    qemu_mutex_init(&fault->lock);
    qemu_cond_init(&fault->changed);
    fault->blocking = true;
    for (unsigned i = 0; i < ARRAY_SIZE(fault->state); i++) {
        fault->state[i].error_at = QIO_CHANNEL_FAULT_NEVER;
        fault->state[i].eof_at = QIO_CHANNEL_FAULT_NEVER;
        fault->state[i].hold_at = QIO_CHANNEL_FAULT_NEVER;
    }
    return &fault->parent;
}

void qio_channel_fault_set_max(QIOChannel *ioc, QIOChannelFaultDirection dir,
                               size_t max_bytes)
{
    QIOChannelFault *fault = fault_from(ioc);

    g_assert(ioc->ops == &fault_ops);
    QEMU_LOCK_GUARD(&fault->lock);
    fault->state[dir].max_bytes = max_bytes;
}

void qio_channel_fault_set_error(QIOChannel *ioc, QIOChannelFaultDirection dir,
                                 uint64_t offset_bytes)
{
    QIOChannelFault *fault = fault_from(ioc);

    g_assert(ioc->ops == &fault_ops);
    QEMU_LOCK_GUARD(&fault->lock);
    fault->state[dir].error_at = offset_bytes;
}

void qio_channel_fault_set_eof(QIOChannel *ioc, QIOChannelFaultDirection dir,
                               uint64_t offset_bytes)
{
    QIOChannelFault *fault = fault_from(ioc);

    g_assert(ioc->ops == &fault_ops);
    QEMU_LOCK_GUARD(&fault->lock);
    fault->state[dir].eof_at = offset_bytes;
}

void qio_channel_fault_set_hold(QIOChannel *ioc, QIOChannelFaultDirection dir,
                                uint64_t offset_bytes)
{
    QIOChannelFault *fault = fault_from(ioc);

    g_assert(ioc->ops == &fault_ops);
    QEMU_LOCK_GUARD(&fault->lock);
    fault->state[dir].hold_at = offset_bytes;
    /* So that a later wait_held() waits for the new hold, not the old one. */
    fault->state[dir].held = false;
    qemu_cond_broadcast(&fault->changed);
}

bool qio_channel_fault_wait_held(QIOChannel *ioc,
                                 QIOChannelFaultDirection dir)
{
    QIOChannelFault *fault = fault_from(ioc);
    FaultState *st = &fault->state[dir];

    g_assert(ioc->ops == &fault_ops);
    QEMU_LOCK_GUARD(&fault->lock);
    while (!st->held && !st->shut) {
        qemu_cond_wait(&fault->changed, &fault->lock);
    }
    return !st->shut;
}

uint64_t qio_channel_fault_bytes(QIOChannel *ioc,
                                 QIOChannelFaultDirection dir)
{
    QIOChannelFault *fault = fault_from(ioc);

    g_assert(ioc->ops == &fault_ops);
    QEMU_LOCK_GUARD(&fault->lock);
    return fault->state[dir].done_bytes;
}
