/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sections of one machine, in the order of registration, which is that of
 * their ids and of their place in the stream.  Filled by the main thread, then
 * constant.  Writing and reading them is done in sections.c.
 */
#include "qemu/osdep.h"
#include "migration/vmstate/sections.h"
#include "qapi/error.h"

struct VMStateRegistry {
    GPtrArray *entries;         /* of VMStateEntry */
    uint32_t next_section_id;
};

VMStateRegistry *vmstate_registry_new(void)
{
    VMStateRegistry *reg = g_new0(VMStateRegistry, 1);

    reg->entries = g_ptr_array_new_with_free_func(g_free);
    return reg;
}

void vmstate_registry_free(VMStateRegistry *reg)
{
    if (reg) {
        g_ptr_array_unref(reg->entries);
        g_free(reg);
    }
}

unsigned vmstate_registry_nr_entries(const VMStateRegistry *reg)
{
    return reg->entries->len;
}

const VMStateEntry *vmstate_registry_entry(const VMStateRegistry *reg,
                                           unsigned index)
{
    return g_ptr_array_index(reg->entries, index);
}

const VMStateEntry *vmstate_registry_find(const VMStateRegistry *reg,
                                          const char *idstr,
                                          uint32_t instance_id)
{
    for (unsigned i = 0; i < vmstate_registry_nr_entries(reg); i++) {
        const VMStateEntry *e = vmstate_registry_entry(reg, i);

        if (e->header.instance_id == instance_id &&
            !strcmp(e->header.idstr, idstr)) {
            return e;
        }
    }
    return NULL;
}

/* A description that reaches outside its struct would corrupt memory later. */
static bool vmstate_registry_check(const VMStateDescription *vmsd,
                                   size_t struct_size, Error **errp)
{
    const VMStateDescription *const *sub = vmsd->subsections;

    for (const VMStateField *f = vmsd->fields; f->kind != VMS_END; f++) {
        if (f->kind != VMS_UNUSED &&
            (f->offset > struct_size ||
             f->size * f->num > struct_size - f->offset)) {
            error_setg(errp, "%s.%s lies outside its struct of %zu bytes",
                       vmsd->name, f->name, struct_size);
            return false;
        }
        if (f->kind == VMS_STRUCT &&
            !vmstate_registry_check(f->vmsd, f->size, errp)) {
            return false;
        }
    }
    for (; sub && *sub; sub++) {
        if (!vmstate_registry_check(*sub, struct_size, errp)) {
            return false;
        }
    }
    return true;
}

static bool vmstate_registry_add(VMStateRegistry *reg, const char *idstr,
                                 uint32_t instance_id, uint32_t version_id,
                                 const VMStateDescription *vmsd, void *opaque,
                                 Error **errp)
{
    size_t len_bytes = strlen(idstr);
    VMStateEntry *e;

    if (!len_bytes || len_bytes >= STREAM_STR8_MAX) {
        error_setg(errp, "section name \"%s\" has %zu bytes, expected 1 to %d",
                   idstr, len_bytes, STREAM_STR8_MAX - 1);
        return false;
    }
    if (vmstate_registry_find(reg, idstr, instance_id)) {
        error_setg(errp, "section \"%s\", instance %" PRIu32
                   ", is registered already", idstr, instance_id);
        return false;
    }
    e = g_new0(VMStateEntry, 1);
    e->header.section_id = reg->next_section_id++;
    memcpy(e->header.idstr, idstr, len_bytes);
    e->header.instance_id = instance_id;
    e->header.version_id = version_id;
    e->vmsd = vmsd;
    e->opaque = opaque;
    g_ptr_array_add(reg->entries, e);
    return true;
}

bool vmstate_register(VMStateRegistry *reg, const char *idstr,
                      uint32_t instance_id, const VMStateDescription *vmsd,
                      void *opaque, Error **errp)
{
    return vmstate_registry_check(vmsd, vmsd->struct_size, errp) &&
           vmstate_registry_add(reg, idstr, instance_id, vmsd->version_id,
                                vmsd, opaque, errp);
}

bool vmstate_register_iterable(VMStateRegistry *reg, const char *idstr,
                               uint32_t instance_id, uint32_t version_id,
                               Error **errp)
{
    return vmstate_registry_add(reg, idstr, instance_id, version_id, NULL, NULL,
                                errp);
}

void vmstate_reserve_section_id(VMStateRegistry *reg)
{
    reg->next_section_id++;
}
