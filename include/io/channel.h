/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel: an ordered stream of bytes in each direction, over a socket,
 * memory, or another channel.  This header is the contract that all kinds keep;
 * io/channel.c holds what is the same for all of them.
 *
 * Threads.  One thread may read and another may write at the same time.
 * qio_channel_shutdown() may be called from any thread at any time while the
 * caller holds a reference: it is the second way out of every blocking read
 * and write.  The reference count is atomic; this header owns no locks.
 */
#ifndef IO_CHANNEL_H
#define IO_CHANNEL_H

#include <sys/types.h>
#include <sys/uio.h>
#include <stdbool.h>
#include <glib.h>

typedef struct Error Error;
typedef struct QIOChannel QIOChannel;

/* A read or write would block, on a non-blocking channel. */
#define QIO_CHANNEL_ERR_BLOCK (-2)

/* Which direction qio_channel_shutdown() ends. */
typedef enum QIOChannelShutdown {
    QIO_CHANNEL_SHUTDOWN_READ,
    QIO_CHANNEL_SHUTDOWN_WRITE,
    QIO_CHANNEL_SHUTDOWN_BOTH,
} QIOChannelShutdown;

/**
 * qio_channel_ref:
 * @ioc: a channel, not NULL
 *
 * Takes one more reference.
 * Context: any thread.
 * Returns: @ioc
 */
QIOChannel *qio_channel_ref(QIOChannel *ioc);

/**
 * qio_channel_unref:
 * @ioc: a channel, or NULL
 *
 * Drops a reference; the last one closes and frees the channel.
 * Context: any thread.
 */
void qio_channel_unref(QIOChannel *ioc);

/**
 * qio_channel_set_name:
 * @ioc: a channel
 * @name: what messages call it, e.g. "multifd channel 3"; copied
 *
 * Context: before the channel is shared with a second thread.
 */
void qio_channel_set_name(QIOChannel *ioc, const char *name);

/**
 * qio_channel_name:
 * @ioc: a channel
 *
 * Context: any thread.
 * Returns: the name set, else the kind; owned by the channel.
 */
const char *qio_channel_name(const QIOChannel *ioc);

/**
 * qio_channel_readv:
 * @ioc: a channel
 * @iov: where to put the bytes
 * @niov: entries of @iov, 1 to IOV_MAX
 * @errp: where to put the reason of -1, or NULL
 *
 * Reads what is there, at least a byte; unless non-blocking it waits for that.
 * Context: one reading thread at a time.
 * Returns: bytes read, 0 at end of stream, -1 on error,
 *          QIO_CHANNEL_ERR_BLOCK
 */
ssize_t qio_channel_readv(QIOChannel *ioc, const struct iovec *iov,
                          size_t niov, Error **errp);

/**
 * qio_channel_read:
 * @ioc: a channel
 * @buf: where to put the bytes
 * @len_bytes: size of @buf
 * @errp: where to put the reason of -1, or NULL
 *
 * qio_channel_readv() with one buffer.
 * Context: one reading thread at a time.
 * Returns: as qio_channel_readv()
 */
ssize_t qio_channel_read(QIOChannel *ioc, void *buf, size_t len_bytes,
                         Error **errp);

/**
 * qio_channel_writev:
 * @ioc: a channel
 * @iov: what to write
 * @niov: entries of @iov, 1 to IOV_MAX
 * @errp: where to put the reason of -1, or NULL
 *
 * Writes at least one byte, perhaps fewer than asked.
 * Context: one writing thread at a time.
 * Returns: bytes written, -1 on error, QIO_CHANNEL_ERR_BLOCK
 */
ssize_t qio_channel_writev(QIOChannel *ioc, const struct iovec *iov,
                           size_t niov, Error **errp);

/**
 * qio_channel_readv_all_eof:
 * @ioc: a blocking channel
 * @iov: where to put the bytes; its entries are changed
 * @niov: entries of @iov; may exceed IOV_MAX
 * @errp: where to put the reason of -1, or NULL
 *
 * Fills @iov completely.  An end of stream inside it is an error.
 * Context: one reading thread at a time.
 * Returns: 1 when filled, 0 when the stream had ended before the first byte,
 *          -1 on error
 */
int qio_channel_readv_all_eof(QIOChannel *ioc, struct iovec *iov, size_t niov,
                              Error **errp);

/* A part of a file that is mapped, too. */
typedef struct QIOChannelFileRange {
    struct QemuMutex *lock; /* of who writes to it; is tried, not waited for */
    int fd;
    uint64_t offset;
    uint8_t *host;          /* shared mapping of the same bytes */
    size_t len_bytes;
} QIOChannelFileRange;

/**
 * qio_channel_read_file_all_eof:
 * @ioc: a blocking channel
 * @to: where to put the bytes
 * @errp: where to put the reason, or NULL
 *
 * Fills a part of a file: itself, without page faults, or else its mapping.
 * Context: one reading thread at a time.
 * Returns: as qio_channel_readv_all_eof(); -1 when the file has no room, too
 */
int qio_channel_read_file_all_eof(QIOChannel *ioc,
                                  const QIOChannelFileRange *to, Error **errp);

