/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Codec of multifd channels.
 *
 * Runs in whichever thread owns the channel.  Messages say what is wrong with a
 * field; which channel and which packet it was is put in front by the callers.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "migration/stream/multifd-packet.h"

void multifd_greeting_encode(uint8_t *wire, const QemuUUID *uuid, uint8_t id,
                             unsigned packet_pages)
{
    MultiFDGreetingWire greeting = {
        .magic = cpu_to_be32(MULTIFD_MAGIC),
        .version = cpu_to_be32(MULTIFD_VERSION),
        .id = id,
    };

    memcpy(greeting.uuid, uuid->data, sizeof(greeting.uuid));
    if (packet_pages != MULTIFD_PACKET_PAGES) {
        greeting.packet_size = cpu_to_be64((uint64_t)packet_pages <<
                                           TARGET_PAGE_BITS);
    }
    memcpy(wire, &greeting, sizeof(greeting));
}

static bool multifd_check_version(uint32_t magic, uint32_t version,
                                  Error **errp)
{
    if (magic != MULTIFD_MAGIC) {
        error_setg(errp, "magic 0x%08x, expected 0x%08x", magic, MULTIFD_MAGIC);
        return false;
    }
    if (version != MULTIFD_VERSION) {
        error_setg(errp, "version %u, expected %u", version, MULTIFD_VERSION);
        return false;
    }
    return true;
}

/* @len_bytes is what the greeting says.  Returns pages, 0 when refused. */
static unsigned multifd_check_packet_size(uint64_t len_bytes, Error **errp)
{
    if (len_bytes == 0) {
        return MULTIFD_PACKET_PAGES;
    }
    if (!QEMU_IS_ALIGNED(len_bytes, TARGET_PAGE_SIZE) ||
        len_bytes >> TARGET_PAGE_BITS > MULTIFD_PACKET_PAGES_MAX) {
        error_setg(errp, "packet size of %" PRIu64 " bytes, expected a "
                   "multiple of %u up to %u", len_bytes, TARGET_PAGE_SIZE,
                   MULTIFD_PACKET_PAGES_MAX << TARGET_PAGE_BITS);
        return 0;
    }
    return len_bytes >> TARGET_PAGE_BITS;
}

bool multifd_greeting_decode(const uint8_t *wire, const QemuUUID *uuid,
                             unsigned nr_channels, MultiFDGreeting *greeting,
                             Error **errp)
{
    MultiFDGreetingWire w;
    QemuUUID theirs;
    unsigned packet_pages;

    memcpy(&w, wire, sizeof(w));
    if (!multifd_check_version(be32_to_cpu(w.magic),
                               be32_to_cpu(w.version), errp)) {
        return false;
    }
    memcpy(theirs.data, w.uuid, sizeof(theirs.data));
    if (!qemu_uuid_is_equal(&theirs, uuid)) {
        g_autofree char *got = qemu_uuid_unparse_strdup(&theirs);
        g_autofree char *own = qemu_uuid_unparse_strdup(uuid);

        error_setg(errp, "uuid %s, expected %s; give both sides the same -uuid",
                   got, own);
        return false;
    }
    if (w.id >= nr_channels) {
        error_setg(errp, "channel id %u, expected one below %u; give both "
                   "sides the same multifd-channels", w.id, nr_channels);
        return false;
    }
    packet_pages = multifd_check_packet_size(be64_to_cpu(w.packet_size), errp);
    if (packet_pages == 0) {
        return false;
    }
    greeting->id = w.id;
    greeting->packet_pages = packet_pages;
    return true;
}

/* All of a header but its offsets, which are most of it. */
static void multifd_packet_encode_fixed(MultiFDPacketWire *wire,
                                        unsigned packet_pages,
                                        uint64_t packet_num,
                                        const char *block_name,
                                        unsigned nr_normal, unsigned nr_zero)
{
    memset(wire, 0, sizeof(*wire));
    stl_be_p(&wire->magic, MULTIFD_MAGIC);
    stl_be_p(&wire->version, MULTIFD_VERSION);
    stl_be_p(&wire->pages_alloc, packet_pages);
    stl_be_p(&wire->normal_pages, nr_normal);
    stl_be_p(&wire->next_packet_size, nr_normal << TARGET_PAGE_BITS);
    stq_be_p(&wire->packet_num, packet_num);
    stl_be_p(&wire->zero_pages, nr_zero);
    memcpy(wire->block_name, block_name,
           MIN(strlen(block_name), MULTIFD_BLOCK_NAME_LEN - 1));
}

