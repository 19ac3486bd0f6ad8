/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what is read of a DSA queue, and of the sentences that refuse one,
 * on a made-up tree.
 */
#include "qemu/osdep.h"

#include <glib/gstdio.h>

#include "linux/idxd.h"
#include "qapi/error.h"
#include "qemu/dsa-info.h"
#include "dsa-tree.h"

#define PAGE_BYTES 4096

static DsaQueueInfo *tree_read(const Tree *tree)
{
    Error *err = NULL;
    DsaQueueInfo *info = dsa_info_read(tree->root, "wq0.0", &err);

    g_assert_null(err);
    g_assert_nonnull(info);
    return info;
}

static void assert_usable(const Tree *tree)
{
    g_autoptr(DsaQueueInfo) info = tree_read(tree);
    Error *err = NULL;

    g_assert_true(dsa_info_check(info, PAGE_BYTES, &err));
    g_assert_null(err);
}

/* Refused with one sentence that names @file by its full path and @what. */
static void assert_refused(const Tree *tree, const char *file,
                           const char *what)
{
    g_autoptr(DsaQueueInfo) info = tree_read(tree);
    g_autofree char *path = g_build_filename(tree->root, "bus/dsa/devices",
                                             file, NULL);
    Error *err = NULL;
    const char *text;

    g_assert_false(dsa_info_check(info, PAGE_BYTES, &err));
    g_assert_nonnull(err);
    text = error_get_pretty(err);
    g_test_message("%s", text);
    g_assert_nonnull(strstr(text, path));
    g_assert_nonnull(strstr(text, what));
    /* What is wrong; what to do. */
    g_assert_nonnull(strpbrk(text, ";,"));
    g_assert_null(strchr(text, '\n'));
    error_free(err);
    g_assert_false(dsa_info_check(info, PAGE_BYTES, NULL));
}

static void test_all_is_read(Tree *tree, gconstpointer data)
{
    g_autoptr(DsaQueueInfo) info = tree_read(tree);
    g_autofree char *dir = g_build_filename(tree->root,
                                            "bus/dsa/devices/wq0.0", NULL);

    g_assert_cmpstr(info->name, ==, "wq0.0");
    g_assert_cmpstr(info->dev_path, ==, "/dev/dsa/wq0.0");
    g_assert_cmpstr(info->sysfs_dir, ==, dir);
    g_assert_true(g_str_has_suffix(info->device_dir, "/dsa0"));
    g_assert_cmpint(info->mode, ==, DSA_QUEUE_SHARED);
    g_assert_cmpstr(info->mode_text, ==, "shared");
    g_assert_cmpstr(info->type, ==, "user");
    g_assert_cmpstr(info->state, ==, "enabled");
    g_assert_cmpstr(info->label, ==, "ferry");
    g_assert_cmpuint(info->size, ==, 128);
    g_assert_cmpuint(info->threshold, ==, 100);
    g_assert_cmpuint(info->max_batch_size, ==, 512);
    g_assert_cmpuint(info->max_transfer_size, ==, 2097152);
    g_assert_true(info->block_on_fault);
    g_assert_false(info->ats_disable);
    g_assert_false(info->prs_disable);
    g_assert_cmpuint(info->clients, ==, 3);
    g_assert_cmpstr(info->device_state, ==, "enabled");
    g_assert_cmphex(info->version, ==, 0x100);
    g_assert_cmphex(info->gen_cap, ==, 0x40915f010f);
    g_assert_cmpint(info->numa_node, ==, 1);
    g_assert_true(info->pasid_enabled);
    g_assert_true(info->opcodes_known);
    assert_usable(tree);
}

static void test_dedicated(Tree *tree, gconstpointer data)
{
    g_autoptr(DsaQueueInfo) info = NULL;

    tree_write(tree, "wq0.0/mode", "dedicated\n");
    info = tree_read(tree);
    g_assert_cmpint(info->mode, ==, DSA_QUEUE_DEDICATED);
    assert_usable(tree);
}

typedef struct Refusal {
    const char *name;
    const char *file;
    const char *says;           /* NULL: the file is removed */
    const char *what;           /* stands in the sentence */
} Refusal;

