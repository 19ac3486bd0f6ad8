/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel over GnuTLS, once the handshake is done; see io/channel-tls.h.
 *
 * Entered by a reader, a writer and whoever shuts it down, at the same time.
 * Each looks into the session for a moment and waits outside of its lock: for
 * the descriptor of the channel below, or for a shutdown.  Nothing is lost in
 * between, for data that has come stays in the descriptor until it is read, and
 * what a read leaves inside the session it can tell.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include <sys/eventfd.h>
#include "channel-tls-internal.h"
#include "io/channel-layered.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/iov.h"
#include "qemu/timer.h"
#include "trace.h"

/* Keeps what the channel below said; the session only learns that it failed. */
static void tls_inner_failed(QIOChannelTLS *tls, Error *err)
{
    error_free(tls->io_error);
    tls->io_error = err;
    gnutls_transport_set_errno(tls->session, EIO);
}

static ssize_t tls_pull(gnutls_transport_ptr_t opaque, void *buf, size_t len)
{
    QIOChannelTLS *tls = opaque;
    Error *err = NULL;
    ssize_t n = qio_channel_read(tls->inner, buf, len, &err);

    tls->inner_ended = tls->inner_ended || n == 0;
    if (n == QIO_CHANNEL_ERR_BLOCK) {
        gnutls_transport_set_errno(tls->session, EAGAIN);
    } else if (n < 0) {
        tls_inner_failed(tls, err);
    }
    return n < 0 ? -1 : n;
}

int qio_channel_tls_flush_locked(QIOChannelTLS *tls)
{
    while (tls->out->len > 0) {
        struct iovec iov = { tls->out->data, tls->out->len };
        Error *err = NULL;
        ssize_t n = qio_channel_writev(tls->inner, &iov, 1, &err);

        if (n == QIO_CHANNEL_ERR_BLOCK) {
            return GNUTLS_E_AGAIN;
        }
        if (n < 0) {
            tls_inner_failed(tls, err);
            return GNUTLS_E_PUSH_ERROR;
        }
        g_byte_array_remove_range(tls->out, 0, (guint)n);
    }
    return 0;
}

/*
 * Takes everything.  A session that is told to try again half-way loses or
 * repeats bytes when the peer asks for new keys meanwhile, which its reader
 * finds out while the writer waits.
 */
static ssize_t tls_push(gnutls_transport_ptr_t opaque, const giovec_t *iov,
                        int niov)
{
    QIOChannelTLS *tls = opaque;
    size_t total = iov_size(iov, (unsigned)niov);
    Error *err = NULL;
    ssize_t n = 0;

    if (tls->out->len == 0) {
        n = qio_channel_writev(tls->inner, iov, (size_t)niov, &err);
        if (n < 0 && n != QIO_CHANNEL_ERR_BLOCK) {
            tls_inner_failed(tls, err);
            return -1;
        }
        n = MAX(n, 0);
    }
    if ((size_t)n < total) {
        guint before = tls->out->len;

        g_byte_array_set_size(tls->out, before + (guint)(total - n));
        iov_to_buf(iov, (unsigned)niov, n, tls->out->data + before,
                   total - n);
    }
    return (ssize_t)total;
}

void qio_channel_tls_use_inner(QIOChannelTLS *tls)
{
    gnutls_transport_set_ptr(tls->session, tls);
    gnutls_transport_set_pull_function(tls->session, tls_pull);
    gnutls_transport_set_vec_push_function(tls->session, tls_push);
}

static void tls_fail_alert(QIOChannelTLS *tls, Error **errp)
{
    gnutls_alert_description_t alert = gnutls_alert_get(tls->session);
    const char *name = gnutls_alert_get_name(alert);

    error_setg(errp, "%s: the peer has ended TLS with alert %d, \"%s\"; its "
               "own log says why", qio_channel_name(&tls->parent), (int)alert,
               name ? name : "unknown");
}

void qio_channel_tls_fail_locked(QIOChannelTLS *tls, int code, Error **errp)
{
    const char *name = qio_channel_name(&tls->parent);

    switch (code) {
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        tls_fail_alert(tls, errp);
        break;
    case GNUTLS_E_PREMATURE_TERMINATION:
        error_setg(errp, "%s: the connection was cut: the peer has not said "
                   "that its TLS stream ends", name);
        break;
    case GNUTLS_E_PULL_ERROR:
    case GNUTLS_E_PUSH_ERROR:
        error_setg(errp, "%s: TLS over %s", name,
                   tls->io_error ? error_get_pretty(tls->io_error)
                                 : gnutls_strerror(code));
        break;
    default:
        error_setg(errp, "%s: TLS: %s", name, gnutls_strerror(code));
    }
}

/*
 * Waits for the channel below, or until @wake_fd tells of a shutdown.  Returns
 * false when the time is over; @timeout_ms as of poll(2).
 */
static bool tls_wait(QIOChannelTLS *tls, short events, int wake_fd,
                     int timeout_ms)
{
    struct pollfd pfds[] = {
        { .fd = events & POLLOUT ? qio_channel_get_write_fd(tls->inner)
                                 : qio_channel_get_fd(tls->inner),
          .events = events },
        { .fd = wake_fd, .events = POLLIN },
    };

    return poll(pfds, ARRAY_SIZE(pfds), timeout_ms) != 0;
}

