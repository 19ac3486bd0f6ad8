/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steps of `wherry-dsa test`.  Each knows every answer beforehand; none
 * asks the CPU.
 *
 * Main thread, but for test_side_by_side(), which starts threads with a lane
 * each and joins them.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "qemu/bitmap.h"
#include "qemu/memalign.h"
#include "qemu/thread.h"
#include "test-steps.h"

#define TEST_THREADS 4
/* Times a step is done again when no queue took any of it. */
#define TEST_TRIES 300

TestBench *test_bench_new(DsaGroup *group, unsigned nr_pages)
{
    TestBench *b = g_new0(TestBench, 1);

    b->group = group;
    b->lane = dsa_lane_new(group);
    b->page_size = qemu_real_host_page_size();
    b->nr_pages = nr_pages;
    b->mem = qemu_memalign(b->page_size, nr_pages * b->page_size);
    memset(b->mem, 0, nr_pages * b->page_size);
    b->page = g_new(const uint8_t *, nr_pages);
    for (unsigned i = 0; i < nr_pages; i++) {
        b->page[i] = b->mem + i * b->page_size;
    }
    for (unsigned i = 0; i < TEST_FLIGHTS; i++) {
        b->batch[i] = dsa_batch_new(b->lane, b->page_size);
    }
    b->zero = bitmap_new(nr_pages);
    return b;
}

void test_bench_free(TestBench *b)
{
    if (b) {
        qemu_vfree(b->mem);
        g_free(b->page);
        g_free(b->zero);
        g_free(b);
    }
}

/* The pages from @first on are normal every @stride, else zero. */
static void test_mark(TestBench *b, unsigned first, unsigned stride,
                      uint8_t value)
{
    for (unsigned i = first; i < b->nr_pages; i += stride) {
        b->mem[i * b->page_size + i * 37 % b->page_size] = value;
    }
}

static bool test_answer(const unsigned long *zero, unsigned nr,
                        bool (*is_zero)(unsigned i, unsigned arg),
                        unsigned arg, GString *why)
{
    for (unsigned i = 0; i < nr; i++) {
        bool wanted = is_zero(i, arg);

        if (test_bit(i, zero) != wanted) {
            g_string_printf(why, "page %u of %u is %s, and the answer was %s",
                            i, nr, wanted ? "zero" : "not zero",
                            wanted ? "not zero" : "zero");
            return false;
        }
    }
    return true;
}

static bool test_all_zero(unsigned i, unsigned arg)
{
    return true;
}

static bool test_none_zero(unsigned i, unsigned arg)
{
    return false;
}

static bool test_but_every(unsigned i, unsigned stride)
{
    return i % stride != 0;
}

static bool test_submit(TestBench *b, unsigned nr,
                        bool (*is_zero)(unsigned i, unsigned arg),
                        unsigned arg, GString *why)
{
    dsa_batch_submit(b->batch[0], b->page, nr);
    dsa_batch_wait(b->batch[0], b->zero);
    return test_answer(b->zero, nr, is_zero, arg, why);
}

static bool test_single(TestBench *b, GString *why)
{
    bool ok = test_submit(b, 1, test_all_zero, 0, why);

    if (ok) {
        b->mem[b->page_size / 2] = 1;
        ok = test_submit(b, 1, test_none_zero, 0, why);
        b->mem[b->page_size / 2] = 0;
    }
    return ok;
}

static bool test_sizes(TestBench *b, GString *why)
{
    const unsigned sizes[] = { 2, 3, 7, 31, 32, 33, 127, 128, 129 };
    bool ok = true;

    test_mark(b, 0, 3, 0x80);
    for (size_t i = 0; i < ARRAY_SIZE(sizes) && ok; i++) {
        ok = test_submit(b, MIN(sizes[i], b->nr_pages), test_but_every, 3,
                         why);
    }
    test_mark(b, 0, 3, 0);
    return ok;
}

static bool test_full(TestBench *b, GString *why)
{
    bool ok = test_submit(b, b->nr_pages, test_all_zero, 0, why);

    if (ok) {
        test_mark(b, 0, 1, 0x01);
        ok = test_submit(b, b->nr_pages, test_none_zero, 0, why);
        test_mark(b, 0, 1, 0);
    }
    if (ok) {
        test_mark(b, 0, 2, 0xff);
        ok = test_submit(b, b->nr_pages, test_but_every, 2, why);
        test_mark(b, 0, 2, 0);
    }
    return ok;
}

/* Every second page differs from zero at one of @offset, in one bit. */
static bool test_offsets(TestBench *b, const unsigned *offset, size_t nr,
                         GString *why)
{
    bool ok = true;

    for (size_t done = 0; done < nr && ok;) {
        unsigned now = MIN(nr - done, b->nr_pages / 2);

        for (unsigned i = 0; i < now; i++) {
            b->mem[2 * i * b->page_size + offset[done + i]] =
                1u << (offset[done + i] % 8);
        }
        ok = test_submit(b, 2 * now, test_but_every, 2, why);
        for (unsigned i = 0; i < now; i++) {
            b->mem[2 * i * b->page_size + offset[done + i]] = 0;
        }
        done += now;
    }
    return ok;
}

