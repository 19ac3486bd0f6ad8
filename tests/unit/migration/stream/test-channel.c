/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channel and the small helpers that the tests of migration/stream and
 * migration/vmstate share.  Runs in the test's thread.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/iov.h"
#include "test-channel.h"

static TestChannel *test_channel(QIOChannel *ioc)
{
    return container_of(ioc, TestChannel, parent);
}

static ssize_t test_channel_readv(QIOChannel *ioc, const struct iovec *iov,
                                  size_t niov, Error **errp)
{
    TestChannel *c = test_channel(ioc);
    size_t left = c->in->len - c->in_pos;
    size_t n;

    c->nr_reads++;
    if (!left && c->in_fails) {
        error_setg(errp, "test channel broke");
        return -1;
    }
    if (c->in_chunk) {
        left = MIN(left, c->in_chunk);
    }
    n = left ? iov_from_buf(iov, niov, 0, c->in->data + c->in_pos, left) : 0;
    c->in_pos += n;
    return n;
}

static ssize_t test_channel_writev(QIOChannel *ioc, const struct iovec *iov,
                                   size_t niov, Error **errp)
{
    TestChannel *c = test_channel(ioc);
    size_t start = c->out->len;
    size_t n = iov_size(iov, niov);

    if (c->out_limit && start >= c->out_limit) {
        error_setg(errp, "test channel is full");
        return -1;
    }
    c->nr_writes++;
    c->max_write = MAX(c->max_write, n);
    c->max_niov = MAX(c->max_niov, niov);
    if (c->out_chunk) {
        n = MIN(n, c->out_chunk);
    }
    g_byte_array_set_size(c->out, start + n);
    return iov_to_buf(iov, niov, 0, c->out->data + start, n);
}

static void test_channel_shutdown(QIOChannel *ioc, QIOChannelShutdown how)
{
}

static int test_channel_get_fd(QIOChannel *ioc)
{
    return test_channel(ioc)->fd;
}

static void test_channel_finalize(QIOChannel *ioc)
{
    TestChannel *c = test_channel(ioc);

    g_byte_array_unref(c->in);
    g_byte_array_unref(c->out);
}

static const QIOChannelOps test_channel_ops = {
    .kind = "test",
    .readv = test_channel_readv,
    .writev = test_channel_writev,
    .shutdown = test_channel_shutdown,
    .finalize = test_channel_finalize,
    .get_fd = test_channel_get_fd,
};

TestChannel *test_channel_new(const void *bytes, size_t len_bytes)
{
    TestChannel *c = g_new0(TestChannel, 1);

    qio_channel_init(&c->parent, &test_channel_ops);
    c->fd = -1;
    c->in = g_byte_array_new();
    c->out = g_byte_array_new();
    if (len_bytes) {
        g_byte_array_append(c->in, bytes, len_bytes);
    }
    return c;
}

void test_channel_unref(TestChannel *c)
{
    qio_channel_unref(&c->parent);
}

MigStreamIn *test_stream_in(const void *bytes, size_t len_bytes)
{
    g_autoptr(TestChannel) c = test_channel_new(bytes, len_bytes);

    return stream_in_new(&c->parent, NULL, 0);
}

MigStreamIn *test_stream_back(MigStreamOut *s)
{
    g_autoptr(GByteArray) bytes = stream_out_steal(s);

    g_assert_true(stream_out_ok(s));
    stream_out_free(s);
    return test_stream_in(bytes->data, bytes->len);
}

void test_assert_error(Error **err, const char *part)
{
    g_assert_nonnull(*err);
    if (!strstr(error_get_pretty(*err), part)) {
        g_error("\"%s\" is not in the error \"%s\"", part,
                error_get_pretty(*err));
    }
    error_free(*err);
    *err = NULL;
}

GByteArray *test_read_data(const char *name)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "data", name,
                                                  NULL);
    char *contents;
    gsize len_bytes;

    g_assert_true(g_file_get_contents(path, &contents, &len_bytes, NULL));
    return g_byte_array_new_take((guint8 *)contents, len_bytes);
}
