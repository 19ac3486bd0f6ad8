/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory for unit tests; see ram-fixture.h.  Any thread, one at a time
 * for one list.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include "memory/backend.h"
#include "qapi/error.h"
#include "ram-fixture.h"

#define RUN_PAGES_MAX 64

/* One in so many normal pages is zero but for a few bytes. */
#define SPARSE_ONE_IN 8

/* Entries of /proc/self/pagemap: present, or in swap. */
#define PAGEMAP_POPULATED (UINT64_C(3) << 62)

/* The splitmix64 generator: good enough bits, and the same on every host. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static HostMemoryBackend *make_backend(const RamFixtureBlock *spec)
{
    ObjectOptions o = { .id = (char *)spec->idstr };
    HostMemoryBackend *backend;
    Error *err = NULL;

    switch (spec->kind) {
    case RAM_FIXTURE_ANON:
        o.qom_type = OBJECT_TYPE_MEMORY_BACKEND_RAM;
        o.u.memory_backend_ram.size = spec->size_bytes;
        break;
    case RAM_FIXTURE_MEMFD:
        o.qom_type = OBJECT_TYPE_MEMORY_BACKEND_MEMFD;
        o.u.memory_backend_memfd.size = spec->size_bytes;
        break;
    case RAM_FIXTURE_FILE_SHARED:
    case RAM_FIXTURE_FILE_PRIVATE:
        o.qom_type = OBJECT_TYPE_MEMORY_BACKEND_FILE;
        o.u.memory_backend_file.size = spec->size_bytes;
        o.u.memory_backend_file.mem_path = (char *)g_get_tmp_dir();
        o.u.memory_backend_file.has_share = true;
        o.u.memory_backend_file.share = spec->kind == RAM_FIXTURE_FILE_SHARED;
        break;
    }
    backend = host_memory_backend_new(&o, &err);
    if (!backend) {
        g_error("RAM fixture: %s", error_get_pretty(err));
    }
    /* Fails on a kernel without them, where there is nothing to turn off. */
    (void)madvise(backend->host, backend->size, MADV_NOHUGEPAGE);
    return backend;
}

RamList *ram_fixture_new(const RamFixtureBlock *blocks, unsigned nr_blocks)
{
    RamList *list = ram_list_new();

    for (unsigned i = 0; i < nr_blocks; i++) {
        g_autoptr(HostMemoryBackend) backend = make_backend(&blocks[i]);
        Error *err = NULL;

        if (!ram_list_add_backend(list, blocks[i].idstr, backend, &err)) {
            g_error("RAM fixture: %s", error_get_pretty(err));
        }
    }
    return list;
}

void ram_fixture_fill_page(uint8_t *page, uint64_t seed)
{
    for (size_t i = 0; i < TARGET_PAGE_SIZE; i += sizeof(uint64_t)) {
        uint64_t value = next_random(&seed);

        memcpy(page + i, &value, sizeof(value));
    }
}

/* @number is unique in the list, and so is the page. */
static void fill_normal(uint8_t *page, uint64_t number, uint64_t *random)
{
    uint64_t unique = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t lot = next_random(random);
    size_t at = (lot >> 32) % (TARGET_PAGE_SIZE / sizeof(unique));

    if (lot % SPARSE_ONE_IN == 0) {
        memset(page, 0, TARGET_PAGE_SIZE);
    } else {
        ram_fixture_fill_page(page, lot);
    }
    memcpy(page + at * sizeof(unique), &unique, sizeof(unique));
}

typedef enum PageSort {
    PAGE_HOLE,
    PAGE_ZERO,
    PAGE_NORMAL,
} PageSort;

/* The lot of the next run: what its pages are, and how many. */
static PageSort next_run(RamFixtureMix mix, uint64_t *random,
                         uint64_t *nr_pages)
{
    uint64_t lot = next_random(random);

    *nr_pages = 1;
    switch (mix) {
    case RAM_FIXTURE_MIX_HOLES:
        return PAGE_HOLE;
    case RAM_FIXTURE_MIX_ZERO:
        return PAGE_ZERO;
    case RAM_FIXTURE_MIX_RANDOM:
        return PAGE_NORMAL;
    case RAM_FIXTURE_MIX_HALF:
        return (lot >> 32) % 2 ? PAGE_ZERO : PAGE_NORMAL;
    case RAM_FIXTURE_MIX_MIXED:
        *nr_pages = 1 + (lot >> 40) % RUN_PAGES_MAX;
        return (lot & 0xffffffff) % 3;
    }
    g_assert_not_reached();
}

