/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device state as tables: a VMStateDescription lists the fields of a struct,
 * the engine in migration/vmstate/ writes and reads them, and a
 * VMStateRegistry holds the sections of one machine in the order that gives
 * them their ids.
 *
 * Loading is done in two steps.  The wire is parsed into a zeroed copy of the
 * struct, on the load thread and without any effect on the device; when all
 * has arrived, the fields that came are copied to the device and the post_load
 * hooks are called, in one short step.
 *
 * Threads: descriptions are constant.  A registry is filled by the main thread
 * before a migration starts and is constant while one runs.  No locks.
 */
#ifndef MIGRATION_VMSTATE_H
#define MIGRATION_VMSTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include "qemu/compiler.h"

typedef struct Error Error;
typedef struct MigStreamIn MigStreamIn;
typedef struct MigStreamOut MigStreamOut;
typedef struct VMStateDescription VMStateDescription;
typedef struct VMStateField VMStateField;
typedef struct VMStateInfo VMStateInfo;
typedef struct VMStateRegistry VMStateRegistry;

/* How one element of a plain type stands on the wire. */
struct VMStateInfo {
    /* "type" in the JSON description, as QEMU calls it */
    const char *name;
    /* writes @size bytes of state at @pv */
    void (*put)(MigStreamOut *s, const void *pv, size_t size);
    /* reads them; what is at @pv after a failure is not used */
    bool (*get)(MigStreamIn *s, void *pv, size_t size, Error **errp);
};

typedef enum VMStateKind {
    VMS_END,            /* closes the list */
    VMS_SINGLE,         /* @num elements of @info */
    VMS_STRUCT,         /* @num structs described by @vmsd */
    VMS_VBUFFER,        /* as many bytes as the uint32_t at @len_offset says */
    VMS_UNUSED,         /* @size bytes on the wire, nothing in the struct */
} VMStateKind;

struct VMStateField {
    const char *name;
    VMStateKind kind;
    size_t offset;      /* in the described struct, bytes */
    size_t size;        /* of an element, bytes; VMS_VBUFFER: the most */
    unsigned num;       /* elements */
    int version_id;     /* first version of the section that has the field */
    size_t len_offset;  /* VMS_VBUFFER: where the length stands */
    const VMStateInfo *info;
    const VMStateDescription *vmsd;
};

struct VMStateDescription {
    /* a subsection's is "parent/child" */
    const char *name;
    int version_id;             /* written */
    int minimum_version_id;     /* oldest that is read */
    size_t struct_size;         /* of what opaque points to, bytes */
    /* Leave it out?  NULL: never.  For subsections and whole sections. */
    bool (*needed)(void *opaque);
    /* Before the fields are written: bring the struct up to date. */
    bool (*pre_save)(void *opaque, Error **errp);
    /*
     * On the load thread, as soon as its own fields were read and before its
     * subsections are: is this state one the device could take?  @staged is
     * the copy; the device is not touched.
     */
    bool (*validate)(const void *staged, int version_id, Error **errp);
    /* After all fields of all sections are in place: act on them. */
    bool (*post_load)(void *opaque, int version_id, Error **errp);
    const VMStateField *fields;
    /* ends with NULL; NULL = none; they describe the same opaque */
    const VMStateDescription *const *subsections;
};

extern const VMStateInfo vmstate_info_bool;
extern const VMStateInfo vmstate_info_int8;
extern const VMStateInfo vmstate_info_int16;
extern const VMStateInfo vmstate_info_int32;
extern const VMStateInfo vmstate_info_int64;
extern const VMStateInfo vmstate_info_uint8;
extern const VMStateInfo vmstate_info_uint16;
extern const VMStateInfo vmstate_info_uint32;
extern const VMStateInfo vmstate_info_uint64;
extern const VMStateInfo vmstate_info_buffer;

/* Offset of @field; does not compile unless it has exactly this type. */
#define vmstate_offset_(state, field, type) \
    (offsetof(state, field) + QEMU_BUILD_BUG_ON_ZERO( \
        !__builtin_types_compatible_p(type, typeof_field(state, field))))

