/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel over GnuTLS, as its files share it, and what its tests need.
 *
 * Threads: see each group of members.
 * Locks: QIOChannelTLS::lock, see io/channel-tls.h.
 */
#ifndef IO_CHANNEL_TLS_INTERNAL_H
#define IO_CHANNEL_TLS_INTERNAL_H

#include <gnutls/gnutls.h>
#include "io/channel-internal.h"
#include "io/channel-tls.h"
#include "qemu/thread.h"

typedef struct QIOChannelTLS {
    QIOChannel parent;

    /* set once at creation */
    QIOChannel *inner;          /* never blocks */
    TLSCreds *creds;
    AuthZ *authz;               /* of a server, or NULL */
    char *hostname;             /* for a client, or NULL */
    bool server;
    int wake_read;              /* eventfds: a shutdown ends waits for */
    int wake_write;             /* the channel below */

    /* set before a second thread comes */
    bool non_blocking;
    bool tolerates_cut;

    /* the handshaking thread's */
    Error *refusal;             /* why the peer is refused */
    gnutls_alert_description_t refusal_alert;

    /*
     * Guarded by @lock.  A session may be used by a reader and a writer, says
     * GnuTLS, but not while keys change, which happens when it likes.
     */
    QemuMutex lock;
    gnutls_session_t session;
    Error *io_error;            /* why the channel below failed last, or NULL */
    GByteArray *out;            /* what the channel below has not taken yet */
    size_t unsent;              /* bytes of the user that became part of it */
    bool in_kernel;             /* who encrypts: there is no @out */
    bool shaken;                /* hands: the session is ready */
    bool inner_ended;
    bool has_reader;
    bool said_end;
    bool read_over;             /* no read succeeds any more... */
    int read_code;              /* ...but gives this */

    /* the writer's: small buffers are gathered, a record is 16 KiB at most */
    uint8_t *record;
    size_t record_max;

    /* atomics */
    bool shut_read;
    bool shut_write;
} QIOChannelTLS;

extern const QIOChannelOps qio_channel_tls_ops;

/**
 * qio_channel_tls_from:
 * @ioc: a TLS channel
 *
 * Returns: the same
 */
static inline QIOChannelTLS *qio_channel_tls_from(QIOChannel *ioc)
{
    g_assert(ioc->ops == &qio_channel_tls_ops);
    return container_of(ioc, QIOChannelTLS, parent);
}

/**
 * qio_channel_tls_use_inner:
 * @tls: a TLS channel
 *
 * Lets the session read from the channel below, and write to @out and that.
 */
void qio_channel_tls_use_inner(QIOChannelTLS *tls);

/**
 * qio_channel_tls_flush_locked:
 * @tls: a TLS channel, its lock held
 *
 * Hands on what waits in @out.
 *
 * Returns: 0 when nothing is left, GNUTLS_E_AGAIN, or GNUTLS_E_PUSH_ERROR
 */
int qio_channel_tls_flush_locked(QIOChannelTLS *tls);

/**
 * qio_channel_tls_fail_locked:
 * @tls: a TLS channel, its lock held
 * @code: what GnuTLS said
 * @errp: where to put the sentence, or NULL
 *
 * Turns an answer of GnuTLS into an error.
 */
void qio_channel_tls_fail_locked(QIOChannelTLS *tls, int code, Error **errp);

/**
 * qio_channel_tls_update_keys:
 * @ioc: a TLS channel with TLS 1.3
 * @errp: where to put the reason, or NULL
 *
 * Makes new keys, and has the peer do the same; GnuTLS does that by itself after
 * some gigabytes.  For tests.  The peer hears of it with the next write.
 * Context: the writing thread.
 * Returns: false when that is not possible
 */
bool qio_channel_tls_update_keys(QIOChannel *ioc, Error **errp);

#endif
