/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every number of the main stream and of the return path, under the name that
 * QEMU gives it.  Layouts: docs/devel/wire-format.rst.  The numbers of multifd
 * packets stand in multifd-packet.h.
 *
 * All fields are big-endian and unaligned; "str8" is one length byte and that
 * many bytes without a NUL.  Constants only.
 */
#ifndef MIGRATION_STREAM_WIRE_H
#define MIGRATION_STREAM_WIRE_H

/*
 * File header, the first 8 bytes of the main channel:
 *   0  be32  QEMU_VM_FILE_MAGIC ("QEVM")
 *   4  be32  QEMU_VM_FILE_VERSION
 */
#define QEMU_VM_FILE_MAGIC              0x5145564dU
#define QEMU_VM_FILE_VERSION            3U

/*
 * Type byte of each element of the main stream.
 *   START, FULL    type, be32 section id, str8 idstr, be32 instance id,
 *                  be32 version id, payload, footer
 *   PART, END      type, be32 section id, payload, footer
 *   SUBSECTION     type, str8 name, be32 version id, payload; only inside a
 *                  payload or the configuration
 *   VMDESCRIPTION  type, be32 length, JSON; only after EOF
 *   CONFIGURATION  type, be32 length, machine name, subsections; only after
 *                  the file header
 *   COMMAND        type, be16 command, be16 length, payload
 *   FOOTER         type, be32 section id
 */
#define QEMU_VM_EOF                     0x00
#define QEMU_VM_SECTION_START           0x01
#define QEMU_VM_SECTION_PART            0x02
#define QEMU_VM_SECTION_END             0x03
#define QEMU_VM_SECTION_FULL            0x04
#define QEMU_VM_SUBSECTION              0x05
#define QEMU_VM_VMDESCRIPTION           0x06
#define QEMU_VM_CONFIGURATION           0x07
#define QEMU_VM_COMMAND                 0x08
#define QEMU_VM_SECTION_FOOTER          0x7e

/*
 * The longest description that is skipped.  QEMU's largest machines send a few
 * hundred KiB; a peer must not make us read 4 GiB that nobody wants.
 */
#define VMDESC_MAX_BYTES                (16u * 1024 * 1024)

/* Commands, source to destination, inside the main stream. */
enum {
    MIG_CMD_INVALID = 0,
    MIG_CMD_OPEN_RETURN_PATH = 1,       /* no payload */
    MIG_CMD_PING = 2,                   /* be32 value, comes back in a PONG */
    MIG_CMD_POSTCOPY_ADVISE = 3,        /* nothing, or 2 x be64 */
    MIG_CMD_POSTCOPY_LISTEN = 4,
    MIG_CMD_POSTCOPY_RUN = 5,
    MIG_CMD_POSTCOPY_RAM_DISCARD = 6,   /* variable */
    MIG_CMD_PACKAGED = 7,               /* be32 size of what follows */
    MIG_CMD_ENABLE_COLO = 8,
    MIG_CMD_POSTCOPY_RESUME = 9,
    MIG_CMD_RECV_BITMAP = 10,           /* str8 block name */
    MIG_CMD_SWITCHOVER_START = 11,      /* no payload; since 10.0 */
    MIG_CMD_MAX
};

/* Value of the PING that follows OPEN_RETURN_PATH. */
#define MIG_PING_OPEN                   1U

/*
 * Return path messages, destination to source:
 *   0  be16  type
 *   2  be16  length, at most MIG_RP_MAX_PAYLOAD
 *   4        payload
 */
enum {
    MIG_RP_MSG_INVALID = 0,
    MIG_RP_MSG_SHUT = 1,                /* be32 status, 0 = good */
    MIG_RP_MSG_PONG = 2,                /* be32 the PING's value */
    MIG_RP_MSG_REQ_PAGES_ID = 3,        /* be64 offset, be32 length, str8 */
    MIG_RP_MSG_REQ_PAGES = 4,           /* be64 offset, be32 length */
    MIG_RP_MSG_RECV_BITMAP = 5,         /* str8 block name */
    MIG_RP_MSG_RESUME_ACK = 6,          /* be32 1 */
    MIG_RP_MSG_SWITCHOVER_ACK = 7,      /* no payload */
    MIG_RP_MSG_MAX
};
#define MIG_RP_MAX_PAYLOAD              512

/*
 * Section "ram", instance 0.  Its payload is a row of records; the first word
 * of each is an address or a size in the high bits and flags in the low 12:
 *   MEM_SIZE  be64 total | flag, then str8 name + be64 used length per block
 *   ZERO      be64 offset | flags, [str8 name], byte 0
 *   PAGE      be64 offset | flags, [str8 name], 4096 bytes
 *   EOS       be64 flag; ends the section
 *   FLUSH     be64 flag; sync point of multifd
 * The name is there exactly when CONTINUE is not set.
 */
#define RAM_SAVE_IDSTR                  "ram"
#define RAM_SAVE_VERSION                4U
#define RAM_SAVE_FLAG_FULL              0x001   /* obsolete, refused */
#define RAM_SAVE_FLAG_ZERO              0x002
#define RAM_SAVE_FLAG_MEM_SIZE          0x004
#define RAM_SAVE_FLAG_PAGE              0x008
#define RAM_SAVE_FLAG_EOS               0x010
#define RAM_SAVE_FLAG_CONTINUE          0x020
#define RAM_SAVE_FLAG_XBZRLE            0x040
#define RAM_SAVE_FLAG_HOOK              0x080   /* RDMA only, refused */
#define RAM_SAVE_FLAG_COMPRESS_PAGE     0x100   /* gone since 9.1, refused */
#define RAM_SAVE_FLAG_MULTIFD_FLUSH     0x200
#define RAM_SAVE_FLAG_MASK              0xfffULL

#endif