#define VMSTATE_ARRAY_(f, s, n, v, offs, knd, siz, inf, desc) \
    { .name = stringify(f), .kind = (knd), .offset = (offs), \
      .size = (siz), .num = (n), .version_id = (v), \
      .info = (inf), .vmsd = (desc) }

#define VMSTATE_SINGLE(f, s, v, inf, type) \
    VMSTATE_ARRAY_(f, s, 1, v, vmstate_offset_(s, f, type), VMS_SINGLE, \
                   sizeof(type), &(inf), NULL)
#define VMSTATE_ARRAY(f, s, n, v, inf, type) \
    VMSTATE_ARRAY_(f, s, n, v, vmstate_offset_(s, f, type[n]), VMS_SINGLE, \
                   sizeof(type), &(inf), NULL)
#define VMSTATE_STRUCT(f, s, v, desc, type) \
    VMSTATE_ARRAY_(f, s, 1, v, vmstate_offset_(s, f, type), VMS_STRUCT, \
                   sizeof(type), NULL, &(desc))
#define VMSTATE_STRUCT_ARRAY(f, s, n, v, desc, type) \
    VMSTATE_ARRAY_(f, s, n, v, vmstate_offset_(s, f, type[n]), VMS_STRUCT, \
                   sizeof(type), NULL, &(desc))

#define VMSTATE_BOOL_V(f, s, v) \
    VMSTATE_SINGLE(f, s, v, vmstate_info_bool, bool)
#define VMSTATE_INT8_V(f, s, v) \
    VMSTATE_SINGLE(f, s, v, vmstate_info_int8, int8_t)
#define VMSTATE_INT16_V(f, s, v) \
    VMSTATE_SINGLE(f, s, v, vmstate_info_int16, int16_t)
#define VMSTATE_INT32_V(f, s, v) \
    VMSTATE_SINGLE(f, s, v, vmstate_info_int32, int32_t)
#define VMSTATE_INT64_V(f, s, v) \
    VMSTATE_SINGLE(f, s, v, vmstate_info_int64, int64_t)
