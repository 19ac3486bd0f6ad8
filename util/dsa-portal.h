/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instructions that reach a device: ENQCMD, MOVDIR64B, and those that wait
 * for a record, UMONITOR and UMWAIT.
 *
 * Threads: any.  No locks.
 */
#ifndef UTIL_DSA_PORTAL_H
#define UTIL_DSA_PORTAL_H

#include <stdbool.h>
#include <stdint.h>

#define DSA_PORTAL_BYTES 4096

/* What this processor, and this build, can do. */
typedef struct DsaPortalCaps {
    bool enqcmd;
    bool movdir64b;
    bool umwait;
} DsaPortalCaps;

/**
 * dsa_portal_caps:
 *
 * Asks the processor, which is slow in a virtual machine: keep the answer.
 * Returns: what the functions below may be called for
 */
DsaPortalCaps dsa_portal_caps(void);

/**
 * dsa_portal_enqcmd:
 * @portal: a mapped portal of a shared queue
 * @desc: 64 bytes at a multiple of 64
 *
 * Only if DsaPortalCaps::enqcmd.
 * Returns: false when the device wants it to be tried again
 */
bool dsa_portal_enqcmd(void *portal, const void *desc);

/**
 * dsa_portal_movdir64b:
 * @portal: a mapped portal of a dedicated queue
 * @desc: 64 bytes at a multiple of 64
 *
 * Only if DsaPortalCaps::movdir64b.  The device does not answer.
 */
void dsa_portal_movdir64b(void *portal, const void *desc);

/**
 * dsa_portal_umwait:
 * @status: a byte that a device will write; 0 until then
 * @max_cycles: longest wait, cycles of the time stamp counter
 *
 * Sleeps lightly until the byte's cache line is written.  Only if
 * DsaPortalCaps::umwait.  May return early for any reason.
 */
void dsa_portal_umwait(const volatile uint8_t *status, uint64_t max_cycles);

#endif /* UTIL_DSA_PORTAL_H */
