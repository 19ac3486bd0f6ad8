/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pipe channels: both ends, their end, and a shutdown that wakes who waits,
 * which no system call does for a pipe.
 */
#include "qemu/osdep.h"
#include "io/channel-pipe.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"
#include "thread-state.h"

/* A pipe, and what is waited for in it. */
typedef struct Fixture {
    QIOChannel *in;
    QIOChannel *out;
    int tid;
    int ret;
    Error *err;
} Fixture;

static QIOChannel *channel_of(int fd)
{
    Error *err = NULL;
    QIOChannel *ioc = qio_channel_pipe_new_fd(fd, &err);

    g_assert_null(err);
    g_assert_nonnull(ioc);
    return ioc;
}

static void fixture_init(Fixture *f)
{
    int fds[2];

    g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
    *f = (Fixture) { .in = channel_of(fds[0]), .out = channel_of(fds[1]) };
}

static void fixture_clear(Fixture *f)
{
    qio_channel_unref(f->in);
    qio_channel_unref(f->out);
    error_free(f->err);
}

static void test_round_trip(void)
{
    Fixture f;
    char buf[6];

    fixture_init(&f);
    g_assert_true(qio_channel_write_all(f.out, "hello", 6, NULL));
    g_assert_true(qio_channel_read_all(f.in, buf, 6, NULL));
    g_assert_cmpstr(buf, ==, "hello");
    g_clear_pointer(&f.out, qio_channel_unref);
    g_assert_cmpint(qio_channel_read(f.in, buf, 6, NULL), ==, 0);
    fixture_clear(&f);
}

static void *read_thread(void *opaque)
{
    Fixture *f = opaque;
    char byte;

    qatomic_set(&f->tid, qemu_get_thread_id());
    f->ret = qio_channel_read_all_eof(f->in, &byte, 1, &f->err);
    return NULL;
}

static void *write_thread(void *opaque)
{
    static const char block[65536];
    Fixture *f = opaque;

    qatomic_set(&f->tid, qemu_get_thread_id());
    while (qio_channel_write_all(f->out, block, sizeof(block), &f->err)) {
        /* until the kernel takes no more, and then until the shutdown */
    }
    return NULL;
}

static void test_shutdown_wakes_reader(void)
{
    QemuThread thread;
    Fixture f;

    fixture_init(&f);
    f.ret = -1;
    qemu_thread_create(&thread, "blocked", read_thread, &f,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&f.tid);
    qio_channel_shutdown(f.in, QIO_CHANNEL_SHUTDOWN_READ);
    qemu_thread_join(&thread);
    g_assert_cmpint(f.ret, ==, 0);
    g_assert_null(f.err);
    fixture_clear(&f);
}

static void test_shutdown_wakes_writer(void)
{
    QemuThread thread;
    Fixture f;

    fixture_init(&f);
    qemu_thread_create(&thread, "blocked", write_thread, &f,
                       QEMU_THREAD_JOINABLE);
    thread_state_wait_asleep(&f.tid);
    qio_channel_shutdown(f.out, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&thread);
    g_assert_cmpstr(error_get_pretty(f.err), ==, "pipe: cannot write: the "
                    "channel was shut down");
    fixture_clear(&f);
}

/* The signal would end this program. */
static void test_no_reader(void)
{
    Fixture f;

    fixture_init(&f);
    g_clear_pointer(&f.in, qio_channel_unref);
    g_assert_false(qio_channel_write_all(f.out, "x", 1, &f.err));
    g_assert_cmpstr(error_get_pretty(f.err), ==, "pipe: cannot write to the "
                    "pipe: Broken pipe");
    fixture_clear(&f);
}

static void test_non_blocking(void)
{
    static char block[65536];
    Fixture f;

    fixture_init(&f);
    g_assert_true(qio_channel_set_blocking(f.in, false, NULL));
    g_assert_true(qio_channel_set_blocking(f.out, false, NULL));
    g_assert_cmpint(qio_channel_read(f.in, block, 1, &f.err), ==,
                    QIO_CHANNEL_ERR_BLOCK);
    while (qio_channel_writev(f.out, &(struct iovec){ block, sizeof(block) },
                              1, &f.err) != QIO_CHANNEL_ERR_BLOCK) {
        g_assert_null(f.err);
    }
    g_assert_true(qio_channel_set_blocking(f.in, true, NULL));
    g_assert_cmpint(qio_channel_read(f.in, block, 1, &f.err), ==, 1);
    fixture_clear(&f);
}

static void test_device(void)
{
    g_autoptr(QIOChannel) ioc = channel_of(open("/dev/zero", O_RDWR |
                                                O_CLOEXEC));
    char buf[4] = "1234";

    g_assert_true(qio_channel_write_all(ioc, buf, 4, NULL));
    g_assert_true(qio_channel_read_all(ioc, buf, 4, NULL));
    g_assert_cmpmem(buf, 4, "\0\0\0\0", 4);
}

static void test_wrong_direction(void)
{
    Fixture f;
    char byte;

    fixture_init(&f);
    g_assert_cmpint(qio_channel_read(f.out, &byte, 1, &f.err), ==, -1);
    g_assert_cmpstr(error_get_pretty(f.err), ==, "pipe: cannot read: the pipe "
                    "is open for writing only");
    g_clear_pointer(&f.err, error_free);
    g_assert_false(qio_channel_write_all(f.in, "x", 1, &f.err));
    g_assert_cmpstr(error_get_pretty(f.err), ==, "pipe: cannot write: the pipe "
                    "is open for reading only");
    fixture_clear(&f);
}

static void test_no_pipe(void)
{
    AUTO_FD int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    g_autofree char *expected = g_strdup_printf(
        "file descriptor %d is neither a pipe nor a character device", fd);
    Error *err = NULL;

    g_assert_null(qio_channel_pipe_new_fd(fd, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, expected);
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel-pipe/round-trip", test_round_trip);
    g_test_add_func("/channel-pipe/shutdown-wakes-reader",
                    test_shutdown_wakes_reader);
    g_test_add_func("/channel-pipe/shutdown-wakes-writer",
                    test_shutdown_wakes_writer);
    g_test_add_func("/channel-pipe/non-blocking", test_non_blocking);
    g_test_add_func("/channel-pipe/device", test_device);
    g_test_add_func("/channel-pipe/bad/no-reader", test_no_reader);
    g_test_add_func("/channel-pipe/bad/wrong-direction", test_wrong_direction);
    g_test_add_func("/channel-pipe/bad/no-pipe", test_no_pipe);
    return g_test_run();
}
