/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Populating memory: it is all there afterwards, with the content it had.
 */
#include "qemu/osdep.h"
#include <sys/mman.h>
#include "backend-fixture.h"
#include "memory/backend-internal.h"

static void test_prealloc(void)
{
    ObjectOptions ram = backend_options_ram(BACKEND_SIZE);
    ObjectOptions memfd = backend_options_memfd(BACKEND_SIZE);
    g_autoptr(HostMemoryBackend) a = NULL;
    g_autoptr(HostMemoryBackend) b = NULL;

    ram.u.memory_backend_ram.has_prealloc = true;
    ram.u.memory_backend_ram.prealloc = true;
    memfd.u.memory_backend_memfd.has_prealloc = true;
    memfd.u.memory_backend_memfd.prealloc = true;
    a = backend_make(&ram);
    b = backend_make(&memfd);
    g_assert_true(backend_is_populated(a));
    g_assert_cmpuint(backend_allocated_bytes(b->fd), ==, BACKEND_SIZE);
}

static void test_prealloc_keeps_content(void)
{
    BackendDir d;
    ObjectOptions options;
    g_autofree char *old = g_strnfill(BACKEND_SIZE, 'o');
    HostMemoryBackend *backend;

    backend_dir_init(&d);
    g_assert_true(g_file_set_contents(d.path, old, BACKEND_SIZE, NULL));
    options = backend_options_file(d.path, BACKEND_SIZE, false);
    options.u.memory_backend_file.has_prealloc = true;
    options.u.memory_backend_file.prealloc = true;
    backend = backend_make(&options);
    g_assert_true(backend_is_populated(backend));
    g_assert_cmpmem(backend->host, BACKEND_SIZE, old, BACKEND_SIZE);
    host_memory_backend_unref(backend);
    backend_dir_clear(&d);
}

/* The way for kernels that cannot populate, on memory of either sort. */
static void test_touch_pages(void)
{
    ObjectOptions ram = backend_options_ram(BACKEND_SIZE);
    ObjectOptions memfd = backend_options_memfd(BACKEND_SIZE);
    g_autoptr(HostMemoryBackend) a = backend_make(&ram);
    g_autoptr(HostMemoryBackend) b = backend_make(&memfd);

    b->host[4096] = 'x';
    memory_touch_pages(a->host, BACKEND_SIZE, a->page_size);
    memory_touch_pages(b->host, BACKEND_SIZE, b->page_size);
    g_assert_true(backend_is_populated(a));
    g_assert_cmpuint(backend_allocated_bytes(b->fd), ==, BACKEND_SIZE);
    g_assert_cmpint(b->host[4096], ==, 'x');
}

/* Reading would map the file's page; only a write makes a private one. */
static void test_touch_writes(void)
{
    BackendDir d;
    ObjectOptions options;
    HostMemoryBackend *backend;

    backend_dir_init(&d);
    options = backend_options_file(d.path, BACKEND_SIZE, false);
    backend = backend_make(&options);
    memory_touch_pages(backend->host, BACKEND_SIZE, backend->page_size);
    g_assert_true(backend_pages_have(backend,
                                 PAGEMAP_PRESENT | PAGEMAP_FILE_OR_SHARED,
                                 PAGEMAP_PRESENT));
    host_memory_backend_unref(backend);
    backend_dir_clear(&d);
}

/* A file whose second half is gone is what a full file system looks like. */
static void test_prealloc_fails(void)
{
    AUTO_FD int fd = memfd_create("short", MFD_CLOEXEC);
    void *host;

    g_assert_cmpint(ftruncate(fd, BACKEND_SIZE / 2), ==, 0);
    host = mmap(NULL, BACKEND_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    g_assert_true(host != MAP_FAILED);
    /* Where the kernel cannot populate, this would be a SIGBUS. */
    if (madvise(host, BACKEND_SIZE / 2, 23) < 0) {
        g_test_skip("this kernel has no MADV_POPULATE_WRITE");
    } else {
        g_assert_cmpint(memory_prealloc(host, BACKEND_SIZE, 4096), ==, -ENOSPC);
    }
    munmap(host, BACKEND_SIZE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/prealloc/populates", test_prealloc);
    g_test_add_func("/prealloc/keeps-content",
                    test_prealloc_keeps_content);
    g_test_add_func("/prealloc/touching", test_touch_pages);
    g_test_add_func("/prealloc/touching-writes", test_touch_writes);
    g_test_add_func("/prealloc/lack-of-memory", test_prealloc_fails);
    return g_test_run();
}
