/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/core/load.c: hand-made main streams, one odd thing each.
 * The peer writes all of its stream before it is loaded.
 */
#include "qemu/osdep.h"
#include "migration/core/load.h"
#include "migration/stream/ram-wire.h"
#include "migration/stream/return-path-wire.h"
#include "migration/stream/section.h"
#include "migration/stream/wire.h"
#include "migration/vmstate/configuration.h"
#include "qapi/error.h"
#include "tests/lib/channel-pair.h"
#include "tests/lib/ram-fixture.h"

#define RAM_ID 7
#define DEVICE_ID 9
#define NR_PAGES 4

typedef struct Loading {
    MachineOps ops;
    MigrationHost host;
    MigrationConfig config;
    RamReceived *received;
    RamLoadOps ram_ops;
    uint64_t device;
    unsigned nr_warnings;
    unsigned nr_done;
    QIOChannel *near;           /* the loading end */
    QIOChannel *far;
    MigStreamOut *out;          /* gathers the stream */
    MigrationLoad *load;
} Loading;

static bool device_post_load(void *opaque, int version_id, Error **errp)
{
    if (*(uint64_t *)opaque == 13) {
        error_setg(errp, "the device does not like 13");
        return false;
    }
    return true;
}

static const VMStateDescription vmstate_device = {
    .name = "device",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(uint64_t),
    .post_load = device_post_load,
    .fields = (const VMStateField[]) {
        { .name = "value", .kind = VMS_SINGLE, .size = sizeof(uint64_t),
          .num = 1, .info = &vmstate_info_uint64 },
        VMSTATE_END_OF_LIST()
    },
};

static bool loading_done(void *opaque, Error **errp)
{
    ((Loading *)opaque)->nr_done++;
    return true;
}

static void loading_warn(void *opaque, const char *message)
{
    ((Loading *)opaque)->nr_warnings++;
    g_test_message("warning: %s", message);
}

static void loading_init(Loading *l)
{
    static const RamFixtureBlock blocks[] = {
        { "m", NR_PAGES << TARGET_PAGE_BITS, RAM_FIXTURE_MEMFD },
    };
    VMStateRegistry *reg = vmstate_registry_new();
    Error *err = NULL;

    *l = (Loading) { .out = stream_out_new(NULL) };
    l->ops.incoming_done = loading_done;
    l->ops.warn = loading_warn;
    l->host.ram = ram_fixture_new(blocks, ARRAY_SIZE(blocks));
    l->host.vmstate = reg;
    l->host.machine = &l->ops;
    l->host.machine_opaque = l;
    l->config.compat.send_configuration = true;
    l->config.compat.send_section_footer = true;
    strncpy(l->config.machine_name, "none",
            sizeof(l->config.machine_name) - 1);
    vmstate_register_iterable(reg, RAM_SAVE_IDSTR, 0, RAM_SAVE_VERSION, &err);
    g_assert_null(err);
    vmstate_register(reg, "device", 0, &vmstate_device, &l->device, &err);
    g_assert_null(err);
    l->received = ram_received_new(l->host.ram);
    channel_pair_new(CHANNEL_PAIR_UNIX, &l->near, &l->far);
}

static void loading_clear(Loading *l)
{
    migration_load_free(l->load);
    ram_received_free(l->received);
    vmstate_registry_free((VMStateRegistry *)l->host.vmstate);
    ram_list_free(l->host.ram);
    stream_out_free(l->out);
    qio_channel_unref(l->near);
    qio_channel_unref(l->far);
}

static void put_head(Loading *l)
{
    Error *err = NULL;

    section_put_file_header(l->out);
    configuration_save(l->out, "none", 0, false, NULL, &err);
    g_assert_null(err);
}

static void put_ram_start(Loading *l)
{
    SectionHeader header = {
        .section_id = RAM_ID,
        .idstr = RAM_SAVE_IDSTR,
        .version_id = RAM_SAVE_VERSION,
    };

    section_put_first(l->out, QEMU_VM_SECTION_START, &header);
    ram_wire_put_mem_size(l->out, NR_PAGES << TARGET_PAGE_BITS);
    ram_wire_put_block(l->out, "m", NR_PAGES << TARGET_PAGE_BITS);
    ram_wire_put_eos(l->out);
    section_put_footer(l->out, RAM_ID);
}

