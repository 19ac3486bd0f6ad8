/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the detector on a DSA group, with software queues: answers, the
 * look before, stepping back, and that the counters make up all pages.
 */
#include "qemu/osdep.h"
#include "migration/multifd/zero-page-dsa.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/cutils.h"
#include "qemu/dsa.h"
#include "qemu/memalign.h"
#include "qemu/thread.h"

#define PAGE_BYTES 4096
#define PACKET_PAGES 128
/* Enough packets for a detector to make up its mind. */
#define NR_WINDOW_PACKETS 8
#define NR_PAGES (NR_WINDOW_PACKETS * PACKET_PAGES)

/* Where a page that is not zero has its only byte. */
#define SEEN 0                  /* where the look looks */
#define UNSEEN 1500             /* and where it does not */

typedef struct Fixture {
    DsaGroup *group;
    ZeroPageDsaCounters counters;
    ZeroPageDetector *detector;
    ZeroPageBatch *batch[ZERO_PAGE_DEPTH_MAX];
    uint8_t *memory;            /* NR_PAGES zero pages, present */
    uint64_t nr_asked;
} Fixture;

static DsaGroup *new_group(const char *path, DsaCompletion completion)
{
    const char *const paths[] = { path, NULL };
    const DsaOptions options = {
        .completion = completion,
        .batch_pages = PACKET_PAGES,
        .page_bytes = PAGE_BYTES,
        /* Nothing here is to be late, under a sanitizer neither. */
        .timeout_ms = 60000,
    };
    Error *err = NULL;
    DsaGroup *group = dsa_group_new(paths, &options, &err);

    g_assert_null(err);
    return group;
}

static void fixture_init(Fixture *f, const char *path, bool adaptive)
{
    *f = (Fixture) { .group = new_group(path, DSA_COMPLETION_THREAD) };
    f->detector = zero_page_detector_new_dsa(dsa_lane_new(f->group), adaptive,
                                             &f->counters);
    g_assert_cmpuint(f->detector->depth, <=, ZERO_PAGE_DEPTH_MAX);
    for (unsigned i = 0; i < f->detector->depth; i++) {
        f->batch[i] = zero_page_batch_new(f->detector, PACKET_PAGES,
                                          PAGE_BYTES);
    }
    f->memory = qemu_memalign(PAGE_BYTES, NR_PAGES * PAGE_BYTES);
    memset(f->memory, 0, NR_PAGES * PAGE_BYTES);
}

static void fixture_clear(Fixture *f)
{
    for (unsigned i = 0; i < f->detector->depth; i++) {
        zero_page_batch_free(f->batch[i]);
    }
    zero_page_detector_free(f->detector);
    dsa_group_free(f->group);
    qemu_vfree(f->memory);
}

static void submit(Fixture *f, ZeroPageBatch *batch, unsigned first,
                   unsigned nr_pages)
{
    for (unsigned i = 0; i < nr_pages; i++) {
        batch->page[i] = f->memory + (size_t)(first + i) * PAGE_BYTES;
    }
    batch->nr_pages = nr_pages;
    bitmap_fill(batch->zero, PACKET_PAGES);
    zero_page_submit(f->detector, batch);
    f->nr_asked += nr_pages;
}

static void wait_and_compare(Fixture *f, ZeroPageBatch *batch)
{
    zero_page_wait(f->detector, batch);
    for (unsigned i = 0; i < batch->nr_pages; i++) {
        g_assert_cmpint(!!test_bit(i, batch->zero), ==,
                        buffer_is_zero(batch->page[i], PAGE_BYTES));
    }
}

/* Asks for all pages, a packet at a time, with all batches under way. */
static void ask_for_all(Fixture *f)
{
    unsigned depth = f->detector->depth;

    for (unsigned k = 0; k < NR_WINDOW_PACKETS + depth - 1; k++) {
        if (k < NR_WINDOW_PACKETS) {
            submit(f, f->batch[k % depth], k * PACKET_PAGES, PACKET_PAGES);
        }
        if (k + 1 >= depth) {
            wait_and_compare(f, f->batch[(k + 1 - depth) % depth]);
        }
    }
}