static bool test_first_byte(TestBench *b, GString *why)
{
    return test_offsets(b, &(const unsigned) { 0 }, 1, why);
}

static bool test_last_byte(TestBench *b, GString *why)
{
    const unsigned last = b->page_size - 1;

    return test_offsets(b, &last, 1, why);
}

/* In the first, a middle and the last line of 64 bytes. */
static bool test_modulo_64(TestBench *b, GString *why)
{
    unsigned offset[3 * 64];

    for (unsigned i = 0; i < 64; i++) {
        offset[i] = i;
        offset[64 + i] = b->page_size / 2 + i;
        offset[128 + i] = b->page_size - 64 + i;
    }
    return test_offsets(b, offset, ARRAY_SIZE(offset), why);
}

/* The bytes before, at and behind each border of @step bytes. */
static bool test_borders(TestBench *b, unsigned step, GString *why)
{
    g_autofree unsigned *offset = g_new(unsigned,
                                        3 * (b->page_size / step));
    size_t nr = 0;

    for (unsigned at = step; at < b->page_size; at += step) {
        offset[nr++] = at - 1;
        offset[nr++] = at;
        offset[nr++] = at + 1;
    }
    return test_offsets(b, offset, nr, why);
}

static bool test_borders_8(TestBench *b, GString *why)
{
    return test_borders(b, 8, why);
}

static bool test_borders_32(TestBench *b, GString *why)
{
    return test_borders(b, 32, why);
}

static bool test_borders_64(TestBench *b, GString *why)
{
    return test_borders(b, 64, why);
}

static bool test_in_flight(TestBench *b, GString *why)
{
    unsigned part = b->nr_pages / TEST_FLIGHTS;
    bool ok = true;

    /* Batch f has every (f + 2)th of its pages normal. */
    for (unsigned f = 0; f < TEST_FLIGHTS; f++) {
        for (unsigned i = 0; i < part; i += f + 2) {
            b->mem[(f * part + i) * b->page_size + f] = 1;
        }
    }
    for (unsigned round = 0; round < 8 && ok; round++) {
        for (unsigned f = 0; f < TEST_FLIGHTS; f++) {
            dsa_batch_submit(b->batch[f], b->page + f * part, part);
        }
        /* From the first on, and from the last on. */
        for (unsigned i = 0; i < TEST_FLIGHTS; i++) {
            unsigned f = round % 2 ? TEST_FLIGHTS - 1 - i : i;

            dsa_batch_wait(b->batch[f], b->zero);
            ok = test_answer(b->zero, part, test_but_every, f + 2, why) && ok;
        }
    }
    for (unsigned f = 0; f < TEST_FLIGHTS; f++) {
        for (unsigned i = 0; i < part; i += f + 2) {
            b->mem[(f * part + i) * b->page_size + f] = 0;
        }
    }
    return ok;
}

typedef struct TestThread {
    QemuThread thread;
    TestBench *bench;
    DsaBatch *batch;
    GString *why;
    bool ok;
} TestThread;

static void *test_thread(void *opaque)
{
    TestThread *t = opaque;
    TestBench *b = t->bench;
    g_autofree unsigned long *zero = bitmap_new(b->nr_pages);

    t->ok = true;
    for (unsigned i = 0; i < 16 && t->ok; i++) {
        dsa_batch_submit(t->batch, b->page, b->nr_pages);
        dsa_batch_wait(t->batch, zero);
        t->ok = test_answer(zero, b->nr_pages, test_but_every, 5, t->why);
    }
    return NULL;
}

static bool test_side_by_side(TestBench *b, GString *why)
{
    TestThread thread[TEST_THREADS];
    bool ok = true;

    test_mark(b, 0, 5, 0x10);
    for (unsigned i = 0; i < TEST_THREADS; i++) {
        TestThread *t = &thread[i];

        t->bench = b;
        t->batch = dsa_batch_new(dsa_lane_new(b->group), b->page_size);
        t->why = g_string_new(NULL);
        qemu_thread_create(&t->thread, "dsa_test", test_thread, t,
                           QEMU_THREAD_JOINABLE);
    }
    for (unsigned i = 0; i < TEST_THREADS; i++) {
        TestThread *t = &thread[i];

        qemu_thread_join(&t->thread);
        if (!t->ok) {
            g_string_assign(why, t->why->str);
            ok = false;
        }
        g_string_free(t->why, true);
    }
    test_mark(b, 0, 5, 0);
    return ok;
}

