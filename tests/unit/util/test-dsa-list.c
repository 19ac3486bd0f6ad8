/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of finding DSA queues: by name, all of them, and through
 * libaccel-config, which is made to look at a made-up tree.
 */
#include "qemu/osdep.h"

#include <glib/gstdio.h>
#include <sched.h>
#include <sys/mount.h>

#include "qapi/error.h"
#include "qemu/dsa-info.h"
#include "util/dsa-info-internal.h"
#include "dsa-tree.h"

/* Version 3.5 of libaccel-config loses some memory for each device it finds. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LEAKS_BEGIN() __lsan_disable()
#define LEAKS_END() __lsan_enable()
#else
#define LEAKS_BEGIN()
#define LEAKS_END()
#endif

static void assert_no_queue(const Tree *tree, const char *name,
                            const char *what)
{
    Error *err = NULL;

    g_assert_null(dsa_info_read(tree->root, name, &err));
    g_assert_nonnull(err);
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), what));
    error_free(err);
    g_assert_null(dsa_info_read(tree->root, name, NULL));
}

static void test_names_that_are_none(Tree *tree, gconstpointer data)
{
    static const char *const bad[] = {
        "", "wq", "wq0", "wq0.", "wq.0", "wq0.0/", "../devices/wq0.0",
        "wq0.0/../wq0.0", "wq0.+0", "wq 0.0", "wq0. 0", "wq-0.0",
        "wq0.0.0", "wq0.0x0", "dsa0", "WQ0.0", "wq0.0\n",
        "wq4294967296.0", "wq0.99999999999999999999",
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_no_queue(tree, bad[i], "is no name of a work queue");
    }
}

static void test_queue_that_is_not_there(Tree *tree, gconstpointer data)
{
    assert_no_queue(tree, "wq0.1", "bus/dsa/devices/wq0.1 does not exist");
}

static void test_queue_without_device(Tree *tree, gconstpointer data)
{
    tree_queue(tree, "dsa2", "wq2.0");
    assert_no_queue(tree, "wq2.0", "has no device");
}

static void test_queue_of_iaa(Tree *tree, gconstpointer data)
{
    tree_device(tree, "iax1");
    tree_queue(tree, "iax1", "wq1.0");
    assert_no_queue(tree, "wq1.0", "IAA");
}

static void test_no_driver(void)
{
    g_autofree char *root = g_dir_make_tmp("wherry-dsa-info-XXXXXX", NULL);
    const Tree tree = { root };
    Error *err = NULL;
    g_autoptr(GPtrArray) list = dsa_info_list(root, &err);

    g_assert_null(err);
    g_assert_cmpuint(list->len, ==, 0);
    assert_no_queue(&tree, "wq0.0", "modprobe idxd");
    g_assert_cmpint(g_rmdir(root), ==, 0);
}

static void test_driver_without_device(void)
{
    Tree tree;
    Error *err = NULL;
    g_autoptr(GPtrArray) list = NULL;

    tree_empty(&tree);
    list = dsa_info_list(tree.root, &err);
    g_assert_null(err);
    g_assert_cmpuint(list->len, ==, 0);
    tree_tear_down(&tree, NULL);
}

static void test_list_that_cannot_be_read(void)
{
    g_autofree char *root = g_dir_make_tmp("wherry-dsa-info-XXXXXX", NULL);
    g_autofree char *bus = g_build_filename(root, "bus", NULL);
    g_autofree char *dsa = g_build_filename(bus, "dsa", NULL);
    g_autofree char *file = g_build_filename(dsa, "devices", NULL);
    Error *err = NULL;

    g_assert_cmpint(g_mkdir_with_parents(dsa, 0700), ==, 0);
    g_assert_true(g_file_set_contents(file, "", 0, NULL));
    g_assert_null(dsa_info_list(root, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), file));
    error_free(err);
    g_assert_cmpint(g_remove(file), ==, 0);
    g_assert_cmpint(g_rmdir(dsa), ==, 0);
    g_assert_cmpint(g_rmdir(bus), ==, 0);
    g_assert_cmpint(g_rmdir(root), ==, 0);
}

static void test_list_is_sorted_and_dsa_only(Tree *tree, gconstpointer data)
{
    static const char *const wanted[] = {
        "wq0.0", "wq0.2", "wq0.10", "wq2.1", "wq10.0"
    };
    g_autoptr(GPtrArray) list = NULL;
    Error *err = NULL;

    tree_queue(tree, "dsa0", "wq0.10");
    tree_queue(tree, "dsa0", "wq0.2");
    tree_device(tree, "dsa10");
    tree_queue(tree, "dsa10", "wq10.0");
    tree_device(tree, "dsa2");
    tree_queue(tree, "dsa2", "wq2.1");
    tree_device(tree, "iax1");
    tree_queue(tree, "iax1", "wq1.0");
    tree_add(tree, "dsa0", "group0.0");
    tree_add(tree, "dsa0", "engine0.0");
    /* Unusable ones are listed, too. */
    tree_write(tree, "wq0.2/state", "disabled\n");

    list = dsa_info_list(tree->root, &err);
    g_assert_null(err);
    g_assert_cmpuint(list->len, ==, ARRAY_SIZE(wanted));
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        const DsaQueueInfo *info = list->pdata[i];

        g_assert_cmpstr(info->name, ==, wanted[i]);
    }
}


static void test_config_without_devices(void)
{
#ifdef CONFIG_ACCEL_CONFIG
    g_autoptr(GPtrArray) names = NULL;

    if (g_file_test("/sys/bus/dsa/devices", G_FILE_TEST_EXISTS)) {
        g_test_skip("this machine has the driver idxd");
        return;
    }
    names = dsa_config_names();
    g_assert_nonnull(names);
    g_assert_cmpuint(names->len, ==, 0);
#else
    g_assert_null(dsa_config_names());
#endif
}

