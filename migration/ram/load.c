/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RAM section coming in.
 *
 * Entered by the load thread.  Every field is checked against the machine's
 * blocks before it is used.  How page content gets to its place is content.c's.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bitmap.h"
#include "migration/ram/content.h"
#include "migration/ram/load.h"
#include "migration/stream/ram-wire.h"
#include "migration/trace.h"

struct RamLoad {
    const MigrationConfig *config;
    RamList *list;
    RamReceived *received;
    const RamLoadOps *ops;
    void *opaque;
    bool started;           /* the block list is known */
    bool flushed;           /* FLUSH was met in this section */
    unsigned long *listed;  /* bit per block: its entry was read */
    MappedIn *mapped;       /* NULL: pages are on streams */
    ReceivedBlock *last;    /* block of the last page record */
    RamRecord record;       /* reused: it holds a name */
    RamContent content;
};

RamLoad *ram_load_new(const MigrationConfig *config, RamList *list,
                      RamReceived *received, const RamLoadOps *ops,
                      void *opaque)
{
    RamLoad *rl = g_new0(RamLoad, 1);

    rl->config = config;
    rl->list = list;
    rl->received = received;
    rl->ops = ops;
    rl->opaque = opaque;
    rl->listed = bitmap_new(ram_list_nr_blocks(list));
    return rl;
}

void ram_load_free(RamLoad *rl)
{
    if (rl) {
        mapped_in_free(rl->mapped);
        g_free(rl->listed);
        g_free(rl);
    }
}

static bool ram_load_check_block(RamLoad *rl, const RamWireBlock *wire,
                                 Error **errp)
{
    RAMBlock *block = ram_list_find(rl->list, wire->idstr);

    if (!block) {
        error_setg(errp, "The source's RAM block '%s' of %" PRIu64 " bytes "
                   "does not exist here; give both sides the same "
                   "memory-backend id", wire->idstr, wire->used_length);
        return false;
    }
    if (block->used_length != wire->used_length) {
        error_setg(errp, "RAM block '%s' has %" PRIu64 " bytes at the source "
                   "and %" PRIu64 " here; give both sides the same size",
                   wire->idstr, wire->used_length, block->used_length);
        return false;
    }
    if (test_and_set_bit(block->index, rl->listed)) {
        error_setg(errp, "RAM block '%s' stands twice in the block list",
                   wire->idstr);
        return false;
    }
    trace_ram_load_block(wire->idstr, wire->used_length);
    return true;
}

/* Where the block's pages are, if they have places of their own. */
static bool ram_load_mapped_block(RamLoad *rl, MigStreamIn *in,
                                  const RamWireBlock *wire, Error **errp)
{
    if (!rl->config->mapped_ram) {
        return true;
    }
    if (!rl->mapped) {
        rl->mapped = mapped_in_new(rl->received, in, errp);
    }
    return rl->mapped &&
           mapped_in_get_block(rl->mapped, in,
                               ram_received_find(rl->received, wire->idstr),
                               errp);
}

bool ram_load_mapped(MappedIn *mapped, Error **errp)
{
    switch (mapped_in_load(mapped, mapped_in_file(mapped), errp)) {
    case MAPPED_IN_DONE:
        return true;
    case MAPPED_IN_STOPPED:
        error_setg(errp, "Reading the guest's memory was stopped");
        return false;
    case MAPPED_IN_FAILED:
    default:
        return false;
    }
}

static bool ram_load_start(RamLoad *rl, Error **errp)
{
    rl->started = true;
    if (!rl->mapped) {
        return !rl->ops->start || rl->ops->start(rl->opaque, errp);
    }
    return rl->ops->load_mapped
           ? rl->ops->load_mapped(rl->opaque, rl->mapped, errp)
           : ram_load_mapped(rl->mapped, errp);
}

static bool ram_load_block_list(RamLoad *rl, MigStreamIn *in,
                                uint64_t total_bytes, Error **errp)
{
    uint64_t left = total_bytes;

    if (rl->started) {
        error_setg(errp, "The RAM section has a second block list");
        return false;
    }
    while (left > 0) {
        RamWireBlock wire;

        if (!ram_wire_get_block(in, &wire, errp)) {
            return false;
        }
        if (!ram_load_check_block(rl, &wire, errp)) {
            return false;
        }
        if (wire.used_length > left) {
            error_setg(errp, "The RAM block list is longer than its total of "
                       "%" PRIu64 " bytes: block '%s' of %" PRIu64 " bytes "
                       "does not fit the rest of %" PRIu64, total_bytes,
                       wire.idstr, wire.used_length, left);
            return false;
        }
        left -= wire.used_length;
        if (!ram_load_mapped_block(rl, in, &wire, errp)) {
            return false;
        }
    }
    return ram_load_start(rl, errp);
}

