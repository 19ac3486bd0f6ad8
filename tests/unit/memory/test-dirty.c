/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty tracking providers: what is marked is found once, and nothing is lost
 * between a writer and a reader that run at the same time.
 */
#include "qemu/osdep.h"
#include "memory/dirty.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/thread.h"
#include "qemu/units.h"
#include "ram-fixture.h"

static const RamFixtureBlock blocks[] = {
    { "a", 1 * MiB, RAM_FIXTURE_ANON },
    /* not a whole number of words of the log */
    { "b", 100 * KiB, RAM_FIXTURE_ANON },
};

typedef struct Fixture {
    RamList *list;
    DirtySoft *soft;
    DirtyProvider *p;
    RAMBlock *a, *b;
    unsigned long *bmap_a, *bmap_b;
} Fixture;

static void fixture_init(Fixture *f)
{
    f->list = ram_fixture_new(blocks, 2);
    f->soft = dirty_soft_new(f->list);
    f->p = dirty_soft_provider(f->soft);
    f->a = ram_list_find(f->list, "a");
    f->b = ram_list_find(f->list, "b");
    f->bmap_a = bitmap_new(f->a->nr_pages);
    f->bmap_b = bitmap_new(f->b->nr_pages);
}

static void fixture_clear(Fixture *f)
{
    dirty_soft_free(f->soft);
    ram_list_free(f->list);
    g_free(f->bmap_a);
    g_free(f->bmap_b);
}

static uint64_t sync_block(Fixture *f, RAMBlock *block)
{
    uint64_t nr = 0;

    g_assert_true(f->p->ops->sync(f->p, block, block == f->a ? f->bmap_a :
                                  f->bmap_b, &nr, NULL));
    return nr;
}

static void test_none(void)
{
    Fixture f;
    DirtyProvider *none = dirty_provider_none();
    uint64_t nr = 5;

    fixture_init(&f);
    set_bit(3, f.bmap_a);
    g_assert_cmpstr(none->ops->name, ==, "none");
    g_assert_true(none->ops->start(none, f.list, NULL));
    g_assert_true(none->ops->sync(none, f.a, f.bmap_a, &nr, NULL));
    g_assert_cmpuint(nr, ==, 5);
    g_assert_cmpint(bitmap_count_one(f.bmap_a, f.a->nr_pages), ==, 1);
    g_assert_null(none->ops->clear);
    none->ops->stop(none);
    fixture_clear(&f);
}

static void test_marks_are_found(void)
{
    Fixture f;

    fixture_init(&f);
    g_assert_true(f.p->ops->start(f.p, f.list, NULL));
    g_assert_cmpuint(sync_block(&f, f.a), ==, 0);
    /* one byte; the last byte; across a border; a whole number of pages */
    dirty_soft_mark(f.soft, f.a, 0, 1);
    dirty_soft_mark(f.soft, f.a, 1 * MiB - 1, 1);
    dirty_soft_mark(f.soft, f.a, 10 * 4096 - 1, 2);
    dirty_soft_mark(f.soft, f.a, 60 * 4096, 70 * 4096);
    dirty_soft_mark(f.soft, f.b, 24 * 4096 + 5, 4091);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 1 + 1 + 2 + 70);
    g_assert_true(test_bit(0, f.bmap_a));
    g_assert_true(test_bit(255, f.bmap_a));
    g_assert_true(test_bit(9, f.bmap_a));
    g_assert_true(test_bit(10, f.bmap_a));
    g_assert_false(test_bit(59, f.bmap_a));
    g_assert_true(test_bit(60, f.bmap_a));
    g_assert_true(test_bit(129, f.bmap_a));
    g_assert_false(test_bit(130, f.bmap_a));
    g_assert_cmpuint(sync_block(&f, f.b), ==, 1);
    g_assert_true(test_bit(24, f.bmap_b));
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

static void test_found_once(void)
{
    Fixture f;

    fixture_init(&f);
    g_assert_true(f.p->ops->start(f.p, f.list, NULL));
    dirty_soft_mark(f.soft, f.a, 0, 8192);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 2);
    bitmap_zero(f.bmap_a, f.a->nr_pages);
    g_assert_cmpuint(sync_block(&f, f.a), ==, 0);
    g_assert_true(bitmap_empty(f.bmap_a, f.a->nr_pages));
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

