/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions for devices, each compiled for the processors that have it and
 * called only where CPUID says so.
 *
 * Entered by every thread.  A build without CONFIG_ENQCMD_OPT gets the second
 * half of this file, which can do none of it.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "dsa-portal.h"

#ifdef CONFIG_ENQCMD_OPT

#include <cpuid.h>
#include <immintrin.h>

/* CPUID leaf 7, ECX. */
#define LEAF7_ECX_WAITPKG   (1u << 5)
#define LEAF7_ECX_MOVDIR64B (1u << 28)
#define LEAF7_ECX_ENQCMD    (1u << 29)

/* UMWAIT's first argument: the light state, from which waking is quick. */
#define UMWAIT_C01 1

DsaPortalCaps dsa_portal_caps(void)
{
    unsigned eax, ebx, ecx, edx;

    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        return (DsaPortalCaps) { false };
    }
    return (DsaPortalCaps) {
        .enqcmd = ecx & LEAF7_ECX_ENQCMD,
        .movdir64b = ecx & LEAF7_ECX_MOVDIR64B,
        .umwait = ecx & LEAF7_ECX_WAITPKG,
    };
}

/*
 * Neither instruction waits for earlier stores to be seen, and the device reads
 * descriptors' lists later: the fence keeps the order.
 */
__attribute__((target("enqcmd")))
bool dsa_portal_enqcmd(void *portal, const void *desc)
{
    _mm_sfence();
    return _enqcmd(portal, desc) == 0;
}

__attribute__((target("movdir64b")))
void dsa_portal_movdir64b(void *portal, const void *desc)
{
    _mm_sfence();
    _movdir64b(portal, desc);
}

__attribute__((target("waitpkg")))
void dsa_portal_umwait(const volatile uint8_t *status, /* the device writes */
                       uint64_t max_cycles)
{
    _umonitor((void *)(uintptr_t)status);
    /* It may have been written before the monitor was armed. */
    if (qatomic_load_acquire(status) == 0) {
        (void)_umwait(UMWAIT_C01, __rdtsc() + max_cycles);
    }
}

#else

DsaPortalCaps dsa_portal_caps(void)
{
    return (DsaPortalCaps) { false };
}

bool dsa_portal_enqcmd(void *portal, const void *desc)
{
    g_assert_not_reached();
}

void dsa_portal_movdir64b(void *portal, const void *desc)
{
    g_assert_not_reached();
}

void dsa_portal_umwait(const volatile uint8_t *status, /* the device writes */
                       uint64_t max_cycles)
{
    g_assert_not_reached();
}

#endif
