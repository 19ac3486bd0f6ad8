/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages of mapped RAM, from the file to their places.
 *
 * Entered by the load thread or by all multifdrecv_N at once.  Each takes chunks
 * of the blocks as long as there are some; nobody waits for another.  Places and
 * bitmaps were checked by mapped-in.c.
 */
#include "qemu/osdep.h"
#include <sys/uio.h>
#include "memory/backend-write.h"
#include "migration/ram/mapped-in-internal.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/memalign.h"
#include "qemu/units.h"
#include "migration/trace.h"

/* Memory is made ready in steps that stay in a cache until they are filled. */
#define STEP_BYTES (256 * KiB)

/*
 * Runs of so many pages are read to a buffer, and written from there to the file
 * behind the memory: that costs less than page faults.
 */
#define BOUNCE_MIN_PAGES 8

/* One thread that reads. */
typedef struct MappedLoader {
    MappedIn *mi;
    FileIO *io;
    uint8_t *bounce;            /* NULL until it is needed */
    /* the block asked about last, and what was said */
    const MappedInBlock *last;
    bool takes_writes;
} MappedLoader;

/* Chunk @chunk of the chunks of all blocks is in the last that begins before. */
static const MappedInBlock *mapped_in_find(const MappedIn *mi, uint64_t chunk)
{
    guint i = mi->blocks->len;

    while (g_array_index(mi->blocks, MappedInBlock, --i).first_chunk > chunk) {
        continue;
    }
    return &g_array_index(mi->blocks, MappedInBlock, i);
}

/*
 * Sees to it that there is memory for pages that never were populated: a file
 * that has no room would be a signal, or a "bad address" without a reason.
 */
static bool mapped_in_populate(const RAMBlock *block, uint64_t offset,
                               uint64_t len_bytes, Error **errp)
{
    const HostMemoryBackend *backend = block->backend;

    if (backend && backend->fd >= 0) {
        return host_memory_backend_make_room(backend, offset, len_bytes, errp);
    }
    if (len_bytes >= HOST_MEMORY_POPULATE_MIN_BYTES) {
        host_memory_populate(block->host + offset, len_bytes);
    }
    return true;
}

/* Straight to the mapping. */
static bool mapped_in_straight(MappedLoader *l, const MappedInBlock *mb,
                               uint64_t page, uint64_t nr_pages, bool fresh,
                               Error **errp)
{
    const RAMBlock *block = mb->rb->block;
    uint64_t offset = page << TARGET_PAGE_BITS;
    uint64_t end = (page + nr_pages) << TARGET_PAGE_BITS;
    uint64_t len;

    for (; offset < end; offset += len) {
        len = fresh ? MIN(end - offset, (uint64_t)STEP_BYTES) : end - offset;
        if ((fresh && !mapped_in_populate(block, offset, len, errp)) ||
            !file_io_read(l->io, block->host + offset, len,
                          mb->pages_offset + offset, errp)) {
            return false;
        }
    }
    return true;
}

/* Puts content to the file behind the memory, or to its mapping. */
static bool mapped_in_put(MappedLoader *l, const RAMBlock *block,
                          uint64_t offset, size_t len_bytes, Error **errp)
{
    struct iovec content = { l->bounce, len_bytes };
    bool ok;

    if (qemu_mutex_trylock(&l->mi->write_lock) == 0) {
        ok = host_memory_backend_write(block->backend, offset, &content, 1,
                                       errp);
        qemu_mutex_unlock(&l->mi->write_lock);
        return ok;
    }
    /* Page faults cost more, but go on side by side. */
    if (!host_memory_backend_make_room(block->backend, offset, len_bytes,
                                       errp)) {
        return false;
    }
    memcpy(block->host + offset, l->bounce, len_bytes);
    return true;
}