/* Finds the block and checks the offset of a page record. */
static bool ram_load_place(RamLoad *rl, Error **errp)
{
    const RamRecord *record = &rl->record;

    if (!rl->started) {
        error_setg(errp, "The RAM section has a page at offset 0x%" PRIx64
                   " before its block list", record->addr);
        return false;
    }
    if (!record->same_block) {
        rl->last = ram_received_find(rl->received, record->idstr);
        if (!rl->last) {
            error_setg(errp, "A page at offset 0x%" PRIx64 " names RAM block "
                       "'%s', which does not exist here", record->addr,
                       record->idstr);
            return false;
        }
    } else if (!rl->last) {
        error_setg(errp, "The first page of the stream, at offset 0x%" PRIx64
                   ", names no RAM block", record->addr);
        return false;
    }
    if (record->addr >= rl->last->block->used_length) {
        error_setg(errp, "A page at offset 0x%" PRIx64 " is past the end of "
                   "RAM block '%s' of 0x%" PRIx64 " bytes", record->addr,
                   rl->last->block->idstr, rl->last->block->used_length);
        return false;
    }
    return true;
}

/* Returns false. */
static bool ram_load_not_mapped(const char *what, Error **errp)
{
    error_setg(errp, "The RAM section has a %s record, but with mapped-ram all "
               "pages have places in the file", what);
    return false;
}

static bool ram_load_page(RamLoad *rl, MigStreamIn *in, Error **errp)
{
    uint64_t page = rl->record.addr >> TARGET_PAGE_BITS;

    if (rl->config->mapped_ram) {
        return ram_load_not_mapped("page", errp);
    }
    if (!ram_load_place(rl, errp)) {
        return false;
    }
    if (rl->record.kind == RAM_RECORD_ZERO) {
        uint64_t left = rl->last->block->nr_pages - page - 1;
        uint64_t nr = ram_wire_take_zeroes(in, (page + 1) << TARGET_PAGE_BITS,
                                           left);

        received_block_zero(rl->last, page, nr + 1);
        return true;
    }
    return ram_content_get(&rl->content, in, rl->last, page, errp);
}

/*
 * Both styles of sync point are told apart by FLUSH.  A stock QEMU freezes, or
 * loses pages, when the two ends disagree; here the first section shows it.
 */
static bool ram_load_flush(RamLoad *rl, Error **errp)
{
    rl->flushed = true;
    if (rl->config->mapped_ram) {
        return ram_load_not_mapped("FLUSH", errp);
    }
    if (!rl->ops->sync) {
        /* Its pages go over channels that nobody reads here. */
        error_setg(errp, "The source uses multifd and this side does not; set "
                   "the capability to the same value on both sides");
        return false;
    }
    if (!rl->started) {
        error_setg(errp, "The RAM section has a multifd sync point before its "
                   "block list");
        return false;
    }
    if (rl->config->compat.multifd_flush_after_each_section) {
        error_setg(errp, "The source syncs multifd channels once a round, this "
                   "side once a section; set migration."
                   "multifd-flush-after-each-section to the same value on "
                   "both sides");
        return false;
    }
    return rl->ops->sync(rl->opaque, errp);
}

static bool ram_load_eos(RamLoad *rl, bool first, Error **errp)
{
    if (!rl->ops->sync || !rl->started) {
        return true;
    }
    if (rl->config->compat.multifd_flush_after_each_section) {
        return rl->ops->sync(rl->opaque, errp);
    }
    if (first && !rl->flushed) {
        error_setg(errp, "The source's first RAM section has no multifd sync "
                   "point: it syncs once a section, this side once a round; "
                   "set migration.multifd-flush-after-each-section to the "
                   "same value on both sides");
        return false;
    }
    return true;
}

bool ram_load_section(RamLoad *rl, MigStreamIn *in, Error **errp)
{
    bool first = !rl->started;

    rl->flushed = false;
    for (;;) {
        bool ok = false;

        if (!ram_wire_get_record(in, &rl->record, errp)) {
            return false;
        }
        switch (rl->record.kind) {
        case RAM_RECORD_MEM_SIZE:
            ok = ram_load_block_list(rl, in, rl->record.addr, errp);
            break;
        case RAM_RECORD_ZERO:
        case RAM_RECORD_PAGE:
            ok = ram_load_page(rl, in, errp);
            break;
        case RAM_RECORD_FLUSH:
            ok = ram_load_flush(rl, errp);
            break;
        case RAM_RECORD_EOS:
            return ram_load_eos(rl, first, errp);
        case RAM_RECORD_XBZRLE:
            error_setg(errp, "The stream has a page in xbzrle form at offset "
                       "0x%" PRIx64 ", which is not supported; switch the "
                       "source's xbzrle capability off", rl->record.addr);
            break;
        }
        if (!ok) {
            return false;
        }
    }
}

bool ram_load_finish(RamLoad *rl, Error **errp)
{
    if (!rl->started || !rl->ops->sync || rl->flushed ||
        rl->config->compat.multifd_flush_after_each_section) {
        return true;
    }
    error_setg(errp, "The source's last RAM section has no multifd sync point; "
               "pages on the channels may be missing");
    return false;
}
