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
        fn = impl_get(buffer_is_zero_nr_impls() - 1)->fn;
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
 * The lines that the probes of a page will touch.  Worth it from one normal
 * page to the next, where nothing else brings them; behind a zero page, which
 * was read to its end, it only disturbs the hardware's own prefetch.
 */
static inline void prefetch_probes(const uint8_t *page, size_t page_size)
{
    __builtin_prefetch(page);
    __builtin_prefetch(page + page_size / 2);
    __builtin_prefetch(page + page_size - 1);
}

void buffer_zero_bitmap(const uint8_t *base, size_t page_size,
                        size_t nr_pages, unsigned long *zero)
{
    bool is_zero = false;

    for (size_t i = 0; i < nr_pages; i++, base += page_size) {
        if (!is_zero && i + 1 < nr_pages) {
            prefetch_probes(base + page_size, page_size);
        }
        is_zero = buffer_is_zero(base, page_size);
        if (is_zero) {
            set_bit(i, zero);
        } else {
            clear_bit(i, zero);
        }
    }
}
