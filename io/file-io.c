/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O at given places of a file: what all ways of doing it share, and the plain
 * calls.
 *
 * Entered by the thread that uses the file, file_io_stop() by any.  io_uring is
 * file-io-ring.c's; opening files is the caller's.
 */
#include "qemu/osdep.h"
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include "io/file-io-internal.h"
#include "io/trace.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/units.h"

/* One call moves at most so much, so that who stops it need not wait long. */
#define CALL_MAX_BYTES (4 * MiB)

/*
 * And to the page cache so much: the kernel would make large folios of more at a
 * time, of memory that nobody has touched for long, which a virtual host may not
 * even have.  Calls are few enough as it is.
 */
#define CACHED_WRITE_MAX_BYTES (64 * KiB)

/*
 * Engines in the order in which they are tried.  Plain calls are as good where
 * the page cache takes part: then a call copies and does not wait.
 */
static const FileIOEngine *const direct_engines[] = {
#ifdef CONFIG_LINUX_IO_URING
    &file_io_engine_ring,
#endif
    &file_io_engine_plain,
};

bool file_io_check_stop(const FileIO *io, Error **errp)
{
    if (qatomic_read(&io->stopped)) {
        error_setg(errp, "'%s': reading and writing was stopped", io->path);
        return false;
    }
    return true;
}

/* Returns false. */
static bool file_io_fail(const FileIO *io, const FileIOOp *op, int errnum,
                         Error **errp)
{
    const char *what = op->write ? "write" : "read";

    if (errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG) {
        g_autofree char *need = NULL;

        if (io->need_bytes) {
            need = g_strdup_printf(" (%" PRIu64 " bytes in all, at most)",
                                   io->need_bytes);
        }
        error_setg_errno(errp, errnum, "'%s' has no room for %zu bytes at "
                         "offset %" PRIu64 "%s; make room where it is",
                         io->path, op->len_bytes, op->offset,
                         need ? need : "");
    } else if (errnum == EINVAL && io->direct) {
        error_setg_errno(errp, errnum, "'%s': the file system refuses to %s "
                         "%zu bytes at offset %" PRIu64 " with O_DIRECT; "
                         "switch direct-io off", io->path, what, op->len_bytes,
                         op->offset);
    } else {
        error_setg_errno(errp, errnum, "'%s': cannot %s %zu bytes at offset %"
                         PRIu64, io->path, what, op->len_bytes, op->offset);
    }
    return false;
}

bool file_io_advance(const FileIO *io, FileIOOp *op, ssize_t res,
                     Error **errp)
{
    size_t done = res > 0 ? (size_t)res : 0;

    if (res < 0) {
        return res == -EINTR || res == -EAGAIN ||
               file_io_fail(io, op, (int)-res, errp);
    }
    if (done < op->len_bytes && io->direct) {
        /* What goes on has to be aligned again. */
        done = QEMU_ALIGN_DOWN(done, FILE_IO_DIRECT_ALIGN);
    }
    if (done == 0 && op->write) {
        return file_io_fail(io, op, EIO, errp);
    }
    if (done == 0) {
        error_setg(errp, "'%s' ends before the %zu bytes at offset %" PRIu64
                   ", or within them", io->path, op->len_bytes, op->offset);
        return false;
    }
    op->buf += done;
    op->len_bytes -= done;
    op->offset += done;
    return true;
}

static bool plain_open(FileIO *io)
{
    return true;
}

static void plain_close(FileIO *io)
{
}

static bool plain_begin(FileIO *io, const FileIOOp *whole, Error **errp)
{
    size_t max = whole->write && !io->direct && !io->in_memory
                 ? CACHED_WRITE_MAX_BYTES : CALL_MAX_BYTES;
    FileIOOp op = *whole;

    while (op.len_bytes > 0) {
        size_t len = MIN(op.len_bytes, max);
        ssize_t n = op.write ? pwrite(io->fd, op.buf, len, (off_t)op.offset)
                             : pread(io->fd, op.buf, len, (off_t)op.offset);

        if (!file_io_advance(io, &op, n < 0 ? -errno : n, errp) ||
            !file_io_check_stop(io, errp)) {
            return false;
        }
    }
    return true;
}

static bool plain_flush(FileIO *io, Error **errp)
{
    return true;
}

const FileIOEngine file_io_engine_plain = {
    .name = "plain calls",
    .open = plain_open,
    .close = plain_close,
    .begin = plain_begin,
    .flush = plain_flush,
};