/* A page nobody has written or read has no memory: the device must fault. */
static bool test_untouched(TestBench *b, GString *why)
{
    /* The first: a queue may be too small for all of them. */
    const unsigned nr = MIN(b->nr_pages, 8), hole = 0;
    size_t len = nr * b->page_size;
    uint8_t *mem = mmap(NULL, len, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uint8_t *page[8];
    g_autoptr(DsaStatus) before = dsa_group_status(b->group);
    g_autoptr(DsaStatus) after = NULL;
    bool ok;

    if (mem == MAP_FAILED) {
        g_string_printf(why, "mmap of %zu bytes: %s", len,
                        g_strerror(errno));
        return false;
    }
    /* A huge page would make the neighbours bring it along. */
    madvise(mem, len, MADV_NOHUGEPAGE);
    for (unsigned i = 0; i < nr; i++) {
        page[i] = mem + i * b->page_size;
        if (i != hole) {
            mem[i * b->page_size + 5] = i % 2;
        }
    }
    dsa_batch_submit(b->batch[0], page, nr);
    dsa_batch_wait(b->batch[0], b->zero);
    ok = true;
    for (unsigned i = 0; i < nr && ok; i++) {
        bool wanted = i == hole || i % 2 == 0;

        if (test_bit(i, b->zero) != wanted) {
            g_string_printf(why, "page %u of %u, page %u being untouched, got"
                            " the wrong answer", i, nr, hole);
            ok = false;
        }
    }
    munmap(mem, len);
    after = dsa_group_status(b->group);
    if (ok && after->counters.page_faults +
              after->counters.page_faults_unresolved ==
              before->counters.page_faults +
              before->counters.page_faults_unresolved) {
        g_string_assign(why, "the answer is right, but no page fault was"
                        " counted");
        ok = false;
    }
    return ok;
}

static const TestStep steps[] = {
    { "a page by itself", test_single },
    { "batches of 2 to 129 pages", test_sizes },
    { "full batches: zero, none zero, every second", test_full },
    { "differs in the first byte", test_first_byte },
    { "differs at every position modulo 64", test_modulo_64 },
    { "differs around each 8-byte border", test_borders_8 },
    { "differs around each 32-byte border", test_borders_32 },
    { "differs around each 64-byte border", test_borders_64 },
    { "differs in the last byte", test_last_byte },
    { "a batch with an untouched page", test_untouched },
    { "four batches under way at once", test_in_flight },
    { "four threads side by side", test_side_by_side },
};

const TestStep *test_steps(size_t *nr)
{
    *nr = ARRAY_SIZE(steps);
    return steps;
}

static const char *const cpu_reasons[] = {
    [DSA_CPU_PAGE_FAULT] = "page fault",
    [DSA_CPU_NOT_DONE] = "batch ended before them",
    [DSA_CPU_QUEUE_FULL] = "queue full",
    [DSA_CPU_TIMEOUT] = "no answer in time",
    [DSA_CPU_DEVICE_ERROR] = "device error",
    [DSA_CPU_NO_QUEUE] = "no queue in use any more",
};

/* What a working queue may leave to the CPU. */
static bool test_may_leave(DsaCpuReason reason, uint64_t taken)
{
    switch (reason) {
    case DSA_CPU_PAGE_FAULT:
        /* Memory can be moved away at any time. */
        return true;
    case DSA_CPU_QUEUE_FULL:
        /* A small queue, or one with other users. */
        return taken > 0;
    default:
        return false;
    }
}

/* Adds to @why what the CPU did between the two. */
static bool test_judge(const DsaStatus *before, const DsaStatus *after,
                       uint64_t taken, GString *why)
{
    bool ok = true;

    for (int i = 0; i < DSA_CPU__MAX; i++) {
        uint64_t pages = after->counters.cpu_pages[i] -
                         before->counters.cpu_pages[i];

        if (pages) {
            g_string_append_printf(why, "%s%" PRIu64 " page%s done by the CPU"
                                   " (%s)", why->len ? "; " : "", pages,
                                   pages == 1 ? "" : "s", cpu_reasons[i]);
            ok = ok && test_may_leave(i, taken);
        }
    }
    return ok;
}

bool test_step_run(const TestStep *step, TestBench *b, GString *why)
{
    /* A queue that was full is left alone for some submissions. */
    for (unsigned tries = 0; ; tries++) {
        g_autoptr(DsaStatus) before = dsa_group_status(b->group);
        g_autoptr(DsaStatus) after = NULL;
        bool ok = step->run(b, why);
        uint64_t taken;

        after = dsa_group_status(b->group);
        taken = after->counters.queues.descriptors -
                before->counters.queues.descriptors;
        if (!taken && tries < TEST_TRIES &&
            after->counters.cpu_pages[DSA_CPU_QUEUE_FULL] !=
            before->counters.cpu_pages[DSA_CPU_QUEUE_FULL]) {
            g_string_truncate(why, 0);
            continue;
        }
        return test_judge(before, after, taken, why) && ok;
    }
}