static void test_bits_already_set(void)
{
    Fixture f;

    fixture_init(&f);
    g_assert_true(f.p->ops->start(f.p, f.list, NULL));
    set_bit(1, f.bmap_a);
    set_bit(200, f.bmap_a);
    dirty_soft_mark(f.soft, f.a, 0, 3 * 4096);
    /* Counted are the new ones; the old ones stay. */
    g_assert_cmpuint(sync_block(&f, f.a), ==, 2);
    g_assert_cmpint(bitmap_count_one(f.bmap_a, f.a->nr_pages), ==, 4);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

static void test_start_forgets(void)
{
    Fixture f;

    fixture_init(&f);
    dirty_soft_mark(f.soft, f.a, 0, 1);
    dirty_soft_mark(f.soft, f.b, 0, 1);
    g_assert_true(f.p->ops->start(f.p, f.list, NULL));
    g_assert_cmpuint(sync_block(&f, f.a), ==, 0);
    g_assert_cmpuint(sync_block(&f, f.b), ==, 0);
    f.p->ops->stop(f.p);
    fixture_clear(&f);
}

static void test_blocks_added_later(void)
{
    Fixture f;
    Error *err = NULL;

    fixture_init(&f);
    g_assert_nonnull(ram_list_add_backend(f.list, "c", f.a->backend, NULL));
    g_assert_false(f.p->ops->start(f.p, f.list, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "software dirty tracking knows "
                    "2 RAM blocks, but the machine has 3 by now");
    error_free(err);
    fixture_clear(&f);
}

enum { NR_WRITERS = 3, NR_WRITES = 40000 };

/* Writes ever larger numbers to pages that it shares with the other writers. */
typedef struct Writer {
    Fixture *f;
    unsigned number;
    unsigned *nr_running;
} Writer;

static void *writer_thread(void *opaque)
{
    Writer *w = opaque;
    RAMBlock *block = w->f->a;

    for (uint32_t i = 1; i <= NR_WRITES; i++) {
        uint64_t page = (uint64_t)i * 7919 % block->nr_pages;
        uint64_t at = page * TARGET_PAGE_SIZE + w->number * 4;

        qatomic_set((uint32_t *)(block->host + at), i);
        dirty_soft_mark(w->f->soft, block, at, 4);
    }
    qatomic_dec(w->nr_running);
    return NULL;
}

/* Copies what is dirty, as a migration would. */
static void copy_dirty(Fixture *f, uint32_t *copy)
{
    RAMBlock *block = f->a;

    sync_block(f, block);
    for (uint64_t page = find_first_bit(f->bmap_a, block->nr_pages);
         page < block->nr_pages;
         page = find_next_bit(f->bmap_a, block->nr_pages, page + 1)) {
        clear_bit(page, f->bmap_a);
        for (unsigned i = 0; i < NR_WRITERS; i++) {
            copy[page * NR_WRITERS + i] = qatomic_read(
                (uint32_t *)(block->host + page * TARGET_PAGE_SIZE) + i);
        }
    }
}

static void test_no_mark_is_lost(void)
{
    Fixture f;
    Writer writers[NR_WRITERS];
    QemuThread threads[NR_WRITERS];
    unsigned nr_running = NR_WRITERS;
    g_autofree uint32_t *copy = NULL;

    fixture_init(&f);
    copy = g_new0(uint32_t, f.a->nr_pages * NR_WRITERS);
    g_assert_true(f.p->ops->start(f.p, f.list, NULL));
    for (unsigned i = 0; i < NR_WRITERS; i++) {
        writers[i] = (Writer) { &f, i, &nr_running };
        qemu_thread_create(&threads[i], "writer", writer_thread, &writers[i],
                           QEMU_THREAD_JOINABLE);
    }
    while (qatomic_load_acquire(&nr_running) > 0) {
        copy_dirty(&f, copy);
    }
    for (unsigned i = 0; i < NR_WRITERS; i++) {
        qemu_thread_join(&threads[i]);
    }
    copy_dirty(&f, copy);
    f.p->ops->stop(f.p);

    for (uint64_t page = 0; page < f.a->nr_pages; page++) {
        for (unsigned i = 0; i < NR_WRITERS; i++) {
            uint32_t *there = (uint32_t *)(f.a->host +
                                           page * TARGET_PAGE_SIZE) + i;

            g_assert_cmpuint(copy[page * NR_WRITERS + i], ==, *there);
        }
    }
    fixture_clear(&f);
}

/* RAM that is never touched takes no memory but for its bitmaps. */
static uint64_t words_for_marks(uint64_t size_bytes, unsigned nr_marks)
{
    const RamFixtureBlock large = { "large", size_bytes, RAM_FIXTURE_MEMFD };
    RamList *list = ram_fixture_new(&large, 1);
    RAMBlock *block = ram_list_block(list, 0);
    DirtySoft *soft = dirty_soft_new(list);
    DirtyProvider *p = dirty_soft_provider(soft);
    g_autofree unsigned long *bmap = bitmap_new(block->nr_pages);
    uint64_t nr = 0, before;

    g_assert_true(p->ops->start(p, list, NULL));
    for (unsigned i = 0; i < nr_marks; i++) {
        dirty_soft_mark(soft, block, size_bytes / nr_marks * i, 1);
    }
    before = dirty_soft_words_looked_at(soft);
    g_assert_true(p->ops->sync(p, block, bmap, &nr, NULL));
    g_assert_cmpuint(nr, ==, nr_marks);
    before = dirty_soft_words_looked_at(soft) - before;
    p->ops->stop(p);
    dirty_soft_free(soft);
    ram_list_free(list);
    return before;
}

/* Counted in words, of which the log of 256 GiB alone has a million. */
static void test_a_look_costs_by_what_was_marked(void)
{
    uint64_t idle = words_for_marks(256 * GiB, 0);
    uint64_t few = words_for_marks(256 * GiB, 10);
    uint64_t many = words_for_marks(256 * GiB, 1000);

    g_assert_cmpuint(idle, <=, 256);
    g_assert_cmpuint(few - idle, ==, 10 * 64);
    g_assert_cmpuint(many - idle, ==, 1000 * 64);
    g_assert_cmpuint(words_for_marks(16 * GiB, 10) -
                     words_for_marks(16 * GiB, 0), ==, few - idle);
}

/* Far more than one bit of what stands above the log stands for. */
static void test_a_mark_may_be_long(void)
{
    const RamFixtureBlock large = { "large", 1 * GiB, RAM_FIXTURE_MEMFD };
    RamList *list = ram_fixture_new(&large, 1);
    RAMBlock *block = ram_list_block(list, 0);
    DirtySoft *soft = dirty_soft_new(list);
    DirtyProvider *p = dirty_soft_provider(soft);
    g_autofree unsigned long *bmap = bitmap_new(block->nr_pages);
    uint64_t nr = 0;

    g_assert_true(p->ops->start(p, list, NULL));
    dirty_soft_mark(soft, block, 15 * MiB, 700 * MiB);
    g_assert_true(p->ops->sync(p, block, bmap, &nr, NULL));
    g_assert_cmpuint(nr, ==, 700 * MiB / TARGET_PAGE_SIZE);
    g_assert_cmpuint(find_first_bit(bmap, block->nr_pages), ==,
                     15 * MiB / TARGET_PAGE_SIZE);
    g_assert_cmpuint(find_last_bit(bmap, block->nr_pages), ==,
                     715 * MiB / TARGET_PAGE_SIZE - 1);
    p->ops->stop(p);
    dirty_soft_free(soft);
    ram_list_free(list);
}

enum { NR_MARKERS = 2, NR_BATCHES = 3000, BATCH_PAGES = 16 };

/* Marks pages that lie far apart, some at a time. */
typedef struct Marker {
    DirtySoft *soft;
    RAMBlock *block;
    unsigned number;
    unsigned done;          /* atomic; batches that are marked */
    unsigned found;         /* atomic; batches that may be marked again */
} Marker;

static uint64_t marker_page(const Marker *m, unsigned batch, unsigned i)
{
    uint64_t apart = m->block->nr_pages / BATCH_PAGES;

    return i * apart + batch * NR_MARKERS + m->number;
}

static void *marker_thread(void *opaque)
{
    Marker *m = opaque;

    for (unsigned batch = 0; batch < NR_BATCHES; batch++) {
        for (unsigned i = 0; i < BATCH_PAGES; i++) {
            dirty_soft_mark(m->soft, m->block,
                            marker_page(m, batch, i) * TARGET_PAGE_SIZE, 1);
        }
        qatomic_store_release(&m->done, batch + 1);
        while (qatomic_load_acquire(&m->found) <= batch) {
            g_thread_yield();
        }
    }
    return NULL;
}

/* What was marked before a look began is found by it; nothing is found twice. */
static uint64_t look_for_marks(DirtyProvider *p, Marker *markers,
                               unsigned long *bmap)
{
    unsigned done[NR_MARKERS];
    uint64_t nr = 0;

    for (unsigned i = 0; i < NR_MARKERS; i++) {
        done[i] = qatomic_load_acquire(&markers[i].done);
    }
    g_assert_true(p->ops->sync(p, markers[0].block, bmap, &nr, NULL));
    for (unsigned i = 0; i < NR_MARKERS; i++) {
        unsigned batch = qatomic_read(&markers[i].found);

        if (done[i] > batch) {
            for (unsigned j = 0; j < BATCH_PAGES; j++) {
                g_assert_true(test_bit(marker_page(&markers[i], batch, j),
                                       bmap));
            }
            qatomic_store_release(&markers[i].found, done[i]);
        }
    }
    return nr;
}

static void test_each_mark_is_found_once(void)
{
    const RamFixtureBlock large = { "large", 1 * GiB, RAM_FIXTURE_MEMFD };
    RamList *list = ram_fixture_new(&large, 1);
    RAMBlock *block = ram_list_block(list, 0);
    DirtySoft *soft = dirty_soft_new(list);
    DirtyProvider *p = dirty_soft_provider(soft);
    g_autofree unsigned long *bmap = bitmap_new(block->nr_pages);
    Marker markers[NR_MARKERS];
    QemuThread threads[NR_MARKERS];
    uint64_t nr = 0;

    g_assert_true(p->ops->start(p, list, NULL));
    for (unsigned i = 0; i < NR_MARKERS; i++) {
        markers[i] = (Marker) { .soft = soft, .block = block, .number = i };
        qemu_thread_create(&threads[i], "marker", marker_thread, &markers[i],
                           QEMU_THREAD_JOINABLE);
    }
    while (qatomic_read(&markers[0].found) < NR_BATCHES ||
           qatomic_read(&markers[1].found) < NR_BATCHES) {
        nr += look_for_marks(p, markers, bmap);
    }
    for (unsigned i = 0; i < NR_MARKERS; i++) {
        qemu_thread_join(&threads[i]);
    }
    g_assert_cmpuint(nr, ==, NR_MARKERS * NR_BATCHES * BATCH_PAGES);
    g_assert_cmpuint(bitmap_count_one(bmap, block->nr_pages), ==, nr);
    p->ops->stop(p);
    dirty_soft_free(soft);
    ram_list_free(list);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dirty/none", test_none);
    g_test_add_func("/dirty/soft/marks-are-found", test_marks_are_found);
    g_test_add_func("/dirty/soft/found-once", test_found_once);
    g_test_add_func("/dirty/soft/bits-already-set-stay",
                    test_bits_already_set);
    g_test_add_func("/dirty/soft/start-forgets", test_start_forgets);
    g_test_add_func("/dirty/soft/blocks-added-later", test_blocks_added_later);
    g_test_add_func("/dirty/soft/no-mark-is-lost", test_no_mark_is_lost);
    g_test_add_func("/dirty/soft/a-look-costs-by-what-was-marked",
                    test_a_look_costs_by_what_was_marked);
    g_test_add_func("/dirty/soft/a-mark-may-be-long", test_a_mark_may_be_long);
    g_test_add_func("/dirty/soft/each-mark-is-found-once",
                    test_each_mark_is_found_once);
    return g_test_run();
}
