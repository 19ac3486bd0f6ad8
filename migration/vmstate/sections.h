/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registry as a migration sees it: which sections to write, and what to do
 * with those that come.
 *
 * Threads: a VMStateLoad belongs to the load thread; vmstate_apply_all() runs
 * where the machine lets its devices be changed.  This header owns no locks.
 */
#ifndef MIGRATION_VMSTATE_SECTIONS_H
#define MIGRATION_VMSTATE_SECTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "migration/stream/section.h"
#include "migration/vmstate.h"
#include "migration/vmstate/vmdesc.h"

/* One registered section; constant while a migration runs. */
typedef struct VMStateEntry {
    SectionHeader header;               /* as it is written */
    const VMStateDescription *vmsd;     /* NULL: iterable */
    void *opaque;                       /* NULL: iterable */
} VMStateEntry;

typedef struct VMStateLoad VMStateLoad;

/**
 * vmstate_registry_nr_entries:
 * @reg: a registry
 *
 * Returns: how many sections are registered
 */
unsigned vmstate_registry_nr_entries(const VMStateRegistry *reg);

/**
 * vmstate_registry_entry:
 * @reg: a registry
 * @index: 0 to vmstate_registry_nr_entries() - 1
 *
 * Returns: the section registered at that place, owned by @reg
 */
const VMStateEntry *vmstate_registry_entry(const VMStateRegistry *reg,
                                           unsigned index);

/**
 * vmstate_registry_find:
 * @reg: a registry
 * @idstr: name of a section
 * @instance_id: its instance
 *
 * Returns: that section, owned by @reg; NULL if it is not registered
 */
const VMStateEntry *vmstate_registry_find(const VMStateRegistry *reg,
                                          const char *idstr,
                                          uint32_t instance_id);

/**
 * vmstate_save_full_sections:
 * @reg: a registry
 * @s: where to write
 * @desc: where to describe what is written, or NULL
 * @footers: whether each section gets a footer
 * @errp: where to put the reason, or NULL
 *
 * Writes a FULL section of each device that is needed, in order.
 * Context: the guest does not run.
 * Returns: false when a device cannot tell its state; write errors stay in @s
 */
bool vmstate_save_full_sections(const VMStateRegistry *reg, MigStreamOut *s,
                                VMDesc *desc, bool footers, Error **errp);

/**
 * vmstate_load_new:
 * @reg: a registry; outlives the result
 *
 * Returns: the record of a load in which nothing has come yet
 */
VMStateLoad *vmstate_load_new(const VMStateRegistry *reg);

/**
 * vmstate_load_free:
 * @load: a load, or NULL; what was parsed and not applied is dropped
 */
void vmstate_load_free(VMStateLoad *load);

/**
 * vmstate_load_first:
 * @load: a load
 * @type: QEMU_VM_SECTION_START or QEMU_VM_SECTION_FULL
 * @header: as it came
 * @errp: where to put the reason, or NULL
 *
 * Finds out whose section this is; START also makes its id known.
 * Returns: the section; NULL when it is not registered, its version is not one
 *          that is read, or the type is not for such a section
 */
const VMStateEntry *vmstate_load_first(VMStateLoad *load, uint8_t type,
                                       const SectionHeader *header,
                                       Error **errp);

/**
 * vmstate_load_next:
 * @load: a load
 * @type: QEMU_VM_SECTION_PART or QEMU_VM_SECTION_END, for the message
 * @section_id: as it came
 * @errp: where to put the reason, or NULL
 *
 * Returns: the iterable section that a START gave this id; NULL when none did
 */
const VMStateEntry *vmstate_load_next(VMStateLoad *load, uint8_t type,
                                      uint32_t section_id, Error **errp);

/**
 * vmstate_load_full:
 * @load: a load
 * @s: a stream just behind a FULL section's header
 * @entry: what vmstate_load_first() returned for it
 * @version_id: as it came
 * @errp: where to put the reason, or NULL
 *
 * Reads the payload up to, not including, the footer, into a copy.  A section
 * that comes again replaces what came before.  The device is not touched.
 * Returns: false when the payload does not make sense or ends
 */
bool vmstate_load_full(VMStateLoad *load, MigStreamIn *s,
                       const VMStateEntry *entry, uint32_t version_id,
                       Error **errp);

/**
 * vmstate_apply_all:
 * @load: a load
 * @errp: where to put the reason, or NULL
 *
 * Gives the devices what came: all fields first, then the hooks, in the order
 * of arrival.  To be called once.
 * Context: the guest does not run; waits for nothing.
 * Returns: false when a hook fails; the devices are then not fit to run
 */
bool vmstate_apply_all(VMStateLoad *load, Error **errp);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VMStateLoad, vmstate_load_free)

#endif
