/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The serial port; see kvm-serial.h.
 *
 * CPU threads enter it for each access, the main thread with input.  Where the
 * bytes go is the backend's affair: kvm-chardev.c.
 */
#include "qemu/osdep.h"

#include "accel/kvm-serial.h"
#include "qapi/error.h"
#include "qemu/thread.h"

/* Registers; the first two have another meaning while LCR_DLAB is set. */
#define REG_DATA 0
#define REG_IER 1
#define REG_IIR_FCR 2
#define REG_LCR 3
#define REG_MCR 4
#define REG_LSR 5
#define REG_MSR 6
#define REG_SCR 7

#define IIR_NONE_PENDING 0x01
#define IIR_FIFO 0xc0
#define FCR_ENABLE 0x01
#define FCR_CLEAR_RX 0x02
#define FCR_KEPT 0xc9
#define LCR_DLAB 0x80
#define MCR_LOOP 0x10
#define MCR_KEPT 0x1f
#define LSR_DATA 0x01
#define LSR_OVERRUN 0x02
#define LSR_THRE 0x20
#define LSR_TEMT 0x40
/* the other end is there and ready: CTS, DSR, DCD */
#define MSR_READY 0xb0

#define SERIAL_FIFO 16

typedef struct KvmSerialState {
    uint8_t divisor_low;
    uint8_t divisor_high;
    uint8_t ier;
    uint8_t fcr;
    uint8_t lcr;
    uint8_t mcr;
    uint8_t scr;
    bool overrun;
    uint32_t nr_received;
    uint8_t received[SERIAL_FIFO];  /* the oldest first */
} KvmSerialState;

struct KvmSerial {
    KvmSerialBackend backend;   /* set once; put may be NULL */

    QemuMutex lock;
    bool running;               /* guarded by @lock */
    KvmSerialState state;       /* guarded by @lock while @running */
};

static bool kvm_serial_validate(const void *staged, int version_id,
                                Error **errp)
{
    const KvmSerialState *s = staged;

    if (s->nr_received > SERIAL_FIFO) {
        error_setg(errp, "Serial port: %" PRIu32 " bytes in a FIFO of %d",
                   s->nr_received, SERIAL_FIFO);
        return false;
    }
    return true;
}

const VMStateDescription vmstate_kvm_serial = {
    .name = "serial",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(KvmSerialState),
    .validate = kvm_serial_validate,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(divisor_low, KvmSerialState),
        VMSTATE_UINT8(divisor_high, KvmSerialState),
        VMSTATE_UINT8(ier, KvmSerialState),
        VMSTATE_UINT8(fcr, KvmSerialState),
        VMSTATE_UINT8(lcr, KvmSerialState),
        VMSTATE_UINT8(mcr, KvmSerialState),
        VMSTATE_UINT8(scr, KvmSerialState),
        VMSTATE_BOOL(overrun, KvmSerialState),
        VMSTATE_UINT32(nr_received, KvmSerialState),
        VMSTATE_UINT8_ARRAY(received, KvmSerialState, SERIAL_FIFO),
        VMSTATE_END_OF_LIST()
    },
};

KvmSerial *kvm_serial_new(void)
{
    KvmSerial *serial = g_new0(KvmSerial, 1);

    qemu_mutex_init(&serial->lock);
    /* as after a reset: 9600 baud */
    serial->state.divisor_low = 12;
    return serial;
}

void kvm_serial_free(KvmSerial *serial)
{
    if (serial) {
        qemu_mutex_destroy(&serial->lock);
        g_free(serial);
    }
}

void kvm_serial_set_backend(KvmSerial *serial,
                            const KvmSerialBackend *backend)
{
    serial->backend = *backend;
}

void kvm_serial_set_running(KvmSerial *serial, bool running)
{
    WITH_QEMU_LOCK_GUARD(&serial->lock) {
        serial->running = running;
    }
    if (running && serial->backend.put) {
        serial->backend.accept_input(serial->backend.opaque);
    }
}

void *kvm_serial_state(KvmSerial *serial)
{
    return &serial->state;
}

static size_t serial_fifo_size(const KvmSerialState *s)
{
    return s->fcr & FCR_ENABLE ? SERIAL_FIFO : 1;
}

/* False: there is no room for it. */
static bool serial_receive_locked(KvmSerialState *s, uint8_t byte)
{
    if (s->nr_received >= serial_fifo_size(s)) {
        return false;
    }
    s->received[s->nr_received++] = byte;
    return true;
}

static void serial_write_data_locked(KvmSerial *serial, uint8_t value)
{
    KvmSerialState *s = &serial->state;

    if (s->lcr & LCR_DLAB) {
        s->divisor_low = value;
    } else if (s->mcr & MCR_LOOP) {
        s->overrun |= !serial_receive_locked(s, value);
    } else if (serial->backend.put) {
        serial->backend.put(serial->backend.opaque, value);
    }
}

