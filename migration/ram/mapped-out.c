/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places of pages in a file, and the bitmaps of those that are present.
 *
 * Entered by the migration thread and by multifdsend_N.  Which pages are zero
 * the callers find out; how bytes get to the disk is io/file-io.c's.
 */
#include "qemu/osdep.h"
#include "io/channel-file.h"
#include "migration/ram/mapped.h"
#include "migration/ram/mapped-out.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "migration/trace.h"

typedef struct MappedOutBlock {
    const RAMBlock *block;
    uint64_t bitmap_offset;
    uint64_t pages_offset;
    /* atomic, one bit a page */
    unsigned long *present;
    unsigned long *written;     /* the file has some content there */
} MappedOutBlock;

struct MappedOut {
    /* set once */
    QIOChannel *ioc;
    FileIO *io;
    uint64_t need_bytes;
    unsigned nr_blocks;
    MappedOutBlock *blocks;     /* in the list's order */
};

/* What takes the place of old content, on behalf of a hole. */
static const uint8_t zero_page[TARGET_PAGE_SIZE]
    __attribute__((aligned(FILE_IO_DIRECT_ALIGN)));

MappedOut *mapped_out_new(RamList *list, QIOChannel *ioc, Error **errp)
{
    g_autoptr(MappedOut) mo = g_new0(MappedOut, 1);

    if (!qio_channel_is_file(ioc)) {
        error_setg(errp, "%s is no file, which mapped-ram needs",
                   qio_channel_name(ioc));
        return NULL;
    }
    mo->ioc = qio_channel_ref(ioc);
    mo->io = file_io_new_dup(qio_channel_get_fd(ioc), errp);
    if (!mo->io) {
        return NULL;
    }
    mo->nr_blocks = ram_list_nr_blocks(list);
    mo->blocks = g_new0(MappedOutBlock, mo->nr_blocks);
    for (unsigned i = 0; i < mo->nr_blocks; i++) {
        MappedOutBlock *mb = &mo->blocks[i];

        mb->block = ram_list_block(list, i);
        mb->present = bitmap_new((long)mb->block->nr_pages);
        mb->written = bitmap_new((long)mb->block->nr_pages);
        mo->need_bytes += mb->block->used_length + MAPPED_RAM_PAGES_ALIGN +
                          mapped_ram_bitmap_bytes(mb->block->nr_pages);
    }
    file_io_set_need(mo->io, mo->need_bytes);
    return g_steal_pointer(&mo);
}

void mapped_out_free(MappedOut *mo)
{
    if (!mo) {
        return;
    }
    for (unsigned i = 0; i < mo->nr_blocks; i++) {
        g_free(mo->blocks[i].present);
        g_free(mo->blocks[i].written);
    }
    g_free(mo->blocks);
    file_io_free(mo->io);
    qio_channel_unref(mo->ioc);
    g_free(mo);
}

void mapped_out_stop(MappedOut *mo)
{
    if (mo) {
        file_io_stop(mo->io);
    }
}

FileIO *mapped_out_file(MappedOut *mo)
{
    return mo->io;
}

uint64_t mapped_out_need_bytes(const MappedOut *mo)
{
    return mo->need_bytes;
}

bool mapped_out_put_block(MappedOut *mo, MigStreamOut *s,
                          const RAMBlock *block, Error **errp)
{
    MappedOutBlock *mb = &mo->blocks[block->index];
    MappedRamHeader header = {
        .version = MAPPED_RAM_VERSION,
        .page_size = TARGET_PAGE_SIZE,
    };

    /* Only then is the channel where the header will be. */
    if (!stream_out_flush(s, errp)) {
        return false;
    }
    mb->bitmap_offset = qio_channel_file_tell(mo->ioc) +
                        MAPPED_RAM_HEADER_LEN;
    mb->pages_offset = ROUND_UP(mb->bitmap_offset +
                                mapped_ram_bitmap_bytes(block->nr_pages),
                                (uint64_t)MAPPED_RAM_PAGES_ALIGN);
    header.bitmap_offset = mb->bitmap_offset;
    header.pages_offset = mb->pages_offset;
    mapped_ram_put_header(s, &header);
    trace_mapped_ram_block(block->idstr, mb->bitmap_offset, mb->pages_offset);
    return stream_out_flush(s, errp) &&
           qio_channel_file_seek(mo->ioc,
                                 mb->pages_offset + block->used_length, errp);
}

bool mapped_out_content(MappedOut *mo, FileIO *io, const RAMBlock *block,
                        uint64_t first_page, uint64_t nr_pages, Error **errp)
{
    MappedOutBlock *mb = &mo->blocks[block->index];
    uint64_t at = first_page << TARGET_PAGE_BITS;

    bitmap_set_atomic(mb->present, (long)first_page, (long)nr_pages);
    bitmap_set_atomic(mb->written, (long)first_page, (long)nr_pages);
    return file_io_write(io, block->host + at, nr_pages << TARGET_PAGE_BITS,
                         mb->pages_offset + at, errp);
}

void mapped_out_zero(MappedOut *mo, const RAMBlock *block, uint64_t first_page,
                     uint64_t nr_pages)
{
    bitmap_test_and_clear_atomic(mo->blocks[block->index].present,
                                 (long)first_page, (long)nr_pages);
}

bool mapped_out_hole_as_content(MappedOut *mo, FileIO *io,
                                const RAMBlock *block, uint64_t first_page,
                                uint64_t nr_pages, Error **errp)
{
    MappedOutBlock *mb = &mo->blocks[block->index];

    bitmap_set_atomic(mb->present, (long)first_page, (long)nr_pages);
    for (uint64_t i = first_page; i < first_page + nr_pages; i++) {
        /* Bits of other pages may be set meanwhile, this one is ours. */
        bool old = qatomic_read(&mb->written[BIT_WORD(i)]) & BIT_MASK(i);

        if (old && !file_io_write(io, zero_page, sizeof(zero_page),
                                  mb->pages_offset + (i << TARGET_PAGE_BITS),
                                  errp)) {
            return false;
        }
    }
    return true;
}

bool mapped_out_finish(MappedOut *mo, Error **errp)
{
    for (unsigned i = 0; i < mo->nr_blocks; i++) {
        MappedOutBlock *mb = &mo->blocks[i];

        bitmap_to_le(mb->present, mb->present, (long)mb->block->nr_pages);
        if (!file_io_write(mo->io, mb->present,
                           mapped_ram_bitmap_bytes(mb->block->nr_pages),
                           mb->bitmap_offset, errp)) {
            return false;
        }
    }
    return file_io_flush(mo->io, errp);
}
