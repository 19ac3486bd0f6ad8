/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hole finder: chooses how to ask the kernel, and checks the question.
 *
 * Entered by any thread, several at once on one handle.  The only thing
 * that changes is the method, which goes over to the next one when the
 * kernel refuses and never comes back.  How each method asks is in
 * hole-map-seek.c, hole-map-minor.c and hole-map-pagemap.c; which pages are
 * then read, and in what order with the dirty log, is up to the caller.
 */
#include "qemu/osdep.h"

#include "qemu/atomic.h"
#include "qemu/auto-fd.h"
#include "qemu/bitmap.h"
#include "hole-map-internal.h"
#include "trace.h"

static bool none_usable(const HoleMap *hm)
{
    return true;
}

static int none_query(const HoleMap *hm, HoleQuery *q)
{
    hole_query_data(q, 0, q->len_bytes);
    q->data_end = hm->region.len_bytes;
    return 0;
}

static const HoleMethod hole_method_none = {
    .name = "none",
    .usable = none_usable,
    .query = none_query,
};

/* In the order in which they are tried; the last one never fails. */
static const HoleMethod *const methods[] = {
    &hole_method_seek,
    &hole_method_minor,
    &hole_method_pagemap_scan,
    &hole_method_pagemap,
    &hole_method_none,
};

/* The first method from @from on that tells the truth about the region. */
static unsigned int next_method(const HoleMap *hm, unsigned int from)
{
    while (!methods[from]->usable(hm)) {
        from++;
    }
    return from;
}

HoleMap *hole_map_new(const HoleMapRegion *region)
{
    HoleMap *hm = g_new0(HoleMap, 1);

    hm->region = *region;
    hm->pagemap_fd = -1;
    hm->minor_fd = -1;
    if (!region->shared) {
        hm->pagemap_fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    } else if (region->hugetlb && region->fd >= 0) {
        hole_map_minor_open(hm);
    }
    hm->method = next_method(hm, 0);
    trace_hole_map_new(hm, region->host, region->len_bytes,
                       hole_map_method_name(hm));
    return hm;
}

void hole_map_free(HoleMap *hm)
{
    if (hm) {
        hole_map_minor_close(hm);
        auto_fd_close(&hm->pagemap_fd);
        g_free(hm);
    }
}

const char *hole_map_method_name(const HoleMap *hm)
{
    return methods[qatomic_read(&hm->method)]->name;
}

bool hole_map_use_method(HoleMap *hm, const char *name)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(methods); i++) {
        if (g_str_equal(methods[i]->name, name) && methods[i]->usable(hm)) {
            qatomic_set(&hm->method, i);
            return true;
        }
    }
    return false;
}

void hole_query_data(HoleQuery *q, uint64_t start, uint64_t end)
{
    uint64_t first, last;

    end = MIN(end, q->len_bytes);
    if (start >= end) {
        return;
    }
    first = start / q->page_size;
    last = (end - 1) / q->page_size;
    bitmap_clear(q->holes, first, last - first + 1);
}

static bool query_check(const HoleMap *hm, uint64_t start_bytes,
                        uint64_t len_bytes, size_t page_size, Error **errp)
{
    if (!is_power_of_2(page_size)) {
        error_setg(errp, "hole map: page size %zu is not a power of two",
                   page_size);
        return false;
    }
    if (!QEMU_IS_ALIGNED(start_bytes, page_size) ||
        !QEMU_IS_ALIGNED(len_bytes, page_size)) {
        error_setg(errp, "hole map: range 0x%" PRIx64 "+0x%" PRIx64 " is not "
                   "made of pages of %zu bytes", start_bytes, len_bytes,
                   page_size);
        return false;
    }
    if (start_bytes > hm->region.len_bytes ||
        len_bytes > hm->region.len_bytes - start_bytes) {
        error_setg(errp, "hole map: range 0x%" PRIx64 "+0x%" PRIx64 " is not "
                   "inside a region of 0x%" PRIx64 " bytes", start_bytes,
                   len_bytes, hm->region.len_bytes);
        return false;
    }
    return true;
}

bool hole_map_query(HoleMap *hm, uint64_t start_bytes, uint64_t len_bytes,
                    unsigned long *holes, size_t page_size, Error **errp)
{
    uint64_t data_end;

    return hole_map_query_ahead(hm, start_bytes, len_bytes, holes, page_size,
                                &data_end, errp);
}

bool hole_map_query_ahead(HoleMap *hm, uint64_t start_bytes,
                          uint64_t len_bytes, unsigned long *holes,
                          size_t page_size, uint64_t *data_end, Error **errp)
{
    HoleQuery q = {
        .start_bytes = start_bytes,
        .len_bytes = len_bytes,
        .page_size = page_size,
        .holes = holes,
    };
    unsigned int method = qatomic_read(&hm->method);

    if (!query_check(hm, start_bytes, len_bytes, page_size, errp)) {
        return false;
    }
    for (;;) {
        unsigned int next;
        int err;

        q.data_end = start_bytes + len_bytes;
        bitmap_set(holes, 0, len_bytes / page_size);
        err = methods[method]->query(hm, &q);
        if (!err) {
            break;
        }
        next = next_method(hm, method + 1);
        trace_hole_map_fallback(hm, methods[method]->name,
                                methods[next]->name, -err);
        /* Where another thread went further meanwhile, leave it at that. */
        qatomic_cmpxchg(&hm->method, method, next);
        method = next;
    }
    *data_end = MIN(q.data_end, hm->region.len_bytes);
    trace_hole_map_query(hm, start_bytes, len_bytes, methods[method]->name);
    return true;
}
