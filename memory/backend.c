/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory backends: from options to mapped memory, and back to nothing; see
 * memory/backend.h.
 *
 * Entered by the main thread, references apart.  Where the memory comes from
 * is memory/backend-store.c's part.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include "memory/backend-internal.h"
#include "memory/backend.h"
#include "qapi/error.h"
#include "qemu/units.h"

/*
 * Kernels give transparent huge pages only to ranges that are aligned like
 * this, and older ones do not align a large mapping by themselves.
 */
#define MAPPING_ALIGN_BYTES (2 * MiB)

/* The union's members side by side, so that nobody else has to switch. */
static BackendSpec spec_from_options(const ObjectOptions *options)
{
    BackendSpec spec = { .id = options->id, .type = options->qom_type };

    switch (options->qom_type) {
    case OBJECT_TYPE_MEMORY_BACKEND_RAM: {
        const MemoryBackendProperties *o = &options->u.memory_backend_ram;

        spec.size = o->size;
        spec.share = o->has_share && o->share;
        spec.prealloc = o->has_prealloc && o->prealloc;
        break;
    }
    case OBJECT_TYPE_MEMORY_BACKEND_MEMFD: {
        const MemoryBackendMemfdProperties *o =
            &options->u.memory_backend_memfd;

        spec.size = o->size;
        spec.share = !o->has_share || o->share;
        spec.prealloc = o->has_prealloc && o->prealloc;
        spec.hugetlb = o->has_hugetlb && o->hugetlb;
        spec.hugetlbsize = o->has_hugetlbsize ? o->hugetlbsize : 0;
        break;
    }
    case OBJECT_TYPE_MEMORY_BACKEND_FILE: {
        const MemoryBackendFileProperties *o = &options->u.memory_backend_file;

        spec.size = o->size;
        spec.share = o->has_share && o->share;
        spec.prealloc = o->has_prealloc && o->prealloc;
        spec.mem_path = o->mem_path;
        break;
    }
    default:
        g_assert_not_reached();
    }
    return spec;
}

/* A mapping that begins at a multiple of @align; MAP_FAILED with errno set. */
static void *map_aligned(const BackendSpec *spec, const BackendStore *store,
                         size_t align)
{
    int flags = (spec->share ? MAP_SHARED : MAP_PRIVATE) |
        (store->fd < 0 ? MAP_ANONYMOUS : 0);
    size_t reserve = spec->size + align;
    uint8_t *area, *host;
    void *mapped;

    if (reserve < align) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    area = mmap(NULL, reserve, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED) {
        return MAP_FAILED;
    }
    host = QEMU_ALIGN_PTR_UP(area, align);
    mapped = mmap(host, spec->size, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
                  store->fd, 0);
    if (mapped == MAP_FAILED) {
        int saved_errno = errno;

        munmap(area, reserve);
        errno = saved_errno;
        return MAP_FAILED;
    }
    /* The reserve around the mapping goes back. */
    if (host > area) {
        munmap(area, host - area);
    }
    if (host + spec->size < area + reserve) {
        munmap(host + spec->size, area + reserve - (host + spec->size));
    }
    return mapped;
}

/*
 * What stock QEMU asks for all its memory.  With transparent huge pages one
 * fault brings 512 pages; whoever wants none tells the kernel, in
 * /sys/kernel/mm/transparent_hugepage.  No child of ours looks at guest memory:
 * a fork need not copy its page tables.
 */
static void backend_advise(const BackendSpec *spec, const BackendStore *store,
                           void *host)
{
    /* Refused by kernels without them, where nothing is lost. */
    if (!store->hugetlb) {
        (void)madvise(host, spec->size, MADV_HUGEPAGE);
    }
    (void)madvise(host, spec->size, MADV_DONTFORK);
}

static uint8_t *backend_map(const BackendSpec *spec, const BackendStore *store,
                            Error **errp)
{
    size_t align = MAX(store->page_size, (size_t)MAPPING_ALIGN_BYTES);
    void *host = map_aligned(spec, store, align);
    int ret;

    if (host == MAP_FAILED) {
        error_setg_errno(errp, errno, "memory backend '%s': cannot map "
                         "%" PRIu64 " bytes%s", spec->id, spec->size,
                         store->hugetlb ? " of huge pages, of which enough "
                         "must be set aside in /proc/sys/vm/nr_hugepages" :
                         "");
        return NULL;
    }
    /* Before anything is populated: it decides about the size of pages. */
    backend_advise(spec, store, host);
    if (!spec->prealloc) {
        return host;
    }
    ret = memory_prealloc(host, spec->size, store->page_size);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "memory backend '%s': cannot allocate "
                         "all of its %" PRIu64 " bytes", spec->id, spec->size);
        munmap(host, spec->size);
        return NULL;
    }
    return host;
}

HostMemoryBackend *host_memory_backend_new(const ObjectOptions *options,
                                           Error **errp)
{
    BackendSpec spec = spec_from_options(options);
    BackendStore store;
    HostMemoryBackend *backend = NULL;
    uint8_t *host;

    /* Sizes beyond off_t and size_t would wrap in what follows. */
    if (spec.size == 0 || spec.size > INT64_MAX) {
        error_setg(errp, "memory backend '%s': size %" PRIu64 " is not "
                   "possible", spec.id, spec.size);
        return NULL;
    }
    if (!backend_store_open(&spec, &store, errp)) {
        return NULL;
    }
    host = backend_map(&spec, &store, errp);
    if (host) {
        backend = g_new0(HostMemoryBackend, 1);
        backend->id = g_strdup(spec.id);
        backend->type = spec.type;
        backend->host = host;
        backend->size = spec.size;
        backend->page_size = store.page_size;
        backend->fd = store.fd;
        backend->share = spec.share;
        backend->hugetlb = store.hugetlb;
        backend->refcount = 1;
    } else {
        if (store.created_path) {
            unlink(store.created_path);
        }
        if (store.fd >= 0) {
            close(store.fd);
        }
    }
    g_free(store.created_path);
    return backend;
}

HostMemoryBackend *host_memory_backend_ref(HostMemoryBackend *backend)
{
    g_atomic_int_inc(&backend->refcount);
    return backend;
}

void host_memory_backend_unref(HostMemoryBackend *backend)
{
    if (!backend || !g_atomic_int_dec_and_test(&backend->refcount)) {
        return;
    }
    munmap(backend->host, backend->size);
    if (backend->fd >= 0) {
        close(backend->fd);
    }
    g_free(backend->id);
    g_free(backend);
}
