/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a struct by its VMStateDescription into staged memory, and carries what
 * came over to the device.  Reading runs in the load thread and touches no
 * device; applying runs where devices may be changed.
 *
 * The log has an entry per state, inner ones first, which is the order in which
 * QEMU calls post_load.
 */
#include "qemu/osdep.h"
#include "migration/stream/stream.h"
#include "migration/stream/wire.h"
#include "migration/vmstate/state.h"
#include "qapi/error.h"

/* What a walk carries along; @base is the start of the whole section. */
typedef struct LoadWalk {
    MigStreamIn *s;
    uint8_t *base;
    GArray *log;
} LoadWalk;

static bool vmstate_load_walk(LoadWalk *w, const VMStateDescription *vmsd,
                              uint8_t *staged, uint32_t version_id,
                              Error **errp);

bool vmstate_version_ok(const VMStateDescription *vmsd, uint32_t version_id,
                        Error **errp)
{
    if (version_id > (uint32_t)vmsd->version_id) {
        error_setg(errp, "%s has version %" PRIu32 ", at most %d is read",
                   vmsd->name, version_id, vmsd->version_id);
        return false;
    }
    if (version_id < (uint32_t)vmsd->minimum_version_id) {
        error_setg(errp, "%s has version %" PRIu32 ", at least %d is needed",
                   vmsd->name, version_id, vmsd->minimum_version_id);
        return false;
    }
    return true;
}

static bool vmstate_load_vbuffer(LoadWalk *w, const VMStateField *field,
                                 uint8_t *staged, Error **errp)
{
    uint32_t len_bytes = *(const uint32_t *)(staged + field->len_offset);

    if (len_bytes > field->size) {
        error_setg(errp, "%" PRIu32 " bytes, at most %zu are read", len_bytes,
                   field->size);
        return false;
    }
    return field->info->get(w->s, staged + field->offset, len_bytes, errp);
}

static bool vmstate_load_element(LoadWalk *w, const VMStateField *field,
                                 uint8_t *staged, unsigned index, Error **errp)
{
    uint8_t *element = staged + field->offset + index * field->size;

    switch (field->kind) {
    case VMS_SINGLE:
        return field->info->get(w->s, element, field->size, errp);
    case VMS_STRUCT:
        return vmstate_load_walk(w, field->vmsd, element,
                                 field->vmsd->version_id, errp);
    case VMS_VBUFFER:
        return vmstate_load_vbuffer(w, field, staged, errp);
    case VMS_UNUSED:
        return stream_skip(w->s, field->size, errp);
    case VMS_END:
        break;
    }
    g_assert_not_reached();
}

static bool vmstate_load_fields(LoadWalk *w, const VMStateDescription *vmsd,
                                uint8_t *staged, int version_id, Error **errp)
{
    ERRP_GUARD();

    for (const VMStateField *f = vmsd->fields; f->kind != VMS_END; f++) {
        if (f->version_id > version_id) {
            continue;
        }
        for (unsigned i = 0; i < f->num; i++) {
            if (!vmstate_load_element(w, f, staged, i, errp)) {
                error_prepend(errp, "%s.%s: ", vmsd->name, f->name);
                return false;
            }
        }
    }
    return true;
}

/*
 * The name of the subsection that comes next, if it is one of @vmsd's: names
 * begin with the parent's and a slash.  Returns 1, 0 if something else comes
 * (the parent's next field, a footer), or -1.
 */
static int vmstate_peek_subsection(MigStreamIn *s,
                                   const VMStateDescription *vmsd,
                                   char name[STREAM_STR8_MAX], Error **errp)
{
    uint8_t head[2 + STREAM_STR8_MAX];
    size_t parent_len = strlen(vmsd->name);
    ssize_t n;

    /* Byte by byte: more than the element has might never come. */
    n = stream_peek(s, head, 1, errp);
    if (n < 1 || head[0] != QEMU_VM_SUBSECTION) {
        return MIN(n, 0);
    }
    n = stream_peek(s, head, 2, errp);
    if (n < 2 || head[1] <= parent_len) {
        return MIN(n, 0);
    }
    n = stream_peek(s, head, 2 + head[1], errp);
    if (n < 2 + head[1]) {
        return MIN(n, 0);
    }
    if (memcmp(head + 2, vmsd->name, parent_len) ||
        head[2 + parent_len] != '/') {
        return 0;
    }
    memcpy(name, head + 2, head[1]);
    name[head[1]] = 0;
    return 1;
}

