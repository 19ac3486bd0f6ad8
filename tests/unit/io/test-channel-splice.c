/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Socket channels that move content without copying it: written by reference,
 * read into a file.  And everything that may stand in the way of that.
 */
#include "qemu/osdep.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include "channel-pair.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "small-tmpfs.h"
#include "thread-state.h"

#define PAGE 4096
/* So few that they fit into any socket's buffer, enough to be referred to. */
#define PAGES 8
#define MIXED_PAGES 1024
#define HEADER 100

/* One end writes, the other reads. */
typedef struct Rig {
    QIOChannel *out;
    QIOChannel *in;
    uint8_t *memory;        /* what is written: MIXED_PAGES */
    int fd;                 /* a memfd of as many */
    uint8_t *file;          /* and its mapping */
    QemuMutex lock;         /* of who writes to it */
} Rig;

/* A thread that writes or reads, and how that went. */
typedef struct Worker {
    Rig *rig;
    int tid;
    unsigned nr_copied;
    int ret;
    Error *err;
} Worker;

static void rig_init(Rig *rig, const void *kind)
{
    uint64_t v = 1;

    channel_pair_new(GPOINTER_TO_INT(kind), &rig->out, &rig->in);
    qemu_mutex_init(&rig->lock);
    rig->memory = mmap(NULL, MIXED_PAGES * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    rig->fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_cmpint(ftruncate(rig->fd, MIXED_PAGES * PAGE), ==, 0);
    rig->file = mmap(NULL, MIXED_PAGES * PAGE, PROT_READ | PROT_WRITE,
                     MAP_SHARED, rig->fd, 0);
    g_assert_true(rig->memory != MAP_FAILED && rig->file != MAP_FAILED);
    for (size_t i = 0; i < MIXED_PAGES * PAGE; i += sizeof(v)) {
        v = v * 6364136223846793005ULL + 1442695040888963407ULL;
        memcpy(&rig->memory[i], &v, sizeof(v));
    }
}

static void rig_done(Rig *rig)
{
    munmap(rig->memory, MIXED_PAGES * PAGE);
    munmap(rig->file, MIXED_PAGES * PAGE);
    close(rig->fd);
    qemu_mutex_destroy(&rig->lock);
    qio_channel_unref(rig->out);
    qio_channel_unref(rig->in);
}

static void write_pages(Rig *rig, size_t nr_pages)
{
    struct iovec iov = { rig->memory, nr_pages * PAGE };
    Error *err = NULL;

    qio_channel_writev_stable_all(rig->out, &iov, 1, 0, &err);
    g_assert_null(err);
}

/*
 * Whether PAGES are sent by reference: written to after that, they arrive as
 * they are by then.
 */
static bool is_by_reference(Rig *rig)
{
    uint8_t got[PAGES * PAGE];
    Error *err = NULL;

    memset(rig->memory, 'a', PAGES * PAGE);
    write_pages(rig, PAGES);
    memset(rig->memory, 'b', PAGES * PAGE);
    qio_channel_read_all(rig->in, got, sizeof(got), &err);
    g_assert_null(err);
    for (size_t i = 0; i < sizeof(got); i++) {
        g_assert_cmpint(got[i], ==, got[0]);
    }
    return got[0] == 'b';
}

static void test_by_reference(void)
{
    Rig rig;

    rig_init(&rig, GINT_TO_POINTER(CHANNEL_PAIR_UNIX));
    g_assert_true(is_by_reference(&rig));
    rig_done(&rig);
}

static void test_tcp_copies(void)
{
    Rig rig;

    rig_init(&rig, GINT_TO_POINTER(CHANNEL_PAIR_TCP));
    g_assert_false(is_by_reference(&rig));
    rig_done(&rig);
}

static void test_few_pages_are_copied(const void *opaque)
{
    uint8_t got[PAGE];
    Rig rig;

    rig_init(&rig, opaque);
    memset(rig.memory, 'a', PAGE);
    write_pages(&rig, 1);
    memset(rig.memory, 'b', PAGE);
    g_assert_true(qio_channel_read_all(rig.in, got, PAGE, NULL));
    g_assert_cmpint(got[PAGE - 1], ==, 'a');
    rig_done(&rig);
}

static void test_headers_are_copied(const void *opaque)
{
    uint8_t header[HEADER], got[HEADER];
    Error *err = NULL;
    Rig rig;

    rig_init(&rig, opaque);
    memset(header, 'a', HEADER);
    qio_channel_writev_stable_all(rig.out, (struct iovec[]) {
        { header, HEADER / 2 }, { &header[HEADER / 2], HEADER / 2 },
        { rig.memory, PAGES * PAGE },
    }, 3, 2, &err);
    g_assert_null(err);
    memset(header, 'b', HEADER);
    g_assert_true(qio_channel_read_all(rig.in, got, HEADER, NULL));
    memset(header, 'a', HEADER);
    g_assert_cmpmem(got, HEADER, header, HEADER);
    rig_done(&rig);
}

/* Runs of 1 to 64 pages, and a header before all of them. */
static unsigned mixed_vector(Rig *rig, uint8_t *header, struct iovec *iov)
{
    unsigned n = 0;
    size_t page = 0;

    iov[n++] = (struct iovec) { header, HEADER };
    for (size_t run = 1; page < MIXED_PAGES; run = run % 64 + run / 3 + 1) {
        size_t nr = MIN(run, MIXED_PAGES - page);

        iov[n++] = (struct iovec) { &rig->memory[page * PAGE], nr * PAGE };
        page += nr;
    }
    return n;
}

static void *write_thread(void *opaque)
{
    struct iovec iov[1 + MIXED_PAGES];
    uint8_t header[HEADER];
    Worker *w = opaque;
    unsigned niov;

    memset(header, 'h', HEADER);
    niov = mixed_vector(w->rig, header, iov);
    qatomic_set(&w->tid, qemu_get_thread_id());
    w->ret = qio_channel_writev_stable_all(w->rig->out, iov, niov,
                                           w->nr_copied, &w->err);
    return NULL;
}

/* With the header copied, with some of the runs, and with all. */
static void test_mixed_runs(const void *opaque)
{
    g_autofree uint8_t *got = g_malloc(HEADER + MIXED_PAGES * PAGE);
    static const unsigned nr_copied[] = { 1, 5, 1000, 1 };
    Rig rig;

    rig_init(&rig, opaque);
    for (unsigned i = 0; i < ARRAY_SIZE(nr_copied); i++) {
        Worker w = { .rig = &rig, .nr_copied = nr_copied[i] };
        QemuThread thread;

        qemu_thread_create(&thread, "writer", write_thread, &w,
                           QEMU_THREAD_JOINABLE);
        g_assert_true(qio_channel_read_all(rig.in, got,
                                           HEADER + MIXED_PAGES * PAGE, NULL));
        qemu_thread_join(&thread);
        g_assert_true(w.ret);
        g_assert_cmpint(got[HEADER - 1], ==, 'h');
        g_assert_cmpmem(&got[HEADER], MIXED_PAGES * PAGE, rig.memory,
                        MIXED_PAGES * PAGE);
    }
    rig_done(&rig);
}

/* No descriptor is left; once is enough to give up. */
static void test_no_pipe_to_write(const void *opaque)
{
    struct rlimit before, none;
    Rig rig;

    rig_init(&rig, opaque);
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit) { 0, before.rlim_max };
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    g_assert_false(is_by_reference(&rig));
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
    g_assert_false(is_by_reference(&rig));
    rig_done(&rig);
}

