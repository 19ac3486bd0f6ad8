/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of io/file-io.c by each of its ways: through the page cache, with O_DIRECT
 * by plain calls, and with O_DIRECT by io_uring where there is one.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include "io/file-io.h"
#include "qapi/error.h"
#include "qemu/memalign.h"
#include "qemu/units.h"
#include "small-tmpfs.h"

#define BLOCK 4096
#define FILE_BYTES (12 * MiB)

typedef struct FileKind {
    const char *name;
    unsigned flags;
} FileKind;

static const FileKind kinds[] = {
    { "cached", 0 },
    { "direct by plain calls", FILE_IO_DIRECT | FILE_IO_NO_RING },
    { "direct", FILE_IO_DIRECT },
};

/* Where test_file() has its file. */
static char *test_path;

/* Returns -1, and skips the test, where the file system has no O_DIRECT. */
static int test_file(unsigned flags, int open_flags)
{
    int fd = open(test_path, open_flags | O_CLOEXEC |
                  (flags & FILE_IO_DIRECT ? O_DIRECT : 0), 0600);

    if (fd < 0 && errno == EINVAL) {
        g_test_skip("the file system of the temporary folder has no O_DIRECT");
        return -1;
    }
    g_assert_cmpint(fd, >=, 0);
    return fd;
}

static FileIO *test_io(int fd, unsigned flags)
{
    Error *err = NULL;
    FileIO *io = file_io_new(fd, NULL, flags, &err);

    g_assert_null(err);
    g_assert_nonnull(io);
    return io;
}

static uint8_t *pattern_new(size_t len_bytes, uint32_t seed)
{
    uint32_t *words = qemu_memalign(BLOCK, len_bytes);

    for (size_t i = 0; i < len_bytes / 4; i++) {
        seed = seed * 1664525 + 1013904223;
        words[i] = seed;
    }
    return (uint8_t *)words;
}

static void assert_message(Error **err, const char *part)
{
    g_assert_nonnull(*err);
    g_test_message("%s", error_get_pretty(*err));
    g_assert_nonnull(strstr(error_get_pretty(*err), part));
    g_assert_null(strchr(error_get_pretty(*err), '\n'));
    error_free(*err);
    *err = NULL;
}

static void assert_file_is(const uint8_t *data, size_t len_bytes)
{
    g_autofree char *found = NULL;
    gsize found_bytes;

    g_assert_true(g_file_get_contents(test_path, &found, &found_bytes, NULL));
    g_assert_cmpmem(found, found_bytes, data, len_bytes);
}

/* Large and small pieces, from the last to the first. */
static void test_write_and_read(const void *opaque)
{
    const FileKind *kind = opaque;
    uint8_t *data = pattern_new(FILE_BYTES, 1);
    uint8_t *found = pattern_new(FILE_BYTES, 2);
    int fd = test_file(kind->flags, O_RDWR | O_CREAT | O_TRUNC);
    g_autoptr(FileIO) io = fd < 0 ? NULL : test_io(fd, kind->flags);
    Error *err = NULL;
    uint64_t size;

    if (io) {
        for (size_t at = FILE_BYTES, len; at > 0; at -= len) {
            len = at > 9 * MiB ? 3 * MiB : at > MiB ? 20 * BLOCK : BLOCK;
            len = MIN(at, len);
            g_assert_true(file_io_write(io, data + at - len, len, at - len,
                                        &err));
        }
        g_assert_true(file_io_flush(io, &err));
        assert_file_is(data, FILE_BYTES);
        g_assert_true(file_io_size(io, &size, &err));
        g_assert_cmpuint(size, ==, FILE_BYTES);
        for (size_t at = 0, len; at < FILE_BYTES; at += len) {
            len = MIN(at < 4 * MiB ? BLOCK : 2 * MiB + BLOCK, FILE_BYTES - at);
            g_assert_true(file_io_read(io, found + at, len, at, &err));
        }
        g_assert_true(file_io_flush(io, &err));
        g_assert_cmpint(memcmp(found, data, FILE_BYTES), ==, 0);
    }
    qemu_vfree(found);
    qemu_vfree(data);
}

/* Two writes to one place, with a flush between them. */
static void test_flush_keeps_order(const void *opaque)
{
    const FileKind *kind = opaque;
    uint8_t *data = pattern_new(64 * BLOCK, 3);
    int fd = test_file(kind->flags, O_RDWR | O_CREAT | O_TRUNC);
    g_autoptr(FileIO) io = fd < 0 ? NULL : test_io(fd, kind->flags);
    Error *err = NULL;

    for (unsigned i = 0; io && i < 64; i++) {
        g_assert_true(file_io_write(io, data + i * BLOCK, BLOCK, 0, &err));
        g_assert_true(file_io_flush(io, &err));
        assert_file_is(data + i * BLOCK, BLOCK);
    }
    qemu_vfree(data);
}

