/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the two stream types in migration/stream/: order, sizes of calls,
 * short reads and writes, errors.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/thread.h"
#include "qemu/units.h"
#include "test-channel.h"

static void assert_bytes(const GByteArray *got, const void *want,
                         size_t len_bytes)
{
    g_assert_cmpmem(got->data, got->len, want, len_bytes);
}

static void put_all_kinds(MigStreamOut *s)
{
    stream_put_byte(s, 0x01);
    stream_put_be16(s, 0x0203);
    stream_put_be32(s, 0x04050607);
    stream_put_be64(s, 0x08090a0b0c0d0e0f);
    stream_put_str8(s, "ram");
    stream_put_buffer(s, "xyz", 3);
    stream_put_buffer_ref(s, "uvw", 3);
}

static const char all_kinds[] =
    "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
    "\x03ramxyzuvw";

static void test_out_big_endian(void)
{
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamOut) s = stream_out_new(&c->parent);

    put_all_kinds(s);
    g_assert_cmpuint(stream_out_bytes(s), ==, sizeof(all_kinds) - 1);
    g_assert_cmpuint(c->nr_writes, ==, 0);
    g_assert_true(stream_out_flush(s, NULL));
    assert_bytes(c->out, all_kinds, sizeof(all_kinds) - 1);
    g_assert_cmpuint(c->nr_writes, ==, 1);
}

static void test_out_memory(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autoptr(GByteArray) first = NULL;
    g_autoptr(GByteArray) second = NULL;

    put_all_kinds(s);
    g_assert_true(stream_out_flush(s, NULL));
    first = stream_out_steal(s);
    second = stream_out_steal(s);
    assert_bytes(first, all_kinds, sizeof(all_kinds) - 1);
    g_assert_cmpuint(second->len, ==, 0);
}

/* Headers and pages by turns, far more than buffer and vector hold. */
static void test_out_order(void)
{
    enum { PAGES = 3000, PAGE = 4096 };
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamOut) s = stream_out_new(&c->parent);
    g_autofree uint8_t *pages = g_malloc((size_t)PAGES * PAGE);
    size_t at = 0;

    c->out_chunk = 70001;
    for (int i = 0; i < PAGES; i++) {
        memset(pages + (size_t)i * PAGE, i * 7, PAGE);
        stream_put_be64(s, i);
        stream_put_buffer_ref(s, pages + (size_t)i * PAGE, PAGE);
    }
    g_assert_true(stream_out_flush(s, NULL));
    g_assert_cmpuint(c->out->len, ==, PAGES * (PAGE + 8));
    for (int i = 0; i < PAGES; i++, at += PAGE + 8) {
        uint8_t header[8] = { 0, 0, 0, 0, 0, 0, i >> 8, i };

        g_assert_cmpmem(c->out->data + at, 8, header, 8);
        g_assert_cmpmem(c->out->data + at + 8, PAGE,
                        pages + (size_t)i * PAGE, PAGE);
    }
    /* A megabyte, and the record that made it full. */
    g_assert_cmpuint(c->max_write, <=, MiB + PAGE + 8);
}

static void test_out_merges(void)
{
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamOut) s = stream_out_new(&c->parent);
    g_autofree uint8_t *pages = g_malloc0(64 * KiB);

    stream_put_be64(s, 1);
    stream_put_be64(s, 2);
    for (int i = 0; i < 16; i++) {
        stream_put_buffer_ref(s, pages + i * 4 * KiB, 4 * KiB);
    }
    stream_put_be64(s, 3);
    g_assert_true(stream_out_flush(s, NULL));
    g_assert_cmpuint(c->nr_writes, ==, 1);
    g_assert_cmpuint(c->max_niov, ==, 3);
}

/* Neither the vector nor what one call carries grows without limit. */
static void test_out_limits(void)
{
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamOut) s = stream_out_new(&c->parent);
    g_autofree uint8_t *pages = g_malloc0(8 * MiB);

    for (int i = 0; i < 10000; i++) {
        stream_put_buffer_ref(s, pages + i * 2, 1);
    }
    g_assert_true(stream_out_flush(s, NULL));
    g_assert_cmpuint(c->out->len, ==, 10000);
    g_assert_cmpuint(c->max_niov, ==, 512);
    for (int i = 0; i < 64; i++) {
        stream_put_buffer_ref(s, pages + i * 128 * KiB, 64 * KiB);
    }
    g_assert_true(stream_out_flush(s, NULL));
    g_assert_cmpuint(c->out->len, ==, 10000 + 4 * MiB);
    g_assert_cmpuint(c->max_write, ==, MiB);
}

