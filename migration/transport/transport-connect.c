/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel that an address stands for: connected, started, opened, or taken
 * from who has handed it over; and what there is to do when all is written.
 *
 * Entered by the main thread and by `live_migration`; nothing is kept.
 */
#include "qemu/osdep.h"
#include <sys/socket.h>
#include "io/channel-command.h"
#include "io/channel-file.h"
#include "io/channel-layered.h"
#include "io/channel-pipe.h"
#include "io/channel-socket.h"
#include "io/fd-store.h"
#include "qapi/error.h"
#include "migration/transport/transport-internal.h"
#include "migration/transport/transport.h"

/* Memory of a guest is nobody else's business. */
#define FILE_MODE 0600

/* How long a program may have no room for the last words of TLS. */
#define SAY_END_MAX_MS 1000

QIOChannel *transport_exec_channel(const MigrationExecCommand *exec,
                                   Error **errp)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autofree char *text = transport_exec_text(exec);

    if (!exec->args) {
        error_setg(errp, "'args' of transport 'exec' is empty: a program is "
                   "needed");
        return NULL;
    }
    for (const strList *arg = exec->args; arg; arg = arg->next) {
        g_ptr_array_add(argv, arg->value);
    }
    g_ptr_array_add(argv, NULL);
    return qio_channel_command_new((const char *const *)argv->pdata, text,
                                   errp);
}

int transport_take_fd(const FdSocketAddress *addr, FdStore *fds,
                      bool for_writing, Error **errp)
{
    AUTO_FD int fd = fd_store_take(fds, addr->str, errp);
    int other = for_writing ? O_RDONLY : O_WRONLY;
    int flags;

    if (fd < 0) {
        return -1;
    }
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == other || flags & O_PATH) {
        error_setg(errp, "descriptor 'fd:%s' is not open for %s", addr->str,
                   for_writing ? "writing" : "reading");
        return -1;
    }
    return g_steal_fd(&fd);
}

bool transport_fd_listens(int fd)
{
    int listens = 0;
    socklen_t len = sizeof(listens);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
           listens;
}

QIOChannel *transport_fd_channel(int fd, Error **errp)
{
    AUTO_FD int own_fd = fd;
    QIOChannel *ioc = NULL;
    struct stat st;

    if (fstat(fd, &st) < 0) {
        error_setg_errno(errp, errno, "cannot look at file descriptor %d", fd);
        return NULL;
    }
    switch (st.st_mode & S_IFMT) {
    case S_IFSOCK:
        ioc = qio_channel_socket_new_fd(fd, errp);
        break;
    case S_IFIFO:
    case S_IFCHR:
        ioc = qio_channel_pipe_new_fd(fd, errp);
        break;
    case S_IFREG:
    case S_IFBLK:
        ioc = qio_channel_file_new_fd(fd, errp);
        break;
    default:
        error_setg(errp, "file descriptor %d is neither a socket, a pipe, a "
                   "character device, a block device nor a file", fd);
        break;
    }
    if (ioc) {
        (void)g_steal_fd(&own_fd);
    }
    return ioc;
}

static QIOChannel *connect_fd(const FdSocketAddress *addr, FdStore *fds,
                              Error **errp)
{
    int fd = transport_take_fd(addr, fds, true, errp);

    if (fd < 0) {
        return NULL;
    }
    if (transport_fd_listens(fd)) {
        error_setg(errp, "descriptor 'fd:%s' is a socket that listens; a "
                   "connected one is needed", addr->str);
        close(fd);
        return NULL;
    }
    return transport_fd_channel(fd, errp);
}

static QIOChannel *connect_file(const FileMigrationArgs *file, FdStore *fds,
                                Error **errp)
{
    g_autoptr(QIOChannel) ioc = qio_channel_file_open(
        file->filename, O_CREAT | O_WRONLY, FILE_MODE, fds, errp);

    if (!ioc || !qio_channel_file_truncate(ioc, file->offset, errp) ||
        !qio_channel_file_seek(ioc, file->offset, errp)) {
        return NULL;
    }
    return g_steal_pointer(&ioc);
}

static QIOChannel *connect_any(const MigrationAddress *addr, FdStore *fds,
                               GCancellable *cancellable, Error **errp)
{
    switch (addr->transport) {
    case MIGRATION_ADDRESS_TYPE_EXEC:
        return transport_exec_channel(&addr->u.exec, errp);
    case MIGRATION_ADDRESS_TYPE_FILE:
        return connect_file(&addr->u.file, fds, errp);
    default:
        if (addr->u.socket.type == SOCKET_ADDRESS_TYPE_FD) {
            return connect_fd(&addr->u.socket.u.fd, fds, errp);
        }
        return qio_channel_socket_connect(&addr->u.socket, cancellable, errp);
    }
}

QIOChannel *transport_connect(const MigrationAddress *addr, FdStore *fds,
                              const char *name, GCancellable *cancellable,
                              Error **errp)
{
    QIOChannel *ioc = connect_any(addr, fds, cancellable, errp);

    if (ioc) {
        qio_channel_set_name(ioc, name);
    }
    return ioc;
}

int transport_open_file(const MigrationAddress *addr, int flags, FdStore *fds,
                        Error **errp)
{
    g_assert(transport_address_is_file(addr));
    return qio_channel_file_open_fd(addr->u.file.filename, flags, FILE_MODE,
                                    fds, errp);
}

bool transport_knows_success(const QIOChannel *ioc)
{
    ioc = qio_channel_below((QIOChannel *)ioc);
    return qio_channel_is_file(ioc) || qio_channel_is_command(ioc);
}

bool transport_finish(QIOChannel *ioc, Error **errp)
{
    qio_channel_say_end(ioc, SAY_END_MAX_MS);
    ioc = qio_channel_below(ioc);
    return qio_channel_is_command(ioc)
        ? qio_channel_command_finish(ioc, errp)
        : !qio_channel_is_file(ioc) || qio_channel_file_settle(ioc, errp);
}
