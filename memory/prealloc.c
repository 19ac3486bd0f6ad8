/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Populating memory before a guest runs, so that it cannot run out later.
 *
 * Entered by any thread; nothing is kept.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include "memory/backend-internal.h"

/* Since Linux 5.14; C libraries of that time lack the name. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

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
    int ret;

    do {
        ret = madvise(host, len_bytes, MADV_POPULATE_WRITE);
    } while (ret < 0 && (errno == EINTR || errno == EAGAIN));

    if (ret == 0) {
        return 0;
    }
    if (errno != EINVAL) {
        /* EFAULT is what a full file system or hugepage pool gives. */
        return errno == EFAULT ? -ENOSPC : -errno;
    }
    memory_touch_pages(host, len_bytes, page_size);
    return 0;
}