/* A call may fail at once, or the flush after it. */
static bool write_and_flush(FileIO *io, const void *buf, size_t len_bytes,
                            uint64_t offset, Error **errp)
{
    return file_io_write(io, buf, len_bytes, offset, errp) &&
           file_io_flush(io, errp);
}

static bool read_and_flush(FileIO *io, void *buf, size_t len_bytes,
                           uint64_t offset, Error **errp)
{
    return file_io_read(io, buf, len_bytes, offset, errp) &&
           file_io_flush(io, errp);
}

static void test_short_file(const void *opaque)
{
    const FileKind *kind = opaque;
    uint8_t *data = pattern_new(MiB, 4);
    int fd = test_file(kind->flags, O_RDWR | O_CREAT | O_TRUNC);
    g_autoptr(FileIO) io = fd < 0 ? NULL : test_io(fd, kind->flags);
    g_autofree char *name = g_strdup_printf("'%s' ends before the ", test_path);
    /* What goes on after a short read is aligned again. */
    const char *rest = kind->flags & FILE_IO_DIRECT
                       ? "45056 bytes at offset 20480, or within them"
                       : "44956 bytes at offset 20580, or within them";
    Error *err = NULL;

    if (io) {
        g_assert_cmpint(ftruncate(fd, 5 * BLOCK + 100), ==, 0);
        g_assert_true(read_and_flush(io, data, 5 * BLOCK, 0, &err));
        g_assert_false(read_and_flush(io, data, 16 * BLOCK, 0, &err));
        g_assert_nonnull(strstr(error_get_pretty(err), name));
        assert_message(&err, rest);
        /* What has failed once has failed for good, or fails again. */
        g_assert_false(read_and_flush(io, data, BLOCK, 8 * BLOCK, &err));
        assert_message(&err, name);
    }
    qemu_vfree(data);
}

static void test_not_for_writing(const void *opaque)
{
    const FileKind *kind = opaque;
    uint8_t *data = pattern_new(MiB, 5);
    int fd = test_file(kind->flags, O_RDONLY | O_CREAT);
    g_autoptr(FileIO) io = fd < 0 ? NULL : test_io(fd, kind->flags);
    g_autofree char *message = g_strdup_printf(
        "'%s': cannot write 8192 bytes at offset 4096: ", test_path);
    Error *err = NULL;

    if (io) {
        g_assert_false(write_and_flush(io, data, 2 * BLOCK, BLOCK, &err));
        assert_message(&err, message);
    }
    qemu_vfree(data);
}

/* Nobody waits for what has failed, nor is it lost from sight. */
static void test_free_with_a_failure_under_way(const void *opaque)
{
    const FileKind *kind = opaque;
    uint8_t *data = pattern_new(8 * MiB, 6);
    int fd = test_file(kind->flags, O_RDONLY | O_CREAT);
    FileIO *io = fd < 0 ? NULL : test_io(fd, kind->flags);

    for (size_t at = 0; io && at < 8 * MiB; at += BLOCK) {
        if (!file_io_write(io, data + at, BLOCK, at, NULL)) {
            break;
        }
    }
    file_io_free(io);
    qemu_vfree(data);
}

static void test_stop(const void *opaque)
{
    const FileKind *kind = opaque;
    uint8_t *data = pattern_new(MiB, 7);
    int fd = test_file(kind->flags, O_RDWR | O_CREAT);
    g_autoptr(FileIO) io = fd < 0 ? NULL : test_io(fd, kind->flags);
    Error *err = NULL;

    file_io_stop(NULL);
    if (io) {
        g_assert_true(file_io_write(io, data, MiB, 0, &err));
        file_io_stop(io);
        g_assert_false(file_io_write(io, data, MiB, 0, &err));
        assert_message(&err, "was stopped");
        g_assert_false(file_io_read(io, data, MiB, 0, &err));
        assert_message(&err, "was stopped");
        g_assert_false(file_io_flush(io, &err));
        assert_message(&err, "was stopped");
    }
    /* The file may still be written from there. */
    file_io_free(g_steal_pointer(&io));
    qemu_vfree(data);
}

static void test_past_all_files(const void *opaque)
{
    const FileKind *kind = opaque;
    uint8_t *data = pattern_new(BLOCK, 8);
    int fd = test_file(kind->flags, O_RDWR | O_CREAT);
    g_autoptr(FileIO) io = fd < 0 ? NULL : test_io(fd, kind->flags);
    Error *err = NULL;

    if (io) {
        g_assert_false(write_and_flush(io, data, BLOCK, INT64_MAX - BLOCK + 1,
                                       &err));
        assert_message(&err, "no room for 4096 bytes at offset "
                       "9223372036854771712");
    }
    qemu_vfree(data);
}

static void test_not_aligned(const void *opaque)
{
    const FileKind *kind = opaque;
    uint8_t *data = pattern_new(2 * BLOCK, 9);
    int fd = test_file(kind->flags, O_RDWR | O_CREAT);
    g_autoptr(FileIO) io = fd < 0 ? NULL : test_io(fd, kind->flags);
    Error *err = NULL;

    if (io && write_and_flush(io, data + 1, BLOCK, 1, &err)) {
        g_test_skip("this file system takes anything with O_DIRECT");
    } else if (io) {
        assert_message(&err, "the file system refuses to write 4096 bytes at "
                       "offset 1 with O_DIRECT; switch direct-io off");
    }
    qemu_vfree(data);
}

