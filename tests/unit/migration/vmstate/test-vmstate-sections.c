/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the registry and of device sections as a whole: ids, order, what is
 * refused, and that devices change in the one step of vmstate_apply_all() only.
 */
#include "qemu/osdep.h"
#include "migration/stream/wire.h"
#include "migration/vmstate/sections.h"
#include "qapi/error.h"
#include "sample-devices.h"
#include "test-channel.h"

typedef struct Machine {
    SampleTimer timer;
    SampleGlobalState global;
    VMStateRegistry *reg;
} Machine;

static void machine_setup(Machine *m, gconstpointer opaque)
{
    memset(m, 0, sizeof(*m));
    m->reg = sample_registry(&m->timer, &m->global);
}

static void machine_teardown(Machine *m, gconstpointer opaque)
{
    vmstate_registry_free(m->reg);
}

static SectionHeader header_of(const char *idstr, uint32_t instance_id,
                               uint32_t version_id)
{
    SectionHeader h = {
        .section_id = 50, .instance_id = instance_id, .version_id = version_id,
    };

    g_strlcpy(h.idstr, idstr, sizeof(h.idstr));
    return h;
}

static uint32_t id_of(const Machine *m, const char *idstr)
{
    return vmstate_registry_find(m->reg, idstr, 0)->header.section_id;
}

static void test_ids(Machine *m, gconstpointer opaque)
{
    g_assert_cmpuint(vmstate_registry_nr_entries(m->reg), ==, 3);
    g_assert_cmpuint(id_of(m, "timer"), ==, 0);
    g_assert_cmpuint(id_of(m, "ram"), ==, 1);
    g_assert_cmpuint(id_of(m, "globalstate"), ==, 3);
    g_assert_null(vmstate_registry_find(m->reg, "timer", 1));
    g_assert_null(vmstate_registry_find(m->reg, "slirp", 0));
}

static void test_register_twice(Machine *m, gconstpointer opaque)
{
    Error *err = NULL;

    g_assert_false(vmstate_register(m->reg, "timer", 0, &vmstate_sample_timer,
                                    &m->timer, &err));
    test_assert_error(&err, "\"timer\", instance 0, is registered already");
    g_assert_true(vmstate_register(m->reg, "timer", 1, &vmstate_sample_timer,
                                   &m->timer, &err));
}

static void test_register_name(Machine *m, gconstpointer opaque)
{
    g_autofree char *name = g_strnfill(256, 'n');
    Error *err = NULL;

    g_assert_false(vmstate_register_iterable(m->reg, name, 0, 1, &err));
    test_assert_error(&err, "has 256 bytes");
    g_assert_false(vmstate_register_iterable(m->reg, "", 0, 1, &err));
    test_assert_error(&err, "has 0 bytes");
    g_assert_true(vmstate_register_iterable(m->reg, name + 1, 0, 1, &err));
}

static void test_register_outside(Machine *m, gconstpointer opaque)
{
    VMStateDescription small = vmstate_sample_timer;
    Error *err = NULL;

    small.struct_size = sizeof(SampleTimer) - 1;
    g_assert_false(vmstate_register(m->reg, "x", 0, &small, &m->timer, &err));
    test_assert_error(&err, "timer.cpu_clock_offset lies outside");
}

static GByteArray *save(Machine *m, bool footers)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);

    g_assert_true(vmstate_save_full_sections(m->reg, s, NULL, footers, NULL));
    return stream_out_steal(s);
}

static void test_save_footers(Machine *m, gconstpointer opaque)
{
    g_autoptr(GByteArray) with = save(m, true);
    g_autoptr(GByteArray) without = save(m, false);

    /* 48 and 134 bytes: counted in the recorded stream. */
    g_assert_cmpuint(with->len, ==, 48 + 134);
    g_assert_cmpuint(without->len, ==, 48 + 134 - 2 * 5);
    g_assert_cmpuint(with->data[48], ==, QEMU_VM_SECTION_FULL);
}

static bool not_needed(void *opaque)
{
    return false;
}

