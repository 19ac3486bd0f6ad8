/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content on its way from a channel to guest memory: right for every kind of
 * memory and every mix of runs, by the way that was meant, and an error where
 * there is no room.
 */
#include "qemu/osdep.h"
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include "memory/backend.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/bitops.h"
#include "qemu/thread.h"
#include "migration/multifd/recv-content.h"
#include "migration/multifd/recv-internal.h"
#include "tests/lib/channel-pair.h"
#include "tests/lib/small-tmpfs.h"
#include "tests/lib/thread-state.h"

#define NR_PAGES 1024
#define PACKET_PAGES 128
#define PAGES(n) ((size_t)(n) * TARGET_PAGE_SIZE)
#define AHEAD_BYTES 43008

/* What guest memory is. */
typedef enum MemoryKind {
    MEMORY_ANON,
    MEMORY_MEMFD,
    MEMORY_MEMFD_OFFSET,    /* mapped from its third page on */
    MEMORY_MEMFD_PRIVATE,
    MEMORY_DISK,            /* where the tests keep their files */
    MEMORY_KINDS,
} MemoryKind;

/* A channel with a block behind it, and the other end. */
typedef struct Rig {
    QIOChannel *peer;
    MultiFDRecv recv;           /* its lock for files alone */
    MultiFDRecvChannel c;
    HostMemoryBackend backend;
    RAMBlock block;
    ReceivedBlock rb;
    uint8_t *source;        /* PACKET_PAGES and a few bytes */
} Rig;

static int disk_file(void)
{
    g_autofree char *name = NULL;
    int fd = g_file_open_tmp(NULL, &name, NULL);

    g_assert_cmpint(fd, >=, 0);
    unlink(name);
    return fd;
}

