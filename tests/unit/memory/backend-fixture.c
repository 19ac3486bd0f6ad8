/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of memory backends share; see backend-fixture.h.
 */
#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include "backend-fixture.h"
#include "qapi/error.h"

void backend_dir_init(BackendDir *d)
{
    d->dir = g_dir_make_tmp("wherry-test-XXXXXX", NULL);
    d->path = g_build_filename(d->dir, "ram", NULL);
}

void backend_dir_clear(BackendDir *d)
{
    g_unlink(d->path);
    /* Fails when something else was left in it. */
    g_assert_cmpint(g_rmdir(d->dir), ==, 0);
    g_free(d->path);
    g_free(d->dir);
}

ObjectOptions backend_options_ram(uint64_t size)
{
    return (ObjectOptions) {
        .id = (char *)"m",
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_RAM,
        .u.memory_backend_ram = { .size = size },
    };
}

ObjectOptions backend_options_memfd(uint64_t size)
{
    return (ObjectOptions) {
        .id = (char *)"m",
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_MEMFD,
        .u.memory_backend_memfd = { .size = size },
    };
}

ObjectOptions backend_options_file(const char *path, uint64_t size,
                                   bool share)
{
    return (ObjectOptions) {
        .id = (char *)"m",
        .qom_type = OBJECT_TYPE_MEMORY_BACKEND_FILE,
        .u.memory_backend_file = {
            .size = size,
            .mem_path = (char *)path,
            .has_share = true,
            .share = share,
        },
    };
}

HostMemoryBackend *backend_make(const ObjectOptions *options)
{
    Error *err = NULL;
    HostMemoryBackend *backend = host_memory_backend_new(options, &err);

    if (!backend) {
        g_error("%s", error_get_pretty(err));
    }
    g_assert_null(err);
    return backend;
}

void backend_assert_refused(const ObjectOptions *options, const char *text)
{
    Error *err = NULL;

    g_assert_null(host_memory_backend_new(options, &err));
    g_assert_nonnull(err);
    g_assert_cmpstr(error_get_pretty(err), ==, text);
    error_free(err);
}

uint64_t backend_allocated_bytes(int fd)
{
    struct stat st;

    g_assert_cmpint(fstat(fd, &st), ==, 0);
    return (uint64_t)st.st_blocks * 512;
}

bool backend_pages_have(const HostMemoryBackend *backend, uint64_t mask,
                        uint64_t bits)
{
    AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    size_t page_size = qemu_real_host_page_size();

    for (uint64_t at = 0; at < backend->size; at += page_size) {
        uint64_t entry;
        off_t where = ((uintptr_t)backend->host + at) / page_size * 8;

        g_assert_cmpint(pread(fd, &entry, 8, where), ==, 8);
        if ((entry & mask) != bits) {
            return false;
        }
    }
    return true;
}

bool backend_is_populated(const HostMemoryBackend *backend)
{
    return backend_pages_have(backend, PAGEMAP_PRESENT, PAGEMAP_PRESENT);
}
