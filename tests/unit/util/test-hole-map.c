/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the hole finder against real memory of each kind.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include "qemu/bitmap.h"
#include "qemu/hole-map.h"

#define PAGE 4096u
#define PAGES 1024u

typedef struct Memory {
    uint8_t *host;
    int fd;
    HoleMap *map;
    DECLARE_BITMAP(holes, PAGES);
} Memory;

static void memory_init(Memory *m, bool memfd, bool shared)
{
    m->fd = -1;
    if (memfd) {
        m->fd = memfd_create("hole-map", MFD_CLOEXEC);
        g_assert_cmpint(m->fd, >=, 0);
        g_assert_cmpint(ftruncate(m->fd, PAGES * PAGE), ==, 0);
    }
    m->host = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
                   (shared ? MAP_SHARED : MAP_PRIVATE) |
                   (memfd ? 0 : MAP_ANONYMOUS), m->fd, 0);
    g_assert_true(m->host != MAP_FAILED);
    /* One page at a time, or a write would populate its neighbours. */
    madvise(m->host, PAGES * PAGE, MADV_NOHUGEPAGE);
    m->map = hole_map_new(&(HoleMapRegion) {
        .host = m->host,
        .len_bytes = PAGES * PAGE,
        .fd = m->fd,
        .shared = shared,
    });
}

static void memory_clear(Memory *m)
{
    hole_map_free(m->map);
    munmap(m->host, PAGES * PAGE);
    if (m->fd >= 0) {
        close(m->fd);
    }
}

static long memory_holes(Memory *m)
{
    Error *err = NULL;

    memset(m->holes, 0, sizeof(m->holes));
    g_assert_true(hole_map_query(m->map, 0, PAGES * PAGE, m->holes, PAGE,
                                 &err));
    g_assert_null(err);
    return bitmap_count_one(m->holes, PAGES);
}

static uint64_t memory_blocks(Memory *m)
{
    struct stat st;

    g_assert_cmpint(fstat(m->fd, &st), ==, 0);
    return (uint64_t)st.st_blocks;
}

static void check_written_pages_are_data(bool memfd, bool shared,
                                         const char *method)
{
    Memory m;

    memory_init(&m, memfd, shared);
    g_test_message("method %s", hole_map_method_name(m.map));
    g_assert_cmpint(memory_holes(&m), ==, PAGES);
    m.host[0] = 1;
    m.host[500 * PAGE] = 0;             /* zero, but populated */
    m.host[PAGES * PAGE - 1] = 1;
    g_assert_cmpint(memory_holes(&m), ==, PAGES - 3);
    g_assert_false(test_bit(0, m.holes));
    g_assert_false(test_bit(500, m.holes));
    g_assert_false(test_bit(PAGES - 1, m.holes));
    if (method) {
        g_assert_cmpstr(hole_map_method_name(m.map), ==, method);
    }
    memory_clear(&m);
}

static void test_memfd(void)
{
    check_written_pages_are_data(true, true, "seek");
}

static void test_anonymous(void)
{
    check_written_pages_are_data(false, false, NULL);
}

static void test_asking_populates_nothing(void)
{
    Memory m;

    memory_init(&m, true, true);
    g_assert_cmpint(memory_holes(&m), ==, PAGES);
    g_assert_cmpuint(memory_blocks(&m), ==, 0);
    memory_clear(&m);
}

static void test_a_punched_page_is_a_hole_again(void)
{
    Memory m;

    memory_init(&m, true, true);
    memset(m.host, 1, PAGES * PAGE);
    g_assert_cmpint(memory_holes(&m), ==, 0);
    g_assert_cmpint(fallocate(m.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              7 * PAGE, 2 * PAGE), ==, 0);
    g_assert_cmpint(memory_holes(&m), ==, 2);
    g_assert_true(test_bit(7, m.holes));
    g_assert_true(test_bit(8, m.holes));
    memory_clear(&m);
}

/* Reading anonymous memory maps the shared zero page: still nothing to read. */
static void test_a_page_that_was_only_read(void)
{
    volatile uint8_t *p;        /* volatile: what is read is not used */
    Memory m;

    memory_init(&m, false, false);
    memory_holes(&m);
    if (!g_str_equal(hole_map_method_name(m.map), "pagemap-scan")) {
        g_test_skip("this kernel has no PAGEMAP_SCAN");
    } else {
        p = m.host;
        (void)p[3 * PAGE];
        g_assert_cmpint(memory_holes(&m), ==, PAGES);
    }
    memory_clear(&m);
}

/* What is not populated here reads from the file: never a hole. */
static void test_a_private_file_is_all_data(void)
{
    Memory m;

    memory_init(&m, true, false);
    g_assert_cmpint(memory_holes(&m), ==, 0);
    g_assert_cmpstr(hole_map_method_name(m.map), ==, "none");
    memory_clear(&m);
}

static void test_a_part_is_counted_from_its_start(void)
{
    Error *err = NULL;
    Memory m;

    memory_init(&m, true, true);
    m.host[10 * PAGE] = 1;
    m.host[29 * PAGE] = 1;
    m.host[30 * PAGE] = 1;
    memset(m.holes, 0, sizeof(m.holes));
    g_assert_true(hole_map_query(m.map, 10 * PAGE, 20 * PAGE, m.holes, PAGE,
                                 &err));
    g_assert_false(test_bit(0, m.holes));
    g_assert_true(test_bit(1, m.holes));
    g_assert_false(test_bit(19, m.holes));
    g_assert_cmpint(bitmap_count_one(m.holes, PAGES), ==, 18);
    memory_clear(&m);
}

static void test_large_pages_are_data_if_any_part_is(void)
{
    Error *err = NULL;
    Memory m;

    memory_init(&m, true, true);
    m.host[5 * PAGE] = 1;
    memset(m.holes, 0, sizeof(m.holes));
    g_assert_true(hole_map_query(m.map, 0, PAGES * PAGE, m.holes, 4 * PAGE,
                                 &err));
    g_assert_true(test_bit(0, m.holes));
    g_assert_false(test_bit(1, m.holes));
    g_assert_cmpint(bitmap_count_one(m.holes, PAGES / 4), ==, PAGES / 4 - 1);
    memory_clear(&m);
}

static void test_asking_past_the_end_fails(void)
{
    g_autoptr(Error) err = NULL;
    Memory m;

    memory_init(&m, true, true);
    g_assert_false(hole_map_query(m.map, PAGE, PAGES * PAGE, m.holes, PAGE,
                                  &err));
    g_assert_nonnull(err);
    memory_clear(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hole-map/memfd", test_memfd);
    g_test_add_func("/hole-map/anonymous", test_anonymous);
    g_test_add_func("/hole-map/asking-populates-nothing",
                    test_asking_populates_nothing);
    g_test_add_func("/hole-map/a-punched-page-is-a-hole-again",
                    test_a_punched_page_is_a_hole_again);
    g_test_add_func("/hole-map/a-page-that-was-only-read",
                    test_a_page_that_was_only_read);
    g_test_add_func("/hole-map/a-private-file-is-all-data",
                    test_a_private_file_is_all_data);
    g_test_add_func("/hole-map/a-part-is-counted-from-its-start",
                    test_a_part_is_counted_from_its_start);
    g_test_add_func("/hole-map/large-pages-are-data-if-any-part-is",
                    test_large_pages_are_data_if_any_part_is);
    g_test_add_func("/hole-map/asking-past-the-end-fails",
                    test_asking_past_the_end_fails);
    return g_test_run();
}
