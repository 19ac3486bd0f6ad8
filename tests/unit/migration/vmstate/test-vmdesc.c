/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/vmstate/vmdesc.c where the recorded streams have nothing
 * to compare with: arrays, structs, subsections.  Shapes as a q35 machine of
 * QEMU 10.0.2 shows them.
 */
#include "qemu/osdep.h"
#include <json-c/json.h>
#include "migration/stream/stream.h"
#include "migration/vmstate/state.h"
#include "migration/vmstate/vmdesc.h"
#include "qapi/error.h"

typedef struct Point {
    uint16_t x;
    uint8_t y;
} Point;

typedef struct Shape {
    uint64_t regs[4];
    Point points[3];
    Point odd[2];
} Shape;

static const VMStateDescription vmstate_point = {
    .name = "point",
    .version_id = 1,
    .struct_size = sizeof(Point),
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(x, Point),
        VMSTATE_UINT8(y, Point),
        VMSTATE_END_OF_LIST()
    },
};

static bool x_needed(void *opaque)
{
    return ((Point *)opaque)->x;
}

static const VMStateDescription vmstate_odd_more = {
    .name = "odd/more",
    .version_id = 7,
    .struct_size = sizeof(Point),
    .needed = x_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(y, Point),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_odd = {
    .name = "odd",
    .version_id = 2,
    .struct_size = sizeof(Point),
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(x, Point),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription *const []) {
        &vmstate_odd_more,
        NULL
    },
};

static const VMStateDescription vmstate_shape = {
    .name = "shape",
    .version_id = 5,
    .struct_size = sizeof(Shape),
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(regs, Shape, 4),
        VMSTATE_STRUCT_ARRAY(points, Shape, 3, 0, vmstate_point, Point),
        VMSTATE_STRUCT_ARRAY(odd, Shape, 2, 0, vmstate_odd, Point),
        VMSTATE_END_OF_LIST()
    },
};

static const char want[] =
    "{\"page_size\":4096,\"devices\":[{\"name\":\"s\",\"instance_id\":3,"
    "\"vmsd_name\":\"shape\",\"version\":5,\"fields\":["
    "{\"name\":\"regs\",\"array_len\":4,\"type\":\"uint64\",\"size\":8},"
    "{\"name\":\"points\",\"array_len\":3,\"type\":\"struct\",\"struct\":"
    "{\"vmsd_name\":\"point\",\"version\":1,\"fields\":["
    "{\"name\":\"x\",\"type\":\"uint16\",\"size\":2},"
    "{\"name\":\"y\",\"type\":\"uint8\",\"size\":1}]},\"size\":3},"
    "{\"name\":\"odd\",\"index\":0,\"type\":\"struct\",\"struct\":"
    "{\"vmsd_name\":\"odd\",\"version\":2,\"fields\":["
    "{\"name\":\"x\",\"type\":\"uint16\",\"size\":2}]},\"size\":2},"
    "{\"name\":\"odd\",\"index\":1,\"type\":\"struct\",\"struct\":"
    "{\"vmsd_name\":\"odd\",\"version\":2,\"fields\":["
    "{\"name\":\"x\",\"type\":\"uint16\",\"size\":2}],"
    "\"subsections\":[{\"vmsd_name\":\"odd/more\",\"version\":7,\"fields\":["
    "{\"name\":\"y\",\"type\":\"uint8\",\"size\":1}]}]},\"size\":17}]}]}";

static void test_shapes(void)
{
    g_autoptr(VMDesc) desc = vmdesc_new();
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autofree char *json = NULL;
    Shape shape = { .odd = { [1].x = 1 } };

    g_assert_true(vmstate_save_state(s, &vmstate_shape, &shape,
                                     vmdesc_add_device(desc, "s", 3), NULL));
    json = vmdesc_to_json(desc);
    g_assert_cmpstr(json, ==, want);
}

/* The sum of the sizes is the length of the section: tools cut it up so. */
static void test_sizes(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    Shape shape = { .odd = { [1].x = 1 } };

    g_assert_true(vmstate_save_state(s, &vmstate_shape, &shape, NULL, NULL));
    g_assert_cmpuint(stream_out_bytes(s), ==, 4 * 8 + 3 * 3 + 2 + 17);
}

static void test_null(void)
{
    g_assert_null(vmdesc_configuration(NULL));
    g_assert_null(vmdesc_add_device(NULL, "x", 0));
    g_assert_null(vmdesc_begin_state(NULL, &vmstate_shape));
    g_assert_null(vmdesc_begin_field(NULL, vmstate_shape.fields, 0));
    g_assert_null(vmdesc_begin_struct(NULL));
    g_assert_null(vmdesc_add_subsection(NULL));
    vmdesc_end_field(NULL, 1);
    vmdesc_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vmdesc/arrays structs and subsections", test_shapes);
    g_test_add_func("/vmdesc/sizes add up to the section", test_sizes);
    g_test_add_func("/vmdesc/nothing is described without one", test_null);
    return g_test_run();
}
