/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands behind a memory backend: nothing (anonymous memory), a memfd, or
 * a file, of the right size.
 *
 * Entered by the main thread; nothing is kept.  Mapping is left to
 * memory/backend.c.
 */
#include "qemu/osdep.h"
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include "memory/backend-internal.h"
#include "qapi/error.h"

/* Since Linux 4.14; C libraries of that time lack the names. */
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif
#ifndef MFD_HUGE_SHIFT
#define MFD_HUGE_SHIFT 26
#endif

/* Fills in page size and kind from the file system that the file is on. */
static bool store_find_page_size(const BackendSpec *spec, BackendStore *store,
                                 Error **errp)
{
    struct statfs fs;
    int ret;

    do {
        ret = fstatfs(store->fd, &fs);
    } while (ret < 0 && errno == EINTR);
    if (ret < 0) {
        error_setg_errno(errp, errno, "memory backend '%s': cannot find out "
                         "the page size of its file system", spec->id);
        return false;
    }
    store->hugetlb = fs.f_type == HUGETLBFS_MAGIC;
    store->page_size = store->hugetlb ? (size_t)fs.f_bsize :
        qemu_real_host_page_size();
    return true;
}

static bool store_check_size(const BackendSpec *spec,
                             const BackendStore *store, Error **errp)
{
    if (spec->size % store->page_size == 0) {
        return true;
    }
    error_setg(errp, "memory backend '%s': size %" PRIu64 " is not a multiple "
               "of its page size, %zu bytes", spec->id, spec->size,
               store->page_size);
    return false;
}

static bool store_truncate(const BackendSpec *spec, const BackendStore *store,
                           const char *what, Error **errp)
{
    int ret;

    do {
        ret = ftruncate(store->fd, spec->size);
    } while (ret < 0 && errno == EINTR);
    if (ret < 0) {
        error_setg_errno(errp, errno, "memory backend '%s': cannot give %s "
                         "the size of %" PRIu64 " bytes", spec->id, what,
                         spec->size);
        return false;
    }
    return true;
}

static bool memfd_open(const BackendSpec *spec, BackendStore *store,
                       Error **errp)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

    if (spec->hugetlb) {
        flags |= MFD_HUGETLB;
        if (spec->hugetlbsize) {
            flags |= (unsigned)__builtin_ctzll(spec->hugetlbsize) <<
                MFD_HUGE_SHIFT;
        }
    }
    store->fd = memfd_create(spec->id, flags);
    if (store->fd >= 0) {
        return true;
    }
    if (spec->hugetlbsize && spec->hugetlb) {
        error_setg_errno(errp, errno, "memory backend '%s': this host gives "
                         "no memfd with huge pages of %" PRIu64 " bytes",
                         spec->id, spec->hugetlbsize);
    } else {
        error_setg_errno(errp, errno, "memory backend '%s': cannot create a "
                         "memfd", spec->id);
    }
    return false;
}

