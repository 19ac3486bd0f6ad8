/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty tracking by write-protection: what is written is found once, with each
 * kind of memory; what is not, is not; holes stay holes; nothing is lost
 * between a writer and a reader that run at the same time.  Skipped where the
 * kernel refuses.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "memory/dirty.h"
#include "memory/guest-access.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/hole-map.h"
#include "qemu/thread.h"
#include "qemu/units.h"
#include "ram-fixture.h"

/* Two blocks, the second not a whole number of words of the bitmap. */
#define NR_PAGES_A 2048
#define NR_PAGES_B 25

typedef struct Fixture {
    RamList *list;
    DirtyWp *wp;
    DirtyProvider *p;
    RAMBlock *a, *b;
    unsigned long *bmap;
} Fixture;

static const struct {
    const char *name;
    RamFixtureKind kind;
} kinds[] = {
    { "anonymous", RAM_FIXTURE_ANON },
    { "memfd", RAM_FIXTURE_MEMFD },
    { "shared file", RAM_FIXTURE_FILE_SHARED },
    { "private file", RAM_FIXTURE_FILE_PRIVATE },
};

/* False, with the test skipped, where the kernel refuses. */
static bool fixture_init(Fixture *f, RamFixtureKind kind)
{
    const RamFixtureBlock blocks[] = {
        { "a", NR_PAGES_A * TARGET_PAGE_SIZE, kind },
        { "b", NR_PAGES_B * TARGET_PAGE_SIZE, RAM_FIXTURE_ANON },
    };
    Error *err = NULL;

    f->list = ram_fixture_new(blocks, 2);
    f->wp = dirty_wp_new(f->list, &err);
    if (!f->wp) {
        g_test_skip(error_get_pretty(err));
        error_free(err);
        ram_list_free(f->list);
        return false;
    }
    f->p = dirty_wp_provider(f->wp);
    f->a = ram_list_find(f->list, "a");
    f->b = ram_list_find(f->list, "b");
    f->bmap = bitmap_new(NR_PAGES_A);
    return true;
}

static void fixture_clear(Fixture *f)
{
    dirty_wp_free(f->wp);
    ram_list_free(f->list);
    g_free(f->bmap);
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

/* Adds to f->bmap. */
static uint64_t sync_more(Fixture *f, RAMBlock *block)
{
    Error *err = NULL;
    uint64_t nr = 0;

    if (!f->p->ops->sync(f->p, block, f->bmap, &nr, &err)) {
        g_error("sync: %s", error_get_pretty(err));
    }
    return nr;
}

static uint64_t sync_block(Fixture *f, RAMBlock *block)
{
    bitmap_zero(f->bmap, NR_PAGES_A);
    return sync_more(f, block);
}

static void test_writes_are_found_once(gconstpointer opaque)
{
    Fixture f;

    if (!fixture_init(&f, GPOINTER_TO_INT(opaque))) {
        return;
    }
    touch(f.a, 3);
    touch(f.a, 4);
    start(&f);
    /* written before: not the log's */
    g_assert_cmpuint(sync_block(&f, f.a), ==, 0);
    touch(f.a, 4);
    touch(f.a, 700);            /* a hole until now */
    touch(f.a, NR_PAGES_A - 1);
    touch(f.b, NR_PAGES_B - 1);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 3);
    g_assert_true(test_bit(4, f.bmap));
    g_assert_true(test_bit(700, f.bmap));
    g_assert_true(test_bit(NR_PAGES_A - 1, f.bmap));
    g_assert_cmpuint(sync_block(&f, f.b), ==, 1);
    g_assert_true(test_bit(NR_PAGES_B - 1, f.bmap));
    g_assert_cmpuint(sync_block(&f, f.a), ==, 0);
    g_assert_true(bitmap_empty(f.bmap, NR_PAGES_A));
    touch(f.a, 700);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 1);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

