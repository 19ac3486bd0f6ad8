/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory backends on files: what a file may look like, what becomes of it, and
 * what is refused.
 */
#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include "backend-fixture.h"
#include "qapi/error.h"
#include "qemu/cutils.h"

static void test_file_is_made(void)
{
    BackendDir d;
    ObjectOptions options;
    HostMemoryBackend *backend;
    g_autofree char *content = NULL;
    size_t len;

    backend_dir_init(&d);
    options = backend_options_file(d.path, BACKEND_SIZE, true);
    backend = backend_make(&options);
    g_assert_true(backend->share);
    memset(backend->host, 'x', BACKEND_SIZE);
    host_memory_backend_unref(backend);
    g_assert_true(g_file_get_contents(d.path, &content, &len, NULL));
    g_assert_cmpuint(len, ==, BACKEND_SIZE);
    g_assert_cmpint(content[BACKEND_SIZE - 1], ==, 'x');
    backend_dir_clear(&d);
}

static void test_file_is_private_by_default(void)
{
    BackendDir d;
    ObjectOptions options;
    HostMemoryBackend *backend;
    g_autofree char *content = NULL;
    size_t len;

    backend_dir_init(&d);
    options = backend_options_file(d.path, BACKEND_SIZE, false);
    options.u.memory_backend_file.has_share = false;
    backend = backend_make(&options);
    g_assert_false(backend->share);
    memset(backend->host, 'x', BACKEND_SIZE);
    host_memory_backend_unref(backend);
    g_assert_true(g_file_get_contents(d.path, &content, &len, NULL));
    g_assert_cmpuint(len, ==, BACKEND_SIZE);
    g_assert_true(buffer_is_zero(content, BACKEND_SIZE));
    backend_dir_clear(&d);
}

static void test_file_keeps_content(void)
{
    BackendDir d;
    ObjectOptions options;
    g_autofree char *old = g_strnfill(BACKEND_SIZE, 'o');
    HostMemoryBackend *backend;

    backend_dir_init(&d);
    g_assert_true(g_file_set_contents(d.path, old, BACKEND_SIZE, NULL));
    options = backend_options_file(d.path, BACKEND_SIZE, false);
    backend = backend_make(&options);
    g_assert_cmpmem(backend->host, BACKEND_SIZE, old, BACKEND_SIZE);
    host_memory_backend_unref(backend);
    backend_dir_clear(&d);
}

