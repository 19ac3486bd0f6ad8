/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RAM blocks and the list of them: what a machine's memory consists of, by the
 * names that stand on the migration wire.
 *
 * Threads: the list is built in the main thread before a migration starts and
 * is constant while one runs, so that migration threads read it without a lock.
 * The memory itself belongs to the guest.  This header owns no locks.
 */
#ifndef MEMORY_RAM_H
#define MEMORY_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>

typedef struct Error Error;
typedef struct HoleMap HoleMap;
typedef struct HostMemoryBackend HostMemoryBackend;

/* x86 guests know no other; each record of the RAM stream is one such page. */
#define TARGET_PAGE_BITS 12
#define TARGET_PAGE_SIZE (1u << TARGET_PAGE_BITS)

/* Longest name of a block: one length byte on the wire, one NUL in a packet. */
#define RAM_BLOCK_NAME_MAX 255

/*
 * One piece of guest memory.  All members are set once when the block is added.
 */
typedef struct RAMBlock {
    char idstr[RAM_BLOCK_NAME_MAX + 1];
    /* position in the list's order on the wire, from 0 */
    unsigned index;
    /* host address of the first byte; the mapping belongs to the backend */
    uint8_t *host;
    uint64_t used_length;       /* bytes, a multiple of TARGET_PAGE_SIZE */
    uint64_t nr_pages;          /* target pages */
    size_t page_size;           /* of the backing memory, bytes */
    HostMemoryBackend *backend; /* holds a reference; NULL in some unit tests */
    HoleMap *hole_map;          /* asks which pages were never populated */
} RAMBlock;

typedef struct RamList RamList;

/**
 * ram_list_new:
 *
 * Returns: an empty list
 */
RamList *ram_list_new(void);

/**
 * ram_list_free:
 * @list: a list, or NULL
 *
 * Frees the blocks and drops the references on their backends.
 */
void ram_list_free(RamList *list);

/**
 * ram_list_add_backend:
 * @list: a list
 * @idstr: the block's name on the wire, 1 to RAM_BLOCK_NAME_MAX bytes
 * @backend: its memory; the block takes a reference
 * @errp: where to put the reason, or NULL
 *
 * Adds a block and keeps QEMU's order on the wire: largest first, equals in
 * the order they were added.  RAMBlock::index follows that order.
 * Returns: the block, owned by the list; NULL when the name is taken or too
 *          long, or the size is no multiple of a target page
 */
RAMBlock *ram_list_add_backend(RamList *list, const char *idstr,
                               HostMemoryBackend *backend, Error **errp);

/**
 * ram_list_find:
 * @list: a list
 * @idstr: a name, NUL-terminated
 *
 * Context: any thread.
 * Returns: the block of that name, or NULL
 */
RAMBlock *ram_list_find(const RamList *list, const char *idstr);

/**
 * ram_list_nr_blocks:
 * @list: a list
 *
 * Context: any thread.
 * Returns: how many blocks there are
 */
unsigned ram_list_nr_blocks(const RamList *list);

/**
 * ram_list_block:
 * @list: a list
 * @index: 0 to ram_list_nr_blocks() - 1
 *
 * Context: any thread.
 * Returns: the block at that place of the wire's order
 */
RAMBlock *ram_list_block(const RamList *list, unsigned index);

/**
 * ram_list_total_bytes:
 * @list: a list
 *
 * Context: any thread.
 * Returns: the sum of the blocks' used lengths
 */
uint64_t ram_list_total_bytes(const RamList *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RamList, ram_list_free)

#endif
