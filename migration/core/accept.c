/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is a new connection of an incoming migration?  The first four bytes say:
 * the main channel begins with the file magic, a multifd channel with its
 * greeting.  Nobody is waited for: a connection that says nothing stays where
 * it is and is closed when the others are complete.
 *
 * Entered by the main thread, from watches of its loop.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "migration/core/incoming.h"
#include "migration/stream/multifd-packet.h"
#include "migration/stream/wire.h"
#include "migration/transport/tls.h"
#include "migration/trace.h"

#define MAGIC_LEN 4

/* The first two bytes of a TLS handshake, whichever its version. */
#define TLS_HELLO 0x1603

/*
 * Bytes of the main channel that are read while others are still to connect: a
 * Wherry source sends its 8 byte header then, stock QEMU nothing.
 */
#define MAIN_HEAD_MAX 4096

/*
 * A source that had little to send may have sent it all and gone before its
 * other channels are accepted here; so long they are still looked for.
 */
#define MAIN_GONE_GRACE_MS 1000

typedef struct IncomingConnection {
    MigrationIn *in;
    QIOChannel *ioc;
    GSource *watch;
    GIOCondition waits_for;     /* of @watch */
    bool in_handshake;          /* of TLS */
    size_t have;                /* bytes in buf */
    size_t want;                /* bytes needed to go on */
    uint8_t buf[MULTIFD_GREETING_LEN];
} IncomingConnection;

static void connection_free(IncomingConnection *conn)
{
    conn->in->connections = g_slist_remove(conn->in->connections, conn);
    g_source_destroy(conn->watch);
    g_source_unref(conn->watch);
    qio_channel_unref(conn->ioc);
    g_free(conn);
}

void incoming_drop_connections(MigrationIn *in)
{
    while (in->connections) {
        trace_incoming_connection("dropped, it said nothing");
        connection_free(in->connections->data);
    }
}

static gboolean main_gone(void *opaque)
{
    MigrationIn *in = opaque;
    Error *err = NULL;

    error_setg(&err, "The main channel closed when %u of %u multifd channels "
               "had connected", multifd_recv_nr_channels(in->multifd),
               in->config.multifd_channels);
    incoming_fail(in, err);
    return G_SOURCE_REMOVE;
}

static void main_watch_end(MigrationIn *in)
{
    if (in->main_watch) {
        g_source_destroy(in->main_watch);
        g_source_unref(g_steal_pointer(&in->main_watch));
    }
}

/*
 * The main channel is there and others are not: a source that goes away now
 * must be noticed, or its successor would find its place taken.
 */
static gboolean main_waiting(QIOChannel *ioc, GIOCondition condition,
                             void *opaque)
{
    MigrationIn *in = opaque;
    uint8_t buf[256];
    Error *err = NULL;
    ssize_t len = qio_channel_read(ioc, buf, sizeof(buf), &err);

    if (len == QIO_CHANNEL_ERR_BLOCK) {
        return G_SOURCE_CONTINUE;
    }
    if (len > 0) {
        g_byte_array_append(in->head, buf, (guint)len);
        /* A source that goes on all the same is left alone until then. */
        return in->head->len < MAIN_HEAD_MAX ? G_SOURCE_CONTINUE
                                             : G_SOURCE_REMOVE;
    }
    if (len < 0) {
        incoming_fail(in, err);
        return G_SOURCE_REMOVE;
    }
    main_watch_end(in);
    in->main_watch = g_timeout_source_new(MAIN_GONE_GRACE_MS);
    g_source_set_callback(in->main_watch, main_gone, in, NULL);
    g_source_attach(in->main_watch, main_loop_context(in->host->loop));
    return G_SOURCE_REMOVE;
}

bool incoming_main_stop_waiting(MigrationIn *in, Error **errp)
{
    if (!in->main_watch) {
        return true;
    }
    main_watch_end(in);
    return qio_channel_set_blocking(in->main_ioc, true, errp);
}

