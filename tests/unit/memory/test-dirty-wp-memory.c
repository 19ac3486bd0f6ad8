/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty tracking by write-protection where the kernel does more with memory
 * than map it: huge pages of both sorts, pages that go out to their file, and
 * memory that it refuses.  Skipped where the kernel has no write-protection.
 */
#include "qemu/osdep.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "linux/userfaultfd_wp.h"
#include "memory/backend.h"
#include "memory/dirty.h"
#include "memory/guest-access.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/hole-map.h"
#include "qemu/units.h"
#include "ram-fixture.h"

#define HUGE_PAGES (2 * MiB / TARGET_PAGE_SIZE)
#define NR_PAGES (4 * HUGE_PAGES)

typedef struct Fixture {
    RamList *list;
    DirtyWp *wp;
    DirtyProvider *p;
    RAMBlock *a;
    unsigned long *bmap;
} Fixture;

/* Takes @list; false, with the test skipped, where the kernel refuses. */
static bool fixture_init(Fixture *f, RamList *list)
{
    Error *err = NULL;

    *f = (Fixture) { .list = list };
    f->wp = dirty_wp_new(list, &err);
    if (!f->wp) {
        g_test_skip(error_get_pretty(err));
        error_free(err);
        ram_list_free(list);
        return false;
    }
    f->p = dirty_wp_provider(f->wp);
    f->a = ram_list_find(list, "a");
    f->bmap = bitmap_new(NR_PAGES);
    return true;
}

static void fixture_clear(Fixture *f)
{
    dirty_wp_free(f->wp);
    ram_list_free(f->list);
    g_free(f->bmap);
}

static RamList *make_ram(RamFixtureKind kind)
{
    const RamFixtureBlock blocks[] = {
        { "a", NR_PAGES * TARGET_PAGE_SIZE, kind },
        { "b", 64 * KiB, RAM_FIXTURE_ANON },
    };

    return ram_fixture_new(blocks, 2);
}

static void touch(RAMBlock *block, uint64_t page)
{
    guest_access_fill(block->host + page * TARGET_PAGE_SIZE + 100, 0x5a, 1);
}

static void start(Fixture *f)
{
    Error *err = NULL;

    if (!f->p->ops->start(f->p, f->list, &err)) {
        g_error("start: %s", error_get_pretty(err));
    }
}

static uint64_t sync_a(Fixture *f)
{
    Error *err = NULL;
    uint64_t nr = 0;

    bitmap_zero(f->bmap, NR_PAGES);
    if (!f->p->ops->sync(f->p, f->a, f->bmap, &nr, &err)) {
        g_error("sync: %s", error_get_pretty(err));
    }
    g_assert_cmpuint(nr, ==, bitmap_count_one(f->bmap, NR_PAGES));
    return nr;
}