static void test_out_copies(void)
{
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamOut) s = stream_out_new(&c->parent);
    g_autofree uint8_t *big = g_malloc(200 * KiB);

    memset(big, 5, 200 * KiB);
    stream_put_buffer(s, big, 200 * KiB);
    memset(big, 6, 200 * KiB);
    g_assert_true(stream_out_flush(s, NULL));
    g_assert_cmpuint(c->out->len, ==, 200 * KiB);
    for (unsigned i = 0; i < c->out->len; i++) {
        g_assert_cmpuint(c->out->data[i], ==, 5);
    }
}

/* Space among copies and references, more of it than the buffer holds. */
static void test_out_space(void)
{
    enum { ROUNDS = 100, SPACE = 1000 };
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamOut) s = stream_out_new(&c->parent);
    g_autoptr(MigStreamOut) memory = stream_out_new(NULL);
    MigStreamOut *const both[] = { s, memory };
    g_autoptr(GByteArray) want = NULL;

    for (int i = 0; i < ROUNDS; i++) {
        for (int j = 0; j < 2; j++) {
            stream_put_be32(both[j], i);
            memset(stream_put_space(both[j], SPACE), i, SPACE);
            stream_put_buffer_ref(both[j], "ref", 3);
            memset(stream_put_space(both[j], 1), i, 1);
        }
    }
    g_assert_true(stream_out_flush(s, NULL));
    g_assert_cmpuint(stream_out_bytes(s), ==, ROUNDS * (4 + SPACE + 3 + 1));
    want = stream_out_steal(memory);
    g_assert_cmpuint(want->len, ==, ROUNDS * (4 + SPACE + 3 + 1));
    assert_bytes(c->out, want->data, want->len);
}

/* The largest space, behind a byte: all of the buffer is used and reused. */
static void test_out_space_fills_the_buffer(void)
{
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamOut) s = stream_out_new(&c->parent);

    stream_put_byte(s, 0xee);
    for (int i = 0; i < 20; i++) {
        memset(stream_put_space(s, STREAM_SPACE_MAX_BYTES), i,
               STREAM_SPACE_MAX_BYTES);
    }
    g_assert_true(stream_out_flush(s, NULL));
    g_assert_cmpuint(c->out->len, ==, 1 + 20 * STREAM_SPACE_MAX_BYTES);
    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < STREAM_SPACE_MAX_BYTES; j++) {
            g_assert_cmpuint(c->out->data[1 + i * STREAM_SPACE_MAX_BYTES + j],
                             ==, i);
        }
    }
}

static void test_out_no_space_after_an_error(void)
{
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamOut) s = stream_out_new(&c->parent);
    uint8_t *space;

    c->out_limit = 1;
    for (int i = 0; i < 100; i++) {
        space = stream_put_space(s, STREAM_SPACE_MAX_BYTES);
        if (!space) {
            break;
        }
        memset(space, 0, STREAM_SPACE_MAX_BYTES);
    }
    g_assert_null(space);
    g_assert_false(stream_out_ok(s));
    g_assert_null(stream_put_space(s, 1));
}

static void test_out_error_held(void)
{
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamOut) s = stream_out_new(&c->parent);
    Error *err = NULL;

    c->out_limit = 1;
    stream_put_be64(s, 1);
    g_assert_true(stream_out_flush(s, &err));
    stream_put_be64(s, 2);
    g_assert_true(stream_out_ok(s));
    g_assert_false(stream_out_flush(s, &err));
    test_assert_error(&err, "test channel is full");
    g_assert_false(stream_out_ok(s));

    c->out_limit = 0;
    stream_put_be64(s, 3);
    stream_put_buffer_ref(s, "abc", 3);
    g_assert_false(stream_out_flush(s, &err));
    test_assert_error(&err, "test channel is full");
    g_assert_cmpuint(c->out->len, ==, 8);
    g_assert_cmpuint(stream_out_bytes(s), ==, 16);
}

static void test_out_long_name(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autofree char *name = g_strnfill(256, 'n');
    g_autoptr(GByteArray) bytes = NULL;
    Error *err = NULL;

    stream_put_str8(s, name + 1);
    g_assert_true(stream_out_ok(s));
    stream_put_str8(s, name);
    g_assert_false(stream_out_flush(s, &err));
    test_assert_error(&err, "256 bytes");
    bytes = stream_out_steal(s);
    g_assert_cmpuint(bytes->len, ==, 256);
}

