/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending by reference over tcp: that what arrives is right, that a flush waits
 * and says what it found, and every way in which it can fail.
 *
 * Over the loopback the kernel copies all the same, once the receiver has room:
 * what a flush finds there is a miss.
 */
#include "qemu/osdep.h"
#include <grp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include "channel-pair.h"
#include "io/channel-buffer.h"
#include "io/channel-zero-copy.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "thread-state.h"

#define PAGE 4096
/* Enough to go by reference, and to fit into any socket's buffer. */
#define FEW 16
/* More than a receiver takes that has been told to take little. */
#define WAITING 64
/* More than all buffers between the ends. */
#define MANY (16 * 1024)
/* Of one write, as a packet has them. */
#define PACKET 128
#define HEADER 100

/* One end writes, the other reads. */
typedef struct Rig {
    QIOChannel *out;
    QIOChannel *in;
    uint8_t *memory;            /* MANY pages */
} Rig;

/* A thread that reads or flushes, and what came of it. */
typedef struct Worker {
    Rig *rig;
    int tid;
    uint8_t *got;
    QIOChannelZeroCopy found;
    Error *err;
} Worker;

static void rig_init_limits(Rig *rig, unsigned max_writes, size_t max_bytes)
{
    uint64_t v = 1;
    Error *err = NULL;

    channel_pair_new(CHANNEL_PAIR_TCP, &rig->out, &rig->in);
    qio_channel_set_name(rig->out, "multifd channel 3");
    if (max_writes > 0) {
        qio_channel_set_zero_copy(rig->out, max_writes, max_bytes, &err);
        g_assert_null(err);
    }
    rig->memory = mmap(NULL, MANY * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(rig->memory != MAP_FAILED);
    for (size_t i = 0; i < MANY * PAGE; i += sizeof(v)) {
        v = v * 6364136223846793005ULL + 1442695040888963407ULL;
        memcpy(&rig->memory[i], &v, sizeof(v));
    }
}

static void rig_init(Rig *rig, unsigned max_writes)
{
    rig_init_limits(rig, max_writes, SIZE_MAX);
}

static void rig_done(Rig *rig)
{
    munmap(rig->memory, MANY * PAGE);
    qio_channel_unref(rig->out);
    qio_channel_unref(rig->in);
}

static bool write_pages(Rig *rig, size_t first, size_t nr_pages, Error **errp)
{
    struct iovec iov = { &rig->memory[first * PAGE], nr_pages * PAGE };

    return qio_channel_writev_stable_all(rig->out, &iov, 1, 0, errp);
}

static QIOChannelZeroCopy flush(Rig *rig)
{
    Error *err = NULL;
    QIOChannelZeroCopy found = qio_channel_flush_zero_copy(rig->out, &err);

    g_assert_null(err);
    return found;
}

static void assert_arrives(Rig *rig, size_t first, size_t nr_pages)
{
    g_autofree uint8_t *got = g_malloc(nr_pages * PAGE);
    Error *err = NULL;

    qio_channel_read_all(rig->in, got, nr_pages * PAGE, &err);
    g_assert_null(err);
    g_assert_cmpint(memcmp(got, &rig->memory[first * PAGE], nr_pages * PAGE),
                    ==, 0);
}

static void *read_many(void *opaque)
{
    Worker *w = opaque;

    qio_channel_read_all(w->rig->in, w->got, MANY * PAGE, &w->err);
    return NULL;
}

static void *flush_thread(void *opaque)
{
    Worker *w = opaque;

    qatomic_set(&w->tid, qemu_get_thread_id());
    w->found = qio_channel_flush_zero_copy(w->rig->out, &w->err);
    return NULL;
}

static void test_a_flush_tells_that_the_loopback_copies(void)
{
    Rig rig;

    rig_init(&rig, UINT_MAX);
    g_assert_true(write_pages(&rig, 0, FEW, NULL));
    assert_arrives(&rig, 0, FEW);
    g_assert_cmpint(flush(&rig), ==, QIO_CHANNEL_ZERO_COPY_MISSED);
    /* It is told once. */
    g_assert_cmpint(flush(&rig), ==, QIO_CHANNEL_ZERO_COPY_DONE);
    g_assert_true(write_pages(&rig, FEW, FEW, NULL));
    assert_arrives(&rig, FEW, FEW);
    g_assert_cmpint(flush(&rig), ==, QIO_CHANNEL_ZERO_COPY_MISSED);
    rig_done(&rig);
}

static void test_a_flush_of_nothing(void)
{
    Rig rig;

    rig_init(&rig, UINT_MAX);
    g_assert_cmpint(flush(&rig), ==, QIO_CHANNEL_ZERO_COPY_DONE);
    rig_done(&rig);
}

/* Without being told to, tcp copies, and a flush has nothing to wait for. */
static void test_not_switched_on(void)
{
    Rig rig;

    rig_init(&rig, 0);
    g_assert_true(write_pages(&rig, 0, FEW, NULL));
    g_assert_cmpint(flush(&rig), ==, QIO_CHANNEL_ZERO_COPY_DONE);
    assert_arrives(&rig, 0, FEW);
    rig_done(&rig);
}

static void test_what_does_not_pay_is_copied(void)
{
    Rig rig;

    rig_init(&rig, UINT_MAX);
    g_assert_true(write_pages(&rig, 0, 1, NULL));
    g_assert_cmpint(flush(&rig), ==, QIO_CHANNEL_ZERO_COPY_DONE);
    assert_arrives(&rig, 0, 1);
    rig_done(&rig);
}

/* The receiver has room for a part of what was written, and does not read. */
static void fill(Rig *rig, size_t nr_pages)
{
    int small = 4096, large = (int)(2 * nr_pages * PAGE);

    g_assert_cmpint(setsockopt(qio_channel_get_fd(rig->in), SOL_SOCKET,
                               SO_RCVBUF, &small, sizeof(small)), ==, 0);
    g_assert_cmpint(setsockopt(qio_channel_get_fd(rig->out), SOL_SOCKET,
                               SO_SNDBUF, &large, sizeof(large)), ==, 0);
    g_assert_true(write_pages(rig, 0, nr_pages, NULL));
}

/* What waits in the sender goes by reference, and changes with its memory. */
static void test_pages_go_by_reference(void)
{
    g_autofree uint8_t *got = g_malloc(WAITING * PAGE);
    uint8_t *last;
    Error *err = NULL;
    Rig rig;

    rig_init(&rig, UINT_MAX);
    last = &rig.memory[(WAITING - 1) * PAGE];
    memset(last, 'a', PAGE);
    fill(&rig, WAITING);
    memset(last, 'b', PAGE);
    qio_channel_read_all(rig.in, got, WAITING * PAGE, &err);
    g_assert_null(err);
    g_assert_cmpint(memcmp(got, rig.memory, WAITING * PAGE), ==, 0);
    rig_done(&rig);
}

/* And headers do not, though they wait behind that. */
static void test_headers_are_copied(void)
{
    uint8_t header[HEADER], got[HEADER];
    Error *err = NULL;
    Rig rig;

    rig_init(&rig, UINT_MAX);
    fill(&rig, WAITING);
    memset(header, 'a', HEADER);
    qio_channel_writev_stable_all(rig.out, (struct iovec[]) {
        { header, HEADER / 2 }, { &header[HEADER / 2], HEADER / 2 },
        { rig.memory, FEW * PAGE },
    }, 3, 2, &err);
    g_assert_null(err);
    memset(header, 'b', HEADER);
    assert_arrives(&rig, 0, WAITING);
    g_assert_true(qio_channel_read_all(rig.in, got, HEADER, NULL));
    memset(header, 'a', HEADER);
    g_assert_cmpmem(got, HEADER, header, HEADER);
    assert_arrives(&rig, 0, FEW);
    rig_done(&rig);
}

/* Header by copy and pages by reference, packet by packet, all in order. */
static void move_many(Rig *rig)
{
    Worker w = { .rig = rig, .got = g_malloc0(MANY * PAGE) };
    QemuThread thread;

    qemu_thread_create(&thread, "reader", read_many, &w, QEMU_THREAD_JOINABLE);
    for (size_t i = 0; i < MANY; i += PACKET) {
        struct iovec iov[] = {
            { &rig->memory[i * PAGE], PAGE },
            { &rig->memory[(i + 1) * PAGE], (PACKET - 1) * PAGE },
        };
        Error *err = NULL;

        qio_channel_writev_stable_all(rig->out, iov, ARRAY_SIZE(iov), 1, &err);
        g_assert_null(err);
    }
    flush(rig);
    qemu_thread_join(&thread);
    g_assert_null(w.err);
    g_assert_cmpint(memcmp(w.got, rig->memory, MANY * PAGE), ==, 0);
    g_free(w.got);
}

static void test_many_packets(const void *opaque)
{
    Rig rig;

    rig_init(&rig, GPOINTER_TO_UINT(opaque));
    move_many(&rig);
    rig_done(&rig);
}

static void test_a_flush_waits_for_the_peer(void)
{
    Rig rig;
    Worker w = { .rig = &rig };
    QemuThread thread;

    rig_init(&rig, UINT_MAX);
    fill(&rig, WAITING);
    qemu_thread_create(&thread, "flush", flush_thread, &w,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&w.tid);
    assert_arrives(&rig, 0, WAITING);
    qemu_thread_join(&thread);
    g_assert_null(w.err);
    g_assert_cmpint(w.found, ==, QIO_CHANNEL_ZERO_COPY_MISSED);
    rig_done(&rig);
}

static void test_a_shutdown_wakes_a_flush(void)
{
    Rig rig;
    Worker w = { .rig = &rig };
    QemuThread thread;

    rig_init(&rig, UINT_MAX);
    fill(&rig, WAITING);
    qemu_thread_create(&thread, "flush", flush_thread, &w,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&w.tid);
    qio_channel_shutdown(rig.out, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&thread);
    g_assert_cmpint(w.found, ==, QIO_CHANNEL_ZERO_COPY_FAILED);
    g_assert_cmpstr(error_get_pretty(w.err), ==,
                    "multifd channel 3: cannot write: the channel was shut"
                    " down");
    error_free(w.err);
    rig_done(&rig);
}

/* A peer that closes with bytes unread resets the connection. */
static void test_a_peer_that_leaves_ends_a_flush(void)
{
    Rig rig;
    Worker w = { .rig = &rig };
    QemuThread thread;

    rig_init(&rig, UINT_MAX);
    fill(&rig, WAITING);
    qemu_thread_create(&thread, "flush", flush_thread, &w,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&w.tid);
    g_clear_pointer(&rig.in, qio_channel_unref);
    qemu_thread_join(&thread);
    /* What was dropped with the connection may count as done. */
    if (w.found == QIO_CHANNEL_ZERO_COPY_FAILED) {
        g_assert_true(g_str_has_prefix(error_get_pretty(w.err),
                                       "multifd channel 3: cannot write: "));
    }
    error_free(w.err);
    w.err = NULL;
    g_assert_false(write_pages(&rig, 0, FEW, &w.err));
    g_assert_true(g_str_has_prefix(error_get_pretty(w.err),
                                   "multifd channel 3: cannot write: "));
    error_free(w.err);
    rig_done(&rig);
}

/* Content that goes by reference may be gone before it is sent. */
static void test_memory_may_be_unmapped(void)
{
    g_autofree uint8_t *got = g_malloc(WAITING * PAGE);
    g_autofree uint8_t *want = g_malloc(WAITING * PAGE);
    Error *err = NULL;
    Rig rig;

    rig_init(&rig, UINT_MAX);
    memcpy(want, rig.memory, WAITING * PAGE);
    fill(&rig, WAITING);
    g_assert_cmpint(munmap(rig.memory, WAITING * PAGE), ==, 0);
    qio_channel_read_all(rig.in, got, WAITING * PAGE, &err);
    g_assert_null(err);
    g_assert_cmpint(memcmp(got, want, WAITING * PAGE), ==, 0);
    rig_done(&rig);
}

static void test_kinds_that_cannot(void)
{
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;
    g_autoptr(QIOChannel) memory = qio_channel_buffer_new(0);
    Error *err = NULL;

    channel_pair_new(CHANNEL_PAIR_UNIX, &a, &b);
    qio_channel_set_name(a, "multifd channel 0");
    g_assert_false(qio_channel_set_zero_copy(a, 1, PAGE, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "multifd channel 0: a unix socket has no zero-copy-send;"
                    " use tcp, or do without it");
    error_free(err);
    err = NULL;
    g_assert_false(qio_channel_set_zero_copy(memory, 1, PAGE, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "has no zero-copy-send"));
    error_free(err);
    g_assert_cmpint(qio_channel_flush_zero_copy(memory, NULL), ==,
                    QIO_CHANNEL_ZERO_COPY_DONE);
    g_assert_cmpint(qio_channel_flush_zero_copy(a, NULL), ==,
                    QIO_CHANNEL_ZERO_COPY_DONE);
}

/* Writes that are cut, in the middle of an entry, too. */
static void test_small_writes(void)
{
    Rig rig;

    rig_init_limits(&rig, 2, 5 * PAGE + 1);
    move_many(&rig);
    rig_done(&rig);
}

/* A limit below a packet: whole entries, as many as fit. */
static void test_writes_of_some_entries(void)
{
    struct iovec iov[FEW];
    Error *err = NULL;
    Rig rig;

    rig_init_limits(&rig, 1, 3 * PAGE);
    for (size_t i = 0; i < FEW; i++) {
        iov[i] = (struct iovec) { &rig.memory[i * PAGE], PAGE };
    }
    qio_channel_writev_stable_all(rig.out, iov, FEW, 0, &err);
    g_assert_null(err);
    assert_arrives(&rig, 0, FEW);
    g_assert_cmpint(flush(&rig), ==, QIO_CHANNEL_ZERO_COPY_MISSED);
    rig_done(&rig);
}

/*
 * The limit of locked memory is one for all processes of a user, and root has
 * none: so this becomes a user that nobody else is.
 */
static void become_limited(rlim_t limit_bytes)
{
    struct rlimit limit = { limit_bytes, limit_bytes };
    uid_t uid = 1000000 + (uid_t)getpid();

    g_assert_cmpint(setrlimit(RLIMIT_MEMLOCK, &limit), ==, 0);
    if (geteuid() == 0) {
        g_assert_cmpint(setgroups(0, NULL), ==, 0);
        g_assert_cmpint(setresgid(uid, uid, uid), ==, 0);
        g_assert_cmpint(setresuid(uid, uid, uid), ==, 0);
    }
}

static void test_no_locked_memory(void)
{
    Error *err = NULL;
    Rig rig;

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
        g_test_trap_assert_passed();
        return;
    }
    rig_init(&rig, UINT_MAX);
    become_limited(0);
    g_assert_false(write_pages(&rig, 0, FEW, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "multifd channel 3: cannot send without a copy: the kernel"
                    " refuses to lock the memory; RLIMIT_MEMLOCK (ulimit -l) is"
                    " 0 bytes for all processes of the user: raise it, or do"
                    " without zero-copy-send");
    error_free(err);
    rig_done(&rig);
}

/* Room for two writes: the third waits until one is done. */
static void test_little_locked_memory(void)
{
    Rig rig;

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
        g_test_trap_assert_passed();
        return;
    }
    rig_init(&rig, UINT_MAX);
    become_limited(2 * (PACKET + 4) * PAGE);
    move_many(&rig);
    rig_done(&rig);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel-zero-copy/flush/missed",
                    test_a_flush_tells_that_the_loopback_copies);
    g_test_add_func("/channel-zero-copy/flush/nothing",
                    test_a_flush_of_nothing);
    g_test_add_func("/channel-zero-copy/flush/waits",
                    test_a_flush_waits_for_the_peer);
    g_test_add_func("/channel-zero-copy/flush/shutdown",
                    test_a_shutdown_wakes_a_flush);
    g_test_add_func("/channel-zero-copy/flush/peer-leaves",
                    test_a_peer_that_leaves_ends_a_flush);
    g_test_add_func("/channel-zero-copy/off", test_not_switched_on);
    g_test_add_func("/channel-zero-copy/little-is-copied",
                    test_what_does_not_pay_is_copied);
    g_test_add_func("/channel-zero-copy/pages-go-by-reference",
                    test_pages_go_by_reference);
    g_test_add_func("/channel-zero-copy/headers-are-copied",
                    test_headers_are_copied);
    g_test_add_data_func("/channel-zero-copy/many-packets",
                         GUINT_TO_POINTER(UINT_MAX), test_many_packets);
    g_test_add_data_func("/channel-zero-copy/one-write-at-a-time",
                         GUINT_TO_POINTER(1), test_many_packets);
    g_test_add_func("/channel-zero-copy/cut/inside-an-entry",
                    test_small_writes);
    g_test_add_func("/channel-zero-copy/cut/between-entries",
                    test_writes_of_some_entries);
    g_test_add_func("/channel-zero-copy/unmapped",
                    test_memory_may_be_unmapped);
    g_test_add_func("/channel-zero-copy/other-kinds", test_kinds_that_cannot);
    g_test_add_func("/channel-zero-copy/memlock/none", test_no_locked_memory);
    g_test_add_func("/channel-zero-copy/memlock/little",
                    test_little_locked_memory);
    return g_test_run();
}
