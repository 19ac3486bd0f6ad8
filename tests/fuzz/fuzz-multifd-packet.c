/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input: what comes on a multifd channel, greeting first.  Each packet is decoded
 * for a block of 16 KiB; the content of its pages is skipped.
 */
#include "qemu/osdep.h"
#include "fuzz.h"
#include "migration/stream/multifd-packet.h"
#include "qapi/error.h"

#define BLOCK_BYTES 0x4000

/* How long the packet is with its content; 0 if it is refused. */
static size_t fuzz_packet(const uint8_t *data)
{
    uint64_t pages[MULTIFD_PACKET_PAGES];
    MultiFDPacketWire wire;
    MultiFDPacket packet;
    Error *err = NULL;

    memcpy(&wire, data, sizeof(wire));
    if (!multifd_packet_check_start(&wire, &err) ||
        !multifd_packet_decode(&wire, &packet, &err) ||
        (packet.block_name &&
         !multifd_packet_decode_pages(&wire, &packet, BLOCK_BYTES, pages,
                                      &err))) {
        g_assert_nonnull(err);
        error_free(err);
        return 0;
    }
    g_assert_cmpuint(packet.nr_normal + packet.nr_zero, <=,
                     MULTIFD_PACKET_PAGES);
    for (unsigned i = 0; i < packet.nr_normal + packet.nr_zero; i++) {
        g_assert_cmpuint(pages[i], <, BLOCK_BYTES / TARGET_PAGE_SIZE);
    }
    return sizeof(wire) + (size_t)packet.nr_normal * TARGET_PAGE_SIZE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t id;
    size_t n;

    if (size < MULTIFD_GREETING_LEN ||
        !multifd_greeting_decode(data, &UUID_NONE, 4, &id, NULL)) {
        return 0;
    }
    g_assert_cmpuint(id, <, 4);
    for (size_t at = MULTIFD_GREETING_LEN; at + MULTIFD_PACKET_LEN <= size;
         at += n) {
        n = fuzz_packet(data + at);
        if (!n) {
            break;
        }
    }
    return 0;
}