static void test_non_blocking_copies(const void *opaque)
{
    Rig rig;

    rig_init(&rig, opaque);
    g_assert_true(qio_channel_set_blocking(rig.out, false, NULL));
    g_assert_false(is_by_reference(&rig));
    rig_done(&rig);
}

static void test_memory_that_is_not_there(const void *opaque)
{
    Error *err = NULL;
    struct iovec iov;
    Rig rig;

    rig_init(&rig, opaque);
    iov = (struct iovec) { rig.memory, PAGES * PAGE };
    mprotect(rig.memory, PAGES * PAGE, PROT_NONE);
    g_assert_false(qio_channel_writev_stable_all(rig.out, &iov, 1, 0, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "socket: cannot write: Bad address");
    error_free(err);
    rig_done(&rig);
}

static void test_shutdown_wakes_writer(const void *opaque)
{
    QemuThread thread;
    Rig rig;
    Worker w = { .rig = &rig };

    rig_init(&rig, opaque);
    qemu_thread_create(&thread, "writer", write_thread, &w,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&w.tid);
    qio_channel_shutdown(rig.out, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&thread);
    g_assert_false(w.ret);
    g_assert_cmpstr(error_get_pretty(w.err), ==,
                    "socket: cannot write: the channel was shut down");
    error_free(w.err);
    rig_done(&rig);
}

/* GIO has the program ignore SIGPIPE; here it would end it. */
static void test_peer_has_gone(const void *opaque)
{
    Error *err = NULL;
    struct iovec iov;
    Rig rig;

    rig_init(&rig, opaque);
    signal(SIGPIPE, SIG_DFL);
    qio_channel_unref(g_steal_pointer(&rig.in));
    do {
        /* tcp learns of it with the answer to the first bytes */
        iov = (struct iovec) { rig.memory, PAGES * PAGE };
    } while (qio_channel_writev_stable_all(rig.out, &iov, 1, 0, &err));
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "socket: cannot write: "));
    error_free(err);
    rig_done(&rig);
}