static bool tls_is_harmless(int code)
{
    return code == GNUTLS_E_INTERRUPTED ||
           code == GNUTLS_E_WARNING_ALERT_RECEIVED;
}

/* One read of the session: > 0 bytes, 0 the end, else GnuTLS's code. */
static ssize_t tls_record_recv_locked(QIOChannelTLS *tls, void *buf,
                                      size_t len)
{
    ssize_t n;

    if (tls->read_over) {
        return tls->read_code;
    }
    do {
        n = gnutls_record_recv(tls->session, buf, len);
    } while (tls_is_harmless((int)n) && !qatomic_read(&tls->shut_read));
    if (n == GNUTLS_E_PREMATURE_TERMINATION && tls->tolerates_cut) {
        n = 0;
    }
    if (n <= 0 && n != GNUTLS_E_AGAIN) {
        tls->read_over = true;
        tls->read_code = (int)n;
        /* What the session has to say to that, if it can be said. */
        qio_channel_tls_flush_locked(tls);
    }
    return n;
}

/* Fills as much of the vector as there is; as tls_record_recv_locked(). */
static ssize_t tls_read_locked(QIOChannelTLS *tls, const struct iovec *iov,
                               size_t niov)
{
    size_t done = 0;

    for (size_t i = 0; i < niov; i++) {
        size_t filled = 0;

        while (filled < iov[i].iov_len) {
            ssize_t n = tls_record_recv_locked(
                tls, (uint8_t *)iov[i].iov_base + filled,
                iov[i].iov_len - filled);

            if (n <= 0) {
                return done > 0 ? (ssize_t)done : n;
            }
            filled += n;
            done += n;
        }
    }
    return (ssize_t)done;
}

static ssize_t tls_readv(QIOChannel *ioc, const struct iovec *iov, size_t niov,
                         Error **errp)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);
    ssize_t n = 0;

    for (;;) {
        if (qatomic_read(&tls->shut_read)) {
            return 0;
        }
        WITH_QEMU_LOCK_GUARD(&tls->lock) {
            tls->has_reader = true;
            n = tls_read_locked(tls, iov, niov);
            if (n < 0 && n != GNUTLS_E_AGAIN &&
                !qatomic_read(&tls->shut_read)) {
                qio_channel_tls_fail_locked(tls, (int)n, errp);
                return -1;
            }
        }
        if (n != GNUTLS_E_AGAIN) {
            return MAX(n, 0);
        }
        if (tls->non_blocking) {
            return QIO_CHANNEL_ERR_BLOCK;
        }
        tls_wait(tls, POLLIN, tls->wake_read, -1);
    }
}

/* The next record's content: in one piece, as long as a record may be. */
static const void *tls_gather(QIOChannelTLS *tls, const struct iovec *iov,
                              size_t niov, size_t *len)
{
    while (niov > 0 && iov->iov_len == 0) {
        iov++;
        niov--;
    }
    if (niov > 0 && (niov == 1 || iov->iov_len >= tls->record_max)) {
        *len = MIN(iov->iov_len, tls->record_max);
        return iov->iov_base;
    }
    *len = iov_to_buf(iov, (unsigned)niov, 0, tls->record, tls->record_max);
    return tls->record;
}

/*
 * One record.  If it does not get away at once, it waits in @out: the user comes
 * with the same bytes again, and they are not looked at.
 */
static ssize_t tls_write_locked(QIOChannelTLS *tls, const struct iovec *iov,
                                size_t niov)
{
    ssize_t n = qio_channel_tls_flush_locked(tls);

    if (n == 0 && tls->unsent == 0) {
        size_t len = 0;
        const void *data = tls_gather(tls, iov, niov, &len);

        if (len == 0) {
            return 0;
        }
        n = gnutls_record_send(tls->session, data, len);
        if (n > 0) {
            tls->unsent = n;
            n = qio_channel_tls_flush_locked(tls);
        }
    }
    if (n < 0) {
        return n == GNUTLS_E_INTERRUPTED ? GNUTLS_E_AGAIN : n;
    }
    n = tls->unsent;
    tls->unsent = 0;
    return n;
}

/*
 * A peer that refuses says why before it closes, which is worth more than
 * "Broken pipe".  Where somebody reads, he finds it; here nothing of his may be
 * taken away.
 */
static int tls_find_alert_locked(QIOChannelTLS *tls, int code)
{
    uint8_t buf[1024];
    ssize_t n;

    if (tls->has_reader || code == GNUTLS_E_FATAL_ALERT_RECEIVED) {
        return code;
    }
    do {
        n = tls_record_recv_locked(tls, buf, sizeof(buf));
    } while (n > 0);
    return n == GNUTLS_E_FATAL_ALERT_RECEIVED ? (int)n : code;
}

