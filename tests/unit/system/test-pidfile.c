/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PID file: written, locked, taken over from the dead, removed.
 */
#include "qemu/osdep.h"

#include <glib/gstdio.h>
#include <sys/wait.h>

#include "qapi/error.h"
#include "system/pidfile.h"

typedef struct Fixture {
    char *dir;
    char *path;
} Fixture;

static void fixture_init(Fixture *f)
{
    f->dir = g_dir_make_tmp("wherry-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "pid", NULL);
}

static void fixture_clear(Fixture *f)
{
    g_assert_false(g_file_test(f->path, G_FILE_TEST_EXISTS));
    g_rmdir(f->dir);
    g_free(f->path);
    g_free(f->dir);
}

static void expect_own_pid(Fixture *f)
{
    g_autofree char *expected = g_strdup_printf("%ld\n", (long)getpid());
    g_autofree char *content = NULL;

    g_assert_true(g_file_get_contents(f->path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, expected);
}

static void test_content(void)
{
    PidFile *pidfile;
    Fixture f;

    fixture_init(&f);
    pidfile = pidfile_new(f.path, NULL);
    g_assert_nonnull(pidfile);
    expect_own_pid(&f);
    pidfile_free(pidfile);
    fixture_clear(&f);
}

static void test_left_over(void)
{
    PidFile *pidfile;
    Fixture f;

    fixture_init(&f);
    g_assert_true(g_file_set_contents(f.path, "123456789012\n", -1, NULL));
    pidfile = pidfile_new(f.path, NULL);
    g_assert_nonnull(pidfile);
    expect_own_pid(&f);
    pidfile_free(pidfile);
    fixture_clear(&f);
}

/* A lock is per process, so another one has to try. */
static void test_taken(void)
{
    PidFile *pidfile;
    Fixture f;
    int status;
    pid_t pid;

    fixture_init(&f);
    pidfile = pidfile_new(f.path, NULL);
    pid = fork();
    g_assert_cmpint(pid, >=, 0);
    if (pid == 0) {
        Error *err = NULL;
        bool ok = !pidfile_new(f.path, &err) && err &&
                  strstr(error_get_pretty(err), "alive");

        _exit(ok ? 0 : 1);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
    expect_own_pid(&f);
    pidfile_free(pidfile);
    fixture_clear(&f);
}

static void test_no_folder(void)
{
    g_autoptr(Error) err = NULL;

    g_assert_null(pidfile_new("/no/such/folder/pid", &err));
    g_assert_nonnull(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pidfile/content", test_content);
    g_test_add_func("/pidfile/left over", test_left_over);
    g_test_add_func("/pidfile/taken", test_taken);
    g_test_add_func("/pidfile/no folder", test_no_folder);
    return g_test_run();
}
