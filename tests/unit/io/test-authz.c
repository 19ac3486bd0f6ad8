/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may connect: single identities, lists of rules, lists in files.
 */
#include "qemu/osdep.h"
#include <sys/stat.h>
#include "io/authz.h"
#include "qapi/error.h"
#include "qapi/json-visitor.h"
#include "qapi/qapi-visit-qom.h"

static ObjectOptions *options_from(const char *text)
{
    ObjectOptions *options = NULL;
    g_autoptr(Visitor) v = json_input_visitor_new_str(text, "qom-type", NULL);

    g_assert_true(visit_type_ObjectOptions(v, NULL, &options, NULL));
    return options;
}

static AuthZ *authz_from(const char *text)
{
    g_autoptr(ObjectOptions) options = options_from(text);
    AuthZ *authz = authz_new(options, NULL);

    g_assert_nonnull(authz);
    return authz;
}

static void assert_allowed(AuthZ *authz, const char *identity, bool allowed)
{
    Error *err = NULL;

    g_assert_cmpint(authz_is_allowed(authz, identity, &err), ==, allowed);
    g_assert_cmpint(err == NULL, ==, allowed);
    error_free(err);
}

static void test_one_identity(void)
{
    g_autoptr(AuthZ) authz = authz_from("authz-simple,id=a,identity=CN=me");
    Error *err = NULL;

    assert_allowed(authz, "CN=me", true);
    assert_allowed(authz, "CN=me2", false);
    assert_allowed(authz, "", false);
    g_assert_false(authz_is_allowed(authz, "CN=you", &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "object 'a' does not let 'CN=you' in");
    error_free(err);
}

static void test_first_rule_decides(void)
{
    g_autoptr(AuthZ) authz = authz_from(
        "authz-list,id=a,rules.0.match=CN=bad,rules.0.policy=deny,"
        "rules.1.match=CN=*,rules.1.policy=allow,rules.1.format=glob,"
        "rules.2.match=CN=x,rules.2.policy=deny");

    assert_allowed(authz, "CN=bad", false);
    assert_allowed(authz, "CN=x", true);
    assert_allowed(authz, "O=x", false);
}

static void test_exact_is_no_glob(void)
{
    g_autoptr(AuthZ) authz = authz_from(
        "authz-list,id=a,rules.0.match=CN=*,rules.0.policy=allow");

    assert_allowed(authz, "CN=*", true);
    assert_allowed(authz, "CN=x", false);
}

static void test_policy_for_the_rest(void)
{
    g_autoptr(AuthZ) all = authz_from("authz-list,id=a,policy=allow");
    g_autoptr(AuthZ) none = authz_from("authz-list,id=a");

    assert_allowed(all, "anybody", true);
    assert_allowed(none, "anybody", false);
}

typedef struct ListFile {
    char *dir;
    char *path;
    AuthZ *authz;
} ListFile;

static void list_write(ListFile *f, const char *text)
{
    g_assert_true(g_file_set_contents(f->path, text, -1, NULL));
}

static void list_setup(ListFile *f, const char *text, const char *more)
{
    g_autofree char *object = NULL;

    f->dir = g_dir_make_tmp("wherry-authz-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "list.json", NULL);
    list_write(f, text);
    object = g_strdup_printf("authz-list-file,id=a,filename=%s%s", f->path,
                             more);
    f->authz = authz_from(object);
}

static void list_clear(ListFile *f)
{
    authz_unref(f->authz);
    unlink(f->path);
    rmdir(f->dir);
    g_free(f->path);
    g_free(f->dir);
}

#define LIST_OF(name) \
    "{\"rules\": [{\"match\": \"" name "\", \"policy\": \"allow\"}]," \
    " \"policy\": \"deny\"}\n"

static void test_a_file_is_read_again(void)
{
    ListFile f;

    list_setup(&f, LIST_OF("one"), "");
    assert_allowed(f.authz, "one", true);
    assert_allowed(f.authz, "second", false);
    list_write(&f, LIST_OF("second"));
    assert_allowed(f.authz, "one", false);
    assert_allowed(f.authz, "second", true);
    list_clear(&f);
}

static void test_a_file_without_refresh(void)
{
    ListFile f;

    list_setup(&f, LIST_OF("one"), ",refresh=off");
    list_write(&f, LIST_OF("second"));
    assert_allowed(f.authz, "one", true);
    assert_allowed(f.authz, "second", false);
    list_clear(&f);
}

static void test_a_file_that_breaks_lets_nobody_in(void)
{
    ListFile f;
    Error *err = NULL;

    list_setup(&f, LIST_OF("one"), "");
    list_write(&f, "{\"rules\": 5}");
    g_assert_false(authz_is_allowed(f.authz, "one", &err));
    g_assert_nonnull(strstr(error_get_pretty(err), f.path));
    error_free(err);
    g_assert_cmpint(unlink(f.path), ==, 0);
    assert_allowed(f.authz, "one", false);
    list_write(&f, LIST_OF("one"));
    assert_allowed(f.authz, "one", true);
    list_clear(&f);
}

static void assert_file_refused(const char *text)
{
    g_autofree char *path = NULL;
    g_autofree char *object = NULL;
    g_autoptr(ObjectOptions) options = NULL;
    Error *err = NULL;
    int fd = g_file_open_tmp("wherry-authz-XXXXXX", &path, NULL);

    close(fd);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    object = g_strdup_printf("authz-list-file,id=a,filename=%s", path);
    options = options_from(object);
    g_assert_null(authz_new(options, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), path));
    error_free(err);
    unlink(path);
}

static void test_files_that_are_refused(void)
{
    assert_file_refused("");
    assert_file_refused("[]");
    assert_file_refused("policy=allow");
    assert_file_refused("{\"rules\": [{\"match\": \"a\"}]}");
    assert_file_refused("{\"ruels\": []}");
    assert_file_refused("{\"policy\": \"perhaps\"}");
}

static void test_a_file_that_is_not_there(void)
{
    g_autoptr(ObjectOptions) options = options_from(
        "authz-list-file,id=a,filename=/nowhere/list.json");
    Error *err = NULL;

    g_assert_null(authz_new(options, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "object 'a': cannot read '/nowhere/list.json': No such "
                    "file or directory");
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/authz/one-identity", test_one_identity);
    g_test_add_func("/authz/first-rule-decides", test_first_rule_decides);
    g_test_add_func("/authz/exact-is-no-glob", test_exact_is_no_glob);
    g_test_add_func("/authz/policy-for-the-rest", test_policy_for_the_rest);
    g_test_add_func("/authz/a-file-is-read-again", test_a_file_is_read_again);
    g_test_add_func("/authz/a-file-without-refresh",
                    test_a_file_without_refresh);
    g_test_add_func("/authz/a-file-that-breaks-lets-nobody-in",
                    test_a_file_that_breaks_lets_nobody_in);
    g_test_add_func("/authz/files-that-are-refused",
                    test_files_that_are_refused);
    g_test_add_func("/authz/a-file-that-is-not-there",
                    test_a_file_that_is_not_there);
    return g_test_run();
}
