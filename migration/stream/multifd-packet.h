/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands on a multifd channel: one greeting, then packets, each a header
 * and the content of its normal pages.  All headers of a channel are of one
 * length, which follows from the packet size that its greeting says.  A codec
 * only: it knows names, numbers and lengths, not RAM blocks.  Prose:
 * docs/devel/wire-format.rst.
 *
 * Decoding reads nothing that it has not checked, and hands out page numbers
 * only through multifd_packet_decode_pages(), which checks them against the
 * block.
 *
 * Threads: none of its own; pure functions of their arguments.
 */
#ifndef MIGRATION_STREAM_MULTIFD_PACKET_H
#define MIGRATION_STREAM_MULTIFD_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "memory/ram.h"
#include "qemu/compiler.h"
#include "qemu/uuid.h"

#define MULTIFD_MAGIC                   0x11223344U
#define MULTIFD_VERSION                 1U

#define MULTIFD_FLAG_SYNC               0x01U
/* Five bits, one a compression method; none of them: pages as they are. */
#define MULTIFD_FLAG_COMPRESSION_MASK   0x3eU
#define MULTIFD_FLAG_ZLIB               0x02U
#define MULTIFD_FLAG_ZSTD               0x04U
#define MULTIFD_FLAG_QPL                0x08U
#define MULTIFD_FLAG_UADK               0x10U
#define MULTIFD_FLAG_QATZIP             0x20U
/* A packet of another layout that carries the state of a device. */
#define MULTIFD_FLAG_DEVICE_STATE       0x40U

/* 512 KiB of pages: QEMU's constant, and what a silent greeting means. */
#define MULTIFD_PACKET_PAGES            128
/* Bounds what a greeting can make us allocate. */
#define MULTIFD_PACKET_PAGES_MAX        1024
#define MULTIFD_BLOCK_NAME_LEN          256

#define MULTIFD_GREETING_LEN            64
/* Of a header without its offsets, and with MULTIFD_PACKET_PAGES of them. */
#define MULTIFD_PACKET_FIXED_LEN        320
#define MULTIFD_PACKET_LEN              1344
/* Magic, version and flags: what every layout of packet begins with. */
#define MULTIFD_PACKET_START_LEN        12

typedef struct QEMU_PACKED MultiFDGreetingWire {
    uint32_t magic;             /*  0  be32 MULTIFD_MAGIC */
    uint32_t version;           /*  4  be32 MULTIFD_VERSION */
    uint8_t uuid[16];           /*  8  of the guest, zero if it has none */
    uint8_t id;                 /* 24  of the channel, from 0 */
    uint8_t reserved[7];        /* 25  zero, ignored */
    uint64_t packet_size;       /* 32  be64 bytes of P pages; 0: 512 KiB */
    uint8_t reserved2[24];      /* 40  zero, ignored */
} MultiFDGreetingWire;

/* P is the packet size in pages; n and z are what is in the packet. */
typedef struct QEMU_PACKED MultiFDPacketWire {
    uint32_t magic;             /*   0  be32 MULTIFD_MAGIC */
    uint32_t version;           /*   4  be32 MULTIFD_VERSION */
    uint32_t flags;             /*   8  be32 MULTIFD_FLAG_... */
    uint32_t pages_alloc;       /*  12  be32 limit of n + z, <= P */
    uint32_t normal_pages;      /*  16  be32 n: pages with content */
    uint32_t next_packet_size;  /*  20  be32 bytes of content that follow */
    uint64_t packet_num;        /*  24  be64 over all channels, from 0 */
    uint32_t zero_pages;        /*  32  be32 z: pages without content */
    uint8_t reserved[28];       /*  36  zero, ignored */
    char block_name[MULTIFD_BLOCK_NAME_LEN];    /*  64  padded with NUL */
    uint64_t offset[];          /* 320  P x be64: n, then z, then zero */
} MultiFDPacketWire;