/* No page: offsets from @nr_pages on. */
static void multifd_packet_encode_rest(MultiFDPacketWire *wire,
                                       unsigned packet_pages, unsigned nr_pages)
{
    memset(&wire->offset[nr_pages], 0,
           (packet_pages - nr_pages) * sizeof(wire->offset[0]));
}

void multifd_packet_encode(MultiFDPacketWire *wire, unsigned packet_pages,
                           uint64_t packet_num, const char *block_name,
                           const uint64_t *pages, unsigned nr_normal,
                           unsigned nr_zero)
{
    unsigned nr_pages = nr_normal + nr_zero;

    multifd_packet_encode_fixed(wire, packet_pages, packet_num, block_name,
                                nr_normal, nr_zero);
    for (unsigned i = 0; i < nr_pages; i++) {
        stq_be_p(&wire->offset[i], pages[i] << TARGET_PAGE_BITS);
    }
    multifd_packet_encode_rest(wire, packet_pages, nr_pages);
}

void multifd_packet_encode_zero_run(MultiFDPacketWire *wire,
                                    unsigned packet_pages, uint64_t packet_num,
                                    const char *block_name, uint64_t first_page,
                                    unsigned nr_pages)
{
    uint64_t offset = first_page << TARGET_PAGE_BITS;

    multifd_packet_encode_fixed(wire, packet_pages, packet_num, block_name, 0,
                                nr_pages);
    for (unsigned i = 0; i < nr_pages; i++) {
        stq_be_p(&wire->offset[i], offset);
        offset += TARGET_PAGE_SIZE;
    }
    multifd_packet_encode_rest(wire, packet_pages, nr_pages);
}

void multifd_packet_encode_compressed(MultiFDPacketWire *wire, uint32_t flag,
                                      uint32_t content_bytes)
{
    stl_be_p(&wire->flags, flag);
    stl_be_p(&wire->next_packet_size, content_bytes);
}

void multifd_packet_encode_sync(MultiFDPacketWire *wire, unsigned packet_pages,
                                uint64_t packet_num)
{
    memset(wire, 0, multifd_packet_len(packet_pages));
    stl_be_p(&wire->magic, MULTIFD_MAGIC);
    stl_be_p(&wire->version, MULTIFD_VERSION);
    stl_be_p(&wire->flags, MULTIFD_FLAG_SYNC);
    stq_be_p(&wire->packet_num, packet_num);
}

bool multifd_packet_check_start(const MultiFDPacketWire *wire, Error **errp)
{
    uint32_t flags = ldl_be_p(&wire->flags);

    if (!multifd_check_version(ldl_be_p(&wire->magic), ldl_be_p(&wire->version),
                               errp)) {
        return false;
    }
    if (flags & MULTIFD_FLAG_DEVICE_STATE) {
        error_setg(errp, "flags 0x%x announce device state, which no device "
                   "here takes from a multifd channel", flags);
        return false;
    }
    return true;
}

/* The counts, each against what the ones before leave room for. */
static bool multifd_packet_check_counts(const MultiFDPacketWire *wire,
                                        unsigned packet_pages, Error **errp)
{
    uint32_t alloc = ldl_be_p(&wire->pages_alloc);
    uint32_t nr_normal = ldl_be_p(&wire->normal_pages);
    uint32_t nr_zero = ldl_be_p(&wire->zero_pages);

    if (alloc > packet_pages) {
        error_setg(errp, "room for %u pages, expected at most %u", alloc,
                   packet_pages);
        return false;
    }
    if (nr_normal > alloc) {
        error_setg(errp, "%u normal pages, expected at most %u", nr_normal,
                   alloc);
        return false;
    }
    if (nr_zero > alloc - nr_normal) {
        error_setg(errp, "%u zero pages besides %u normal ones, expected at "
                   "most %u", nr_zero, nr_normal, alloc - nr_normal);
        return false;
    }
    return true;
}

