/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the hole finder where the kernel does more with memory than map it:
 * swap, transparent huge pages, markers of userfaultfd.  What depends on the
 * host is skipped with the reason.
 */
#include "qemu/osdep.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "linux/userfaultfd_wp.h"
#include "qemu/bitmap.h"
#include "util/hole-map-internal.h"

#define PAGE 4096
#define PAGES 2048

static int new_memfd(void)
{
    int fd = memfd_create("hole-map-memory", MFD_CLOEXEC);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, PAGES * PAGE), ==, 0);
    return fd;
}

/* Aligned as huge pages have to be, inside of a mapping that is larger. */
static uint8_t *map_memory(int fd, int advice)
{
    uint8_t *area = mmap(NULL, 2 * PAGES * PAGE, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *host = QEMU_ALIGN_PTR_UP(area, PAGES * PAGE);

    g_assert_true(area != MAP_FAILED);
    munmap(area, host - area);
    munmap(host + PAGES * PAGE, area + PAGES * PAGE - host);
    g_assert_true(mmap(host, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_FIXED |
                       (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED),
                       fd, 0) == host);
    (void)madvise(host, PAGES * PAGE, advice);
    return host;
}

static HoleMap *new_map(uint8_t *host, int fd)
{
    return hole_map_new(&(HoleMapRegion) {
        .host = host,
        .len_bytes = PAGES * PAGE,
        .fd = fd,
        .shared = fd >= 0,
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

    if (hole_map_use_method(hm, name)) {
        count_holes(hm, holes);
    }
    if (!g_str_equal(hole_map_method_name(hm), name)) {
        g_test_skip("the kernel refuses this way of asking");
        return false;
    }
    return true;
}

/* Bytes of a mapping that are in swap, by the kernel's books. */
static uint64_t swapped_bytes(const uint8_t *host)
{
    g_autofree char *smaps = NULL;
    g_autofree char *begin = g_strdup_printf("\n%" PRIxPTR "-",
                                             (uintptr_t)host);
    const char *at;

    g_assert_true(g_file_get_contents("/proc/self/smaps", &smaps, NULL, NULL));
    at = strstr(smaps, begin);
    g_assert_nonnull(at);
    at = strstr(at, "\nSwap:");
    g_assert_nonnull(at);
    return g_ascii_strtoull(at + strlen("\nSwap:"), NULL, 10) * 1024;
}

/* Has pages put into swap; false, with the test skipped, when some stay. */
static bool swap_out(uint8_t *host, uint64_t first, uint64_t nr)
{
    (void)madvise(host + first * PAGE, nr * PAGE, MADV_PAGEOUT);
    if (swapped_bytes(host) == nr * PAGE) {
        return true;
    }
    g_test_skip("the kernel swaps nothing out; is there any swap?");
    return false;
}

static void test_a_page_in_swap_is_data(const void *opaque)
{
    uint8_t *host = map_memory(-1, MADV_NOHUGEPAGE);
    g_autoptr(HoleMap) hm = new_map(host, -1);
    DECLARE_BITMAP(holes, PAGES);

    if (have_method(hm, opaque)) {
        memset(host + 8 * PAGE, 1, 16 * PAGE);
        if (swap_out(host, 8, 16)) {
            g_assert_cmpint(count_holes(hm, holes), ==, PAGES - 16);
            g_assert_false(test_bit(8, holes));
            g_assert_false(test_bit(23, holes));
        }
    }
    munmap(host, PAGES * PAGE);
}

static void test_a_page_of_a_memfd_in_swap_is_data(void)
{
    AUTO_FD int fd = new_memfd();
    uint8_t *host = map_memory(fd, MADV_NOHUGEPAGE);
    g_autoptr(HoleMap) hm = new_map(host, fd);
    DECLARE_BITMAP(holes, PAGES);

    memset(host + 8 * PAGE, 1, 16 * PAGE);
    if (swap_out(host, 8, 16)) {
        g_assert_cmpstr(hole_map_method_name(hm), ==, "seek");
        g_assert_cmpint(count_holes(hm, holes), ==, PAGES - 16);
        g_assert_false(test_bit(8, holes));
        g_assert_false(test_bit(23, holes));
    }
    munmap(host, PAGES * PAGE);
}

/* One write, and all of a transparent huge page is there. */
static void test_all_of_a_huge_page_is_data(const void *opaque)
{
    uint8_t *host = map_memory(-1, MADV_HUGEPAGE);
    g_autoptr(HoleMap) hm = new_map(host, -1);
    DECLARE_BITMAP(holes, PAGES);

    if (have_method(hm, opaque)) {
        host[700 * PAGE] = 1;
        if (count_holes(hm, holes) > PAGES - 512) {
            g_test_skip("the kernel gave no huge page");
        } else {
            g_assert_cmpint(find_next_zero_bit(holes, PAGES, 0), ==, 512);
            g_assert_cmpint(find_next_bit(holes, PAGES, 512), ==, 1024);
        }
    }
    munmap(host, PAGES * PAGE);
}

/*
 * A read maps the kernel's huge zero page.  Kernels that do not say so may have
 * it for data, but then the pages of it alone.
 */
static void test_a_huge_page_that_was_only_read(const void *opaque)
{
    uint8_t *host = map_memory(-1, MADV_HUGEPAGE);
    g_autoptr(HoleMap) hm = new_map(host, -1);
    DECLARE_BITMAP(holes, PAGES);

    if (have_method(hm, opaque)) {
        (void)*(volatile uint8_t *)(host + 700 * PAGE);
        count_holes(hm, holes);
        g_test_message("%ld holes", bitmap_count_one(holes, PAGES));
        g_assert_cmpint(find_next_zero_bit(holes, PAGES, 0), >=, 512);
        g_assert_cmpint(find_next_zero_bit(holes, PAGES, 1024), ==, PAGES);
        /* Written, it is data whatever it was. */
        host[701 * PAGE] = 1;
        count_holes(hm, holes);
        g_assert_false(test_bit(701, holes));
    }
    munmap(host, PAGES * PAGE);
}

/* Protects empty entries, so that the kernel puts a marker into each. */
static bool put_markers(int uffd, uint8_t *start, size_t len_bytes)
{
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = WHERRY_UFFD_FEATURE_WP_ASYNC |
                    WHERRY_UFFD_FEATURE_WP_UNPOPULATED,
    };
    struct uffdio_register reg = {
        .range.start = (uintptr_t)start,
        .range.len = len_bytes,
        .mode = UFFDIO_REGISTER_MODE_WP,
    };
    struct uffdio_writeprotect wp = {
        .range = reg.range,
        .mode = UFFDIO_WRITEPROTECT_MODE_WP,
    };

    return ioctl(uffd, UFFDIO_API, &api) == 0 &&
        ioctl(uffd, UFFDIO_REGISTER, &reg) == 0 &&
        ioctl(uffd, UFFDIO_WRITEPROTECT, &wp) == 0;
}

/* A marker looks swapped: it may pass for data, what is written must. */
static void test_markers_of_userfaultfd(const void *opaque)
{
    uint8_t *host = map_memory(-1, MADV_NOHUGEPAGE);
    g_autoptr(HoleMap) hm = new_map(host, -1);
    AUTO_FD int uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC |
                                    WHERRY_UFFD_USER_MODE_ONLY);
    DECLARE_BITMAP(holes, PAGES);

    if (uffd < 0 || !put_markers(uffd, host + 8 * PAGE, 8 * PAGE)) {
        g_test_skip("no userfaultfd with asynchronous write-protection");
    } else if (have_method(hm, opaque)) {
        g_assert_cmpint(count_holes(hm, holes), >=, PAGES - 8);
        host[9 * PAGE] = 1;
        host[100 * PAGE] = 1;
        count_holes(hm, holes);
        g_assert_false(test_bit(9, holes));
        g_assert_false(test_bit(100, holes));
        g_assert_true(test_bit(101, holes));
    }
    munmap(host, PAGES * PAGE);
}

static void add_for_methods(const char *what, void (*func)(const void *))
{
    static const char *const names[] = { "pagemap-scan", "pagemap" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        g_autofree char *path = g_strdup_printf("/hole-map-memory/%s/%s",
                                                names[i], what);

        g_test_add_data_func(path, names[i], func);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_for_methods("a-page-in-swap-is-data", test_a_page_in_swap_is_data);
    add_for_methods("all-of-a-huge-page-is-data",
                    test_all_of_a_huge_page_is_data);
    add_for_methods("a-huge-page-that-was-only-read",
                    test_a_huge_page_that_was_only_read);
    add_for_methods("markers-of-userfaultfd", test_markers_of_userfaultfd);
    g_test_add_func("/hole-map-memory/seek/a-page-in-swap-is-data",
                    test_a_page_of_a_memfd_in_swap_is_data);
    return g_test_run();
}