QEMU_BUILD_BUG_ON(sizeof(MultiFDGreetingWire) != MULTIFD_GREETING_LEN);
QEMU_BUILD_BUG_ON(offsetof(MultiFDGreetingWire, uuid) != 8);
QEMU_BUILD_BUG_ON(offsetof(MultiFDGreetingWire, id) != 24);
QEMU_BUILD_BUG_ON(offsetof(MultiFDGreetingWire, packet_size) != 32);
QEMU_BUILD_BUG_ON(sizeof(MultiFDPacketWire) != MULTIFD_PACKET_FIXED_LEN);
QEMU_BUILD_BUG_ON(MULTIFD_PACKET_FIXED_LEN +
                  MULTIFD_PACKET_PAGES * sizeof(uint64_t) !=
                  MULTIFD_PACKET_LEN);
QEMU_BUILD_BUG_ON(offsetof(MultiFDPacketWire, pages_alloc) !=
                  MULTIFD_PACKET_START_LEN);
QEMU_BUILD_BUG_ON(offsetof(MultiFDPacketWire, packet_num) != 24);
QEMU_BUILD_BUG_ON(offsetof(MultiFDPacketWire, zero_pages) != 32);
QEMU_BUILD_BUG_ON(offsetof(MultiFDPacketWire, block_name) != 64);
QEMU_BUILD_BUG_ON(offsetof(MultiFDPacketWire, offset) !=
                  MULTIFD_PACKET_FIXED_LEN);

typedef struct Error Error;

/* A header that was checked, as far as it can be without its block. */
typedef struct MultiFDPacket {
    uint32_t flags;
    uint32_t nr_normal;
    uint32_t nr_zero;           /* nr_normal + nr_zero <= P */
    uint32_t content_bytes;     /* as said; of compressed content only */
    uint64_t packet_num;
    /* inside the wire's header; NULL exactly when the packet has no pages */
    const char *block_name;
} MultiFDPacket;

/**
 * multifd_packet_len:
 * @packet_pages: pages of a packet (the P above)
 *
 * Returns: bytes of a header
 */
static inline size_t multifd_packet_len(unsigned packet_pages)
{
    return sizeof(MultiFDPacketWire) + packet_pages * sizeof(uint64_t);
}

/**
 * multifd_greeting_encode:
 * @wire: where to put it, MULTIFD_GREETING_LEN bytes
 * @uuid: of the guest
 * @id: of the channel
 * @packet_pages: pages of a packet, 1 to MULTIFD_PACKET_PAGES_MAX; is not said
 *                when it is MULTIFD_PACKET_PAGES, so that the bytes are those
 *                of a stock QEMU
 */
void multifd_greeting_encode(uint8_t *wire, const QemuUUID *uuid, uint8_t id,
                             unsigned packet_pages);

/* What a greeting says that has to be remembered. */
typedef struct MultiFDGreeting {
    uint8_t id;
    unsigned packet_pages;      /* 1 to MULTIFD_PACKET_PAGES_MAX */
} MultiFDGreeting;

/**
 * multifd_greeting_decode:
 * @wire: MULTIFD_GREETING_LEN bytes
 * @uuid: the only one accepted
 * @nr_channels: ids must be below it
 * @greeting: where to put what it says; untouched on failure
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when a field is not what it should be
 */
bool multifd_greeting_decode(const uint8_t *wire, const QemuUUID *uuid,
                             unsigned nr_channels, MultiFDGreeting *greeting,
                             Error **errp);

/**
 * multifd_packet_encode:
 * @wire: where to put the header, multifd_packet_len(@packet_pages) bytes
 * @packet_pages: pages of a packet
 * @packet_num: its number
 * @block_name: the block of its pages, below MULTIFD_BLOCK_NAME_LEN bytes
 * @pages: page numbers in the block, first the normal ones, then the zero ones
 * @nr_normal: how many normal
 * @nr_zero: how many zero; with @nr_normal at most @packet_pages
 *
 * Makes the header of a packet whose content, if any, is not compressed.
 */
