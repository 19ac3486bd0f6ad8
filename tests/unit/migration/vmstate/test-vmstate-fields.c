/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the field walkers in migration/vmstate/save.c, load.c and types.c:
 * every kind of field, versions, subsections, hooks.
 */
#include "qemu/osdep.h"
#include "migration/vmstate/state.h"
#include "qapi/error.h"
#include "test-channel.h"

typedef struct Inner {
    uint16_t a;
    uint8_t b;
} Inner;

typedef struct Outer {
    bool flag;
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    uint32_t words[3];
    uint8_t raw[4];
    Inner inner;
    Inner list[2];
    uint32_t len;
    uint8_t var[8];
    uint32_t extra;         /* subsection */
    GString *calls;         /* what the hooks were called with; not sent */
    bool has_extra;
    bool refuse;
} Outer;

static const VMStateDescription vmstate_inner = {
    .name = "inner",
    .version_id = 1,
    .minimum_version_id = 1,
    .struct_size = sizeof(Inner),
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(a, Inner),
        VMSTATE_UINT8(b, Inner),
        VMSTATE_END_OF_LIST()
    },
};

static bool extra_needed(void *opaque)
{
    return ((Outer *)opaque)->has_extra;
}

static bool extra_post_load(void *opaque, int version_id, Error **errp)
{
    Outer *o = opaque;

    g_string_append_printf(o->calls, " extra:%d:%u", version_id, o->u32);
    return true;
}

static const VMStateDescription vmstate_extra = {
    .name = "outer/extra",
    .version_id = 3,
    .minimum_version_id = 2,
    .struct_size = sizeof(Outer),
    .needed = extra_needed,
    .post_load = extra_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(extra, Outer),
        VMSTATE_END_OF_LIST()
    },
};

static bool outer_pre_save(void *opaque, Error **errp)
{
    Outer *o = opaque;

    if (o->refuse) {
        error_setg(errp, "not now");
        return false;
    }
    o->u8++;
    return true;
}

static bool outer_validate(const void *staged, int version_id, Error **errp)
{
    const Outer *o = staged;

    if (o->u16 == 0xdead) {
        error_setg(errp, "u16 is dead");
        return false;
    }
    return true;
}

static bool outer_post_load(void *opaque, int version_id, Error **errp)
{
    Outer *o = opaque;

    g_string_append_printf(o->calls, " outer:%d:%u", version_id, o->extra);
    if (o->refuse) {
        error_setg(errp, "does not fit");
        return false;
    }
    return true;
}

static const VMStateDescription vmstate_outer = {
    .name = "outer",
    .version_id = 2,
    .minimum_version_id = 1,
    .struct_size = sizeof(Outer),
    .pre_save = outer_pre_save,
    .validate = outer_validate,
    .post_load = outer_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(flag, Outer),
        VMSTATE_INT8(i8, Outer),
        VMSTATE_INT16(i16, Outer),
        VMSTATE_INT32(i32, Outer),
        VMSTATE_INT64(i64, Outer),
        VMSTATE_UINT8(u8, Outer),
        VMSTATE_UINT16(u16, Outer),
        VMSTATE_UINT32(u32, Outer),
        VMSTATE_UNUSED(2),
        VMSTATE_UINT64_V(u64, Outer, 2),
        VMSTATE_UINT32_ARRAY(words, Outer, 3),
        VMSTATE_BUFFER(raw, Outer),
        VMSTATE_STRUCT(inner, Outer, 0, vmstate_inner, Inner),
        VMSTATE_STRUCT_ARRAY(list, Outer, 2, 0, vmstate_inner, Inner),
        VMSTATE_UINT32(len, Outer),
        VMSTATE_VBUFFER_UINT32(var, Outer, 0, len),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const []) {
        &vmstate_extra,
        NULL
    },
};

