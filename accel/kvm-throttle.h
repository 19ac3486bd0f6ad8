/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slows the guest's CPUs down: a thread that sends them to sleep every now and
 * then.
 *
 * Threads: made and freed in the main thread; set by any.
 * Lock: one of its own, under which that of KvmCpus is taken.
 */
#ifndef ACCEL_KVM_THROTTLE_H
#define ACCEL_KVM_THROTTLE_H

#include "accel/kvm-cpu.h"

typedef struct Error Error;
typedef struct KvmThrottle KvmThrottle;

/* One turn: run, then sleep. */
typedef struct KvmThrottlePlan {
    int run_ms;
    int nap_ms;
} KvmThrottlePlan;

/**
 * kvm_throttle_plan:
 * @percent: of their time that CPUs sleep, 1 to 99
 *
 * Turns so long that the share is exact to one percent, and not much longer.
 *
 * Context: any thread.
 * Returns: the plan
 */
KvmThrottlePlan kvm_throttle_plan(unsigned percent);

/**
 * kvm_throttle_new:
 * @cpus: whom it slows down; outlive it
 * @errp: receives the reason on failure, or NULL
 *
 * Context: the main thread.  Free it with kvm_throttle_free().
 * Returns: a throttle that does nothing yet; NULL when there is no thread.
 */
KvmThrottle *kvm_throttle_new(KvmCpus *cpus, Error **errp);

/**
 * kvm_throttle_set:
 * @throttle: a throttle
 * @percent: of their time that CPUs sleep, 0 to 99; 0 wakes them at once
 *
 * Context: any thread; does not wait.
 */
void kvm_throttle_set(KvmThrottle *throttle, unsigned percent);

/**
 * kvm_throttle_free:
 * @throttle: a throttle, or NULL
 *
 * Context: the main thread.
 */
void kvm_throttle_free(KvmThrottle *throttle);

#endif /* ACCEL_KVM_THROTTLE_H */