static ssize_t tls_writev(QIOChannel *ioc, const struct iovec *iov,
                          size_t niov, Error **errp)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);
    ssize_t n = 0;

    for (;;) {
        if (qatomic_read(&tls->shut_write)) {
            error_setg(errp, "%s: cannot write: the channel was shut down",
                       qio_channel_name(ioc));
            return -1;
        }
        WITH_QEMU_LOCK_GUARD(&tls->lock) {
            n = tls_write_locked(tls, iov, niov);
            if (n < 0 && n != GNUTLS_E_AGAIN &&
                !qatomic_read(&tls->shut_write)) {
                qio_channel_tls_fail_locked(
                    tls, tls_find_alert_locked(tls, (int)n), errp);
                return -1;
            }
        }
        if (n >= 0) {
            return n;
        }
        if (n == GNUTLS_E_AGAIN && tls->non_blocking) {
            return QIO_CHANNEL_ERR_BLOCK;
        }
        if (n == GNUTLS_E_AGAIN) {
            tls_wait(tls, POLLOUT, tls->wake_write, -1);
        }
    }
}

static bool tls_has_pending(QIOChannel *ioc)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);
    QEMU_LOCK_GUARD(&tls->lock);

    return gnutls_record_check_pending(tls->session) > 0;
}

static QIOChannel *tls_below(QIOChannel *ioc)
{
    return qio_channel_tls_from(ioc)->inner;
}

static bool tls_say_end(QIOChannel *ioc, int timeout_ms)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);
    int64_t deadline_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + timeout_ms;

    while (!qatomic_read(&tls->shut_write)) {
        int64_t left_ms;
        int ret = 0;

        WITH_QEMU_LOCK_GUARD(&tls->lock) {
            if (!tls->said_end) {
                ret = gnutls_bye(tls->session, GNUTLS_SHUT_WR);
                tls->said_end = ret == 0;
            }
            ret = ret ? ret : qio_channel_tls_flush_locked(tls);
        }
        if (ret != GNUTLS_E_AGAIN && ret != GNUTLS_E_INTERRUPTED) {
            trace_channel_tls_end(qio_channel_name(ioc), ret);
            return ret == 0;
        }
        left_ms = deadline_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
        if (left_ms <= 0 ||
            !tls_wait(tls, POLLOUT, tls->wake_write, (int)left_ms)) {
            break;
        }
    }
    return false;
}

static void tls_wake(int fd)
{
    uint64_t one = 1;

    /* It can fail only because it was written to before. */
    if (write(fd, &one, sizeof(one)) < 0) {
        g_assert(errno == EAGAIN);
    }
}

static void tls_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);

    if (how != QIO_CHANNEL_SHUTDOWN_WRITE) {
        qatomic_set(&tls->shut_read, true);
        tls_wake(tls->wake_read);
    }
    if (how != QIO_CHANNEL_SHUTDOWN_READ) {
        qatomic_set(&tls->shut_write, true);
        tls_wake(tls->wake_write);
    }
    qio_channel_shutdown(tls->inner, how);
}

static void tls_finalize(QIOChannel *ioc)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);

    if (tls->session) {
        gnutls_deinit(tls->session);
    }
    tls_creds_unref(tls->creds);
    authz_unref(tls->authz);
    qio_channel_unref(tls->inner);
    qemu_mutex_destroy(&tls->lock);
    g_byte_array_unref(tls->out);
    error_free(tls->io_error);
    error_free(tls->refusal);
    g_free(tls->hostname);
    g_free(tls->record);
    if (tls->wake_read >= 0) {
        close(tls->wake_read);
    }
    if (tls->wake_write >= 0) {
        close(tls->wake_write);
    }
}

static int tls_get_fd(QIOChannel *ioc)
{
    return qio_channel_get_fd(qio_channel_tls_from(ioc)->inner);
}

static int tls_get_write_fd(QIOChannel *ioc)
{
    return qio_channel_get_write_fd(qio_channel_tls_from(ioc)->inner);
}

/* The channel below never blocks: who waits, waits in tls_wait(). */
static bool tls_set_blocking(QIOChannel *ioc, bool blocking, Error **errp)
{
    qio_channel_tls_from(ioc)->non_blocking = !blocking;
    return true;
}

const QIOChannelOps qio_channel_tls_ops = {
    .kind = "tls",
    .readv = tls_readv,
    .writev = tls_writev,
    .has_pending = tls_has_pending,
    .below = tls_below,
    .say_end = tls_say_end,
    .shutdown = tls_shutdown,
    .finalize = tls_finalize,
    .get_fd = tls_get_fd,
    .get_write_fd = tls_get_write_fd,
    .set_blocking = tls_set_blocking,
};

void qio_channel_tls_tolerate_cut(QIOChannel *ioc)
{
    qio_channel_tls_from(ioc)->tolerates_cut = true;
}

bool qio_channel_tls_update_keys(QIOChannel *ioc, Error **errp)
{
    QIOChannelTLS *tls = qio_channel_tls_from(ioc);
    QEMU_LOCK_GUARD(&tls->lock);
    int ret = gnutls_session_key_update(tls->session, GNUTLS_KU_PEER);

    if (ret < 0) {
        qio_channel_tls_fail_locked(tls, ret, errp);
    }
    return ret == 0;
}
