/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole streams that a stock QEMU sent: read by our codecs, and written by
 * them for an equal guest.  The descriptions at the end are compared as JSON,
 * the rest byte by byte.
 */
#include "qemu/osdep.h"
#include <json-c/json.h>
#include "memory/ram.h"
#include "migration/stream/ram-wire.h"
#include "migration/stream/section.h"
#include "migration/stream/wire.h"
#include "migration/vmstate/configuration.h"
#include "migration/vmstate/sections.h"
#include "qapi/error.h"
#include "sample-devices.h"
#include "test-channel.h"

#define GUEST_BYTES 0x4000
/* Length of the description with its header. */
#define VMDESC_BYTES (1 + 4 + 823)

typedef struct Guest {
    SampleTimer timer;
    SampleGlobalState global;
    VMStateRegistry *reg;
    uint8_t ram[GUEST_BYTES];
} Guest;

static void guest_init(Guest *g)
{
    memset(g, 0, sizeof(*g));
    g->reg = sample_registry(&g->timer, &g->global);
}

/* The guest that was recorded, see tests/data/README.md. */
static void guest_init_recorded(Guest *g)
{
    guest_init(g);
    memset(g->ram + TARGET_PAGE_SIZE, 'A', TARGET_PAGE_SIZE);
    g->global.size = sizeof("prelaunch");
    memcpy(g->global.runstate, "prelaunch", sizeof("prelaunch"));
    g->global.has_vm_was_suspended = 1;
}

/* The records of a RAM section up to and with EOS. */
static void read_ram(MigStreamIn *s, Guest *g, GString *trail)
{
    RamRecord r;
    RamWireBlock block;

    do {
        g_assert_true(ram_wire_get_record(s, &r, NULL));
        switch (r.kind) {
        case RAM_RECORD_MEM_SIZE:
            g_assert_cmpuint(r.addr, ==, GUEST_BYTES);
            g_assert_true(ram_wire_get_block(s, &block, NULL));
            g_assert_cmpstr(block.idstr, ==, "m");
            g_assert_cmpuint(block.used_length, ==, GUEST_BYTES);
            g_string_append(trail, " list");
            break;
        case RAM_RECORD_ZERO:
            g_string_append_printf(trail, " zero:%" PRIx64, r.addr);
            break;
        case RAM_RECORD_PAGE:
            g_assert_true(stream_get_buffer(s, g->ram + r.addr,
                                            TARGET_PAGE_SIZE, NULL));
            g_string_append_printf(trail, " page:%" PRIx64, r.addr);
            break;
        case RAM_RECORD_FLUSH:
            g_string_append(trail, " flush");
            break;
        default:
            break;
        }
    } while (r.kind != RAM_RECORD_EOS);
}

static void read_command(MigStreamIn *s, GString *trail)
{
    SectionCommand c;

    g_assert_true(section_get_command(s, &c, NULL));
    g_string_append_printf(trail, " %s", section_command_name(c.command));
}

static void read_section(MigStreamIn *s, uint8_t type, VMStateLoad *load,
                         Guest *g, GString *trail)
{
    const VMStateEntry *e;
    SectionHeader h;

    if (type == QEMU_VM_SECTION_START || type == QEMU_VM_SECTION_FULL) {
        g_assert_true(section_get_first(s, &h, NULL));
        e = vmstate_load_first(load, type, &h, NULL);
    } else {
        g_assert_true(section_get_next(s, &h.section_id, NULL));
        e = vmstate_load_next(load, type, h.section_id, NULL);
    }
    g_assert_nonnull(e);
    g_string_append_printf(trail, " %s:%s", section_type_name(type),
                           e->header.idstr);
    if (e->vmsd) {
        g_assert_true(vmstate_load_full(load, s, e, h.version_id, NULL));
    } else {
        read_ram(s, g, trail);
    }
    g_assert_true(section_get_footer(s, h.section_id, e->header.idstr, NULL));
}

/* Reads a whole stream; returns what came, in order. */
static char *read_stream(MigStreamIn *s, Guest *g)
{
    g_autoptr(VMStateLoad) load = vmstate_load_new(g->reg);
    GString *trail = g_string_new("");
    uint8_t type;
    bool present;

    g_assert_true(section_get_file_header(s, NULL));
    g_assert_true(stream_get_byte(s, &type, NULL));
    g_assert_cmpuint(type, ==, QEMU_VM_CONFIGURATION);
    g_assert_true(configuration_load(s, "none", &UUID_NONE, false, NULL, NULL,
                                     NULL));
    g_assert_true(stream_get_byte(s, &type, NULL));
    while (type != QEMU_VM_EOF) {
        if (type == QEMU_VM_COMMAND) {
            read_command(s, trail);
        } else {
            read_section(s, type, load, g, trail);
        }
        g_assert_true(stream_get_byte(s, &type, NULL));
    }
    g_assert_true(section_skip_vmdesc(s, &present, NULL));
    g_assert_true(present);
    g_assert_true(vmstate_apply_all(load, NULL));
    return g_string_free(trail, FALSE);
}