static void serial_write_locked(KvmSerial *serial, unsigned reg,
                                uint8_t value)
{
    KvmSerialState *s = &serial->state;

    switch (reg) {
    case REG_DATA:
        serial_write_data_locked(serial, value);
        break;
    case REG_IER:
        if (s->lcr & LCR_DLAB) {
            s->divisor_high = value;
        } else {
            s->ier = value & 0x0f;
        }
        break;
    case REG_IIR_FCR:
        /* Turning the FIFO on or off empties it. */
        if ((value & FCR_CLEAR_RX) || ((value ^ s->fcr) & FCR_ENABLE)) {
            s->nr_received = 0;
        }
        s->fcr = value & FCR_KEPT;
        break;
    case REG_LCR:
        s->lcr = value;
        break;
    case REG_MCR:
        s->mcr = value & MCR_KEPT;
        break;
    case REG_SCR:
        s->scr = value;
        break;
    default:
        /* LSR and MSR are read only. */
        break;
    }
}

void kvm_serial_write(KvmSerial *serial, unsigned reg, uint8_t value)
{
    WITH_QEMU_LOCK_GUARD(&serial->lock) {
        serial_write_locked(serial, reg, value);
    }
    /* Both may have made room. */
    if ((reg == REG_IIR_FCR || reg == REG_MCR) && serial->backend.put) {
        serial->backend.accept_input(serial->backend.opaque);
    }
}

/* Takes the oldest byte; *@took: there was one, so that there is room now. */
static uint8_t serial_read_data_locked(KvmSerialState *s, bool *took)
{
    uint8_t byte;

    if (s->lcr & LCR_DLAB) {
        return s->divisor_low;
    }
    if (s->nr_received == 0) {
        return 0;
    }
    byte = s->received[0];
    s->nr_received--;
    memmove(s->received, s->received + 1, s->nr_received);
    s->received[s->nr_received] = 0;
    *took = true;
    return byte;
}

static uint8_t serial_line_status_locked(KvmSerial *serial)
{
    KvmSerialState *s = &serial->state;
    const KvmSerialBackend *backend = &serial->backend;
    uint8_t value = 0;

    if (s->nr_received) {
        value |= LSR_DATA;
    }
    if (s->overrun) {
        value |= LSR_OVERRUN;
        s->overrun = false;
    }
    if (!backend->put || backend->has_room(backend->opaque)) {
        value |= LSR_THRE | LSR_TEMT;
    }
    return value;
}

/* Looped back, the four outputs of MCR are the four inputs. */
static uint8_t serial_modem_status(const KvmSerialState *s)
{
    if (!(s->mcr & MCR_LOOP)) {
        return MSR_READY;
    }
    return (s->mcr & 0x0c) << 4 | (s->mcr & 0x02) << 3 | (s->mcr & 0x01) << 5;
}

static uint8_t serial_read_locked(KvmSerial *serial, unsigned reg, bool *took)
{
    KvmSerialState *s = &serial->state;

    switch (reg) {
    case REG_DATA:
        return serial_read_data_locked(s, took);
    case REG_IER:
        return s->lcr & LCR_DLAB ? s->divisor_high : s->ier;
    case REG_IIR_FCR:
        return IIR_NONE_PENDING | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
    case REG_LCR:
        return s->lcr;
    case REG_MCR:
        return s->mcr;
    case REG_LSR:
        return serial_line_status_locked(serial);
    case REG_MSR:
        return serial_modem_status(s);
    case REG_SCR:
        return s->scr;
    default:
        return 0xff;
    }
}

uint8_t kvm_serial_read(KvmSerial *serial, unsigned reg)
{
    bool took = false;
    uint8_t value;

    WITH_QEMU_LOCK_GUARD(&serial->lock) {
        value = serial_read_locked(serial, reg, &took);
    }
    if (took && serial->backend.put) {
        serial->backend.accept_input(serial->backend.opaque);
    }
    return value;
}

/* Nothing comes in while the port is stopped, or talks to itself. */
static bool serial_is_deaf_locked(const KvmSerial *serial)
{
    return !serial->running || (serial->state.mcr & MCR_LOOP);
}

size_t kvm_serial_room(KvmSerial *serial)
{
    const KvmSerialState *s = &serial->state;
    QEMU_LOCK_GUARD(&serial->lock);

    if (serial_is_deaf_locked(serial)) {
        return 0;
    }
    return serial_fifo_size(s) - MIN(s->nr_received, serial_fifo_size(s));
}

size_t kvm_serial_receive(KvmSerial *serial, const uint8_t *data,
                          size_t len_bytes)
{
    size_t kept = 0;
    QEMU_LOCK_GUARD(&serial->lock);

    if (serial_is_deaf_locked(serial)) {
        return 0;
    }
    while (kept < len_bytes &&
           serial_receive_locked(&serial->state, data[kept])) {
        kept++;
    }
    return kept;
}