static void test_peer_goes(const void *opaque)
{
    sigset_t before, after;
    QemuThread thread;
    uint8_t got[PAGE];
    Rig rig;
    Worker w = { .rig = &rig };

    rig_init(&rig, opaque);
    pthread_sigmask(SIG_BLOCK, NULL, &before);
    qemu_thread_create(&thread, "writer", write_thread, &w,
                       QEMU_THREAD_JOINABLE);
    g_assert_true(qio_channel_read_all(rig.in, got, sizeof(got), NULL));
    qio_channel_unref(g_steal_pointer(&rig.in));
    qemu_thread_join(&thread);
    g_assert_false(w.ret);
    g_assert_true(g_str_has_prefix(error_get_pretty(w.err),
                                   "socket: cannot write: "));
    error_free(w.err);
    /* And with the signal's mask as it was. */
    pthread_sigmask(SIG_BLOCK, NULL, &after);
    g_assert_cmpint(sigismember(&before, SIGPIPE), ==,
                    sigismember(&after, SIGPIPE));
    rig_done(&rig);
}

/* What is on its way by reference is not to be written to yet. */
static void test_wait(void)
{
    Rig rig;

    rig_init(&rig, GINT_TO_POINTER(CHANNEL_PAIR_UNIX));
    g_assert_true(qio_channel_wait_stable(rig.out, 0));
    write_pages(&rig, PAGES);
    g_assert_false(qio_channel_wait_stable(rig.out, 0));
    qio_channel_shutdown(rig.in, QIO_CHANNEL_SHUTDOWN_BOTH);
    g_assert_true(qio_channel_wait_stable(rig.out, 0));
    rig_done(&rig);
}

static void test_wait_for_nothing(void)
{
    Rig rig;

    rig_init(&rig, GINT_TO_POINTER(CHANNEL_PAIR_TCP));
    write_pages(&rig, PAGES);
    g_assert_true(qio_channel_wait_stable(rig.out, 0));
    rig_done(&rig);
}

static void *wait_thread(void *opaque)
{
    Worker *w = opaque;

    qatomic_set(&w->tid, qemu_get_thread_id());
    w->ret = qio_channel_wait_stable(w->rig->out, G_MAXINT);
    return NULL;
}

static void test_shutdown_ends_the_wait(void)
{
    QemuThread thread;
    Rig rig;
    Worker w = { .rig = &rig };

    rig_init(&rig, GINT_TO_POINTER(CHANNEL_PAIR_UNIX));
    write_pages(&rig, PAGES);
    qemu_thread_create(&thread, "waiter", wait_thread, &w,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&w.tid);
    qio_channel_shutdown(rig.out, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&thread);
    g_assert_true(w.ret);
    rig_done(&rig);
}

