/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all kinds of channels promise in io/channel.h: one set of cases, run
 * over each kind.
 */
#include "qemu/osdep.h"
#include "channel-pair.h"
#include "io/channel-buffer.h"
#include "io/channel-fault.h"
#include "io/channel-internal.h"
#include "qapi/error.h"
#include "qemu/thread.h"
#include "qemu/units.h"

#define STREAM_BYTES (3 * MiB + 17)

/* A way to make a pair; what is written to one end is read from the other. */
typedef struct ChannelKind {
    const char *name;
    void (*make)(QIOChannel **writer, QIOChannel **reader);
    /* nothing blocks: all is written before anything is read */
    bool sequential;
} ChannelKind;

typedef struct Writer {
    QIOChannel *ioc;
    uint8_t *data;
    size_t len_bytes;
    size_t piece_bytes;
    size_t nr_elements;         /* of one vector */
} Writer;

static uint8_t *pattern_new(size_t len_bytes)
{
    uint8_t *data = g_malloc(len_bytes);
    uint32_t x = 1;

    for (size_t i = 0; i < len_bytes; i++) {
        x = x * 1664525 + 1013904223;
        data[i] = x >> 24;
    }
    return data;
}

static void make_unix(QIOChannel **writer, QIOChannel **reader)
{
    channel_pair_new(CHANNEL_PAIR_UNIX, writer, reader);
}

static void make_tcp(QIOChannel **writer, QIOChannel **reader)
{
    channel_pair_new(CHANNEL_PAIR_TCP, writer, reader);
}

/* Wraps both ends so that at most @max_bytes move at a time. */
static void make_short(QIOChannel **writer, QIOChannel **reader,
                       size_t max_bytes)
{
    g_autoptr(QIOChannel) a = NULL;
    g_autoptr(QIOChannel) b = NULL;

    channel_pair_new(CHANNEL_PAIR_UNIX, &a, &b);
    *writer = qio_channel_fault_new(a);
    *reader = qio_channel_fault_new(b);
    qio_channel_fault_set_max(*writer, QIO_CHANNEL_FAULT_WRITE, max_bytes);
    qio_channel_fault_set_max(*reader, QIO_CHANNEL_FAULT_READ, max_bytes);
}

static void make_fault(QIOChannel **writer, QIOChannel **reader)
{
    make_short(writer, reader, 0);
}

static void make_short_odd(QIOChannel **writer, QIOChannel **reader)
{
    make_short(writer, reader, 1021);
}

static void make_buffer(QIOChannel **writer, QIOChannel **reader)
{
    *writer = qio_channel_buffer_new(0);
    *reader = qio_channel_ref(*writer);
}

static const ChannelKind kinds[] = {
    { "unix", make_unix, false },
    { "tcp", make_tcp, false },
    { "fault", make_fault, false },
    { "short", make_short_odd, false },
    { "buffer", make_buffer, true },
};

/* Describes @len_bytes at @data by @nr elements, some of them empty. */
static struct iovec *vector_new(uint8_t *data, size_t len_bytes, size_t nr)
{
    struct iovec *iov = g_new0(struct iovec, nr);
    size_t at = 0;

    for (size_t i = 0; i < nr; i++) {
        size_t share = i + 1 == nr ? len_bytes - at :
            MIN(len_bytes - at, i % 3 == 1 ? 0 : len_bytes / nr);

        iov[i].iov_base = data + at;
        iov[i].iov_len = share;
        at += share;
    }
    return iov;
}

static void *writer_thread(void *opaque)
{
    Writer *w = opaque;

    for (size_t at = 0; at < w->len_bytes; at += w->piece_bytes) {
        size_t len = MIN(w->piece_bytes, w->len_bytes - at);
        g_autofree struct iovec *iov = vector_new(w->data + at, len,
                                                  w->nr_elements);
        Error *err = NULL;

        g_assert_true(qio_channel_writev_all(w->ioc, iov, w->nr_elements,
                                             &err));
        g_assert_null(err);
    }
    return NULL;
}

/* Moves a pattern from end to end in pieces that do not fit each other. */
static void move_pattern(const ChannelKind *kind, size_t len_bytes,
                         size_t write_bytes, size_t nr_write,
                         size_t read_bytes, size_t nr_read)
{
    g_autoptr(QIOChannel) out = NULL;
    g_autoptr(QIOChannel) in = NULL;
    g_autofree uint8_t *sent = pattern_new(len_bytes);
    g_autofree uint8_t *got = g_malloc0(len_bytes);
    Writer writer = {
        .data = sent,
        .len_bytes = len_bytes,
        .piece_bytes = write_bytes,
        .nr_elements = nr_write,
    };
    QemuThread thread;

    kind->make(&out, &in);
    writer.ioc = out;
    qemu_thread_create(&thread, "writer", writer_thread, &writer,
                       QEMU_THREAD_JOINABLE);
    if (kind->sequential) {
        qemu_thread_join(&thread);
    }
    for (size_t at = 0; at < len_bytes; at += read_bytes) {
        size_t len = MIN(read_bytes, len_bytes - at);
        g_autofree struct iovec *iov = vector_new(got + at, len, nr_read);
        Error *err = NULL;

        g_assert_cmpint(qio_channel_readv_all_eof(in, iov, nr_read, &err), ==,
                        1);
        g_assert_null(err);
    }
    if (!kind->sequential) {
        qemu_thread_join(&thread);
    }
    g_assert_cmpmem(sent, len_bytes, got, len_bytes);
}

