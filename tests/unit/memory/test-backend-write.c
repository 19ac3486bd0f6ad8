/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of memory/backend-write.c: which memory takes writes to its file, and
 * that content arrives whatever is in the way.
 */
#include "qemu/osdep.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "memory/backend-write.h"
#include "memory/backend.h"
#include "memory/ram.h"
#include "qapi/error.h"
#include "ram-fixture.h"

#define PAGES 16

static RamList *make_ram(RamFixtureKind kind)
{
    const RamFixtureBlock block = { "m", PAGES << TARGET_PAGE_BITS, kind };

    return ram_fixture_new(&block, 1);
}

static bool kind_takes_writes(RamFixtureKind kind)
{
    g_autoptr(RamList) list = make_ram(kind);

    return host_memory_backend_takes_writes(ram_list_block(list, 0)->backend);
}

static void test_only_shared_memory_on_tmpfs_takes_writes(void)
{
    g_assert_true(kind_takes_writes(RAM_FIXTURE_MEMFD));
    g_assert_false(kind_takes_writes(RAM_FIXTURE_ANON));
    g_assert_false(kind_takes_writes(RAM_FIXTURE_FILE_PRIVATE));
    g_assert_false(host_memory_backend_takes_writes(NULL));
}

/* A descriptor of the test's own, for seals: backends may have sealed theirs. */
static bool sealed_takes_writes(unsigned seals, off_t file_bytes)
{
    int fd = memfd_create("m", MFD_ALLOW_SEALING);
    HostMemoryBackend backend = {
        .id = (char *)"m",
        .size = PAGES << TARGET_PAGE_BITS,
        .fd = fd,
        .share = true,
    };
    bool takes;

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, file_bytes), ==, 0);
    if (seals) {
        g_assert_cmpint(fcntl(fd, F_ADD_SEALS, seals), ==, 0);
    }
    takes = host_memory_backend_takes_writes(&backend);
    close(fd);
    return takes;
}

static void test_a_seal_or_a_short_file_takes_none(void)
{
    off_t size = PAGES << TARGET_PAGE_BITS;

    g_assert_true(sealed_takes_writes(0, size));
    g_assert_true(sealed_takes_writes(F_SEAL_SHRINK | F_SEAL_GROW, size));
    g_assert_false(sealed_takes_writes(F_SEAL_WRITE, size));
    g_assert_false(sealed_takes_writes(0, size - 1));
}

static struct rlimit limit_files(rlim_t bytes)
{
    struct rlimit before, limit;

    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    limit = before;
    limit.rlim_cur = bytes;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    return before;
}

static void test_a_limit_on_files_takes_none(void)
{
    struct rlimit before;
    g_autoptr(RamList) list = make_ram(RAM_FIXTURE_MEMFD);
    const HostMemoryBackend *backend = ram_list_block(list, 0)->backend;
    bool less, just;

    before = limit_files((PAGES << TARGET_PAGE_BITS) - 1);
    less = host_memory_backend_takes_writes(backend);
    setrlimit(RLIMIT_FSIZE, &before);
    before = limit_files(PAGES << TARGET_PAGE_BITS);
    just = host_memory_backend_takes_writes(backend);
    setrlimit(RLIMIT_FSIZE, &before);
    g_assert_false(less);
    g_assert_true(just);
}

/* Three pages from the fourth on, each from a place of its own. */
static void write_pages(const HostMemoryBackend *backend)
{
    uint8_t content[3][TARGET_PAGE_SIZE];
    struct iovec iov[3];
    Error *err = NULL;

    for (unsigned i = 0; i < 3; i++) {
        memset(content[i], 0x30 + (int)i, TARGET_PAGE_SIZE);
        iov[2 - i] = (struct iovec) { content[i], TARGET_PAGE_SIZE };
    }
    host_memory_backend_write(backend, 3 * TARGET_PAGE_SIZE, iov, 3, &err);
    g_assert_null(err);
}

static void assert_written(const HostMemoryBackend *backend)
{
    for (unsigned at = 0; at < PAGES << TARGET_PAGE_BITS; at++) {
        unsigned page = at >> TARGET_PAGE_BITS;

        g_assert_cmphex(backend->host[at], ==,
                        page >= 3 && page < 6 ? 0x30 + 5 - page : 0);
    }
}

static void test_content_arrives(void)
{
    g_autoptr(RamList) list = make_ram(RAM_FIXTURE_MEMFD);
    const HostMemoryBackend *backend = ram_list_block(list, 0)->backend;

    write_pages(backend);
    g_assert_cmpuint(ram_fixture_populated_pages(list), ==, 3);
    assert_written(backend);
}

/* In the middle of the second page; SIGXFSZ is ignored, so a write is refused. */
static void test_what_a_file_refuses_is_copied(void)
{
    g_autoptr(RamList) list = make_ram(RAM_FIXTURE_MEMFD);
    const HostMemoryBackend *backend = ram_list_block(list, 0)->backend;
    struct rlimit before;

    signal(SIGXFSZ, SIG_IGN);
    before = limit_files(4 * TARGET_PAGE_SIZE + 1000);
    write_pages(backend);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    assert_written(backend);
}

/* Behind the end of its file nothing can be put: an error, and no signal. */
static void test_no_room_is_an_error(void)
{
    g_autoptr(RamList) list = make_ram(RAM_FIXTURE_FILE_SHARED);
    const HostMemoryBackend *backend = ram_list_block(list, 0)->backend;
    Error *err = NULL;

    g_assert_true(host_memory_backend_make_room(backend, 0, TARGET_PAGE_SIZE,
                                                &err));
    if (ram_fixture_populated_pages(list) == 0) {
        g_test_skip("the kernel does not populate memory on demand");
        return;
    }
    g_assert_cmpint(ftruncate(backend->fd, 8 * TARGET_PAGE_SIZE), ==, 0);
    g_assert_false(host_memory_backend_make_room(
        backend, 8 * TARGET_PAGE_SIZE, TARGET_PAGE_SIZE, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "backend 'm': the host has "
                            "no room"));
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/backend-write/only-shared-memory-on-tmpfs-takes-writes",
                    test_only_shared_memory_on_tmpfs_takes_writes);
    g_test_add_func("/backend-write/a-seal-or-a-short-file-takes-none",
                    test_a_seal_or_a_short_file_takes_none);
    g_test_add_func("/backend-write/a-limit-on-files-takes-none",
                    test_a_limit_on_files_takes_none);
    g_test_add_func("/backend-write/content-arrives", test_content_arrives);
    g_test_add_func("/backend-write/what-a-file-refuses-is-copied",
                    test_what_a_file_refuses_is_copied);
    g_test_add_func("/backend-write/no-room-is-an-error",
                    test_no_room_is_an_error);
    return g_test_run();
}
