/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the way to ask for holes of shared huge pages, on tmpfs, which takes
 * the same questions, and on huge pages where the host has some set aside.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/thread.h"
#include "qemu/units.h"
#include "util/hole-map-internal.h"

#define NR_PAGES 8u
#define SMALL_PAGE 4096u

typedef struct Memory {
    bool hugetlb;
    size_t page;        /* bytes */
    size_t len_bytes;
    int fd;
    uint8_t *host;
    uint8_t *elsewhere; /* another mapping: like that of another process */
    HoleMap *map;
    unsigned long holes;
} Memory;

static uint8_t *memory_map(Memory *m)
{
    void *host = mmap(NULL, m->len_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                      m->fd, 0);

    return host == MAP_FAILED ? NULL : host;
}

static void memory_clear(Memory *m)
{
    hole_map_free(m->map);
    if (m->host) {
        munmap(m->host, m->len_bytes);
    }
    if (m->elsewhere) {
        munmap(m->elsewhere, m->len_bytes);
    }
    close(m->fd);
}

/* Begins with page @first of the file; false with the test skipped. */
static bool memory_init(Memory *m, bool hugetlb, unsigned first)
{
    *m = (Memory) {
        .hugetlb = hugetlb,
        .page = hugetlb ? 2 * MiB : SMALL_PAGE,
        .fd = memfd_create("hole-map-minor", MFD_CLOEXEC |
                           (hugetlb ? MFD_HUGETLB | 21u << 26 : 0)),
    };
    m->len_bytes = NR_PAGES * m->page;
    if (m->fd < 0) {
        g_test_skip("this host has no huge pages of 2 MiB");
        return false;
    }
    g_assert_cmpint(ftruncate(m->fd, (off_t)m->len_bytes), ==, 0);
    m->host = memory_map(m);
    m->elsewhere = memory_map(m);
    if (!m->host || !m->elsewhere) {
        g_test_skip("too few huge pages: 8 are needed in "
                    "/proc/sys/vm/nr_hugepages");
        memory_clear(m);
        return false;
    }
    m->map = hole_map_new(&(HoleMapRegion) {
        .host = m->host + first * m->page,
        .len_bytes = m->len_bytes - first * m->page,
        .fd = m->fd,
        .fd_offset = first * m->page,
        .shared = true,
        .hugetlb = hugetlb,
    });
    if (!hugetlb) {
        hole_map_minor_open(m->map);
    }
    if (!hole_map_use_method(m->map, "minor")) {
        g_test_skip("this kernel has no userfaultfd for minor faults");
        memory_clear(m);
        return false;
    }
    return true;
}

/* The bits of the holes among @nr pages from @start on. */
static unsigned long memory_ask(Memory *m, unsigned start, unsigned nr)
{
    m->holes = 0;
    g_assert_true(hole_map_query(m->map, start * m->page, nr * m->page,
                                 &m->holes, m->page, NULL));
    g_assert_cmpstr(hole_map_method_name(m->map), ==, "minor");
    return m->holes;
}

static uint64_t memory_blocks(Memory *m)
{
    struct stat st;

    g_assert_cmpint(fstat(m->fd, &st), ==, 0);
    return (uint64_t)st.st_blocks * 512;
}

static void test_written_pages_are_data(gconstpointer opaque)
{
    Memory m;

    if (!memory_init(&m, GPOINTER_TO_INT(opaque), 0)) {
        return;
    }
    g_assert_cmphex(memory_ask(&m, 0, NR_PAGES), ==, 0xff);
    m.host[0] = 1;
    m.host[3 * m.page] = 0;             /* zero, but populated */
    m.host[8 * m.page - 1] = 1;
    g_assert_cmphex(memory_ask(&m, 0, NR_PAGES), ==, 0x76);
    /* The second time the pages are known to the mapping that is asked. */
    g_assert_cmphex(memory_ask(&m, 0, NR_PAGES), ==, 0x76);
    m.host[2 * m.page] = 1;
    g_assert_cmphex(memory_ask(&m, 0, NR_PAGES), ==, 0x72);
    g_assert_cmphex(memory_ask(&m, 2, 3), ==, 0x4);
    memory_clear(&m);
}

/* What a page table of ours cannot tell. */
static void test_a_page_that_another_process_wrote(gconstpointer opaque)
{
    Memory m;

    if (!memory_init(&m, GPOINTER_TO_INT(opaque), 0)) {
        return;
    }
    m.elsewhere[5 * m.page] = 1;
    g_assert_cmphex(memory_ask(&m, 0, NR_PAGES), ==, 0xdf);
    memory_clear(&m);
}

static void test_asking_populates_nothing(gconstpointer opaque)
{
    Memory m;

    if (!memory_init(&m, GPOINTER_TO_INT(opaque), 0)) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        memory_ask(&m, 0, NR_PAGES);
    }
    g_assert_cmpuint(memory_blocks(&m), ==, 0);
    m.host[m.page] = 1;
    memory_ask(&m, 0, NR_PAGES);
    g_assert_cmpuint(memory_blocks(&m), ==, m.page);
    memory_clear(&m);
}

static void test_a_punched_page_is_a_hole_again(gconstpointer opaque)
{
    Memory m;

    if (!memory_init(&m, GPOINTER_TO_INT(opaque), 0)) {
        return;
    }
    memset(m.host, 1, m.len_bytes);
    g_assert_cmphex(memory_ask(&m, 0, NR_PAGES), ==, 0);
    g_assert_cmpint(fallocate(m.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              (off_t)(6 * m.page), (off_t)m.page), ==, 0);
    g_assert_cmphex(memory_ask(&m, 0, NR_PAGES), ==, 0x40);
    memory_clear(&m);
}