static const Outer sample = {
    .flag = true, .i8 = -1, .i16 = -2, .i32 = -3, .i64 = -4, .u8 = 5,
    .u16 = 0x0607, .u32 = 0x08090a0b, .u64 = 0x0c0d0e0f10111213,
    .words = { 1, 2, 3 }, .raw = { 4, 5, 6, 7 }, .inner = { 8, 9 },
    .list = { { 10, 11 }, { 12, 13 } }, .len = 2, .var = { 14, 15, 99 },
    .extra = 16,
};

/* What stands before u64, u64, what stands behind it, the subsection. */
#define HEAD \
    "\1\xff\xff\xfe\xff\xff\xff\xfd\xff\xff\xff\xff\xff\xff\xff\xfc" \
    "\6\6\7\x08\x09\x0a\x0b\0\0"
#define MIDDLE "\x0c\x0d\x0e\x0f\x10\x11\x12\x13"
#define TAIL \
    "\0\0\0\1\0\0\0\2\0\0\0\3\4\5\6\7\0\x08\x09\0\x0a\x0b\0\x0c\x0d" \
    "\0\0\0\2\x0e\x0f"
#define EXTRA "\5\x0bouter/extra\0\0\0\3\0\0\0\x10"

#define BYTES(literal) (literal), sizeof(literal) - 1

static void test_save(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autoptr(GByteArray) bytes = NULL;
    const char want[] = HEAD MIDDLE TAIL;
    Outer o = sample;

    g_assert_true(vmstate_save_state(s, &vmstate_outer, &o, NULL, NULL));
    bytes = stream_out_steal(s);
    g_assert_cmpmem(bytes->data, bytes->len, want, sizeof(want) - 1);
    g_assert_cmpuint(o.u8, ==, 6);
}

static void test_save_subsection(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autoptr(GByteArray) bytes = NULL;
    const char want[] = HEAD MIDDLE TAIL EXTRA;
    Outer o = sample;

    o.has_extra = true;
    g_assert_true(vmstate_save_state(s, &vmstate_outer, &o, NULL, NULL));
    bytes = stream_out_steal(s);
    g_assert_cmpmem(bytes->data, bytes->len, want, sizeof(want) - 1);
}

static void assert_save_fails(Outer *o, const char *part)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    Error *err = NULL;

    g_assert_false(vmstate_save_state(s, &vmstate_outer, o, NULL, &err));
    test_assert_error(&err, part);
}

static void test_save_hook_fails(void)
{
    Outer o = sample;

    o.refuse = true;
    assert_save_fails(&o, "outer: not now");
}

static void test_save_length(void)
{
    Outer o = sample;

    o.len = 9;
    assert_save_fails(&o, "outer.var: 9 bytes, at most 8 fit");
}

typedef struct Loaded {
    Outer staged;
    Outer device;
    GArray *log;
} Loaded;

static void loaded_init(Loaded *l)
{
    memset(l, 0, sizeof(*l));
    l->log = g_array_new(FALSE, FALSE, sizeof(VMStateArrival));
    l->device.calls = g_string_new("");
}

static void loaded_clear(Loaded *l)
{
    g_array_unref(l->log);
    g_string_free(l->device.calls, TRUE);
}

static bool load(Loaded *l, const char *bytes, size_t len_bytes,
                 uint32_t version_id, uint64_t *taken, Error **errp)
{
    g_autoptr(MigStreamIn) s = test_stream_in(bytes, len_bytes);
    bool ok = vmstate_load_state(s, &vmstate_outer, &l->staged, version_id,
                                 l->log, errp);

    *taken = stream_in_bytes(s);
    return ok;
}

static void assert_device(const Outer *o)
{
    g_assert_true(o->flag);
    g_assert_cmpint(o->i8, ==, -1);
    g_assert_cmpint(o->i16, ==, -2);
    g_assert_cmpint(o->i32, ==, -3);
    g_assert_cmpint(o->i64, ==, -4);
    g_assert_cmpuint(o->u8, ==, 6);
    g_assert_cmphex(o->u16, ==, 0x0607);
    g_assert_cmphex(o->u32, ==, 0x08090a0b);
    g_assert_cmpuint(o->words[2], ==, 3);
    g_assert_cmpuint(o->raw[3], ==, 7);
    g_assert_cmpuint(o->inner.a, ==, 8);
    g_assert_cmpuint(o->list[1].b, ==, 13);
    g_assert_cmpuint(o->len, ==, 2);
    g_assert_cmpuint(o->var[1], ==, 15);
    g_assert_cmpuint(o->var[2], ==, 0);
}

