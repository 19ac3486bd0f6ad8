/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How numbers, booleans and byte arrays of device state stand on the wire.
 * Pure; runs in the thread that owns the stream.  Arrays, structs and buffers
 * of variable length are the walkers' (save.c, load.c).
 */
#include "qemu/osdep.h"
#include "migration/stream/stream.h"
#include "migration/vmstate.h"
#include "qapi/error.h"

static void put_byte(MigStreamOut *s, const void *pv, size_t size)
{
    stream_put_byte(s, *(const uint8_t *)pv);
}

static bool get_byte(MigStreamIn *s, void *pv, size_t size, Error **errp)
{
    return stream_get_byte(s, pv, errp);
}

static void put_16(MigStreamOut *s, const void *pv, size_t size)
{
    stream_put_be16(s, *(const uint16_t *)pv);
}

static bool get_16(MigStreamIn *s, void *pv, size_t size, Error **errp)
{
    return stream_get_be16(s, pv, errp);
}

static void put_32(MigStreamOut *s, const void *pv, size_t size)
{
    stream_put_be32(s, *(const uint32_t *)pv);
}

static bool get_32(MigStreamIn *s, void *pv, size_t size, Error **errp)
{
    return stream_get_be32(s, pv, errp);
}

static void put_64(MigStreamOut *s, const void *pv, size_t size)
{
    stream_put_be64(s, *(const uint64_t *)pv);
}

static bool get_64(MigStreamIn *s, void *pv, size_t size, Error **errp)
{
    return stream_get_be64(s, pv, errp);
}

static void put_bool(MigStreamOut *s, const void *pv, size_t size)
{
    stream_put_byte(s, *(const bool *)pv);
}

static bool get_bool(MigStreamIn *s, void *pv, size_t size, Error **errp)
{
    uint8_t v;

    if (!stream_get_byte(s, &v, errp)) {
        return false;
    }
    if (v > 1) {
        /* A bool object that holds 2 is undefined behaviour later on. */
        error_setg(errp, "%u is neither 0 nor 1", v);
        return false;
    }
    *(bool *)pv = v;
    return true;
}

static void put_buffer(MigStreamOut *s, const void *pv, size_t size)
{
    stream_put_buffer(s, pv, size);
}

static bool get_buffer(MigStreamIn *s, void *pv, size_t size, Error **errp)
{
    return stream_get_buffer(s, pv, size, errp);
}

const VMStateInfo vmstate_info_bool = { "bool", put_bool, get_bool };
const VMStateInfo vmstate_info_int8 = { "int8", put_byte, get_byte };
const VMStateInfo vmstate_info_int16 = { "int16", put_16, get_16 };
const VMStateInfo vmstate_info_int32 = { "int32", put_32, get_32 };
const VMStateInfo vmstate_info_int64 = { "int64", put_64, get_64 };
const VMStateInfo vmstate_info_uint8 = { "uint8", put_byte, get_byte };
const VMStateInfo vmstate_info_uint16 = { "uint16", put_16, get_16 };
const VMStateInfo vmstate_info_uint32 = { "uint32", put_32, get_32 };
const VMStateInfo vmstate_info_uint64 = { "uint64", put_64, get_64 };
const VMStateInfo vmstate_info_buffer = { "buffer", put_buffer, get_buffer };