static void test_moves_bytes(const void *opaque)
{
    move_pattern(opaque, STREAM_BYTES, 100 * KiB, 1, 64 * KiB + 1, 1);
}

static void test_moves_vectors(const void *opaque)
{
    move_pattern(opaque, STREAM_BYTES, 512 * KiB, 130, 300 * KiB, 77);
}

static void test_more_than_iov_max(const void *opaque)
{
    size_t nr = 3 * IOV_MAX + 5;

    move_pattern(opaque, STREAM_BYTES, STREAM_BYTES, nr, STREAM_BYTES, nr + 7);
}

static void test_nothing_to_move(const void *opaque)
{
    const ChannelKind *kind = opaque;
    g_autoptr(QIOChannel) out = NULL;
    g_autoptr(QIOChannel) in = NULL;
    struct iovec empty[3] = { 0 };
    Error *err = NULL;

    kind->make(&out, &in);
    g_assert_true(qio_channel_writev_all(out, empty, 3, &err));
    g_assert_true(qio_channel_write_all(out, NULL, 0, &err));
    g_assert_cmpint(qio_channel_readv_all_eof(in, empty, 3, &err), ==, 1);
    g_assert_true(qio_channel_read_all(in, NULL, 0, &err));
    g_assert_null(err);
}

static void test_eof_before_first_byte(const void *opaque)
{
    const ChannelKind *kind = opaque;
    g_autoptr(QIOChannel) out = NULL;
    g_autoptr(QIOChannel) in = NULL;
    Error *err = NULL;
    char buf[8];

    kind->make(&out, &in);
    qio_channel_set_name(in, "main channel");
    qio_channel_shutdown(out, QIO_CHANNEL_SHUTDOWN_WRITE);
    g_assert_cmpint(qio_channel_read(in, buf, sizeof(buf), &err), ==, 0);
    g_assert_cmpint(qio_channel_read_all_eof(in, buf, sizeof(buf), &err), ==,
                    0);
    g_assert_null(err);
    g_assert_false(qio_channel_read_all(in, buf, sizeof(buf), &err));
    g_assert_cmpstr(error_get_pretty(err), ==, "main channel: the stream ended "
                    "where 8 bytes were expected");
    error_free(err);
}

static void test_eof_inside(const void *opaque)
{
    const ChannelKind *kind = opaque;
    g_autoptr(QIOChannel) out = NULL;
    g_autoptr(QIOChannel) in = NULL;
    Error *err = NULL;
    char buf[8];

    kind->make(&out, &in);
    qio_channel_set_name(in, "multifd channel 3");
    g_assert_true(qio_channel_write_all(out, "abc", 3, NULL));
    qio_channel_shutdown(out, QIO_CHANNEL_SHUTDOWN_WRITE);
    g_assert_cmpint(qio_channel_read_all_eof(in, buf, sizeof(buf), &err), ==,
                    -1);
    g_assert_cmpstr(error_get_pretty(err), ==, "multifd channel 3: the stream "
                    "ended after 3 of 8 bytes");
    error_free(err);
}

static void test_shutdown_is_final(const void *opaque)
{
    const ChannelKind *kind = opaque;
    g_autoptr(QIOChannel) out = NULL;
    g_autoptr(QIOChannel) in = NULL;
    Error *err = NULL;
    char buf[8];

    kind->make(&out, &in);
    g_assert_true(qio_channel_write_all(out, "abc", 3, NULL));
    qio_channel_shutdown(in, QIO_CHANNEL_SHUTDOWN_BOTH);
    qio_channel_shutdown(in, QIO_CHANNEL_SHUTDOWN_BOTH);
    /* Data that had come already does not count any more. */
    g_assert_cmpint(qio_channel_read(in, buf, sizeof(buf), &err), ==, 0);
    g_assert_null(err);
    g_assert_false(qio_channel_write_all(in, "x", 1, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "cannot write"));
    error_free(err);
}

static void test_shutdown_of_one_direction(const void *opaque)
{
    const ChannelKind *kind = opaque;
    g_autoptr(QIOChannel) out = NULL;
    g_autoptr(QIOChannel) in = NULL;
    Error *err = NULL;
    char buf[8];

    kind->make(&out, &in);
    g_assert_true(qio_channel_write_all(out, "abc", 3, NULL));
    qio_channel_shutdown(in, QIO_CHANNEL_SHUTDOWN_WRITE);
    g_assert_true(qio_channel_read_all(in, buf, 3, &err));
    g_assert_null(err);
    g_assert_cmpmem(buf, 3, "abc", 3);
    g_assert_cmpint(qio_channel_writev(in, &(struct iovec){ buf, 1 }, 1, &err),
                    ==, -1);
    g_assert_nonnull(err);
    error_free(err);
}

