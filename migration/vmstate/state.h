/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine that walks a VMStateDescription: save.c writes a struct, load.c
 * reads one.  What it reads goes into memory the caller gives, and a log tells
 * which states came, so that they can be carried over to the device later.
 *
 * Threads: whoever owns the stream; applying also owns the device.  No locks.
 */
#ifndef MIGRATION_VMSTATE_STATE_H
#define MIGRATION_VMSTATE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include "migration/vmstate.h"

struct json_object;

/* One state that came: a section, a subsection, or a struct inside one. */
typedef struct VMStateArrival {
    const VMStateDescription *vmsd;
    size_t offset;              /* of its struct in the section's, bytes */
    int version_id;             /* as it came */
} VMStateArrival;

/**
 * vmstate_save_state:
 * @s: where to write
 * @vmsd: what the state consists of
 * @opaque: the state
 * @desc: object to describe it in, or NULL
 * @errp: where to put the reason, or NULL
 *
 * Writes fields and needed subsections.
 * Returns: false when a pre_save hook fails or a variable length is over its
 *          buffer's size; write errors stay in the stream
 */
bool vmstate_save_state(MigStreamOut *s, const VMStateDescription *vmsd,
                        void *opaque, struct json_object *desc, Error **errp);

/**
 * vmstate_version_ok:
 * @vmsd: a description
 * @version_id: a version off the wire
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when this description cannot read that version
 */
bool vmstate_version_ok(const VMStateDescription *vmsd, uint32_t version_id,
                        Error **errp);

/**
 * vmstate_load_state:
 * @s: where to read
 * @vmsd: what the state consists of
 * @staged: zeroed memory of vmsd->struct_size bytes
 * @version_id: version that the state has on the wire
 * @log: array of VMStateArrival to append to; a state comes after those it
 *       contains
 * @errp: where to put the reason, or NULL
 *
 * Reads fields and subsections and calls the validate hooks.
 * Returns: false for a version that is not read, a subsection that is not
 *          known, a field or state that does not make sense, or the end of the
 *          stream
 */
bool vmstate_load_state(MigStreamIn *s, const VMStateDescription *vmsd,
                        void *staged, uint32_t version_id, GArray *log,
                        Error **errp);

/**
 * vmstate_apply_fields:
 * @log: what vmstate_load_state() logged
 * @staged: what it read
 * @opaque: the device
 *
 * Copies the fields that came, and no others, to the device.
 */
void vmstate_apply_fields(const GArray *log, const void *staged,
                          void *opaque);

/**
 * vmstate_apply_hooks:
 * @log: what vmstate_load_state() logged
 * @opaque: the device with its fields in place
 * @errp: where to put the reason, or NULL
 *
 * Calls the post_load hooks, inner states first.
 * Returns: false at the first hook that fails
 */
bool vmstate_apply_hooks(const GArray *log, void *opaque, Error **errp);

#endif
