/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Populating memory before a guest runs, so that it cannot run out later.
 *
 * Entered by any thread; nothing is kept.
 */
#include "qemu/osdep.h"
#include "memory/backend-internal.h"
#include "memory/backend-write.h"

void memory_touch_pages(uint8_t *host, uint64_t len_bytes, size_t page_size)
{
    for (uint64_t offset = 0; offset < len_bytes; offset += page_size) {
        volatile uint8_t *byte = host + offset;

        /* A write is needed: a read would only map the zero page. */
        *byte = *byte;
    }
}

int memory_prealloc(uint8_t *host, uint64_t len_bytes, size_t page_size)
{
    int ret = host_memory_populate(host, len_bytes);

    if (ret != -EINVAL) {
        return ret;
    }
    memory_touch_pages(host, len_bytes, page_size);
    return 0;
}
