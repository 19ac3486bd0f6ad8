/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Codec of the records of section "ram".  Runs in the thread that owns the
 * stream.  Whether a block exists and an offset lies inside it is checked by
 * those who know the blocks.
 */
#include "qemu/osdep.h"
#include "migration/stream/ram-wire.h"
#include "migration/stream/wire.h"
#include "qapi/error.h"
#include "qemu/bswap.h"

/* The flags of a record take the place of the bits within a page. */
#define PAGE_BYTES (RAM_SAVE_FLAG_MASK + 1)

/* A zero page record without a name: the word, and what to fill with. */
#define ZERO_RECORD_BYTES 9
#define ZERO_RECORD_FLAGS (RAM_SAVE_FLAG_ZERO | RAM_SAVE_FLAG_CONTINUE)
#define PAGE_RECORD_FLAGS (RAM_SAVE_FLAG_PAGE | RAM_SAVE_FLAG_CONTINUE)
#define ZERO_RECORDS_MAX (STREAM_SPACE_MAX_BYTES / ZERO_RECORD_BYTES)

void ram_wire_put_mem_size(MigStreamOut *s, uint64_t total_bytes)
{
    stream_put_be64(s, total_bytes | RAM_SAVE_FLAG_MEM_SIZE);
}

void ram_wire_put_block(MigStreamOut *s, const char *idstr,
                        uint64_t used_length)
{
    stream_put_str8(s, idstr);
    stream_put_be64(s, used_length);
}

static void ram_wire_put_header(MigStreamOut *s, const char *idstr,
                                uint64_t offset, uint64_t flags)
{
    if (!idstr) {
        flags |= RAM_SAVE_FLAG_CONTINUE;
    }
    stream_put_be64(s, offset | flags);
    if (idstr) {
        stream_put_str8(s, idstr);
    }
}

void ram_wire_put_zero(MigStreamOut *s, const char *idstr, uint64_t offset)
{
    ram_wire_put_header(s, idstr, offset, RAM_SAVE_FLAG_ZERO);
    stream_put_byte(s, 0);
}

void ram_wire_put_zeroes(MigStreamOut *s, const char *idstr, uint64_t offset,
                         uint64_t nr_pages)
{
    if (idstr) {
        ram_wire_put_zero(s, idstr, offset);
        offset += PAGE_BYTES;
        nr_pages--;
    }
    while (nr_pages > 0) {
        unsigned nr = MIN(nr_pages, (uint64_t)ZERO_RECORDS_MAX);
        uint8_t *to = stream_put_space(s, nr * ZERO_RECORD_BYTES);

        if (!to) {
            return;
        }
        for (unsigned i = 0; i < nr; i++, to += ZERO_RECORD_BYTES) {
            stq_be_p(to, offset | ZERO_RECORD_FLAGS);
            to[8] = 0;
            offset += PAGE_BYTES;
        }
        nr_pages -= nr;
    }
}

void ram_wire_put_page(MigStreamOut *s, const char *idstr, uint64_t offset)
{
    ram_wire_put_header(s, idstr, offset, RAM_SAVE_FLAG_PAGE);
}

void ram_wire_put_flush(MigStreamOut *s)
{
    stream_put_be64(s, RAM_SAVE_FLAG_MULTIFD_FLUSH);
}

void ram_wire_put_eos(MigStreamOut *s)
{
    stream_put_be64(s, RAM_SAVE_FLAG_EOS);
}

/* What kind the flags make, CONTINUE aside; -1 and a reason if none. */
static int ram_wire_kind(uint64_t word, uint64_t at, Error **errp)
{
    unsigned flags = word & RAM_SAVE_FLAG_MASK;
    bool same_block = flags & RAM_SAVE_FLAG_CONTINUE;

    switch (flags & ~RAM_SAVE_FLAG_CONTINUE) {
    case RAM_SAVE_FLAG_ZERO:
        return RAM_RECORD_ZERO;
    case RAM_SAVE_FLAG_PAGE:
        return RAM_RECORD_PAGE;
    case RAM_SAVE_FLAG_XBZRLE:
        return RAM_RECORD_XBZRLE;
    case RAM_SAVE_FLAG_MEM_SIZE:
        if (!same_block) {
            return RAM_RECORD_MEM_SIZE;
        }
        break;
    case RAM_SAVE_FLAG_EOS:
        if (word == RAM_SAVE_FLAG_EOS) {
            return RAM_RECORD_EOS;
        }
        break;
    case RAM_SAVE_FLAG_MULTIFD_FLUSH:
        if (word == RAM_SAVE_FLAG_MULTIFD_FLUSH) {
            return RAM_RECORD_FLUSH;
        }
        break;
    case RAM_SAVE_FLAG_FULL:
    case RAM_SAVE_FLAG_COMPRESS_PAGE:
        error_setg(errp, "RAM record 0x%" PRIx64 " at byte %" PRIu64
                   " of the stream has flags 0x%03" PRIx64 ", a kind that "
                   "current sources no longer send", word, at,
                   (uint64_t)(word & RAM_SAVE_FLAG_MASK));
        return -1;
    case RAM_SAVE_FLAG_HOOK:
        error_setg(errp, "RAM record 0x%" PRIx64 " at byte %" PRIu64
                   " of the stream belongs to RDMA, which is not offered",
                   word, at);
        return -1;
    }
    error_setg(errp, "RAM record 0x%" PRIx64 " at byte %" PRIu64
               " of the stream has flags 0x%03x, which make no record", word,
               at, flags);
    return -1;
}

