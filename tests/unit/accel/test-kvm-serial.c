/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of the serial port, as a program sees them that polls.
 */
#include "qemu/osdep.h"

#include "accel/kvm-serial.h"
#include "qapi/error.h"

enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define LCR_DLAB 0x80
#define FCR_ENABLE 0x01
#define FCR_CLEAR 0x02
#define LSR_DATA 0x01
#define LSR_OVERRUN 0x02
#define LSR_READY 0x60
#define MCR_LOOP 0x10

/* A port with a backend that notes what it is given. */
typedef struct Fixture {
    KvmSerial *serial;
    GByteArray *out;
    bool room;
    unsigned nr_accepts;
} Fixture;

static void fixture_put(void *opaque, uint8_t byte)
{
    Fixture *f = opaque;

    g_byte_array_append(f->out, &byte, 1);
}

static bool fixture_has_room(void *opaque)
{
    Fixture *f = opaque;

    return f->room;
}

static void fixture_accept_input(void *opaque)
{
    Fixture *f = opaque;

    f->nr_accepts++;
}

static void set_up(Fixture *f, gconstpointer data)
{
    const KvmSerialBackend backend = {
        .put = fixture_put,
        .has_room = fixture_has_room,
        .accept_input = fixture_accept_input,
        .opaque = f,
    };

    f->out = g_byte_array_new();
    f->room = true;
    f->serial = kvm_serial_new();
    kvm_serial_set_backend(f->serial, &backend);
    kvm_serial_set_running(f->serial, true);
}

static void tear_down(Fixture *f, gconstpointer data)
{
    kvm_serial_free(f->serial);
    g_byte_array_unref(f->out);
}

static void test_write(Fixture *f, gconstpointer data)
{
    kvm_serial_write(f->serial, DATA, 'a');
    kvm_serial_write(f->serial, DATA, 'b');
    g_assert_cmpmem(f->out->data, f->out->len, "ab", 2);
}

static void test_ready(Fixture *f, gconstpointer data)
{
    g_assert_cmphex(kvm_serial_read(f->serial, LSR), ==, LSR_READY);
    f->room = false;
    g_assert_cmphex(kvm_serial_read(f->serial, LSR), ==, 0);
}

static void test_divisor(Fixture *f, gconstpointer data)
{
    kvm_serial_write(f->serial, IER, 5);
    kvm_serial_write(f->serial, LCR, LCR_DLAB | 3);
    kvm_serial_write(f->serial, DATA, 1);
    kvm_serial_write(f->serial, IER, 2);
    g_assert_cmphex(kvm_serial_read(f->serial, DATA), ==, 1);
    g_assert_cmphex(kvm_serial_read(f->serial, IER), ==, 2);
    kvm_serial_write(f->serial, LCR, 3);
    g_assert_cmphex(kvm_serial_read(f->serial, LCR), ==, 3);
    g_assert_cmphex(kvm_serial_read(f->serial, IER), ==, 5);
    g_assert_cmpuint(f->out->len, ==, 0);
}

static void test_plain_registers(Fixture *f, gconstpointer data)
{
    kvm_serial_write(f->serial, SCR, 0x5a);
    kvm_serial_write(f->serial, MCR, 0xe3);
    kvm_serial_write(f->serial, IER, 0xff);
    g_assert_cmphex(kvm_serial_read(f->serial, SCR), ==, 0x5a);
    g_assert_cmphex(kvm_serial_read(f->serial, MCR), ==, 0x03);
    g_assert_cmphex(kvm_serial_read(f->serial, IER), ==, 0x0f);
    g_assert_cmphex(kvm_serial_read(f->serial, MSR), ==, 0xb0);
}

static void test_no_interrupt_pending(Fixture *f, gconstpointer data)
{
    g_assert_cmphex(kvm_serial_read(f->serial, IIR_FCR), ==, 0x01);
    kvm_serial_write(f->serial, IIR_FCR, FCR_ENABLE);
    g_assert_cmphex(kvm_serial_read(f->serial, IIR_FCR), ==, 0xc1);
}

static void test_receive(Fixture *f, gconstpointer data)
{
    unsigned nr_accepts = f->nr_accepts;

    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 1);
    kvm_serial_receive(f->serial, (const uint8_t *)"x", 1);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 0);
    g_assert_cmphex(kvm_serial_read(f->serial, LSR), ==,
                    LSR_READY | LSR_DATA);
    g_assert_cmpuint(f->nr_accepts, ==, nr_accepts);
    g_assert_cmphex(kvm_serial_read(f->serial, DATA), ==, 'x');
    g_assert_cmpuint(f->nr_accepts, ==, nr_accepts + 1);
    g_assert_cmphex(kvm_serial_read(f->serial, LSR), ==, LSR_READY);
    g_assert_cmphex(kvm_serial_read(f->serial, DATA), ==, 0);
}

static void test_fifo(Fixture *f, gconstpointer data)
{
    const uint8_t *in = (const uint8_t *)"0123456789abcdef";

    kvm_serial_write(f->serial, IIR_FCR, FCR_ENABLE);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 16);
    kvm_serial_receive(f->serial, in, 16);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 0);
    for (unsigned i = 0; i < 16; i++) {
        g_assert_cmphex(kvm_serial_read(f->serial, DATA), ==, in[i]);
    }
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 16);
}

static void test_fifo_cleared(Fixture *f, gconstpointer data)
{
    kvm_serial_write(f->serial, IIR_FCR, FCR_ENABLE);
    kvm_serial_receive(f->serial, (const uint8_t *)"abc", 3);
    kvm_serial_write(f->serial, IIR_FCR, FCR_ENABLE | FCR_CLEAR);
    g_assert_cmphex(kvm_serial_read(f->serial, LSR), ==, LSR_READY);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 16);
}