static int read_file(Rig *rig, size_t offset, size_t len_bytes, Error **errp)
{
    return qio_channel_read_file_all_eof(rig->in, &(QIOChannelFileRange) {
        .lock = &rig->lock,
        .fd = rig->fd,
        .offset = offset,
        .host = &rig->file[offset],
        .len_bytes = len_bytes,
    }, errp);
}

/*
 * Pieces of awkward sizes, to the file and to memory by turns: a byte that is
 * left over in between would be in the wrong place.
 */
static void read_mixed(Rig *rig)
{
    static const size_t sizes[] = { 1, PAGE, 4095, 65536, 3, 777777, 8192 };
    size_t all = MIXED_PAGES * PAGE;
    g_autofree uint8_t *got = g_malloc0(all);
    uint8_t header[HEADER];
    size_t at = 0;

    g_assert_true(qio_channel_read_all(rig->in, header, HEADER, NULL));
    for (unsigned i = 0; at < all; i++) {
        size_t n = MIN(sizes[i % ARRAY_SIZE(sizes)], all - at);

        if (i % 3 == 1) {
            g_assert_true(qio_channel_read_all(rig->in, &got[at], n, NULL));
            memcpy(&rig->file[at], &got[at], n);
        } else {
            g_assert_cmpint(read_file(rig, at, n, NULL), ==, 1);
        }
        at += n;
    }
    g_assert_cmpmem(rig->file, all, rig->memory, all);
}

static void test_read_mixed(const void *opaque)
{
    QemuThread thread;
    Rig rig;
    Worker w = { .rig = &rig, .nr_copied = 1 };

    rig_init(&rig, opaque);
    qemu_thread_create(&thread, "writer", write_thread, &w,
                       QEMU_THREAD_JOINABLE);
    read_mixed(&rig);
    qemu_thread_join(&thread);
    g_assert_true(w.ret);
    rig_done(&rig);
}

static void test_no_pipe_to_read(const void *opaque)
{
    struct rlimit before, none;
    Rig rig;

    rig_init(&rig, opaque);
    write_pages(&rig, PAGES);
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit) { 0, before.rlim_max };
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    g_assert_cmpint(read_file(&rig, 0, PAGES * PAGE, NULL), ==, 1);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
    g_assert_cmpmem(rig.file, PAGES * PAGE, rig.memory, PAGES * PAGE);
    rig_done(&rig);
}

/* The mapping is older than the seal, and still takes it. */
static void test_file_refuses(const void *opaque)
{
#ifdef F_SEAL_FUTURE_WRITE
    uint8_t byte;
    Rig rig;

    rig_init(&rig, opaque);
    if (fcntl(rig.fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) < 0) {
        g_test_skip("this kernel has no F_SEAL_FUTURE_WRITE");
        rig_done(&rig);
        return;
    }
    write_pages(&rig, PAGES);
    g_assert_true(qio_channel_write_all(rig.out, "x", 1, NULL));
    g_assert_cmpint(read_file(&rig, 0, PAGES * PAGE, NULL), ==, 1);
    g_assert_cmpmem(rig.file, PAGES * PAGE, rig.memory, PAGES * PAGE);
    g_assert_true(qio_channel_read_all(rig.in, &byte, 1, NULL));
    g_assert_cmpint(byte, ==, 'x');
    rig_done(&rig);
#else
    g_test_skip("the C library has no F_SEAL_FUTURE_WRITE");
#endif
}

static void test_no_room(const void *opaque)
{
    AUTO_FD int fd = small_tmpfs_file(2 * PAGE, PAGES * PAGE);
    Error *err = NULL;
    Rig rig;
    int ret;

    if (fd < 0) {
        g_test_skip("this process may not make a file system");
        return;
    }
    rig_init(&rig, opaque);
    write_pages(&rig, PAGES);
    ret = qio_channel_read_file_all_eof(rig.in, &(QIOChannelFileRange) {
        .lock = &rig.lock,
        .fd = fd, .host = rig.file, .len_bytes = PAGES * PAGE,
    }, &err);
    g_assert_cmpint(ret, ==, -1);
    g_assert_true(g_str_has_prefix(error_get_pretty(err),
                                   "socket: cannot put "));
    g_assert_true(g_str_has_suffix(error_get_pretty(err),
                                   "No space left on device"));
    error_free(err);
    rig_done(&rig);
}

