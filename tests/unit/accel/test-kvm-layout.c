/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where RAM blocks lie in guest addresses, and which pages a request to clear
 * part of a dirty log names.
 */
#include "qemu/osdep.h"

#include "accel/kvm-layout.h"
#include "memory/backend.h"
#include "qapi/error.h"
#include "qemu/units.h"

/* Anonymous memory that nobody touches costs nothing, however large. */
static RAMBlock *add_block(RamList *list, const char *name, uint64_t size)
{
    Error *err = NULL;
    ObjectOptions options = {
        .id = (char *)name,
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_RAM,
    };
    g_autoptr(HostMemoryBackend) backend = NULL;
    RAMBlock *block;

    options.u.memory_backend_ram.size = size;
    backend = host_memory_backend_new(&options, &err);
    g_assert_null(err);
    block = ram_list_add_backend(list, name, backend, &err);
    g_assert_null(err);
    return block;
}

static void check_slot(const KvmSlot *slot, const RAMBlock *block,
                       uint64_t offset, uint64_t gpa, uint64_t len)
{
    g_assert_true(slot->block == block);
    g_assert_cmphex(slot->offset_bytes, ==, offset);
    g_assert_cmphex(slot->gpa, ==, gpa);
    g_assert_cmphex(slot->len_bytes, ==, len);
}

static void test_one_block(void)
{
    g_autoptr(RamList) list = ram_list_new();
    RAMBlock *block = add_block(list, "a", 8 * MiB);
    KvmLayout layout;

    g_assert_true(kvm_layout_init(&layout, list, NULL));
    g_assert_cmpuint(layout.nr_slots, ==, 1);
    check_slot(&layout.slots[0], block, 0, 0, 8 * MiB);
}

static void test_two_blocks(void)
{
    g_autoptr(RamList) list = ram_list_new();
    RAMBlock *a = add_block(list, "a", 8 * MiB);
    RAMBlock *b = add_block(list, "b", 4 * KiB);
    KvmLayout layout;

    g_assert_true(kvm_layout_init(&layout, list, NULL));
    g_assert_cmpuint(layout.nr_slots, ==, 2);
    check_slot(&layout.slots[0], a, 0, 0, 8 * MiB);
    check_slot(&layout.slots[1], b, 0, 8 * MiB, 4 * KiB);
}

static void test_up_to_the_hole(void)
{
    g_autoptr(RamList) list = ram_list_new();
    RAMBlock *a = add_block(list, "a", KVM_HOLE_START);
    RAMBlock *b = add_block(list, "b", MiB);
    KvmLayout layout;

    g_assert_true(kvm_layout_init(&layout, list, NULL));
    g_assert_cmpuint(layout.nr_slots, ==, 2);
    check_slot(&layout.slots[0], a, 0, 0, KVM_HOLE_START);
    check_slot(&layout.slots[1], b, 0, KVM_HOLE_END, MiB);
}

static void test_across_the_hole(void)
{
    g_autoptr(RamList) list = ram_list_new();
    RAMBlock *block = add_block(list, "a", 5 * GiB);
    KvmLayout layout;

    g_assert_true(kvm_layout_init(&layout, list, NULL));
    g_assert_cmpuint(layout.nr_slots, ==, 2);
    check_slot(&layout.slots[0], block, 0, 0, KVM_HOLE_START);
    check_slot(&layout.slots[1], block, KVM_HOLE_START, KVM_HOLE_END,
               5 * GiB - KVM_HOLE_START);
}

