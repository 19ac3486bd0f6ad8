/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dirty rings that KVM keeps, one a CPU: the other way to find out what
 * the guest has written.  It costs by what is written, not by the size of
 * memory as the log (kvm-dirty.h) does.
 *
 * Threads: as memory/dirty.h; CPU threads hand in rings that are full.
 * Lock: one of its own, taken with no other held.
 */
#ifndef ACCEL_KVM_DIRTY_RING_H
#define ACCEL_KVM_DIRTY_RING_H

#include <stdbool.h>

#include "accel/kvm-cpu.h"
#include "memory/dirty.h"

typedef struct Error Error;
typedef struct KvmDirtyRing KvmDirtyRing;

/**
 * kvm_dirty_ring_parse:
 * @text: value of dirty-ring-size, or NULL
 * @nr_entries: receives it; 0 for no ring
 * @errp: receives the reason on failure, or NULL
 *
 * Context: any thread.
 * Returns: false when it is no size for a ring.
 */
bool kvm_dirty_ring_parse(const char *text, unsigned *nr_entries,
                          Error **errp);

/**
 * kvm_dirty_ring_new:
 * @vm: a machine that has no CPUs yet; outlives it
 * @nr_entries: of each ring, as kvm_dirty_ring_parse() takes it, not 0
 * @errp: receives the reason on failure, or NULL
 *
 * Has the kernel make a ring for each CPU to come.
 *
 * Context: the main thread.  Free it with kvm_dirty_ring_free().
 * Returns: the provider, or NULL when the kernel does not do that.
 */
KvmDirtyRing *kvm_dirty_ring_new(KvmVm *vm, unsigned nr_entries, Error **errp);

/**
 * kvm_dirty_ring_attach:
 * @dirty: a provider
 * @cpus: all CPUs of its machine, which have not run yet; outlive it
 * @errp: receives the reason on failure, or NULL
 *
 * Maps their rings.
 *
 * Context: the main thread.
 * Returns: false when the kernel refuses.
 */
bool kvm_dirty_ring_attach(KvmDirtyRing *dirty, KvmCpus *cpus, Error **errp);

/**
 * kvm_dirty_ring_full:
 * @dirty: a provider with CPUs
 * @cpu: one that has come out because its ring is full
 *
 * Makes room, so that it can go on.
 *
 * Context: the CPU's thread.
 */
void kvm_dirty_ring_full(KvmDirtyRing *dirty, const KvmCpu *cpu);

/**
 * kvm_dirty_ring_free:
 * @dirty: a provider that does not track, or NULL
 *
 * Context: the main thread, before the CPUs' descriptors are closed or after.
 */
void kvm_dirty_ring_free(KvmDirtyRing *dirty);

/**
 * kvm_dirty_ring_provider:
 * @dirty: a provider
 *
 * Context: any thread.
 * Returns: what migration knows it as, owned by @dirty.
 */
DirtyProvider *kvm_dirty_ring_provider(KvmDirtyRing *dirty);

#endif /* ACCEL_KVM_DIRTY_RING_H */
