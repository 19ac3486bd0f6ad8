/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the hole finder's ways of asking: which one a kind of memory
 * gets, what each one sees, and what happens when the kernel refuses.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "qemu/bitmap.h"
#include "qemu/thread.h"
#include "util/hole-map-internal.h"

#define PAGE 4096
/* With every other page written, more runs than one ioctl returns. */
#define PAGES 2048

static uint8_t *map_pages(int flags, int fd)
{
    uint8_t *host = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags,
                         fd, 0);

    g_assert_true(host != MAP_FAILED);
    madvise(host, PAGES * PAGE, MADV_NOHUGEPAGE);
    return host;
}

static uint8_t *map_anonymous(void)
{
    return map_pages(MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static int new_memfd(void)
{
    int fd = memfd_create("hole-map-methods", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, PAGES * PAGE), ==, 0);
    return fd;
}

static HoleMap *new_anonymous(uint8_t *host)
{
    return hole_map_new(&(HoleMapRegion) {
        .host = host,
        .len_bytes = PAGES * PAGE,
        .fd = -1,
    });
}

static long count_holes(HoleMap *hm, unsigned long *holes)
{
    g_assert_true(hole_map_query(hm, 0, PAGES * PAGE, holes, PAGE, NULL));
    return bitmap_count_one(holes, PAGES);
}

/* Whether the kernel lets us look at all; a container may forbid it. */
static bool have_method(HoleMap *hm, const char *name)
{
    DECLARE_BITMAP(holes, PAGES);

    if (!hole_map_use_method(hm, name)) {
        g_test_skip("no access to /proc/self/pagemap");
        return false;
    }
    count_holes(hm, holes);
    if (!g_str_equal(hole_map_method_name(hm), name)) {
        g_test_skip("this kernel refuses this way of asking");
        return false;
    }
    return true;
}

static void test_finds_every_other_page(const void *opaque)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = new_anonymous(host);
    DECLARE_BITMAP(holes, PAGES);

    if (have_method(hm, opaque)) {
        for (size_t i = 0; i < PAGES; i += 2) {
            host[i * PAGE] = 1;
        }
        g_assert_cmpint(count_holes(hm, holes), ==, PAGES / 2);
        for (size_t i = 0; i < PAGES; i++) {
            g_assert_cmpint(test_bit(i, holes), ==, i % 2);
        }
        g_assert_cmpstr(hole_map_method_name(hm), ==, opaque);
    }
    munmap(host, PAGES * PAGE);
}

static void test_counts_from_the_start_of_the_range(const void *opaque)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = new_anonymous(host);
    DECLARE_BITMAP(holes, PAGES);

    if (have_method(hm, opaque)) {
        host[10 * PAGE] = 1;
        host[12 * PAGE] = 1;
        host[30 * PAGE] = 1;
        bitmap_zero(holes, PAGES);
        g_assert_true(hole_map_query(hm, 12 * PAGE, 18 * PAGE, holes, PAGE,
                                     NULL));
        g_assert_false(test_bit(0, holes));
        g_assert_cmpint(bitmap_count_one(holes, PAGES), ==, 17);
    }
    munmap(host, PAGES * PAGE);
}

static void test_a_discarded_page_is_a_hole_again(const void *opaque)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = new_anonymous(host);
    DECLARE_BITMAP(holes, PAGES);

    if (have_method(hm, opaque)) {
        memset(host, 1, PAGES * PAGE);
        g_assert_cmpint(count_holes(hm, holes), ==, 0);
        madvise(host + 5 * PAGE, PAGE, MADV_DONTNEED);
        g_assert_cmpint(count_holes(hm, holes), ==, 1);
        g_assert_true(test_bit(5, holes));
    }
    munmap(host, PAGES * PAGE);
}

/* Without PAGEMAP_SCAN the shared zero page looks like any other. */
static void test_pagemap_takes_a_read_page_for_data(void)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = new_anonymous(host);
    DECLARE_BITMAP(holes, PAGES);

    if (have_method(hm, "pagemap")) {
        (void)*(volatile uint8_t *)(host + 3 * PAGE);
        g_assert_cmpint(count_holes(hm, holes), ==, PAGES - 1);
        g_assert_false(test_bit(3, holes));
    }
    munmap(host, PAGES * PAGE);
}

