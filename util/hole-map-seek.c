/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holes of shared file memory, by SEEK_DATA and SEEK_HOLE.
 *
 * Entered through hole-map.c, by several threads at once: each lseek()
 * returns its answer, so that the position they share does not matter.
 *
 * Only file systems are asked whose answer covers pages that were written
 * through a mapping and have not reached the disk: tmpfs (memfd), ext4, XFS
 * and btrfs.  Others may answer from a server that knows nothing of them.
 */
#include "qemu/osdep.h"

#include <sys/vfs.h>

#include "hole-map-internal.h"

/* The unit of st_blocks, whatever the file system's own blocks are. */
#define ST_BLOCK_BYTES 512

/* statfs() numbers; linux/magic.h lacks XFS. */
static const uint32_t trusted_filesystems[] = {
    0x01021994,     /* tmpfs */
    0x0000ef53,     /* ext4 */
    0x58465342,     /* XFS */
    0x9123683e,     /* btrfs */
};

static bool seek_usable(const HoleMap *hm)
{
    struct statfs fs;

    /* An empty hugetlb file is all data to lseek(). */
    if (!hm->region.shared || hm->region.fd < 0 || hm->region.hugetlb ||
        fstatfs(hm->region.fd, &fs) < 0) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(trusted_filesystems); i++) {
        if ((uint32_t)fs.f_type == trusted_filesystems[i]) {
            return true;
        }
    }
    return false;
}

/*
 * Where the next data or hole from @pos on begins; @limit when there is
 * none before the end of the file.
 */
static int64_t seek_from(int fd, int64_t pos, int whence, int64_t limit)
{
    off_t found = lseek(fd, pos, whence);

    if (found >= 0) {
        return MIN(found, limit);
    }
    return errno == ENXIO ? limit : -errno;
}

static int seek_query(const HoleMap *hm, HoleQuery *q)
{
    const int fd = hm->region.fd;
    const int64_t base = hm->region.fd_offset + q->start_bytes;
    const int64_t end = base + q->len_bytes;
    struct stat st;
    int64_t pos = base;
    int64_t limit;

    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    /* Behind the end of the file a read faults: that is no zero page. */
    limit = MIN(end, st.st_size);
    hole_query_data(q, limit > base ? limit - base : 0, q->len_bytes);

    /*
     * A file that has as many blocks as its size takes has no hole, and looking
     * at each of its pages for one would take longer than all else here.
     * Blocks that count double, those of a file system's own or past the end,
     * make data of a hole, which is no error.
     */
    if ((uint64_t)st.st_blocks * ST_BLOCK_BYTES >= (uint64_t)st.st_size) {
        hole_query_data(q, 0, q->len_bytes);
        q->data_end = hm->region.len_bytes;
        return 0;
    }

    while (pos < limit) {
        int64_t data = seek_from(fd, pos, SEEK_DATA, limit);
        int64_t hole;

        if (data < 0) {
            return data;
        }
        if (data >= limit) {
            break;
        }
        /*
         * The kernel looks at all pages up to the hole, however far off it is;
         * what it found behind the range saves asking again.
         */
        hole = seek_from(fd, data, SEEK_HOLE, st.st_size);
        if (hole < 0) {
            return hole;
        }
        if (hole > limit) {
            q->data_end = (uint64_t)hole - hm->region.fd_offset;
        }
        /*
         * Somebody may punch the data away between the two calls; then the
         * hole begins where the data did and the page is looked at again.
         */
        hole = MAX(hole, data + 1);
        hole_query_data(q, data - base, hole - base);
        pos = hole;
    }
    return 0;
}

const HoleMethod hole_method_seek = {
    .name = "seek",
    .usable = seek_usable,
    .query = seek_query,
};
