/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands behind a serial port: the terminal, a file, a unix socket.
 *
 * Output is kept in a bounded buffer that the main loop writes out, so that a
 * CPU never waits for a reader; while nobody is connected it is dropped.
 *
 * Threads: made and freed in the main thread, which does all input and output.
 * put, has_room and accept_input are for any thread.
 * Lock: one of its own, a leaf.
 */
#ifndef ACCEL_KVM_CHARDEV_H
#define ACCEL_KVM_CHARDEV_H

#include "accel/guest.h"
#include "accel/kvm-serial.h"
#include "qemu/main-loop.h"

typedef struct Error Error;
typedef struct KvmChardev KvmChardev;

/**
 * kvm_chardev_new:
 * @config: where it leads, not GUEST_SERIAL_NONE
 * @serial: the port, which is given this backend; outlives it
 * @loop: the main loop; outlives it
 * @errp: receives the reason on failure, or NULL
 *
 * Opens a backend.
 *
 * Context: the main thread.  Free it with kvm_chardev_free().
 * Returns: the backend, or NULL when the place cannot be opened.
 */
KvmChardev *kvm_chardev_new(const GuestSerial *config, KvmSerial *serial,
                            MainLoop *loop, Error **errp);

/**
 * kvm_chardev_awaits_client:
 * @chr: a backend, or NULL
 *
 * Context: the main thread.
 * Returns: whether the guest may not start yet.  Who asks serves the main loop
 * meanwhile.
 */
bool kvm_chardev_awaits_client(const KvmChardev *chr);

/**
 * kvm_chardev_free:
 * @chr: a backend whose port no CPU reaches any more, or NULL
 *
 * Gives the terminal back, writes out what it can within a second, and closes.
 *
 * Context: the main thread.
 */
void kvm_chardev_free(KvmChardev *chr);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(KvmChardev, kvm_chardev_free)

#endif /* ACCEL_KVM_CHARDEV_H */
