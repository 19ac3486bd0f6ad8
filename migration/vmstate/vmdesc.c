/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Builds the JSON description of a stream.  Runs in the migration thread, in
 * step with the writing of the sections.  json-c keeps the order in which keys
 * are added, which is QEMU's.
 */
#include "qemu/osdep.h"
#include <json-c/json.h>
#include "memory/ram.h"
#include "migration/vmstate/vmdesc.h"

struct VMDesc {
    json_object *configuration;     /* NULL until asked for */
    json_object *devices;
};

VMDesc *vmdesc_new(void)
{
    VMDesc *desc = g_new0(VMDesc, 1);

    desc->devices = json_object_new_array();
    return desc;
}

void vmdesc_free(VMDesc *desc)
{
    if (!desc) {
        return;
    }
    json_object_put(desc->configuration);
    json_object_put(desc->devices);
    g_free(desc);
}

static void vmdesc_add_string(json_object *obj, const char *key,
                              const char *value)
{
    json_object_object_add(obj, key, json_object_new_string(value));
}

static void vmdesc_add_int(json_object *obj, const char *key, int64_t value)
{
    json_object_object_add(obj, key, json_object_new_int64(value));
}

json_object *vmdesc_configuration(VMDesc *desc)
{
    if (!desc) {
        return NULL;
    }
    if (!desc->configuration) {
        desc->configuration = json_object_new_object();
    }
    return desc->configuration;
}

json_object *vmdesc_add_device(VMDesc *desc, const char *idstr,
                               uint32_t instance_id)
{
    json_object *device;

    if (!desc) {
        return NULL;
    }
    device = json_object_new_object();
    vmdesc_add_string(device, "name", idstr);
    vmdesc_add_int(device, "instance_id", instance_id);
    json_object_array_add(desc->devices, device);
    return device;
}

json_object *vmdesc_begin_state(json_object *state,
                                const VMStateDescription *vmsd)
{
    json_object *fields;

    if (!state) {
        return NULL;
    }
    vmdesc_add_string(state, "vmsd_name", vmsd->name);
    vmdesc_add_int(state, "version", vmsd->version_id);
    fields = json_object_new_array();
    json_object_object_add(state, "fields", fields);
    return fields;
}

/* Are all elements of this array alike, so that one stands for them? */
static bool vmdesc_all_alike(const VMStateField *field)
{
    if (field->kind != VMS_STRUCT) {
        return true;
    }
    if (field->vmsd->subsections) {
        return false;
    }
    for (const VMStateField *f = field->vmsd->fields; f->kind != VMS_END; f++) {
        if (f->kind == VMS_VBUFFER || !vmdesc_all_alike(f)) {
            return false;
        }
    }
    return true;
}

static const char *vmdesc_type_name(const VMStateField *field)
{
    switch (field->kind) {
    case VMS_STRUCT:
        return "struct";
    case VMS_UNUSED:
        return "unused_buffer";
    default:
        return field->info->name;
    }
}

json_object *vmdesc_begin_field(json_object *fields, const VMStateField *field,
                                unsigned index)
{
    json_object *element;

    if (!fields || (index > 0 && vmdesc_all_alike(field))) {
        return NULL;
    }
    element = json_object_new_object();
    vmdesc_add_string(element, "name", field->name);
    if (field->num > 1) {
        if (vmdesc_all_alike(field)) {
            vmdesc_add_int(element, "array_len", field->num);
        } else {
            vmdesc_add_int(element, "index", index);
        }
    }
    vmdesc_add_string(element, "type", vmdesc_type_name(field));
    json_object_array_add(fields, element);
    return element;
}

json_object *vmdesc_begin_struct(json_object *element)
{
    json_object *state;

    if (!element) {
        return NULL;
    }
    state = json_object_new_object();
    json_object_object_add(element, "struct", state);
    return state;
}

void vmdesc_end_field(json_object *element, uint64_t size_bytes)
{
    if (element) {
        vmdesc_add_int(element, "size", size_bytes);
    }
}

json_object *vmdesc_add_subsection(json_object *state)
{
    json_object *list, *sub;

    if (!state) {
        return NULL;
    }
    if (!json_object_object_get_ex(state, "subsections", &list)) {
        list = json_object_new_array();
        json_object_object_add(state, "subsections", list);
    }
    sub = json_object_new_object();
    json_object_array_add(list, sub);
    return sub;
}

char *vmdesc_to_json(VMDesc *desc)
{
    json_object *root = json_object_new_object();
    char *text;

    if (desc->configuration) {
        json_object_object_add(root, "configuration",
                               json_object_get(desc->configuration));
    }
    vmdesc_add_int(root, "page_size", TARGET_PAGE_SIZE);
    json_object_object_add(root, "devices", json_object_get(desc->devices));
    text = g_strdup(json_object_to_json_string_ext(
        root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(root);
    return text;
}