/* The folder for temporary files may be in memory, too. */
static bool disk_is_memory(void)
{
    AUTO_FD int fd = disk_file();
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

static void rig_init_fd(Rig *rig, const void *pair, int fd, bool share,
                        uint64_t fd_offset)
{
    MultiFDRecvChannel *c = &rig->c;
    uint64_t v = 1;

    *rig = (Rig) { .backend = { .fd = fd, .share = share } };
    channel_pair_new(GPOINTER_TO_INT(pair), &rig->peer, &c->ioc);
    qemu_mutex_init(&rig->recv.file_lock);
    c->recv = &rig->recv;
    rig->backend.id = g_strdup("mem0");
    rig->backend.fd_offset = fd_offset;
    rig->backend.size = PAGES(NR_PAGES);
    rig->backend.host = mmap(NULL, PAGES(NR_PAGES), PROT_READ | PROT_WRITE,
                             (share ? MAP_SHARED : MAP_PRIVATE) |
                             (fd < 0 ? MAP_ANONYMOUS : 0), fd,
                             (off_t)fd_offset);
    g_assert_true(rig->backend.host != MAP_FAILED);
    madvise(rig->backend.host, PAGES(NR_PAGES), MADV_NOHUGEPAGE);
    g_strlcpy(rig->block.idstr, "ram", sizeof(rig->block.idstr));
    rig->block.host = rig->backend.host;
    rig->block.backend = &rig->backend;
    rig->block.nr_pages = NR_PAGES;
    rig->rb.block = &rig->block;
    rig->rb.received = bitmap_new(NR_PAGES);
    rig->rb.dirty = bitmap_new(NR_PAGES);
    c->page = g_new(uint64_t, PACKET_PAGES);
    c->iov = g_new(struct iovec, PACKET_PAGES);
    c->ahead = g_malloc(AHEAD_BYTES);
    rig->source = g_malloc(PAGES(PACKET_PAGES) + 8);
    for (size_t i = 0; i < PAGES(PACKET_PAGES) + 8; i += sizeof(v)) {
        v = v * 6364136223846793005ULL + 1442695040888963407ULL;
        memcpy(&rig->source[i], &v, sizeof(v));
    }
}

static void rig_init(Rig *rig, const void *pair, MemoryKind kind)
{
    uint64_t fd_offset = kind == MEMORY_MEMFD_OFFSET ? PAGES(2) : 0;
    int fd = -1;

    if (kind == MEMORY_DISK) {
        fd = disk_file();
    } else if (kind != MEMORY_ANON) {
        fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    if (fd >= 0) {
        g_assert_cmpint(ftruncate(fd, (off_t)(fd_offset + PAGES(NR_PAGES))),
                        ==, 0);
    }
    rig_init_fd(rig, pair, fd, kind != MEMORY_ANON &&
                               kind != MEMORY_MEMFD_PRIVATE, fd_offset);
}

static void rig_done(Rig *rig)
{
    munmap(rig->backend.host, PAGES(NR_PAGES));
    if (rig->backend.fd >= 0) {
        close(rig->backend.fd);
    }
    qio_channel_unref(rig->peer);
    qio_channel_unref(rig->c.ioc);
    qemu_mutex_destroy(&rig->recv.file_lock);
    g_free(rig->backend.id);
    g_free(rig->rb.received);
    g_free(rig->rb.dirty);
    g_free(rig->c.page);
    g_free(rig->c.iov);
    g_free(rig->c.ahead);
    g_free(rig->source);
}

/* Takes runs of the lengths in @runs (0: the end) with a page between each. */
static unsigned rig_set_runs(Rig *rig, uint64_t first, const unsigned *runs)
{
    uint64_t page = first;
    unsigned nr = 0;

    for (; *runs > 0; runs++, page++) {
        for (unsigned i = 0; i < *runs; i++) {
            rig->c.page[nr++] = page++;
        }
    }
    return nr;
}

static void rig_populate(Rig *rig, uint64_t page)
{
    memset(rig->block.host + PAGES(page), 'o', TARGET_PAGE_SIZE);
    set_bit(page, rig->rb.dirty);
}

/* What the peer writes, perhaps more than the socket takes at once. */
typedef struct Writer {
    Rig *rig;
    size_t from, to;
    QemuThread thread;
} Writer;

static void *write_thread(void *opaque)
{
    Writer *w = opaque;

    qio_channel_write_all(w->rig->peer, &w->rig->source[w->from],
                          w->to - w->from, NULL);
    return NULL;
}

/*
 * The content of @nr pages, of which @ahead bytes were read with the header.
 * Eight more bytes follow.
 */
static bool rig_receive(Rig *rig, unsigned nr, size_t ahead, Error **errp)
{
    Writer w = { .rig = rig, .to = PAGES(nr) + 8 };
    bool ok;

    w.from = MIN(ahead, w.to);
    memcpy(rig->c.ahead, rig->source, w.from);
    rig->c.ahead_pos = 0;
    rig->c.ahead_len = w.from;
    qemu_thread_create(&w.thread, "writer", write_thread, &w,
                       QEMU_THREAD_JOINABLE);
    ok = multifd_recv_content(&rig->c, &rig->rb, nr, errp);
    if (!ok) {
        qio_channel_shutdown(rig->peer, QIO_CHANNEL_SHUTDOWN_BOTH);
    }
    qemu_thread_join(&w.thread);
    return ok;
}

static void rig_assert_content(Rig *rig, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        uint64_t page = rig->c.page[i];

        g_assert_cmpmem(rig->block.host + PAGES(page), TARGET_PAGE_SIZE,
                        &rig->source[PAGES(i)], TARGET_PAGE_SIZE);
        g_assert_true(test_bit(page, rig->rb.received));
        g_assert_true(test_bit(page, rig->rb.dirty));
    }
    g_assert_cmpuint(bitmap_count_one(rig->rb.received, NR_PAGES), ==, nr);
}

/* The eight bytes behind the content are there, and nothing before them. */
static void rig_assert_rest(Rig *rig, unsigned nr)
{
    size_t left = rig->c.ahead_len - rig->c.ahead_pos;
    uint8_t rest[8];

    memcpy(rest, &rig->c.ahead[rig->c.ahead_pos], left);
    g_assert_true(qio_channel_read_all(rig->c.ioc, rest + left, 8 - left,
                                       NULL));
    g_assert_cmpmem(rest, 8, &rig->source[PAGES(nr)], 8);
}

static const unsigned mixed_runs[] = { 1, 2, 3, 20, 1, 7, 8, 9, 40, 1, 1, 0 };

static void receive_mixed(const void *pair, MemoryKind kind, size_t ahead)
{
    Error *err = NULL;
    unsigned nr;
    Rig rig;

    rig_init(&rig, pair, kind);
    nr = rig_set_runs(&rig, 3, mixed_runs);
    /* In a long run, at the start of one, and a short one as a whole. */
    rig_populate(&rig, rig.c.page[15]);
    rig_populate(&rig, rig.c.page[16]);
    rig_populate(&rig, rig.c.page[51]);
    rig_populate(&rig, rig.c.page[0]);
    g_assert_true(rig_receive(&rig, nr, ahead, &err));
    g_assert_null(err);
    rig_assert_content(&rig, nr);
    rig_assert_rest(&rig, nr);
    /* And what is between the runs is as it was. */
    g_assert_cmpint(rig.block.host[PAGES(4)], ==, 0);
    g_assert_cmpint(rig.block.host[PAGES(2)], ==, 0);
    rig_done(&rig);
}

static void test_mixed(const void *pair)
{
    for (MemoryKind kind = 0; kind < MEMORY_KINDS; kind++) {
        receive_mixed(pair, kind, 0);
    }
}

static void test_ahead(const void *pair)
{
    static const size_t ahead[] = {
        1, 4095, 4096, 5000, PAGES(3), PAGES(7) + 17, AHEAD_BYTES,
    };

    for (MemoryKind kind = 0; kind < MEMORY_KINDS; kind++) {
        for (unsigned i = 0; i < ARRAY_SIZE(ahead); i++) {
            receive_mixed(pair, kind, ahead[i]);
        }
    }
}

/* Headers of packets to come are left where they are. */
static void test_more_ahead_than_content(const void *pair)
{
    for (MemoryKind kind = 0; kind < MEMORY_KINDS; kind++) {
        Error *err = NULL;
        Rig rig;

        rig_init(&rig, pair, kind);
        rig.c.page[0] = 5;
        rig.c.page[1] = 7;
        g_assert_true(rig_receive(&rig, 2, PAGES(2) + 8, &err));
        g_assert_cmpuint(rig.c.ahead_pos, ==, PAGES(2));
        rig_assert_content(&rig, 2);
        rig_assert_rest(&rig, 2);
        rig_done(&rig);
    }
}

/* Whether our page table has an entry for the page: what a fault leaves. */
static bool is_mapped(const Rig *rig, uint64_t page)
{
    AUTO_FD int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    uintptr_t host = (uintptr_t)rig->block.host + PAGES(page);
    uint64_t entry = 0;

    g_assert_cmpint(pread(fd, &entry, sizeof(entry),
                          (off_t)(host / TARGET_PAGE_SIZE * sizeof(entry))),
                    ==, sizeof(entry));
    return entry >> 63;
}

/* Runs that are long enough to go to a file, each for itself. */
static void assert_ways(const void *pair, MemoryKind kind, bool faults)
{
    static const unsigned runs[] = { 8, 30, 9, 0 };
    Error *err = NULL;
    unsigned nr;
    Rig rig;

    rig_init(&rig, pair, kind);
    nr = rig_set_runs(&rig, 100, runs);
    g_assert_true(rig_receive(&rig, nr, 0, &err));
    for (unsigned i = 0; i < nr; i++) {
        g_assert_cmpint(is_mapped(&rig, rig.c.page[i]), ==, faults);
    }
    rig_assert_content(&rig, nr);
    rig_done(&rig);
}

static void test_fresh_shared_memory_has_no_faults(const void *pair)
{
    assert_ways(pair, MEMORY_MEMFD, false);
    assert_ways(pair, MEMORY_MEMFD_OFFSET, false);
}

/* Another channel writes to it: this one does what it can do meanwhile. */
static void test_a_busy_file_is_not_waited_for(const void *pair)
{
    static const unsigned runs[] = { 30, 0 };
    Error *err = NULL;
    unsigned nr;
    Rig rig;

    rig_init(&rig, pair, MEMORY_MEMFD);
    nr = rig_set_runs(&rig, 100, runs);
    WITH_QEMU_LOCK_GUARD(&rig.recv.file_lock) {
        g_assert_true(rig_receive(&rig, nr, 0, &err));
    }
    for (unsigned i = 0; i < nr; i++) {
        g_assert_true(is_mapped(&rig, rig.c.page[i]));
    }
    rig_assert_content(&rig, nr);
    rig_done(&rig);
}

static void test_other_memory_is_mapped(const void *pair)
{
    assert_ways(pair, MEMORY_ANON, true);
    assert_ways(pair, MEMORY_MEMFD_PRIVATE, true);
    assert_ways(pair, MEMORY_DISK, !disk_is_memory());
}

/* Content that must not go to the file gets to its place all the same. */
static void receive_around_file(Rig *rig)
{
    static const unsigned runs[] = { 1, 30, 2, 0 };
    unsigned nr = rig_set_runs(rig, 100, runs);
    Error *err = NULL;

    g_assert_true(rig_receive(rig, nr, 100, &err));
    g_assert_true(is_mapped(rig, rig->c.page[nr - 1]));
    g_assert_true(is_mapped(rig, rig->c.page[3]));
    rig_assert_content(rig, nr);
}

static void test_private_file_stays_as_it_is(const void *pair)
{
    static const uint8_t zero[PAGES(50)];
    uint8_t got[PAGES(50)];
    Rig rig;

    rig_init(&rig, pair, MEMORY_MEMFD_PRIVATE);
    receive_around_file(&rig);
    g_assert_cmpint(pread(rig.backend.fd, got, sizeof(got), PAGES(100)), ==,
                    sizeof(got));
    g_assert_cmpmem(got, sizeof(got), zero, sizeof(zero));
    rig_done(&rig);
}

static void test_short_file_does_not_grow(const void *pair)
{
    struct stat st;
    Rig rig;

    rig_init(&rig, pair, MEMORY_MEMFD);
    g_assert_cmpint(ftruncate(rig.backend.fd, (off_t)PAGES(500)), ==, 0);
    receive_around_file(&rig);
    g_assert_cmpint(fstat(rig.backend.fd, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, PAGES(500));
    rig_done(&rig);
}

static void test_sealed_file(const void *pair)
{
#ifdef F_SEAL_FUTURE_WRITE
    Rig rig;

    rig_init(&rig, pair, MEMORY_MEMFD);
    if (fcntl(rig.backend.fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) < 0) {
        g_test_skip("this kernel has no F_SEAL_FUTURE_WRITE");
    } else {
        receive_around_file(&rig);
    }
    rig_done(&rig);
#else
    g_test_skip("the C library has no F_SEAL_FUTURE_WRITE");
#endif
}

/* A write past this limit would be a signal; a mapping does not care. */
static void test_limited_file_size(const void *pair)
{
    struct rlimit before, low;
    Rig rig;

    rig_init(&rig, pair, MEMORY_MEMFD);
    getrlimit(RLIMIT_FSIZE, &before);
    low = (struct rlimit) { PAGES(10), before.rlim_max };
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &low), ==, 0);
    receive_around_file(&rig);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    rig_done(&rig);
}