static void test_load(void)
{
    Loaded l;
    uint64_t taken;

    loaded_init(&l);
    g_assert_true(load(&l, BYTES(HEAD MIDDLE TAIL EXTRA "\x7e"), 2, &taken,
                       NULL));
    g_assert_cmpuint(taken, ==, sizeof(HEAD MIDDLE TAIL EXTRA) - 1);
    vmstate_apply_fields(l.log, &l.staged, &l.device);
    g_assert_cmpstr(l.device.calls->str, ==, "");
    assert_device(&l.device);
    g_assert_cmphex(l.device.u64, ==, 0x0c0d0e0f10111213);
    g_assert_cmpuint(l.device.extra, ==, 16);
    g_assert_true(vmstate_apply_hooks(l.log, &l.device, NULL));
    /* The inner one first, and all fields in place by then. */
    g_assert_cmpstr(l.device.calls->str, ==, " extra:3:134810123 outer:2:16");
    loaded_clear(&l);
}

/* Fields that the older version lacks keep what the device has. */
static void test_load_older(void)
{
    Loaded l;
    uint64_t taken;

    loaded_init(&l);
    l.device.u64 = 77;
    l.device.extra = 78;
    g_assert_true(load(&l, BYTES(HEAD TAIL), 1, &taken, NULL));
    g_assert_cmpuint(taken, ==, sizeof(HEAD TAIL) - 1);
    vmstate_apply_fields(l.log, &l.staged, &l.device);
    assert_device(&l.device);
    g_assert_cmpuint(l.device.u64, ==, 77);
    g_assert_cmpuint(l.device.extra, ==, 78);
    loaded_clear(&l);
}

static void test_load_hook_fails(void)
{
    Loaded l;
    uint64_t taken;
    Error *err = NULL;

    loaded_init(&l);
    l.device.refuse = true;
    g_assert_true(load(&l, BYTES(HEAD MIDDLE TAIL), 2, &taken, NULL));
    vmstate_apply_fields(l.log, &l.staged, &l.device);
    g_assert_false(vmstate_apply_hooks(l.log, &l.device, &err));
    test_assert_error(&err, "outer: does not fit");
    loaded_clear(&l);
}

static void assert_load_fails(const char *bytes, size_t len_bytes,
                              uint32_t version_id, const char *part)
{
    Loaded l;
    uint64_t taken;
    Error *err = NULL;

    loaded_init(&l);
    g_assert_false(load(&l, bytes, len_bytes, version_id, &taken, &err));
    test_assert_error(&err, part);
    loaded_clear(&l);
}

static void test_load_version(void)
{
    assert_load_fails(BYTES(HEAD MIDDLE TAIL), 3,
                      "outer has version 3, at most 2 is read");
    assert_load_fails(BYTES(HEAD MIDDLE TAIL), 0,
                      "outer has version 0, at least 1 is needed");
    assert_load_fails(BYTES(HEAD MIDDLE TAIL), UINT32_MAX,
                      "version 4294967295, at most 2");
}

static void test_load_truncated(void)
{
    const char all[] = HEAD MIDDLE TAIL;

    for (size_t n = 0; n < sizeof(all) - 1; n++) {
        assert_load_fails(all, n, 2, "stream ended");
    }
}

static void test_load_bool(void)
{
    assert_load_fails(BYTES("\2"), 2, "outer.flag: 2 is neither 0 nor 1");
}

static void test_load_length(void)
{
    char all[] = HEAD MIDDLE TAIL;

    all[sizeof(all) - 4] = 9;
    assert_load_fails(all, sizeof(all) - 1, 2,
                      "outer.var: 9 bytes, at most 8 are read");
    all[sizeof(all) - 7] = (char)0xff;
    assert_load_fails(all, sizeof(all) - 1, 2, "4278190089 bytes");
}

