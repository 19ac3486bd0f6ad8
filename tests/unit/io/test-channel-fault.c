/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel that misbehaves on demand: each fault at its byte, and the stall
 * with its two ways out.
 */
#include "qemu/osdep.h"
#include "channel-pair.h"
#include "io/channel-buffer.h"
#include "io/channel-fault.h"
#include "qapi/error.h"
#include "qemu/thread.h"

typedef struct Fixture {
    QIOChannel *inner;          /* a buffer, or one end of a pair */
    QIOChannel *ioc;
} Fixture;

static void fixture_init(Fixture *f, const char *data)
{
    f->inner = qio_channel_buffer_new_data(data, strlen(data));
    f->ioc = qio_channel_fault_new(f->inner);
}

static void fixture_clear(Fixture *f)
{
    qio_channel_unref(f->ioc);
    qio_channel_unref(f->inner);
}

static void assert_error(Error *err, const char *text)
{
    g_assert_nonnull(err);
    g_assert_cmpstr(error_get_pretty(err), ==, text);
    error_free(err);
}

static void test_short_read(void)
{
    Fixture f;
    char buf[16];

    fixture_init(&f, "0123456789");
    qio_channel_fault_set_max(f.ioc, QIO_CHANNEL_FAULT_READ, 3);
    g_assert_cmpint(qio_channel_read(f.ioc, buf, 10, NULL), ==, 3);
    g_assert_cmpint(qio_channel_read(f.ioc, buf, 2, NULL), ==, 2);
    g_assert_true(qio_channel_read_all(f.ioc, buf, 5, NULL));
    g_assert_cmpmem(buf, 5, "56789", 5);
    g_assert_cmpuint(qio_channel_fault_bytes(f.ioc, QIO_CHANNEL_FAULT_READ),
                     ==, 10);
    fixture_clear(&f);
}

static void test_short_write_of_a_long_vector(void)
{
    enum { NR = 300 };
    struct iovec iov[NR];
    Fixture f;
    size_t len;

    fixture_init(&f, "");
    for (int i = 0; i < NR; i++) {
        iov[i].iov_base = (char *)"ab";
        iov[i].iov_len = 2;
    }
    qio_channel_fault_set_max(f.ioc, QIO_CHANNEL_FAULT_WRITE, 599);
    g_assert_true(qio_channel_writev_all(f.ioc, iov, NR, NULL));
    qio_channel_buffer_peek(f.inner, &len);
    g_assert_cmpuint(len, ==, 2 * NR);
    fixture_clear(&f);
}

static void test_read_error_at(void)
{
    Fixture f;
    Error *err = NULL;
    char buf[8];

    fixture_init(&f, "0123456789");
    qio_channel_fault_set_error(f.ioc, QIO_CHANNEL_FAULT_READ, 4);
    g_assert_true(qio_channel_read_all(f.ioc, buf, 4, &err));
    g_assert_false(qio_channel_read_all(f.ioc, buf, 4, &err));
    assert_error(err, "fault: cannot read: an error was injected");
    qio_channel_fault_set_error(f.ioc, QIO_CHANNEL_FAULT_READ,
                                QIO_CHANNEL_FAULT_NEVER);
    g_assert_true(qio_channel_read_all(f.ioc, buf, 6, NULL));
    fixture_clear(&f);
}

static void test_write_error_at(void)
{
    Fixture f;
    Error *err = NULL;
    size_t len;

    fixture_init(&f, "");
    qio_channel_fault_set_error(f.ioc, QIO_CHANNEL_FAULT_WRITE, 4);
    g_assert_false(qio_channel_write_all(f.ioc, "0123456789", 10, &err));
    assert_error(err, "fault: cannot write: an error was injected");
    qio_channel_buffer_peek(f.inner, &len);
    g_assert_cmpuint(len, ==, 4);
    fixture_clear(&f);
}