static void put_ram(Loading *l, uint8_t type, uint64_t first_page,
                    uint64_t nr_pages)
{
    section_put_next(l->out, type, RAM_ID);
    for (uint64_t i = 0; i < nr_pages; i++) {
        ram_wire_put_zero(l->out, i ? NULL : "m",
                          (first_page + i) << TARGET_PAGE_BITS);
    }
    ram_wire_put_eos(l->out);
    section_put_footer(l->out, RAM_ID);
}

static void put_device(Loading *l, uint64_t value)
{
    SectionHeader header = {
        .section_id = DEVICE_ID,
        .idstr = "device",
        .version_id = 1,
    };

    section_put_first(l->out, QEMU_VM_SECTION_FULL, &header);
    stream_put_be64(l->out, value);
    section_put_footer(l->out, DEVICE_ID);
}

static void put_tail(Loading *l)
{
    stream_put_byte(l->out, QEMU_VM_EOF);
    section_put_vmdesc(l->out, "{}", 2);
}

/* Sends what was gathered; @more: the connection stays open. */
static void loading_send(Loading *l, bool more)
{
    g_autoptr(GByteArray) bytes = stream_out_steal(l->out);
    Error *err = NULL;

    qio_channel_write_all(l->far, bytes->data, bytes->len, &err);
    g_assert_null(err);
    if (!more) {
        qio_channel_shutdown(l->far, QIO_CHANNEL_SHUTDOWN_WRITE);
    }
    l->load = migration_load_new(&l->host, &l->config, l->received,
                                 &l->ram_ops, l, l->near, NULL, 0);
}

static void assert_loads(Loading *l)
{
    Error *err = NULL;

    loading_send(l, false);
    migration_load_stream(l->load, &err);
    g_assert_null(err);
    migration_load_skip_vmdesc(l->load, 1000, &err);
    g_assert_null(err);
}

static void assert_fails(Loading *l, const char *part)
{
    g_autoptr(Error) err = NULL;

    loading_send(l, false);
    g_assert_false(migration_load_stream(l->load, &err));
    g_test_message("%s", error_get_pretty(err));
    g_assert_nonnull(strstr(error_get_pretty(err), part));
    /* Nothing of the machine has changed. */
    g_assert_cmpuint(l->device, ==, 0);
    g_assert_cmpuint(l->nr_done, ==, 0);
    loading_clear(l);
}

static uint64_t missing_pages(Loading *l)
{
    RAMBlock *block = NULL;
    uint64_t first = 0;

    return ram_received_missing(l->received, &block, &first);
}

static void test_state_is_applied_at_the_end(void)
{
    Error *err = NULL;
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_ram_start(&l);
    put_ram(&l, QEMU_VM_SECTION_PART, 0, 3);
    put_ram(&l, QEMU_VM_SECTION_END, 3, 1);
    put_device(&l, 5);
    put_tail(&l);
    assert_loads(&l);
    g_assert_cmpuint(missing_pages(&l), ==, 0);
    g_assert_cmpuint(l.device, ==, 0);
    g_assert_cmpuint(l.nr_done, ==, 0);
    migration_load_apply(l.load, &err);
    g_assert_null(err);
    g_assert_cmpuint(l.device, ==, 5);
    g_assert_cmpuint(l.nr_done, ==, 1);
    g_assert_cmpuint(l.nr_warnings, ==, 0);
    loading_clear(&l);
}

/* As QEMU, and the last one counts. */
static void test_sections_come_in_any_order(void)
{
    Error *err = NULL;
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_device(&l, 5);
    put_ram_start(&l);
    section_put_command(l.out, MIG_CMD_SWITCHOVER_START, NULL, 0);
    put_device(&l, 6);
    put_ram(&l, QEMU_VM_SECTION_PART, 0, NR_PAGES);
    put_tail(&l);
    assert_loads(&l);
    migration_load_apply(l.load, &err);
    g_assert_null(err);
    g_assert_cmpuint(l.device, ==, 6);
    loading_clear(&l);
}

static void test_a_device_that_refuses_does_not_start_the_guest(void)
{
    g_autoptr(Error) err = NULL;
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_device(&l, 13);
    put_tail(&l);
    assert_loads(&l);
    g_assert_false(migration_load_apply(l.load, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "does not like 13"));
    g_assert_cmpuint(l.nr_done, ==, 0);
    loading_clear(&l);
}

static void test_pages_that_never_came_are_counted(void)
{
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_ram_start(&l);
    put_ram(&l, QEMU_VM_SECTION_END, 1, 1);
    put_tail(&l);
    assert_loads(&l);
    g_assert_cmpuint(missing_pages(&l), ==, NR_PAGES - 1);
    loading_clear(&l);
}