/* Index of a subsection by its name; -1 and a reason if it may not come. */
static int vmstate_find_subsection(const VMStateDescription *vmsd,
                                   const char *name, uint64_t seen,
                                   Error **errp)
{
    const VMStateDescription *const *sub = vmsd->subsections;

    for (int i = 0; sub && sub[i] && i < 64; i++) {
        if (strcmp(sub[i]->name, name)) {
            continue;
        }
        if (seen & (1ULL << i)) {
            error_setg(errp, "%s: subsection \"%s\" comes twice", vmsd->name,
                       name);
            return -1;
        }
        return i;
    }
    error_setg(errp, "%s: unknown subsection \"%s\"", vmsd->name, name);
    return -1;
}

static bool vmstate_load_subsections(LoadWalk *w,
                                     const VMStateDescription *vmsd,
                                     uint8_t *staged, Error **errp)
{
    char name[STREAM_STR8_MAX];
    uint64_t seen = 0;
    int found;

    while ((found = vmstate_peek_subsection(w->s, vmsd, name, errp)) > 0) {
        int i = vmstate_find_subsection(vmsd, name, seen, errp);
        uint32_t version_id;

        if (i < 0 ||
            !stream_skip(w->s, 2 + strlen(name), errp) ||
            !stream_get_be32(w->s, &version_id, errp) ||
            !vmstate_load_walk(w, vmsd->subsections[i], staged, version_id,
                               errp)) {
            return false;
        }
        seen |= 1ULL << i;
    }
    return !found;
}

static bool vmstate_load_walk(LoadWalk *w, const VMStateDescription *vmsd,
                              uint8_t *staged, uint32_t version_id,
                              Error **errp)
{
    ERRP_GUARD();
    VMStateArrival arrival = {
        .vmsd = vmsd,
        .offset = staged - w->base,
        .version_id = version_id,
    };

    if (!vmstate_version_ok(vmsd, version_id, errp) ||
        !vmstate_load_fields(w, vmsd, staged, version_id, errp)) {
        return false;
    }
    /* At once: looking for subsections waits for what may never come. */
    if (vmsd->validate && !vmsd->validate(staged, version_id, errp)) {
        error_prepend(errp, "%s: ", vmsd->name);
        return false;
    }
    if (!vmstate_load_subsections(w, vmsd, staged, errp)) {
        return false;
    }
    g_array_append_val(w->log, arrival);
    return true;
}

bool vmstate_load_state(MigStreamIn *s, const VMStateDescription *vmsd,
                        void *staged, uint32_t version_id, GArray *log,
                        Error **errp)
{
    LoadWalk walk = { .s = s, .base = staged, .log = log };

    return vmstate_load_walk(&walk, vmsd, staged, version_id, errp);
}

/* Structs inside have an entry of their own in the log. */
static void vmstate_apply_state(const VMStateArrival *arrival,
                                const uint8_t *staged, uint8_t *opaque)
{
    const VMStateField *f = arrival->vmsd->fields;

    for (; f->kind != VMS_END; f++) {
        size_t len_bytes = f->size * f->num;

        if (f->version_id > arrival->version_id || f->kind == VMS_STRUCT ||
            f->kind == VMS_UNUSED) {
            continue;
        }
        if (f->kind == VMS_VBUFFER) {
            len_bytes = *(const uint32_t *)(staged + f->len_offset);
        }
        memcpy(opaque + f->offset, staged + f->offset, len_bytes);
    }
}

void vmstate_apply_fields(const GArray *log, const void *staged, void *opaque)
{
    for (guint i = 0; i < log->len; i++) {
        const VMStateArrival *a = &g_array_index(log, VMStateArrival, i);

        vmstate_apply_state(a, (const uint8_t *)staged + a->offset,
                            (uint8_t *)opaque + a->offset);
    }
}

bool vmstate_apply_hooks(const GArray *log, void *opaque, Error **errp)
{
    ERRP_GUARD();

    for (guint i = 0; i < log->len; i++) {
        const VMStateArrival *a = &g_array_index(log, VMStateArrival, i);

        if (a->vmsd->post_load &&
            !a->vmsd->post_load((uint8_t *)opaque + a->offset, a->version_id,
                                errp)) {
            error_prepend(errp, "%s: ", a->vmsd->name);
            return false;
        }
    }
    return true;
}