/* Bytes that come in are kept by who has them until there is room. */
static void test_no_room(Fixture *f, gconstpointer data)
{
    g_assert_cmpuint(kvm_serial_receive(f->serial, (const uint8_t *)"ab", 2),
                     ==, 1);
    g_assert_cmphex(kvm_serial_read(f->serial, LSR), ==,
                    LSR_READY | LSR_DATA);
    g_assert_cmphex(kvm_serial_read(f->serial, DATA), ==, 'a');
    g_assert_cmphex(kvm_serial_read(f->serial, DATA), ==, 0);
}

static void test_overrun(Fixture *f, gconstpointer data)
{
    kvm_serial_write(f->serial, MCR, MCR_LOOP);
    kvm_serial_write(f->serial, DATA, 'a');
    kvm_serial_write(f->serial, DATA, 'b');
    g_assert_cmphex(kvm_serial_read(f->serial, LSR), ==,
                    LSR_READY | LSR_DATA | LSR_OVERRUN);
    g_assert_cmphex(kvm_serial_read(f->serial, LSR), ==,
                    LSR_READY | LSR_DATA);
    g_assert_cmphex(kvm_serial_read(f->serial, DATA), ==, 'a');
}

static void test_loop(Fixture *f, gconstpointer data)
{
    kvm_serial_write(f->serial, MCR, MCR_LOOP | 0x0a);
    g_assert_cmphex(kvm_serial_read(f->serial, MSR), ==, 0x90);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 0);
    kvm_serial_write(f->serial, DATA, 'z');
    g_assert_cmphex(kvm_serial_read(f->serial, DATA), ==, 'z');
    g_assert_cmpuint(f->out->len, ==, 0);
}

/* A backend that waits for room hears of each way in which it comes. */
static void test_room_made_by_a_register(Fixture *f, gconstpointer data)
{
    unsigned nr_accepts;

    kvm_serial_receive(f->serial, (const uint8_t *)"x", 1);
    nr_accepts = f->nr_accepts;
    kvm_serial_write(f->serial, IIR_FCR, FCR_CLEAR);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 1);
    g_assert_cmpuint(f->nr_accepts, ==, nr_accepts + 1);
    kvm_serial_write(f->serial, MCR, MCR_LOOP);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 0);
    nr_accepts = f->nr_accepts;
    kvm_serial_write(f->serial, MCR, 0);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 1);
    g_assert_cmpuint(f->nr_accepts, ==, nr_accepts + 1);
}

/* Its state must hold still while it is saved. */
static void test_receive_while_stopped(Fixture *f, gconstpointer data)
{
    kvm_serial_set_running(f->serial, false);
    g_assert_cmpuint(kvm_serial_receive(f->serial, (const uint8_t *)"x", 1),
                     ==, 0);
    kvm_serial_set_running(f->serial, true);
    g_assert_cmphex(kvm_serial_read(f->serial, LSR), ==, LSR_READY);
    g_assert_cmpuint(kvm_serial_receive(f->serial, (const uint8_t *)"x", 1),
                     ==, 1);
}

static void test_no_input_while_stopped(Fixture *f, gconstpointer data)
{
    unsigned nr_accepts = f->nr_accepts;

    kvm_serial_set_running(f->serial, false);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 0);
    kvm_serial_set_running(f->serial, true);
    g_assert_cmpuint(kvm_serial_room(f->serial), ==, 1);
    g_assert_cmpuint(f->nr_accepts, ==, nr_accepts + 1);
}

/* From the wire anything may come. */
static void test_bad_state(Fixture *f, gconstpointer data)
{
    const VMStateField *field = vmstate_kvm_serial.fields;
    uint8_t *state = kvm_serial_state(f->serial);
    g_autoptr(Error) err = NULL;

    while (g_strcmp0(field->name, "nr_received")) {
        field++;
    }
    *(uint32_t *)(void *)(state + field->offset) = 16;
    g_assert_true(vmstate_kvm_serial.validate(state, 1, NULL));
    *(uint32_t *)(void *)(state + field->offset) = 17;
    g_assert_false(vmstate_kvm_serial.validate(state, 1, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "17 bytes in a FIFO"));
}

static void test_leads_nowhere(void)
{
    g_autoptr(KvmSerial) serial = kvm_serial_new();

    kvm_serial_set_running(serial, true);
    kvm_serial_write(serial, DATA, 'a');
    g_assert_cmphex(kvm_serial_read(serial, LSR), ==, LSR_READY);
    g_assert_cmphex(kvm_serial_read(serial, DATA), ==, 0);
}

static void add(const char *path, void (*func)(Fixture *, gconstpointer))
{
    g_test_add(path, Fixture, NULL, set_up, func, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/kvm-serial/write", test_write);
    add("/kvm-serial/ready", test_ready);
    add("/kvm-serial/divisor", test_divisor);
    add("/kvm-serial/plain-registers", test_plain_registers);
    add("/kvm-serial/no-interrupt-pending", test_no_interrupt_pending);
    add("/kvm-serial/receive", test_receive);
    add("/kvm-serial/fifo", test_fifo);
    add("/kvm-serial/fifo-cleared", test_fifo_cleared);
    add("/kvm-serial/no-room", test_no_room);
    add("/kvm-serial/overrun", test_overrun);
    add("/kvm-serial/loop", test_loop);
    add("/kvm-serial/room-made-by-a-register", test_room_made_by_a_register);
    add("/kvm-serial/receive-while-stopped", test_receive_while_stopped);
    add("/kvm-serial/no-input-while-stopped", test_no_input_while_stopped);
    add("/kvm-serial/bad-state", test_bad_state);
    g_test_add_func("/kvm-serial/leads-nowhere", test_leads_nowhere);
    return g_test_run();
}