static void test_file_longer(void)
{
    BackendDir d;
    ObjectOptions options;
    g_autofree char *old = g_strnfill(2 * BACKEND_SIZE, 'o');
    HostMemoryBackend *backend;
    struct stat st;

    backend_dir_init(&d);
    g_assert_true(g_file_set_contents(d.path, old, 2 * BACKEND_SIZE, NULL));
    options = backend_options_file(d.path, BACKEND_SIZE, true);
    backend = backend_make(&options);
    g_assert_cmpuint(backend->size, ==, BACKEND_SIZE);
    host_memory_backend_unref(backend);
    g_assert_cmpint(g_stat(d.path, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 2 * BACKEND_SIZE);
    backend_dir_clear(&d);
}

static void test_file_shorter(void)
{
    BackendDir d;
    ObjectOptions options;
    g_autofree char *text = NULL;
    struct stat st;

    backend_dir_init(&d);
    g_assert_true(g_file_set_contents(d.path, "abc", 3, NULL));
    options = backend_options_file(d.path, BACKEND_SIZE, true);
    text = g_strdup_printf("memory backend 'm': '%s' has 3 bytes, too few for "
                           "the size of 65536", d.path);
    backend_assert_refused(&options, text);
    g_assert_cmpint(g_stat(d.path, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 3);
    backend_dir_clear(&d);
}

static void test_file_empty(void)
{
    BackendDir d;
    ObjectOptions options;
    g_autoptr(HostMemoryBackend) backend = NULL;

    backend_dir_init(&d);
    g_assert_true(g_file_set_contents(d.path, "", 0, NULL));
    options = backend_options_file(d.path, BACKEND_SIZE, true);
    backend = backend_make(&options);
    backend->host[BACKEND_SIZE - 1] = 'x';
    backend_dir_clear(&d);
}

static void test_file_made_in_vain_is_removed(void)
{
    BackendDir d;
    ObjectOptions options;

    backend_dir_init(&d);
    options = backend_options_file(d.path, BACKEND_SIZE + 1, true);
    backend_assert_refused(
        &options,
        "memory backend 'm': size 65537 is not a multiple "
        "of its page size, 4096 bytes");
    g_assert_false(g_file_test(d.path, G_FILE_TEST_EXISTS));
    backend_dir_clear(&d);
}

/* More than an address space has: a tmpfs makes such a file, nobody maps it. */
static void test_file_that_cannot_be_mapped(void)
{
    g_autofree char *dir = g_strdup("/dev/shm/wherry-test-XXXXXX");
    g_autofree char *path = NULL;
    ObjectOptions options;
    Error *err = NULL;

    if (!g_mkdtemp(dir)) {
        g_test_skip("this host has no /dev/shm to write to");
        return;
    }
    path = g_build_filename(dir, "ram", NULL);
    options = backend_options_file(path, UINT64_C(1) << 57, true);
    g_assert_null(host_memory_backend_new(&options, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "memory backend 'm': cannot map "
                    "144115188075855872 bytes: Cannot allocate memory");
    error_free(err);
    /* Fails when the file was left behind. */
    g_assert_cmpint(g_rmdir(dir), ==, 0);
}

static void test_directory(void)
{
    BackendDir d;
    ObjectOptions options;
    HostMemoryBackend *backend;

    backend_dir_init(&d);
    options = backend_options_file(d.dir, BACKEND_SIZE, true);
    backend = backend_make(&options);
    memset(backend->host, 'x', BACKEND_SIZE);
    /* The file has no name: the directory can go. */
    backend_dir_clear(&d);
    host_memory_backend_unref(backend);
}

static void test_missing_directory(void)
{
    ObjectOptions options = backend_options_file("/nonexistent/ram",
                                                 BACKEND_SIZE, true);

    backend_assert_refused(
        &options,
        "memory backend 'm': cannot open "
        "'/nonexistent/ram': No such file or directory");
}

static void test_special_file(void)
{
    ObjectOptions options = backend_options_file("/dev/zero", BACKEND_SIZE,
                                                 false);

    backend_assert_refused(
        &options,
        "memory backend 'm': '/dev/zero' is neither a "
        "regular file nor a directory");
}

/* On a hugetlbfs, if one is mounted where distributions mount it. */
static void test_hugetlbfs_file(void)
{
    ObjectOptions options = backend_options_file("/dev/hugepages",
                                                 BACKEND_SIZE, true);
    struct statfs fs;
    Error *err = NULL;

    if (statfs("/dev/hugepages", &fs) < 0 || fs.f_type != HUGETLBFS_MAGIC ||
        access("/dev/hugepages", W_OK) < 0) {
        g_test_skip("no hugetlbfs to write to at /dev/hugepages");
        return;
    }
    g_assert_null(host_memory_backend_new(&options, &err));
    g_assert_nonnull(strstr(error_get_pretty(err),
                            "is not a multiple of its page size"));
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/backend-file/is-made", test_file_is_made);
    g_test_add_func("/backend-file/is-private-by-default",
                    test_file_is_private_by_default);
    g_test_add_func("/backend-file/keeps-content", test_file_keeps_content);
    g_test_add_func("/backend-file/longer-keeps-its-rest", test_file_longer);
    g_test_add_func("/backend-file/shorter-is-refused", test_file_shorter);
    g_test_add_func("/backend-file/empty-gets-the-size", test_file_empty);
    g_test_add_func("/backend-file/made-in-vain-is-removed",
                    test_file_made_in_vain_is_removed);
    g_test_add_func("/backend-file/that-cannot-be-mapped-is-removed",
                    test_file_that_cannot_be_mapped);
    g_test_add_func("/backend-file/in-a-directory", test_directory);
    g_test_add_func("/backend-file/missing-directory", test_missing_directory);
    g_test_add_func("/backend-file/special-file", test_special_file);
    g_test_add_func("/backend-file/on-hugetlbfs", test_hugetlbfs_file);
    return g_test_run();
}
