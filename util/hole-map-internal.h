/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between hole-map.c, its methods and their unit test; nobody else.
 */
#ifndef UTIL_HOLE_MAP_INTERNAL_H
#define UTIL_HOLE_MAP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qemu/hole-map.h"

struct HoleMap {
    /* set once at creation */
    HoleMapRegion region;
    int pagemap_fd;         /* of this process, or -1 */
    /* hole-map-minor.c: a mapping of its own, and what watches it, or -1 */
    int minor_fd;
    uint8_t *minor_host;
    size_t minor_page_size;     /* bytes */
    /* atomic: index of the method in use; only ever goes up */
    unsigned int method;
};

/**
 * HoleQuery:
 * @start_bytes: offset of the range in the region
 * @len_bytes: its length
 * @page_size: what one bit of @holes stands for
 * @holes: all set at first; a method clears what may hold data
 * @data_end: offset in the region up to which data is known to go on behind
 *            the range; a method that found out by the way sets it
 */
typedef struct HoleQuery {
    uint64_t start_bytes;
    uint64_t len_bytes;
    size_t page_size;
    unsigned long *holes;
    uint64_t data_end;
} HoleQuery;

/**
 * HoleMethod:
 * @name: see hole_map_method_name()
 * @usable: whether the method tells the truth about this region
 * @query: calls hole_query_data() for all that may hold data; returns 0, or
 *         -errno when the kernel refuses
 */
typedef struct HoleMethod {
    const char *name;
    bool (*usable)(const HoleMap *hm);
    int (*query)(const HoleMap *hm, HoleQuery *q);
} HoleMethod;

extern const HoleMethod hole_method_seek;
extern const HoleMethod hole_method_minor;
extern const HoleMethod hole_method_pagemap_scan;
extern const HoleMethod hole_method_pagemap;

/**
 * hole_query_data:
 * @q: the query
 * @start: first byte, counted from the start of the query's range
 * @end: the byte behind the last; may lie behind the range's end
 *
 * Notes that a piece of the range may hold data: each page that it touches
 * is no hole.
 *
 * Context: the thread that runs the query.
 */
void hole_query_data(HoleQuery *q, uint64_t start, uint64_t end);

/**
 * hole_map_minor_open:
 * @hm: a hole finder of shared memory with a file, huge pages or tmpfs
 *
 * Maps the file a second time and has a userfaultfd watch it.  Where the kernel
 * refuses, the method is not usable and that is all.
 *
 * Context: any thread, with no query under way.
 */
void hole_map_minor_open(HoleMap *hm);

/**
 * hole_map_minor_close:
 * @hm: a hole finder
 *
 * Takes back what hole_map_minor_open() did; nothing where it did nothing.
 *
 * Context: any thread, with no query under way.
 */
void hole_map_minor_close(HoleMap *hm);

/**
 * hole_map_use_method:
 * @hm: the hole finder
 * @name: see hole_map_method_name()
 *
 * For tests: begin with a later method than the kind of memory suggests.
 *
 * Context: any thread, with no query under way.
 * Returns: false when there is no such method for this region.
 */
bool hole_map_use_method(HoleMap *hm, const char *name);

#endif /* UTIL_HOLE_MAP_INTERNAL_H */
