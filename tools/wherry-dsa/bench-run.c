/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory that `wherry-dsa bench` looks at, and one measurement of it.
 *
 * Main thread, and the threads `dsa_bench`, which are started and joined in
 * bench_run(); each has a lane and a part of the memory of its own.
 */
#include "qemu/osdep.h"

#include <sys/mman.h>

#include "bench.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "qemu/bufferiszero.h"
#include "qemu/thread.h"
#include "qemu/timer.h"

typedef struct BenchThread {
    QemuThread thread;
    const BenchSettings *settings;
    const BenchWorker *worker;
    const uint8_t *base;
    uint64_t nr_pages;          /* whole packets */
    int64_t end_ns;             /* when the last pass may begin */
    DsaBatch *batch[BENCH_DEPTH];
    unsigned long *zero;
    const uint8_t **page;
    uint64_t pages_done;
    uint64_t cpu_ns;
} BenchThread;

static uint64_t bench_clock(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * NANOSECONDS_PER_SECOND + ts.tv_nsec;
}

BenchMemory *bench_memory_new(const BenchSettings *settings, Error **errp)
{
    uint64_t unit = (uint64_t)settings->packet_pages * settings->nr_threads;
    uint64_t pages = settings->size_bytes / settings->page_size;
    BenchMemory *memory;
    void *base;

    pages = MAX(pages / unit, 1) * unit;
    base = mmap(NULL, pages * settings->page_size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (base == MAP_FAILED) {
        error_setg_errno(errp, errno, "Cannot have %" PRIu64 " bytes of memory"
                         " to look at", pages * settings->page_size);
        return NULL;
    }
    memory = g_new0(BenchMemory, 1);
    memory->base = base;
    memory->nr_pages = pages;
    /* Written, so that it is not the one page of zeros that all share. */
    memset(base, 0, pages * settings->page_size);
    return memory;
}

void bench_memory_free(BenchMemory *memory)
{
    if (memory) {
        munmap(memory->base, memory->nr_pages * qemu_real_host_page_size());
        g_free(memory);
    }
}

const char *bench_pattern_name(BenchPattern pattern)
{
    static const char *const names[] = {
        [BENCH_ZERO] = "zero", [BENCH_HALF] = "half",
        [BENCH_RANDOM] = "random",
    };

    return names[pattern];
}

void bench_memory_fill(const BenchSettings *settings, BenchMemory *memory,
                       BenchPattern pattern)
{
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    size_t words = settings->page_size / sizeof(uint64_t);

    memory->pattern = pattern;
    for (uint64_t p = 0; p < memory->nr_pages; p++) {
        uint64_t *word = (uint64_t *)(memory->base + p * settings->page_size);
        bool zero;

        /* Not every second page: no branch predictor learns these. */
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        zero = pattern == BENCH_ZERO ||
               (pattern == BENCH_HALF && state >> 63);
        for (size_t i = 0; i < words; i++) {
            if (zero) {
                word[i] = 0;
            } else {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                word[i] = state;
            }
        }
    }
}

bool bench_compare(const BenchSettings *settings, const BenchMemory *memory,
                   DsaGroup *group, Error **errp)
{
    DsaBatch *batch = dsa_batch_new(dsa_lane_new(group), settings->page_size);
    unsigned nr = settings->packet_pages;
    g_autofree unsigned long *zero = bitmap_new(nr);
    g_autofree const uint8_t **page = g_new(const uint8_t *, nr);

    for (uint64_t first = 0; first < memory->nr_pages; first += nr) {
        for (unsigned i = 0; i < nr; i++) {
            page[i] = memory->base + (first + i) * settings->page_size;
        }
        dsa_batch_submit(batch, page, nr);
        dsa_batch_wait(batch, zero);
        for (unsigned i = 0; i < nr; i++) {
            bool cpu = buffer_is_zero(page[i], settings->page_size);

            if (test_bit(i, zero) != cpu) {
                error_setg(errp, "Page %" PRIu64 " of pattern %s is %s, and"
                           " %s says it is %s", first + i,
                           bench_pattern_name(memory->pattern),
                           cpu ? "zero" : "not zero", settings->path,
                           cpu ? "not zero" : "zero");
                return false;
            }
        }
    }
    return true;
}

static void bench_submit(BenchThread *t, uint64_t packet)
{
    unsigned nr = t->settings->packet_pages;

    for (unsigned i = 0; i < nr; i++) {
        t->page[i] = t->base + (packet * nr + i) * t->settings->page_size;
    }
    dsa_batch_submit(t->batch[packet % BENCH_DEPTH], t->page, nr);
}

/* Packet k + 1 is under way before packet k is waited for. */
static void bench_pass_dsa(BenchThread *t)
{
    uint64_t packets = t->nr_pages / t->settings->packet_pages;

    for (uint64_t k = 0; k < packets + BENCH_DEPTH - 1; k++) {
        if (k < packets) {
            bench_submit(t, k);
        }
        if (k >= BENCH_DEPTH - 1) {
            dsa_batch_wait(t->batch[(k - (BENCH_DEPTH - 1)) % BENCH_DEPTH],
                           t->zero);
        }
    }
}

static void bench_pass_cpu(BenchThread *t)
{
    unsigned nr = t->settings->packet_pages;
    size_t size = t->settings->page_size;
    int impl = t->worker->impl;

    for (uint64_t p = 0; p < t->nr_pages; p++) {
        const uint8_t *page = t->base + p * size;
        bool zero = impl < 0 ? buffer_is_zero(page, size) :
                               buffer_is_zero_with(impl, page, size);

        if (zero) {
            set_bit(p % nr, t->zero);
        } else {
            clear_bit(p % nr, t->zero);
        }
    }
}

static void *bench_thread(void *opaque)
{
    BenchThread *t = opaque;
    uint64_t begin = bench_clock(CLOCK_THREAD_CPUTIME_ID);

    do {
        if (t->worker->group) {
            bench_pass_dsa(t);
        } else {
            bench_pass_cpu(t);
        }
        t->pages_done += t->nr_pages;
    } while (qemu_clock_get_ns(QEMU_CLOCK_REALTIME) < t->end_ns);
    t->cpu_ns = bench_clock(CLOCK_THREAD_CPUTIME_ID) - begin;
    return NULL;
}

static void bench_thread_init(BenchThread *t, const BenchSettings *settings,
                              const BenchWorker *worker)
{
    t->settings = settings;
    t->worker = worker;
    t->zero = bitmap_new(settings->packet_pages);
    t->page = g_new(const uint8_t *, settings->packet_pages);
    if (worker->group) {
        DsaLane *lane = dsa_lane_new(worker->group);

        for (unsigned i = 0; i < BENCH_DEPTH; i++) {
            t->batch[i] = dsa_batch_new(lane, settings->page_size);
        }
    }
}

BenchResult bench_run(const BenchSettings *settings,
                      const BenchMemory *memory, const BenchWorker *worker)
{
    g_autofree BenchThread *thread = g_new0(BenchThread,
                                            settings->nr_threads);
    BenchResult result = { 0 };
    uint64_t part = memory->nr_pages / settings->nr_threads;
    uint64_t process_ns;
    int64_t wall_ns;

    for (unsigned i = 0; i < settings->nr_threads; i++) {
        bench_thread_init(&thread[i], settings, worker);
        thread[i].base = memory->base + i * part * settings->page_size;
        thread[i].nr_pages = part;
    }
    wall_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    process_ns = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < settings->nr_threads; i++) {
        thread[i].end_ns = wall_ns + settings->time_ms * (int64_t)SCALE_MS;
        qemu_thread_create(&thread[i].thread, "dsa_bench", bench_thread,
                           &thread[i], QEMU_THREAD_JOINABLE);
    }
    for (unsigned i = 0; i < settings->nr_threads; i++) {
        qemu_thread_join(&thread[i].thread);
        result.pages += thread[i].pages_done;
        result.sender_ns += thread[i].cpu_ns;
        g_free(thread[i].zero);
        g_free(thread[i].page);
    }
    result.wall_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - wall_ns;
    result.process_ns = bench_clock(CLOCK_PROCESS_CPUTIME_ID) - process_ns;
    return result;
}
