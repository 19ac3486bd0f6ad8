/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the small text helpers: numbers, sizes, strings, key=value lists,
 * UUIDs.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/keyval.h"
#include "qemu/uuid.h"

static void check_size(const char *text, int err, uint64_t expected)
{
    uint64_t value = 12345;

    g_assert_cmpint(qemu_strtosz(text, NULL, &value), ==, err);
    g_assert_cmpuint(value, ==, err ? 12345 : expected);
}

static void test_sizes(void)
{
    check_size("0", 0, 0);
    check_size("4096", 0, 4096);
    check_size("1B", 0, 1);
    check_size("1k", 0, 1024);
    check_size("1.5M", 0, 1572864);
    check_size("0.5G", 0, 536870912);
    check_size("8E", 0, UINT64_C(8) << 60);
    check_size("0x1000", 0, 4096);
    check_size("18446744073709551615", 0, UINT64_MAX);
}

static void test_sizes_that_are_none(void)
{
    check_size("", -EINVAL, 0);
    check_size("x", -EINVAL, 0);
    check_size("-1", -EINVAL, 0);
    check_size("1.5", -EINVAL, 0);
    check_size("1.5B", -EINVAL, 0);
    check_size("1kk", -EINVAL, 0);
    check_size("0x10k", -EINVAL, 0);
    check_size("1 M", -EINVAL, 0);
}

static void test_sizes_that_do_not_fit(void)
{
    check_size("16E", -ERANGE, 0);
    check_size("18446744073709551616", -ERANGE, 0);
}

static void test_a_plain_number_means_mib(void)
{
    uint64_t value;

    g_assert_cmpint(qemu_strtosz_MiB("64", NULL, &value), ==, 0);
    g_assert_cmpuint(value, ==, 64 << 20);
    g_assert_cmpint(qemu_strtosz_MiB("0.5", NULL, &value), ==, 0);
    g_assert_cmpuint(value, ==, 1 << 19);
    g_assert_cmpint(qemu_strtosz_MiB("1G", NULL, &value), ==, 0);
    g_assert_cmpuint(value, ==, 1 << 30);
}

static void test_numbers_keep_their_range(void)
{
    int i = 7;
    unsigned u = 7;
    uint64_t u64 = 7;

    g_assert_cmpint(qemu_strtoi("2147483648", NULL, 0, &i), ==, -ERANGE);
    g_assert_cmpint(i, ==, 7);
    g_assert_cmpint(qemu_strtoi("-5", NULL, 0, &i), ==, 0);
    g_assert_cmpint(i, ==, -5);
    g_assert_cmpint(qemu_strtoui("4294967296", NULL, 0, &u), ==, -ERANGE);
    g_assert_cmpint(qemu_strtou64("-1", NULL, 0, &u64), ==, -ERANGE);
    g_assert_cmpint(qemu_strtou64("12x", NULL, 0, &u64), ==, -EINVAL);
    g_assert_cmpint(qemu_strtou64(NULL, NULL, 0, &u64), ==, -EINVAL);
    g_assert_cmpint(parse_uint_full("0x10", 0, &u64), ==, 0);
    g_assert_cmpuint(u64, ==, 16);
}

static void test_size_for_people(void)
{
    g_autofree char *small = size_to_str(512);
    g_autofree char *large = size_to_str(3 * (UINT64_C(1) << 29));

    g_assert_cmpstr(small, ==, "512 B");
    g_assert_cmpstr(large, ==, "1.5 GiB");
}

static void test_strings_are_cut(void)
{
    char buf[4] = "xxx";
    const char *rest = NULL;

    pstrcpy(buf, sizeof(buf), "abcdef");
    g_assert_cmpstr(buf, ==, "abc");
    g_assert_true(strstart("tcp:host", "tcp:", &rest));
    g_assert_cmpstr(rest, ==, "host");
    g_assert_false(strstart("tc", "tcp:", NULL));
}

static void test_keyval(void)
{
    Error *err = NULL;
    bool help = true;
    g_autoptr(KeyvalList) list =
        keyval_parse("memory-backend-ram,id=a,,b,size=1G,id=c", "qom-type",
                     &help, &err);

    g_assert_null(err);
    g_assert_false(help);
    g_assert_cmpuint(list->nr_pairs, ==, 4);
    g_assert_cmpstr(list->pairs[1].value, ==, "a,b");
    g_assert_cmpstr(keyval_get(list, "qom-type"), ==, "memory-backend-ram");
    g_assert_cmpstr(keyval_get(list, "id"), ==, "c");
    g_assert_null(keyval_get(list, "share"));
}

static void check_keyval_fails(const char *text, const char *part)
{
    g_autoptr(Error) err = NULL;

    g_assert_null(keyval_parse(text, "type", NULL, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
}

static void test_keyval_refuses(void)
{
    check_keyval_fails("a,b", "'b'");
    check_keyval_fails("a,=1", "''");
    check_keyval_fails("a,x..y=1", "'x..y'");
    check_keyval_fails("a,-x=1", "'-x'");
}

static void test_uuid(void)
{
    const char *text = "33e15c01-2340-4cd0-9ca5-1fa41e0ab6ba";
    g_autofree char *again = NULL;
    QemuUUID uuid;

    g_assert_cmpint(qemu_uuid_parse(text, &uuid), ==, 0);
    g_assert_cmphex(uuid.data[0], ==, 0x33);
    g_assert_cmphex(uuid.data[15], ==, 0xba);
    again = qemu_uuid_unparse_strdup(&uuid);
    g_assert_cmpstr(again, ==, text);
    g_assert_false(qemu_uuid_is_null(&uuid));
}

static void test_texts_that_are_no_uuid(void)
{
    QemuUUID uuid;

    g_assert_cmpint(qemu_uuid_parse("", &uuid), ==, -1);
    g_assert_cmpint(qemu_uuid_parse("33e15c01-2340-4cd0-9ca5-1fa41e0ab6b",
                                    &uuid), ==, -1);
    g_assert_cmpint(qemu_uuid_parse("33e15c01-2340-4cd0-9ca5-1fa41e0ab6ba0",
                                    &uuid), ==, -1);
    g_assert_cmpint(qemu_uuid_parse("33e15c01x2340-4cd0-9ca5-1fa41e0ab6ba",
                                    &uuid), ==, -1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cutils/sizes", test_sizes);
    g_test_add_func("/cutils/sizes-that-are-none", test_sizes_that_are_none);
    g_test_add_func("/cutils/sizes-that-do-not-fit",
                    test_sizes_that_do_not_fit);
    g_test_add_func("/cutils/a-plain-number-means-mib",
                    test_a_plain_number_means_mib);
    g_test_add_func("/cutils/numbers-keep-their-range",
                    test_numbers_keep_their_range);
    g_test_add_func("/cutils/size-for-people", test_size_for_people);
    g_test_add_func("/cutils/strings-are-cut", test_strings_are_cut);
    g_test_add_func("/keyval/pairs", test_keyval);
    g_test_add_func("/keyval/refuses", test_keyval_refuses);
    g_test_add_func("/uuid/text-and-back", test_uuid);
    g_test_add_func("/uuid/texts-that-are-none", test_texts_that_are_no_uuid);
    return g_test_run();
}
