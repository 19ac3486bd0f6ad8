/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON that describes a stream's configuration and device sections, field
 * by field, and that QEMU sends after the end of the stream for debugging
 * tools. It is built while the sections are written, so that its sizes are
 * what really went out.  Keys and their order: docs/devel/wire-format.rst.
 *
 * Threads: the migration thread.  This header owns no locks.
 */
#ifndef MIGRATION_VMSTATE_VMDESC_H
#define MIGRATION_VMSTATE_VMDESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include "migration/vmstate.h"

struct json_object;

typedef struct VMDesc VMDesc;

/**
 * vmdesc_new:
 *
 * Returns: the description of a stream in which nothing stands yet
 */
VMDesc *vmdesc_new(void);

/**
 * vmdesc_free:
 * @desc: a description, or NULL
 */
void vmdesc_free(VMDesc *desc);

/**
 * vmdesc_configuration:
 * @desc: a description, or NULL
 *
 * Returns: the empty object to describe the configuration in, owned by @desc;
 *          NULL when @desc is
 */
struct json_object *vmdesc_configuration(VMDesc *desc);

/**
 * vmdesc_add_device:
 * @desc: a description, or NULL
 * @idstr: the section's name
 * @instance_id: the section's instance
 *
 * Returns: the object to describe its state in, owned by @desc; NULL when @desc
 *          is
 */
struct json_object *vmdesc_add_device(VMDesc *desc, const char *idstr,
                                      uint32_t instance_id);

/**
 * vmdesc_begin_state:
 * @state: the object for this state, or NULL
 * @vmsd: its description
 *
 * Returns: the array to put its fields into, owned by @state; NULL when @state
 *          is
 */
struct json_object *vmdesc_begin_state(struct json_object *state,
                                       const VMStateDescription *vmsd);

/**
 * vmdesc_begin_field:
 * @fields: the array of the state that the field belongs to, or NULL
 * @field: the field
 * @index: which element is to be written, from 0
 *
 * An array whose elements are all alike is described once, by its first one.
 * Returns: the object for the element, owned by @fields; NULL when @fields is
 *          or when the element before stands for this one, too
 */
struct json_object *vmdesc_begin_field(struct json_object *fields,
                                       const VMStateField *field,
                                       unsigned index);

/**
 * vmdesc_begin_struct:
 * @element: the object of an element that is a struct, or NULL
 *
 * Returns: the object to describe the struct's state in, owned by @element;
 *          NULL when @element is
 */
struct json_object *vmdesc_begin_struct(struct json_object *element);

/**
 * vmdesc_end_field:
 * @element: the object of the element, or NULL
 * @size_bytes: how much it took on the wire
 */
void vmdesc_end_field(struct json_object *element, uint64_t size_bytes);

/**
 * vmdesc_add_subsection:
 * @state: the object of the state that the subsection belongs to, or NULL
 *
 * Returns: the object to describe the subsection in, owned by @state; NULL when
 *          @state is
 */
struct json_object *vmdesc_add_subsection(struct json_object *state);

/**
 * vmdesc_to_json:
 * @desc: a description
 *
 * Returns: its text, the caller's
 */
char *vmdesc_to_json(VMDesc *desc);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VMDesc, vmdesc_free)

#endif