static void test_a_region_inside_a_file_uses_its_offset(gconstpointer opaque)
{
    Memory m;

    if (!memory_init(&m, GPOINTER_TO_INT(opaque), 2)) {
        return;
    }
    m.host[1 * m.page] = 1;             /* before the region */
    m.host[4 * m.page] = 1;
    g_assert_cmphex(memory_ask(&m, 0, NR_PAGES - 2), ==, 0x3b);
    memory_clear(&m);
}

/* Target pages are smaller: all of a huge page is data when any part is. */
static void test_parts_of_a_huge_page(gconstpointer opaque)
{
    DECLARE_BITMAP(holes, 1024);
    Memory m;

    if (!memory_init(&m, true, 0)) {
        return;
    }
    m.host[3 * m.page + 5] = 1;
    bitmap_zero(holes, 1024);
    g_assert_true(hole_map_query(m.map, 2 * m.page + m.page / 2, 2 * m.page,
                                 holes, SMALL_PAGE, NULL));
    g_assert_cmpuint(find_next_zero_bit(holes, 1024, 0), ==, 256);
    g_assert_cmpuint(find_next_bit(holes, 1024, 256), ==, 768);
    g_assert_cmpuint(find_next_zero_bit(holes, 1024, 768), ==, 1024);
    memory_clear(&m);
}

static void test_a_kernel_that_refuses_leaves_all_data(void)
{
    Memory m;
    AUTO_FD int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (!memory_init(&m, false, 0)) {
        return;
    }
    g_assert_cmpint(dup2(null, m.map->minor_fd), ==, m.map->minor_fd);
    m.holes = 0;
    g_assert_true(hole_map_query(m.map, 0, m.len_bytes, &m.holes, m.page,
                                 NULL));
    g_assert_cmphex(m.holes, ==, 0);
    g_assert_cmpstr(hole_map_method_name(m.map), ==, "none");
    memory_clear(&m);
}

enum { NR_TURNS = 30 };

typedef struct Race {
    Memory *m;
    unsigned nr_written;        /* atomic: so many pages from the first on */
} Race;

static void *writer_run(void *opaque)
{
    Race *r = opaque;

    for (unsigned i = 0; i < NR_PAGES; i++) {
        *(volatile uint8_t *)(r->m->elsewhere + i * r->m->page) = 1;
        qatomic_store_release(&r->nr_written, i + 1);
        g_thread_yield();
    }
    return NULL;
}

/* What was written before the question is no hole; so until all is written. */
static void *asker_run(void *opaque)
{
    Race *r = opaque;
    unsigned before;

    do {
        unsigned long holes = 0;

        before = qatomic_load_acquire(&r->nr_written);
        g_assert_true(hole_map_query(r->m->map, 0, r->m->len_bytes, &holes,
                                     r->m->page, NULL));
        g_assert_cmphex(holes & ((1ul << before) - 1), ==, 0);
    } while (before < NR_PAGES);
    return NULL;
}

static void test_population_meanwhile(gconstpointer opaque)
{
    Memory m;

    if (!memory_init(&m, GPOINTER_TO_INT(opaque), 0)) {
        return;
    }
    for (int turn = 0; turn < NR_TURNS; turn++) {
        Race race = { .m = &m };
        QemuThread writer, asker;

        g_assert_cmpint(fallocate(m.fd, FALLOC_FL_PUNCH_HOLE |
                                  FALLOC_FL_KEEP_SIZE, 0,
                                  (off_t)m.len_bytes), ==, 0);
        g_assert_cmphex(memory_ask(&m, 0, NR_PAGES), ==, 0xff);
        qemu_thread_create(&writer, "writer", writer_run, &race,
                           QEMU_THREAD_JOINABLE);
        qemu_thread_create(&asker, "asker", asker_run, &race,
                           QEMU_THREAD_JOINABLE);
        asker_run(&race);
        qemu_thread_join(&writer);
        qemu_thread_join(&asker);
    }
    g_assert_cmpstr(hole_map_method_name(m.map), ==, "minor");
    memory_clear(&m);
}

static void add(const char *name, GTestDataFunc func)
{
    g_autofree char *small = g_strdup_printf("/hole-map-minor/tmpfs/%s", name);
    g_autofree char *huge = g_strdup_printf("/hole-map-minor/hugetlb/%s", name);

    g_test_add_data_func(small, GINT_TO_POINTER(false), func);
    g_test_add_data_func(huge, GINT_TO_POINTER(true), func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("written-pages-are-data", test_written_pages_are_data);
    add("a-page-that-another-process-wrote",
        test_a_page_that_another_process_wrote);
    add("asking-populates-nothing", test_asking_populates_nothing);
    add("a-punched-page-is-a-hole-again", test_a_punched_page_is_a_hole_again);
    add("a-region-inside-a-file-uses-its-offset",
        test_a_region_inside_a_file_uses_its_offset);
    add("population-meanwhile", test_population_meanwhile);
    g_test_add_data_func("/hole-map-minor/hugetlb/parts-of-a-huge-page", NULL,
                         test_parts_of_a_huge_page);
    g_test_add_func("/hole-map-minor/a-kernel-that-refuses-leaves-all-data",
                    test_a_kernel_that_refuses_leaves_all_data);
    return g_test_run();
}