static bool connection_is_main(IncomingConnection *conn, Error **errp)
{
    MigrationIn *in = conn->in;

    if (in->main_ioc) {
        error_setg(errp, "A second connection claims to be the main channel "
                   "of the incoming migration");
        return false;
    }
    if (in->tls) {
        transport_tls_tolerate_cut(conn->ioc);
    }
    trace_incoming_connection("main channel");
    qio_channel_set_name(conn->ioc, "main channel");
    g_byte_array_append(in->head, conn->buf, MAGIC_LEN);
    WITH_QEMU_LOCK_GUARD(&in->lock) {
        in->main_ioc = qio_channel_ref(conn->ioc);
    }
    in->main_watch = qio_channel_add_watch(conn->ioc,
                                           main_loop_context(in->host->loop),
                                           G_IO_IN, main_waiting, in);
    return true;
}

static bool connection_is_multifd(IncomingConnection *conn, Error **errp)
{
    if (!qio_channel_set_blocking(conn->ioc, true, errp)) {
        return false;
    }
    if (conn->in->tls &&
        !conn->in->config.compat.multifd_clean_tls_termination) {
        transport_tls_tolerate_cut(conn->ioc);
    }
    trace_incoming_connection("multifd channel");
    return multifd_recv_add_channel(conn->in->multifd, conn->buf, conn->ioc,
                                    errp);
}

/* Enough bytes have come: 1 classified, 0 more are needed, -1 refused. */
static int connection_classify(IncomingConnection *conn, Error **errp)
{
    uint32_t magic = (uint32_t)ldl_be_p(conn->buf);

    if (magic == QEMU_VM_FILE_MAGIC) {
        return connection_is_main(conn, errp) ? 1 : -1;
    }
    if (magic >> 16 == TLS_HELLO && !conn->in->tls) {
        error_setg(errp, "A connection begins with TLS, and tls-creds is not "
                   "set here; set it on both sides or on none");
        return -1;
    }
    if (magic != MULTIFD_MAGIC) {
        error_setg(errp, "A connection begins with 0x%08" PRIx32 ", which is "
                   "neither a migration stream (0x%08x) nor a multifd "
                   "channel (0x%08x)", magic, QEMU_VM_FILE_MAGIC,
                   MULTIFD_MAGIC);
        return -1;
    }
    if (!conn->in->multifd) {
        error_setg(errp, "A multifd channel connects, but multifd is off "
                   "here; set the capability to the same value on both "
                   "sides");
        return -1;
    }
    if (conn->have < MULTIFD_GREETING_LEN) {
        conn->want = MULTIFD_GREETING_LEN;
        return 0;
    }
    return connection_is_multifd(conn, errp) ? 1 : -1;
}

/* Reads what there is: 1 all that is wanted, 0 not yet, -1 refused or gone. */
static int connection_read(IncomingConnection *conn, Error **errp)
{
    while (conn->have < conn->want) {
        ssize_t len = qio_channel_read(conn->ioc, conn->buf + conn->have,
                                       conn->want - conn->have, errp);

        if (len == QIO_CHANNEL_ERR_BLOCK) {
            return 0;
        }
        if (len < 0) {
            return -1;
        }
        if (len == 0) {
            if (conn->have > 0) {
                error_setg(errp, "A connection closed after %zu of the %zu "
                           "bytes that say what it is", conn->have,
                           conn->want);
            }
            return -1;
        }
        conn->have += (size_t)len;
    }
    return 1;
}

/*
 * A connection that went before it said anything was a port scan or a health
 * check, and one with which TLS failed is not from our source: no reason to give
 * the guest up, as long as others can connect.
 */