/* Every page is counted as somebody's, and as one's only. */
static void assert_sums(Fixture *f)
{
    g_autoptr(DsaStatus) status = dsa_group_status(f->group);
    const DsaCounters *c = &status->counters;

    g_assert_cmpuint(f->counters.looked_pages +
                     f->counters.stepped_back_pages + c->queues.descriptors +
                     c->cpu_pages[DSA_CPU_QUEUE_FULL] +
                     c->cpu_pages[DSA_CPU_NO_QUEUE], ==, f->nr_asked);
    g_assert_cmpuint(c->queues.bytes, ==, c->queues.descriptors * PAGE_BYTES);
}

static uint64_t device_pages(Fixture *f)
{
    g_autoptr(DsaStatus) status = dsa_group_status(f->group);

    return status->counters.queues.descriptors;
}

static void set_byte(Fixture *f, unsigned page, unsigned offset, uint8_t value)
{
    f->memory[(size_t)page * PAGE_BYTES + offset] = value;
}

/* A byte at any place of a page is found, by whoever looks there. */
static void test_each_offset(const void *adaptive)
{
    Fixture f;

    fixture_init(&f, "dsa:soft", adaptive != NULL);
    for (unsigned base = 0; base < PAGE_BYTES; base += PACKET_PAGES) {
        for (unsigned i = 0; i < PACKET_PAGES; i++) {
            set_byte(&f, i, base + i, 1);
        }
        submit(&f, f.batch[0], 0, PACKET_PAGES);
        wait_and_compare(&f, f.batch[0]);
        for (unsigned i = 0; i < PACKET_PAGES; i++) {
            set_byte(&f, i, base + i, 0);
        }
    }
    assert_sums(&f);
    fixture_clear(&f);
}

/* Packets of all sizes, in which each third page is seen, or not. */
static void test_each_size(const void *adaptive)
{
    Fixture f;

    fixture_init(&f, "dsa:soft", adaptive != NULL);
    for (unsigned i = 0; i < NR_PAGES; i += 3) {
        set_byte(&f, i, i % 2 ? SEEN : UNSEEN, 0x80);
    }
    for (unsigned nr_pages = 0; nr_pages <= PACKET_PAGES; nr_pages++) {
        submit(&f, f.batch[0], nr_pages, nr_pages);
        wait_and_compare(&f, f.batch[0]);
    }
    assert_sums(&f);
    fixture_clear(&f);
}

static void test_without_look(void)
{
    Fixture f;

    fixture_init(&f, "dsa:soft", false);
    for (unsigned i = 0; i < NR_PAGES; i++) {
        set_byte(&f, i, SEEN, 1);
    }
    for (unsigned n = 0; n < 4; n++) {
        ask_for_all(&f);
    }
    g_assert_cmpuint(device_pages(&f), ==, 4 * NR_PAGES);
    g_assert_cmpuint(f.counters.looked_pages, ==, 0);
    g_assert_cmpuint(f.counters.steps_back, ==, 0);
    fixture_clear(&f);
}

static void test_seen_pages_stay_here(void)
{
    Fixture f;

    fixture_init(&f, "dsa:soft", true);
    for (unsigned i = 0; i < NR_PAGES; i += 2) {
        set_byte(&f, i, SEEN, 1);
    }
    ask_for_all(&f);
    g_assert_cmpuint(f.counters.looked_pages, ==, NR_PAGES / 2);
    g_assert_cmpuint(device_pages(&f), ==, NR_PAGES / 2);
    g_assert_cmpuint(f.counters.steps_back, ==, 0);
    assert_sums(&f);
    fixture_clear(&f);
}

/* Sets how many of all pages are zero. */
static void fill(Fixture *f, unsigned nr_zero, unsigned offset)
{
    for (unsigned i = 0; i < NR_PAGES; i++) {
        memset(f->memory + (size_t)i * PAGE_BYTES, 0, PAGE_BYTES);
        set_byte(f, i, offset, i >= nr_zero);
    }
}

