/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the CPUs of a machine `micro` begin: all of them at the program's entry,
 * in 64-bit mode, interrupts off, the first 4 GiB mapped to themselves.
 *
 * RDI: number of the CPU, from 0.  RSI: bytes of RAM.  RDX: number of CPUs.
 * RSP: a stack of 16 KiB, from 0x80000 down, the first CPU's on top.
 * Flat segments: code 0x08, data 0x10.  No IDT: an exception ends the guest.
 * 0x1000-0x7fff hold the GDT and the page tables; the rest of the first 512 KiB
 * is the program's.
 *
 * Threads: the main thread, before the guest runs.  No locks.
 */
#ifndef ACCEL_KVM_BOOT_H
#define ACCEL_KVM_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "accel/kvm-cpu.h"

typedef struct Error Error;

#define KVM_BOOT_GDT 0x1000
#define KVM_BOOT_PML4 0x2000
#define KVM_BOOT_PDPT 0x3000
#define KVM_BOOT_PD 0x4000
#define KVM_BOOT_END 0x8000
#define KVM_BOOT_STACK_TOP 0x80000
#define KVM_BOOT_STACK_BYTES 0x4000

/**
 * kvm_boot_tables:
 * @layout: guest memory
 * @errp: receives the reason on failure, or NULL
 *
 * Writes the GDT and the page tables.
 *
 * Context: the main thread.
 * Returns: false when there is too little memory.
 */
bool kvm_boot_tables(const KvmLayout *layout, Error **errp);

/**
 * kvm_boot:
 * @cpus: CPUs in the state of a reset
 * @kernel: path of the program
 * @errp: receives the reason on failure, or NULL
 *
 * Loads the program and puts all CPUs before its entry.
 *
 * Context: the main thread.
 * Returns: false when the program cannot be loaded.
 */
bool kvm_boot(KvmCpus *cpus, const char *kernel, Error **errp);

#endif /* ACCEL_KVM_BOOT_H */
