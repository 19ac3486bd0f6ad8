/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block list of mapped RAM coming in.
 *
 * Entered by the load thread.  Whatever the file says is checked against the
 * machine's blocks and the file's own length before a page is read, which is
 * mapped-load.c's task.
 */
#include "qemu/osdep.h"
#include "migration/ram/mapped.h"
#include "migration/ram/mapped-in-internal.h"
#include "migration/stream/stream-file.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "migration/trace.h"

/* A part of the file and what it holds, as a message would call it. */
typedef struct MappedArea {
    uint64_t start;
    uint64_t end;
    const char *what;
    const RAMBlock *block;
} MappedArea;

static void mapped_in_block_clear(void *data)
{
    MappedInBlock *mb = data;

    g_free(mb->present);
}

MappedIn *mapped_in_new(RamReceived *received, const MigStreamIn *s,
                        Error **errp)
{
    MappedIn *mi;
    FileIO *io;

    if (!stream_in_is_file(s)) {
        error_setg(errp, "The stream does not come from a file, which "
                   "mapped-ram needs");
        return NULL;
    }
    io = file_io_new_dup(stream_in_fd(s), errp);
    if (!io) {
        return NULL;
    }
    mi = g_new0(MappedIn, 1);
    mi->received = received;
    mi->io = io;
    mi->blocks = g_array_new(FALSE, FALSE, sizeof(MappedInBlock));
    g_array_set_clear_func(mi->blocks, mapped_in_block_clear);
    mi->areas = g_array_new(FALSE, FALSE, sizeof(MappedArea));
    qemu_mutex_init(&mi->write_lock);
    return mi;
}

void mapped_in_free(MappedIn *mi)
{
    if (mi) {
        g_array_unref(mi->areas);
        g_array_unref(mi->blocks);
        file_io_free(mi->io);
        qemu_mutex_destroy(&mi->write_lock);
        g_free(mi);
    }
}

FileIO *mapped_in_file(MappedIn *mi)
{
    return mi->io;
}

void mapped_in_stop(MappedIn *mi)
{
    if (mi) {
        qatomic_set(&mi->stopped, true);
    }
}

/* Takes an area of the file that nothing else may be in. */
static bool mapped_in_take_area(MappedIn *mi, const char *what,
                                const RAMBlock *block, uint64_t start,
                                uint64_t len_bytes, Error **errp)
{
    MappedArea area = {
        .start = start, .end = start + len_bytes, .what = what, .block = block,
    };

    if (len_bytes > INT64_MAX || start > INT64_MAX - len_bytes) {
        error_setg(errp, "RAM block '%s': its %s should be at offset 0x%"
                   PRIx64 ", where no file has a byte", block->idstr, what,
                   start);
        return false;
    }
    for (guint i = 0; i < mi->areas->len; i++) {
        const MappedArea *other = &g_array_index(mi->areas, MappedArea, i);

        if (area.start < other->end && other->start < area.end) {
            error_setg(errp, "RAM block '%s': the place of its %s at offset 0x%"
                       PRIx64 " of '%s' overlaps that of the %s of RAM block "
                       "'%s' at offset 0x%" PRIx64, block->idstr, what, start,
                       file_io_path(mi->io), other->what, other->block->idstr,
                       other->start);
            return false;
        }
    }
    g_array_append_val(mi->areas, area);
    return true;
}

/* What can be checked without the rest of the file. */
static bool mapped_in_check_header(const RAMBlock *block,
                                   const MappedRamHeader *header,
                                   Error **errp)
{
    if (header->version != MAPPED_RAM_VERSION) {
        error_setg(errp, "RAM block '%s': its mapped-ram header is of version "
                   "%" PRIu32 ", only version %u is known", block->idstr,
                   header->version, MAPPED_RAM_VERSION);
        return false;
    }
    if (header->page_size != TARGET_PAGE_SIZE) {
        error_setg(errp, "RAM block '%s': its pages in the file have %" PRIu64
                   " bytes, those here %u", block->idstr, header->page_size,
                   TARGET_PAGE_SIZE);
        return false;
    }
    if (header->pages_offset % TARGET_PAGE_SIZE != 0) {
        error_setg(errp, "RAM block '%s': its pages begin at offset 0x%"
                   PRIx64 " of the file, which is no multiple of %u",
                   block->idstr, header->pages_offset, TARGET_PAGE_SIZE);
        return false;
    }
    return true;
}