static void connection_gone(IncomingConnection *conn, Error *err)
{
    MigrationIn *in = conn->in;
    bool goes_on = conn->have == 0 && !in->has_one_channel;
    g_autofree char *message = NULL;

    if (conn->in_handshake) {
        message = g_strdup_printf("A connection to the migration's address "
                                  "was refused: %s; still listening",
                                  error_get_pretty(err));
    } else {
        message = g_strdup("A connection to the migration's address closed "
                           "without sending anything; still listening");
    }

    connection_free(conn);
    if (!goes_on) {
        if (!err) {
            error_setg(&err, "The stream ended before its first byte");
        }
        incoming_fail(in, err);
        return;
    }
    in->host->machine->warn(in->host->machine_opaque, message);
    error_free(err);
}

/* Reads until it is clear what this is: 1 classified, 0 not yet, -1 refused. */
static int connection_serve(IncomingConnection *conn, Error **errp)
{
    int ret;

    do {
        ret = connection_read(conn, errp);
        if (ret <= 0) {
            return ret;
        }
        ret = connection_classify(conn, errp);
    } while (ret == 0);
    return ret;
}

static gboolean connection_ready(QIOChannel *ioc, GIOCondition condition,
                                 void *opaque);

/* Waits for something else than before, if that is so. */
static void connection_watch(IncomingConnection *conn, GIOCondition waits_for)
{
    GMainContext *context = main_loop_context(conn->in->host->loop);

    if (conn->waits_for == waits_for) {
        return;
    }
    if (conn->watch) {
        g_source_destroy(conn->watch);
        g_source_unref(conn->watch);
    }
    conn->waits_for = waits_for;
    conn->watch = qio_channel_add_watch(conn->ioc, context, waits_for,
                                        connection_ready, conn);
}

/* The beginning of TLS: 1 it is done with, 0 not yet, -1 failed. */
static int connection_handshake(IncomingConnection *conn, Error **errp)
{
    GIOCondition wait = 0;

    if (!conn->in_handshake) {
        return 1;
    }
    if (!transport_tls_handshake(conn->ioc, &wait, errp)) {
        return -1;
    }
    conn->in_handshake = wait != 0;
    connection_watch(conn, wait ? wait : G_IO_IN);
    return wait ? 0 : 1;
}

static gboolean connection_ready(QIOChannel *ioc, GIOCondition condition,
                                 void *opaque)
{
    IncomingConnection *conn = opaque;
    MigrationIn *in = conn->in;
    Error *err = NULL;
    int ret = connection_handshake(conn, &err);

    if (ret > 0) {
        ret = connection_serve(conn, &err);
    }
    if (ret == 0) {
        return G_SOURCE_CONTINUE;
    }
    if (ret < 0) {
        connection_gone(conn, err);
        return G_SOURCE_REMOVE;
    }
    connection_free(conn);
    incoming_arrived(in);
    return G_SOURCE_REMOVE;
}

/* The channel to read from; NULL when the connection cannot be used. */
static QIOChannel *connection_prepare(MigrationIn *in, QIOChannel *ioc,
                                      Error **errp)
{
    if (in->tls) {
        ioc = transport_tls_accept(in->tls, ioc, errp);
        if (!ioc) {
            return NULL;
        }
        qio_channel_set_name(ioc, "TLS");
    }
    if (!qio_channel_set_blocking(ioc, false, errp)) {
        qio_channel_unref(ioc);
        return NULL;
    }
    return ioc;
}

void incoming_accept(MigrationIn *in, QIOChannel *ioc)
{
    IncomingConnection *conn;
    Error *err = NULL;

    ioc = connection_prepare(in, ioc, &err);
    if (!ioc) {
        incoming_fail(in, err);
        return;
    }
    conn = g_new0(IncomingConnection, 1);
    conn->in = in;
    conn->ioc = ioc;
    conn->in_handshake = in->tls != NULL;
    conn->want = MAGIC_LEN;
    in->connections = g_slist_prepend(in->connections, conn);
    connection_watch(conn, G_IO_IN);
}
