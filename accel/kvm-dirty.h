/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dirty log that KVM keeps.
 *
 * Threads: as memory/dirty.h.  No locks.
 */
#ifndef ACCEL_KVM_DIRTY_H
#define ACCEL_KVM_DIRTY_H

#include "accel/kvm-vm.h"
#include "memory/dirty.h"

typedef struct KvmDirty KvmDirty;

/**
 * kvm_dirty_new:
 * @vm: the machine; outlives it
 *
 * A provider for what the CPUs of @vm write.  Where the kernel can, reading
 * the log leaves it as it is and a range is cleared, and write-protected again,
 * just before it is read; elsewhere reading clears.
 *
 * Context: the main thread.  Free it with kvm_dirty_free().
 * Returns: the provider
 */
KvmDirty *kvm_dirty_new(KvmVm *vm);

/**
 * kvm_dirty_merge:
 * @bmap: bitmap of a block
 * @bmap_first: page of the block that is the first of @log
 * @log: pages of a slot; bits behind the last are clear
 * @nr_pages: of the slot
 *
 * Sets the bits of @log in @bmap.
 *
 * Context: any thread.
 * Returns: how many were clear before.
 */
uint64_t kvm_dirty_merge(unsigned long *bmap, uint64_t bmap_first,
                         const unsigned long *log, uint64_t nr_pages);

/**
 * kvm_dirty_free:
 * @dirty: a provider that does not track, or NULL
 *
 * Context: the main thread.
 */
void kvm_dirty_free(KvmDirty *dirty);

/**
 * kvm_dirty_provider:
 * @dirty: a provider
 *
 * Context: any thread.
 * Returns: what migration knows it as, owned by @dirty.
 */
DirtyProvider *kvm_dirty_provider(KvmDirty *dirty);

#endif /* ACCEL_KVM_DIRTY_H */