static void test_in_every_chunk(void)
{
    for (size_t chunk = 0; chunk < sizeof(all_kinds); chunk++) {
        g_autoptr(TestChannel) c = test_channel_new(all_kinds,
                                                    sizeof(all_kinds) - 1);
        g_autoptr(MigStreamIn) s = stream_in_new(&c->parent, NULL, 0);
        uint8_t byte;
        uint16_t be16;
        uint32_t be32;
        uint64_t be64;
        char str[STREAM_STR8_MAX], buf[6];

        c->in_chunk = chunk;
        g_assert_true(stream_get_byte(s, &byte, NULL));
        g_assert_true(stream_get_be16(s, &be16, NULL));
        g_assert_true(stream_get_be32(s, &be32, NULL));
        g_assert_true(stream_get_be64(s, &be64, NULL));
        g_assert_true(stream_get_str8(s, str, NULL));
        g_assert_true(stream_get_buffer(s, buf, sizeof(buf), NULL));
        g_assert_cmphex(byte, ==, 0x01);
        g_assert_cmphex(be16, ==, 0x0203);
        g_assert_cmphex(be32, ==, 0x04050607);
        g_assert_cmphex(be64, ==, 0x08090a0b0c0d0e0f);
        g_assert_cmpstr(str, ==, "ram");
        g_assert_cmpmem(buf, 6, "xyzuvw", 6);
        g_assert_cmpuint(stream_in_bytes(s), ==, sizeof(all_kinds) - 1);
    }
}

static void test_in_initial(void)
{
    g_autoptr(TestChannel) c = test_channel_new("\x03\x04", 2);
    g_autoptr(MigStreamIn) s = stream_in_new(&c->parent, "\x01\x02", 2);
    uint32_t v;

    g_assert_true(stream_get_be32(s, &v, NULL));
    g_assert_cmphex(v, ==, 0x01020304);
    g_assert_cmpuint(stream_in_bytes(s), ==, 4);
}

/* A page and what follows it come with one read. */
static void test_in_large(void)
{
    g_autofree uint8_t *want = g_malloc(300 * KiB);
    g_autofree uint8_t *got = g_malloc(300 * KiB);
    g_autoptr(TestChannel) c = NULL;
    g_autoptr(MigStreamIn) s = NULL;

    for (int i = 0; i < 300 * KiB; i++) {
        want[i] = i * 31 >> 3;
    }
    c = test_channel_new(want, 300 * KiB);
    s = stream_in_new(&c->parent, NULL, 0);
    g_assert_true(stream_get_buffer(s, got, 250 * KiB, NULL));
    g_assert_true(stream_get_buffer(s, got + 250 * KiB, 50 * KiB, NULL));
    g_assert_cmpmem(got, 300 * KiB, want, 300 * KiB);
    g_assert_cmpuint(c->nr_reads, ==, 1);
}

static void test_in_truncated(void)
{
    g_autoptr(MigStreamIn) s = test_stream_in("\x01\x02\x03\x04\x05\x06", 6);
    uint32_t v = 0;
    uint8_t byte = 9;
    Error *err = NULL;

    g_assert_true(stream_get_be32(s, &v, &err));
    g_assert_false(stream_get_be32(s, &v, &err));
    test_assert_error(&err, "ended at byte 6, 2 bytes into a field of 4");
    g_assert_cmphex(v, ==, 0x01020304);
    g_assert_false(stream_get_byte(s, &byte, &err));
    test_assert_error(&err, "ended at byte 6");
    g_assert_cmpuint(byte, ==, 9);
}

static void test_in_read_error(void)
{
    g_autoptr(TestChannel) c = test_channel_new("\x01", 1);
    g_autoptr(MigStreamIn) s = stream_in_new(&c->parent, NULL, 0);
    uint16_t v;
    uint8_t byte;
    Error *err = NULL;

    c->in_fails = true;
    g_assert_false(stream_get_be16(s, &v, &err));
    test_assert_error(&err, "test channel broke");
    g_assert_cmpint(stream_peek(s, &byte, 1, &err), ==, -1);
    test_assert_error(&err, "test channel broke");
    g_assert_false(stream_skip(s, 1, &err));
    test_assert_error(&err, "test channel broke");
    g_assert_cmpuint(c->nr_reads, ==, 2);
}

