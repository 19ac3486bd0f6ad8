/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets of AF_VSOCK; see io/vsock.h.
 *
 * Entered by any thread; nothing is kept.  Once there is a connection it is a
 * stream socket as any other.
 */
#include "qemu/osdep.h"
#include <poll.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include "vsock.h"
#include "qapi/error.h"
#include "qemu/cutils.h"

static bool vsock_number(const char *text, const char *what, uint32_t *number,
                         Error **errp)
{
    uint64_t value;

    if (parse_uint_full(text, 10, &value) < 0 || value > UINT32_MAX) {
        error_setg(errp, "'%s' is no %s of a vsock address; give a number "
                   "from 0 to %" PRIu32, text, what, UINT32_MAX);
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

static bool vsock_to_native(const VsockSocketAddress *addr,
                            struct sockaddr_vm *native, Error **errp)
{
    *native = (struct sockaddr_vm) { .svm_family = AF_VSOCK };
    return vsock_number(addr->cid, "CID", &native->svm_cid, errp) &&
           vsock_number(addr->port, "port", &native->svm_port, errp);
}

bool vsock_address_check(const VsockSocketAddress *addr, Error **errp)
{
    struct sockaddr_vm native;

    return vsock_to_native(addr, &native, errp);
}

SocketAddress *vsock_address_from_native(const struct sockaddr *native)
{
    const struct sockaddr_vm *vm = (const struct sockaddr_vm *)native;
    SocketAddress *addr;

    if (native->sa_family != AF_VSOCK) {
        return NULL;
    }
    addr = g_new0(SocketAddress, 1);
    addr->type = SOCKET_ADDRESS_TYPE_VSOCK;
    addr->u.vsock.cid = g_strdup_printf("%u", vm->svm_cid);
    addr->u.vsock.port = g_strdup_printf("%u", vm->svm_port);
    return addr;
}

/* The descriptor has been told to connect: waits until it is or can't be. */
static int vsock_wait(int fd, GCancellable *cancellable)
{
    GPollFD fds[2] = { { .fd = fd, .events = G_IO_OUT } };
    guint nr_fds = g_cancellable_make_pollfd(cancellable, &fds[1]) ? 2 : 1;
    socklen_t len = sizeof(int);
    int ret;

    do {
        ret = g_poll(fds, nr_fds, -1);
    } while (ret < 0 && errno == EINTR);
    if (nr_fds == 2) {
        g_cancellable_release_fd(cancellable);
    }
    if (cancellable && g_cancellable_is_cancelled(cancellable)) {
        return ECANCELED;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &ret, &len) < 0 ? errno : ret;
}

int vsock_connect(const VsockSocketAddress *addr, GCancellable *cancellable,
                  Error **errp)
{
    struct sockaddr_vm native;
    AUTO_FD int fd = -1;
    int ret = 0;

    if (!vsock_to_native(addr, &native, errp)) {
        return -1;
    }
    fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&native, sizeof(native)) < 0) {
        ret = errno == EINPROGRESS ? vsock_wait(fd, cancellable) : errno;
    }
    if (ret != 0) {
        error_setg_errno(errp, ret, "cannot connect to 'vsock:%s:%s'",
                         addr->cid, addr->port);
        return -1;
    }
    return g_steal_fd(&fd);
}

int vsock_listen(const VsockSocketAddress *addr, int backlog, Error **errp)
{
    struct sockaddr_vm native;
    AUTO_FD int fd = -1;

    if (!vsock_to_native(addr, &native, errp)) {
        return -1;
    }
    fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 ||
        bind(fd, (struct sockaddr *)&native, sizeof(native)) < 0 ||
        listen(fd, backlog) < 0) {
        error_setg_errno(errp, errno, "cannot listen on 'vsock:%s:%s'",
                         addr->cid, addr->port);
        return -1;
    }
    return g_steal_fd(&fd);
}