/* More runs than one ioctl returns. */
static void test_many_runs(gconstpointer opaque)
{
    Fixture f;

    if (!fixture_init(&f, GPOINTER_TO_INT(opaque))) {
        return;
    }
    start(&f);
    for (uint64_t page = 0; page < NR_PAGES_A; page += 2) {
        touch(f.a, page);
    }
    g_assert_cmpuint(sync_block(&f, f.a), ==, NR_PAGES_A / 2);
    for (uint64_t page = 0; page < NR_PAGES_A; page++) {
        g_assert_cmpint(test_bit(page, f.bmap), ==, page % 2 == 0);
    }
    g_assert_cmpuint(sync_block(&f, f.a), ==, 0);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

/* A migration reads: that is no write. */
static void test_reads_are_no_writes(gconstpointer opaque)
{
    Fixture f;
    uint8_t byte;

    if (!fixture_init(&f, GPOINTER_TO_INT(opaque))) {
        return;
    }
    for (uint64_t page = 0; page < NR_PAGES_A; page += 3) {
        touch(f.a, page);
    }
    /* Out of the page tables, not out of the file. */
    if (GPOINTER_TO_INT(opaque) != RAM_FIXTURE_ANON &&
        GPOINTER_TO_INT(opaque) != RAM_FIXTURE_FILE_PRIVATE) {
        g_assert_cmpint(madvise(f.a->host, f.a->used_length, MADV_DONTNEED),
                        ==, 0);
    }
    start(&f);
    for (uint64_t page = 0; page < NR_PAGES_A; page += 3) {
        guest_access_read(&byte, f.a->host + page * TARGET_PAGE_SIZE, 1);
    }
    g_assert_cmpuint(sync_block(&f, f.a), ==, 0);
    touch(f.a, 6);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 1);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

/* The kernel may forget the entry of a page that is safe in its file. */
static void test_writes_outlive_their_entry(void)
{
    Fixture f;

    if (!fixture_init(&f, RAM_FIXTURE_MEMFD)) {
        return;
    }
    start(&f);
    touch(f.a, 9);
    g_assert_cmpint(madvise(f.a->host + 9 * TARGET_PAGE_SIZE,
                            TARGET_PAGE_SIZE, MADV_DONTNEED), ==, 0);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 1);
    g_assert_true(test_bit(9, f.bmap));
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

static bool is_hole(RAMBlock *block, uint64_t page)
{
    unsigned long hole = 0;

    g_assert_true(hole_map_query(block->hole_map, page * TARGET_PAGE_SIZE,
                                 TARGET_PAGE_SIZE, &hole, TARGET_PAGE_SIZE,
                                 NULL));
    return hole & 1;
}

static uint64_t nr_holes(RAMBlock *block)
{
    uint64_t nr = 0;

    for (uint64_t page = 0; page < block->nr_pages; page++) {
        nr += is_hole(block, page);
    }
    return nr;
}

/*
 * Counts without markers: those of a private file, whose pages are all data to
 * the hole map, look swapped.
 */
static uint64_t nr_populated(const Fixture *f, RamFixtureKind kind)
{
    return kind == RAM_FIXTURE_FILE_PRIVATE
        ? 0 : ram_fixture_populated_pages(f->list);
}

static void test_holes_stay_holes(gconstpointer opaque)
{
    RamFixtureKind kind = GPOINTER_TO_INT(opaque);
    Fixture f;
    uint64_t before;
    uint64_t populated;

    if (!fixture_init(&f, kind)) {
        return;
    }
    touch(f.a, 3);
    touch(f.a, 4);
    before = nr_holes(f.a);
    populated = nr_populated(&f, kind);
    if (kind == RAM_FIXTURE_ANON || kind == RAM_FIXTURE_MEMFD) {
        g_assert_cmpuint(before, ==, NR_PAGES_A - 2);
    }
    start(&f);
    g_assert_cmpuint(nr_holes(f.a), ==, before);
    g_assert_cmpuint(nr_populated(&f, kind), ==, populated);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 0);
    g_assert_cmpuint(nr_holes(f.a), ==, before);
    g_assert_cmpuint(nr_populated(&f, kind), ==, populated);
    /* and data is data: written before, and written to a hole */
    g_assert_false(is_hole(f.a, 3));
    touch(f.a, 1000);
    g_assert_false(is_hole(f.a, 1000));
    g_assert_cmpuint(sync_block(&f, f.a), ==, 1);
    g_assert_false(is_hole(f.a, 1000));
    f.p->ops->stop(f.p);
    g_assert_cmpuint(nr_holes(f.a), ==, before ? before - 1 : 0);
    fixture_clear(&f);
}