static void test_ping_is_answered_and_so_is_the_end(void)
{
    ReturnPathMessage message;
    Error *err = NULL;
    Loading l;

    loading_init(&l);
    put_head(&l);
    section_put_command(l.out, MIG_CMD_OPEN_RETURN_PATH, NULL, 0);
    section_put_command(l.out, MIG_CMD_OPEN_RETURN_PATH, NULL, 0);
    section_put_ping(l.out, 0x42);
    put_tail(&l);
    assert_loads(&l);
    migration_load_reply(l.load, true);
    {
        g_autoptr(MigStreamIn) in = stream_in_new(l.far, NULL, 0);

        g_assert_cmpint(return_path_get_message(in, &message, &err), ==, 1);
        g_assert_cmpint(message.type, ==, MIG_RP_MSG_PONG);
        g_assert_cmphex(message.value, ==, 0x42);
        g_assert_cmpint(return_path_get_message(in, &message, &err), ==, 1);
        g_assert_cmpint(message.type, ==, MIG_RP_MSG_SHUT);
        g_assert_cmphex(message.value, ==, 0);
    }
    loading_clear(&l);
}

/* Nothing may be written to a source that did not ask for it. */
static void test_no_reply_without_a_return_path(void)
{
    uint8_t byte;
    Error *err = NULL;
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_tail(&l);
    assert_loads(&l);
    migration_load_reply(l.load, true);
    qio_channel_shutdown(l.near, QIO_CHANNEL_SHUTDOWN_BOTH);
    g_assert_cmpint(qio_channel_read(l.far, &byte, 1, &err), ==, 0);
    loading_clear(&l);
}

/* A peer that reads no answers must not hold up the end. */
static void test_a_reply_that_finds_no_room_is_given_up(void)
{
    static const uint8_t filler[4096];
    Error *err = NULL;
    Loading l;

    loading_init(&l);
    put_head(&l);
    section_put_command(l.out, MIG_CMD_OPEN_RETURN_PATH, NULL, 0);
    put_tail(&l);
    assert_loads(&l);
    qio_channel_set_blocking(l.near, false, &err);
    g_assert_null(err);
    while (qio_channel_writev(l.near, &(struct iovec) {
               (void *)filler, sizeof(filler) }, 1, &err) > 0) {
        /* until it is full */
    }
    g_assert_null(err);
    qio_channel_set_blocking(l.near, true, &err);
    g_assert_null(err);
    migration_load_reply(l.load, true);
    g_assert_cmpuint(l.nr_warnings, ==, 1);
    loading_clear(&l);
}

static void test_ping_before_the_return_path_is_open(void)
{
    Loading l;

    loading_init(&l);
    put_head(&l);
    section_put_ping(l.out, 1);
    assert_fails(&l, "PING");
}

static void test_a_command_of_a_missing_capability(void)
{
    Loading l;

    loading_init(&l);
    put_head(&l);
    section_put_command(l.out, MIG_CMD_POSTCOPY_LISTEN, NULL, 0);
    assert_fails(&l, "POSTCOPY_LISTEN");
}

static void test_an_unknown_command(void)
{
    Loading l;

    loading_init(&l);
    put_head(&l);
    stream_put_byte(l.out, QEMU_VM_COMMAND);
    stream_put_be16(l.out, MIG_CMD_MAX);
    stream_put_be16(l.out, 0);
    assert_fails(&l, "unknown command 12");
}

static void test_a_section_of_unknown_type(void)
{
    Loading l;

    loading_init(&l);
    put_head(&l);
    stream_put_byte(l.out, 0x55);
    assert_fails(&l, "unknown type 0x55");
}

static void test_a_section_of_an_unknown_device(void)
{
    SectionHeader header = { .idstr = "slirp", .version_id = 4 };
    Loading l;

    loading_init(&l);
    put_head(&l);
    section_put_first(l.out, QEMU_VM_SECTION_FULL, &header);
    assert_fails(&l, "slirp");
}

static void test_a_part_that_no_start_introduced(void)
{
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_ram(&l, QEMU_VM_SECTION_PART, 0, 1);
    assert_fails(&l, "id 7");
}

static void test_no_configuration(void)
{
    Loading l;

    loading_init(&l);
    section_put_file_header(l.out);
    put_ram_start(&l);
    assert_fails(&l, "send-configuration");
}

static void test_another_machine(void)
{
    Error *err = NULL;
    Loading l;

    loading_init(&l);
    section_put_file_header(l.out);
    configuration_save(l.out, "q35", 0, false, NULL, &err);
    g_assert_null(err);
    assert_fails(&l, "q35");
}