static const Refusal refusals[] = {
    { "mode-unknown", "wq0.0/mode", "turbo\n", "'turbo'" },
    { "mode-missing", "wq0.0/mode", NULL, "config-wq -m" },
    { "type-kernel", "wq0.0/type", "kernel\n", "config-wq -y user" },
    { "type-none", "wq0.0/type", "none\n", "'none'" },
    { "type-missing", "wq0.0/type", NULL, "missing" },
    { "state-disabled", "wq0.0/state", "disabled\n", "enable-wq" },
    { "state-missing", "wq0.0/state", NULL, "missing" },
    { "device-disabled", "dsa0/state", "disabled\n", "enable-device" },
    { "device-halted", "dsa0/state", "halted\n", "kernel log" },
    { "size-0", "wq0.0/size", "0\n", "config-wq -s" },
    { "size-missing", "wq0.0/size", NULL, "config-wq -s" },
    { "size-huge", "wq0.0/size", "99999999999999999999999\n", "number" },
    { "size-negative", "wq0.0/size", "-1\n", "number" },
    { "transfer-below-a-page", "wq0.0/max_transfer_size", "4095\n",
      "4095 bytes" },
    { "pasid-off", "dsa0/pasid_enabled", "0\n", "sm_on" },
    { "pasid-missing", "dsa0/pasid_enabled", NULL, "sm_on" },
    { "ats-disabled", "wq0.0/ats_disable", "1\n", "page fault" },
    /* Each opcode, each file, each way of writing it. */
    { "compare-not-in-op-cap", "dsa0/op_cap",
      "0,0,0,0,0,0,1,003f03bf\n", "0x06" },
    { "compare-not-in-old-op-cap", "dsa0/op_cap", "0x1003f03bf 0 0 0\n",
      "0x06" },
    { "compare-not-in-op-config", "wq0.0/op_config",
      "00000000,00000000,00000000,00000000,00000000,00000000,00000000,"
      "00000009\n", "00000009" },
    { "noop-not-in-op-cap", "dsa0/op_cap", "0,0,0,0,0,0,1,003f03fe\n",
      "No-op" },
    { "noop-not-in-op-config", "wq0.0/op_config", "0x40 0 0 0\n",
      "No-op" },
    { "words-the-wrong-way-round", "dsa0/op_cap",
      "003f03ff,00000001,0,0,0,0,0,0\n", "Compare Pattern" },
};

static void test_refusal(Tree *tree, gconstpointer data)
{
    const Refusal *refusal = data;

    if (refusal->says) {
        tree_write(tree, refusal->file, "%s", refusal->says);
    } else {
        tree_remove(tree, refusal->file);
    }
    assert_refused(tree, refusal->file, refusal->what);
}

/* A page of the caller's size, not of ours. */
static void test_transfer_below_a_large_page(Tree *tree, gconstpointer data)
{
    g_autoptr(DsaQueueInfo) info = tree_read(tree);

    g_assert_true(dsa_info_check(info, 2 << 20, NULL));
    g_assert_false(dsa_info_check(info, (2 << 20) + 1, NULL));
}

static void test_small_batches_are_no_refusal(Tree *tree, gconstpointer data)
{
    tree_write(tree, "wq0.0/max_batch_size", "1\n");
    assert_usable(tree);
}

static void assert_dsa_1_opcodes(const Tree *tree)
{
    g_autoptr(DsaQueueInfo) info = tree_read(tree);

    g_assert_true(info->opcodes_known);
    g_assert_true(dsa_info_has_opcode(info, DSA_OPCODE_NOOP));
    g_assert_true(dsa_info_has_opcode(info, DSA_OPCODE_DUALCAST));
    g_assert_false(dsa_info_has_opcode(info, 0x0a));
    g_assert_true(dsa_info_has_opcode(info, DSA_OPCODE_DIF_UPDT));
    g_assert_false(dsa_info_has_opcode(info, 0x16));
    g_assert_true(dsa_info_has_opcode(info, DSA_OPCODE_CFLUSH));
    g_assert_false(dsa_info_has_opcode(info, 0x21));
    g_assert_false(dsa_info_has_opcode(info, 0xff));
    g_assert_false(dsa_info_has_opcode(info, DSA_NR_OPCODES));
    g_assert_false(dsa_info_has_opcode(info, UINT_MAX));
}

static void test_opcodes_in_words(Tree *tree, gconstpointer data)
{
    tree_remove(tree, "wq0.0/op_config");
    assert_dsa_1_opcodes(tree);
}

static void test_opcodes_in_quads(Tree *tree, gconstpointer data)
{
    tree_remove(tree, "wq0.0/op_config");
    tree_write(tree, "dsa0/op_cap", OP_CAP_QUADS "\n");
    assert_dsa_1_opcodes(tree);
}

static void test_opcodes_of_the_queue_alone(Tree *tree, gconstpointer data)
{
    tree_remove(tree, "dsa0/op_cap");
    assert_dsa_1_opcodes(tree);
}

