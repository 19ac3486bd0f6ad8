/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zero test: probes, the portable body and the choice of a body.
 *
 * Entered by every thread.  The choice is made at the first call and kept
 * in an atomic pointer; two threads that choose at once choose the same.
 * Vector bodies are in bufferiszero-x86.c.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qemu/bufferiszero.h"
#include "qemu/cpuinfo.h"
#include "bufferiszero-internal.h"

static bool zero_bytes(const uint8_t *buf, size_t len)
{
    uint8_t any = 0;

    for (size_t i = 0; i < len; i++) {
        any |= buf[i];
    }
    return any == 0;
}

/* Words at the buffer's own alignment; the last one overlaps. */
static bool zero_portable(const uint8_t *buf, size_t len)
{
    const uint8_t *end = buf + len;

    if (len < 8) {
        return zero_bytes(buf, len);
    }
    for (; end - buf > 64; buf += 64) {
        uint64_t any = (ldq_he_p(buf) | ldq_he_p(buf + 8)) |
                       (ldq_he_p(buf + 16) | ldq_he_p(buf + 24)) |
                       (ldq_he_p(buf + 32) | ldq_he_p(buf + 40)) |
                       (ldq_he_p(buf + 48) | ldq_he_p(buf + 56));

        if (any) {
            return false;
        }
    }
    for (; end - buf > 8; buf += 8) {
        if (ldq_he_p(buf)) {
            return false;
        }
    }
    return ldq_he_p(end - 8) == 0;
}

static const BufferZeroImpl impl_portable = {
    .name = "portable",
    .cpuinfo = CPUINFO_ALWAYS,
    .fn = zero_portable,
};

size_t buffer_is_zero_nr_impls(void)
{
    size_t nr = 1;

#if defined(__x86_64__)
    unsigned int have = cpuinfo_get();

    for (size_t i = 0; i < buffer_zero_nr_impls_x86; i++) {
        unsigned int need = buffer_zero_impls_x86[i].cpuinfo;

        if ((have & need) != need) {
            break;
        }
        nr++;
    }
#endif
    return nr;
}

static const BufferZeroImpl *impl_get(size_t i)
{
#if defined(__x86_64__)
    if (i > 0) {
        return &buffer_zero_impls_x86[i - 1];
    }
#endif
    return &impl_portable;
}

size_t buffer_is_zero_best_impl(void)
{
    size_t best = buffer_is_zero_nr_impls() - 1;

    while (best > 0 && impl_get(best)->slower) {
        best--;
    }
    return best;
}

const char *buffer_is_zero_impl_name(size_t i)
{
    return impl_get(i)->name;
}

bool buffer_is_zero_with(size_t i, const void *buf, size_t len)
{
    if (len < BUFFER_ZERO_VECTOR_MIN) {
        return zero_portable(buf, len);
    }
    return impl_get(i)->fn(buf, len);
}

static BufferIsZeroFunc *chosen_body(void)
{
    static BufferIsZeroFunc *chosen;
    BufferIsZeroFunc *fn = qatomic_read(&chosen);

    if (unlikely(!fn)) {
        fn = impl_get(buffer_is_zero_best_impl())->fn;
        qatomic_set(&chosen, fn);
    }
    return fn;
}

/*
 * A normal page nearly always has a byte in one of these words: three cache
 * lines are looked at instead of sixty-four.
 */
static inline bool probes_zero(const uint8_t *buf, size_t len)
{
    return (ldq_he_p(buf) | ldq_he_p(buf + len / 2) |
            ldq_he_p(buf + len - 8)) == 0;
}

bool buffer_is_zero(const void *buf, size_t len)
{
    if (len < BUFFER_ZERO_VECTOR_MIN) {
        return zero_portable(buf, len);
    }
    return probes_zero(buf, len) && chosen_body()(buf, len);
}

/*
 * What the kernel maps by one fault where a file has the pages: larger windows
 * are rare, and smaller ones only cost a look.
 */
#define FAULT_AROUND_BYTES (64 * 1024)

/* A load from memory takes less, a fault more. */
#define FAULT_NS 700

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static inline void touch_page(const uint8_t *buf)
{
    (void)*(const volatile uint8_t *)buf;
}

/* Whether a page had to be mapped.  It may have been something else. */
static bool touch_faults(const uint8_t *buf)
{
    uint64_t began = now_ns();

    touch_page(buf);
    return now_ns() - began > FAULT_NS;
}

/*
 * Has the pages mapped before they are read.  A fault between two pages breaks
 * the stream of reads and finds the kernel's code and data gone from the caches;
 * one after the other they take less time by a third.
 *
 * Where all is mapped, to touch them would itself break the stream: so that is
 * found out, by the first page that a fault before them has not brought.
 */
static inline void touch_pages(const uint8_t *const *page, const uint8_t *base,
                               size_t page_size, size_t nr_pages)
{
    size_t step = MAX(FAULT_AROUND_BYTES / page_size, 1u);

    if (nr_pages <= step ||
        !touch_faults(page ? page[step] : base + step * page_size)) {
        return;
    }
    for (size_t i = 0; i < nr_pages; i += step) {
        touch_page(page ? page[i] : base + i * page_size);
    }
}

/*
 * Sorts pages: those of the array, or where that is NULL those that follow each
 * other from @base on.
 *
 * Zero pages come in runs, and so do others.  Behind a zero page the first word
 * is the only probe: it lies on the way, while others would break the stream of
 * reads that the processor has learnt, an eighth of the speed.  Behind a normal
 * page there is no stream: the next page's first line is asked for early, and
 * all probes pay.
 */
static inline void sort_pages(const uint8_t *const *page, const uint8_t *base,
                              size_t page_size, size_t nr_pages,
                              unsigned long *zero)
{
    BufferIsZeroFunc *fn = chosen_body();
    bool is_zero = false;

    touch_pages(page, base, page_size, nr_pages);
    for (size_t i = 0; i < nr_pages; i++) {
        const uint8_t *buf = page ? page[i] : base + i * page_size;

        if (page_size < BUFFER_ZERO_VECTOR_MIN) {
            is_zero = zero_portable(buf, page_size);
        } else if (is_zero) {
            is_zero = ldq_he_p(buf) == 0 && fn(buf, page_size);
        } else {
            if (i + 1 < nr_pages) {
                __builtin_prefetch(page ? page[i + 1] : buf + page_size);
            }
            is_zero = ldq_he_p(buf) == 0 && probes_zero(buf, page_size) &&
                fn(buf, page_size);
        }
        if (is_zero) {
            set_bit(i, zero);
        } else {
            clear_bit(i, zero);
        }
    }
}

void buffer_zero_bitmap(const uint8_t *base, size_t page_size,
                        size_t nr_pages, unsigned long *zero)
{
    sort_pages(NULL, base, page_size, nr_pages, zero);
}

void buffer_zero_pages(const uint8_t *const *page, size_t page_size,
                       size_t nr_pages, unsigned long *zero)
{
    sort_pages(page, NULL, page_size, nr_pages, zero);
}
