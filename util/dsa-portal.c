/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions for devices, each compiled for the processors that have it and
 * called only where CPUID says so.
 *
 * Entered by every thread.  A build without CONFIG_ENQCMD_OPT gets the second
 * half of this file, which can only pause.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/cpuinfo.h"
#include "dsa-portal.h"

#ifdef CONFIG_ENQCMD_OPT

#include <immintrin.h>

/* UMWAIT's first argument: the light state, from which waking is quick. */
#define UMWAIT_C01 1

DsaPortalCaps dsa_portal_caps(void)
{
    unsigned info = cpuinfo_get();

    return (DsaPortalCaps) {
        .enqcmd = info & CPUINFO_ENQCMD,
        .movdir64b = info & CPUINFO_MOVDIR64B,
        .umwait = info & CPUINFO_WAITPKG,
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

void dsa_portal_pause(void)
{
    _mm_pause();
}

__attribute__((target("waitpkg")))
void dsa_portal_umwait(const volatile uint8_t *status, uint64_t max_cycles)
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

void dsa_portal_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    barrier();
#endif
}

void dsa_portal_umwait(const volatile uint8_t *status, uint64_t max_cycles)
{
    g_assert_not_reached();
}

#endif