static void test_highest_opcode(Tree *tree, gconstpointer data)
{
    static const char *const forms[] = {
        "80000000,0,0,0,0,0,0,0\n", "0 0 0 0x8000000000000000\n"
    };

    tree_remove(tree, "wq0.0/op_config");
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        g_autoptr(DsaQueueInfo) info = NULL;

        tree_write(tree, "dsa0/op_cap", "%s", forms[i]);
        info = tree_read(tree);
        g_assert_true(dsa_info_has_opcode(info, 0xff));
        g_assert_false(dsa_info_has_opcode(info, 0));
        g_assert_false(dsa_info_has_opcode(info, 0xdf));
    }
}

static void test_opcodes_are_the_intersection(Tree *tree, gconstpointer data)
{
    g_autoptr(DsaQueueInfo) info = NULL;

    tree_write(tree, "dsa0/op_cap", "0x7d 0 0 0\n");
    tree_write(tree, "wq0.0/op_config", "0,0,0,0,0,0,ffffffff,00000043\n");
    info = tree_read(tree);
    g_assert_true(dsa_info_has_opcode(info, DSA_OPCODE_NOOP));
    g_assert_true(dsa_info_has_opcode(info, DSA_OPCODE_COMPVAL));
    g_assert_false(dsa_info_has_opcode(info, DSA_OPCODE_BATCH));
    g_assert_false(dsa_info_has_opcode(info, DSA_OPCODE_DRAIN));
    g_assert_false(dsa_info_has_opcode(info, DSA_OPCODE_CFLUSH));
}

/* Such a file says nothing, and then a queue's proof has to tell. */
static void test_opcodes_that_no_kernel_writes(Tree *tree, gconstpointer data)
{
    static const char *const bad[] = {
        "", "\n", "what\n", "0 0 0\n", "0 0 0 0 0\n", "0,0,0,0,0,0,0\n",
        "0,0,0,0,0,0,0,0,0\n", "0,0,0,0,0,0,0,100000000\n",
        "0x10000000000000000 0 0 0\n", "0,,0,0,0,0,0,0\n", "-1 0 0 0\n",
        "0,0,0,0,0,0,0,zz\n",
    };

    tree_remove(tree, "wq0.0/op_config");
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autoptr(DsaQueueInfo) info = NULL;

        tree_write(tree, "dsa0/op_cap", "%s", bad[i]);
        info = tree_read(tree);
        g_assert_false(info->opcodes_known);
        g_assert_true(dsa_info_has_opcode(info, 0xff));
        g_assert_true(dsa_info_check(info, PAGE_BYTES, NULL));
    }
}

static void test_files_that_old_kernels_lack(Tree *tree, gconstpointer data)
{
    static const char *const files[] = {
        "wq0.0/op_config", "wq0.0/prs_disable", "wq0.0/ats_disable",
        "wq0.0/max_batch_size", "wq0.0/max_transfer_size", "wq0.0/clients",
        "wq0.0/block_on_fault", "wq0.0/threshold", "wq0.0/name",
        "dsa0/op_cap", "dsa0/gen_cap", "dsa0/version", "dsa0/numa_node",
        "dsa0/state",
    };
    g_autoptr(DsaQueueInfo) info = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        tree_remove(tree, files[i]);
    }
    info = tree_read(tree);
    g_assert_null(info->label);
    g_assert_null(info->device_state);
    g_assert_cmpint(info->numa_node, ==, -1);
    g_assert_cmphex(info->version, ==, 0);
    g_assert_false(info->opcodes_known);
    /* The device's limits stand in. */
    g_assert_cmpuint(info->max_batch_size, ==, 1024);
    g_assert_cmpuint(info->max_transfer_size, ==, 2147483648);
    assert_usable(tree);
}

static void test_no_limits_at_all(Tree *tree, gconstpointer data)
{
    g_autoptr(DsaQueueInfo) info = NULL;

    tree_remove(tree, "wq0.0/max_batch_size");
    tree_remove(tree, "wq0.0/max_transfer_size");
    tree_remove(tree, "dsa0/max_batch_size");
    tree_remove(tree, "dsa0/max_transfer_size");
    info = tree_read(tree);
    g_assert_cmpuint(info->max_batch_size, ==, 0);
    g_assert_cmpuint(info->max_transfer_size, ==, 0);
    assert_usable(tree);
}

static void test_node_unknown(Tree *tree, gconstpointer data)
{
    static const char *const nodes[] = { "-1\n", "-2\n", "x\n" };

    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        g_autoptr(DsaQueueInfo) info = NULL;

        tree_write(tree, "dsa0/numa_node", "%s", nodes[i]);
        info = tree_read(tree);
        g_assert_cmpint(info->numa_node, ==, -1);
    }
}

