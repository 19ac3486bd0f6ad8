/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests that our kernel headers say what the kernel's say: against fixed
 * numbers always, against the system's header where that has the interface.
 */
#include "qemu/osdep.h"

#include <linux/fs.h>

#include "linux/pagemap_scan.h"
#include "linux/userfaultfd_wp.h"
#include "idxd-facts.h"

static void test_pagemap_scan_numbers(void)
{
    g_assert_cmphex(WHERRY_PAGEMAP_SCAN, ==, 0xc0606610);
    g_assert_cmpuint(sizeof(struct wherry_page_region), ==, 24);
    g_assert_cmpuint(offsetof(struct wherry_pm_scan_arg, walk_end), ==, 32);
    g_assert_cmpuint(offsetof(struct wherry_pm_scan_arg, return_mask), ==,
                     88);
}

#ifdef CONFIG_PAGEMAP_SCAN_SYSTEM
#define SAME_FIELD(field) \
    g_assert_cmpuint(offsetof(struct wherry_pm_scan_arg, field), ==, \
                     offsetof(struct pm_scan_arg, field))
#endif

static void test_pagemap_scan_equals_the_systems(void)
{
#ifdef CONFIG_PAGEMAP_SCAN_SYSTEM
    g_assert_cmphex(WHERRY_PAGEMAP_SCAN, ==, PAGEMAP_SCAN);
    g_assert_cmphex(WHERRY_PAGE_IS_WPALLOWED, ==, PAGE_IS_WPALLOWED);
    g_assert_cmphex(WHERRY_PAGE_IS_WRITTEN, ==, PAGE_IS_WRITTEN);
    g_assert_cmphex(WHERRY_PAGE_IS_FILE, ==, PAGE_IS_FILE);
    g_assert_cmphex(WHERRY_PAGE_IS_PRESENT, ==, PAGE_IS_PRESENT);
    g_assert_cmphex(WHERRY_PAGE_IS_SWAPPED, ==, PAGE_IS_SWAPPED);
    g_assert_cmphex(WHERRY_PAGE_IS_PFNZERO, ==, PAGE_IS_PFNZERO);
    g_assert_cmphex(WHERRY_PAGE_IS_HUGE, ==, PAGE_IS_HUGE);
    g_assert_cmphex(WHERRY_PM_SCAN_WP_MATCHING, ==, PM_SCAN_WP_MATCHING);
    g_assert_cmphex(WHERRY_PM_SCAN_CHECK_WPASYNC, ==,
                    PM_SCAN_CHECK_WPASYNC);
    g_assert_cmpuint(sizeof(struct wherry_page_region), ==,
                     sizeof(struct page_region));
    g_assert_cmpuint(sizeof(struct wherry_pm_scan_arg), ==,
                     sizeof(struct pm_scan_arg));
    SAME_FIELD(start);
    SAME_FIELD(walk_end);
    SAME_FIELD(vec);
    SAME_FIELD(max_pages);
    SAME_FIELD(category_anyof_mask);
    SAME_FIELD(return_mask);
#else
    g_test_skip("the system's linux/fs.h has no PAGEMAP_SCAN");
#endif
}

static void test_userfaultfd_wp_numbers(void)
{
    g_assert_cmphex(WHERRY_UFFD_FEATURE_WP_HUGETLBFS_SHMEM, ==, 0x1000);
    g_assert_cmphex(WHERRY_UFFD_FEATURE_WP_UNPOPULATED, ==, 0x2000);
    g_assert_cmphex(WHERRY_UFFD_FEATURE_WP_ASYNC, ==, 0x8000);
    g_assert_cmphex(UFFDIO_WRITEPROTECT, ==, 0xc018aa06);
}

static void test_userfaultfd_wp_equals_the_systems(void)
{
#ifdef UFFD_FEATURE_WP_ASYNC
    g_assert_cmphex(WHERRY_UFFD_USER_MODE_ONLY, ==, UFFD_USER_MODE_ONLY);
    g_assert_cmphex(WHERRY_UFFD_FEATURE_WP_HUGETLBFS_SHMEM, ==,
                    UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
    g_assert_cmphex(WHERRY_UFFD_FEATURE_WP_UNPOPULATED, ==,
                    UFFD_FEATURE_WP_UNPOPULATED);
    g_assert_cmphex(WHERRY_UFFD_FEATURE_WP_ASYNC, ==,
                    UFFD_FEATURE_WP_ASYNC);
#else
    g_test_skip("the system's linux/userfaultfd.h has no "
                "UFFD_FEATURE_WP_ASYNC");
#endif
}

static void test_idxd_numbers(void)
{
    size_t nr;
    const IdxdFact *fact = idxd_facts_ours(&nr);

    for (size_t i = 0; i < nr; i++) {
        if (fact[i].value != fact[i].number) {
            g_test_message("%s", fact[i].name);
        }
        g_assert_cmphex(fact[i].value, ==, fact[i].number);
    }
}

static void test_idxd_bit_fields(void)
{
    static const uint8_t desc[64] = {
        0xde, 0xbc, 0xca, 0xab, 0x56, 0x34, 0x12, 0x78
    };
    static const uint8_t record[32] = {
        [16] = 0x56, [17] = 0x34, [18] = 0x12, [19] = 0x78
    };
    uint8_t our_desc[64], our_record[32];

    idxd_bits_ours(our_desc, our_record);
    g_assert_cmpmem(our_desc, 64, desc, 64);
    g_assert_cmpmem(our_record, 32, record, 32);
}

static void test_idxd_equals_the_systems(void)
{
#ifdef TEST_IDXD_SYSTEM
    size_t our_nr, their_nr;
    const IdxdFact *ours = idxd_facts_ours(&our_nr);
    const IdxdFact *theirs = idxd_facts_system(&their_nr);
    uint8_t our_desc[64], our_record[32], their_desc[64], their_record[32];

    g_assert_cmpuint(our_nr, ==, their_nr);
    for (size_t i = 0; i < our_nr; i++) {
        if (ours[i].value != theirs[i].value) {
            g_test_message("%s", ours[i].name);
        }
        g_assert_cmphex(ours[i].value, ==, theirs[i].value);
    }
    idxd_bits_ours(our_desc, our_record);
    idxd_bits_system(their_desc, their_record);
    g_assert_cmpmem(our_desc, 64, their_desc, 64);
    g_assert_cmpmem(our_record, 32, their_record, 32);
#else
    g_test_skip("the system has no linux/idxd.h, or an older one");
#endif
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/linux-headers/pagemap-scan-numbers",
                    test_pagemap_scan_numbers);
    g_test_add_func("/linux-headers/pagemap-scan-equals-the-systems",
                    test_pagemap_scan_equals_the_systems);
    g_test_add_func("/linux-headers/userfaultfd-wp-numbers",
                    test_userfaultfd_wp_numbers);
    g_test_add_func("/linux-headers/userfaultfd-wp-equals-the-systems",
                    test_userfaultfd_wp_equals_the_systems);
    g_test_add_func("/linux-headers/idxd-numbers", test_idxd_numbers);
    g_test_add_func("/linux-headers/idxd-bit-fields", test_idxd_bit_fields);
    g_test_add_func("/linux-headers/idxd-equals-the-systems",
                    test_idxd_equals_the_systems);
    return g_test_run();
}
