/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of CPUs as it goes over the wire, and its way from and to the
 * kernel.
 *
 * Sections: "micro" has what all CPUs share, "cpu" is there once a CPU, with
 * its number as instance.
 *
 * Threads: saved and loaded by any one thread while the CPUs are stopped.  No
 * locks.
 */
#ifndef ACCEL_KVM_STATE_H
#define ACCEL_KVM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "accel/kvm-cpu.h"
#include "accel/kvm-cpuid.h"
#include "migration/vmstate.h"

#define KVM_STATE_GPRS 18
#define KVM_STATE_SEGMENTS 8
#define KVM_STATE_CRS 5
#define KVM_STATE_DRS 6
#define KVM_STATE_XSAVE_BYTES 4096
#define KVM_STATE_MSRS 64

typedef struct KvmStateSegment {
    uint64_t base;
    uint32_t limit;
    uint16_t selector;
    uint16_t flags;         /* as bits 8-23 of a descriptor's upper half */
} KvmStateSegment;

typedef struct KvmStateEvents {
    uint32_t flags;
    bool exception_injected;
    bool exception_pending;
    bool exception_has_payload;
    bool exception_has_error;
    uint8_t exception_nr;
    uint32_t exception_error;
    uint64_t exception_payload;
    bool interrupt_injected;
    bool interrupt_soft;
    uint8_t interrupt_nr;
    uint8_t interrupt_shadow;
    bool nmi_injected;
    bool nmi_pending;
    bool nmi_masked;
    bool triple_fault;
} KvmStateEvents;

/* One CPU. */
typedef struct KvmCpuState {
    KvmCpu *cpu;            /* set once; stays here */

    uint64_t gpr[KVM_STATE_GPRS];
    KvmStateSegment segment[KVM_STATE_SEGMENTS];
    uint64_t gdt_base;
    uint64_t idt_base;
    uint16_t gdt_limit;
    uint16_t idt_limit;
    uint64_t cr[KVM_STATE_CRS];
    uint64_t efer;
    uint64_t apic_base;
    uint64_t interrupt_bitmap[4];
    uint64_t dr[KVM_STATE_DRS];
    uint64_t xcr0;
    uint8_t xsave[KVM_STATE_XSAVE_BYTES];
    KvmStateEvents events;
    uint32_t mp_state;
    bool halted;
    uint32_t nr_msrs;
    uint32_t msr_index[KVM_STATE_MSRS];
    uint64_t msr_value[KVM_STATE_MSRS];
} KvmCpuState;

/* The machine. */
typedef struct KvmState {
    KvmCpus *cpus;          /* set once; stays here */
    KvmCpuid host_cpuid;    /* set once; stays here */

    uint32_t nr_cpus;
    uint32_t tsc_khz;
    KvmCpuid cpuid;
    KvmCpuState cpu[GUEST_MAX_CPUS];
} KvmState;

extern const VMStateDescription vmstate_kvm_machine;
extern const VMStateDescription vmstate_kvm_cpu;

/**
 * kvm_state_init:
 * @state: zeroed memory
 * @cpus: the CPUs; outlive it
 * @errp: receives the reason on failure, or NULL
 *
 * Gives the CPUs all features that this host has.
 *
 * Context: the main thread.
 * Returns: false when the kernel refuses.
 */
bool kvm_state_init(KvmState *state, KvmCpus *cpus, Error **errp);

/**
 * kvm_state_get_machine:
 * @state: the state
 * @errp: receives the reason on failure, or NULL
 *
 * Brings what CPUs share up to date before it is sent.
 *
 * Context: any thread; CPUs are stopped.
 * Returns: false when the kernel does not tell.
 */
bool kvm_state_get_machine(KvmState *state, Error **errp);

/**
 * kvm_state_put_machine:
 * @state: the state, as it came
 * @errp: receives the reason on failure, or NULL
 *
 * Makes the CPUs those of the source.
 *
 * Context: any thread; CPUs have not run.
 * Returns: false when this host cannot be that.
 */
bool kvm_state_put_machine(KvmState *state, Error **errp);

/**
 * kvm_state_get_cpu:
 * @state: the state of a CPU
 * @errp: receives the reason on failure, or NULL
 *
 * Reads all of a CPU from the kernel.
 *
 * Context: any thread; CPUs are stopped.
 * Returns: false when the kernel does not tell.
 */
bool kvm_state_get_cpu(KvmCpuState *state, Error **errp);

/**
 * kvm_state_put_cpu:
 * @state: the state of a CPU, as it came
 * @errp: receives the reason on failure, or NULL
 *
 * Writes all of a CPU to the kernel.
 *
 * Context: any thread; CPUs are stopped.
 * Returns: false when the kernel refuses a part of it.
 */
bool kvm_state_put_cpu(KvmCpuState *state, Error **errp);

/**
 * kvm_msrs_get:
 * @state: of a CPU; its list of registers is made
 *
 * Reads those of the registers in the table that this CPU has.
 */
void kvm_msrs_get(KvmCpuState *state);

/**
 * kvm_msrs_put:
 * @state: of a CPU, as it came
 * @errp: receives the reason on failure, or NULL
 *
 * Writes the registers.
 *
 * Returns: false when one is not of the table, or the CPU refuses its value.
 */
bool kvm_msrs_put(const KvmCpuState *state, Error **errp);

#endif /* ACCEL_KVM_STATE_H */