static void assert_no_room(const void *pair, const unsigned *runs,
                           size_t ahead, bool fresh, const char *pattern)
{
    int fd = small_tmpfs_file(PAGES(2), PAGES(NR_PAGES));
    Error *err = NULL;
    unsigned nr;
    Rig rig;

    if (fd < 0) {
        g_test_skip("this process may not make a file system");
        return;
    }
    rig_init_fd(&rig, pair, fd, true, 0);
    nr = rig_set_runs(&rig, 0, runs);
    for (unsigned i = 0; !fresh && i < nr; i++) {
        set_bit(rig.c.page[i], rig.rb.dirty);
    }
    g_assert_false(rig_receive(&rig, nr, ahead, &err));
    if (!g_pattern_match_simple(pattern, error_get_pretty(err))) {
        g_test_message("got: %s", error_get_pretty(err));
        g_test_fail();
    }
    error_free(err);
    rig_done(&rig);
}

static void test_no_room(const void *pair)
{
    static const unsigned single[] = { 1, 1, 1, 1, 1, 1, 0 };
    static const unsigned many[] = { 40, 0 };

    assert_no_room(pair, single, 0, true, "Memory backend 'mem0': the "
                   "host has no room *No space left on device");
    assert_no_room(pair, many, 0, true, "*No space left on device");
    assert_no_room(pair, many, PAGES(5), true, "*No space left on device");
    /* A lost race: somebody has punched the hole since. */
    assert_no_room(pair, many, PAGES(5), false, "Memory backend 'mem0': the "
                   "host has no room *");
    assert_no_room(pair, many, 0, false, "Memory backend 'mem0': the host has "
                   "no room *");
}

