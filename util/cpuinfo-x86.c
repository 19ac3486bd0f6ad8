/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID on x86: vectors.
 *
 * Entered by every thread; holds no state.  A vector unit counts when the
 * kernel saves its registers too, which XGETBV tells.  Other hosts get the
 * stub at the end.
 */
#include "qemu/osdep.h"

#include "qemu/cpuinfo.h"

#if defined(__x86_64__) || defined(__i386__)

#include <cpuid.h>

/* XCR0: register state that the kernel saves. */
#define XCR0_SSE_AVX    0x06u   /* XMM, upper halves of YMM */
#define XCR0_AVX512     0xe6u   /* the above, mask registers, ZMM */

/* CPUID leaf 7 names that older compilers' cpuid.h lacks. */
#define LEAF7_EBX_AVX2      (1u << 5)
#define LEAF7_EBX_AVX512F   (1u << 16)
#define LEAF7_EBX_AVX512BW  (1u << 30)
#define LEAF7_EBX_AVX512VL  (1u << 31)

static unsigned int read_xcr0(void)
{
    unsigned int low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static unsigned int pick(unsigned int reg, unsigned int bit,
                         unsigned int info)
{
    return reg & bit ? info : 0;
}

unsigned int cpuinfo_get(void)
{
    unsigned int info = CPUINFO_ALWAYS;
    unsigned int a, b, c, d, xcr0 = 0;

    if (!__get_cpuid(1, &a, &b, &c, &d)) {
        return info;
    }
    info |= pick(d, bit_SSE2, CPUINFO_SSE2);
    if (c & bit_OSXSAVE) {
        xcr0 = read_xcr0();
    }
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        return info;
    }
    if ((xcr0 & XCR0_SSE_AVX) == XCR0_SSE_AVX) {
        info |= pick(b, LEAF7_EBX_AVX2, CPUINFO_AVX2);
    }
    if ((xcr0 & XCR0_AVX512) == XCR0_AVX512) {
        info |= pick(b, LEAF7_EBX_AVX512F, CPUINFO_AVX512F) |
                pick(b, LEAF7_EBX_AVX512BW, CPUINFO_AVX512BW) |
                pick(b, LEAF7_EBX_AVX512VL, CPUINFO_AVX512VL);
    }
    return info;
}

#else

unsigned int cpuinfo_get(void)
{
    return CPUINFO_ALWAYS;
}

#endif
