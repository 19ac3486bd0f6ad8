/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hole finder: which pages of a piece of guest memory have never been
 * populated and are therefore known to read as zero without reading them.
 *
 * It matters because reading is not free: a read populates a hole in shared
 * memory, so a source that looks at an idle guest would make it resident.
 * The finder never touches the memory; it asks the kernel, each time anew.
 * An answer is about the past as soon as it is given.  A caller that races
 * with writers clears and write-protects its dirty log first, then asks,
 * then reads; a page written in between is dirty again and comes back.
 *
 * Memory under userfaultfd missing-mode has no holes in this sense (a read
 * waits for somebody's page): do not ask about it.
 */
#ifndef QEMU_HOLE_MAP_H
#define QEMU_HOLE_MAP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qapi/error.h"

typedef struct HoleMap HoleMap;

/**
 * HoleMapRegion:
 * @host: where the memory is mapped, aligned to the host's page size
 * @len_bytes: its length
 * @fd: the file or memfd behind it, or -1 when it is anonymous; borrowed
 *      for the life of the HoleMap.  Its file position moves: nobody else
 *      may rely on the position of this open file.
 * @fd_offset: bytes into @fd at which @host begins
 * @shared: mapped MAP_SHARED
 * @hugetlb: on hugetlbfs, or mapped MAP_HUGETLB
 */
typedef struct HoleMapRegion {
    void *host;
    uint64_t len_bytes;
    int fd;
    uint64_t fd_offset;
    bool shared;
    bool hugetlb;
} HoleMapRegion;

/**
 * hole_map_new:
 * @region: what the memory is; copied
 *
 * Prepares to ask about a region.  The way of asking follows from the kind
 * of memory; where the kernel refuses one, queries go over to the next, and
 * at last to "everything is data".  Shared huge pages are mapped a second time,
 * which takes address space and no memory.
 *
 * Context: any thread.  The caller frees it with hole_map_free().  After a
 * fork the child needs its own.
 * Returns: the hole finder; it cannot fail.
 */
HoleMap *hole_map_new(const HoleMapRegion *region);

/**
 * hole_map_free:
 * @hm: the hole finder, or NULL
 *
 * Frees a hole finder.  The region's descriptor stays open.
 *
 * Context: any thread, with no query under way.
 */
void hole_map_free(HoleMap *hm);

/**
 * hole_map_query:
 * @hm: the hole finder
 * @start_bytes: offset into the region, a multiple of @page_size
 * @len_bytes: length, a multiple of @page_size
 * @holes: receives one bit a page: bit i is set when page i counted from
 *         @start_bytes is a hole, and cleared when it may hold data; bits
 *         above that are left alone; untouched on failure
 * @page_size: bytes, a power of two; need not be the host's page size
 * @errp: receives the reason on failure, or NULL
 *
 * Asks the kernel which pages of the range are holes.
 *
 * Context: any thread, several at once.  May block in the kernel, takes no
 * lock.
 * Returns: true, or false with @errp set when the range is not inside the
 * region or not aligned.  A kernel that refuses is no failure.
 */
bool hole_map_query(HoleMap *hm, uint64_t start_bytes, uint64_t len_bytes,
                    unsigned long *holes, size_t page_size, Error **errp);

/**
 * hole_map_query_ahead:
 * @hm: the hole finder
 * @start_bytes: as for hole_map_query()
 * @len_bytes: as for hole_map_query()
 * @holes: as for hole_map_query()
 * @page_size: as for hole_map_query()
 * @data_end: receives the offset up to which everything from the end of the
 *            range on is data; the end of the range itself when nothing is
 *            known; untouched on failure
 * @errp: receives the reason on failure, or NULL
 *
 * As hole_map_query(), and tells how far a walk need not ask again.  Unlike
 * a hole, data may be remembered: what becomes a hole meanwhile still reads
 * as what it is.  With shared files the kernel looks for the end of the data
 * anyway, so that asking for each part of a large file anew would take time
 * by the square of its length.
 *
 * Context: any thread, several at once.
 * Returns: as hole_map_query()
 */
bool hole_map_query_ahead(HoleMap *hm, uint64_t start_bytes,
                          uint64_t len_bytes, unsigned long *holes,
                          size_t page_size, uint64_t *data_end, Error **errp);

/**
 * hole_map_method_name:
 * @hm: the hole finder
 *
 * The way of asking that the next query begins with, for reports and tests.
 *
 * Context: any thread.
 * Returns: "seek", "minor", "pagemap-scan", "pagemap" or "none"; static.
 */
const char *hole_map_method_name(const HoleMap *hm);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HoleMap, hole_map_free)

#endif /* QEMU_HOLE_MAP_H */
