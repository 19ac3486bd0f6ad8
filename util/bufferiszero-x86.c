/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zero test with SSE2, AVX2 and AVX-512.
 *
 * Entered by every thread through the table at the end.  Each body reads
 * one vector at the buffer's own alignment at either end and aligned vectors
 * between, so it never reads outside; the ends overlap the middle.  Targets
 * are set per function: the rest of the program runs on any x86-64.
 *
 * The unroll is such that one test and branch comes per 64 to 256 bytes.
 * There is no prefetch: on a walk upwards the hardware's is better, and
 * measured, ours halved the speed.
 */
#include "qemu/osdep.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "qemu/cpuinfo.h"
#include "bufferiszero-internal.h"

#define TARGET_SSE2   __attribute__((target("sse2")))
#define TARGET_AVX2   __attribute__((target("avx2")))
#define TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

TARGET_SSE2 static inline bool sse2_zero(__m128i v)
{
    __m128i eq = _mm_cmpeq_epi8(v, _mm_setzero_si128());

    return _mm_movemask_epi8(eq) == 0xffff;
}

TARGET_SSE2 static bool zero_sse2(const uint8_t *buf, size_t len)
{
    const uint8_t *end = buf + len;
    const __m128i *p = QEMU_ALIGN_PTR_UP((const __m128i *)(buf + 1), 16);
    const __m128i *last = QEMU_ALIGN_PTR_DOWN((const __m128i *)(end - 1), 16);
    __m128i v = _mm_loadu_si128((const __m128i *)buf) |
                _mm_loadu_si128((const __m128i *)(end - 16));

    for (; last - p >= 4; p += 4) {
        if (!sse2_zero(v)) {
            return false;
        }
        v = (p[0] | p[1]) | (p[2] | p[3]);
    }
    for (; p < last; p++) {
        v |= *p;
    }
    return sse2_zero(v);
}

TARGET_AVX2 static bool zero_avx2(const uint8_t *buf, size_t len)
{
    const uint8_t *end = buf + len;
    const __m256i *p = QEMU_ALIGN_PTR_UP((const __m256i *)(buf + 1), 32);
    const __m256i *last = QEMU_ALIGN_PTR_DOWN((const __m256i *)(end - 1), 32);
    __m256i v = _mm256_loadu_si256((const __m256i *)buf) |
                _mm256_loadu_si256((const __m256i *)(end - 32));

    for (; last - p >= 8; p += 8) {
        if (!_mm256_testz_si256(v, v)) {
            return false;
        }
        v = ((p[0] | p[1]) | (p[2] | p[3])) |
            ((p[4] | p[5]) | (p[6] | p[7]));
    }
    for (; p < last; p++) {
        v |= *p;
    }
    return _mm256_testz_si256(v, v);
}

TARGET_AVX512 static bool zero_avx512(const uint8_t *buf, size_t len)
{
    const uint8_t *end = buf + len;
    const __m512i *p = QEMU_ALIGN_PTR_UP((const __m512i *)(buf + 1), 64);
    const __m512i *last = QEMU_ALIGN_PTR_DOWN((const __m512i *)(end - 1), 64);
    __m512i v = _mm512_loadu_si512(buf) | _mm512_loadu_si512(end - 64);

    for (; last - p >= 4; p += 4) {
        if (_mm512_test_epi64_mask(v, v)) {
            return false;
        }
        v = (p[0] | p[1]) | (p[2] | p[3]);
    }
    for (; p < last; p++) {
        v |= *p;
    }
    return _mm512_test_epi64_mask(v, v) == 0;
}

const BufferZeroImpl buffer_zero_impls_x86[] = {
    {
        .name = "sse2",
        .cpuinfo = CPUINFO_SSE2,
        .fn = zero_sse2,
    }, {
        .name = "avx2",
        .cpuinfo = CPUINFO_AVX2,
        .fn = zero_avx2,
    }, {
        .name = "avx512",
        .cpuinfo = CPUINFO_AVX512F | CPUINFO_AVX512BW | CPUINFO_AVX512VL,
        /* By 10 to 15 %: one load a line does not train the prefetch. */
        .slower = true,
        .fn = zero_avx512,
    },
};

const size_t buffer_zero_nr_impls_x86 = ARRAY_SIZE(buffer_zero_impls_x86);

#endif
