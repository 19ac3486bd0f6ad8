/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of RAM blocks; see memory/ram.h.
 *
 * Built by the main thread, then read by any.  Blocks are never moved, so a
 * pointer to one stays good while the list lives; lists are short, so looking
 * a name up is a walk.
 */
#include "qemu/osdep.h"
#include "memory/backend.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "qemu/hole-map.h"

struct RamList {
    GPtrArray *blocks;      /* of RAMBlock, in the wire's order */
};

static void ram_block_free(void *opaque)
{
    RAMBlock *block = opaque;

    /* The hole map borrows the backend's descriptor: it goes first. */
    hole_map_free(block->hole_map);
    host_memory_backend_unref(block->backend);
    g_free(block);
}

RamList *ram_list_new(void)
{
    RamList *list = g_new0(RamList, 1);

    list->blocks = g_ptr_array_new_with_free_func(ram_block_free);
    return list;
}

void ram_list_free(RamList *list)
{
    if (list) {
        g_ptr_array_unref(list->blocks);
        g_free(list);
    }
}

static bool ram_list_check_new(const RamList *list, const char *idstr,
                               const HostMemoryBackend *backend, Error **errp)
{
    size_t len = strlen(idstr);

    if (len == 0 || len > RAM_BLOCK_NAME_MAX) {
        error_setg(errp, "RAM block name '%s' has %zu bytes; 1 to %d fit onto "
                   "the wire", idstr, len, RAM_BLOCK_NAME_MAX);
        return false;
    }
    if (ram_list_find(list, idstr)) {
        error_setg(errp, "RAM block '%s' exists already", idstr);
        return false;
    }
    if (backend->size == 0 || backend->size % TARGET_PAGE_SIZE) {
        error_setg(errp, "RAM block '%s': size %" PRIu64 " is not a multiple "
                   "of the target page size, %u bytes", idstr, backend->size,
                   TARGET_PAGE_SIZE);
        return false;
    }
    return true;
}

static RAMBlock *ram_block_new(const char *idstr, HostMemoryBackend *backend)
{
    RAMBlock *block = g_new0(RAMBlock, 1);
    HoleMapRegion region = {
        .host = backend->host,
        .len_bytes = backend->size,
        .fd = backend->fd,
        .fd_offset = backend->fd_offset,
        .shared = backend->share,
        .hugetlb = backend->hugetlb,
    };

    g_strlcpy(block->idstr, idstr, sizeof(block->idstr));
    block->host = backend->host;
    block->used_length = backend->size;
    block->nr_pages = backend->size / TARGET_PAGE_SIZE;
    block->page_size = backend->page_size;
    block->backend = host_memory_backend_ref(backend);
    block->hole_map = hole_map_new(&region);
    return block;
}

RAMBlock *ram_list_add_backend(RamList *list, const char *idstr,
                               HostMemoryBackend *backend, Error **errp)
{
    RAMBlock *block;
    unsigned at = 0;

    if (!ram_list_check_new(list, idstr, backend, errp)) {
        return NULL;
    }
    block = ram_block_new(idstr, backend);
    while (at < list->blocks->len &&
           ram_list_block(list, at)->used_length >= block->used_length) {
        at++;
    }
    g_ptr_array_insert(list->blocks, at, block);
    for (; at < list->blocks->len; at++) {
        ram_list_block(list, at)->index = at;
    }
    return block;
}

RAMBlock *ram_list_find(const RamList *list, const char *idstr)
{
    for (unsigned i = 0; i < list->blocks->len; i++) {
        RAMBlock *block = ram_list_block(list, i);

        if (strcmp(block->idstr, idstr) == 0) {
            return block;
        }
    }
    return NULL;
}

unsigned ram_list_nr_blocks(const RamList *list)
{
    return list->blocks->len;
}

RAMBlock *ram_list_block(const RamList *list, unsigned index)
{
    g_assert(index < list->blocks->len);
    return g_ptr_array_index(list->blocks, index);
}

uint64_t ram_list_total_bytes(const RamList *list)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < list->blocks->len; i++) {
        total += ram_list_block(list, i)->used_length;
    }
    return total;
}