/* The machine's own, whatever it has: nothing fails, names are in order. */
static void test_list_of_this_machine(void)
{
    Error *err = NULL;
    g_autoptr(GPtrArray) list = NULL;

    LEAKS_BEGIN();
    list = dsa_info_list("/sys", &err);
    LEAKS_END();
    g_assert_null(err);
    g_assert_nonnull(list);
    for (guint i = 0; i < list->len; i++) {
        const DsaQueueInfo *info = list->pdata[i];

        g_test_message("%s", info->name);
        g_assert_true(g_str_has_prefix(info->name, "wq"));
    }
}

#ifdef CONFIG_ACCEL_CONFIG
/* What libaccel-config wants to see besides, or it leaves a device out. */
static void tree_complete(const Tree *tree, const char *device,
                          const char *queue)
{
    static const char *const device_files[][2] = {
        { "cdev_major", "240" }, { "clients", "0" }, { "cmd_status", "0x0" },
        { "configurable", "1" }, { "errors", "0 0 0 0" },
        { "max_engines", "1" }, { "max_groups", "1" },
        { "max_read_buffers", "96" }, { "max_tokens", "96" },
        { "max_work_queues", "1" }, { "max_work_queues_size", "128" },
        { "read_buffer_limit", "0" }, { "token_limit", "0" },
    };
    static const char *const queue_files[][2] = {
        { "cdev_minor", "0" }, { "driver_name", "user" },
        { "enqcmds_retries", "32" }, { "group_id", "0" },
        { "occupancy", "0" }, { "priority", "10" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(device_files); i++) {
        g_autofree char *file = g_build_filename(device, device_files[i][0],
                                                 NULL);

        tree_write(tree, file, "%s\n", device_files[i][1]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(queue_files); i++) {
        g_autofree char *file = g_build_filename(queue, queue_files[i][0],
                                                 NULL);

        tree_write(tree, file, "%s\n", queue_files[i][1]);
    }
}

/* This thread's /sys, and nobody else's, becomes the tree. */
static bool tree_mount(const Tree *tree)
{
    if (unshare(CLONE_NEWNS) < 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(tree->root, "/sys", NULL, MS_BIND, NULL) < 0) {
        g_autofree char *why = g_strdup_printf(
            "cannot mount over /sys here: %s", g_strerror(errno));

        g_test_skip(why);
        return false;
    }
    return true;
}

static void test_config_of_a_made_up_tree(Tree *tree, gconstpointer data)
{
    g_autoptr(GPtrArray) names = NULL;
    g_autoptr(GPtrArray) list = NULL;
    const DsaQueueInfo *info;
    Error *err = NULL;

    tree_complete(tree, "dsa0", "wq0.0");
    /* A bitmap, which version 3.5 of the library cannot read. */
    tree_write(tree, "dsa0/op_cap", "%s\n", OP_CAP_WORDS);
    tree_device(tree, "iax1");
    tree_queue(tree, "iax1", "wq1.0");
    tree_complete(tree, "iax1", "wq1.0");
    if (!tree_mount(tree)) {
        return;
    }
    LEAKS_BEGIN();
    names = dsa_config_names();
    list = dsa_info_list("/sys", &err);
    LEAKS_END();
    umount2("/sys", MNT_DETACH);

    g_assert_nonnull(names);
    g_assert_cmpuint(names->len, ==, 1);
    g_assert_cmpstr(names->pdata[0], ==, "wq0.0");
    g_assert_null(err);
    g_assert_cmpuint(list->len, ==, 1);
    info = list->pdata[0];
    g_assert_cmpstr(info->sysfs_dir, ==, "/sys/bus/dsa/devices/wq0.0");
    g_assert_cmpuint(info->size, ==, 128);
    g_assert_true(info->opcodes_known);
    g_assert_true(dsa_info_check(info, 4096, NULL));
}

/* A device that lacks what the library wants is found nevertheless. */
static void test_config_that_sees_too_little(Tree *tree, gconstpointer data)
{
    g_autoptr(GPtrArray) list = NULL;
    Error *err = NULL;

    if (!tree_mount(tree)) {
        return;
    }
    LEAKS_BEGIN();
    list = dsa_info_list("/sys", &err);
    LEAKS_END();
    umount2("/sys", MNT_DETACH);
    g_assert_null(err);
    g_assert_cmpuint(list->len, ==, 1);
}
#endif /* CONFIG_ACCEL_CONFIG */

#define ADD(path, fn) \
    g_test_add("/dsa-list/" path, Tree, NULL, tree_set_up, fn, \
               tree_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("names-that-are-none", test_names_that_are_none);
    ADD("queue-that-is-not-there", test_queue_that_is_not_there);
    ADD("queue-without-device", test_queue_without_device);
    ADD("queue-of-iaa", test_queue_of_iaa);
    ADD("sorted-and-dsa-only", test_list_is_sorted_and_dsa_only);
    g_test_add_func("/dsa-list/no-driver", test_no_driver);
    g_test_add_func("/dsa-list/driver-without-device",
                    test_driver_without_device);
    g_test_add_func("/dsa-list/cannot-be-read",
                    test_list_that_cannot_be_read);
    g_test_add_func("/dsa-list/of-this-machine", test_list_of_this_machine);
    g_test_add_func("/dsa-list/config/without-devices",
                    test_config_without_devices);
#ifdef CONFIG_ACCEL_CONFIG
    ADD("config/made-up-tree", test_config_of_a_made_up_tree);
    ADD("config/sees-too-little", test_config_that_sees_too_little);
#endif
    return g_test_run();
}
