/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holes of shared huge pages, by a second mapping under userfaultfd.
 *
 * Entered through hole-map.c, by several threads at once; what they share is
 * set once, and the kernel takes its own locks.
 *
 * A hugetlb file is all data to lseek(), and page tables tell only of pages
 * that this process has mapped, not of those that another one has filled.  But
 * UFFDIO_CONTINUE, made to map a page that the file has (since Linux 5.13),
 * answers EFAULT where it has none, and never makes one.  Only a mapping that
 * is registered can be asked, and there a page that is not mapped yet would
 * stop whoever touches it; hence one of our own, which nobody touches.
 */
#include "qemu/osdep.h"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "qemu/auto-fd.h"
#include "hole-map-internal.h"

/* Of UFFDIO_API: Linux 5.13 and 5.14.  A kernel with one only is refused. */
#define MINOR_FEATURES (UFFD_FEATURE_MINOR_HUGETLBFS | UFFD_FEATURE_MINOR_SHMEM)

static bool minor_register(HoleMap *hm)
{
    struct uffdio_api api = { .api = UFFD_API, .features = MINOR_FEATURES };
    struct uffdio_register reg = {
        .range.start = (uintptr_t)hm->minor_host,
        .range.len = hm->region.len_bytes,
        .mode = UFFDIO_REGISTER_MODE_MINOR,
    };

    hm->minor_fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK |
                                UFFD_USER_MODE_ONLY);
    return hm->minor_fd >= 0 &&
        ioctl(hm->minor_fd, UFFDIO_API, &api) == 0 &&
        ioctl(hm->minor_fd, UFFDIO_REGISTER, &reg) == 0 &&
        (reg.ioctls & (UINT64_C(1) << _UFFDIO_CONTINUE)) != 0;
}

void hole_map_minor_open(HoleMap *hm)
{
    const HoleMapRegion *r = &hm->region;
    struct stat st;
    void *host;

    /* Of a hugetlb file the block is the huge page. */
    if (!r->shared || fstat(r->fd, &st) < 0 ||
        !QEMU_IS_ALIGNED(r->len_bytes | r->fd_offset,
                         (uint64_t)st.st_blksize)) {
        return;
    }
    host = mmap(NULL, r->len_bytes, PROT_READ, MAP_SHARED | MAP_NORESERVE,
                r->fd, (off_t)r->fd_offset);
    if (host == MAP_FAILED) {
        return;
    }
    /* In a child nobody would answer for it. */
    (void)madvise(host, r->len_bytes, MADV_DONTFORK);
    hm->minor_host = host;
    hm->minor_page_size = (size_t)st.st_blksize;
    if (!minor_register(hm)) {
        hole_map_minor_close(hm);
    }
}

void hole_map_minor_close(HoleMap *hm)
{
    auto_fd_close(&hm->minor_fd);
    if (hm->minor_host) {
        munmap(hm->minor_host, hm->region.len_bytes);
        hm->minor_host = NULL;
    }
}

static bool minor_usable(const HoleMap *hm)
{
    return hm->minor_fd >= 0;
}

/*
 * From @pos to @end of the region there may be data, page by page: returns how
 * many bytes are some, 0 for a hole, or -errno when the kernel refuses.
 */
static int64_t minor_ask(const HoleMap *hm, uint64_t pos, uint64_t end)
{
    struct uffdio_continue arg = {
        .range.start = (uintptr_t)hm->minor_host + pos,
        .range.len = end - pos,
        .mode = UFFDIO_CONTINUE_MODE_DONTWAKE,
    };

    if (ioctl(hm->minor_fd, UFFDIO_CONTINUE, &arg) == 0) {
        return (int64_t)(end - pos);
    }
    switch (errno) {
    case EFAULT:
        return 0;
    case EAGAIN:
        /* It got so far; no step at all would be a mapping that changes. */
        return arg.mapped > 0 ? arg.mapped : (int64_t)hm->minor_page_size;
    case EEXIST:
        /* Mapped by an earlier question, and not punched away since. */
        return (int64_t)hm->minor_page_size;
    case EIO:
    case EHWPOISON:
        /* Broken memory is no hole: whoever reads it gets to know. */
        return (int64_t)hm->minor_page_size;
    default:
        return -errno;
    }
}

static int minor_query(const HoleMap *hm, HoleQuery *q)
{
    const uint64_t page = hm->minor_page_size;
    const uint64_t base = q->start_bytes;
    const uint64_t end = QEMU_ALIGN_UP(base + q->len_bytes, page);
    uint64_t pos = QEMU_ALIGN_DOWN(base, page);

    while (pos < end) {
        int64_t len = minor_ask(hm, pos, end);

        if (len < 0) {
            return (int)len;
        }
        if (len > 0) {
            hole_query_data(q, MAX(pos, base) - base, pos + len - base);
        }
        pos += len > 0 ? (uint64_t)len : page;
    }
    return 0;
}

const HoleMethod hole_method_minor = {
    .name = "minor",
    .usable = minor_usable,
    .query = minor_query,
};
