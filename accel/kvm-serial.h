/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first serial port of a PC: the registers of an 8250 with a FIFO, for
 * programs that poll.  There are no interrupts, and no time passes: a byte that
 * is written has left at once unless the backend is behind.
 *
 * Threads: read and write come from CPU threads, receive and room from the main
 * thread, the rest from who starts, stops, saves and loads the machine.
 * Lock: one of its own, inside which only the backend's functions are called.
 */
#ifndef ACCEL_KVM_SERIAL_H
#define ACCEL_KVM_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "migration/vmstate.h"

#define KVM_SERIAL_PORT 0x3f8
#define KVM_SERIAL_NR_PORTS 8

typedef struct KvmSerial KvmSerial;

/* Where the port leads; all of it is called from any thread. */
typedef struct KvmSerialBackend {
    /* takes one byte; does not wait */
    void (*put)(void *opaque, uint8_t byte);
    /* would it keep one more byte? */
    bool (*has_room)(void *opaque);
    /* the port can receive again */
    void (*accept_input)(void *opaque);
    void *opaque;
} KvmSerialBackend;

extern const VMStateDescription vmstate_kvm_serial;

/**
 * kvm_serial_new:
 *
 * Makes a port of a stopped machine that leads nowhere.
 *
 * Context: the main thread.  Free it with kvm_serial_free().
 * Returns: the port
 */
KvmSerial *kvm_serial_new(void);

/**
 * kvm_serial_free:
 * @serial: a port that no CPU reaches any more, or NULL
 *
 * Context: the main thread.
 */
void kvm_serial_free(KvmSerial *serial);

/**
 * kvm_serial_set_backend:
 * @serial: a port
 * @backend: where it leads; copied
 *
 * Connects it.
 *
 * Context: the main thread, before the first start.
 */
void kvm_serial_set_backend(KvmSerial *serial,
                            const KvmSerialBackend *backend);

/**
 * kvm_serial_set_running:
 * @serial: a port
 * @running: false: takes no input, so that it keeps still while it is saved
 *
 * Context: any thread.
 */
void kvm_serial_set_running(KvmSerial *serial, bool running);

/**
 * kvm_serial_state:
 * @serial: a port
 *
 * What vmstate_kvm_serial describes.
 *
 * Context: any thread.
 * Returns: memory inside the port.
 */
void *kvm_serial_state(KvmSerial *serial);

/**
 * kvm_serial_write:
 * @serial: a port
 * @reg: 0 to KVM_SERIAL_NR_PORTS - 1
 * @value: the byte
 *
 * A write by the guest.
 *
 * Context: any thread.
 */
void kvm_serial_write(KvmSerial *serial, unsigned reg, uint8_t value);

/**
 * kvm_serial_read:
 * @serial: a port
 * @reg: 0 to KVM_SERIAL_NR_PORTS - 1
 *
 * A read by the guest.
 *
 * Context: any thread.
 * Returns: the byte
 */
uint8_t kvm_serial_read(KvmSerial *serial, unsigned reg);

/**
 * kvm_serial_room:
 * @serial: a port
 *
 * Context: any thread.
 * Returns: how many bytes kvm_serial_receive() would keep, if it were called
 * now.
 */
size_t kvm_serial_room(KvmSerial *serial);

/**
 * kvm_serial_receive:
 * @serial: a port
 * @data: what came in
 * @len_bytes: how much
 *
 * What is not kept is still the caller's: the port may have been stopped since
 * the caller asked for room.
 *
 * Context: the main thread.
 * Returns: how many of the first bytes it kept.
 */
size_t kvm_serial_receive(KvmSerial *serial, const uint8_t *data,
                          size_t len_bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(KvmSerial, kvm_serial_free)

#endif /* ACCEL_KVM_SERIAL_H */
