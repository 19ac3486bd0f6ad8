/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bodies of the commands about file descriptors, of QMP and of the human
 * monitor: from what has come with a session's bytes into the store.
 *
 * The loop's thread.  What descriptors are for is the business of who takes
 * them out of the store.
 */
#include "qemu/osdep.h"

#include "monitor/hmp-fds.h"
#include "monitor/qmp-session.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-fds.h"
#include "qapi/util.h"

static bool fds_came(int fd, Error **errp)
{
    if (fd < 0) {
        error_setg(errp, "No file descriptor supplied via SCM_RIGHTS");
    }
    return fd >= 0;
}

void qmp_getfd(MonitorQmp *mon, const char *fdname, Error **errp)
{
    int fd = monitor_qmp_take_fd(mon);

    if (fds_came(fd, errp)) {
        fd_store_add(monitor_qmp_fds(mon), fdname, fd, errp);
    }
}

void qmp_closefd(MonitorQmp *mon, const char *fdname, Error **errp)
{
    fd_store_close(monitor_qmp_fds(mon), fdname, errp);
}

AddfdInfo *qmp_add_fd(MonitorQmp *mon, bool has_fdset_id, int64_t fdset_id,
                      const char *opaque, Error **errp)
{
    int fd = monitor_qmp_take_fd(mon);
    AddfdInfo *info;

    if (!fds_came(fd, errp)) {
        return NULL;
    }
    if (has_fdset_id && fdset_id < 0) {
        close(fd);
        error_setg(errp, "Parameter 'fdset-id' expects a non-negative value");
        return NULL;
    }
    info = g_new0(AddfdInfo, 1);
    info->fdset_id = fd_store_add_to_set(monitor_qmp_fds(mon),
                                         has_fdset_id ? fdset_id : -1, fd,
                                         opaque);
    info->fd = fd;
    return info;
}

void qmp_remove_fd(MonitorQmp *mon, int64_t fdset_id, bool has_fd, int64_t fd,
                   Error **errp)
{
    if (has_fd && fd < 0) {
        /* To the store that would mean all of them. */
        error_setg(errp, "File descriptor named 'fdset-id:%" PRId64 ", fd:%"
                   PRId64 "' not found", fdset_id, fd);
        return;
    }
    fd_store_remove_from_set(monitor_qmp_fds(mon), fdset_id, has_fd ? fd : -1,
                             errp);
}

/* A list under construction, both of its levels. */
typedef struct FdsList {
    FdsetInfoList *list;
    FdsetInfoList **next_set;
    FdsetInfo *set;             /* the last one, or NULL */
    FdsetFdInfoList **next_fd;  /* in it */
} FdsList;

static void fds_list_add(const FdStoreEntry *entry, void *opaque)
{
    FdsList *l = opaque;
    FdsetFdInfo *info = g_new0(FdsetFdInfo, 1);

    if (!l->set || l->set->fdset_id != entry->fdset_id) {
        l->set = g_new0(FdsetInfo, 1);
        l->set->fdset_id = entry->fdset_id;
        l->next_fd = &l->set->fds;
        QAPI_LIST_APPEND(l->next_set, l->set);
    }
    info->fd = entry->fd;
    info->opaque = g_strdup(entry->opaque);
    QAPI_LIST_APPEND(l->next_fd, info);
}

FdsetInfoList *qmp_query_fdsets(MonitorQmp *mon, Error **errp)
{
    FdsList l = { 0 };

    l.next_set = &l.list;
    fd_store_foreach(monitor_qmp_fds(mon), fds_list_add, &l);
    return l.list;
}

static void hmp_getfd(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    int fd = hmp_take_fd(hmp);
    Error *err = NULL;

    if (fds_came(fd, &err)) {
        fd_store_add(opaque, hmp_args_str(args, "fdname"), fd, &err);
    }
    hmp_handle_error(hmp, err);
}

static void hmp_closefd(Hmp *hmp, const HmpArgs *args, void *opaque)
{
    Error *err = NULL;

    fd_store_close(opaque, hmp_args_str(args, "fdname"), &err);
    hmp_handle_error(hmp, err);
}

const HmpCommand hmp_fd_commands[] = {
    { "closefd", "fdname:s", "name",
      "close a file descriptor that getfd has given a name", hmp_closefd },
    { "getfd", "fdname:s", "name",
      "give a name to a file descriptor that came with the command",
      hmp_getfd },
    { NULL }
};