static void test_name_is_the_kind_at_first(const void *opaque)
{
    const ChannelKind *kind = opaque;
    g_autoptr(QIOChannel) out = NULL;
    g_autoptr(QIOChannel) in = NULL;

    kind->make(&out, &in);
    g_assert_cmpstr(qio_channel_name(in), ==, in->ops->kind);
    qio_channel_set_name(in, "one");
    qio_channel_set_name(in, "two");
    g_assert_cmpstr(qio_channel_name(in), ==, "two");
}

static void test_null_is_accepted(void)
{
    qio_channel_unref(NULL);
    qio_channel_shutdown(NULL, QIO_CHANNEL_SHUTDOWN_BOTH);
}

static void test_buffer_peek_and_reset(void)
{
    g_autoptr(QIOChannel) ioc = qio_channel_buffer_new(4);
    size_t len = 99;
    char buf[2];

    g_assert_null(qio_channel_buffer_peek(ioc, &len));
    g_assert_cmpuint(len, ==, 0);
    g_assert_true(qio_channel_write_all(ioc, "hello world", 11, NULL));
    g_assert_true(qio_channel_read_all(ioc, buf, 2, NULL));
    g_assert_true(qio_channel_write_all(ioc, "!", 1, NULL));
    g_assert_cmpmem(qio_channel_buffer_peek(ioc, &len), 10, "llo world!", 10);
    g_assert_cmpuint(len, ==, 10);
    qio_channel_buffer_reset(ioc);
    g_assert_null(qio_channel_buffer_peek(ioc, NULL));
    g_assert_true(qio_channel_write_all(ioc, "ab", 2, NULL));
    g_assert_cmpmem(qio_channel_buffer_peek(ioc, &len), 2, "ab", 2);
}

/* Room is made by dropping what was read before the buffer grows. */
static void test_buffer_reuses_room(void)
{
    g_autoptr(QIOChannel) ioc = qio_channel_buffer_new(8);
    size_t len;
    char buf[6];

    g_assert_true(qio_channel_write_all(ioc, "01234567", 8, NULL));
    g_assert_true(qio_channel_read_all(ioc, buf, 6, NULL));
    g_assert_true(qio_channel_write_all(ioc, "abcd", 4, NULL));
    g_assert_cmpmem(qio_channel_buffer_peek(ioc, &len), 6, "67abcd", 6);
    g_assert_cmpuint(len, ==, 6);
}

static void test_buffer_of_data(void)
{
    char data[] = "abc";
    g_autoptr(QIOChannel) ioc = qio_channel_buffer_new_data(data, 3);
    g_autoptr(QIOChannel) none = qio_channel_buffer_new_data(NULL, 0);
    char buf[3];

    data[0] = 'z';
    g_assert_true(qio_channel_read_all(ioc, buf, 3, NULL));
    g_assert_cmpmem(buf, 3, "abc", 3);
    g_assert_cmpint(qio_channel_read_all_eof(ioc, buf, 1, NULL), ==, 0);
    g_assert_cmpint(qio_channel_read_all_eof(none, buf, 1, NULL), ==, 0);
}

static void test_buffer_has_no_descriptor(void)
{
    g_autoptr(QIOChannel) ioc = qio_channel_buffer_new(0);

    g_assert_cmpint(qio_channel_get_fd(ioc), ==, -1);
    g_assert_true(qio_channel_set_blocking(ioc, false, NULL));
}

static void add_all_kinds(const char *path, GTestDataFunc func)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        g_autofree char *full = g_strdup_printf("/channel/%s/%s",
                                                kinds[i].name, path);

        g_test_add_data_func(full, &kinds[i], func);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_all_kinds("moves-bytes", test_moves_bytes);
    add_all_kinds("moves-vectors", test_moves_vectors);
    add_all_kinds("moves-more-elements-than-iov-max", test_more_than_iov_max);
    add_all_kinds("moving-nothing-succeeds", test_nothing_to_move);
    add_all_kinds("eof-before-the-first-byte", test_eof_before_first_byte);
    add_all_kinds("eof-inside-is-an-error", test_eof_inside);
    add_all_kinds("shutdown-is-final", test_shutdown_is_final);
    add_all_kinds("shutdown-of-one-direction",
                  test_shutdown_of_one_direction);
    add_all_kinds("name-is-the-kind-at-first",
                  test_name_is_the_kind_at_first);
    g_test_add_func("/channel/null-is-accepted", test_null_is_accepted);
    g_test_add_func("/channel/buffer/peek-and-reset",
                    test_buffer_peek_and_reset);
    g_test_add_func("/channel/buffer/reuses-room", test_buffer_reuses_room);
    g_test_add_func("/channel/buffer/holds-a-copy-of-data",
                    test_buffer_of_data);
    g_test_add_func("/channel/buffer/has-no-descriptor",
                    test_buffer_has_no_descriptor);
    return g_test_run();
}