static void test_save_not_needed(Machine *m, gconstpointer opaque)
{
    g_autoptr(VMStateRegistry) reg = vmstate_registry_new();
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    VMStateDescription quiet = vmstate_sample_timer;

    quiet.needed = not_needed;
    g_assert_true(vmstate_register(reg, "timer", 0, &quiet, &m->timer, NULL));
    g_assert_true(vmstate_save_full_sections(reg, s, NULL, true, NULL));
    g_assert_cmpuint(stream_out_bytes(s), ==, 0);
}

static bool cannot_save(void *opaque, Error **errp)
{
    error_setg(errp, "clock stands still");
    return false;
}

static void test_save_fails(Machine *m, gconstpointer opaque)
{
    g_autoptr(VMStateRegistry) reg = vmstate_registry_new();
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    VMStateDescription broken = vmstate_sample_timer;
    Error *err = NULL;

    broken.pre_save = cannot_save;
    g_assert_true(vmstate_register(reg, "timer", 0, &broken, &m->timer, NULL));
    g_assert_false(vmstate_save_full_sections(reg, s, NULL, true, &err));
    test_assert_error(&err, "cannot save section \"timer\", instance 0: timer: "
                      "clock stands still");
}

static void assert_first_fails(Machine *m, uint8_t type, const char *idstr,
                               uint32_t instance_id, uint32_t version_id,
                               const char *part)
{
    g_autoptr(VMStateLoad) load = vmstate_load_new(m->reg);
    SectionHeader h = header_of(idstr, instance_id, version_id);
    Error *err = NULL;

    g_assert_null(vmstate_load_first(load, type, &h, &err));
    test_assert_error(&err, part);
}

static void test_load_unknown(Machine *m, gconstpointer opaque)
{
    assert_first_fails(m, QEMU_VM_SECTION_FULL, "slirp", 0, 4,
                       "unknown section \"slirp\", instance 0");
    assert_first_fails(m, QEMU_VM_SECTION_FULL, "timer", 1, 2,
                       "unknown section \"timer\", instance 1");
    assert_first_fails(m, QEMU_VM_SECTION_START, "ram", 1, 4,
                       "unknown section \"ram\", instance 1");
}

static void test_load_version(Machine *m, gconstpointer opaque)
{
    assert_first_fails(m, QEMU_VM_SECTION_FULL, "timer", 0, 3,
                       "timer has version 3");
    assert_first_fails(m, QEMU_VM_SECTION_START, "ram", 0, 3,
                       "\"ram\" has version 3, only 4 is read");
    assert_first_fails(m, QEMU_VM_SECTION_START, "ram", 0, 5,
                       "\"ram\" has version 5, only 4 is read");
}

static void test_load_type(Machine *m, gconstpointer opaque)
{
    assert_first_fails(m, QEMU_VM_SECTION_START, "timer", 0, 2,
                       "\"timer\" comes as START, expected FULL");
    assert_first_fails(m, QEMU_VM_SECTION_FULL, "ram", 0, 4,
                       "\"ram\" comes as FULL, expected START");
}

static void test_load_next(Machine *m, gconstpointer opaque)
{
    g_autoptr(VMStateLoad) load = vmstate_load_new(m->reg);
    SectionHeader h = header_of("ram", 0, 4);
    const VMStateEntry *ram;
    Error *err = NULL;

    g_assert_null(vmstate_load_next(load, QEMU_VM_SECTION_PART, 50, &err));
    test_assert_error(&err, "PART of a section with id 50");
    ram = vmstate_load_first(load, QEMU_VM_SECTION_START, &h, NULL);
    g_assert_nonnull(ram);
    g_assert_true(vmstate_load_next(load, QEMU_VM_SECTION_PART, 50, NULL) ==
                  ram);
    g_assert_null(vmstate_load_next(load, QEMU_VM_SECTION_END, 1, &err));
    test_assert_error(&err, "END of a section with id 1");
}