static void test_load_validate(void)
{
    char all[] = HEAD MIDDLE TAIL;

    all[17] = (char)0xde;
    all[18] = (char)0xad;
    assert_load_fails(all, sizeof(all) - 1, 2, "outer: u16 is dead");
}

static void test_subsection_unknown(void)
{
    assert_load_fails(BYTES(HEAD MIDDLE TAIL "\5\7outer/x\0\0\0\1"), 2,
                      "outer: unknown subsection \"outer/x\"");
}

static void test_subsection_twice(void)
{
    assert_load_fails(BYTES(HEAD MIDDLE TAIL EXTRA EXTRA), 2,
                      "outer: subsection \"outer/extra\" comes twice");
}

static void test_subsection_version(void)
{
    assert_load_fails(BYTES(HEAD MIDDLE TAIL "\5\x0bouter/extra\0\0\0\4"), 2,
                      "outer/extra has version 4, at most 3");
    assert_load_fails(BYTES(HEAD MIDDLE TAIL "\5\x0bouter/extra\0\0\0\1"), 2,
                      "outer/extra has version 1, at least 2");
}

/* What is not ours stays on the stream for whoever it belongs to. */
static void assert_left(const char *bytes, size_t len_bytes)
{
    Loaded l;
    uint64_t taken;

    loaded_init(&l);
    g_assert_true(load(&l, bytes, len_bytes, 2, &taken, NULL));
    g_assert_cmpuint(taken, ==, sizeof(HEAD MIDDLE TAIL) - 1);
    loaded_clear(&l);
}

static void test_subsection_of_another(void)
{
    assert_left(BYTES(HEAD MIDDLE TAIL));
    assert_left(BYTES(HEAD MIDDLE TAIL "\x7e\0\0\0\1"));
    assert_left(BYTES(HEAD MIDDLE TAIL "\5"));
    assert_left(BYTES(HEAD MIDDLE TAIL "\5\x08" "other/it"));
    assert_left(BYTES(HEAD MIDDLE TAIL "\5\5outer"));
    assert_left(BYTES(HEAD MIDDLE TAIL "\5\x0bouterextra/"));
    assert_left(BYTES(HEAD MIDDLE TAIL "\5\x0bouter/ext"));
}

static void test_subsection_truncated(void)
{
    const char all[] = HEAD MIDDLE TAIL EXTRA;
    size_t name_end = sizeof(HEAD MIDDLE TAIL) - 1 + 2 + 11;

    for (size_t n = name_end; n < sizeof(all) - 1; n++) {
        assert_load_fails(all, n, 2, "stream ended");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vmstate/save/every kind of field", test_save);
    g_test_add_func("/vmstate/save/a subsection that is needed",
                    test_save_subsection);
    g_test_add_func("/vmstate/save/a hook fails", test_save_hook_fails);
    g_test_add_func("/vmstate/save/length over the buffer", test_save_length);
    g_test_add_func("/vmstate/load/every kind of field", test_load);
    g_test_add_func("/vmstate/load/an older version", test_load_older);
    g_test_add_func("/vmstate/load/a hook fails", test_load_hook_fails);
    g_test_add_func("/vmstate/load/version not read", test_load_version);
    g_test_add_func("/vmstate/load/truncated at any byte",
                    test_load_truncated);
    g_test_add_func("/vmstate/load/a bool that is none", test_load_bool);
    g_test_add_func("/vmstate/load/length over the buffer", test_load_length);
    g_test_add_func("/vmstate/load/a state that cannot be",
                    test_load_validate);
    g_test_add_func("/vmstate/subsection/unknown", test_subsection_unknown);
    g_test_add_func("/vmstate/subsection/twice", test_subsection_twice);
    g_test_add_func("/vmstate/subsection/version not read",
                    test_subsection_version);
    g_test_add_func("/vmstate/subsection/of another is left",
                    test_subsection_of_another);
    g_test_add_func("/vmstate/subsection/truncated", test_subsection_truncated);
    return g_test_run();
}