/**
 * qio_channel_read_all_eof:
 * @ioc: a blocking channel
 * @buf: where to put the bytes
 * @len_bytes: size of @buf
 * @errp: where to put the reason of -1, or NULL
 *
 * qio_channel_readv_all_eof() with one buffer.
 * Context: one reading thread at a time.
 * Returns: as qio_channel_readv_all_eof()
 */
int qio_channel_read_all_eof(QIOChannel *ioc, void *buf, size_t len_bytes,
                             Error **errp);

/**
 * qio_channel_read_all:
 * @ioc: a blocking channel
 * @buf: where to put the bytes
 * @len_bytes: size of @buf
 * @errp: where to put the reason, or NULL
 *
 * Fills @buf; any end of stream before that is an error.
 * Context: one reading thread at a time.
 * Returns: true when filled
 */
bool qio_channel_read_all(QIOChannel *ioc, void *buf, size_t len_bytes,
                          Error **errp);

/**
 * qio_channel_writev_all:
 * @ioc: a blocking channel
 * @iov: what to write; its entries are changed as bytes leave
 * @niov: entries of @iov; may exceed IOV_MAX
 * @errp: where to put the reason, or NULL
 *
 * Writes everything, and allocates nothing.
 * Context: one writing thread at a time.
 * Returns: true when all is written
 */
bool qio_channel_writev_all(QIOChannel *ioc, struct iovec *iov, size_t niov,
                            Error **errp);

/**
 * qio_channel_writev_stable_all:
 * @ioc: a blocking channel
 * @iov: what to write; its entries are changed as bytes leave
 * @niov: entries of @iov; may exceed IOV_MAX
 * @nr_copied: how many of them, from the first on, are copied
 * @errp: where to put the reason, or NULL
 *
 * qio_channel_writev_all() for content that stays where it is.  The entries
 * behind the first @nr_copied may be taken by reference: the kernel reads them
 * when the peer does, long after the return perhaps, and sends what they hold
 * by then.  Not for a buffer that is used anew, but for guest memory, which is
 * sent again when it is newer (after the last write: qio_channel_wait_stable()),
 * and constants; it may be unmapped.  Where it does not pay, all is copied.
 * Context: one writing thread at a time.
 * Returns: true when all is written
 */
bool qio_channel_writev_stable_all(QIOChannel *ioc, struct iovec *iov,
                                   size_t niov, size_t nr_copied,
                                   Error **errp);

/**
 * qio_channel_wait_stable:
 * @ioc: a channel that nothing more is written to
 * @timeout_ms: how long to wait at most
 *
 * Waits until the peer, which then has read everything, ends its side; only if
 * something was taken by reference.  A shutdown ends the wait.
 * Context: the writing thread, or when that has ended.
 * Returns: false when the time was over before
 */
bool qio_channel_wait_stable(QIOChannel *ioc, int timeout_ms);

/**
 * qio_channel_write_all:
 * @ioc: a blocking channel
 * @buf: what to write
 * @len_bytes: size of @buf
 * @errp: where to put the reason, or NULL
 *
 * Writes all of @buf.
 * Context: one writing thread at a time.
 * Returns: true when all is written
 */
bool qio_channel_write_all(QIOChannel *ioc, const void *buf, size_t len_bytes,
                           Error **errp);

/**
 * qio_channel_shutdown:
 * @ioc: a channel, or NULL (nothing is done)
 * @how: which direction ends
 *
 * Makes readers see the end of the stream and writers fail from now on; threads
 * that wait in a read or write return.  The channel stays open.
 * Context: any thread; does not block.
 */
void qio_channel_shutdown(QIOChannel *ioc, QIOChannelShutdown how);

/**
 * qio_channel_set_blocking:
 * @ioc: a channel
 * @blocking: true: reads and writes wait (the initial state)
 * @errp: where to put the reason, or NULL
 *
 * Context: before the channel is shared with a second thread.
 * Returns: false when the kind cannot do it
 */
bool qio_channel_set_blocking(QIOChannel *ioc, bool blocking, Error **errp);

/**
 * qio_channel_get_fd:
 * @ioc: a channel
 *
 * Returns: the descriptor to poll, owned by the channel; -1 if there is none
 */
int qio_channel_get_fd(QIOChannel *ioc);

/**
 * qio_channel_get_write_fd:
 * @ioc: a channel
 *
 * Returns: the same for writing
 */
int qio_channel_get_write_fd(QIOChannel *ioc);

/* Called when a watched channel is ready; false removes the watch. */
typedef gboolean (*QIOChannelFunc)(QIOChannel *ioc, GIOCondition condition,
                                   void *opaque);

/**
 * qio_channel_add_watch:
 * @ioc: a channel with a descriptor; the source holds a reference
 * @context: main context whose loop calls @func; NULL for the default
 * @condition: G_IO_IN, G_IO_OUT, both where they have one descriptor, or 0;
 *             errors and hang-ups always count
 * @func: what to call
 * @opaque: handed to @func
 *
 * Context: any thread.
 * Returns: the source, attached; the caller owns a reference and ends the watch
 *          with g_source_destroy() and g_source_unref().
 */
GSource *qio_channel_add_watch(QIOChannel *ioc, GMainContext *context,
                               GIOCondition condition, QIOChannelFunc func,
                               void *opaque);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(QIOChannel, qio_channel_unref)

#endif