static void test_bits_already_set(void)
{
    Fixture f;

    if (!fixture_init(&f, RAM_FIXTURE_ANON)) {
        return;
    }
    start(&f);
    set_bit(1, f.bmap);
    set_bit(200, f.bmap);
    for (uint64_t page = 0; page < 3; page++) {
        touch(f.a, page);
    }
    /* Counted are the new ones; the old ones stay. */
    g_assert_cmpuint(sync_more(&f, f.a), ==, 2);
    g_assert_cmpint(bitmap_count_one(f.bmap, NR_PAGES_A), ==, 4);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

static void test_a_second_period(void)
{
    Fixture f;

    if (!fixture_init(&f, RAM_FIXTURE_MEMFD)) {
        return;
    }
    start(&f);
    touch(f.a, 1);
    f.p->ops->stop(f.p);
    f.p->ops->stop(f.p);
    touch(f.a, 2);
    start(&f);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 0);
    touch(f.a, 2);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 1);
    fixture_clear(&f);
}

static void test_another_list(void)
{
    static const RamFixtureBlock blocks[] = {
        { "c", 64 * KiB, RAM_FIXTURE_ANON },
    };
    Fixture f;
    Error *err = NULL;
    RamList *other;

    if (!fixture_init(&f, RAM_FIXTURE_ANON)) {
        return;
    }
    other = ram_fixture_new(blocks, 1);
    g_assert_false(f.p->ops->start(f.p, other, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "write-protection was prepared "
                    "for another list of RAM blocks");
    error_free(err);
    ram_list_free(other);
    fixture_clear(&f);
}

enum { NR_WRITES = 60000 };

typedef struct Writer {
    RAMBlock *block;
    unsigned done;      /* atomic */
} Writer;

/* Counts up a word in pages chosen by a fixed rule. */
static void *writer_run(void *opaque)
{
    Writer *w = opaque;

    for (uint64_t i = 1; i <= NR_WRITES; i++) {
        uint64_t page = i * 7919 % NR_PAGES_A;

        guest_access_write(w->block->host + page * TARGET_PAGE_SIZE, &i,
                           sizeof(i));
    }
    qatomic_store_release(&w->done, 1);
    return NULL;
}

/* What is copied whenever it is dirty equals the memory in the end. */
static void test_nothing_is_lost(gconstpointer opaque)
{
    Fixture f;
    Writer writer = { 0 };
    QemuThread thread;
    g_autofree uint64_t *copy = g_new0(uint64_t, NR_PAGES_A);
    bool last;

    if (!fixture_init(&f, GPOINTER_TO_INT(opaque))) {
        return;
    }
    start(&f);
    writer.block = f.a;
    qemu_thread_create(&thread, "writer", writer_run, &writer,
                       QEMU_THREAD_JOINABLE);
    do {
        last = qatomic_load_acquire(&writer.done);
        sync_block(&f, f.a);
        for (uint64_t page = find_first_bit(f.bmap, NR_PAGES_A);
             page < NR_PAGES_A;
             page = find_next_bit(f.bmap, NR_PAGES_A, page + 1)) {
            guest_access_read(&copy[page],
                              f.a->host + page * TARGET_PAGE_SIZE,
                              sizeof(copy[page]));
        }
    } while (!last);
    qemu_thread_join(&thread);
    for (uint64_t page = 0; page < NR_PAGES_A; page++) {
        uint64_t now;

        guest_access_read(&now, f.a->host + page * TARGET_PAGE_SIZE,
                          sizeof(now));
        g_assert_cmpuint(copy[page], ==, now);
    }
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

static void add_for_each_kind(const char *name, GTestDataFunc fn)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *path = g_strdup_printf("/dirty-wp/%s/%s", name,
                                                kinds[i].name);

        g_test_add_data_func(path, GINT_TO_POINTER(kinds[i].kind), fn);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_for_each_kind("writes are found once", test_writes_are_found_once);
    add_for_each_kind("many runs", test_many_runs);
    add_for_each_kind("reads are no writes", test_reads_are_no_writes);
    add_for_each_kind("holes stay holes", test_holes_stay_holes);
    add_for_each_kind("nothing is lost", test_nothing_is_lost);
    g_test_add_func("/dirty-wp/writes outlive their entry",
                    test_writes_outlive_their_entry);
    g_test_add_func("/dirty-wp/bits already set stay", test_bits_already_set);
    g_test_add_func("/dirty-wp/a second period", test_a_second_period);
    g_test_add_func("/dirty-wp/another list", test_another_list);
    return g_test_run();
}
