/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory backends without a file: each kind, its defaults, and sizes that are
 * refused.  Files are test-backend-file.c's.
 */
#include "qemu/osdep.h"
#include "backend-fixture.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/units.h"

static void test_ram(void)
{
    ObjectOptions options = backend_options_ram(BACKEND_SIZE);
    g_autoptr(HostMemoryBackend) backend = backend_make(&options);

    g_assert_cmpstr(backend->id, ==, "m");
    g_assert_cmpint(backend->type, ==, OBJECT_TYPE_MEMORY_BACKEND_RAM);
    g_assert_cmpuint(backend->size, ==, BACKEND_SIZE);
    g_assert_cmpuint(backend->page_size, ==, qemu_real_host_page_size());
    g_assert_cmpint(backend->fd, ==, -1);
    g_assert_false(backend->share);
    g_assert_false(backend->hugetlb);
    g_assert_false(backend_is_populated(backend));
    g_assert_true(buffer_is_zero(backend->host, BACKEND_SIZE));
    memset(backend->host, 0xaa, BACKEND_SIZE);
}

static void test_mapping_is_aligned(void)
{
    ObjectOptions options = backend_options_ram(BACKEND_SIZE);
    g_autoptr(HostMemoryBackend) a = backend_make(&options);
    g_autoptr(HostMemoryBackend) b = backend_make(&options);

    g_assert_cmpuint((uintptr_t)a->host % (2 * MiB), ==, 0);
    g_assert_cmpuint((uintptr_t)b->host % (2 * MiB), ==, 0);
}

/* The flags that the kernel has for a mapping, as smaps names them. */
static char *mapping_flags(const uint8_t *host)
{
    g_autofree char *smaps = NULL;
    g_autofree char *begin = g_strdup_printf("\n%" PRIxPTR "-",
                                             (uintptr_t)host);
    const char *at, *flags;

    g_assert_true(g_file_get_contents("/proc/self/smaps", &smaps, NULL, NULL));
    at = strstr(smaps, begin);
    g_assert_nonnull(at);
    flags = strstr(at, "VmFlags:");
    g_assert_nonnull(flags);
    return g_strndup(flags, strcspn(flags, "\n"));
}

/* "hg": huge pages are wanted; "dc": a fork leaves it out. */
static void test_advice(gconstpointer opaque)
{
    bool memfd = GPOINTER_TO_INT(opaque);
    ObjectOptions options = memfd ? backend_options_memfd(4 * MiB)
                                  : backend_options_ram(4 * MiB);
    g_autoptr(HostMemoryBackend) backend = backend_make(&options);
    g_autofree char *flags = mapping_flags(backend->host);

    g_assert_nonnull(strstr(flags, " dc"));
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0) {
        g_assert_nonnull(strstr(flags, " hg"));
    } else {
        g_test_skip("this kernel has no transparent huge pages");
    }
}

static void test_ram_shared(void)
{
    ObjectOptions options = backend_options_ram(BACKEND_SIZE);
    g_autoptr(HostMemoryBackend) backend = NULL;
    char byte;

    options.u.memory_backend_ram.has_share = true;
    options.u.memory_backend_ram.share = true;
    backend = backend_make(&options);
    g_assert_true(backend->share);
    g_assert_cmpint(backend->fd, >=, 0);
    backend->host[5] = 'x';
    g_assert_cmpint(pread(backend->fd, &byte, 1, 5), ==, 1);
    g_assert_cmpint(byte, ==, 'x');
}

static void test_memfd(void)
{
    ObjectOptions options = backend_options_memfd(BACKEND_SIZE);
    g_autoptr(HostMemoryBackend) backend = backend_make(&options);
    char byte;

    g_assert_true(backend->share);
    g_assert_cmpint(backend->fd, >=, 0);
    g_assert_cmpuint(backend->fd_offset, ==, 0);
    g_assert_cmpuint(backend_allocated_bytes(backend->fd), ==, 0);
    backend->host[BACKEND_SIZE - 1] = 'x';
    g_assert_cmpint(pread(backend->fd, &byte, 1, BACKEND_SIZE - 1), ==, 1);
    g_assert_cmpint(byte, ==, 'x');
}

static void test_memfd_private(void)
{
    ObjectOptions options = backend_options_memfd(BACKEND_SIZE);
    g_autoptr(HostMemoryBackend) backend = NULL;
    char byte;

    options.u.memory_backend_memfd.has_share = true;
    options.u.memory_backend_memfd.share = false;
    backend = backend_make(&options);
    g_assert_false(backend->share);
    backend->host[5] = 'x';
    g_assert_cmpint(pread(backend->fd, &byte, 1, 5), ==, 1);
    g_assert_cmpint(byte, ==, 0);
}

