/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Codec of the header of mapped RAM.  Runs in the thread that owns the stream.
 * What may stand in it is for those to check who know block and file.
 */
#include "qemu/osdep.h"
#include "migration/ram/mapped.h"
#include "qemu/bswap.h"

void mapped_ram_put_header(MigStreamOut *s, const MappedRamHeader *header)
{
    stream_put_be32(s, header->version);
    stream_put_be64(s, header->page_size);
    stream_put_be64(s, header->bitmap_offset);
    stream_put_be64(s, header->pages_offset);
}

bool mapped_ram_get_header(MigStreamIn *s, MappedRamHeader *header,
                           Error **errp)
{
    uint8_t wire[MAPPED_RAM_HEADER_LEN];

    if (!stream_get_buffer(s, wire, sizeof(wire), errp)) {
        return false;
    }
    *header = (MappedRamHeader) {
        .version = (uint32_t)ldl_be_p(wire),
        .page_size = ldq_be_p(wire + 4),
        .bitmap_offset = ldq_be_p(wire + 12),
        .pages_offset = ldq_be_p(wire + 20),
    };
    return true;
}