bool multifd_packet_decode(const MultiFDPacketWire *wire, unsigned packet_pages,
                           MultiFDPacket *packet, Error **errp)
{
    uint32_t flags = ldl_be_p(&wire->flags);
    MultiFDPacket p = { .flags = flags };

    if (!multifd_packet_check_start(wire, errp) ||
        !multifd_packet_check_counts(wire, packet_pages, errp)) {
        return false;
    }
    p.nr_normal = ldl_be_p(&wire->normal_pages);
    p.nr_zero = ldl_be_p(&wire->zero_pages);
    p.packet_num = ldq_be_p(&wire->packet_num);

    if (p.nr_normal + p.nr_zero > 0) {
        if (!memchr(wire->block_name, '\0', sizeof(wire->block_name))) {
            error_setg(errp, "the RAM block's name has no end within %zu bytes",
                       sizeof(wire->block_name));
            return false;
        }
        p.block_name = wire->block_name;
    }
    p.content_bytes = ldl_be_p(&wire->next_packet_size);
    *packet = p;
    return true;
}

/* @flags are those of the mask. */
static const char *multifd_compression_name(uint32_t flags)
{
    switch (flags) {
    case 0:
        return "none";
    case MULTIFD_FLAG_ZLIB:
        return "zlib";
    case MULTIFD_FLAG_ZSTD:
        return "zstd";
    case MULTIFD_FLAG_QPL:
        return "qpl";
    case MULTIFD_FLAG_UADK:
        return "uadk";
    case MULTIFD_FLAG_QATZIP:
        return "qatzip";
    default:
        return "a mixture of methods";
    }
}

bool multifd_packet_check_compression(const MultiFDPacket *packet,
                                      uint32_t flag, Error **errp)
{
    uint32_t theirs = packet->flags & MULTIFD_FLAG_COMPRESSION_MASK;

    /* Without pages there is nothing to read in one way or the other. */
    if (!packet->block_name &&
        (theirs == 0 || (packet->flags & MULTIFD_FLAG_SYNC))) {
        return true;
    }
    if (theirs != flag) {
        error_setg(errp, "flags 0x%x: multifd-compression is %s at the "
                   "source and %s here; set it to the same on both sides",
                   packet->flags,
                   multifd_compression_name(theirs),
                   multifd_compression_name(flag));
        return false;
    }
    if (flag != 0 && packet->nr_normal == 0 && packet->block_name &&
        packet->content_bytes != 0) {
        error_setg(errp, "%u bytes of compressed content, expected none: it "
                   "has no normal page", packet->content_bytes);
        return false;
    }
    return true;
}

/* Says which offset is wrong.  Returns true if there is none. */
static bool multifd_packet_check_offsets(const MultiFDPacketWire *wire,
                                         const MultiFDPacket *packet,
                                         uint64_t used_length, Error **errp)
{
    unsigned nr_pages = packet->nr_normal + packet->nr_zero;

    for (unsigned i = 0; i < nr_pages; i++) {
        uint64_t offset = ldq_be_p(&wire->offset[i]);

        if (!QEMU_IS_ALIGNED(offset, TARGET_PAGE_SIZE)) {
            error_setg(errp, "offset 0x%" PRIx64 " of page %u is not a "
                       "multiple of %u", offset, i, TARGET_PAGE_SIZE);
            return false;
        }
        /* Both are multiples of a page: below the end is a page below. */
        if (offset >= used_length) {
            error_setg(errp, "offset 0x%" PRIx64 " of page %u is past the end "
                       "of RAM block '%s' of 0x%" PRIx64 " bytes", offset, i,
                       packet->block_name, used_length);
            return false;
        }
    }
    return true;
}

bool multifd_packet_decode_pages(const MultiFDPacketWire *wire,
                                 const MultiFDPacket *packet,
                                 uint64_t used_length, uint64_t *pages,
                                 Error **errp)
{
    unsigned nr_pages = packet->nr_normal + packet->nr_zero;
    uint64_t all = 0;           /* each bit that is set in some offset */
    uint64_t highest = 0;

    /* A packet of zero pages is little else: no branches for each of them. */
    for (unsigned i = 0; i < nr_pages; i++) {
        uint64_t offset = ldq_be_p(&wire->offset[i]);

        all |= offset;
        highest = MAX(highest, offset);
        pages[i] = offset >> TARGET_PAGE_BITS;
    }
    if (QEMU_IS_ALIGNED(all, TARGET_PAGE_SIZE) && highest < used_length) {
        return true;
    }
    return multifd_packet_check_offsets(wire, packet, used_length, errp);
}