static void test_a_footer_of_another_section(void)
{
    Loading l;

    loading_init(&l);
    put_head(&l);
    section_put_first(l.out, QEMU_VM_SECTION_FULL,
                      &(SectionHeader) { .section_id = DEVICE_ID,
                                         .idstr = "device", .version_id = 1 });
    stream_put_be64(l.out, 1);
    section_put_footer(l.out, RAM_ID);
    assert_fails(&l, "footer");
}

/* The whole stream cut off before its last byte, at each byte. */
static void test_an_end_at_each_byte(void)
{
    g_autoptr(GByteArray) whole = NULL;
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_ram_start(&l);
    put_ram(&l, QEMU_VM_SECTION_END, 0, NR_PAGES);
    put_device(&l, 5);
    stream_put_byte(l.out, QEMU_VM_EOF);
    whole = stream_out_steal(l.out);
    loading_clear(&l);
    for (guint len = 0; len < whole->len; len++) {
        loading_init(&l);
        stream_put_buffer(l.out, whole->data, len);
        assert_fails(&l, "");
    }
}

/* A stock QEMU waits for ever here. */
static void test_no_description_and_the_connection_stays_open(void)
{
    Error *err = NULL;
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_device(&l, 5);
    stream_put_byte(l.out, QEMU_VM_EOF);
    loading_send(&l, true);
    migration_load_stream(l.load, &err);
    g_assert_null(err);
    g_assert_true(migration_load_skip_vmdesc(l.load, 10, &err));
    g_assert_null(err);
    g_assert_cmpuint(l.nr_warnings, ==, 1);
    loading_clear(&l);
}

static void test_no_description_and_the_connection_ends(void)
{
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_device(&l, 5);
    stream_put_byte(l.out, QEMU_VM_EOF);
    assert_loads(&l);
    g_assert_cmpuint(l.nr_warnings, ==, 0);
    loading_clear(&l);
}

/* The source has not sent everything: its guest still runs there. */
static void test_a_description_that_is_cut_off(void)
{
    g_autoptr(Error) err = NULL;
    Loading l;

    loading_init(&l);
    put_head(&l);
    put_device(&l, 5);
    stream_put_byte(l.out, QEMU_VM_EOF);
    stream_put_byte(l.out, QEMU_VM_VMDESCRIPTION);
    stream_put_be32(l.out, 100);
    stream_put_byte(l.out, '{');
    loading_send(&l, false);
    g_assert_true(migration_load_stream(l.load, &err));
    g_assert_false(migration_load_skip_vmdesc(l.load, 1000, &err));
    g_assert_nonnull(err);
    loading_clear(&l);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add_func("/load/" path, func)
    ADD("state-is-applied-at-the-end", test_state_is_applied_at_the_end);
    ADD("sections-come-in-any-order", test_sections_come_in_any_order);
    ADD("a-device-that-refuses-does-not-start-the-guest",
        test_a_device_that_refuses_does_not_start_the_guest);
    ADD("pages-that-never-came-are-counted",
        test_pages_that_never_came_are_counted);
    ADD("ping-is-answered-and-so-is-the-end",
        test_ping_is_answered_and_so_is_the_end);
    ADD("no-reply-without-a-return-path", test_no_reply_without_a_return_path);
    ADD("a-reply-that-finds-no-room-is-given-up",
        test_a_reply_that_finds_no_room_is_given_up);
    ADD("ping-before-the-return-path-is-open",
        test_ping_before_the_return_path_is_open);
    ADD("a-command-of-a-missing-capability",
        test_a_command_of_a_missing_capability);
    ADD("an-unknown-command", test_an_unknown_command);
    ADD("a-section-of-unknown-type", test_a_section_of_unknown_type);
    ADD("a-section-of-an-unknown-device", test_a_section_of_an_unknown_device);
    ADD("a-part-that-no-start-introduced",
        test_a_part_that_no_start_introduced);
    ADD("no-configuration", test_no_configuration);
    ADD("another-machine", test_another_machine);
    ADD("a-footer-of-another-section", test_a_footer_of_another_section);
    ADD("an-end-at-each-byte", test_an_end_at_each_byte);
    ADD("no-description-and-the-connection-stays-open",
        test_no_description_and_the_connection_stays_open);
    ADD("no-description-and-the-connection-ends",
        test_no_description_and_the_connection_ends);
    ADD("a-description-that-is-cut-off", test_a_description_that_is_cut_off);
    return g_test_run();
}
