/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors from outside: names, numbers, sets, and that none is left open.
 */
#include "qemu/osdep.h"
#include <sys/stat.h>
#include "io/fd-store.h"
#include "qapi/error.h"

/* Far above what a test has open. */
#define NOT_OPEN 1000000

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static bool is_cloexec(int fd)
{
    return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static int new_fd(int flags)
{
    int fd = open("/dev/null", flags | O_CLOEXEC);

    g_assert_cmpint(fd, >, STDERR_FILENO);
    return fd;
}

/* One that looks as if the process had been started with it. */
static int new_inherited(void)
{
    int fd = open("/dev/null", O_RDWR);

    g_assert_cmpint(fd, >, STDERR_FILENO);
    return fd;
}

static bool is_same_file(int a, int b)
{
    struct stat x, y;

    g_assert_cmpint(fstat(a, &x), ==, 0);
    g_assert_cmpint(fstat(b, &y), ==, 0);
    return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void assert_error(Error **err, const char *text)
{
    g_assert_nonnull(*err);
    g_assert_cmpstr(error_get_pretty(*err), ==, text);
    error_free(*err);
    *err = NULL;
}

static void test_a_name_is_taken_once(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int fd = new_fd(O_RDWR);
    Error *err = NULL;

    g_assert_true(fd_store_add(store, "peer", fd, NULL));
    g_assert_cmpint(fd_store_take(store, "peer", NULL), ==, fd);
    g_assert_true(is_open(fd));
    g_assert_cmpint(fd_store_take(store, "peer", &err), ==, -1);
    assert_error(&err, "File descriptor named 'peer' has not been found");
    close(fd);
}

static void test_names_tell_descriptors_apart(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int a = new_fd(O_RDWR);
    int b = new_fd(O_RDWR);

    fd_store_add(store, "a", a, NULL);
    fd_store_add(store, "b", b, NULL);
    g_assert_cmpint(fd_store_take(store, "b", NULL), ==, b);
    g_assert_cmpint(fd_store_take(store, "a", NULL), ==, a);
    close(a);
    close(b);
}

static void test_a_second_one_replaces_the_first(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int a = new_fd(O_RDWR);
    int b = new_fd(O_RDWR);

    fd_store_add(store, "x", a, NULL);
    fd_store_add(store, "x", b, NULL);
    g_assert_false(is_open(a));
    g_assert_cmpint(fd_store_take(store, "x", NULL), ==, b);
    close(b);
}

static void test_a_name_with_a_digit_in_front(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int fd = new_fd(O_RDWR);
    Error *err = NULL;

    g_assert_false(fd_store_add(store, "7up", fd, &err));
    assert_error(&err, "Parameter 'fdname' expects a name not starting with a"
                 " digit");
    g_assert_false(is_open(fd));
}

static void test_close(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int fd = new_fd(O_RDWR);
    Error *err = NULL;

    fd_store_add(store, "x", fd, NULL);
    g_assert_true(fd_store_close(store, "x", NULL));
    g_assert_false(is_open(fd));
    g_assert_false(fd_store_close(store, "x", &err));
    assert_error(&err, "File descriptor named 'x' not found");
}

static void test_the_end_closes_everything(void)
{
    FdStore *store = fd_store_new();
    int named = new_fd(O_RDWR);
    int in_set = new_fd(O_RDWR);

    fd_store_add(store, "x", named, NULL);
    fd_store_add_to_set(store, 3, in_set, "note");
    fd_store_free(store);
    g_assert_false(is_open(named));
    g_assert_false(is_open(in_set));
    fd_store_free(NULL);
}

static void test_an_inherited_number_once(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int fd = new_inherited();
    g_autofree char *number = g_strdup_printf("%d", fd);
    g_autofree char *text = NULL;
    Error *err = NULL;

    g_assert_cmpint(fd_store_take(store, number, NULL), ==, fd);
    g_assert_true(is_cloexec(fd));
    g_assert_cmpint(fd_store_take(store, number, &err), ==, -1);
    text = g_strdup_printf("File descriptor %d is not one that this process was"
                           " started with; hand it over with getfd and use its"
                           " name", fd);
    assert_error(&err, text);
    close(fd);
}

static void test_a_number_of_our_own(void)
{
    int fd = new_fd(O_RDWR);
    g_autofree char *number = g_strdup_printf("%d", fd);
    Error *err = NULL;

    g_assert_cmpint(fd_store_take(NULL, number, &err), ==, -1);
    g_assert_nonnull(strstr(error_get_pretty(err), "was started with"));
    error_free(err);
    g_assert_true(is_open(fd));
    close(fd);
}

static void test_a_number_that_is_not_open(void)
{
    g_autofree char *number = g_strdup_printf("%d", NOT_OPEN);
    Error *err = NULL;

    g_assert_cmpint(fd_store_take(NULL, number, &err), ==, -1);
    g_assert_nonnull(strstr(error_get_pretty(err), "1000000 is not one"));
    error_free(err);
}

static void test_no_number(void)
{
    Error *err = NULL;

    g_assert_cmpint(fd_store_take(NULL, "5x", &err), ==, -1);
    assert_error(&err, "Invalid file descriptor number '5x'");
    g_assert_cmpint(fd_store_take(NULL, "99999999999", &err), ==, -1);
    assert_error(&err, "Invalid file descriptor number '99999999999'");
}

static void test_standard_output_is_duplicated(void)
{
    int fd = fd_store_take(NULL, "1", NULL);

    g_assert_cmpint(fd, >, STDERR_FILENO);
    g_assert_true(is_cloexec(fd));
    g_assert_true(is_same_file(fd, STDOUT_FILENO));
    g_assert_false(is_cloexec(STDOUT_FILENO));
    close(fd);
}

static void test_a_number_of_a_set_is_duplicated(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int fd = new_fd(O_RDWR);
    g_autofree char *number = g_strdup_printf("%d", fd);
    int copy;

    fd_store_add_to_set(store, 0, fd, NULL);
    copy = fd_store_take(store, number, NULL);
    g_assert_cmpint(copy, !=, fd);
    g_assert_true(is_same_file(copy, fd));
    close(copy);
    g_assert_true(is_open(fd));
}

static void test_no_store_at_all(void)
{
    Error *err = NULL;

    g_assert_cmpint(fd_store_take(NULL, "peer", &err), ==, -1);
    assert_error(&err, "File descriptor named 'peer' has not been found");
    g_assert_cmpint(fd_store_open_set(NULL, 4, O_RDONLY, &err), ==, -1);
    assert_error(&err, "There is no /dev/fdset/4; make it with add-fd");
}

static void test_inherited_ones_for_the_command_line(void)
{
    int fd = new_inherited();
    int own = new_fd(O_RDWR);
    int copy = fd_store_dup_inherited(fd, NULL);
    Error *err = NULL;

    g_assert_cmpint(copy, >=, 0);
    g_assert_true(is_cloexec(copy));
    fd_store_close_inherited(fd);
    g_assert_false(is_open(fd));
    /* The same option twice. */
    fd_store_close_inherited(fd);
    fd_store_close_inherited(own);
    g_assert_true(is_open(own));
    g_assert_cmpint(fd_store_dup_inherited(own, &err), ==, -1);
    g_assert_nonnull(err);
    error_free(err);
    close(own);
    close(copy);
}

static void note(const FdStoreEntry *entry, void *opaque)
{
    g_string_append_printf(opaque, "%" PRId64 ":%d%s%s ", entry->fdset_id,
                           entry->fd, entry->opaque ? "=" : "",
                           entry->opaque ? entry->opaque : "");
}

static void assert_sets(FdStore *store, const char *text)
{
    g_autoptr(GString) all = g_string_new(NULL);

    fd_store_foreach(store, note, all);
    g_assert_cmpstr(all->str, ==, text);
}

static void test_sets_have_the_lowest_number(void)
{
    g_autoptr(FdStore) store = fd_store_new();

    g_assert_cmpint(fd_store_add_to_set(store, -1, new_fd(O_RDWR), NULL),
                    ==, 0);
    g_assert_cmpint(fd_store_add_to_set(store, 2, new_fd(O_RDWR), NULL),
                    ==, 2);
    g_assert_cmpint(fd_store_add_to_set(store, -1, new_fd(O_RDWR), NULL),
                    ==, 1);
    g_assert_cmpint(fd_store_add_to_set(store, -1, new_fd(O_RDWR), NULL),
                    ==, 3);
}

static void test_sets_in_order(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int a = new_fd(O_RDWR);
    int b = new_fd(O_RDWR);
    int c = new_fd(O_RDWR);
    g_autofree char *text = g_strdup_printf("5:%d=first 5:%d=last 1:%d ", a, b,
                                            c);

    fd_store_add_to_set(store, 5, a, "first");
    fd_store_add_to_set(store, 5, b, "last");
    fd_store_add_to_set(store, 1, c, NULL);
    assert_sets(store, text);
}

static void test_remove_one(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int a = new_fd(O_RDWR);
    int b = new_fd(O_RDWR);
    g_autofree char *text = g_strdup_printf("1:%d ", b);

    fd_store_add_to_set(store, 1, a, NULL);
    fd_store_add_to_set(store, 1, b, NULL);
    g_assert_true(fd_store_remove_from_set(store, 1, a, NULL));
    g_assert_false(is_open(a));
    assert_sets(store, text);
}

static void test_remove_all(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int a = new_fd(O_RDWR);
    int b = new_fd(O_RDWR);
    int c = new_fd(O_RDWR);
    g_autofree char *text = g_strdup_printf("2:%d ", c);

    fd_store_add_to_set(store, 1, a, NULL);
    fd_store_add_to_set(store, 1, b, NULL);
    fd_store_add_to_set(store, 2, c, NULL);
    g_assert_true(fd_store_remove_from_set(store, 1, -1, NULL));
    g_assert_false(is_open(a));
    g_assert_false(is_open(b));
    assert_sets(store, text);
}

static void test_remove_what_is_not_there(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int a = new_fd(O_RDWR);
    Error *err = NULL;

    fd_store_add_to_set(store, 1, a, NULL);
    g_assert_false(fd_store_remove_from_set(store, 2, -1, &err));
    assert_error(&err, "File descriptor named 'fdset-id:2' not found");
    g_assert_false(fd_store_remove_from_set(store, 2, a, &err));
    g_assert_nonnull(err);
    error_free(err);
    err = NULL;
    g_assert_false(fd_store_remove_from_set(store, 1, NOT_OPEN, &err));
    assert_error(&err, "File descriptor named 'fdset-id:1, fd:1000000' not"
                 " found");
    g_assert_true(is_open(a));
}

static void assert_opens(FdStore *store, int flags)
{
    int fd = fd_store_open_set(store, 1, flags, NULL);

    g_assert_cmpint(fd, >=, 0);
    g_assert_true(is_cloexec(fd));
    g_assert_cmphex(fcntl(fd, F_GETFL) & (O_ACCMODE | O_DIRECT), ==,
                    flags & (O_ACCMODE | O_DIRECT));
    close(fd);
}

static void test_open_by_access_mode(void)
{
    g_autoptr(FdStore) store = fd_store_new();

    fd_store_add_to_set(store, 1, new_fd(O_RDWR), NULL);
    fd_store_add_to_set(store, 1, new_fd(O_WRONLY), NULL);
    fd_store_add_to_set(store, 1, new_fd(O_RDONLY), NULL);
    /* Of another set: never. */
    fd_store_add_to_set(store, 0, new_fd(O_RDONLY), NULL);
    assert_opens(store, O_RDWR);
    assert_opens(store, O_WRONLY | O_CREAT | O_TRUNC);
    assert_opens(store, O_RDONLY);
}

static void test_reading_and_writing_is_a_mode_of_its_own(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    Error *err = NULL;

    fd_store_add_to_set(store, 1, new_fd(O_RDWR), NULL);
    g_assert_cmpint(fd_store_open_set(store, 1, O_WRONLY, &err), ==, -1);
    assert_error(&err, "No file descriptor in /dev/fdset/1 is open for writing"
                 " only and without O_DIRECT; add one with add-fd");
    g_assert_cmpint(fd_store_open_set(store, 1, O_RDONLY | O_DIRECT, &err),
                    ==, -1);
    assert_error(&err, "No file descriptor in /dev/fdset/1 is open for reading"
                 " only and with O_DIRECT; add one with add-fd");
}

/* Not every file system of a test host has O_DIRECT; memory files never do. */
static int open_direct(char **path)
{
    int fd = g_file_open_tmp("wherry-XXXXXX", path, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    fd = open(*path, O_WRONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0) {
        unlink(*path);
    }
    return fd;
}

static void test_open_with_o_direct(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    g_autofree char *path = NULL;
    int direct = open_direct(&path);

    if (direct < 0) {
        g_test_skip("the file system of temporary files has no O_DIRECT");
        return;
    }
    fd_store_add_to_set(store, 1, direct, NULL);
    fd_store_add_to_set(store, 1, open(path, O_WRONLY | O_CLOEXEC), NULL);
    assert_opens(store, O_WRONLY | O_DIRECT);
    assert_opens(store, O_WRONLY);
    unlink(path);
}

static void test_a_duplicate_outlives_the_set(void)
{
    g_autoptr(FdStore) store = fd_store_new();
    int fd;

    fd_store_add_to_set(store, 1, new_fd(O_RDONLY), NULL);
    fd = fd_store_open_set(store, 1, O_RDONLY, NULL);
    fd_store_remove_from_set(store, 1, -1, NULL);
    g_assert_true(is_open(fd));
    close(fd);
}

static void test_file_names_of_sets(void)
{
    static const char *const bad[] = {
        "/dev/fdset/", "/dev/fdset/x", "/dev/fdset/-1", "/dev/fdset/1x",
        "/dev/fdset/99999999999999999999", "/dev/fdset/ 1",
    };
    int64_t id = -7;
    Error *err = NULL;

    g_assert_cmpint(fd_store_parse_set("/tmp/x", &id, NULL), ==, 0);
    g_assert_cmpint(fd_store_parse_set("dev/fdset/1", &id, NULL),
                    ==, 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_cmpint(fd_store_parse_set(bad[i], &id, &err), ==, -1);
        g_assert_nonnull(strstr(error_get_pretty(err), bad[i]));
        error_free(err);
        err = NULL;
    }
    g_assert_cmpint(id, ==, -7);
    g_assert_cmpint(fd_store_parse_set("/dev/fdset/12", &id, NULL),
                    ==, 1);
    g_assert_cmpint(id, ==, 12);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fd-store/name/taken-once", test_a_name_is_taken_once);
    g_test_add_func("/fd-store/name/several",
                    test_names_tell_descriptors_apart);
    g_test_add_func("/fd-store/name/replaced",
                    test_a_second_one_replaces_the_first);
    g_test_add_func("/fd-store/name/digit", test_a_name_with_a_digit_in_front);
    g_test_add_func("/fd-store/name/close", test_close);
    g_test_add_func("/fd-store/end-closes-everything",
                    test_the_end_closes_everything);
    g_test_add_func("/fd-store/number/inherited-once",
                    test_an_inherited_number_once);
    g_test_add_func("/fd-store/number/own", test_a_number_of_our_own);
    g_test_add_func("/fd-store/number/not-open",
                    test_a_number_that_is_not_open);
    g_test_add_func("/fd-store/number/malformed", test_no_number);
    g_test_add_func("/fd-store/number/standard-output",
                    test_standard_output_is_duplicated);
    g_test_add_func("/fd-store/number/of-a-set",
                    test_a_number_of_a_set_is_duplicated);
    g_test_add_func("/fd-store/none", test_no_store_at_all);
    g_test_add_func("/fd-store/inherited",
                    test_inherited_ones_for_the_command_line);
    g_test_add_func("/fd-store/set/lowest-number",
                    test_sets_have_the_lowest_number);
    g_test_add_func("/fd-store/set/order", test_sets_in_order);
    g_test_add_func("/fd-store/set/remove-one", test_remove_one);
    g_test_add_func("/fd-store/set/remove-all", test_remove_all);
    g_test_add_func("/fd-store/set/remove-missing",
                    test_remove_what_is_not_there);
    g_test_add_func("/fd-store/set/access-mode", test_open_by_access_mode);
    g_test_add_func("/fd-store/set/read-write",
                    test_reading_and_writing_is_a_mode_of_its_own);
    g_test_add_func("/fd-store/set/o-direct", test_open_with_o_direct);
    g_test_add_func("/fd-store/set/duplicate-stays",
                    test_a_duplicate_outlives_the_set);
    g_test_add_func("/fd-store/set/file-names", test_file_names_of_sets);
    return g_test_run();
}