/* Nobody can make the memfd shorter than the mapping, which would be fatal. */
static void test_memfd_is_sealed(void)
{
    ObjectOptions options = backend_options_memfd(BACKEND_SIZE);
    g_autoptr(HostMemoryBackend) backend = backend_make(&options);

    g_assert_cmpint(ftruncate(backend->fd, 0), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
}

static void test_memfd_hugetlbsize(void)
{
    ObjectOptions options = backend_options_memfd(BACKEND_SIZE);

    options.u.memory_backend_memfd.has_hugetlb = true;
    options.u.memory_backend_memfd.hugetlb = true;
    options.u.memory_backend_memfd.has_hugetlbsize = true;
    options.u.memory_backend_memfd.hugetlbsize = 3 * MiB;
    backend_assert_refused(
        &options,
        "memory backend 'm': hugetlbsize 3145728 is not a "
        "power of two");
}

static void test_memfd_hugetlbsize_alone(void)
{
    ObjectOptions options = backend_options_memfd(BACKEND_SIZE);

    options.u.memory_backend_memfd.has_hugetlbsize = true;
    options.u.memory_backend_memfd.hugetlbsize = 2 * MiB;
    backend_assert_refused(
        &options, "memory backend 'm': hugetlbsize needs hugetlb=on");
}

static void test_memfd_hugetlb_size(void)
{
    ObjectOptions options = backend_options_memfd(BACKEND_SIZE);
    Error *err = NULL;

    options.u.memory_backend_memfd.has_hugetlb = true;
    options.u.memory_backend_memfd.hugetlb = true;
    options.u.memory_backend_memfd.has_hugetlbsize = true;
    options.u.memory_backend_memfd.hugetlbsize = 2 * MiB;
    g_assert_null(host_memory_backend_new(&options, &err));
    if (strstr(error_get_pretty(err), "this host gives no memfd")) {
        g_test_skip("this host has no huge pages of 2 MiB");
    } else {
        g_assert_cmpstr(error_get_pretty(err), ==, "memory backend 'm': size "
                        "65536 is not a multiple of its page size, 2097152 "
                        "bytes");
    }
    error_free(err);
}

static void test_memfd_hugetlb(void)
{
    ObjectOptions options = backend_options_memfd(4 * MiB);
    g_autoptr(HostMemoryBackend) backend = NULL;
    g_autoptr(Error) err = NULL;

    options.u.memory_backend_memfd.has_hugetlb = true;
    options.u.memory_backend_memfd.hugetlb = true;
    options.u.memory_backend_memfd.has_hugetlbsize = true;
    options.u.memory_backend_memfd.hugetlbsize = 2 * MiB;
    backend = host_memory_backend_new(&options, &err);
    if (!backend) {
        /* What most hosts say: nobody has set huge pages aside. */
        g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                       "memory backend 'm': "));
        g_test_skip(error_get_pretty(err));
        return;
    }
    g_assert_true(backend->hugetlb);
    g_assert_cmpuint(backend->page_size, ==, 2 * MiB);
    memset(backend->host, 1, backend->size);
}

static void test_bad_size(const void *opaque)
{
    ObjectOptions options = backend_options_ram(5000);

    switch (GPOINTER_TO_INT(opaque)) {
    case 0:
        backend_assert_refused(
            &options,
            "memory backend 'm': size 5000 is not a "
            "multiple of its page size, 4096 bytes");
        options = backend_options_memfd(5000);
        backend_assert_refused(
            &options,
            "memory backend 'm': size 5000 is not a "
            "multiple of its page size, 4096 bytes");
        break;
    case 1:
        options = backend_options_ram(0);
        backend_assert_refused(
            &options,
            "memory backend 'm': size 0 is not possible");
        break;
    case 2:
        options = backend_options_ram(UINT64_MAX - 4095);
        backend_assert_refused(
            &options,
            "memory backend 'm': size "
            "18446744073709547520 is not possible");
        break;
    case 3:
        options = backend_options_ram(UINT64_C(1) << 62);
        backend_assert_refused(
            &options,
            "memory backend 'm': cannot map "
            "4611686018427387904 bytes: Cannot allocate memory");
        break;
    }
}

static void test_references(void)
{
    ObjectOptions options = backend_options_ram(BACKEND_SIZE);
    HostMemoryBackend *backend = backend_make(&options);

    g_assert_true(host_memory_backend_ref(backend) == backend);
    host_memory_backend_unref(backend);
    backend->host[0] = 1;
    host_memory_backend_unref(backend);
    host_memory_backend_unref(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/backend/ram/private", test_ram);
    g_test_add_func("/backend/ram/shared", test_ram_shared);
    g_test_add_func("/backend/ram/mapping-is-aligned",
                    test_mapping_is_aligned);
    g_test_add_data_func("/backend/ram/advice", GINT_TO_POINTER(false),
                         test_advice);
    g_test_add_data_func("/backend/memfd/advice", GINT_TO_POINTER(true),
                         test_advice);
    g_test_add_func("/backend/memfd/shared", test_memfd);
    g_test_add_func("/backend/memfd/private", test_memfd_private);
    g_test_add_func("/backend/memfd/is-sealed", test_memfd_is_sealed);
    g_test_add_func("/backend/memfd/hugetlb", test_memfd_hugetlb);
    g_test_add_func("/backend/memfd/hugetlbsize-is-no-power-of-two",
                    test_memfd_hugetlbsize);
    g_test_add_func("/backend/memfd/hugetlbsize-without-hugetlb",
                    test_memfd_hugetlbsize_alone);
    g_test_add_func("/backend/memfd/size-is-no-multiple-of-a-huge-page",
                    test_memfd_hugetlb_size);
    g_test_add_data_func("/backend/size/no-multiple-of-a-page",
                         GINT_TO_POINTER(0), test_bad_size);
    g_test_add_data_func("/backend/size/zero", GINT_TO_POINTER(1),
                         test_bad_size);
    g_test_add_data_func("/backend/size/negative", GINT_TO_POINTER(2),
                         test_bad_size);
    g_test_add_data_func("/backend/size/too-large", GINT_TO_POINTER(3),
                         test_bad_size);
    g_test_add_func("/backend/references", test_references);
    return g_test_run();
}
