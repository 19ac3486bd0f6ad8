/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual machine as the kernel has it: its descriptors, its memory slots,
 * what this kernel can do.
 *
 * Threads: made and freed in the main thread, constant from then on but for
 * the flags of the slots, which the dirty provider changes.  No locks.
 */
#ifndef ACCEL_KVM_VM_H
#define ACCEL_KVM_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "accel/kvm-layout.h"

typedef struct Error Error;

#define KVM_DEFAULT_DEVICE "/dev/kvm"

typedef struct KvmVm {
    int device_fd;
    int fd;
    KvmLayout layout;
    bool tsc_scaling;       /* the guest's clock rate can be chosen */
} KvmVm;

/**
 * kvm_vm_init:
 * @vm: receives the machine, also after a failure; to kvm_vm_destroy()
 * @device: path of the device node
 * @ram: its memory; outlives it
 * @errp: receives the reason on failure, or NULL
 *
 * Makes a virtual machine that has memory and no CPUs.
 *
 * Context: the main thread.
 * Returns: false when KVM is not there or not usable.
 */
bool kvm_vm_init(KvmVm *vm, const char *device, const RamList *ram,
                 Error **errp);

/**
 * kvm_vm_destroy:
 * @vm: a machine without CPUs
 *
 * Context: the main thread.
 */
void kvm_vm_destroy(KvmVm *vm);

/**
 * kvm_vm_set_slot:
 * @vm: a machine
 * @index: of the slot in its layout
 * @log_dirty: log writes to it
 *
 * Tells the kernel of a slot, or of a change.
 *
 * Context: any thread.
 * Returns: 0 or -errno
 */
int kvm_vm_set_slot(KvmVm *vm, unsigned index, bool log_dirty);

/**
 * kvm_vm_explain_open:
 * @device: path of the device node
 * @errnum: why it could not be opened, positive
 * @errp: receives the sentence
 *
 * Says what to do about it.
 *
 * Context: any thread.
 */
void kvm_vm_explain_open(const char *device, int errnum, Error **errp);

#endif /* ACCEL_KVM_VM_H */