static void fill_page(uint8_t *page, PageSort sort, uint64_t number,
                      uint64_t *random, RamFixtureCounts *counts)
{
    switch (sort) {
    case PAGE_HOLE:
        counts->nr_holes++;
        break;
    case PAGE_ZERO:
        memset(page, 0, TARGET_PAGE_SIZE);
        counts->nr_zero++;
        break;
    case PAGE_NORMAL:
        fill_normal(page, number, random);
        counts->nr_normal++;
        break;
    }
}

RamFixtureCounts ram_fixture_fill(RamList *list, RamFixtureMix mix,
                                  uint64_t seed)
{
    RamFixtureCounts counts = { 0 };
    uint64_t number = 0;

    for (unsigned b = 0; b < ram_list_nr_blocks(list); b++) {
        RAMBlock *block = ram_list_block(list, b);
        PageSort sort = PAGE_HOLE;
        uint64_t left = 0;

        for (uint64_t i = 0; i < block->nr_pages; i++, left--, number++) {
            if (left == 0) {
                sort = next_run(mix, &seed, &left);
            }
            fill_page(block->host + i * TARGET_PAGE_SIZE, sort, number, &seed,
                      &counts);
        }
    }
    return counts;
}

char *ram_fixture_difference(const RamList *a, const RamList *b)
{
    if (ram_list_nr_blocks(a) != ram_list_nr_blocks(b)) {
        return g_strdup_printf("one list has %u blocks, the other %u",
                               ram_list_nr_blocks(a), ram_list_nr_blocks(b));
    }
    for (unsigned i = 0; i < ram_list_nr_blocks(a); i++) {
        RAMBlock *x = ram_list_block(a, i);
        RAMBlock *y = ram_list_find(b, x->idstr);

        if (!y || y->used_length != x->used_length) {
            return g_strdup_printf("block '%s' has %" PRIu64 " bytes in one "
                                   "list and %" PRIu64 " in the other",
                                   x->idstr, x->used_length,
                                   y ? y->used_length : 0);
        }
        for (uint64_t at = 0; at < x->used_length; at += TARGET_PAGE_SIZE) {
            if (memcmp(x->host + at, y->host + at, TARGET_PAGE_SIZE) == 0) {
                continue;
            }
            while (x->host[at] == y->host[at]) {
                at++;
            }
            return g_strdup_printf("block '%s', byte %#" PRIx64 ": %#x in one "
                                   "list and %#x in the other", x->idstr, at,
                                   x->host[at], y->host[at]);
        }
    }
    return NULL;
}

void ram_fixture_assert_equal(const RamList *a, const RamList *b)
{
    g_autofree char *difference = ram_fixture_difference(a, b);

    if (difference) {
        g_error("memory differs: %s", difference);
    }
}

static uint64_t populated_in_page_table(const RAMBlock *block)
{
    size_t page_size = qemu_real_host_page_size();
    uint64_t nr = block->used_length / page_size;
    AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uint64_t populated = 0;

    g_assert_cmpint(fd, >=, 0);
    for (uint64_t i = 0; i < nr; i++) {
        uint64_t entry;
        off_t at = ((uintptr_t)block->host / page_size + i) * sizeof(entry);

        g_assert_cmpint(pread(fd, &entry, sizeof(entry), at), ==,
                        sizeof(entry));
        populated += (entry & PAGEMAP_POPULATED) != 0;
    }
    return populated;
}

uint64_t ram_fixture_populated_pages(const RamList *list)
{
    uint64_t populated = 0;

    for (unsigned i = 0; i < ram_list_nr_blocks(list); i++) {
        const RAMBlock *block = ram_list_block(list, i);
        struct stat st;

        if (!block->backend->share) {
            populated += populated_in_page_table(block);
            continue;
        }
        g_assert_cmpint(fstat(block->backend->fd, &st), ==, 0);
        /* st_blocks counts 512 bytes each, whatever the file system does */
        populated += (uint64_t)st.st_blocks * 512 / qemu_real_host_page_size();
    }
    return populated;
}