static void assert_end(const void *pair, MemoryKind kind, unsigned run,
                       size_t written, const char *pattern)
{
    Error *err = NULL;
    Rig rig;

    rig_init(&rig, pair, kind);
    g_assert_true(qio_channel_write_all(rig.peer, rig.source, written, NULL));
    qio_channel_unref(g_steal_pointer(&rig.peer));
    for (unsigned i = 0; i < run; i++) {
        rig.c.page[i] = i;
    }
    g_assert_false(multifd_recv_content(&rig.c, &rig.rb, run, &err));
    if (!g_pattern_match_simple(pattern, error_get_pretty(err))) {
        g_test_message("got: %s", error_get_pretty(err));
        g_test_fail();
    }
    /* It may have been written in part: a later zero page has to clear it. */
    g_assert_true(test_bit(0, rig.rb.dirty));
    error_free(err);
    rig_done(&rig);
}

static void test_end_of_stream(const void *pair)
{
    for (MemoryKind kind = 0; kind < MEMORY_KINDS; kind++) {
        assert_end(pair, kind, 2, 0, "socket: packet 0: the stream ended "
                   "before the content of its 2 pages");
        assert_end(pair, kind, 30, 0, "socket: packet 0: the stream ended "
                   "before the content of its 30 pages");
        assert_end(pair, kind, 2, 5000,
                   "socket: the stream ended after 5000 of 8192 bytes");
        assert_end(pair, kind, 30, 5000,
                   "socket: the stream ended after 5000 of 122880 bytes");
    }
}