static void assert_bad_name(const char *bytes, size_t len_bytes,
                            const char *part)
{
    g_autoptr(MigStreamIn) s = test_stream_in(bytes, len_bytes);
    char str[STREAM_STR8_MAX] = "old";
    Error *err = NULL;

    g_assert_false(stream_get_str8(s, str, &err));
    test_assert_error(&err, part);
    g_assert_cmpstr(str, ==, "old");
}

static void test_in_bad_names(void)
{
    assert_bad_name("\x03" "a\0b", 4, "no printable text");
    assert_bad_name("\x03" "a\x1b" "b", 4, "no printable text");
    assert_bad_name("\x03" "a\xff" "b", 4, "no printable text");
    assert_bad_name("\x03" "ab", 3, "ended at byte 3");
    assert_bad_name("", 0, "ended at byte 0");
}

static void test_in_long_name(void)
{
    g_autofree char *bytes = g_strnfill(256, 'n');
    g_autoptr(MigStreamIn) s = NULL;
    char str[STREAM_STR8_MAX];

    bytes[0] = (char)255;
    s = test_stream_in(bytes, 256);
    g_assert_true(stream_get_str8(s, str, NULL));
    g_assert_cmpstr(str, ==, bytes + 1);
}

static void test_in_peek(void)
{
    g_autoptr(TestChannel) c = test_channel_new("abcdef", 6);
    g_autoptr(MigStreamIn) s = stream_in_new(&c->parent, NULL, 0);
    char buf[8];

    c->in_chunk = 1;
    g_assert_cmpint(stream_peek(s, buf, 3, NULL), ==, 3);
    g_assert_cmpmem(buf, 3, "abc", 3);
    g_assert_cmpuint(stream_in_bytes(s), ==, 0);
    g_assert_true(stream_skip(s, 2, NULL));
    g_assert_cmpuint(stream_in_bytes(s), ==, 2);
    g_assert_cmpint(stream_peek(s, buf, 8, NULL), ==, 4);
    g_assert_cmpmem(buf, 4, "cdef", 4);
    g_assert_true(stream_get_buffer(s, buf, 4, NULL));
    g_assert_cmpint(stream_peek(s, buf, 1, NULL), ==, 0);
}

/* What is there can be looked at and taken in part; nothing is waited for. */
static void test_in_buffered(void)
{
    g_autoptr(TestChannel) c = test_channel_new("abcdefgh", 8);
    g_autoptr(MigStreamIn) s = stream_in_new(&c->parent, "xy", 2);
    const uint8_t *there;
    size_t len_bytes;
    uint8_t byte;

    there = stream_in_buffered(s, &len_bytes);
    g_assert_cmpmem(there, len_bytes, "xy", 2);
    stream_in_advance(s, 1);
    g_assert_cmpuint(c->nr_reads, ==, 0);
    c->in_chunk = 3;
    g_assert_true(stream_in_fill(s, 5));
    there = stream_in_buffered(s, &len_bytes);
    g_assert_cmpmem(there, len_bytes, "yabcdef", 7);
    stream_in_advance(s, 6);
    g_assert_cmpuint(stream_in_bytes(s), ==, 7);
    g_assert_true(stream_get_byte(s, &byte, NULL));
    g_assert_cmpuint(byte, ==, 'f');
    g_assert_true(stream_in_fill(s, 2));
    stream_in_buffered(s, &len_bytes);
    g_assert_cmpuint(len_bytes, ==, 2);
    g_assert_cmpuint(stream_in_bytes(s), ==, 8);
}

/* It says so, and the read that follows says why. */
static void test_in_fill_ends(void)
{
    g_autoptr(MigStreamIn) s = test_stream_in("abc", 3);
    Error *err = NULL;
    char buf[4];

    g_assert_false(stream_in_fill(s, 4));
    g_assert_false(stream_get_buffer(s, buf, 4, &err));
    test_assert_error(&err, "ended at byte 3, 3 bytes into a field of 4");
}

static void test_in_skip(void)
{
    g_autofree uint8_t *zeroes = g_malloc0(200 * KiB);
    g_autoptr(MigStreamIn) s = test_stream_in(zeroes, 200 * KiB);
    Error *err = NULL;

    g_assert_true(stream_skip(s, 150 * KiB, &err));
    g_assert_cmpuint(stream_in_bytes(s), ==, 150 * KiB);
    g_assert_false(stream_skip(s, UINT64_MAX, &err));
    test_assert_error(&err, "ended at byte 204800, 51200 bytes into");
}

