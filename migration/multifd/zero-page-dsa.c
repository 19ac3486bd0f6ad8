/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The detector on a lane of a DSA group.
 *
 * Runs in the detector's thread.  What happens to a batch on its way through a
 * queue, and what the CPU has to do of it, is the library's.
 *
 * This is work per page: no allocation, no division, and no branch where pages
 * of both kinds alternate.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bitops.h"
#include "qemu/cutils.h"
#include "qemu/dsa-types.h"
#include "migration/multifd/zero-page-dsa.h"

/* Packets that go through the device while the channel writes one. */
#define DSA_DEPTH 3

/* The look reads up to here in the smallest page. */
#define PAGE_MIN_BYTES 64

/*
 * Zero pages are rare when they are fewer than 1 of 16: 8 of the default packet
 * of 128.  To submit those and to wait for them costs about as much as to read
 * them, and the device's latency is then for nothing.  The way back is at twice
 * as many, so that a share between the two does not have it turn to and fro.
 * 1024 pages are enough to tell 1/16 from 1/8, and are sent in a millisecond.
 */
#define ADAPT_WINDOW_PAGES 1024
#define ADAPT_RARE_SHIFT 4
#define ADAPT_RETURN_SHIFT 3

typedef struct ZeroPageDsa {
    ZeroPageDetector detector;
    DsaLane *lane;
    ZeroPageDsaCounters *counters;
    bool adaptive;
    bool stepped_back;
    /* of the window that is being filled */
    unsigned window_pages;
    unsigned window_zero;
} ZeroPageDsa;

typedef struct ZeroPageDsaBatch {
    ZeroPageBatch batch;
    DsaBatch *dsa;
    unsigned nr_submitted;      /* pages that the device was asked for */
    /* adaptive: pages that passed the look, and their places in @batch */
    const uint8_t *page[DSA_BATCH_PAGES_MAX];
    uint16_t index[DSA_BATCH_PAGES_MAX];
    unsigned long answer[BITS_TO_LONGS(DSA_BATCH_PAGES_MAX)];
} ZeroPageDsaBatch;

/* The counters have a single writer. */
static void dsa_count(uint64_t *counter, unsigned n)
{
    qatomic_set(counter, qatomic_read(counter) + n);
}