static bool memfd_store(const BackendSpec *spec, BackendStore *store,
                        Error **errp)
{
    if (spec->hugetlbsize && !spec->hugetlb) {
        error_setg(errp, "memory backend '%s': hugetlbsize needs hugetlb=on",
                   spec->id);
        return false;
    }
    if (spec->hugetlbsize & (spec->hugetlbsize - 1)) {
        error_setg(errp, "memory backend '%s': hugetlbsize %" PRIu64 " is not "
                   "a power of two", spec->id, spec->hugetlbsize);
        return false;
    }
    if (!memfd_open(spec, store, errp) ||
        !store_find_page_size(spec, store, errp) ||
        !store_check_size(spec, store, errp) ||
        !store_truncate(spec, store, "its memfd", errp)) {
        return false;
    }
    /*
     * Whoever got the descriptor cannot shrink the file under the mapping,
     * which would be a SIGBUS here.  Kernels that cannot seal go without.
     */
    (void)fcntl(store->fd, F_ADD_SEALS,
                F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    return true;
}

/* A file without a name in a directory, which may be a hugetlbfs. */
static int open_in_directory(const BackendSpec *spec)
{
    g_autofree char *name = g_strdup_printf("wherry-%s-XXXXXX", spec->id);
    g_autofree char *path = NULL;
    int fd;

    path = g_build_filename(spec->mem_path, g_strdelimit(name, "/", '_'),
                            NULL);
    fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}

/* Opens the path, makes the file, or a file in the directory. */
static bool file_open(const BackendSpec *spec, BackendStore *store,
                      Error **errp)
{
    const char *path = spec->mem_path;

    store->fd = open(path, O_RDWR | O_CLOEXEC);
    if (store->fd < 0 && errno == EISDIR) {
        store->fd = open_in_directory(spec);
    } else if (store->fd < 0 && errno == ENOENT) {
        /* O_EXCL: what another process made meanwhile is not ours to remove. */
        store->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (store->fd >= 0) {
            store->created_path = g_strdup(path);
        } else if (errno == EEXIST) {
            store->fd = open(path, O_RDWR | O_CLOEXEC);
        }
    }
    if (store->fd < 0) {
        error_setg_errno(errp, errno, "memory backend '%s': cannot open '%s'",
                         spec->id, path);
        return false;
    }
    return true;
}

/*
 * A file that is empty gets the size; one that is longer keeps its rest, which
 * nothing maps; one that is shorter is likely to be the wrong file.
 */
static bool file_set_size(const BackendSpec *spec, BackendStore *store,
                          Error **errp)
{
    g_autofree char *what = g_strdup_printf("'%s'", spec->mem_path);
    struct stat st;

    if (fstat(store->fd, &st) < 0) {
        error_setg_errno(errp, errno, "memory backend '%s': cannot look at "
                         "%s", spec->id, what);
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        error_setg(errp, "memory backend '%s': %s is neither a regular file "
                   "nor a directory", spec->id, what);
        return false;
    }
    if (st.st_size == 0) {
        return store_truncate(spec, store, what, errp);
    }
    if ((uint64_t)st.st_size < spec->size) {
        error_setg(errp, "memory backend '%s': %s has %" PRIu64 " bytes, too "
                   "few for the size of %" PRIu64, spec->id, what,
                   (uint64_t)st.st_size, spec->size);
        return false;
    }
    return true;
}

static bool file_store(const BackendSpec *spec, BackendStore *store,
                       Error **errp)
{
    return file_open(spec, store, errp) &&
        store_find_page_size(spec, store, errp) &&
        store_check_size(spec, store, errp) &&
        file_set_size(spec, store, errp);
}

static bool ram_store(const BackendSpec *spec, BackendStore *store,
                      Error **errp)
{
    /*
     * Shared anonymous memory is a memfd in all but name; with a descriptor
     * its holes can be found, too.
     */
    if (spec->share) {
        return memfd_store(spec, store, errp);
    }
    store->page_size = qemu_real_host_page_size();
    return store_check_size(spec, store, errp);
}

bool backend_store_open(const BackendSpec *spec, BackendStore *store,
                        Error **errp)
{
    BackendStore made = { .fd = -1 };
    bool ok = false;

    switch (spec->type) {
    case OBJECT_TYPE_MEMORY_BACKEND_RAM:
        ok = ram_store(spec, &made, errp);
        break;
    case OBJECT_TYPE_MEMORY_BACKEND_MEMFD:
        ok = memfd_store(spec, &made, errp);
        break;
    case OBJECT_TYPE_MEMORY_BACKEND_FILE:
        ok = file_store(spec, &made, errp);
        break;
    default:
        g_assert_not_reached();
    }
    if (ok) {
        *store = made;
        return true;
    }
    if (made.created_path) {
        unlink(made.created_path);
        g_free(made.created_path);
    }
    if (made.fd >= 0) {
        close(made.fd);
    }
    return false;
}