/* Fresh pages of a shared file: in two copies, of which one stays in a cache. */
static bool mapped_in_bounce(MappedLoader *l, const MappedInBlock *mb,
                             uint64_t page, uint64_t nr_pages, Error **errp)
{
    uint64_t offset = page << TARGET_PAGE_BITS;
    uint64_t end = (page + nr_pages) << TARGET_PAGE_BITS;
    size_t len;

    if (!l->bounce) {
        l->bounce = qemu_memalign(FILE_IO_DIRECT_ALIGN, STEP_BYTES);
    }
    for (; offset < end; offset += len) {
        len = MIN(end - offset, (uint64_t)STEP_BYTES);
        if (!file_io_read(l->io, l->bounce, len, mb->pages_offset + offset,
                          errp) ||
            !mapped_in_put(l, mb->rb->block, offset, len, errp)) {
            return false;
        }
    }
    return true;
}

/* Some system calls, so it is asked once a block. */
static bool mapped_in_takes_writes(MappedLoader *l, const MappedInBlock *mb)
{
    if (l->last != mb) {
        l->last = mb;
        /* With requests under way there is no time at which to copy. */
        l->takes_writes = !file_io_has_ring(l->io) &&
            host_memory_backend_takes_writes(mb->rb->block->backend);
    }
    return l->takes_writes;
}

/* Pages that are present: those never populated apart from others. */
static bool mapped_in_content(MappedLoader *l, const MappedInBlock *mb,
                              uint64_t page, uint64_t nr_pages, Error **errp)
{
    ReceivedBlock *rb = mb->rb;
    uint64_t end = page + nr_pages;

    /* Bits of a chunk belong to the thread that has taken it. */
    for (uint64_t next; page < end; page = next) {
        bool fresh = !test_bit((long)page, rb->dirty);
        bool bounce;
        bool ok;

        next = fresh ? find_next_bit(rb->dirty, end, page)
                     : find_next_zero_bit(rb->dirty, end, page);
        bounce = fresh && next - page >= BOUNCE_MIN_PAGES &&
                 mapped_in_takes_writes(l, mb);
        received_block_normal(rb, page, next - page);
        ok = bounce ? mapped_in_bounce(l, mb, page, next - page, errp)
                    : mapped_in_straight(l, mb, page, next - page, fresh, errp);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool mapped_in_chunk(MappedLoader *l, const MappedInBlock *mb,
                            uint64_t first_page, Error **errp)
{
    const RAMBlock *block = mb->rb->block;
    uint64_t end = MIN(first_page + MAPPED_CHUNK_PAGES, block->nr_pages);

    trace_mapped_ram_load(block->idstr, first_page, end - first_page);
    for (uint64_t page = first_page, next; page < end; page = next) {
        if (!test_bit((long)page, mb->present)) {
            next = find_next_bit(mb->present, end, page);
            received_block_zero(mb->rb, page, next - page);
            continue;
        }
        next = find_next_zero_bit(mb->present, end, page);
        if (!mapped_in_content(l, mb, page, next - page, errp)) {
            return false;
        }
    }
    return true;
}

/* Takes chunks until there are no more, or somebody says stop. */
static MappedInResult mapped_in_run(MappedLoader *l, Error **errp)
{
    MappedIn *mi = l->mi;

    while (!qatomic_read(&mi->stopped)) {
        uint64_t chunk = qatomic_fetch_inc(&mi->next_chunk);
        const MappedInBlock *mb;

        if (chunk >= mi->nr_chunks) {
            return file_io_flush(l->io, errp) ? MAPPED_IN_DONE
                                              : MAPPED_IN_FAILED;
        }
        mb = mapped_in_find(mi, chunk);
        if (!mapped_in_chunk(l, mb,
                             (chunk - mb->first_chunk) * MAPPED_CHUNK_PAGES,
                             errp)) {
            return MAPPED_IN_FAILED;
        }
    }
    return MAPPED_IN_STOPPED;
}

MappedInResult mapped_in_load(MappedIn *mi, FileIO *io, Error **errp)
{
    MappedLoader l = { .mi = mi, .io = io };
    MappedInResult result = mapped_in_run(&l, errp);

    if (result != MAPPED_IN_DONE) {
        mapped_in_stop(mi);
    }
    qemu_vfree(l.bounce);
    return result;
}