/* What the kernel says that O_DIRECT needs; older ones do not say. */
static bool file_io_check_alignment(const FileIO *io, Error **errp)
{
#ifdef STATX_DIOALIGN
    struct statx stx;

    if (statx(io->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) < 0 ||
        !(stx.stx_mask & STATX_DIOALIGN)) {
        return true;
    }
    if (stx.stx_dio_offset_align == 0) {
        error_setg(errp, "The file system of '%s' has no O_DIRECT for it; "
                   "switch direct-io off", io->path);
        return false;
    }
    if (MAX(stx.stx_dio_offset_align, stx.stx_dio_mem_align) >
        FILE_IO_DIRECT_ALIGN) {
        error_setg(errp, "The file system of '%s' wants O_DIRECT in units of "
                   "%u bytes, those of a guest's memory are %u; switch "
                   "direct-io off", io->path,
                   MAX(stx.stx_dio_offset_align, stx.stx_dio_mem_align),
                   FILE_IO_DIRECT_ALIGN);
        return false;
    }
#endif
    return true;
}

static bool file_io_is_in_memory(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

static void file_io_choose_engine(FileIO *io, unsigned flags)
{
    io->engine = &file_io_engine_plain;
    if (io->direct && !io->in_memory && !(flags & FILE_IO_NO_RING)) {
        size_t i = 0;

        while (!direct_engines[i]->open(io)) {
            i++;
        }
        io->engine = direct_engines[i];
    }
    trace_file_io_open(io->path, io->direct, io->engine->name);
}

/* What a descriptor came from; good enough for a message. */
static char *file_io_path_of(int fd)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    char *path = g_file_read_link(link, NULL);

    return path ? path : g_steal_pointer(&link);
}

FileIO *file_io_new(int fd, const char *path, unsigned flags, Error **errp)
{
    FileIO *io = g_new0(FileIO, 1);

    io->fd = fd;
    io->path = path ? g_strdup(path) : file_io_path_of(fd);
    io->direct = flags & FILE_IO_DIRECT;
    io->in_memory = file_io_is_in_memory(fd);
    io->engine = &file_io_engine_plain;
    if (io->direct && !file_io_check_alignment(io, errp)) {
        file_io_free(io);
        return NULL;
    }
    file_io_choose_engine(io, flags);
    return io;
}

FileIO *file_io_new_dup(int fd, Error **errp)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (copy < 0) {
        error_setg_errno(errp, errno, "Cannot duplicate descriptor %d", fd);
        return NULL;
    }
    return file_io_new(copy, NULL, 0, errp);
}

void file_io_free(FileIO *io)
{
    if (io) {
        io->engine->close(io);
        close(io->fd);
        g_free(io->path);
        g_free(io);
    }
}

void file_io_set_need(FileIO *io, uint64_t len_bytes)
{
    io->need_bytes = len_bytes;
}

const char *file_io_path(const FileIO *io)
{
    return io->path;
}

bool file_io_has_ring(const FileIO *io)
{
    return io->engine != &file_io_engine_plain;
}

bool file_io_size(FileIO *io, uint64_t *size_bytes, Error **errp)
{
    struct stat st;
    off_t end = -1;

    if (fstat(io->fd, &st) == 0) {
        /* A block device has no size there. */
        end = S_ISBLK(st.st_mode) ? lseek(io->fd, 0, SEEK_END) : st.st_size;
    }
    if (end < 0) {
        error_setg_errno(errp, errno, "'%s': cannot find out how long it is",
                         io->path);
        return false;
    }
    *size_bytes = (uint64_t)end;
    return true;
}

static bool file_io_begin(FileIO *io, const FileIOOp *op, Error **errp)
{
    if (!file_io_check_stop(io, errp)) {
        return false;
    }
    /* Past that no file has a byte, and off_t none either. */
    if (op->offset > INT64_MAX - op->len_bytes) {
        return file_io_fail(io, op, EFBIG, errp);
    }
    return io->engine->begin(io, op, errp);
}

bool file_io_write(FileIO *io, const void *buf, size_t len_bytes,
                   uint64_t offset, Error **errp)
{
    FileIOOp op = {
        .write = true,
        .buf = (uint8_t *)buf,
        .len_bytes = len_bytes,
        .offset = offset,
    };

    return file_io_begin(io, &op, errp);
}

bool file_io_read(FileIO *io, void *buf, size_t len_bytes, uint64_t offset,
                  Error **errp)
{
    FileIOOp op = { .buf = buf, .len_bytes = len_bytes, .offset = offset };

    return file_io_begin(io, &op, errp);
}

bool file_io_flush(FileIO *io, Error **errp)
{
    return file_io_check_stop(io, errp) && io->engine->flush(io, errp);
}

void file_io_stop(FileIO *io)
{
    if (io) {
        qatomic_set(&io->stopped, true);
    }
}