/* QEMU's destination mixes the ids up when a source gives RAM id 0. */
static void test_load_ram_id_zero(Machine *m, gconstpointer opaque)
{
    g_autoptr(VMStateLoad) load = vmstate_load_new(m->reg);
    SectionHeader h = header_of("ram", 0, 4);
    SectionHeader t = header_of("timer", 0, 2);
    const VMStateEntry *e;

    h.section_id = t.section_id = 0;
    g_assert_nonnull(vmstate_load_first(load, QEMU_VM_SECTION_START, &h,
                                        NULL));
    g_assert_nonnull(vmstate_load_first(load, QEMU_VM_SECTION_FULL, &t, NULL));
    e = vmstate_load_next(load, QEMU_VM_SECTION_PART, 0, NULL);
    g_assert_cmpstr(e->header.idstr, ==, "ram");
}

/* Reads one payload as section @idstr. */
static bool load_payload(VMStateLoad *load, const char *idstr,
                         uint32_t version_id, const void *bytes,
                         size_t len_bytes, Error **errp)
{
    g_autoptr(MigStreamIn) s = test_stream_in(bytes, len_bytes);
    SectionHeader h = header_of(idstr, 0, version_id);
    const VMStateEntry *e = vmstate_load_first(load, QEMU_VM_SECTION_FULL, &h,
                                               NULL);

    g_assert_nonnull(e);
    return vmstate_load_full(load, s, e, version_id, errp);
}

static const char ticks_7[24] = "\0\0\0\0\0\0\0\7\1\1\1\1\1\1\1\1"
                                "\0\0\0\0\0\0\0\x08";
static const char ticks_9[24] = "\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0\0"
                                "\xff\xff\xff\xff\xff\xff\xff\xff";

static void test_apply(Machine *m, gconstpointer opaque)
{
    g_autoptr(VMStateLoad) load = vmstate_load_new(m->reg);

    g_assert_true(load_payload(load, "timer", 2, ticks_7, 24, NULL));
    g_assert_cmpint(m->timer.cpu_ticks_offset, ==, 0);
    g_assert_true(vmstate_apply_all(load, NULL));
    g_assert_cmpint(m->timer.cpu_ticks_offset, ==, 7);
    g_assert_cmpint(m->timer.cpu_clock_offset, ==, 8);
}

static void test_apply_later_wins(Machine *m, gconstpointer opaque)
{
    g_autoptr(VMStateLoad) load = vmstate_load_new(m->reg);

    g_assert_true(load_payload(load, "timer", 2, ticks_7, 24, NULL));
    g_assert_true(load_payload(load, "timer", 2, ticks_9, 24, NULL));
    g_assert_true(vmstate_apply_all(load, NULL));
    g_assert_cmpint(m->timer.cpu_ticks_offset, ==, 9);
    g_assert_cmpint(m->timer.cpu_clock_offset, ==, -1);
}

static bool count_post_load(void *opaque, int version_id, Error **errp)
{
    SampleTimer *timer = opaque;

    timer->cpu_clock_offset += 100;
    return true;
}

static void test_apply_once(Machine *m, gconstpointer opaque)
{
    VMStateDescription counting = vmstate_sample_timer;
    g_autoptr(VMStateLoad) load = NULL;

    counting.post_load = count_post_load;
    g_assert_true(vmstate_register(m->reg, "count", 0, &counting, &m->timer,
                                   NULL));
    load = vmstate_load_new(m->reg);
    g_assert_true(load_payload(load, "count", 2, ticks_7, 24, NULL));
    g_assert_true(load_payload(load, "count", 2, ticks_7, 24, NULL));
    g_assert_true(vmstate_apply_all(load, NULL));
    g_assert_cmpint(m->timer.cpu_clock_offset, ==, 108);
}

/* Unused bytes have no place in the struct, at its start least of all. */
static void test_apply_unused(Machine *m, gconstpointer opaque)
{
    static const VMStateField fields[] = {
        VMSTATE_UNUSED(8),
        VMSTATE_INT64_V(cpu_ticks_offset, SampleTimer, 2),
        VMSTATE_END_OF_LIST()
    };
    VMStateDescription late = vmstate_sample_timer;
    g_autoptr(VMStateLoad) load = NULL;

    late.fields = fields;
    m->timer.cpu_ticks_offset = 33;
    g_assert_true(vmstate_register(m->reg, "late", 0, &late, &m->timer, NULL));
    load = vmstate_load_new(m->reg);
    g_assert_true(load_payload(load, "late", 1, ticks_7, 8, NULL));
    g_assert_true(vmstate_apply_all(load, NULL));
    g_assert_cmpint(m->timer.cpu_ticks_offset, ==, 33);
}

