/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bell: who waits for one of many things to happen reads the count, looks
 * whether it has happened, and waits for the count to change.  Nothing that
 * happens in between is missed.
 *
 * Threads: any.  Locks: DsaBell::lock, with no other taken while it is held.
 */
#ifndef QEMU_DSA_BELL_H
#define QEMU_DSA_BELL_H

#include <stdbool.h>
#include <stdint.h>

#include "qemu/thread.h"

typedef struct DsaBell {
    uint32_t count;             /* atomic */
    uint32_t nr_waiters;        /* atomic */
    QemuMutex lock;
    QemuCond rung;
} DsaBell;

/**
 * dsa_bell_init:
 * @bell: to be initialized, and destroyed with dsa_bell_destroy()
 */
void dsa_bell_init(DsaBell *bell);

/**
 * dsa_bell_destroy:
 * @bell: a bell that nobody uses any more
 */
void dsa_bell_destroy(DsaBell *bell);

/**
 * dsa_bell_read:
 * @bell: a bell
 *
 * Returns: the count, for dsa_bell_wait(); read it before looking
 */
uint32_t dsa_bell_read(DsaBell *bell);

/**
 * dsa_bell_ring:
 * @bell: a bell
 *
 * Wakes all who wait.  What was written before is seen by them.  Without a
 * waiter it is one atomic addition.
 */
void dsa_bell_ring(DsaBell *bell);

/**
 * dsa_bell_wait:
 * @bell: a bell
 * @seen: what dsa_bell_read() returned
 * @timeout_ms: longest wait, milliseconds; -1 for no limit
 *
 * Waits until the bell has been rung after @seen was read.
 * Returns: false when the time was up
 */
bool dsa_bell_wait(DsaBell *bell, uint32_t seen, int timeout_ms);

#endif /* QEMU_DSA_BELL_H */
