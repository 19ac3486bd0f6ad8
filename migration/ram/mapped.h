/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapped RAM in a file: behind each entry of the block list stands a header that
 * says where the block's bitmap and its pages are; a page lies where its number
 * says.  Layout: docs/devel/wire-format.rst, "Mapped RAM".
 *
 * Threads: whoever owns the stream.  This header owns no locks.
 */
#ifndef MIGRATION_RAM_MAPPED_H
#define MIGRATION_RAM_MAPPED_H

#include <stdbool.h>
#include <stdint.h>
#include "migration/stream/stream.h"

#define MAPPED_RAM_VERSION 1

/* Bytes of a header, without gaps. */
#define MAPPED_RAM_HEADER_LEN 28

/* A source begins the pages of a block at a multiple of it. */
#define MAPPED_RAM_PAGES_ALIGN (1024u * 1024u)

typedef struct MappedRamHeader {
    uint32_t version;
    uint64_t page_size;         /* bytes */
    uint64_t bitmap_offset;     /* both count from the begin of the file */
    uint64_t pages_offset;
} MappedRamHeader;

/**
 * mapped_ram_put_header:
 * @s: a stream behind an entry of the block list
 * @header: what to put
 */
void mapped_ram_put_header(MigStreamOut *s, const MappedRamHeader *header);

/**
 * mapped_ram_get_header:
 * @s: a stream behind an entry of the block list
 * @header: where to put it; untouched on failure
 * @errp: where to put the reason, or NULL
 *
 * Returns: false at the end of the stream
 */
bool mapped_ram_get_header(MigStreamIn *s, MappedRamHeader *header,
                           Error **errp);

/**
 * mapped_ram_bitmap_bytes:
 * @nr_pages: of a block
 *
 * Returns: bytes of the block's bitmap in the file, whole words of 64 bits; bit
 *          i of it is bit i % 8 of byte i / 8
 */
static inline uint64_t mapped_ram_bitmap_bytes(uint64_t nr_pages)
{
    return (nr_pages / 64 + (nr_pages % 64 != 0)) * 8;
}

#endif