static bool mapped_in_take_areas(MappedIn *mi, const RAMBlock *block,
                                 const MappedRamHeader *header,
                                 uint64_t header_offset, Error **errp)
{
    return mapped_in_take_area(mi, "header", block, header_offset,
                               MAPPED_RAM_HEADER_LEN, errp) &&
           mapped_in_take_area(mi, "bitmap", block, header->bitmap_offset,
                               mapped_ram_bitmap_bytes(block->nr_pages),
                               errp) &&
           mapped_in_take_area(mi, "pages", block, header->pages_offset,
                               block->used_length, errp);
}

/* No bit past the block's end, and no page past the file's. */
static bool mapped_in_check_bitmap(MappedIn *mi, const MappedInBlock *mb,
                                   Error **errp)
{
    const RAMBlock *block = mb->rb->block;
    uint64_t nr_bits = mapped_ram_bitmap_bytes(block->nr_pages) * 8;
    uint64_t last = find_last_bit(mb->present, nr_bits);
    uint64_t file_bytes, end;

    if (last == nr_bits) {
        return true;
    }
    if (last >= block->nr_pages) {
        error_setg(errp, "RAM block '%s': its bitmap has page %" PRIu64 " of "
                   "%" PRIu64, block->idstr, last, block->nr_pages);
        return false;
    }
    if (!file_io_size(mi->io, &file_bytes, errp)) {
        return false;
    }
    end = mb->pages_offset + ((last + 1) << TARGET_PAGE_BITS);
    if (end > file_bytes) {
        error_setg(errp, "RAM block '%s': its bitmap has page %" PRIu64
                   ", which would end at byte %" PRIu64 " of '%s', but that "
                   "has only %" PRIu64, block->idstr, last, end,
                   file_io_path(mi->io), file_bytes);
        return false;
    }
    return true;
}

static bool mapped_in_get_bitmap(MappedIn *mi, MappedInBlock *mb,
                                 uint64_t bitmap_offset, Error **errp)
{
    ERRP_GUARD();
    const RAMBlock *block = mb->rb->block;
    uint64_t len_bytes = mapped_ram_bitmap_bytes(block->nr_pages);

    if (!file_io_read(mi->io, mb->present, len_bytes, bitmap_offset, errp) ||
        !file_io_flush(mi->io, errp)) {
        error_prepend(errp, "RAM block '%s': its bitmap cannot be read: ",
                      block->idstr);
        return false;
    }
    /* All bits, also those that should not be there. */
    bitmap_from_le(mb->present, mb->present, (long)len_bytes * 8);
    return mapped_in_check_bitmap(mi, mb, errp);
}

bool mapped_in_get_block(MappedIn *mi, MigStreamIn *s, ReceivedBlock *rb,
                         Error **errp)
{
    const RAMBlock *block = rb->block;
    uint64_t header_offset = stream_in_offset(s);
    MappedInBlock mb = { .rb = rb, .first_chunk = mi->nr_chunks };
    MappedRamHeader header;

    if (!mapped_ram_get_header(s, &header, errp) ||
        !mapped_in_check_header(block, &header, errp) ||
        !mapped_in_take_areas(mi, block, &header, header_offset, errp)) {
        return false;
    }
    trace_mapped_ram_block(block->idstr, header.bitmap_offset,
                           header.pages_offset);
    mb.pages_offset = header.pages_offset;
    mb.present = bitmap_new((long)block->nr_pages);
    if (!mapped_in_get_bitmap(mi, &mb, header.bitmap_offset, errp)) {
        g_free(mb.present);
        return false;
    }
    mi->nr_chunks += DIV_ROUND_UP(block->nr_pages,
                                  (uint64_t)MAPPED_CHUNK_PAGES);
    g_array_append_val(mi->blocks, mb);
    return stream_in_seek(s, header.pages_offset + block->used_length, errp);
}