void multifd_packet_encode(MultiFDPacketWire *wire, unsigned packet_pages,
                           uint64_t packet_num, const char *block_name,
                           const uint64_t *pages, unsigned nr_normal,
                           unsigned nr_zero);

/**
 * multifd_packet_encode_zero_run:
 * @wire: where to put the header, multifd_packet_len(@packet_pages) bytes
 * @packet_pages: pages of a packet
 * @packet_num: its number
 * @block_name: the block of its pages, below MULTIFD_BLOCK_NAME_LEN bytes
 * @first_page: the first of its pages, which follow each other
 * @nr_pages: how many, at most @packet_pages
 *
 * Makes the header of a packet of zero pages.
 */
void multifd_packet_encode_zero_run(MultiFDPacketWire *wire,
                                    unsigned packet_pages, uint64_t packet_num,
                                    const char *block_name, uint64_t first_page,
                                    unsigned nr_pages);

/**
 * multifd_packet_encode_compressed:
 * @wire: a header that was encoded
 * @flag: MULTIFD_FLAG_... of the method
 * @content_bytes: what its normal pages have become, 0 if it has none
 *
 * Says that the content is compressed.
 */
void multifd_packet_encode_compressed(MultiFDPacketWire *wire, uint32_t flag,
                                      uint32_t content_bytes);

/**
 * multifd_packet_encode_sync:
 * @wire: where to put the header, multifd_packet_len(@packet_pages) bytes
 * @packet_pages: pages of a packet
 * @packet_num: its number
 *
 * Makes a SYNC, which is a header and nothing behind it.
 */
void multifd_packet_encode_sync(MultiFDPacketWire *wire, unsigned packet_pages,
                                uint64_t packet_num);

/**
 * multifd_packet_check_start:
 * @wire: a header of which MULTIFD_PACKET_START_LEN bytes are there
 * @errp: where to put the reason, or NULL
 *
 * Checks what every layout of packet begins with.  To be called before the rest
 * is waited for: a packet of another layout is shorter, and its rest may never
 * come.
 * Returns: false for another magic, version or layout
 */
bool multifd_packet_check_start(const MultiFDPacketWire *wire, Error **errp);

/**
 * multifd_packet_decode:
 * @wire: a header of multifd_packet_len(@packet_pages) bytes
 * @packet_pages: pages of a packet, as the greeting said
 * @packet: where to put what it says; refers to @wire; untouched on failure
 * @errp: where to put the reason, or NULL
 *
 * Checks everything but the pages and the compression.  Of a packet without
 * pages the name, the offsets and the size are not looked at: QEMU 7.2 leaves
 * stale ones in SYNCs.
 * Returns: false when a field is not what it should be
 */
bool multifd_packet_decode(const MultiFDPacketWire *wire, unsigned packet_pages,
                           MultiFDPacket *packet, Error **errp);

/**
 * multifd_packet_check_compression:
 * @packet: from multifd_packet_decode()
 * @flag: MULTIFD_FLAG_... of the method that is set here, 0 for none
 * @errp: where to put the reason and what to do, or NULL
 *
 * Returns: false when the source has another method, or says that there is
 *          compressed content of no page
 */
bool multifd_packet_check_compression(const MultiFDPacket *packet,
                                      uint32_t flag, Error **errp);

/**
 * multifd_packet_decode_pages:
 * @wire: the header
 * @packet: what multifd_packet_decode() made of it, counts within the header
 * @used_length: of the block it names, bytes, a multiple of TARGET_PAGE_SIZE
 * @pages: where to put the page numbers, an entry for each page of @packet: the
 *         normal ones, then the zero ones; undefined on failure
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when an offset is past the block or inside a page
 */
bool multifd_packet_decode_pages(const MultiFDPacketWire *wire,
                                 const MultiFDPacket *packet,
                                 uint64_t used_length, uint64_t *pages,
                                 Error **errp);

#endif
