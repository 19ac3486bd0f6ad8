/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors from outside; see io/fd-store.h.
 *
 * Entered by any thread.  How they come in is the business of monitors and of
 * the command line, what they are used for that of who takes them.
 */
#include "qemu/osdep.h"
#include "io/fd-store.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/thread.h"

struct FdStore {
    QemuMutex lock;
    /* guarded by lock */
    GHashTable *names;      /* of char *, to the descriptor's number */
    GArray *sets;           /* of FdStoreEntry, fd_store_foreach()'s last first */
};

static void fd_store_close_value(gpointer value)
{
    close(GPOINTER_TO_INT(value));
}

static void fd_store_clear_entry(gpointer data)
{
    FdStoreEntry *entry = data;

    close(entry->fd);
    g_free((char *)entry->opaque);
}

FdStore *fd_store_new(void)
{
    FdStore *store = g_new0(FdStore, 1);

    qemu_mutex_init(&store->lock);
    store->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                         fd_store_close_value);
    store->sets = g_array_new(false, false, sizeof(FdStoreEntry));
    g_array_set_clear_func(store->sets, fd_store_clear_entry);
    return store;
}

void fd_store_free(FdStore *store)
{
    if (store) {
        g_hash_table_unref(store->names);
        g_array_unref(store->sets);
        qemu_mutex_destroy(&store->lock);
        g_free(store);
    }
}

bool fd_store_name_is_number(const char *name)
{
    return g_ascii_isdigit(name[0]);
}

bool fd_store_add(FdStore *store, const char *name, int fd, Error **errp)
{
    if (fd_store_name_is_number(name)) {
        close(fd);
        error_setg(errp, "Parameter 'fdname' expects a name not starting with"
                   " a digit");
        return false;
    }
    QEMU_LOCK_GUARD(&store->lock);
    g_hash_table_insert(store->names, g_strdup(name), GINT_TO_POINTER(fd));
    return true;
}

bool fd_store_close(FdStore *store, const char *name, Error **errp)
{
    QEMU_LOCK_GUARD(&store->lock);

    if (!g_hash_table_remove(store->names, name)) {
        error_setg(errp, "File descriptor named '%s' not found", name);
        return false;
    }
    return true;
}

/* Above those of standard input, output and errors, which others may close. */
static int fd_store_dup(int fd, Error **errp)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

    if (copy < 0) {
        error_setg_errno(errp, errno, "Cannot duplicate file descriptor %d",
                         fd);
    }
    return copy;
}

/* The index of the first descriptor of a set or a later one. */
static guint fd_store_find_set(FdStore *store, int64_t fdset_id)
{
    guint i = 0;

    while (i < store->sets->len &&
           g_array_index(store->sets, FdStoreEntry, i).fdset_id < fdset_id) {
        i++;
    }
    return i;
}

/*
 * What the program itself has opened is close-on-exec; what it was started
 * with is not.  So nobody can name a descriptor of ours by mistake.
 */
static bool fd_store_is_inherited(int fd)
{
    int flags = fcntl(fd, F_GETFD);

    return flags >= 0 && !(flags & FD_CLOEXEC);
}

int fd_store_dup_inherited(int fd, Error **errp)
{
    if (!fd_store_is_inherited(fd)) {
        error_setg(errp, "File descriptor %d is not one that this process was"
                   " started with", fd);
        return -1;
    }
    return fd_store_dup(fd, errp);
}

void fd_store_close_inherited(int fd)
{
    if (fd_store_is_inherited(fd)) {
        close(fd);
    }
}

static int fd_store_take_inherited(int fd, Error **errp)
{
    if (!fd_store_is_inherited(fd)) {
        error_setg(errp, "File descriptor %d is not one that this process was"
                   " started with; hand it over with getfd and use its name",
                   fd);
        return -1;
    }
    if (fd <= STDERR_FILENO) {
        return fd_store_dup(fd, errp);
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        error_setg_errno(errp, errno, "Cannot use file descriptor %d", fd);
        return -1;
    }
    return fd;
}

static int fd_store_take_number(FdStore *store, const char *name, Error **errp)
{
    int fd;

    if (qemu_strtoi(name, NULL, 10, &fd) < 0) {
        error_setg(errp, "Invalid file descriptor number '%s'", name);
        return -1;
    }
    if (store) {
        QEMU_LOCK_GUARD(&store->lock);

        for (guint i = 0; i < store->sets->len; i++) {
            if (g_array_index(store->sets, FdStoreEntry, i).fd == fd) {
                return fd_store_dup(fd, errp);
            }
        }
    }
    return fd_store_take_inherited(fd, errp);
}

