/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of how queues are written in accel-path, and of what is said of those
 * that cannot mean anything.
 */
#include "qemu/osdep.h"

#include "qemu/dsa.h"
#include "util/dsa-path.h"

static DsaPath *parse(const char *path)
{
    Error *err = NULL;
    DsaPath *p = dsa_path_parse(path, &err);

    g_assert_null(err);
    g_assert_nonnull(p);
    g_assert_true(dsa_path_check(path, &err));
    g_assert_null(err);
    return p;
}

static void test_a_device(void)
{
    g_autoptr(DsaPath) p = parse("dsa:/dev/dsa/wq12.345");

    g_assert_cmpint(p->kind, ==, DSA_PATH_DEVICE);
    g_assert_cmpstr(p->device, ==, "/dev/dsa/wq12.345");
    g_assert_cmpstr(p->queue, ==, "wq12.345");
}

static void test_a_device_elsewhere(void)
{
    g_autoptr(DsaPath) p = parse("dsa:/run/box/dsa/wq0.1");

    g_assert_cmpint(p->kind, ==, DSA_PATH_DEVICE);
    g_assert_cmpstr(p->device, ==, "/run/box/dsa/wq0.1");
    g_assert_cmpstr(p->queue, ==, "wq0.1");
}

static void test_all_devices(void)
{
    g_autoptr(DsaPath) p = parse("dsa:auto");

    g_assert_cmpint(p->kind, ==, DSA_PATH_AUTO);
    g_assert_cmpint(p->node, ==, -1);
}

static void test_devices_of_a_node(void)
{
    g_autoptr(DsaPath) first = parse("dsa:auto?node=0");
    g_autoptr(DsaPath) last = parse("dsa:auto?node=1023");

    g_assert_cmpint(first->kind, ==, DSA_PATH_AUTO);
    g_assert_cmpint(first->node, ==, 0);
    g_assert_cmpint(last->node, ==, 1023);
}

static void test_software(void)
{
    g_autoptr(DsaPath) bare = parse("dsa:soft");
    g_autoptr(DsaPath) full = parse("dsa:soft?mode=dedicated,size=4");

    g_assert_cmpint(bare->kind, ==, DSA_PATH_SOFT);
    g_assert_cmpstr(bare->options, ==, "");
    g_assert_cmpint(full->kind, ==, DSA_PATH_SOFT);
    g_assert_cmpstr(full->options, ==, "mode=dedicated,size=4");
}

static void test_free_of_nothing(void)
{
    dsa_path_free(NULL);
}

typedef struct Refusal {
    const char *name;
    const char *path;
    const char *what;           /* stands in the sentence besides the path */
} Refusal;

static const Refusal refusals[] = {
    { "nothing", "", "dsa:auto" },
    { "no-accelerator", "/dev/dsa/wq0.0", "dsa:/dev/dsa/wqX.Y" },
    { "another-accelerator", "qat:/dev/qat0", "dsa:/dev/dsa/wqX.Y" },
    { "nothing-behind-the-colon", "dsa:", "dsa:soft" },
    { "a-relative-path", "dsa:wq0.0", "dsa:/dev/dsa/wqX.Y" },
    { "a-word-that-is-none", "dsa:hard", "dsa:auto" },
    { "a-word-in-capitals", "dsa:AUTO", "dsa:auto" },
    { "a-file-that-is-no-queue", "dsa:/dev/null", "null" },
    { "a-device-without-queue", "dsa:/dev/dsa/wq0", "wq0" },
    { "a-queue-without-device", "dsa:/dev/dsa/wq.0", "wq.0" },
    { "a-queue-with-a-tail", "dsa:/dev/dsa/wq0.0x", "wq0.0x" },
    { "a-queue-with-options", "dsa:/dev/dsa/wq0.0?node=1", "wq0.0?node=1" },
    { "a-queue-that-is-a-folder", "dsa:/dev/dsa/wq0.0/", "wq0.0" },
    { "a-folder", "dsa:/dev/dsa/", "dsa" },
    { "the-root", "dsa:/", "queue" },
    { "an-unknown-option-of-auto", "dsa:auto?numa=1", "node=N" },
    { "an-empty-option-of-auto", "dsa:auto?", "node=N" },
    { "a-node-that-is-not-given", "dsa:auto?node=", "0 to 1023" },
    { "a-node-that-is-no-number", "dsa:auto?node=one", "0 to 1023" },
    { "a-node-with-a-tail", "dsa:auto?node=1,node=2", "0 to 1023" },
    { "a-negative-node", "dsa:auto?node=-1", "0 to 1023" },
    { "a-node-too-high", "dsa:auto?node=1024", "0 to 1023" },
    { "a-node-beyond-numbers", "dsa:auto?node=99999999999", "0 to 1023" },
    { "an-unknown-option-of-soft", "dsa:soft?color=blue", "color" },
    { "an-option-of-soft-without-value", "dsa:soft?size", "size" },
    { "a-wrong-value-of-soft", "dsa:soft?mode=both", "shared|dedicated" },
    { "a-number-too-large-of-soft", "dsa:soft?size=4096", "1..1024" },
};

static void test_refusal(gconstpointer opaque)
{
    const Refusal *r = opaque;
    Error *err = NULL;
    const char *text;

    g_assert_null(dsa_path_parse(r->path, &err));
    g_assert_nonnull(err);
    text = error_get_pretty(err);
    g_test_message("%s", text);
    g_assert_nonnull(strstr(text, "accel-path"));
    g_assert_nonnull(strstr(text, r->path));
    g_assert_nonnull(strstr(text, r->what));
    g_assert_null(strchr(text, '\n'));
    error_free(err);
    g_assert_false(dsa_path_check(r->path, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsa-path/a-device-has-a-name", test_a_device);
    g_test_add_func("/dsa-path/a-device-may-be-elsewhere",
                    test_a_device_elsewhere);
    g_test_add_func("/dsa-path/all-devices-have-a-word", test_all_devices);
    g_test_add_func("/dsa-path/a-node-may-be-wanted", test_devices_of_a_node);
    g_test_add_func("/dsa-path/software-has-options", test_software);
    g_test_add_func("/dsa-path/free-takes-nothing", test_free_of_nothing);
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        g_autofree char *path = g_strconcat("/dsa-path/refuses/",
                                            refusals[i].name, NULL);

        g_test_add_data_func(path, &refusals[i], test_refusal);
    }
    return g_test_run();
}