static void test_a_kernel_that_refuses_leaves_all_data(void)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = new_anonymous(host);
    DECLARE_BITMAP(holes, PAGES);

    auto_fd_close(&hm->pagemap_fd);
    hm->pagemap_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    g_assert_true(hole_map_use_method(hm, "pagemap-scan"));
    g_assert_cmpint(count_holes(hm, holes), ==, 0);
    g_assert_cmpstr(hole_map_method_name(hm), ==, "none");
    munmap(host, PAGES * PAGE);
}

static void test_behind_the_end_of_a_file_is_data(void)
{
    AUTO_FD int fd = new_memfd();
    uint8_t *host = map_pages(MAP_SHARED, fd);
    DECLARE_BITMAP(holes, PAGES);
    g_autoptr(HoleMap) hm = hole_map_new(&(HoleMapRegion) {
        .host = host, .len_bytes = PAGES * PAGE, .fd = fd, .shared = true,
    });

    g_assert_cmpint(ftruncate(fd, 10 * PAGE), ==, 0);
    g_assert_cmpint(count_holes(hm, holes), ==, 10);
    g_assert_true(test_bit(9, holes));
    g_assert_false(test_bit(10, holes));
    munmap(host, PAGES * PAGE);
}

static void test_a_region_inside_a_file_uses_its_offset(void)
{
    AUTO_FD int fd = new_memfd();
    uint8_t *host = map_pages(MAP_SHARED, fd);
    DECLARE_BITMAP(holes, PAGES);
    g_autoptr(HoleMap) hm = hole_map_new(&(HoleMapRegion) {
        .host = host + 100 * PAGE, .len_bytes = 50 * PAGE, .fd = fd,
        .fd_offset = 100 * PAGE, .shared = true,
    });

    /* The first is what a query without the offset would see. */
    host[3 * PAGE] = 1;
    host[107 * PAGE] = 1;
    bitmap_zero(holes, PAGES);
    g_assert_true(hole_map_query(hm, 0, 50 * PAGE, holes, PAGE, NULL));
    g_assert_cmpint(bitmap_count_one(holes, PAGES), ==, 49);
    g_assert_false(test_bit(7, holes));
    munmap(host, PAGES * PAGE);
}

static void check_method(HoleMapRegion region, const char *expected)
{
    g_autoptr(HoleMap) hm = NULL;
    uint8_t *host = map_anonymous();

    region.host = host;
    region.len_bytes = PAGES * PAGE;
    hm = hole_map_new(&region);
    g_assert_cmpstr(hole_map_method_name(hm), ==, expected);
    munmap(host, PAGES * PAGE);
}

static void test_memory_that_nobody_can_tell_about(void)
{
    AUTO_FD int memfd = new_memfd();
    AUTO_FD int other = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

    /* Shared anonymous: a page may exist that is not mapped here. */
    check_method((HoleMapRegion) { .fd = -1, .shared = true }, "none");
    /* Huge pages that cannot be mapped a second time. */
    check_method((HoleMapRegion) { .fd = other, .shared = true,
                                   .hugetlb = true }, "none");
    check_method((HoleMapRegion) { .fd = memfd }, "none");
    /* A file system that is not known to see written mappings. */
    check_method((HoleMapRegion) { .fd = other, .shared = true }, "none");
}

/* While it is moved, its words say nothing, as if it were not there. */
static void test_huge_pages_are_not_asked_for_by_words(void)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = hole_map_new(&(HoleMapRegion) {
        .host = host, .len_bytes = PAGES * PAGE, .fd = -1, .hugetlb = true });

    g_assert_cmpstr(hole_map_method_name(hm), ==, "pagemap-scan");
    g_assert_false(hole_map_use_method(hm, "pagemap"));
    munmap(host, PAGES * PAGE);
}

static uint64_t resident_bytes(void)
{
    g_autofree char *statm = NULL;
    unsigned long pages = 0;

    g_assert_true(g_file_get_contents("/proc/self/statm", &statm, NULL,
                                      NULL));
    g_assert_cmpint(sscanf(statm, "%*u %lu", &pages), ==, 1);
    return (uint64_t)pages * qemu_real_host_page_size();
}