/* A write to a part of a huge page is one to that part. */
static void test_transparent_huge_pages(void)
{
    Fixture f;

    if (!fixture_init(&f, make_ram(RAM_FIXTURE_ANON))) {
        return;
    }
    (void)madvise(f.a->host, f.a->used_length, MADV_HUGEPAGE);
    for (uint64_t page = 0; page < NR_PAGES / 2; page++) {
        touch(f.a, page);
    }
    start(&f);
    g_assert_cmpuint(sync_a(&f), ==, 0);
    touch(f.a, HUGE_PAGES + 7);
    g_assert_cmpuint(sync_a(&f), ==, 1);
    g_assert_true(test_bit(HUGE_PAGES + 7, f.bmap));
    /* What was a hole may come as a huge page, all of it new. */
    touch(f.a, NR_PAGES - 9);
    g_assert_cmpuint(sync_a(&f), >=, 1);
    g_assert_true(test_bit(NR_PAGES - 9, f.bmap));
    touch(f.a, NR_PAGES - 10);
    g_assert_cmpuint(sync_a(&f), ==, 1);
    g_assert_true(test_bit(NR_PAGES - 10, f.bmap));
    g_assert_cmpuint(sync_a(&f), ==, 0);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

/* Pages that the kernel has put out of memory come back as they were. */
static void test_pages_that_go_out(void)
{
    Fixture f;
    uint8_t byte;

    if (!fixture_init(&f, make_ram(RAM_FIXTURE_FILE_SHARED))) {
        return;
    }
    for (uint64_t page = 0; page < NR_PAGES; page += 2) {
        touch(f.a, page);
    }
    start(&f);
    touch(f.a, 8);
    touch(f.a, 9);
    g_assert_cmpint(msync(f.a->host, f.a->used_length, MS_SYNC), ==, 0);
    (void)madvise(f.a->host, f.a->used_length, MADV_PAGEOUT);
    for (uint64_t page = 0; page < NR_PAGES; page += 3) {
        guest_access_read(&byte, f.a->host + page * TARGET_PAGE_SIZE, 1);
    }
    g_assert_cmpuint(sync_a(&f), ==, 2);
    g_assert_true(test_bit(8, f.bmap));
    g_assert_true(test_bit(9, f.bmap));
    (void)madvise(f.a->host, f.a->used_length, MADV_PAGEOUT);
    touch(f.a, 9);
    g_assert_cmpuint(sync_a(&f), ==, 1);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

static RamList *make_hugetlb(bool share)
{
    ObjectOptions o = {
        .id = (char *)"a",
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_MEMFD,
        .u.memory_backend_memfd = {
            .size = NR_PAGES * TARGET_PAGE_SIZE,
            .has_share = true,
            .share = share,
            .has_hugetlb = true,
            .hugetlb = true,
            .has_hugetlbsize = true,
            .hugetlbsize = 2 * MiB,
        },
    };
    Error *err = NULL;
    g_autoptr(HostMemoryBackend) backend = host_memory_backend_new(&o, &err);
    RamList *list;

    if (!backend) {
        g_test_skip(error_get_pretty(err));
        error_free(err);
        return NULL;
    }
    list = ram_list_new();
    g_assert_nonnull(ram_list_add_backend(list, "a", backend, NULL));
    return list;
}

static uint64_t nr_holes(RAMBlock *block)
{
    g_autofree unsigned long *holes = bitmap_new(NR_PAGES);

    g_assert_true(hole_map_query(block->hole_map, 0, block->used_length,
                                 holes, TARGET_PAGE_SIZE, NULL));
    return bitmap_count_one(holes, NR_PAGES);
}

/* A write to any part is one to all of it. */
static void test_hugetlb(gconstpointer opaque)
{
    RamList *list = make_hugetlb(GPOINTER_TO_INT(opaque));
    uint64_t before;
    uint8_t byte;
    Fixture f;

    if (!list || !fixture_init(&f, list)) {
        return;
    }
    touch(f.a, 5);
    before = nr_holes(f.a);
    start(&f);
    g_assert_cmpuint(nr_holes(f.a), ==, before);
    g_assert_cmpuint(sync_a(&f), ==, 0);
    guest_access_read(&byte, f.a->host, 1);
    g_assert_cmpuint(sync_a(&f), ==, 0);
    touch(f.a, 6);
    touch(f.a, 2 * HUGE_PAGES + 1);     /* a hole until now */
    g_assert_cmpuint(sync_a(&f), ==, 2 * HUGE_PAGES);
    g_assert_cmpuint(find_next_zero_bit(f.bmap, NR_PAGES, 0), ==, HUGE_PAGES);
    g_assert_cmpuint(find_next_bit(f.bmap, NR_PAGES, HUGE_PAGES), ==,
                     2 * HUGE_PAGES);
    g_assert_cmpuint(sync_a(&f), ==, 0);
    touch(f.a, 2 * HUGE_PAGES);
    g_assert_cmpuint(sync_a(&f), ==, HUGE_PAGES);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

/* 1 GiB: nothing is populated when it is proven, so it has to be known. */
static void test_huge_pages_of_another_size(void)
{
    RamList *list = make_ram(RAM_FIXTURE_MEMFD);
    RAMBlock *a = ram_list_find(list, "a");
    Error *err = NULL;
    Fixture f;

    if (!fixture_init(&f, list)) {
        return;
    }
    a->page_size = 1 * GiB;
    a->backend->hugetlb = true;
    g_assert_null(dirty_wp_new(list, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "RAM block 'a' has huge pages "
                    "of 1073741824 bytes, which the kernel does not "
                    "write-protect");
    error_free(err);
    a->backend->hugetlb = false;
    fixture_clear(&f);
}

static int open_userfaultfd(void)
{
    struct uffdio_api api = {
        .api = UFFD_API,
        .features = WHERRY_UFFD_FEATURE_WP_ASYNC,
    };
    int fd = (int)syscall(SYS_userfaultfd,
                          O_CLOEXEC | WHERRY_UFFD_USER_MODE_ONLY);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ioctl(fd, UFFDIO_API, &api), ==, 0);
    return fd;
}

static int try_register(int fd, const RAMBlock *block)
{
    struct uffdio_register reg = {
        .range.start = (uintptr_t)block->host,
        .range.len = block->used_length,
        .mode = UFFDIO_REGISTER_MODE_WP,
    };

    return ioctl(fd, UFFDIO_REGISTER, &reg);
}

/* One block that cannot be protected: then none is, and none stays so. */
static void test_a_block_that_is_refused(void)
{
    RamList *list = make_ram(RAM_FIXTURE_ANON);
    RAMBlock *a = ram_list_find(list, "a");
    RAMBlock *b = ram_list_find(list, "b");
    Error *err = NULL;
    Fixture f;
    int other;

    if (!fixture_init(&f, list)) {
        return;
    }
    other = open_userfaultfd();
    g_assert_cmpint(try_register(other, b), ==, 0);
    g_assert_null(dirty_wp_new(list, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "Cannot write-protect RAM block "
                    "'b' of 65536 bytes by userfaultfd: Device or resource "
                    "busy");
    error_free(err);
    g_assert_cmpint(try_register(other, a), ==, 0);
    close(other);
    fixture_clear(&f);
}

/* The same after it was proven: a start that fails, and one that does not. */
static void test_a_start_that_fails(void)
{
    Fixture f;
    Error *err = NULL;
    int other;

    if (!fixture_init(&f, make_ram(RAM_FIXTURE_MEMFD))) {
        return;
    }
    other = open_userfaultfd();
    g_assert_cmpint(try_register(other, ram_list_find(f.list, "b")), ==, 0);
    g_assert_false(f.p->ops->start(f.p, f.list, &err));
    g_assert_nonnull(err);
    error_free(err);
    f.p->ops->stop(f.p);
    close(other);
    touch(f.a, 3);
    start(&f);
    g_assert_cmpuint(sync_a(&f), ==, 0);
    touch(f.a, 3);
    touch(f.a, 4);
    g_assert_cmpuint(sync_a(&f), ==, 2);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dirty-wp-memory/transparent huge pages",
                    test_transparent_huge_pages);
    g_test_add_func("/dirty-wp-memory/pages that go out",
                    test_pages_that_go_out);
    g_test_add_data_func("/dirty-wp-memory/hugetlb/shared",
                         GINT_TO_POINTER(true), test_hugetlb);
    g_test_add_data_func("/dirty-wp-memory/hugetlb/private",
                         GINT_TO_POINTER(false), test_hugetlb);
    g_test_add_func("/dirty-wp-memory/huge pages of another size",
                    test_huge_pages_of_another_size);
    g_test_add_func("/dirty-wp-memory/a block that is refused",
                    test_a_block_that_is_refused);
    g_test_add_func("/dirty-wp-memory/a start that fails",
                    test_a_start_that_fails);
    return g_test_run();
}
