/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input: what comes on a multifd channel, greeting first, which says how long
 * headers are.  Each packet is decoded for a block of 16 KiB; the content of its
 * pages is skipped.
 */
#include "qemu/osdep.h"
#include "fuzz.h"
#include "migration/stream/multifd-packet.h"
#include "qapi/error.h"

#define BLOCK_BYTES 0x4000

/*
 * How long the packet is with its content; 0 if it is refused.  @wire and @pages
 * have room for just the packet size, so that a sanitizer sees more.
 */
static size_t fuzz_packet(const MultiFDPacketWire *wire, unsigned packet_pages,
                          uint64_t *pages)
{
    MultiFDPacket packet;
    Error *err = NULL;

    if (!multifd_packet_check_start(wire, &err) ||
        !multifd_packet_decode(wire, packet_pages, &packet, &err) ||
        (packet.block_name &&
         !multifd_packet_decode_pages(wire, &packet, BLOCK_BYTES, pages,
                                      &err))) {
        g_assert_nonnull(err);
        error_free(err);
        return 0;
    }
    g_assert_cmpuint(packet.nr_normal + packet.nr_zero, <=, packet_pages);
    for (unsigned i = 0; i < packet.nr_normal + packet.nr_zero; i++) {
        g_assert_cmpuint(pages[i], <, BLOCK_BYTES / TARGET_PAGE_SIZE);
    }
    return multifd_packet_len(packet_pages) +
           (size_t)packet.nr_normal * TARGET_PAGE_SIZE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree MultiFDPacketWire *wire = NULL;
    g_autofree uint64_t *pages = NULL;
    MultiFDGreeting greeting;
    size_t len_bytes, n;

    if (size < MULTIFD_GREETING_LEN ||
        !multifd_greeting_decode(data, &UUID_NONE, 4, &greeting, NULL)) {
        return 0;
    }
    g_assert_cmpuint(greeting.id, <, 4);
    g_assert_cmpuint(greeting.packet_pages, >=, 1);
    g_assert_cmpuint(greeting.packet_pages, <=, MULTIFD_PACKET_PAGES_MAX);
    len_bytes = multifd_packet_len(greeting.packet_pages);
    wire = g_malloc(len_bytes);
    pages = g_new(uint64_t, greeting.packet_pages);
    for (size_t at = MULTIFD_GREETING_LEN; at + len_bytes <= size; at += n) {
        memcpy(wire, data + at, len_bytes);
        n = fuzz_packet(wire, greeting.packet_pages, pages);
        if (!n) {
            break;
        }
    }
    return 0;
}