static void test_end_before_the_first_byte(const void *opaque)
{
    Error *err = NULL;
    Rig rig;

    rig_init(&rig, opaque);
    qio_channel_unref(g_steal_pointer(&rig.out));
    g_assert_cmpint(read_file(&rig, 0, PAGE, &err), ==, 0);
    g_assert_null(err);
    rig_done(&rig);
}

static void test_end_in_the_middle(const void *opaque)
{
    Error *err = NULL;
    Rig rig;

    rig_init(&rig, opaque);
    write_pages(&rig, 1);
    qio_channel_unref(g_steal_pointer(&rig.out));
    g_assert_cmpint(read_file(&rig, 0, PAGE + 1, &err), ==, -1);
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "socket: the stream ended after 4096 of 4097 bytes");
    error_free(err);
    rig_done(&rig);
}

static void *read_thread(void *opaque)
{
    Worker *w = opaque;

    qatomic_set(&w->tid, qemu_get_thread_id());
    w->ret = read_file(w->rig, 0, PAGE, &w->err);
    return NULL;
}

static void test_shutdown_wakes_reader(const void *opaque)
{
    QemuThread thread;
    Rig rig;
    Worker w = { .rig = &rig, .ret = -1 };

    rig_init(&rig, opaque);
    qemu_thread_create(&thread, "reader", read_thread, &w,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&w.tid);
    qio_channel_shutdown(rig.in, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&thread);
    g_assert_cmpint(w.ret, ==, 0);
    g_assert_null(w.err);
    rig_done(&rig);
}

static void add_both(const char *path, GTestDataFunc func)
{
    g_autofree char *unix_path = g_strconcat("/channel-splice/unix/", path,
                                             NULL);
    g_autofree char *tcp_path = g_strconcat("/channel-splice/tcp/", path,
                                            NULL);

    g_test_add_data_func(unix_path, GINT_TO_POINTER(CHANNEL_PAIR_UNIX), func);
    g_test_add_data_func(tcp_path, GINT_TO_POINTER(CHANNEL_PAIR_TCP), func);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel-splice/pages-go-by-reference",
                    test_by_reference);
    g_test_add_func("/channel-splice/tcp-copies", test_tcp_copies);
    add_both("few-pages-are-copied", test_few_pages_are_copied);
    add_both("headers-are-copied", test_headers_are_copied);
    add_both("runs-of-all-lengths", test_mixed_runs);
    add_both("no-pipe-to-write", test_no_pipe_to_write);
    add_both("non-blocking-copies", test_non_blocking_copies);
    add_both("memory-that-is-not-there", test_memory_that_is_not_there);
    add_both("shutdown-wakes-a-blocked-writer", test_shutdown_wakes_writer);
    add_both("the-peer-goes", test_peer_goes);
    add_both("the-peer-has-gone", test_peer_has_gone);
    g_test_add_func("/channel-splice/wait", test_wait);
    g_test_add_func("/channel-splice/wait-for-nothing", test_wait_for_nothing);
    g_test_add_func("/channel-splice/shutdown-ends-the-wait",
                    test_shutdown_ends_the_wait);
    add_both("read/awkward-sizes", test_read_mixed);
    add_both("read/no-pipe", test_no_pipe_to_read);
    add_both("read/the-file-refuses", test_file_refuses);
    add_both("read/no-room", test_no_room);
    add_both("read/end-before-the-first-byte", test_end_before_the_first_byte);
    add_both("read/end-in-the-middle", test_end_in_the_middle);
    add_both("read/shutdown-wakes-a-blocked-reader",
             test_shutdown_wakes_reader);
    return g_test_run();
}