int fd_store_take(FdStore *store, const char *name, Error **errp)
{
    if (fd_store_name_is_number(name)) {
        return fd_store_take_number(store, name, errp);
    }
    if (store) {
        gpointer key, value;

        QEMU_LOCK_GUARD(&store->lock);
        if (g_hash_table_steal_extended(store->names, name, &key, &value)) {
            g_free(key);
            return GPOINTER_TO_INT(value);
        }
    }
    error_setg(errp, "File descriptor named '%s' has not been found", name);
    return -1;
}

static int64_t fd_store_unused_set(FdStore *store)
{
    int64_t id = 0;

    for (guint i = 0; i < store->sets->len; i++) {
        int64_t used = g_array_index(store->sets, FdStoreEntry, i).fdset_id;

        if (used > id) {
            break;
        }
        id = used + 1;
    }
    return id;
}

int64_t fd_store_add_to_set(FdStore *store, int64_t fdset_id, int fd,
                            const char *opaque)
{
    FdStoreEntry entry = { .fd = fd, .opaque = g_strdup(opaque) };

    QEMU_LOCK_GUARD(&store->lock);
    entry.fdset_id = fdset_id >= 0 ? fdset_id : fd_store_unused_set(store);
    g_array_insert_val(store->sets, fd_store_find_set(store, entry.fdset_id),
                       entry);
    return entry.fdset_id;
}

bool fd_store_remove_from_set(FdStore *store, int64_t fdset_id, int64_t fd,
                              Error **errp)
{
    bool found = false;

    QEMU_LOCK_GUARD(&store->lock);
    for (guint i = store->sets->len; i-- > 0;) {
        const FdStoreEntry *entry = &g_array_index(store->sets, FdStoreEntry,
                                                   i);

        if (entry->fdset_id == fdset_id && (fd < 0 || entry->fd == fd)) {
            g_array_remove_index(store->sets, i);
            found = true;
        }
    }
    if (!found && fd >= 0) {
        error_setg(errp, "File descriptor named 'fdset-id:%" PRId64 ", fd:%"
                   PRId64 "' not found", fdset_id, fd);
    } else if (!found) {
        error_setg(errp, "File descriptor named 'fdset-id:%" PRId64 "' not"
                   " found", fdset_id);
    }
    return found;
}

static const char *fd_store_access_name(int flags)
{
    switch (flags & O_ACCMODE) {
    case O_RDONLY:
        return "reading only";
    case O_WRONLY:
        return "writing only";
    default:
        return "reading and writing";
    }
}

int fd_store_open_set(FdStore *store, int64_t fdset_id, int flags,
                      Error **errp)
{
    const int mask = O_ACCMODE | O_DIRECT;
    bool found = false;

    if (store) {
        QEMU_LOCK_GUARD(&store->lock);

        for (guint i = fd_store_find_set(store, fdset_id);
             i < store->sets->len; i++) {
            const FdStoreEntry *entry = &g_array_index(store->sets,
                                                       FdStoreEntry, i);
            int have;

            if (entry->fdset_id != fdset_id) {
                break;
            }
            found = true;
            have = fcntl(entry->fd, F_GETFL);
            if (have >= 0 && (have & mask) == (flags & mask)) {
                return fd_store_dup(entry->fd, errp);
            }
        }
    }
    if (!found) {
        error_setg(errp, "There is no " FD_STORE_SET_PREFIX "%" PRId64 "; make"
                   " it with add-fd", fdset_id);
    } else {
        error_setg(errp, "No file descriptor in " FD_STORE_SET_PREFIX "%"
                   PRId64 " is open for %s and %s O_DIRECT; add one with"
                   " add-fd", fdset_id, fd_store_access_name(flags),
                   flags & O_DIRECT ? "with" : "without");
    }
    return -1;
}

void fd_store_foreach(FdStore *store, FdStoreFunc *func, void *opaque)
{
    QEMU_LOCK_GUARD(&store->lock);

    for (guint i = store->sets->len; i-- > 0;) {
        func(&g_array_index(store->sets, FdStoreEntry, i), opaque);
    }
}

int fd_store_parse_set(const char *path, int64_t *fdset_id, Error **errp)
{
    const char *number;
    int64_t id;

    if (!g_str_has_prefix(path, FD_STORE_SET_PREFIX)) {
        return 0;
    }
    number = path + strlen(FD_STORE_SET_PREFIX);
    if (!g_ascii_isdigit(number[0]) ||
        qemu_strtoi64(number, NULL, 10, &id) < 0) {
        error_setg(errp, "'%s' names no set of file descriptors: "
                   FD_STORE_SET_PREFIX " must be followed by its number",
                   path);
        return -1;
    }
    *fdset_id = id;
    return 1;
}