static void test_read_eof_at(void)
{
    Fixture f;
    Error *err = NULL;
    char buf[8];

    fixture_init(&f, "0123456789");
    qio_channel_fault_set_eof(f.ioc, QIO_CHANNEL_FAULT_READ, 5);
    g_assert_false(qio_channel_read_all(f.ioc, buf, 8, &err));
    assert_error(err, "fault: the stream ended after 5 of 8 bytes");
    g_assert_cmpint(qio_channel_read_all_eof(f.ioc, buf, 1, NULL), ==, 0);
    fixture_clear(&f);
}

static void test_write_eof_at(void)
{
    Fixture f;
    Error *err = NULL;

    fixture_init(&f, "");
    qio_channel_fault_set_eof(f.ioc, QIO_CHANNEL_FAULT_WRITE, 0);
    g_assert_false(qio_channel_write_all(f.ioc, "x", 1, &err));
    assert_error(err, "fault: cannot write: Broken pipe");
    fixture_clear(&f);
}

static void test_non_blocking_hold(void)
{
    Fixture f;
    Error *err = NULL;
    char buf[8];

    fixture_init(&f, "0123456789");
    g_assert_true(qio_channel_set_blocking(f.ioc, false, NULL));
    qio_channel_fault_set_hold(f.ioc, QIO_CHANNEL_FAULT_READ, 2);
    g_assert_cmpint(qio_channel_read(f.ioc, buf, 8, NULL), ==, 2);
    g_assert_cmpint(qio_channel_read(f.ioc, buf, 8, &err), ==,
                    QIO_CHANNEL_ERR_BLOCK);
    g_assert_null(err);
    g_assert_false(qio_channel_read_all(f.ioc, buf, 8, &err));
    assert_error(err, "fault: a whole read was asked of a non-blocking "
                 "channel that has no data");
    fixture_clear(&f);
}

/* What a thread does to a channel, and how it ended. */
typedef struct Job {
    QIOChannel *ioc;
    size_t len_bytes;
    char buf[64];
    bool ok;
    Error *err;
} Job;

static void *read_thread(void *opaque)
{
    Job *job = opaque;

    job->ok = qio_channel_read_all(job->ioc, job->buf, job->len_bytes,
                                   &job->err);
    return NULL;
}

static void *write_thread(void *opaque)
{
    Job *job = opaque;

    job->ok = qio_channel_write_all(job->ioc, job->buf, job->len_bytes,
                                    &job->err);
    return NULL;
}

static void test_hold_is_released(void)
{
    Fixture f;
    Job job = { .len_bytes = 10 };
    QemuThread thread;

    fixture_init(&f, "0123456789");
    job.ioc = f.ioc;
    qio_channel_fault_set_hold(f.ioc, QIO_CHANNEL_FAULT_READ, 4);
    qemu_thread_create(&thread, "reader", read_thread, &job,
                       QEMU_THREAD_JOINABLE);
    g_assert_true(qio_channel_fault_wait_held(f.ioc, QIO_CHANNEL_FAULT_READ));
    g_assert_cmpuint(qio_channel_fault_bytes(f.ioc, QIO_CHANNEL_FAULT_READ),
                     ==, 4);
    qio_channel_fault_set_hold(f.ioc, QIO_CHANNEL_FAULT_READ, 7);
    g_assert_true(qio_channel_fault_wait_held(f.ioc, QIO_CHANNEL_FAULT_READ));
    g_assert_cmpuint(qio_channel_fault_bytes(f.ioc, QIO_CHANNEL_FAULT_READ),
                     ==, 7);
    qio_channel_fault_set_hold(f.ioc, QIO_CHANNEL_FAULT_READ,
                               QIO_CHANNEL_FAULT_NEVER);
    qemu_thread_join(&thread);
    g_assert_true(job.ok);
    g_assert_cmpmem(job.buf, 10, "0123456789", 10);
    fixture_clear(&f);
}