static void test_steps_back_and_returns(void)
{
    Fixture f;

    fixture_init(&f, "dsa:soft", true);
    /* Exactly 1 of 16 is not rare. */
    fill(&f, NR_PAGES / 16, UNSEEN);
    ask_for_all(&f);
    g_assert_cmpuint(f.counters.steps_back, ==, 0);
    /* One less is. */
    fill(&f, NR_PAGES / 16 - 1, UNSEEN);
    ask_for_all(&f);
    g_assert_cmpuint(f.counters.steps_back, ==, 1);
    g_assert_cmpuint(f.counters.stepped_back_pages, ==, 0);
    g_assert_cmpuint(device_pages(&f), ==, 2 * NR_PAGES);
    /* Not yet 1 of 8: all that passes the look is the CPU's. */
    fill(&f, NR_PAGES / 8 - 1, UNSEEN);
    ask_for_all(&f);
    g_assert_cmpuint(f.counters.stepped_back_pages, ==, NR_PAGES);
    fill(&f, NR_PAGES / 8, SEEN);
    ask_for_all(&f);
    g_assert_cmpuint(f.counters.stepped_back_pages, ==,
                     NR_PAGES + NR_PAGES / 8);
    g_assert_cmpuint(device_pages(&f), ==, 2 * NR_PAGES);
    /* Now it was. */
    ask_for_all(&f);
    g_assert_cmpuint(device_pages(&f), ==, 2 * NR_PAGES + NR_PAGES / 8);
    g_assert_cmpuint(f.counters.steps_back, ==, 1);
    assert_sums(&f);
    fixture_clear(&f);
}

/* What the device cannot do is not lost, whatever the look has sorted out. */
static void test_sums_with_faults(void)
{
    Fixture f;

    fixture_init(&f, "dsa:soft?fault-every=5,fault-at=100,full=7", true);
    for (unsigned i = 0; i < NR_PAGES; i += 4) {
        set_byte(&f, i, i % 8 ? SEEN : UNSEEN, 1);
    }
    for (unsigned n = 0; n < 3; n++) {
        ask_for_all(&f);
    }
    assert_sums(&f);
    fixture_clear(&f);
}

typedef struct Worker {
    QemuThread thread;
    Fixture *shared;
    ZeroPageDsaCounters counters;
    uint64_t nr_asked;
} Worker;

static void *worker_thread(void *opaque)
{
    Worker *w = opaque;
    /* A view of the same memory and group, with a detector of its own. */
    Fixture f = *w->shared;

    f.nr_asked = 0;
    f.detector = zero_page_detector_new_dsa(dsa_lane_new(f.group), true,
                                            &w->counters);
    for (unsigned i = 0; i < f.detector->depth; i++) {
        f.batch[i] = zero_page_batch_new(f.detector, PACKET_PAGES, PAGE_BYTES);
    }
    for (unsigned n = 0; n < 4; n++) {
        ask_for_all(&f);
    }
    w->nr_asked = f.nr_asked;
    for (unsigned i = 0; i < f.detector->depth; i++) {
        zero_page_batch_free(f.batch[i]);
    }
    zero_page_detector_free(f.detector);
    return NULL;
}

static void test_side_by_side(void)
{
    Fixture f;
    Worker worker[4] = { 0 };

    fixture_init(&f, "dsa:soft", true);
    for (unsigned i = 0; i < NR_PAGES; i += 3) {
        set_byte(&f, i, i % 2 ? SEEN : UNSEEN, 1);
    }
    for (size_t i = 0; i < ARRAY_SIZE(worker); i++) {
        worker[i].shared = &f;
        qemu_thread_create(&worker[i].thread, "worker", worker_thread,
                           &worker[i], QEMU_THREAD_JOINABLE);
    }
    /* As query-migrate does: while they are at work. */
    g_assert_cmpuint(qatomic_read(&worker[0].counters.looked_pages), <=,
                     4 * NR_PAGES);
    for (size_t i = 0; i < ARRAY_SIZE(worker); i++) {
        qemu_thread_join(&worker[i].thread);
        f.counters.looked_pages += worker[i].counters.looked_pages;
        f.nr_asked += worker[i].nr_asked;
    }
    assert_sums(&f);
    fixture_clear(&f);
}

int main(int argc, char **argv)
{
    static const char adaptive[] = "adaptive";

    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/zero-page-dsa/each-offset", NULL, test_each_offset);
    g_test_add_data_func("/zero-page-dsa/each-offset/adaptive", adaptive,
                         test_each_offset);
    g_test_add_data_func("/zero-page-dsa/each-size", NULL, test_each_size);
    g_test_add_data_func("/zero-page-dsa/each-size/adaptive", adaptive,
                         test_each_size);
    g_test_add_func("/zero-page-dsa/without-look", test_without_look);
    g_test_add_func("/zero-page-dsa/seen-pages-stay-here",
                    test_seen_pages_stay_here);
    g_test_add_func("/zero-page-dsa/steps-back-and-returns",
                    test_steps_back_and_returns);
    g_test_add_func("/zero-page-dsa/sums-with-faults", test_sums_with_faults);
    g_test_add_func("/zero-page-dsa/side-by-side", test_side_by_side);
    return g_test_run();
}
