/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes to the file behind a backend; see memory/backend-write.h.
 *
 * Entered by the threads that receive pages, several at once on one file: the
 * kernel takes its own locks.
 */
#include "qemu/osdep.h"
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include "memory/backend-write.h"
#include "qapi/error.h"
#include "qemu/iov.h"

/* Since Linux 5.14 and 5.1; C libraries of that time lack the names. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

bool host_memory_backend_takes_writes(const HostMemoryBackend *backend)
{
    struct rlimit limit;
    struct statfs fs;
    struct stat st;
    uint64_t end;
    int seals;

    if (!backend || backend->fd < 0 || !backend->share || backend->hugetlb ||
        fstatfs(backend->fd, &fs) < 0 || fs.f_type != TMPFS_MAGIC) {
        return false;
    }
    /* Past its end a write makes the file longer, past the limit is SIGXFSZ. */
    end = backend->fd_offset + backend->size;
    seals = fcntl(backend->fd, F_GET_SEALS);
    return fstat(backend->fd, &st) == 0 && (uint64_t)st.st_size >= end &&
           getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= end &&
           seals >= 0 && !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
}

static bool backend_no_room(const HostMemoryBackend *backend, int errnum,
                            Error **errp)
{
    error_setg_errno(errp, errnum, "Memory backend '%s': the host has no room "
                     "for content that has arrived; make room where its file "
                     "is", backend->id);
    return false;
}

bool host_memory_backend_make_room(const HostMemoryBackend *backend,
                                   uint64_t offset_bytes, uint64_t len_bytes,
                                   Error **errp)
{
    uint64_t first = QEMU_ALIGN_DOWN(offset_bytes, qemu_real_host_page_size());
    uint64_t end = offset_bytes + len_bytes;
    int ret;

    if (!backend || backend->fd < 0) {
        return true;
    }
    ret = host_memory_populate(backend->host + first, end - first);
    /* Older kernels do not know the advice: then it is left to the fault. */
    return ret == 0 || ret == -EINVAL || backend_no_room(backend, -ret, errp);
}

bool host_memory_backend_write(const HostMemoryBackend *backend,
                               uint64_t offset_bytes, const struct iovec *iov,
                               unsigned niov, Error **errp)
{
    size_t len_bytes = iov_size(iov, niov);
    size_t done;
    ssize_t n;

    do {
        n = pwritev(backend->fd, iov, (int)niov,
                    (off_t)(backend->fd_offset + offset_bytes));
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == ENOMEM)) {
        return backend_no_room(backend, errno, errp);
    }
    if (n == (ssize_t)len_bytes) {
        return true;
    }
    /* A part may be all that there was room for. */
    done = n > 0 ? (size_t)n : 0;
    if (!host_memory_backend_make_room(backend, offset_bytes + done,
                                       len_bytes - done, errp)) {
        return false;
    }
    iov_to_buf(iov, niov, done, backend->host + offset_bytes + done,
               len_bytes - done);
    return true;
}

int host_memory_populate(uint8_t *host, uint64_t len_bytes)
{
    int ret;

    do {
        ret = madvise(host, len_bytes, MADV_POPULATE_WRITE);
    } while (ret < 0 && (errno == EINTR || errno == EAGAIN));

    if (ret == 0) {
        return 0;
    }
    /* EFAULT is what a full file system or hugepage pool gives. */
    return errno == EFAULT ? -ENOSPC : -errno;
}
