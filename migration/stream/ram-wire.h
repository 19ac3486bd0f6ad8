/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of section "ram": the block list, page headers, EOS and FLUSH.  A
 * codec only: it knows names and numbers, not RAM blocks, and checks what can
 * be checked without them.  Layout table: wire.h, RAM_SAVE_FLAG_….
 *
 * The content of a normal page is not read here: it stays on the stream so that
 * the caller can read it straight into guest memory.
 *
 * Threads: whoever owns the stream.  This header owns no locks.
 */
#ifndef MIGRATION_STREAM_RAM_WIRE_H
#define MIGRATION_STREAM_RAM_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include "migration/stream/stream.h"

typedef enum RamRecordKind {
    RAM_RECORD_MEM_SIZE,        /* the block list follows */
    RAM_RECORD_ZERO,            /* its fill byte has been read and is 0 */
    RAM_RECORD_PAGE,            /* one target page of content follows */
    RAM_RECORD_XBZRLE,          /* a delta follows */
    RAM_RECORD_FLUSH,
    RAM_RECORD_EOS,
} RamRecordKind;

typedef struct RamRecord {
    RamRecordKind kind;
    /* bytes: offset in the block, or the list's total; page aligned */
    uint64_t addr;
    /* page records only: the block is that of the page record before */
    bool same_block;
    /* page records without same_block: the block's name, never empty */
    char idstr[STREAM_STR8_MAX];
} RamRecord;

/* One entry of the block list. */
typedef struct RamWireBlock {
    char idstr[STREAM_STR8_MAX];
    uint64_t used_length;       /* bytes */
} RamWireBlock;

/**
 * ram_wire_put_mem_size:
 * @s: a stream
 * @total_bytes: sum of the used lengths that follow, page aligned
 *
 * Opens the block list.
 */
void ram_wire_put_mem_size(MigStreamOut *s, uint64_t total_bytes);

/**
 * ram_wire_put_block:
 * @s: a stream
 * @idstr: the block's name
 * @used_length: its length in bytes
 *
 * Writes one entry of the block list.
 */
void ram_wire_put_block(MigStreamOut *s, const char *idstr,
                        uint64_t used_length);

/**
 * ram_wire_put_zero:
 * @s: a stream
 * @idstr: the block's name; NULL: the block of the page record before
 * @offset: of the page, in bytes, page aligned
 *
 * Writes a whole zero page record.
 */
void ram_wire_put_zero(MigStreamOut *s, const char *idstr, uint64_t offset);

/**
 * ram_wire_put_zeroes:
 * @s: a stream
 * @idstr: the block's name; NULL: the block of the page record before
 * @offset: of the first page, in bytes, page aligned
 * @nr_pages: how many pages that follow each other, 1 or more
 *
 * Writes whole zero page records, as ram_wire_put_zero() would one by one.
 */
void ram_wire_put_zeroes(MigStreamOut *s, const char *idstr, uint64_t offset,
                         uint64_t nr_pages);

/**
 * ram_wire_put_page:
 * @s: a stream
 * @idstr: the block's name; NULL: the block of the page record before
 * @offset: of the page, in bytes, page aligned
 *
 * Writes the header of a normal page; the caller puts its content.
 */
void ram_wire_put_page(MigStreamOut *s, const char *idstr, uint64_t offset);

/**
 * ram_wire_put_flush:
 * @s: a stream
 */
void ram_wire_put_flush(MigStreamOut *s);

/**
 * ram_wire_put_eos:
 * @s: a stream
 */
void ram_wire_put_eos(MigStreamOut *s);

/**
 * ram_wire_get_record:
 * @s: a stream inside a RAM section
 * @record: where to put it; untouched on failure.  Reuse one, it is not small.
 * @errp: where to put the reason, or NULL
 *
 * Returns: false for flags that make no record, an obsolete record, an empty
 *          name, a fill byte that is not 0, or the end of the stream
 */
bool ram_wire_get_record(MigStreamIn *s, RamRecord *record, Error **errp);

/**
 * ram_wire_take_zeroes:
 * @s: a stream behind a page record
 * @offset: bytes, of the page that would follow next in the same block
 * @max_pages: how many records to take at most
 *
 * Takes zero page records of the same block for @offset and the pages after it,
 * as far as they have been read already.  Any other record is left to
 * ram_wire_get_record(), which has something to say about it.
 * Returns: how many there were, perhaps 0
 */
uint64_t ram_wire_take_zeroes(MigStreamIn *s, uint64_t offset,
                              uint64_t max_pages);

/**
 * ram_wire_look_pages:
 * @s: a stream behind the header of a page record, one page of bytes buffered
 * @offset: bytes, of that page
 * @content: where to put where the content of each page lies
 * @max_pages: how many of them, 1 or more
 * @len_bytes: where to put the length of all, headers between them included
 *
 * Looks for page records of the same block for the pages after the one at hand,
 * as far as they have been read already with all of their content.  They are the
 * caller's to take, by stream_in_advance().
 * Returns: how many pages there are, the one at hand included
 */
unsigned ram_wire_look_pages(const MigStreamIn *s, uint64_t offset,
                             struct iovec *content, unsigned max_pages,
                             size_t *len_bytes);

/**
 * ram_wire_get_block:
 * @s: a stream inside the block list
 * @block: where to put the entry; untouched on failure
 * @errp: where to put the reason, or NULL
 *
 * Returns: false for an empty name or the end of the stream
 */
bool ram_wire_get_block(MigStreamIn *s, RamWireBlock *block, Error **errp);

#endif
