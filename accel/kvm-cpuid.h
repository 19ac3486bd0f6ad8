/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kind of CPU a guest sees: the table behind its CPUID instruction.
 *
 * It is made from what the host can, travels with the guest, and is refused by
 * a host that cannot give what the guest may be using.  Left out is what a guest
 * would have state in that does not travel: KVM's own interfaces, hypervisors
 * inside the guest, counters of performance, enclaves, shadow stacks, tiles.
 *
 * Threads: plain data; the calls may come from any thread.  No locks.
 */
#ifndef ACCEL_KVM_CPUID_H
#define ACCEL_KVM_CPUID_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Error Error;

#define KVM_CPUID_MAX 128
/* function, index, flags, eax, ebx, ecx, edx */
#define KVM_CPUID_WORDS 7

typedef struct KvmCpuid {
    uint32_t nr_entries;
    uint32_t words[KVM_CPUID_MAX * KVM_CPUID_WORDS];
} KvmCpuid;

/**
 * kvm_cpuid_of_host:
 * @device_fd: of the device node
 * @cpuid: receives the table
 * @errp: receives the reason on failure, or NULL
 *
 * All that this host can give to a guest.
 *
 * Returns: false when the kernel does not tell.
 */
bool kvm_cpuid_of_host(int device_fd, KvmCpuid *cpuid, Error **errp);

/**
 * kvm_cpuid_leave_out:
 * @cpuid: the table
 *
 * Takes features away whose state does not travel.
 */
void kvm_cpuid_leave_out(KvmCpuid *cpuid);

/**
 * kvm_cpuid_check:
 * @have: what this host can give
 * @want: what a guest has
 * @errp: receives the reason on failure, or NULL
 *
 * Compares the maker, and feature by feature.
 *
 * Returns: false when the guest has one that this host lacks.
 */
bool kvm_cpuid_check(const KvmCpuid *have, const KvmCpuid *want,
                     Error **errp);

/**
 * kvm_cpuid_apply:
 * @cpuid: the table
 * @cpu_fd: of a CPU that has not run
 * @index: number of the CPU, which stands in some leaves
 * @errp: receives the reason on failure, or NULL
 *
 * Gives a CPU its table.
 *
 * Returns: false when the kernel refuses it.
 */
bool kvm_cpuid_apply(const KvmCpuid *cpuid, int cpu_fd, unsigned index,
                     Error **errp);

#endif /* ACCEL_KVM_CPUID_H */