/* 8 MiB would show; what else the process does stays far below. */
static void test_asking_makes_nothing_resident(void)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = new_anonymous(host);
    DECLARE_BITMAP(holes, PAGES);
    uint64_t before;

    count_holes(hm, holes);
    before = resident_bytes();
    for (int i = 0; i < 10; i++) {
        count_holes(hm, holes);
    }
    g_assert_cmpuint(resident_bytes(), <, before + PAGES * PAGE / 2);
    munmap(host, PAGES * PAGE);
}

static void check_refused(uint64_t start, uint64_t len, size_t page_size,
                          const char *part)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = new_anonymous(host);
    g_autoptr(Error) err = NULL;
    unsigned long holes = 0x55;

    g_assert_false(hole_map_query(hm, start, len, &holes, page_size, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
    g_assert_cmphex(holes, ==, 0x55);
    munmap(host, PAGES * PAGE);
}

static void test_a_start_between_pages_is_refused(void)
{
    check_refused(100, PAGE, PAGE, "0x64+0x1000 is not made of pages");
}

static void test_a_page_size_of_three_is_refused(void)
{
    check_refused(0, 3, 3, "page size 3 is not a power of two");
}

static void test_a_sum_that_overflows_is_refused(void)
{
    check_refused(PAGE, UINT64_MAX - PAGE + 1, PAGE, "not inside a region");
}

static void test_bits_above_the_range_are_left_alone(void)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = new_anonymous(host);
    unsigned long holes = ~0UL;

    g_assert_true(hole_map_use_method(hm, "none"));
    g_assert_true(hole_map_query(hm, 0, 4 * PAGE, &holes, PAGE, NULL));
    g_assert_cmphex(holes, ==, ~0xfUL);
    munmap(host, PAGES * PAGE);
}

static void *query_thread(void *opaque)
{
    DECLARE_BITMAP(holes, PAGES);

    for (int i = 0; i < 50; i++) {
        count_holes(opaque, holes);
    }
    return NULL;
}

static void test_several_threads_ask_at_once(void)
{
    uint8_t *host = map_anonymous();
    g_autoptr(HoleMap) hm = new_anonymous(host);
    QemuThread threads[3];

    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        qemu_thread_create(&threads[i], "query", query_thread, hm,
                           QEMU_THREAD_JOINABLE);
    }
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        qemu_thread_join(&threads[i]);
    }
    munmap(host, PAGES * PAGE);
}

static void add_for_methods(const char *what, void (*func)(const void *))
{
    static const char *const names[] = { "pagemap-scan", "pagemap" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        g_autofree char *path = g_strdup_printf("/hole-map-methods/%s/%s",
                                                names[i], what);

        g_test_add_data_func(path, names[i], func);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_for_methods("finds-every-other-page", test_finds_every_other_page);
    add_for_methods("counts-from-the-start-of-the-range",
                    test_counts_from_the_start_of_the_range);
    add_for_methods("a-discarded-page-is-a-hole-again",
                    test_a_discarded_page_is_a_hole_again);
#define ADD(path, func) g_test_add_func("/hole-map-methods/" path, func)
    ADD("huge-pages-are-not-asked-for-by-words",
        test_huge_pages_are_not_asked_for_by_words);
    ADD("pagemap-takes-a-read-page-for-data",
        test_pagemap_takes_a_read_page_for_data);
    ADD("a-kernel-that-refuses-leaves-all-data",
        test_a_kernel_that_refuses_leaves_all_data);
    ADD("behind-the-end-of-a-file-is-data",
        test_behind_the_end_of_a_file_is_data);
    ADD("a-region-inside-a-file-uses-its-offset",
        test_a_region_inside_a_file_uses_its_offset);
    ADD("memory-that-nobody-can-tell-about",
        test_memory_that_nobody_can_tell_about);
    ADD("asking-makes-nothing-resident", test_asking_makes_nothing_resident);
    ADD("a-start-between-pages-is-refused",
        test_a_start_between_pages_is_refused);
    ADD("a-page-size-of-three-is-refused",
        test_a_page_size_of_three_is_refused);
    ADD("a-sum-that-overflows-is-refused",
        test_a_sum_that_overflows_is_refused);
    ADD("bits-above-the-range-are-left-alone",
        test_bits_above_the_range_are_left_alone);
    ADD("several-threads-ask-at-once", test_several_threads_ask_at_once);
    return g_test_run();
}
