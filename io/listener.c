/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listeners; see io/listener.h.
 *
 * Entered by the thread of the main context only.  What becomes of an accepted
 * connection is the caller's business; this file never reads from one.
 */
#include "qemu/osdep.h"
#include <glib-unix.h>
#include <sys/socket.h>
#include "io/address.h"
#include "io/channel-socket.h"
#include "io/listen-internal.h"
#include "io/listener.h"
#include "qapi/error.h"
#include "trace.h"
#include "vsock.h"

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

    GPtrArray *sockets;         /* of GSocket, or NULL where that knows none */
    int own_fd;                 /* then, or -1 */
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

static guint listener_nr_fds(const QIOListener *listener)
{
    return listener->sockets ? listener->sockets->len : 1;
}

static int listener_fd(const QIOListener *listener, guint i)
{
    return listener->sockets
        ? g_socket_get_fd(g_ptr_array_index(listener->sockets, i))
        : listener->own_fd;
}

static void listener_sources_start(QIOListener *listener)
{
    for (guint i = 0; i < listener_nr_fds(listener); i++) {
        GSource *source = g_unix_fd_source_new(listener_fd(listener, i),
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

static void listener_accept_failed(QIOListener *listener, int fd, int error)
{
    trace_listener_accept_failed(fd, g_strerror(error));
    /* A peer that has left again is no reason to pause, nor is a race. */
    if (error != EAGAIN && error != ECONNABORTED && error != EINTR) {
        listener_sources_stop(listener);
        listener->pause = listener_attach(
            listener, g_timeout_source_new(ACCEPT_PAUSE_MS),
            listener_pause_over);
    }
}

static gboolean listener_accept(int fd, GIOCondition condition, void *opaque)
{
    QIOListener *listener = opaque;
    AUTO_FD int new_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    QIOChannel *ioc;

    if (new_fd < 0) {
        listener_accept_failed(listener, fd, errno);
        return G_SOURCE_CONTINUE;
    }
    ioc = qio_channel_socket_new_fd(new_fd, NULL);
    if (ioc) {
        trace_listener_accept(fd, new_fd);
        (void)g_steal_fd(&new_fd);
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

/* @sockets or @fd is what is listened on; taken over. */
static QIOListener *listener_new(GPtrArray *sockets, int fd,
                                 GMainContext *context, QIOListenerFunc func,
                                 void *opaque)
{
    QIOListener *listener = g_new0(QIOListener, 1);

    listener->refcount = 1;
    listener->context = g_main_context_ref(
        context ? context : g_main_context_default());
    listener->func = func;
    listener->opaque = opaque;
    listener->sockets = sockets;
    listener->own_fd = fd;
    listener->sources = g_ptr_array_new_with_free_func(source_end);
    qio_listener_set_accepting(listener, true);
    return listener;
}

static GPtrArray *listener_open_sockets(const SocketAddress *addr, int backlog,
                                        Error **errp)
{
    g_autoptr(GSocketConnectable) connectable = NULL;

    connectable = socket_address_to_gio(addr, errp);
    if (!connectable) {
        return NULL;
    }
    return addr->type == SOCKET_ADDRESS_TYPE_UNIX ?
        listen_unix(addr->u.q_unix.path, backlog, errp) :
        listen_inet(addr, connectable, backlog, errp);
}

QIOListener *qio_listener_new(const SocketAddress *addr, int backlog,
                              GMainContext *context, QIOListenerFunc func,
                              void *opaque, Error **errp)
{
    QIOListener *listener;
    GPtrArray *sockets = NULL;
    int fd = -1;

    if (addr->type == SOCKET_ADDRESS_TYPE_VSOCK) {
        fd = vsock_listen(&addr->u.vsock, backlog, errp);
    } else {
        sockets = listener_open_sockets(addr, backlog, errp);
    }
    if (!sockets && fd < 0) {
        return NULL;
    }
    listener = listener_new(sockets, fd, context, func, opaque);
    if (addr->type == SOCKET_ADDRESS_TYPE_UNIX) {
        listener_note_unix_path(listener, addr->u.q_unix.path);
    }
    return listener;
}

QIOListener *qio_listener_new_fd(int fd, GMainContext *context,
                                 QIOListenerFunc func, void *opaque,
                                 Error **errp)
{
    g_autoptr(GError) gerr = NULL;
    int listens = 0;
    socklen_t len = sizeof(listens);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 ||
        !listens) {
        error_setg(errp, "file descriptor %d is no socket that listens", fd);
        return NULL;
    }
    if (!g_unix_set_fd_nonblocking(fd, true, &gerr)) {
        error_setg(errp, "cannot make file descriptor %d non-blocking: %s",
                   fd, gerr->message);
        return NULL;
    }
    return listener_new(NULL, fd, context, func, opaque);
}

/* Where a socket is bound to, or NULL. */
static SocketAddress *listener_fd_address(int fd)
{
    g_autoptr(GSocketAddress) gaddr = NULL;
    struct sockaddr_storage native;
    socklen_t len = sizeof(native);
    SocketAddress *addr;

    if (getsockname(fd, (struct sockaddr *)&native, &len) < 0) {
        return NULL;
    }
    addr = vsock_address_from_native((struct sockaddr *)&native);
    if (!addr) {
        gaddr = g_socket_address_new_from_native(&native, len);
        addr = gaddr ? socket_address_from_gio(gaddr, NULL) : NULL;
    }
    return addr;
}

SocketAddressList *qio_listener_addresses(QIOListener *listener)
{
    SocketAddressList *list = NULL, **tail = &list;

    for (guint i = 0; i < listener_nr_fds(listener); i++) {
        SocketAddress *addr = listener_fd_address(listener_fd(listener, i));

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
    if (listener->sockets) {
        g_ptr_array_unref(g_steal_pointer(&listener->sockets));
    } else {
        close(listener->own_fd);
    }
    listener_unref(listener);
}
