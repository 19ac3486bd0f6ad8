/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File channels: positions, what is a file and what is not, descriptors that
 * were handed over, full disks.
 */
#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include "io/channel-file.h"
#include "io/channel-socket.h"
#include "io/fd-store.h"
#include "qapi/error.h"
#include "small-tmpfs.h"

typedef struct Fixture {
    char *dir;
    char *path;
} Fixture;

static void fixture_init(Fixture *f)
{
    f->dir = g_dir_make_tmp("wherry-test-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "f,i:l e", NULL);
}

static void fixture_clear(Fixture *f)
{
    g_unlink(f->path);
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->dir);
    g_free(f->path);
}

static QIOChannel *open_file(const char *path, int flags)
{
    Error *err = NULL;
    QIOChannel *ioc = qio_channel_file_open(path, flags, 0600, NULL, &err);

    g_assert_null(err);
    g_assert_true(qio_channel_is_file(ioc));
    g_assert_cmpuint(qio_channel_file_tell(ioc), ==, 0);
    return ioc;
}

static void assert_content(const Fixture *f, const char *expected)
{
    g_autofree char *content = NULL;

    g_assert_true(g_file_get_contents(f->path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, expected);
}

static void assert_refused(const char *path, int flags, FdStore *fds,
                           const char *sentence)
{
    Error *err = NULL;

    g_assert_null(qio_channel_file_open(path, flags, 0600, fds, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, sentence);
    error_free(err);
}

static void test_write_and_read(void)
{
    Fixture f;
    char buf[8];

    fixture_init(&f);
    {
        g_autoptr(QIOChannel) out = open_file(f.path, O_CREAT | O_WRONLY);

        g_assert_true(qio_channel_write_all(out, "hello", 5, NULL));
        g_assert_true(qio_channel_write_all(out, "you", 3, NULL));
        g_assert_cmpuint(qio_channel_file_tell(out), ==, 8);
        g_assert_true(qio_channel_file_settle(out, NULL));
    }
    {
        g_autoptr(QIOChannel) in = open_file(f.path, O_RDONLY);

        g_assert_true(qio_channel_file_seek(in, 2, NULL));
        g_assert_cmpint(qio_channel_read(in, buf, sizeof(buf), NULL), ==, 6);
        g_assert_cmpmem(buf, 6, "lloyou", 6);
        g_assert_cmpint(qio_channel_read(in, buf, sizeof(buf), NULL), ==, 0);
        g_assert_cmpuint(qio_channel_file_tell(in), ==, 8);
    }
    fixture_clear(&f);
}

static void test_mode(void)
{
    Fixture f;
    struct stat st;

    fixture_init(&f);
    qio_channel_unref(open_file(f.path, O_CREAT | O_WRONLY));
    g_assert_cmpint(stat(f.path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
    fixture_clear(&f);
}

static void test_two_channels_of_one_file(void)
{
    Fixture f;

    fixture_init(&f);
    g_assert_true(g_file_set_contents(f.path, "........", -1, NULL));
    {
        g_autoptr(QIOChannel) a = open_file(f.path, O_WRONLY);
        g_autoptr(QIOChannel) b = open_file(f.path, O_WRONLY);

        g_assert_true(qio_channel_file_seek(b, 4, NULL));
        g_assert_true(qio_channel_write_all(a, "a", 1, NULL));
        g_assert_true(qio_channel_write_all(b, "b", 1, NULL));
        g_assert_true(qio_channel_write_all(a, "A", 1, NULL));
    }
    assert_content(&f, "aA..b...");
    fixture_clear(&f);
}

static void test_truncate_keeps_the_front(void)
{
    Fixture f;

    fixture_init(&f);
    g_assert_true(g_file_set_contents(f.path, "header and more", -1, NULL));
    {
        g_autoptr(QIOChannel) out = open_file(f.path, O_WRONLY);

        g_assert_true(qio_channel_file_truncate(out, 6, NULL));
        g_assert_true(qio_channel_file_seek(out, 6, NULL));
        g_assert_true(qio_channel_write_all(out, "!", 1, NULL));
    }
    assert_content(&f, "header!");
    fixture_clear(&f);
}

static void test_offset_out_of_range(void)
{
    Fixture f;
    g_autoptr(QIOChannel) ioc = NULL;
    g_autofree char *expected = NULL;
    Error *err = NULL;

    fixture_init(&f);
    ioc = open_file(f.path, O_CREAT | O_WRONLY);
    g_assert_false(qio_channel_file_truncate(ioc, UINT64_MAX, &err));
    g_clear_pointer(&err, error_free);
    g_assert_false(qio_channel_file_seek(ioc, UINT64_C(1) << 63, &err));
    expected = g_strdup_printf("file: '%s' has no offset 9223372036854775808; "
                               "the greatest is 9223372036854775807", f.path);
    g_assert_cmpstr(error_get_pretty(err), ==, expected);
    g_assert_cmpuint(qio_channel_file_tell(ioc), ==, 0);
    error_free(err);
    fixture_clear(&f);
}

/* Who handed the descriptor over goes on behind what was written. */
static void test_descriptor_keeps_its_place(void)
{
    Fixture f;
    AUTO_FD int fd = -1;

    fixture_init(&f);
    fd = open(f.path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    g_assert_cmpint(write(fd, "front ", 6), ==, 6);
    {
        g_autoptr(QIOChannel) ioc = qio_channel_file_new_fd(dup(fd), NULL);

        g_assert_cmpuint(qio_channel_file_tell(ioc), ==, 6);
        g_assert_true(qio_channel_write_all(ioc, "middle", 6, NULL));
    }
    g_assert_cmpint(write(fd, " back", 5), ==, 5);
    assert_content(&f, "front middle back");
    fixture_clear(&f);
}

static void test_descriptor_that_appends(void)
{
    Fixture f;
    int fd;

    fixture_init(&f);
    g_assert_true(g_file_set_contents(f.path, "old ", -1, NULL));
    fd = open(f.path, O_WRONLY | O_APPEND | O_CLOEXEC);
    {
        g_autoptr(QIOChannel) ioc = qio_channel_file_new_fd(fd, NULL);

        g_assert_cmpuint(qio_channel_file_tell(ioc), ==, 4);
        g_assert_true(qio_channel_write_all(ioc, "new", 3, NULL));
        g_assert_cmpuint(qio_channel_file_tell(ioc), ==, 7);
    }
    assert_content(&f, "old new");
    fixture_clear(&f);
}

static void test_shutdown(void)
{
    Fixture f;
    g_autoptr(QIOChannel) ioc = NULL;
    Error *err = NULL;
    char byte;

    fixture_init(&f);
    g_assert_true(g_file_set_contents(f.path, "content", -1, NULL));
    ioc = open_file(f.path, O_RDWR);
    qio_channel_shutdown(ioc, QIO_CHANNEL_SHUTDOWN_READ);
    g_assert_cmpint(qio_channel_read(ioc, &byte, 1, NULL), ==, 0);
    g_assert_true(qio_channel_write_all(ioc, "x", 1, NULL));
    qio_channel_shutdown(ioc, QIO_CHANNEL_SHUTDOWN_WRITE);
    g_assert_false(qio_channel_write_all(ioc, "x", 1, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "file: cannot write: the "
                    "channel was shut down");
    error_free(err);
    fixture_clear(&f);
}

static gboolean is_ready(QIOChannel *ioc, GIOCondition condition, void *opaque)
{
    *(bool *)opaque = true;
    return G_SOURCE_REMOVE;
}

/* What reads from a loop need not know that this is a file. */
static void test_watch(void)
{
    g_autoptr(GMainContext) context = g_main_context_new();
    g_autoptr(QIOChannel) ioc = NULL;
    GSource *source;
    bool ready = false;
    Fixture f;

    fixture_init(&f);
    ioc = open_file(f.path, O_CREAT | O_RDWR);
    g_assert_true(qio_channel_set_blocking(ioc, false, NULL));
    source = qio_channel_add_watch(ioc, context, G_IO_IN, is_ready, &ready);
    g_main_context_iteration(context, true);
    g_assert_true(ready);
    g_source_unref(source);
    fixture_clear(&f);
}

static void test_full_disk(void)
{
    static const char block[65536];
    g_autoptr(QIOChannel) ioc = NULL;
    g_autofree char *expected = NULL;
    int fd = small_tmpfs_file(256 * 1024, 0);
    Error *err = NULL;

    if (fd < 0) {
        g_test_skip("this process may not make a file system");
        return;
    }
    ioc = qio_channel_file_new_fd(fd, NULL);
    while (qio_channel_write_all(ioc, block, sizeof(block), &err)) {
        /* until there is no room */
    }
    expected = g_strdup_printf("file: cannot write to file descriptor %d at "
                               "offset %" PRIu64 ": No space left on device",
                               fd, qio_channel_file_tell(ioc));
    g_assert_cmpstr(error_get_pretty(err), ==, expected);
    error_free(err);
}

static void test_wrong_direction(void)
{
    Fixture f;
    g_autoptr(QIOChannel) ioc = NULL;
    Error *err = NULL;
    char byte;

    fixture_init(&f);
    ioc = open_file(f.path, O_CREAT | O_WRONLY);
    g_assert_cmpint(qio_channel_read(ioc, &byte, 1, &err), ==, -1);
    g_assert_nonnull(strstr(error_get_pretty(err), "file: cannot read '"));
    error_free(err);
    fixture_clear(&f);
}

static void test_absent(void)
{
    Fixture f;
    g_autofree char *expected = NULL;
    g_autofree char *created = NULL;
    g_autofree char *deep = NULL;

    fixture_init(&f);
    expected = g_strdup_printf("Could not open '%s': No such file or "
                               "directory", f.path);
    assert_refused(f.path, O_RDONLY, NULL, expected);
    deep = g_build_filename(f.path, "deeper", NULL);
    created = g_strdup_printf("Could not create '%s': No such file or "
                              "directory", deep);
    assert_refused(deep, O_CREAT | O_WRONLY, NULL, created);
    fixture_clear(&f);
}

static void test_directory(void)
{
    assert_refused("/tmp", O_RDONLY, NULL, "'/tmp' is neither a file nor a "
                   "block device");
}

static void test_character_device(void)
{
    assert_refused("/dev/null", O_WRONLY, NULL, "'/dev/null' is neither a file "
                   "nor a block device");
}

/* Without a word, and without waiting for who might open the other end. */
static void test_fifo(void)
{
    Fixture f;
    g_autofree char *no_file = NULL;
    g_autofree char *no_reader = NULL;

    fixture_init(&f);
    g_assert_cmpint(mkfifo(f.path, 0600), ==, 0);
    no_file = g_strdup_printf("'%s' is neither a file nor a block device",
                              f.path);
    assert_refused(f.path, O_RDONLY, NULL, no_file);
    no_reader = g_strdup_printf("Could not open '%s': No such device or "
                                "address", f.path);
    assert_refused(f.path, O_WRONLY, NULL, no_reader);
    fixture_clear(&f);
}

static void test_socket_descriptor(void)
{
    QIOChannel *a, *b;
    Error *err = NULL;

    g_assert_true(qio_channel_socket_pair(&a, &b, NULL));
    g_assert_false(qio_channel_is_file(a));
    g_assert_null(qio_channel_file_new_fd(qio_channel_get_fd(a), &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "is neither a file nor a "
                            "block device"));
    error_free(err);
    qio_channel_unref(a);
    qio_channel_unref(b);
}

/* A descriptor of a set; its flags and those of others stay as they are. */
static void test_fdset(void)
{
    g_autoptr(FdStore) fds = fd_store_new();
    g_autofree char *path = NULL;
    Fixture f;
    int64_t id;
    int fd;

    fixture_init(&f);
    fd = open(f.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    id = fd_store_add_to_set(fds, -1, fd, NULL);
    path = g_strdup_printf("/dev/fdset/%" PRId64, id);
    {
        g_autoptr(QIOChannel) ioc = qio_channel_file_open(
            path, O_CREAT | O_WRONLY, 0600, fds, NULL);

        g_assert_true(qio_channel_is_file(ioc));
        g_assert_true(qio_channel_write_all(ioc, "set", 3, NULL));
        g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, ==, 0);
    }
    assert_content(&f, "set");
    fixture_clear(&f);
}

static void test_fdset_that_appends(void)
{
    g_autoptr(FdStore) fds = fd_store_new();
    Fixture f;

    fixture_init(&f);
    fd_store_add_to_set(fds, 7, open(f.path, O_CREAT | O_WRONLY | O_APPEND |
                                     O_CLOEXEC, 0600), NULL);
    assert_refused("/dev/fdset/7", O_WRONLY, fds, "'/dev/fdset/7' was opened "
                   "with O_APPEND, which has no offsets");
    fixture_clear(&f);
}

static void test_no_fdset(void)
{
    Error *err = NULL;

    g_assert_null(qio_channel_file_open("/dev/fdset/9", O_WRONLY, 0, NULL,
                                        &err));
    g_assert_nonnull(err);
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel-file/write-and-read", test_write_and_read);
    g_test_add_func("/channel-file/is-its-owners-alone", test_mode);
    g_test_add_func("/channel-file/two-channels-of-one-file",
                    test_two_channels_of_one_file);
    g_test_add_func("/channel-file/truncate-keeps-the-front",
                    test_truncate_keeps_the_front);
    g_test_add_func("/channel-file/descriptor-keeps-its-place",
                    test_descriptor_keeps_its_place);
    g_test_add_func("/channel-file/descriptor-that-appends",
                    test_descriptor_that_appends);
    g_test_add_func("/channel-file/shutdown", test_shutdown);
    g_test_add_func("/channel-file/watch", test_watch);
    g_test_add_func("/channel-file/fdset", test_fdset);
    g_test_add_func("/channel-file/bad/offset-out-of-range",
                    test_offset_out_of_range);
    g_test_add_func("/channel-file/bad/full-disk", test_full_disk);
    g_test_add_func("/channel-file/bad/wrong-direction", test_wrong_direction);
    g_test_add_func("/channel-file/bad/absent", test_absent);
    g_test_add_func("/channel-file/bad/directory", test_directory);
    g_test_add_func("/channel-file/bad/character-device",
                    test_character_device);
    g_test_add_func("/channel-file/bad/fifo", test_fifo);
    g_test_add_func("/channel-file/bad/socket", test_socket_descriptor);
    g_test_add_func("/channel-file/bad/fdset-that-appends",
                    test_fdset_that_appends);
    g_test_add_func("/channel-file/bad/no-fdset", test_no_fdset);
    return g_test_run();
}