static void test_shutdown_ends_held_read(void)
{
    Fixture f;
    Job job = { .len_bytes = 10 };
    QemuThread thread;

    fixture_init(&f, "0123456789");
    job.ioc = f.ioc;
    qio_channel_fault_set_hold(f.ioc, QIO_CHANNEL_FAULT_READ, 4);
    qemu_thread_create(&thread, "reader", read_thread, &job,
                       QEMU_THREAD_JOINABLE);
    g_assert_true(qio_channel_fault_wait_held(f.ioc, QIO_CHANNEL_FAULT_READ));
    qio_channel_shutdown(f.ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&thread);
    g_assert_false(job.ok);
    assert_error(job.err, "fault: the stream ended after 4 of 10 bytes");
    g_assert_false(qio_channel_fault_wait_held(f.ioc,
                                               QIO_CHANNEL_FAULT_READ));
    fixture_clear(&f);
}

static void test_shutdown_ends_held_write(void)
{
    Fixture f;
    Job job = { .len_bytes = 10 };
    QemuThread thread;

    fixture_init(&f, "");
    job.ioc = f.ioc;
    qio_channel_fault_set_hold(f.ioc, QIO_CHANNEL_FAULT_WRITE, 4);
    qemu_thread_create(&thread, "writer", write_thread, &job,
                       QEMU_THREAD_JOINABLE);
    g_assert_true(qio_channel_fault_wait_held(f.ioc, QIO_CHANNEL_FAULT_WRITE));
    qio_channel_shutdown(f.ioc, QIO_CHANNEL_SHUTDOWN_WRITE);
    qemu_thread_join(&thread);
    g_assert_false(job.ok);
    assert_error(job.err, "fault: cannot write: Broken pipe");
    fixture_clear(&f);
}

static void test_stall_comes_before_error(void)
{
    Fixture f;
    Job job = { .len_bytes = 10 };
    QemuThread thread;

    fixture_init(&f, "0123456789");
    job.ioc = f.ioc;
    qio_channel_fault_set_hold(f.ioc, QIO_CHANNEL_FAULT_READ, 4);
    qio_channel_fault_set_error(f.ioc, QIO_CHANNEL_FAULT_READ, 4);
    qemu_thread_create(&thread, "reader", read_thread, &job,
                       QEMU_THREAD_JOINABLE);
    g_assert_true(qio_channel_fault_wait_held(f.ioc, QIO_CHANNEL_FAULT_READ));
    qio_channel_fault_set_hold(f.ioc, QIO_CHANNEL_FAULT_READ,
                               QIO_CHANNEL_FAULT_NEVER);
    qemu_thread_join(&thread);
    g_assert_false(job.ok);
    assert_error(job.err, "fault: cannot read: an error was injected");
    fixture_clear(&f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/channel-fault/short-read", test_short_read);
    g_test_add_func("/channel-fault/short-write-of-a-long-vector",
                    test_short_write_of_a_long_vector);
    g_test_add_func("/channel-fault/read-error-at-a-byte", test_read_error_at);
    g_test_add_func("/channel-fault/write-error-at-a-byte",
                    test_write_error_at);
    g_test_add_func("/channel-fault/read-eof-at-a-byte", test_read_eof_at);
    g_test_add_func("/channel-fault/write-eof-at-a-byte", test_write_eof_at);
    g_test_add_func("/channel-fault/non-blocking-hold",
                    test_non_blocking_hold);
    g_test_add_func("/channel-fault/hold-is-moved-and-released",
                    test_hold_is_released);
    g_test_add_func("/channel-fault/shutdown-ends-a-held-read",
                    test_shutdown_ends_held_read);
    g_test_add_func("/channel-fault/shutdown-ends-a-held-write",
                    test_shutdown_ends_held_write);
    g_test_add_func("/channel-fault/stall-comes-before-error",
                    test_stall_comes_before_error);
    return g_test_run();
}