static void expect_bad(RamList *list, const char *part)
{
    g_autoptr(Error) err = NULL;
    KvmLayout layout = { .nr_slots = 77 };

    g_assert_false(kvm_layout_init(&layout, list, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
    g_assert_cmpuint(layout.nr_slots, ==, 77);
}

static void test_no_memory(void)
{
    g_autoptr(RamList) list = ram_list_new();

    expect_bad(list, "use -m");
}

static void test_too_much_memory(void)
{
    g_autoptr(RamList) list = ram_list_new();
    RAMBlock *block = add_block(list, "a", MiB);

    /* As if it were so large: only the numbers are looked at. */
    block->used_length = KVM_PHYS_LIMIT;
    expect_bad(list, "'a' ends beyond");
    block->used_length = MiB;
}

static void test_host_address(void)
{
    g_autoptr(RamList) list = ram_list_new();
    RAMBlock *a = add_block(list, "a", 4 * GiB);
    KvmLayout layout;

    g_assert_true(kvm_layout_init(&layout, list, NULL));
    g_assert_true(kvm_layout_host(&layout, 0, 1) == a->host);
    g_assert_true(kvm_layout_host(&layout, 4096, 8) == a->host + 4096);
    g_assert_true(kvm_layout_host(&layout, KVM_HOLE_START - 1, 1) ==
                  a->host + KVM_HOLE_START - 1);
    g_assert_null(kvm_layout_host(&layout, KVM_HOLE_START - 1, 2));
    g_assert_null(kvm_layout_host(&layout, KVM_HOLE_START, 1));
    g_assert_true(kvm_layout_host(&layout, KVM_HOLE_END, 1) ==
                  a->host + KVM_HOLE_START);
    g_assert_true(kvm_layout_host(&layout, KVM_HOLE_END + GiB - 1, 1) ==
                  a->host + 4 * GiB - 1);
    g_assert_null(kvm_layout_host(&layout, KVM_HOLE_END + GiB, 1));
    g_assert_null(kvm_layout_host(&layout, 0, UINT64_MAX));
    g_assert_null(kvm_layout_host(&layout, UINT64_MAX, 2));
}

/* A slot of 1000 pages that begins with page 100 of its block. */
static const KvmSlot odd_slot = {
    .offset_bytes = 100 * TARGET_PAGE_SIZE,
    .len_bytes = 1000 * TARGET_PAGE_SIZE,
};

static void check_window(uint64_t first, uint64_t nr, uint64_t window_first,
                         uint64_t window_nr, uint64_t skip, uint64_t wanted)
{
    KvmClearWindow w;

    g_assert_true(kvm_clear_window(&odd_slot, first, nr, &w));
    g_assert_cmpuint(w.first_page, ==, window_first);
    g_assert_cmpuint(w.nr_pages, ==, window_nr);
    g_assert_cmpuint(w.skip, ==, skip);
    g_assert_cmpuint(w.nr_wanted, ==, wanted);
}

static void test_clear_aligned(void)
{
    check_window(100, 64, 0, 64, 0, 64);
    check_window(164, 128, 64, 128, 0, 128);
}

static void test_clear_inside_a_word(void)
{
    check_window(101, 1, 0, 64, 1, 1);
    check_window(163, 1, 0, 64, 63, 1);
}

static void test_clear_across_words(void)
{
    check_window(163, 2, 0, 128, 63, 2);
    check_window(130, 200, 0, 256, 30, 200);
}

static void test_clear_at_the_end(void)
{
    /* 1000 = 15 * 64 + 40: the last word is a short one. */
    check_window(1099, 1, 960, 40, 39, 1);
    check_window(1000, 100, 896, 104, 4, 100);
}

static void test_clear_partly_outside(void)
{
    check_window(0, 101, 0, 64, 0, 1);
    check_window(1099, 500, 960, 40, 39, 1);
    check_window(0, 5000, 0, 1000, 0, 1000);
}

static void test_clear_elsewhere(void)
{
    KvmClearWindow w = { .nr_pages = 77 };

    g_assert_false(kvm_clear_window(&odd_slot, 0, 100, &w));
    g_assert_false(kvm_clear_window(&odd_slot, 1100, 5, &w));
    g_assert_cmpuint(w.nr_pages, ==, 77);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kvm-layout/one-block", test_one_block);
    g_test_add_func("/kvm-layout/two-blocks", test_two_blocks);
    g_test_add_func("/kvm-layout/up-to-the-hole", test_up_to_the_hole);
    g_test_add_func("/kvm-layout/across-the-hole", test_across_the_hole);
    g_test_add_func("/kvm-layout/no-memory", test_no_memory);
    g_test_add_func("/kvm-layout/too-much-memory", test_too_much_memory);
    g_test_add_func("/kvm-layout/host-address", test_host_address);
    g_test_add_func("/kvm-layout/clear-aligned", test_clear_aligned);
    g_test_add_func("/kvm-layout/clear-inside-a-word",
                    test_clear_inside_a_word);
    g_test_add_func("/kvm-layout/clear-across-words",
                    test_clear_across_words);
    g_test_add_func("/kvm-layout/clear-at-the-end", test_clear_at_the_end);
    g_test_add_func("/kvm-layout/clear-partly-outside",
                    test_clear_partly_outside);
    g_test_add_func("/kvm-layout/clear-elsewhere", test_clear_elsewhere);
    return g_test_run();
}