static bool ram_wire_get_name(MigStreamIn *s, char idstr[STREAM_STR8_MAX],
                              const char *what, Error **errp)
{
    if (!stream_get_str8(s, idstr, errp)) {
        return false;
    }
    if (!idstr[0]) {
        error_setg(errp, "%s before byte %" PRIu64 " of the stream names no "
                   "RAM block", what, stream_in_bytes(s));
        return false;
    }
    return true;
}

bool ram_wire_get_record(MigStreamIn *s, RamRecord *record, Error **errp)
{
    uint64_t at = stream_in_bytes(s);
    uint64_t word;
    char idstr[STREAM_STR8_MAX];
    bool same_block = false;
    uint8_t fill;
    int kind;

    idstr[0] = 0;
    if (!stream_get_be64(s, &word, errp)) {
        return false;
    }
    kind = ram_wire_kind(word, at, errp);
    if (kind < 0) {
        return false;
    }
    if (kind == RAM_RECORD_ZERO || kind == RAM_RECORD_PAGE ||
        kind == RAM_RECORD_XBZRLE) {
        same_block = word & RAM_SAVE_FLAG_CONTINUE;
        if (!same_block &&
            !ram_wire_get_name(s, idstr, "page record", errp)) {
            return false;
        }
    }
    if (kind == RAM_RECORD_ZERO) {
        if (!stream_get_byte(s, &fill, errp)) {
            return false;
        }
        if (fill) {
            error_setg(errp, "zero page record 0x%" PRIx64 " at byte %" PRIu64
                       " of the stream fills with 0x%02x, expected 0", word, at,
                       fill);
            return false;
        }
    }
    record->kind = kind;
    record->addr = word & ~RAM_SAVE_FLAG_MASK;
    record->same_block = same_block;
    memcpy(record->idstr, idstr, strlen(idstr) + 1);
    return true;
}

uint64_t ram_wire_take_zeroes(MigStreamIn *s, uint64_t offset,
                              uint64_t max_pages)
{
    size_t len_bytes;
    const uint8_t *from = stream_in_buffered(s, &len_bytes);
    uint64_t max = MIN(max_pages, len_bytes / ZERO_RECORD_BYTES);
    uint64_t nr = 0;

    while (nr < max && ldq_be_p(from) == (offset | ZERO_RECORD_FLAGS) &&
           from[8] == 0) {
        from += ZERO_RECORD_BYTES;
        offset += PAGE_BYTES;
        nr++;
    }
    stream_in_advance(s, nr * ZERO_RECORD_BYTES);
    return nr;
}

unsigned ram_wire_look_pages(const MigStreamIn *s, uint64_t offset,
                             struct iovec *content, unsigned max_pages,
                             size_t *len_bytes)
{
    size_t left;
    const uint8_t *start = stream_in_buffered(s, &left);
    const uint8_t *at = start;
    const uint8_t *end = start + left;
    unsigned nr = 0;

    for (;;) {
        content[nr++] = (struct iovec) { (void *)at, PAGE_BYTES };
        at += PAGE_BYTES;
        offset += PAGE_BYTES;
        if (nr == max_pages || end - at < 8 + (ptrdiff_t)PAGE_BYTES ||
            ldq_be_p(at) != (offset | PAGE_RECORD_FLAGS)) {
            break;
        }
        at += 8;
    }
    *len_bytes = at - start;
    return nr;
}

bool ram_wire_get_block(MigStreamIn *s, RamWireBlock *block, Error **errp)
{
    RamWireBlock b;

    if (!ram_wire_get_name(s, b.idstr, "block list entry", errp) ||
        !stream_get_be64(s, &b.used_length, errp)) {
        return false;
    }
    *block = b;
    return true;
}
