/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a CPU came out of the guest, and what is done about it: its ports.
 *
 * Port 0x3f8 to 0x3ff is the serial port.  A byte written to 0xf4 ends the
 * guest: 0 in order, any other value as a failure.  Reads from other ports and
 * from addresses without memory give ones, and writes there have no effect.
 *
 * Threads: CPU threads, several at once.  No locks.
 */
#ifndef ACCEL_KVM_EXIT_H
#define ACCEL_KVM_EXIT_H

#include "accel/kvm-cpu.h"
#include "accel/kvm-dirty-ring.h"
#include "accel/kvm-serial.h"

#define KVM_DEBUG_EXIT_PORT 0xf4

typedef struct KvmBoard {
    KvmSerial *serial;
    KvmDirtyRing *ring;     /* NULL: its CPUs have none */
    /* as AccelHost has them */
    void (*ended)(void *opaque, const char *reason);
    void (*stuck)(void *opaque, const char *reason);
    void *opaque;
} KvmBoard;

/**
 * kvm_board_handle_exit:
 * @opaque: a KvmBoard
 * @cpu: a CPU that has come out
 *
 * KvmCpusHost.handle_exit() of a machine `micro`.
 *
 * Context: the CPU's thread.
 * Returns: whether the CPU goes on.
 */
KvmExit kvm_board_handle_exit(void *opaque, KvmCpu *cpu);

#endif /* ACCEL_KVM_EXIT_H */
