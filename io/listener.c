/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listeners; see io/listener.h.
 *
 * Entered by the thread of the main context only.  What becomes of an accepted
 * connection is the caller's business; this file never reads from one.
 */
#include "qemu/osdep.h"
#include <glib-unix.h>
#include "io/address.h"
#include "io/channel-socket.h"
#include "io/listen-internal.h"
#include "io/listener.h"
#include "qapi/error.h"
#include "trace.h"

/*
 * Out of descriptors or memory, the waiting connection would wake the loop
 * again at once and for ever; so long accepting pauses instead.
 */
#define ACCEPT_PAUSE_MS 200

struct QIOListener {
    gint refcount;
    GMainContext *context;
    QIOListenerFunc func;
    void *opaque;

    GPtrArray *sockets;         /* of GSocket */
    GPtrArray *sources;         /* of GSource, while accepting */
    GSource *pause;             /* ends the pause after a failed accept */
    bool accepting;

    /* the unix path bound, and what file that made; NULL if none */
    char *unix_path;
    dev_t unix_dev;
    ino_t unix_ino;
};

static void listener_unref(void *opaque)
{
    QIOListener *listener = opaque;

    if (--listener->refcount == 0) {
        g_main_context_unref(listener->context);
        g_ptr_array_unref(listener->sockets);
        g_ptr_array_unref(listener->sources);
        g_free(listener->unix_path);
        g_free(listener);
    }
}

/* Sources hold a reference, so one may free the listener from inside them. */
static GSource *listener_attach(QIOListener *listener, GSource *source,
                                GSourceFunc func)
{
    listener->refcount++;
    g_source_set_callback(source, func, listener, listener_unref);
    g_source_attach(source, listener->context);
    return source;
}

static void source_end(void *opaque)
{
    GSource *source = opaque;

    g_source_destroy(source);
    g_source_unref(source);
}

static void listener_sources_stop(QIOListener *listener)
{
    g_ptr_array_set_size(listener->sources, 0);
    g_clear_pointer(&listener->pause, source_end);
}

static gboolean listener_accept(int fd, GIOCondition condition, void *opaque);

static void listener_sources_start(QIOListener *listener)
{
    for (guint i = 0; i < listener->sockets->len; i++) {
        GSocket *socket = g_ptr_array_index(listener->sockets, i);
        GSource *source = g_unix_fd_source_new(g_socket_get_fd(socket),
                                               G_IO_IN);

        g_ptr_array_add(listener->sources,
                        listener_attach(listener, source,
                                        G_SOURCE_FUNC(listener_accept)));
    }
}

static gboolean listener_pause_over(void *opaque)
{
    QIOListener *listener = opaque;

    listener_sources_stop(listener);
    listener_sources_start(listener);
    return G_SOURCE_REMOVE;
}

static GSocket *listener_socket_of(QIOListener *listener, int fd)
{
    for (guint i = 0; i < listener->sockets->len; i++) {
        GSocket *socket = g_ptr_array_index(listener->sockets, i);

        if (g_socket_get_fd(socket) == fd) {
            return socket;
        }
    }
    return NULL;
}

static gboolean listener_accept(int fd, GIOCondition condition, void *opaque)
{
    QIOListener *listener = opaque;
    g_autoptr(GSocket) socket = NULL;
    g_autoptr(GError) gerr = NULL;
    QIOChannel *ioc;

    socket = g_socket_accept(listener_socket_of(listener, fd), NULL, &gerr);
    if (!socket) {
        trace_listener_accept_failed(fd, gerr->message);
        /* A peer that has left again is no reason to pause, nor is a race. */
        if (!g_error_matches(gerr, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) &&
            !g_error_matches(gerr, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED)) {
            listener_sources_stop(listener);
            listener->pause = listener_attach(
                listener, g_timeout_source_new(ACCEPT_PAUSE_MS),
                listener_pause_over);
        }
        return G_SOURCE_CONTINUE;
    }
    ioc = qio_channel_socket_new(socket, NULL);
    if (ioc) {
        trace_listener_accept(fd, qio_channel_get_fd(ioc));
        listener->func(listener, ioc, listener->opaque);
    }
    /* Had the function freed the listener, the source would be gone by now. */
    return G_SOURCE_CONTINUE;
}

/* Notes which file a path is now, so as to remove that and no other. */
static void listener_note_unix_path(QIOListener *listener, const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0) {
        listener->unix_path = g_strdup(path);
        listener->unix_dev = st.st_dev;
        listener->unix_ino = st.st_ino;
    }
}

QIOListener *qio_listener_new(const SocketAddress *addr, int backlog,
                              GMainContext *context, QIOListenerFunc func,
                              void *opaque, Error **errp)
{
    g_autoptr(GSocketConnectable) connectable = NULL;
    QIOListener *listener;
    GPtrArray *sockets;

    connectable = socket_address_to_gio(addr, errp);
    if (!connectable) {
        return NULL;
    }
    sockets = addr->type == SOCKET_ADDRESS_TYPE_UNIX ?
        listen_unix(addr->u.q_unix.path, backlog, errp) :
        listen_inet(addr, connectable, backlog, errp);
    if (!sockets) {
        return NULL;
    }
    listener = g_new0(QIOListener, 1);
    listener->refcount = 1;
    listener->context = g_main_context_ref(
        context ? context : g_main_context_default());
    listener->func = func;
    listener->opaque = opaque;
    listener->sockets = sockets;
    listener->sources = g_ptr_array_new_with_free_func(source_end);
    if (addr->type == SOCKET_ADDRESS_TYPE_UNIX) {
        listener_note_unix_path(listener, addr->u.q_unix.path);
    }
    qio_listener_set_accepting(listener, true);
    return listener;
}

SocketAddressList *qio_listener_addresses(QIOListener *listener)
{
    SocketAddressList *list = NULL, **tail = &list;

    for (guint i = 0; i < listener->sockets->len; i++) {
        GSocket *socket = g_ptr_array_index(listener->sockets, i);
        g_autoptr(GSocketAddress) gaddr = g_socket_get_local_address(socket,
                                                                     NULL);
        SocketAddress *addr = gaddr ? socket_address_from_gio(gaddr, NULL) :
            NULL;

        if (addr) {
            *tail = g_new0(SocketAddressList, 1);
            (*tail)->value = addr;
            tail = &(*tail)->next;
        }
    }
    return list;
}

void qio_listener_set_accepting(QIOListener *listener, bool accepting)
{
    if (listener->accepting == accepting) {
        return;
    }
    listener->accepting = accepting;
    listener_sources_stop(listener);
    if (accepting) {
        listener_sources_start(listener);
    }
}

/* Another process may have taken the path over since: then it is not ours. */
static void listener_unlink(QIOListener *listener)
{
    struct stat st;

    if (listener->unix_path && lstat(listener->unix_path, &st) == 0 &&
        st.st_dev == listener->unix_dev && st.st_ino == listener->unix_ino) {
        (void)unlink(listener->unix_path);
    }
}

void qio_listener_free(QIOListener *listener)
{
    if (!listener) {
        return;
    }
    listener_sources_stop(listener);
    listener_unlink(listener);
    /* Closed now, not when a source that is being dispatched is done. */
    g_ptr_array_set_size(listener->sockets, 0);
    listener_unref(listener);
}