static void test_apply_older_version(Machine *m, gconstpointer opaque)
{
    g_autoptr(VMStateLoad) load = vmstate_load_new(m->reg);

    m->timer.cpu_clock_offset = 33;
    g_assert_true(load_payload(load, "timer", 1, ticks_7, 16, NULL));
    g_assert_true(vmstate_apply_all(load, NULL));
    g_assert_cmpint(m->timer.cpu_ticks_offset, ==, 7);
    g_assert_cmpint(m->timer.cpu_clock_offset, ==, 33);
}

static void test_dropped(Machine *m, gconstpointer opaque)
{
    VMStateLoad *load = vmstate_load_new(m->reg);

    g_assert_true(load_payload(load, "timer", 2, ticks_7, 24, NULL));
    vmstate_load_free(load);
    load = vmstate_load_new(m->reg);
    g_assert_true(vmstate_apply_all(load, NULL));
    g_assert_cmpint(m->timer.cpu_ticks_offset, ==, 0);
    vmstate_load_free(load);
}

static void test_truncated(Machine *m, gconstpointer opaque)
{
    g_autoptr(VMStateLoad) load = vmstate_load_new(m->reg);

    for (size_t n = 0; n < 24; n++) {
        Error *err = NULL;

        g_assert_false(load_payload(load, "timer", 2, ticks_7, n, &err));
        test_assert_error(&err, "section \"timer\", instance 0: timer.");
    }
    g_assert_true(vmstate_apply_all(load, NULL));
    g_assert_cmpint(m->timer.cpu_ticks_offset, ==, 0);
}

/* What 7.2 sends: the name padded with zeroes to the end of the section. */
static void test_old_global_state(Machine *m, gconstpointer opaque)
{
    g_autoptr(VMStateLoad) load = vmstate_load_new(m->reg);
    char bytes[104] = "\0\0\0\x08running";

    g_assert_true(load_payload(load, "globalstate", 1, bytes, 104, NULL));
    g_assert_true(vmstate_apply_all(load, NULL));
    g_assert_cmpuint(m->global.size, ==, 8);
    g_assert_cmpstr((char *)m->global.runstate, ==, "running");
    g_assert_cmpuint(m->global.has_vm_was_suspended, ==, 0);
}

static void add(const char *path, void (*fn)(Machine *, gconstpointer))
{
    g_test_add(path, Machine, NULL, machine_setup, fn, machine_teardown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/vmstate-sections/ids follow the order of registration", test_ids);
    add("/vmstate-sections/register/twice", test_register_twice);
    add("/vmstate-sections/register/bad name", test_register_name);
    add("/vmstate-sections/register/field outside its struct",
        test_register_outside);
    add("/vmstate-sections/save/footers", test_save_footers);
    add("/vmstate-sections/save/not needed", test_save_not_needed);
    add("/vmstate-sections/save/a device fails", test_save_fails);
    add("/vmstate-sections/load/unknown", test_load_unknown);
    add("/vmstate-sections/load/version not read", test_load_version);
    add("/vmstate-sections/load/wrong type", test_load_type);
    add("/vmstate-sections/load/part of an unknown id", test_load_next);
    add("/vmstate-sections/load/ram may have id 0", test_load_ram_id_zero);
    add("/vmstate-sections/apply/nothing happens before", test_apply);
    add("/vmstate-sections/apply/the later one wins", test_apply_later_wins);
    add("/vmstate-sections/apply/a section that comes twice acts once",
        test_apply_once);
    add("/vmstate-sections/apply/unused bytes go nowhere", test_apply_unused);
    add("/vmstate-sections/apply/older version", test_apply_older_version);
    add("/vmstate-sections/apply/a dropped load leaves nothing", test_dropped);
    add("/vmstate-sections/load/truncated at any byte", test_truncated);
    add("/vmstate-sections/load/globalstate of 7.2", test_old_global_state);
    return g_test_run();
}
