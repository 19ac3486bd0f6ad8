/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A channel for tests of the stream codecs: reads come from a given array of
 * bytes in pieces of a chosen size, writes are kept, either can be made to
 * fail. What went through is counted.
 *
 * Threads: the test's own.
 */
#ifndef TESTS_MIGRATION_STREAM_TEST_CHANNEL_H
#define TESTS_MIGRATION_STREAM_TEST_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <glib.h>
#include "io/channel-internal.h"
#include "migration/stream/stream.h"

typedef struct TestChannel {
    QIOChannel parent;
    /* what reads give */
    GByteArray *in;
    size_t in_pos;
    size_t in_chunk;        /* bytes a read gives at most; 0 = no limit */
    bool in_fails;          /* at the end: an error instead of end of stream */
    unsigned nr_reads;
    int fd;                 /* what to poll, the test's; -1 = none */
    /* what was written */
    GByteArray *out;
    size_t out_chunk;       /* bytes a write takes at most; 0 = no limit */
    size_t out_limit;       /* bytes after which writes fail; 0 = no limit */
    unsigned nr_writes;
    size_t max_write;       /* largest write seen, bytes */
    size_t max_niov;        /* longest vector seen */
} TestChannel;

/**
 * test_channel_new:
 * @bytes: what reads give, copied; may be NULL
 * @len_bytes: how many
 *
 * Returns: a channel, to be dropped with test_channel_unref()
 */
TestChannel *test_channel_new(const void *bytes, size_t len_bytes);

/**
 * test_channel_unref:
 * @c: a channel
 */
void test_channel_unref(TestChannel *c);

/**
 * test_stream_in:
 * @bytes: what it gives, copied
 * @len_bytes: how many
 *
 * Returns: an input stream over a channel of its own
 */
MigStreamIn *test_stream_in(const void *bytes, size_t len_bytes);

/**
 * test_stream_back:
 * @s: an output stream in memory; it is freed
 *
 * Returns: an input stream that gives what was put
 */
MigStreamIn *test_stream_back(MigStreamOut *s);

/**
 * test_assert_error:
 * @err: the error that must be there; it is freed and set to NULL
 * @part: what must stand in its text
 */
void test_assert_error(Error **err, const char *part);

/**
 * test_read_data:
 * @name: path of a file below tests/data
 *
 * Returns: its bytes
 */
GByteArray *test_read_data(const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestChannel, test_channel_unref)

#endif