typedef struct Reader {
    Rig rig;
    unsigned nr;
    int tid;
    bool ok;
    Error *err;
    QemuThread thread;
} Reader;

static void *read_thread(void *opaque)
{
    Reader *r = opaque;

    qatomic_set(&r->tid, qemu_get_thread_id());
    r->ok = multifd_recv_content(&r->rig.c, &r->rig.rb, r->nr, &r->err);
    return NULL;
}

static void assert_shutdown_wakes(const void *pair, unsigned run)
{
    Reader r = { .nr = run };

    rig_init(&r.rig, pair, MEMORY_MEMFD);
    for (unsigned i = 0; i < run; i++) {
        r.rig.c.page[i] = i;
    }
    qemu_thread_create(&r.thread, "reader", read_thread, &r,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&r.tid);
    qio_channel_shutdown(r.rig.c.ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&r.thread);
    g_assert_false(r.ok);
    g_assert_nonnull(r.err);
    error_free(r.err);
    rig_done(&r.rig);
}

static void test_shutdown(const void *pair)
{
    assert_shutdown_wakes(pair, 1);
    assert_shutdown_wakes(pair, 30);
}

static void add_both(const char *path, GTestDataFunc func)
{
    g_autofree char *unix_path = g_strconcat("/recv-content/unix/", path, NULL);
    g_autofree char *tcp_path = g_strconcat("/recv-content/tcp/", path, NULL);

    g_test_add_data_func(unix_path, GINT_TO_POINTER(CHANNEL_PAIR_UNIX), func);
    g_test_add_data_func(tcp_path, GINT_TO_POINTER(CHANNEL_PAIR_TCP), func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_both("runs-of-all-lengths", test_mixed);
    add_both("bytes-read-ahead", test_ahead);
    add_both("more-ahead-than-content", test_more_ahead_than_content);
    add_both("fresh-shared-memory-has-no-faults",
             test_fresh_shared_memory_has_no_faults);
    add_both("a-busy-file-is-not-waited-for",
             test_a_busy_file_is_not_waited_for);
    add_both("other-memory-is-mapped", test_other_memory_is_mapped);
    add_both("a-private-file-stays-as-it-is",
             test_private_file_stays_as_it_is);
    add_both("a-short-file-does-not-grow", test_short_file_does_not_grow);
    add_both("a-sealed-file", test_sealed_file);
    add_both("a-limited-file-size", test_limited_file_size);
    add_both("no-room", test_no_room);
    add_both("end-of-stream", test_end_of_stream);
    add_both("shutdown-wakes-a-blocked-reader", test_shutdown);
    return g_test_run();
}
