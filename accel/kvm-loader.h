/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Puts a program into guest memory: an ELF64 executable by its program
 * headers, anything else as it is, at a fixed address.
 *
 * The file is not trusted: every number in it is checked against the file and
 * against memory before a byte is copied.
 *
 * Threads: the main thread, before the guest runs.  No locks.
 */
#ifndef ACCEL_KVM_LOADER_H
#define ACCEL_KVM_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accel/kvm-layout.h"

typedef struct Error Error;

/* Where a flat program is put and entered. */
#define KVM_FLAT_ADDRESS 0x100000ull

/* Beyond it nothing is mapped when the program is entered. */
#define KVM_ENTRY_END 0x100000000ull

/* Below it are page tables and stacks of the boot state; see kvm-boot.h. */
#define KVM_LOAD_MIN 0x80000ull

/**
 * kvm_loader_place:
 * @layout: guest memory
 * @name: of the program, for messages
 * @data: its bytes
 * @len_bytes: how many
 * @entry: receives the guest physical address of its first instruction
 * @errp: receives the reason on failure, or NULL
 *
 * Copies a program to where it belongs.
 *
 * Context: the main thread.
 * Returns: false when it is malformed or does not fit; memory may have been
 * written, @entry has not.
 */
bool kvm_loader_place(const KvmLayout *layout, const char *name,
                      const uint8_t *data, size_t len_bytes, uint64_t *entry,
                      Error **errp);

/**
 * kvm_loader_load:
 * @layout: guest memory
 * @path: of the program
 * @entry: receives the guest physical address of its first instruction
 * @errp: receives the reason on failure, or NULL
 *
 * Reads a file and places it.
 *
 * Context: the main thread.
 * Returns: as kvm_loader_place(); false also when the file cannot be read.
 */
bool kvm_loader_load(const KvmLayout *layout, const char *path,
                     uint64_t *entry, Error **errp);

#endif /* ACCEL_KVM_LOADER_H */