static void test_binary_content(Tree *tree, gconstpointer data)
{
    static const char junk[] = "a\0b\x1b[31m\n\xff\xfe";
    g_autofree char *path = g_build_filename(
        tree->root, "bus/dsa/devices/wq0.0/mode", NULL);
    g_autoptr(DsaQueueInfo) info = NULL;

    g_assert_true(g_file_set_contents(path, junk, sizeof(junk) - 1, NULL));
    info = tree_read(tree);
    g_assert_cmpstr(info->mode_text, ==, "a?b?[31m?" "?" "?");
    assert_refused(tree, "wq0.0/mode", "'a?b?[31m");
}

static void test_empty_files(Tree *tree, gconstpointer data)
{
    g_autoptr(DsaQueueInfo) info = NULL;

    tree_write(tree, "wq0.0/mode", "%s", "");
    tree_write(tree, "wq0.0/name", "\n");
    tree_write(tree, "wq0.0/size", " ");
    info = tree_read(tree);
    g_assert_null(info->mode_text);
    g_assert_null(info->label);
    g_assert_cmpuint(info->size, ==, 0);
}

static void test_very_long_file(Tree *tree, gconstpointer data)
{
    g_autofree char *text = g_strnfill(1 << 20, 'x');
    g_autoptr(DsaQueueInfo) info = NULL;

    tree_write(tree, "wq0.0/name", "%s", text);
    info = tree_read(tree);
    g_assert_cmpuint(strlen(info->label), <, 8192);
}

static void test_folder_in_place_of_a_file(Tree *tree, gconstpointer data)
{
    g_autofree char *path = g_build_filename(
        tree->root, "bus/dsa/devices/wq0.0/state", NULL);

    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    assert_refused(tree, "wq0.0/state", "missing");
}

static void test_numbers_that_do_not_fit(Tree *tree, gconstpointer data)
{
    g_autoptr(DsaQueueInfo) info = NULL;

    tree_write(tree, "wq0.0/threshold", "4294967297\n");
    tree_write(tree, "wq0.0/clients", "12 monkeys\n");
    tree_write(tree, "wq0.0/block_on_fault", "18446744073709551616\n");
    tree_write(tree, "dsa0/gen_cap", "0xffffffffffffffff\n");
    info = tree_read(tree);
    g_assert_cmpuint(info->threshold, ==, 0);
    g_assert_cmpuint(info->clients, ==, 0);
    g_assert_false(info->block_on_fault);
    g_assert_cmphex(info->gen_cap, ==, UINT64_MAX);
}

static void test_free_of_nothing(void)
{
    dsa_info_free(NULL);
}

#define ADD(path, fn) \
    g_test_add("/dsa-info/" path, Tree, NULL, tree_set_up, fn, \
               tree_tear_down)

static void add_reading(void)
{
    ADD("all-is-read", test_all_is_read);
    ADD("dedicated", test_dedicated);
    ADD("opcodes-in-words", test_opcodes_in_words);
    ADD("opcodes-in-quads", test_opcodes_in_quads);
    ADD("opcodes-of-the-queue-alone", test_opcodes_of_the_queue_alone);
    ADD("highest-opcode", test_highest_opcode);
    ADD("opcodes-are-the-intersection", test_opcodes_are_the_intersection);
    ADD("opcodes-that-no-kernel-writes", test_opcodes_that_no_kernel_writes);
    ADD("files-that-old-kernels-lack", test_files_that_old_kernels_lack);
    ADD("no-limits-at-all", test_no_limits_at_all);
    ADD("node-unknown", test_node_unknown);
    ADD("binary-content", test_binary_content);
    ADD("empty-files", test_empty_files);
    ADD("very-long-file", test_very_long_file);
    ADD("folder-in-place-of-a-file", test_folder_in_place_of_a_file);
    ADD("numbers-that-do-not-fit", test_numbers_that_do_not_fit);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_reading();
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        g_autofree char *path = g_strconcat("/dsa-info/refused/",
                                            refusals[i].name, NULL);

        g_test_add(path, Tree, &refusals[i], tree_set_up, test_refusal,
                   tree_tear_down);
    }
    ADD("transfer-below-a-large-page", test_transfer_below_a_large_page);
    ADD("small-batches-are-no-refusal", test_small_batches_are_no_refusal);
    g_test_add_func("/dsa-info/free-of-nothing", test_free_of_nothing);
    return g_test_run();
}
