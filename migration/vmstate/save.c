/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a struct by its VMStateDescription: fields in order, then the
 * subsections that are needed.  Runs in the migration thread while the guest
 * does not run.  Section headers and footers are written by sections.c.
 */
#include "qemu/osdep.h"
#include "migration/stream/stream.h"
#include "migration/stream/wire.h"
#include "migration/vmstate/state.h"
#include "migration/vmstate/vmdesc.h"
#include "qapi/error.h"

static bool vmstate_save_vbuffer(MigStreamOut *s, const VMStateField *field,
                                 const uint8_t *opaque, Error **errp)
{
    uint32_t len_bytes = *(const uint32_t *)(opaque + field->len_offset);

    if (len_bytes > field->size) {
        error_setg(errp, "%" PRIu32 " bytes, at most %zu fit", len_bytes,
                   field->size);
        return false;
    }
    field->info->put(s, opaque + field->offset, len_bytes);
    return true;
}

static void vmstate_save_unused(MigStreamOut *s, size_t len_bytes)
{
    static const uint8_t zeroes[64];

    while (len_bytes) {
        size_t n = MIN(len_bytes, sizeof(zeroes));

        stream_put_buffer(s, zeroes, n);
        len_bytes -= n;
    }
}

/* One element; @desc is the object that describes it, or NULL. */
static bool vmstate_save_element(MigStreamOut *s, const VMStateField *field,
                                 uint8_t *opaque, unsigned index,
                                 struct json_object *desc, Error **errp)
{
    uint8_t *element = opaque + field->offset + index * field->size;

    switch (field->kind) {
    case VMS_SINGLE:
        field->info->put(s, element, field->size);
        return true;
    case VMS_STRUCT:
        return vmstate_save_state(s, field->vmsd, element,
                                  vmdesc_begin_struct(desc), errp);
    case VMS_VBUFFER:
        return vmstate_save_vbuffer(s, field, opaque, errp);
    case VMS_UNUSED:
        vmstate_save_unused(s, field->size);
        return true;
    case VMS_END:
        break;
    }
    g_assert_not_reached();
}

static bool vmstate_save_fields(MigStreamOut *s,
                                const VMStateDescription *vmsd, void *opaque,
                                struct json_object *descs, Error **errp)
{
    ERRP_GUARD();

    for (const VMStateField *f = vmsd->fields; f->kind != VMS_END; f++) {
        for (unsigned i = 0; i < f->num; i++) {
            struct json_object *desc = vmdesc_begin_field(descs, f, i);
            uint64_t start = stream_out_bytes(s);

            if (!vmstate_save_element(s, f, opaque, i, desc, errp)) {
                error_prepend(errp, "%s.%s: ", vmsd->name, f->name);
                return false;
            }
            vmdesc_end_field(desc, stream_out_bytes(s) - start);
        }
    }
    return true;
}

static bool vmstate_save_subsections(MigStreamOut *s,
                                     const VMStateDescription *vmsd,
                                     void *opaque, struct json_object *desc,
                                     Error **errp)
{
    const VMStateDescription *const *sub = vmsd->subsections;

    for (; sub && *sub; sub++) {
        if ((*sub)->needed && !(*sub)->needed(opaque)) {
            continue;
        }
        stream_put_byte(s, QEMU_VM_SUBSECTION);
        stream_put_str8(s, (*sub)->name);
        stream_put_be32(s, (*sub)->version_id);
        if (!vmstate_save_state(s, *sub, opaque, vmdesc_add_subsection(desc),
                                errp)) {
            return false;
        }
    }
    return true;
}

bool vmstate_save_state(MigStreamOut *s, const VMStateDescription *vmsd,
                        void *opaque, struct json_object *desc, Error **errp)
{
    ERRP_GUARD();

    if (vmsd->pre_save && !vmsd->pre_save(opaque, errp)) {
        error_prepend(errp, "%s: ", vmsd->name);
        return false;
    }
    return vmstate_save_fields(s, vmsd, opaque,
                               vmdesc_begin_state(desc, vmsd), errp) &&
           vmstate_save_subsections(s, vmsd, opaque, desc, errp);
}
