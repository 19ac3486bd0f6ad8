/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the library itself costs: packets through a queue that answers at once
 * without looking at memory.
 *
 * The main thread.  scripts/dsa-instructions.py runs this under callgrind.
 */
#include "qemu/osdep.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "bench.h"
#include "qemu/bitmap.h"
#include "qemu/timer.h"

/* Of this thread, in user space; negative errno when that is not possible. */
static int cost_counter_open(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_HARDWARE,
        .size = sizeof(attr),
        .config = PERF_COUNT_HW_INSTRUCTIONS,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
                     PERF_FLAG_FD_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

static int64_t cost_counter_read(int fd)
{
    uint64_t value;

    return fd >= 0 && read(fd, &value, sizeof(value)) == sizeof(value) ?
           (int64_t)value : -1;
}

static int64_t cost_thread_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * NANOSECONDS_PER_SECOND + ts.tv_nsec;
}

static void cost_packets(DsaBatch *batch, const uint8_t *const *page,
                         unsigned nr_pages, unsigned long *zero,
                         unsigned packets)
{
    for (unsigned i = 0; i < packets; i++) {
        dsa_batch_submit(batch, page, nr_pages);
        dsa_batch_wait(batch, zero);
    }
}

bool bench_cost(const BenchSettings *settings, unsigned packets,
                BenchCost *cost, Error **errp)
{
    const DsaOptions options = {
        .completion = settings->completion,
        .batch_pages = settings->packet_pages,
        .page_bytes = settings->page_size,
    };
    g_autoptr(DsaGroup) group = dsa_group_new_null(&options, errp);
    DsaBatch *batch;
    unsigned nr = settings->packet_pages;
    g_autofree unsigned long *zero = bitmap_new(nr);
    g_autofree const uint8_t **page = g_new(const uint8_t *, nr);
    /* Nobody looks at it; only its addresses are handed on. */
    g_autofree uint8_t *memory = g_malloc(settings->page_size);
    AUTO_FD int fd = cost_counter_open();
    int64_t ns, count, end;

    if (!group) {
        return false;
    }
    batch = dsa_batch_new(dsa_lane_new(group), settings->page_size);
    for (unsigned i = 0; i < nr; i++) {
        page[i] = memory;
    }
    cost_packets(batch, page, nr, zero, 1);
    count = cost_counter_read(fd);
    ns = cost_thread_ns();
    cost_packets(batch, page, nr, zero, packets);
    ns = cost_thread_ns() - ns;
    end = cost_counter_read(fd);

    cost->packets = packets;
    cost->packet_pages = nr;
    cost->ns_per_page = (double)ns / packets / nr;
    cost->instructions_per_page = -1;
    cost->why_not = NULL;
    if (fd < 0) {
        cost->why_not = g_strdup(g_strerror(-fd));
    } else if (count < 0 || end <= count) {
        cost->why_not = g_strdup("the counter does not count");
    } else {
        cost->instructions_per_page = (double)(end - count) / packets / nr;
    }
    return true;
}

void bench_cost_clear(BenchCost *cost)
{
    g_clear_pointer(&cost->why_not, g_free);
}