static void assert_devices(const Guest *g)
{
    g_assert_cmpint(g->timer.cpu_ticks_offset, ==, 0);
    g_assert_cmpint(g->timer.cpu_clock_offset, ==, 0);
    g_assert_cmpuint(g->global.size, ==, 10);
    g_assert_cmpstr((const char *)g->global.runstate, ==, "prelaunch");
    g_assert_cmpuint(g->global.has_vm_was_suspended, ==, 1);
    g_assert_cmpuint(g->global.vm_was_suspended, ==, 0);
}

static void check_recorded(const char *name, size_t chunk, const char *want)
{
    g_autoptr(GByteArray) bytes = test_read_data(name);
    g_autoptr(TestChannel) c = test_channel_new(bytes->data, bytes->len);
    g_autoptr(MigStreamIn) s = stream_in_new(&c->parent, NULL, 0);
    g_autofree char *trail = NULL;
    Guest g;

    guest_init(&g);
    c->in_chunk = chunk;
    trail = read_stream(s, &g);
    g_assert_cmpstr(trail, ==, want);
    g_assert_cmpuint(stream_in_bytes(s), ==, bytes->len);
    assert_devices(&g);
    vmstate_registry_free(g.reg);
}

#define PLAIN_TRAIL \
    " START:ram list PART:ram zero:0 page:1000 zero:2000 zero:3000" \
    " SWITCHOVER_START END:ram FULL:timer FULL:globalstate"

static void test_read_plain(void)
{
    check_recorded("qemu-10.0.2/plain.main", 0, PLAIN_TRAIL);
    check_recorded("qemu-10.0.2/plain.main", 1, PLAIN_TRAIL);
}

static void test_read_return_path(void)
{
    check_recorded("qemu-10.0.2/return-path.main", 0,
                   " OPEN_RETURN_PATH PING" PLAIN_TRAIL);
}

static void test_read_multifd(void)
{
    check_recorded("qemu-10.0.2/multifd.main", 0,
                   " START:ram list flush PART:ram flush SWITCHOVER_START"
                   " END:ram flush FULL:timer FULL:globalstate");
}

/* What stands between the configuration and the device sections. */
static void write_plain_ram(MigStreamOut *s, Guest *g)
{
    const SectionHeader *ram =
        &vmstate_registry_find(g->reg, "ram", 0)->header;

    section_put_first(s, QEMU_VM_SECTION_START, ram);
    ram_wire_put_mem_size(s, GUEST_BYTES);
    ram_wire_put_block(s, "m", GUEST_BYTES);
    ram_wire_put_eos(s);
    section_put_footer(s, ram->section_id);
    section_put_next(s, QEMU_VM_SECTION_PART, ram->section_id);
    ram_wire_put_zero(s, "m", 0);
    ram_wire_put_page(s, NULL, 0x1000);
    stream_put_buffer_ref(s, g->ram + 0x1000, TARGET_PAGE_SIZE);
    ram_wire_put_zero(s, NULL, 0x2000);
    ram_wire_put_zero(s, NULL, 0x3000);
    ram_wire_put_eos(s);
    section_put_footer(s, ram->section_id);
    section_put_command(s, MIG_CMD_SWITCHOVER_START, NULL, 0);
    section_put_next(s, QEMU_VM_SECTION_END, ram->section_id);
    ram_wire_put_eos(s);
    section_put_footer(s, ram->section_id);
}

static void test_write_plain(void)
{
    g_autoptr(GByteArray) want = test_read_data("qemu-10.0.2/plain.main");
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autoptr(VMDesc) desc = vmdesc_new();
    g_autoptr(GByteArray) got = NULL;
    g_autofree char *json = NULL;
    g_autofree char *want_json = NULL;
    json_object *a, *b;
    Guest g;

    guest_init_recorded(&g);
    section_put_file_header(s);
    g_assert_true(configuration_save(s, "none", 0, false, desc, NULL));
    write_plain_ram(s, &g);
    g_assert_true(vmstate_save_full_sections(g.reg, s, desc, true, NULL));
    stream_put_byte(s, QEMU_VM_EOF);
    g_assert_true(stream_out_flush(s, NULL));
    got = stream_out_steal(s);
    g_assert_cmpmem(got->data, got->len, want->data, want->len - VMDESC_BYTES);

    json = vmdesc_to_json(desc);
    want_json = g_strndup((char *)want->data + want->len - 823, 823);
    a = json_tokener_parse(json);
    b = json_tokener_parse(want_json);
    g_assert_nonnull(a);
    g_assert_nonnull(b);
    /* The same order of keys, too: json-c keeps it. */
    g_assert_cmpstr(json_object_to_json_string(a), ==,
                    json_object_to_json_string(b));
    json_object_put(a);
    json_object_put(b);
    vmstate_registry_free(g.reg);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/golden-stream/read a plain one", test_read_plain);
    g_test_add_func("/golden-stream/read one with a return path",
                    test_read_return_path);
    g_test_add_func("/golden-stream/read the main channel of multifd",
                    test_read_multifd);
    g_test_add_func("/golden-stream/write a plain one as QEMU does",
                    test_write_plain);
    return g_test_run();
}
