/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kind of channel has to provide, and the part that the struct of every
 * kind begins with.  For the kinds alone; users know a channel by io/channel.h,
 * whose contract this is.
 *
 * Threads: as io/channel.h.  This header owns no locks.
 */
#ifndef IO_CHANNEL_INTERNAL_H
#define IO_CHANNEL_INTERNAL_H

#include "io/channel.h"
#include "io/channel-zero-copy.h"

/*
 * What each kind of channel provides.  All members are mandatory except
 * @readv_fds, @writev_stable, @wait_stable, @set_zero_copy, @flush_zero_copy,
 * @read_file, @has_pending, @below, @say_end, @get_fd, @get_write_fd and
 * @set_blocking.
 */
typedef struct QIOChannelOps {
    const char *kind;       /* e.g. "socket"; used in messages */

    /* Some bytes: > 0 read, 0 end of stream, -1 error, or ERR_BLOCK. */
    ssize_t (*readv)(QIOChannel *ioc, const struct iovec *iov, size_t niov,
                     Error **errp);

    /* As @readv; see qio_channel_readv_fds().  NULL: none can come. */
    ssize_t (*readv_fds)(QIOChannel *ioc, const struct iovec *iov, size_t niov,
                         GArray *fds, Error **errp);

    /* Some bytes: > 0 written, -1 error, or ERR_BLOCK. At most IOV_MAX. */
    ssize_t (*writev)(QIOChannel *ioc, const struct iovec *iov, size_t niov,
                      Error **errp);

    /*
     * The same, but the entries from @nr_copied on, at least one, may be taken
     * by reference.  NULL: the kind copies everything.
     */
    ssize_t (*writev_stable)(QIOChannel *ioc, const struct iovec *iov,
                             size_t niov, size_t nr_copied, Error **errp);

    /* With @writev_stable; see qio_channel_wait_stable(). */
    bool (*wait_stable)(QIOChannel *ioc, int timeout_ms);

    /* See qio_channel_set_zero_copy().  NULL: the kind cannot. */
    bool (*set_zero_copy)(QIOChannel *ioc, unsigned max_writes,
                          size_t max_write_bytes, Error **errp);

    /* With @set_zero_copy; see qio_channel_flush_zero_copy(). */
    QIOChannelZeroCopy (*flush_zero_copy)(QIOChannel *ioc, Error **errp);

    /*
     * As @readv, into a part of a file, whose mapping it may fill instead.
     * NULL: the kind can do no better than that.
     */
    ssize_t (*read_file)(QIOChannel *ioc, const QIOChannelFileRange *to,
                         Error **errp);

    /*
     * Whether @readv has bytes of which the descriptor knows nothing any more.
     * NULL: never.
     */
    bool (*has_pending)(QIOChannel *ioc);

    /* See qio_channel_below(); NULL: it stands on nothing. */
    QIOChannel *(*below)(QIOChannel *ioc);

    /* See qio_channel_say_end(); NULL: the kind has no words for it. */
    bool (*say_end)(QIOChannel *ioc, int timeout_ms);

    /* Thread-safe, never blocks, idempotent; waiting readers/writers return. */
    void (*shutdown)(QIOChannel *ioc, QIOChannelShutdown how);

    /* Releases what the kind holds; runs when the last reference goes. */
    void (*finalize)(QIOChannel *ioc);

    /* The descriptor to poll, or NULL when the kind has none. */
    int (*get_fd)(QIOChannel *ioc);
    /* The one to poll for writing, or NULL when it is the same. */
    int (*get_write_fd)(QIOChannel *ioc);

    /* Switches between blocking (initial state) and non-blocking. */
    bool (*set_blocking)(QIOChannel *ioc, bool blocking, Error **errp);
} QIOChannelOps;

/* The part that every kind's struct begins with. */
struct QIOChannel {
    const QIOChannelOps *ops;   /* set once at creation */
    char *name;                 /* or NULL; set before it is shared */
    gint refcount;              /* atomic */
};

/**
 * qio_channel_init:
 * @ioc: the first member of a kind's own struct
 * @ops: static table of the kind
 *
 * For kinds only: sets up the common part with one reference.
 * Context: any thread, before the channel is shared.
 */
void qio_channel_init(QIOChannel *ioc, const QIOChannelOps *ops);

#endif