static void test_full_disk(void)
{
    int fd = small_tmpfs_file(MiB, 0);
    g_autoptr(FileIO) io = NULL;
    uint8_t *data = pattern_new(2 * MiB, 10);
    Error *err = NULL;

    if (fd < 0) {
        g_test_skip("this process may not mount a file system");
    } else {
        io = file_io_new(fd, "/the/file", 0, &err);
        g_assert_false(file_io_write(io, data, 2 * MiB, 0, &err));
        assert_message(&err, "'/the/file' has no room for 1048576 bytes at "
                       "offset 1048576; make room where it is: No space left");
        file_io_set_need(io, 2 * MiB);
        g_assert_false(file_io_write(io, data, MiB, MiB, &err));
        assert_message(&err, "at offset 1048576 (2097152 bytes in all, at "
                       "most); make room");
    }
    qemu_vfree(data);
}

/* A kernel that gives no ring, here for want of descriptors. */
static void test_no_ring_to_be_had(void)
{
    int fd = test_file(FILE_IO_DIRECT, O_RDWR | O_CREAT | O_TRUNC);
    g_autoptr(FileIO) io = NULL;
    uint8_t *data = pattern_new(MiB, 11);
    struct rlimit old, none;
    Error *err = NULL;

    if (fd >= 0) {
        g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
        none = old;
        none.rlim_cur = 0;
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
        io = file_io_new(fd, test_path, FILE_IO_DIRECT, &err);
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);
        g_assert_nonnull(io);
        g_assert_false(file_io_has_ring(io));
        g_assert_true(write_and_flush(io, data, MiB, 0, &err));
        assert_file_is(data, MiB);
    }
    qemu_vfree(data);
}

/* Through the page cache a call copies: there is nothing to wait for. */
static void test_ring_is_for_direct(void)
{
    int fd = test_file(0, O_RDWR | O_CREAT | O_TRUNC);
    int direct = test_file(FILE_IO_DIRECT, O_RDWR | O_CREAT);
    g_autoptr(FileIO) cached = test_io(fd, 0);
    g_autoptr(FileIO) io = direct < 0 ? NULL
                                      : test_io(direct, FILE_IO_DIRECT);

    g_assert_false(file_io_has_ring(cached));
    if (io) {
        g_test_message("with O_DIRECT: %s", file_io_has_ring(io) ? "io_uring"
                                                                 : "plain");
    }
}

static void test_path_of_a_descriptor(void)
{
    int fd = memfd_create("a-name", MFD_CLOEXEC);
    g_autoptr(FileIO) io = test_io(fd, 0);
    g_autoptr(FileIO) copy = file_io_new_dup(fd, NULL);

    g_assert_cmpstr(file_io_path(io), ==, "/memfd:a-name (deleted)");
    g_assert_cmpstr(file_io_path(copy), ==, "/memfd:a-name (deleted)");
    g_assert_true(file_io_write(copy, "x", 1, 7, NULL));
    g_assert_cmpint(lseek(fd, 0, SEEK_END), ==, 8);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        GTestDataFunc func;
    } of_each_kind[] = {
        { "write and read", test_write_and_read },
        { "flush keeps the order", test_flush_keeps_order },
        { "short file", test_short_file },
        { "not for writing", test_not_for_writing },
        { "free with a failure under way",
          test_free_with_a_failure_under_way },
        { "stop", test_stop },
        { "past the end of all files", test_past_all_files },
    };
    g_autofree char *folder = g_dir_make_tmp("file-io-XXXXXX", NULL);
    int ret;

    g_test_init(&argc, &argv, NULL);
    test_path = g_build_filename(folder, "file", NULL);
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        for (size_t i = 0; i < ARRAY_SIZE(of_each_kind); i++) {
            g_autofree char *path = g_strdup_printf(
                "/file-io/%s/%s", kinds[k].name, of_each_kind[i].name);

            g_test_add_data_func(path, &kinds[k], of_each_kind[i].func);
        }
    }
    for (size_t k = 1; k < ARRAY_SIZE(kinds); k++) {
        g_autofree char *path = g_strdup_printf("/file-io/%s/not aligned",
                                                kinds[k].name);

        g_test_add_data_func(path, &kinds[k], test_not_aligned);
    }
    g_test_add_func("/file-io/full disk", test_full_disk);
    g_test_add_func("/file-io/no ring to be had", test_no_ring_to_be_had);
    g_test_add_func("/file-io/ring is for direct", test_ring_is_for_direct);
    g_test_add_func("/file-io/path of a descriptor",
                    test_path_of_a_descriptor);
    ret = g_test_run();
    unlink(test_path);
    rmdir(folder);
    g_free(test_path);
    return ret;
}