static uint64_t look_word(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/*
 * Gathers the pages in which a few words show no byte.  The words lie in four
 * cache lines (more would cost a miss each) and at different places of a line,
 * for guests align what they write.  To look also makes a page present, so the
 * device does not meet a fault there.
 *
 * Returns: how many pages passed
 */
static unsigned dsa_look(ZeroPageDsaBatch *b)
{
    const size_t middle = b->batch.page_size / 2;
    const size_t quarter = b->batch.page_size / 4 + 40;
    const size_t last = b->batch.page_size - sizeof(uint64_t);
    unsigned nr_passed = 0;

    for (unsigned i = 0; i < b->batch.nr_pages; i++) {
        const uint8_t *page = b->batch.page[i];
        uint64_t bits = look_word(page) | look_word(page + 16) |
                        look_word(page + quarter) | look_word(page + middle) |
                        look_word(page + middle + 24) |
                        look_word(page + last);

        b->page[nr_passed] = page;
        b->index[nr_passed] = (uint16_t)i;
        nr_passed += bits == 0;
    }
    return nr_passed;
}

static void dsa_test_on_cpu(ZeroPageDsaBatch *b, unsigned nr_passed)
{
    for (unsigned i = 0; i < nr_passed; i++) {
        if (buffer_is_zero(b->page[i], b->batch.page_size)) {
            set_bit(b->index[i], b->batch.zero);
        }
    }
}

static void dsa_submit_adaptive(ZeroPageDsa *z, ZeroPageDsaBatch *b)
{
    unsigned nr_pages = b->batch.nr_pages;
    unsigned nr_passed = dsa_look(b);

    bitmap_zero(b->batch.zero, nr_pages);
    dsa_count(&z->counters->looked_pages, nr_pages - nr_passed);
    if (z->stepped_back) {
        dsa_test_on_cpu(b, nr_passed);
        dsa_count(&z->counters->stepped_back_pages, nr_passed);
        return;
    }
    b->nr_submitted = nr_passed;
    if (nr_passed > 0) {
        dsa_batch_submit(b->dsa, b->page, nr_passed);
    }
}

static void dsa_submit(ZeroPageDetector *d, ZeroPageBatch *batch)
{
    ZeroPageDsa *z = container_of(d, ZeroPageDsa, detector);
    ZeroPageDsaBatch *b = container_of(batch, ZeroPageDsaBatch, batch);

    b->nr_submitted = 0;
    if (z->adaptive) {
        dsa_submit_adaptive(z, b);
    } else if (batch->nr_pages > 0) {
        b->nr_submitted = batch->nr_pages;
        dsa_batch_submit(b->dsa, batch->page, batch->nr_pages);
    }
}

/* Brings the answers on pages that passed the look to their places. */
static void dsa_scatter(ZeroPageDsaBatch *b)
{
    for (unsigned start = 0; start < b->nr_submitted; start += BITS_PER_LONG) {
        unsigned long bits = b->answer[start / BITS_PER_LONG];

        for (; bits != 0; bits &= bits - 1) {
            unsigned i = start + (unsigned)__builtin_ctzl(bits);

            set_bit(b->index[i], b->batch.zero);
        }
    }
}

/* Notes how often pages were zero, and draws the conclusion. */
static void dsa_adapt(ZeroPageDsa *z, const ZeroPageBatch *batch)
{
    z->window_pages += batch->nr_pages;
    z->window_zero += (unsigned)bitmap_count_one(batch->zero, batch->nr_pages);
    if (z->window_pages < ADAPT_WINDOW_PAGES) {
        return;
    }
    if (z->stepped_back) {
        z->stepped_back = z->window_zero < z->window_pages >>
                                           ADAPT_RETURN_SHIFT;
    } else if (z->window_zero < z->window_pages >> ADAPT_RARE_SHIFT) {
        z->stepped_back = true;
        dsa_count(&z->counters->steps_back, 1);
    }
    z->window_pages = 0;
    z->window_zero = 0;
}

static void dsa_wait(ZeroPageDetector *d, ZeroPageBatch *batch)
{
    ZeroPageDsa *z = container_of(d, ZeroPageDsa, detector);
    ZeroPageDsaBatch *b = container_of(batch, ZeroPageDsaBatch, batch);

    if (b->nr_submitted == batch->nr_pages && batch->nr_pages > 0) {
        dsa_batch_wait(b->dsa, batch->zero);
    } else if (b->nr_submitted > 0) {
        bitmap_zero(b->answer, b->nr_submitted);
        dsa_batch_wait(b->dsa, b->answer);
        dsa_scatter(b);
    }
    if (z->adaptive) {
        dsa_adapt(z, batch);
    }
}

static void dsa_batch_init(ZeroPageDetector *d, ZeroPageBatch *batch)
{
    ZeroPageDsa *z = container_of(d, ZeroPageDsa, detector);
    ZeroPageDsaBatch *b = container_of(batch, ZeroPageDsaBatch, batch);

    g_assert(batch->max_pages <= DSA_BATCH_PAGES_MAX &&
             batch->page_size >= PAGE_MIN_BYTES);
    b->dsa = dsa_batch_new(z->lane, batch->page_size);
}

static void dsa_free(ZeroPageDetector *d)
{
    g_free(container_of(d, ZeroPageDsa, detector));
}

static const ZeroPageDetectorOps zero_page_dsa_ops = {
    .name = "dsa",
    .batch_size = sizeof(ZeroPageDsaBatch),
    .batch_init = dsa_batch_init,
    .submit = dsa_submit,
    .wait = dsa_wait,
    .free = dsa_free,
};

ZeroPageDetector *zero_page_detector_new_dsa(DsaLane *lane, bool adaptive,
                                             ZeroPageDsaCounters *counters)
{
    ZeroPageDsa *z = g_new0(ZeroPageDsa, 1);

    z->detector.ops = &zero_page_dsa_ops;
    z->detector.depth = DSA_DEPTH;
    z->lane = lane;
    z->adaptive = adaptive;
    z->counters = counters;
    return &z->detector;
}
