/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content of normal pages, from the stream's buffer to its place.
 *
 * Entered by the load thread.  Records are parsed by stream/ram-wire.c, and
 * what does not follow the page at hand is left to load.c.
 */
#include "qemu/osdep.h"
#include <sys/uio.h>
#include "memory/backend-write.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "migration/ram/content.h"
#include "migration/stream/ram-wire.h"

/* What fits the stream's buffer. */
#define RUN_PAGES_MAX 64

static void content_copy(const RAMBlock *block, uint64_t page,
                         const struct iovec *content, unsigned nr_pages)
{
    uint8_t *to = block->host + (page << TARGET_PAGE_BITS);

    for (unsigned i = 0; i < nr_pages; i++, to += TARGET_PAGE_SIZE) {
        memcpy(to, content[i].iov_base, TARGET_PAGE_SIZE);
    }
}

/* A run of pages of which none was ever populated. */
static bool content_put_fresh(const RamContent *rc, uint64_t page,
                              struct iovec *content, unsigned nr_pages,
                              Error **errp)
{
    const RAMBlock *block = rc->rb->block;
    uint64_t offset = page << TARGET_PAGE_BITS;
    uint64_t len_bytes = (uint64_t)nr_pages << TARGET_PAGE_BITS;

    if (rc->takes_writes) {
        return host_memory_backend_write(block->backend, offset, content,
                                         nr_pages, errp);
    }
    if (!host_memory_backend_make_room(block->backend, offset, len_bytes,
                                       errp)) {
        return false;
    }
    content_copy(block, page, content, nr_pages);
    return true;
}

/* A run of pages, those that were never populated apart from others. */
static bool content_put(const RamContent *rc, ReceivedBlock *rb, uint64_t page,
                        struct iovec *content, unsigned nr_pages, Error **errp)
{
    uint64_t end = page + nr_pages;

    while (page < end) {
        bool fresh = !test_bit(page, rb->dirty);
        uint64_t next = fresh ? find_next_bit(rb->dirty, end, page)
                              : find_next_zero_bit(rb->dirty, end, page);
        unsigned nr = next - page;

        received_block_normal(rb, page, nr);
        if (!fresh) {
            content_copy(rb->block, page, content, nr);
        } else if (!content_put_fresh(rc, page, content, nr, errp)) {
            return false;
        }
        content += nr;
        page = next;
    }
    return true;
}

bool ram_content_get(RamContent *rc, MigStreamIn *in, ReceivedBlock *rb,
                     uint64_t page, Error **errp)
{
    struct iovec content[RUN_PAGES_MAX];
    uint64_t left = rb->block->nr_pages - page;
    size_t len_bytes;
    unsigned nr;

    if (!stream_in_fill(in, TARGET_PAGE_SIZE)) {
        /* It ends in the middle of the page: as much as there is, and why. */
        received_block_normal(rb, page, 1);
        return stream_get_buffer(in, rb->block->host +
                                 (page << TARGET_PAGE_BITS),
                                 TARGET_PAGE_SIZE, errp);
    }
    if (rc->rb != rb) {
        rc->rb = rb;
        rc->takes_writes = host_memory_backend_takes_writes(rb->block->backend);
    }
    nr = ram_wire_look_pages(in, page << TARGET_PAGE_BITS, content,
                             MIN(left, (uint64_t)RUN_PAGES_MAX), &len_bytes);
    if (!content_put(rc, rb, page, content, nr, errp)) {
        return false;
    }
    stream_in_advance(in, len_bytes);
    return true;
}
