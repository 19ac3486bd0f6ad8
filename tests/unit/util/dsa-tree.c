/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A made-up /sys with DSA devices, in a temporary folder: devices below
 * devices/, and links to them in bus/dsa/devices, as the kernel has it.
 */
#include "qemu/osdep.h"

#include <glib/gstdio.h>

#include "dsa-tree.h"

void tree_write(const Tree *tree, const char *file, const char *fmt, ...)
{
    g_autofree char *path = g_build_filename(tree->root, "bus/dsa/devices",
                                             file, NULL);
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

void tree_remove(const Tree *tree, const char *file)
{
    g_autofree char *path = g_build_filename(tree->root, "bus/dsa/devices",
                                             file, NULL);

    g_assert_cmpint(g_unlink(path), ==, 0);
}

/* A folder below the PCI device, and the bus's link to it. */
void tree_add(const Tree *tree, const char *below, const char *name)
{
    g_autofree char *real = g_build_filename(tree->root, "devices/pci0000:6a",
                                             below, name, NULL);
    g_autofree char *target = g_build_filename("../../../devices/pci0000:6a",
                                               below, name, NULL);
    g_autofree char *link = g_build_filename(tree->root, "bus/dsa/devices",
                                             name, NULL);

    g_assert_cmpint(g_mkdir_with_parents(real, 0700), ==, 0);
    g_assert_cmpint(symlink(target, link), ==, 0);
}

void tree_device(const Tree *tree, const char *name)
{
    static const struct {
        const char *file, *text;
    } files[] = {
        { "state", "enabled" }, { "version", "0x100" },
        { "gen_cap", "0x40915f010f" }, { "numa_node", "1" },
        { "pasid_enabled", "1" }, { "op_cap", OP_CAP_WORDS },
        { "max_batch_size", "1024" }, { "max_transfer_size", "2147483648" },
    };

    tree_add(tree, "", name);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        g_autofree char *file = g_build_filename(name, files[i].file, NULL);

        tree_write(tree, file, "%s\n", files[i].text);
    }
}

void tree_queue(const Tree *tree, const char *device, const char *name)
{
    static const struct {
        const char *file, *text;
    } files[] = {
        { "mode", "shared" }, { "type", "user" }, { "state", "enabled" },
        { "name", "ferry" }, { "size", "128" }, { "threshold", "100" },
        { "max_batch_size", "512" }, { "max_transfer_size", "2097152" },
        { "block_on_fault", "1" }, { "ats_disable", "0" },
        { "prs_disable", "0" }, { "clients", "3" },
        { "op_config", OP_CAP_WORDS },
    };

    tree_add(tree, device, name);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        g_autofree char *file = g_build_filename(name, files[i].file, NULL);

        tree_write(tree, file, "%s\n", files[i].text);
    }
}

void tree_empty(Tree *tree)
{
    g_autofree char *bus = NULL;

    tree->root = g_dir_make_tmp("wherry-dsa-info-XXXXXX", NULL);
    g_assert_nonnull(tree->root);
    bus = g_build_filename(tree->root, "bus/dsa/devices", NULL);
    g_assert_cmpint(g_mkdir_with_parents(bus, 0700), ==, 0);
}

void tree_set_up(Tree *tree, gconstpointer data)
{
    tree_empty(tree);
    tree_device(tree, "dsa0");
    tree_queue(tree, "dsa0", "wq0.0");
}

static void tree_remove_below(const char *path)
{
    if (!g_file_test(path, G_FILE_TEST_IS_SYMLINK) &&
        g_file_test(path, G_FILE_TEST_IS_DIR)) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(dir))) {
            g_autofree char *below = g_build_filename(path, name, NULL);

            tree_remove_below(below);
        }
    }
    g_remove(path);
}

void tree_tear_down(Tree *tree, gconstpointer data)
{
    tree_remove_below(tree->root);
    g_free(tree->root);
}