#define VMSTATE_UINT8_V(f, s, v) \
    VMSTATE_SINGLE(f, s, v, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_V(f, s, v) \
    VMSTATE_SINGLE(f, s, v, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_V(f, s, v) \
    VMSTATE_SINGLE(f, s, v, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_V(f, s, v) \
    VMSTATE_SINGLE(f, s, v, vmstate_info_uint64, uint64_t)

#define VMSTATE_BOOL(f, s)   VMSTATE_BOOL_V(f, s, 0)
#define VMSTATE_INT8(f, s)   VMSTATE_INT8_V(f, s, 0)
#define VMSTATE_INT16(f, s)  VMSTATE_INT16_V(f, s, 0)
#define VMSTATE_INT32(f, s)  VMSTATE_INT32_V(f, s, 0)
#define VMSTATE_INT64(f, s)  VMSTATE_INT64_V(f, s, 0)
#define VMSTATE_UINT8(f, s)  VMSTATE_UINT8_V(f, s, 0)
#define VMSTATE_UINT16(f, s) VMSTATE_UINT16_V(f, s, 0)
#define VMSTATE_UINT32(f, s) VMSTATE_UINT32_V(f, s, 0)
#define VMSTATE_UINT64(f, s) VMSTATE_UINT64_V(f, s, 0)

#define VMSTATE_BOOL_ARRAY(f, s, n) \
    VMSTATE_ARRAY(f, s, n, 0, vmstate_info_bool, bool)
#define VMSTATE_INT32_ARRAY(f, s, n) \
    VMSTATE_ARRAY(f, s, n, 0, vmstate_info_int32, int32_t)
#define VMSTATE_INT64_ARRAY(f, s, n) \
    VMSTATE_ARRAY(f, s, n, 0, vmstate_info_int64, int64_t)
#define VMSTATE_UINT8_ARRAY(f, s, n) \
    VMSTATE_ARRAY(f, s, n, 0, vmstate_info_uint8, uint8_t)
#define VMSTATE_UINT16_ARRAY(f, s, n) \
    VMSTATE_ARRAY(f, s, n, 0, vmstate_info_uint16, uint16_t)
#define VMSTATE_UINT32_ARRAY(f, s, n) \
    VMSTATE_ARRAY(f, s, n, 0, vmstate_info_uint32, uint32_t)
#define VMSTATE_UINT64_ARRAY(f, s, n) \
    VMSTATE_ARRAY(f, s, n, 0, vmstate_info_uint64, uint64_t)

/* An array of bytes, as it is. */
#define VMSTATE_BUFFER_V(f, s, v) \
    VMSTATE_ARRAY_(f, s, 1, v, offsetof(s, f), VMS_SINGLE, \
                   sizeof_field(s, f), &vmstate_info_buffer, NULL)
#define VMSTATE_BUFFER(f, s) VMSTATE_BUFFER_V(f, s, 0)

/*
 * The first bytes of an array; how many stands in the uint32_t @len, a field
 * before this one.  A length over the array's is refused when it is read.
 */
#define VMSTATE_VBUFFER_UINT32(f, s, v, len) \
    { .name = stringify(f), .kind = VMS_VBUFFER, .offset = offsetof(s, f), \
      .size = sizeof_field(s, f), .num = 1, .version_id = (v), \
      .len_offset = vmstate_offset_(s, len, uint32_t), \
      .info = &vmstate_info_buffer }

/* Bytes that older versions used: written as 0, dropped when read. */
#define VMSTATE_UNUSED_V(v, n) \
    { .name = "unused", .kind = VMS_UNUSED, .size = (n), .num = 1, \
      .version_id = (v) }
#define VMSTATE_UNUSED(n) VMSTATE_UNUSED_V(0, n)

#define VMSTATE_END_OF_LIST() { .kind = VMS_END }

/**
 * vmstate_registry_new:
 *
 * Context: any thread.
 * Returns: a registry without sections, the caller's
 */
VMStateRegistry *vmstate_registry_new(void);

/**
 * vmstate_registry_free:
 * @reg: a registry that no migration uses any more, or NULL
 *
 * Frees the registry; the devices stay.
 * Context: the main thread.
 */
void vmstate_registry_free(VMStateRegistry *reg);

/**
 * vmstate_register:
 * @reg: a registry
 * @idstr: the section's name on the wire, 1 to 255 bytes; copied
 * @instance_id: tells sections of one name apart
 * @vmsd: what the state consists of; outlives @reg
 * @opaque: the state, vmsd->struct_size bytes; outlives @reg
 * @errp: where to put the reason, or NULL
 *
 * Adds a device section under the next section id.
 * Context: the main thread, no migration running.
 * Returns: false when the name is taken or too long, or a field of @vmsd lies
 *          outside the struct
 */
bool vmstate_register(VMStateRegistry *reg, const char *idstr,
                      uint32_t instance_id, const VMStateDescription *vmsd,
                      void *opaque, Error **errp);

/**
 * vmstate_register_iterable:
 * @reg: a registry
 * @idstr: the section's name on the wire, 1 to 255 bytes; copied
 * @instance_id: tells sections of one name apart
 * @version_id: the only version that is written and read
 * @errp: where to put the reason, or NULL
 *
 * Adds a section whose payload somebody else writes and reads in parts: RAM.
 * Context: the main thread, no migration running.
 * Returns: false when the name is taken or too long
 */
bool vmstate_register_iterable(VMStateRegistry *reg, const char *idstr,
                               uint32_t instance_id, uint32_t version_id,
                               Error **errp);

/**
 * vmstate_reserve_section_id:
 * @reg: a registry
 *
 * Leaves one section id unused, so that those that follow are QEMU's: it has a
 * section there that this machine lacks.
 * Context: the main thread, no migration running.
 */
void vmstate_reserve_section_id(VMStateRegistry *reg);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VMStateRegistry, vmstate_registry_free)

#endif