static void test_in_wait(void)
{
    g_autoptr(TestChannel) c = test_channel_new("ab", 2);
    g_autoptr(MigStreamIn) s = stream_in_new(&c->parent, NULL, 0);
    int fds[2];
    uint8_t byte;

    g_assert_cmpint(pipe(fds), ==, 0);
    c->fd = fds[0];
    g_assert_false(stream_in_wait(s, 1));
    g_assert_cmpint(write(fds[1], "x", 1), ==, 1);
    g_assert_true(stream_in_wait(s, 60000));
    g_assert_cmpint(read(fds[0], &byte, 1), ==, 1);
    /* The first read has brought in the second byte, too. */
    g_assert_true(stream_get_byte(s, &byte, NULL));
    g_assert_true(stream_in_wait(s, 0));
    g_assert_true(stream_get_byte(s, &byte, NULL));
    g_assert_false(stream_in_wait(s, 0));
    close(fds[1]);
    g_assert_true(stream_in_wait(s, 60000));
    close(fds[0]);
}

/* The counters are read by another thread while the owner works. */
typedef struct Watcher {
    const MigStreamOut *out;
    const MigStreamIn *in;
} Watcher;

static void *watch_counters(void *opaque)
{
    Watcher *w = opaque;
    uint64_t out = 0, in = 0;

    while (out < 8000 || in < 8000) {
        uint64_t o = stream_out_bytes(w->out), i = stream_in_bytes(w->in);

        g_assert_true(o >= out && i >= in);
        out = o;
        in = i;
    }
    return NULL;
}

static void test_counters(void)
{
    g_autofree uint8_t *zeroes = g_malloc0(8000);
    g_autoptr(MigStreamIn) in = test_stream_in(zeroes, 8000);
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);
    Watcher w = { out, in };
    QemuThread thread;

    qemu_thread_create(&thread, "watch", watch_counters, &w,
                       QEMU_THREAD_JOINABLE);
    for (int i = 0; i < 1000; i++) {
        uint64_t v;

        stream_put_be64(out, i);
        g_assert_true(stream_get_be64(in, &v, NULL));
    }
    qemu_thread_join(&thread);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stream/out/fields are big-endian", test_out_big_endian);
    g_test_add_func("/stream/out/gathers in memory", test_out_memory);
    g_test_add_func("/stream/out/copies and references keep their order",
                    test_out_order);
    g_test_add_func("/stream/out/adjacent references share a vector entry",
                    test_out_merges);
    g_test_add_func("/stream/out/one call carries a megabyte at most",
                    test_out_limits);
    g_test_add_func("/stream/out/a buffer may change after it was put",
                    test_out_copies);
    g_test_add_func("/stream/out/space is written where it was put",
                    test_out_space);
    g_test_add_func("/stream/out/space uses all of the buffer",
                    test_out_space_fills_the_buffer);
    g_test_add_func("/stream/out/no space after an error",
                    test_out_no_space_after_an_error);
    g_test_add_func("/stream/out/an error is held until flush",
                    test_out_error_held);
    g_test_add_func("/stream/out/a name of 256 bytes fails the stream",
                    test_out_long_name);
    g_test_add_func("/stream/in/fields come in pieces of any size",
                    test_in_every_chunk);
    g_test_add_func("/stream/in/initial bytes come first", test_in_initial);
    g_test_add_func("/stream/in/a large read takes one call", test_in_large);
    g_test_add_func("/stream/in/a truncated field is an error",
                    test_in_truncated);
    g_test_add_func("/stream/in/a read error stays", test_in_read_error);
    g_test_add_func("/stream/in/a name that is no text is refused",
                    test_in_bad_names);
    g_test_add_func("/stream/in/a name may have 255 bytes", test_in_long_name);
    g_test_add_func("/stream/in/peek takes nothing", test_in_peek);
    g_test_add_func("/stream/in/what is there may be taken in part",
                    test_in_buffered);
    g_test_add_func("/stream/in/fill ends with the stream", test_in_fill_ends);
    g_test_add_func("/stream/in/skip stops at the end", test_in_skip);
    g_test_add_func("/stream/in/wait ends when bytes or the end come",
                    test_in_wait);
    g_test_add_func("/stream/counters may be read by another thread",
                    test_counters);
    return g_test_run();
}
