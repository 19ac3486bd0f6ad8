/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of memfd-backed blocks.
 */
#include "qemu/osdep.h"
#include <stdarg.h>
#include <sys/stat.h>
#include "memory/backend.h"
#include "tests/lib/ram-fixture.h"
#include "ram-blocks.h"

RamList *ram_blocks_new(const char *first_name, unsigned nr_pages, ...)
{
    g_autoptr(GArray) blocks = g_array_new(FALSE, FALSE,
                                           sizeof(RamFixtureBlock));
    const char *name = first_name;
    va_list ap;

    va_start(ap, nr_pages);
    while (name) {
        RamFixtureBlock block = {
            .idstr = name,
            .size_bytes = (uint64_t)nr_pages << TARGET_PAGE_BITS,
            .kind = RAM_FIXTURE_MEMFD,
        };

        g_array_append_val(blocks, block);
        name = va_arg(ap, const char *);
        nr_pages = name ? va_arg(ap, unsigned) : 0;
    }
    va_end(ap);
    return ram_fixture_new((RamFixtureBlock *)(void *)blocks->data,
                           blocks->len);
}

uint8_t *ram_blocks_page(RamList *list, const char *name, uint64_t page)
{
    return ram_list_find(list, name)->host + (page << TARGET_PAGE_BITS);
}

uint64_t ram_blocks_resident(RamList *list, const char *name)
{
    struct stat st;

    g_assert_cmpint(fstat(ram_list_find(list, name)->backend->fd, &st), ==, 0);
    return (uint64_t)st.st_blocks * 512 >> TARGET_PAGE_BITS;
}
