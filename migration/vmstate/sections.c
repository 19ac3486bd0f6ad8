/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device sections out and in.  Writing runs in the migration thread.  Reading
 * runs in the load thread and only fills staged copies; vmstate_apply_all()
 * hands them to the devices.  The payload of iterable sections belongs to
 * others.
 */
#include "qemu/osdep.h"
#include "migration/stream/wire.h"
#include "migration/vmstate/sections.h"
#include "migration/vmstate/state.h"
#include "qapi/error.h"

/* A device section that came and is not applied yet. */
typedef struct StagedSection {
    const VMStateEntry *entry;
    void *staged;
    GArray *log;                /* of VMStateArrival */
} StagedSection;

struct VMStateLoad {
    const VMStateRegistry *reg;
    GHashTable *iterables;      /* section id of the stream -> VMStateEntry */
    GPtrArray *staged;          /* of StagedSection, in order of arrival */
};

static void staged_section_free(void *opaque)
{
    StagedSection *sec = opaque;

    g_array_unref(sec->log);
    g_free(sec->staged);
    g_free(sec);
}

static bool vmstate_save_full(const VMStateEntry *e, MigStreamOut *s,
                              VMDesc *desc, bool footers, Error **errp)
{
    struct json_object *state =
        vmdesc_add_device(desc, e->header.idstr, e->header.instance_id);

    section_put_first(s, QEMU_VM_SECTION_FULL, &e->header);
    if (!vmstate_save_state(s, e->vmsd, e->opaque, state, errp)) {
        return false;
    }
    if (footers) {
        section_put_footer(s, e->header.section_id);
    }
    return true;
}

bool vmstate_save_full_sections(const VMStateRegistry *reg, MigStreamOut *s,
                                VMDesc *desc, bool footers, Error **errp)
{
    ERRP_GUARD();

    for (unsigned i = 0; i < vmstate_registry_nr_entries(reg); i++) {
        const VMStateEntry *e = vmstate_registry_entry(reg, i);

        if (!e->vmsd || (e->vmsd->needed && !e->vmsd->needed(e->opaque))) {
            continue;
        }
        if (!vmstate_save_full(e, s, desc, footers, errp)) {
            error_prepend(errp, "cannot save section \"%s\", instance %" PRIu32
                          ": ", e->header.idstr, e->header.instance_id);
            return false;
        }
    }
    return true;
}

VMStateLoad *vmstate_load_new(const VMStateRegistry *reg)
{
    VMStateLoad *load = g_new0(VMStateLoad, 1);

    load->reg = reg;
    load->iterables = g_hash_table_new(NULL, NULL);
    load->staged = g_ptr_array_new_with_free_func(staged_section_free);
    return load;
}

void vmstate_load_free(VMStateLoad *load)
{
    if (!load) {
        return;
    }
    g_ptr_array_unref(load->staged);
    g_hash_table_unref(load->iterables);
    g_free(load);
}

static bool vmstate_load_check(const VMStateEntry *e, uint8_t type,
                               const SectionHeader *header, Error **errp)
{
    uint8_t expected = e->vmsd ? QEMU_VM_SECTION_FULL : QEMU_VM_SECTION_START;

    if (type != expected) {
        error_setg(errp, "section \"%s\" comes as %s, expected %s",
                   header->idstr, section_type_name(type),
                   section_type_name(expected));
        return false;
    }
    if (e->vmsd) {
        return vmstate_version_ok(e->vmsd, header->version_id, errp);
    }
    if (header->version_id != e->header.version_id) {
        error_setg(errp, "section \"%s\" has version %" PRIu32 ", only %" PRIu32
                   " is read", header->idstr, header->version_id,
                   e->header.version_id);
        return false;
    }
    return true;
}

const VMStateEntry *vmstate_load_first(VMStateLoad *load, uint8_t type,
                                       const SectionHeader *header,
                                       Error **errp)
{
    const VMStateEntry *e = vmstate_registry_find(load->reg, header->idstr,
                                                  header->instance_id);

    if (!e) {
        error_setg(errp, "unknown section \"%s\", instance %" PRIu32 ": this "
                   "machine has no such device", header->idstr,
                   header->instance_id);
        return NULL;
    }
    if (!vmstate_load_check(e, type, header, errp)) {
        return NULL;
    }
    if (!e->vmsd) {
        g_hash_table_insert(load->iterables,
                            GUINT_TO_POINTER(header->section_id), (void *)e);
    }
    return e;
}

const VMStateEntry *vmstate_load_next(VMStateLoad *load, uint8_t type,
                                      uint32_t section_id, Error **errp)
{
    const VMStateEntry *e = g_hash_table_lookup(load->iterables,
                                                GUINT_TO_POINTER(section_id));

    if (!e) {
        error_setg(errp, "%s of a section with id %" PRIu32 ", which no START "
                   "introduced", section_type_name(type), section_id);
    }
    return e;
}

/* What comes again counts instead of what came before. */
static void vmstate_load_stage(VMStateLoad *load, StagedSection *sec)
{
    for (guint i = 0; i < load->staged->len; i++) {
        StagedSection *other = g_ptr_array_index(load->staged, i);

        if (other->entry == sec->entry) {
            g_ptr_array_remove_index(load->staged, i);
            break;
        }
    }
    g_ptr_array_add(load->staged, sec);
}

bool vmstate_load_full(VMStateLoad *load, MigStreamIn *s,
                       const VMStateEntry *entry, uint32_t version_id,
                       Error **errp)
{
    ERRP_GUARD();
    StagedSection *sec = g_new0(StagedSection, 1);

    sec->entry = entry;
    sec->staged = g_malloc0(entry->vmsd->struct_size);
    sec->log = g_array_new(FALSE, FALSE, sizeof(VMStateArrival));
    if (!vmstate_load_state(s, entry->vmsd, sec->staged, version_id, sec->log,
                            errp)) {
        error_prepend(errp, "section \"%s\", instance %" PRIu32 ": ",
                      entry->header.idstr, entry->header.instance_id);
        staged_section_free(sec);
        return false;
    }
    vmstate_load_stage(load, sec);
    return true;
}

bool vmstate_apply_all(VMStateLoad *load, Error **errp)
{
    ERRP_GUARD();

    for (guint i = 0; i < load->staged->len; i++) {
        StagedSection *sec = g_ptr_array_index(load->staged, i);

        vmstate_apply_fields(sec->log, sec->staged, sec->entry->opaque);
    }
    for (guint i = 0; i < load->staged->len; i++) {
        StagedSection *sec = g_ptr_array_index(load->staged, i);

        if (!vmstate_apply_hooks(sec->log, sec->entry->opaque, errp)) {
            error_prepend(errp, "section \"%s\", instance %" PRIu32 ": ",
                          sec->entry->header.idstr,
                          sec->entry->header.instance_id);
            return false;
        }
    }
    return true;
}
