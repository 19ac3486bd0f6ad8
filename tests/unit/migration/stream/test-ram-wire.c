/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/stream/ram-wire.c: the records of section "ram".
 */
#include "qemu/osdep.h"
#include "migration/stream/ram-wire.h"
#include "qapi/error.h"
#include "test-channel.h"

/* Bytes of a literal without its NUL. */
#define BYTES(literal) (literal), sizeof(literal) - 1

static const char all_records[] =
    "\0\0\0\0\0\0\x40\x04" "\1m\0\0\0\0\0\0\x40\0"
    "\0\0\0\0\0\0\0\2" "\1m\0"
    "\0\0\0\0\0\0\x10\x28"
    "\0\0\0\0\0\0\x20\x22\0"
    "\0\0\0\0\0\0\x30\x08\2mm"
    "\0\0\0\0\0\0\2\0"
    "\0\0\0\0\0\0\0\x10";

static void test_out(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autoptr(GByteArray) bytes = NULL;

    ram_wire_put_mem_size(s, 0x4000);
    ram_wire_put_block(s, "m", 0x4000);
    ram_wire_put_zero(s, "m", 0);
    ram_wire_put_page(s, NULL, 0x1000);
    ram_wire_put_zero(s, NULL, 0x2000);
    ram_wire_put_page(s, "mm", 0x3000);
    ram_wire_put_flush(s);
    ram_wire_put_eos(s);
    bytes = stream_out_steal(s);
    g_assert_cmpmem(bytes->data, bytes->len, all_records,
                    sizeof(all_records) - 1);
}

static void assert_record(MigStreamIn *s, RamRecordKind kind, uint64_t addr,
                          bool same_block, const char *idstr)
{
    RamRecord r;
    Error *err = NULL;

    g_assert_true(ram_wire_get_record(s, &r, &err));
    g_assert_cmpint(r.kind, ==, kind);
    g_assert_cmphex(r.addr, ==, addr);
    g_assert_true(r.same_block == same_block);
    g_assert_cmpstr(r.idstr, ==, idstr);
}

static void test_in(void)
{
    g_autoptr(MigStreamIn) s = test_stream_in(BYTES(all_records));
    RamWireBlock block;

    assert_record(s, RAM_RECORD_MEM_SIZE, 0x4000, false, "");
    g_assert_true(ram_wire_get_block(s, &block, NULL));
    g_assert_cmpstr(block.idstr, ==, "m");
    g_assert_cmphex(block.used_length, ==, 0x4000);
    assert_record(s, RAM_RECORD_ZERO, 0, false, "m");
    assert_record(s, RAM_RECORD_PAGE, 0x1000, true, "");
    assert_record(s, RAM_RECORD_ZERO, 0x2000, true, "");
    assert_record(s, RAM_RECORD_PAGE, 0x3000, false, "mm");
    assert_record(s, RAM_RECORD_FLUSH, 0, false, "");
    assert_record(s, RAM_RECORD_EOS, 0, false, "");
    g_assert_cmpuint(stream_in_bytes(s), ==, sizeof(all_records) - 1);
}

static void test_in_high_offset(void)
{
    g_autoptr(MigStreamIn) s = test_stream_in(
        BYTES("\xff\xff\xff\xff\xff\xff\xf0\x28"));

    assert_record(s, RAM_RECORD_PAGE, 0xfffffffffffff000, true, "");
}

static void test_in_xbzrle(void)
{
    g_autoptr(MigStreamIn) s = test_stream_in(
        BYTES("\0\0\0\0\0\0\x10\x60\1\0\2zz"));

    assert_record(s, RAM_RECORD_XBZRLE, 0x1000, true, "");
    g_assert_cmpuint(stream_in_bytes(s), ==, 8);
}

static void assert_bad(const char *bytes, size_t len_bytes, const char *part)
{
    g_autoptr(MigStreamIn) s = test_stream_in(bytes, len_bytes);
    RamRecord r = { .addr = 77 };
    Error *err = NULL;

    g_assert_false(ram_wire_get_record(s, &r, &err));
    test_assert_error(&err, part);
    g_assert_cmpuint(r.addr, ==, 77);
}

static void test_obsolete(void)
{
    assert_bad(BYTES("\0\0\0\0\0\0\0\1"), "no longer send");
    assert_bad(BYTES("\0\0\0\0\0\0\1\0"), "no longer send");
    assert_bad(BYTES("\0\0\0\0\0\0\0\x80"), "RDMA");
}

static void test_no_record(void)
{
    assert_bad(BYTES("\0\0\0\0\0\0\0\0"), "flags 0x000");
    assert_bad(BYTES("\0\0\0\0\0\0\0\x20"), "flags 0x020");
    assert_bad(BYTES("\0\0\0\0\0\0\x10\x0a\1m\0"), "flags 0x00a");
    assert_bad(BYTES("\0\0\0\0\0\0\4\0"), "flags 0x400");
    assert_bad(BYTES("\0\0\0\0\0\0\x0a\0"), "flags 0xa00");
    assert_bad(BYTES("\0\0\0\0\0\0\0\x24"), "flags 0x024");
    assert_bad(BYTES("\0\0\0\0\0\0\0\x30"), "flags 0x030");
}

static void test_mark_with_address(void)
{
    assert_bad(BYTES("\0\0\0\0\0\0\x10\x10"), "0x1010");
    assert_bad(BYTES("\0\0\0\0\0\0\x12\0"), "0x1200");
}

static void test_fill(void)
{
    assert_bad(BYTES("\0\0\0\0\0\0\x10\x22\7"),
               "0x1022 at byte 0 of the stream fills with 0x07");
}

static void test_no_name(void)
{
    assert_bad(BYTES("\0\0\0\0\0\0\x10\x08\0"), "names no RAM block");
    assert_bad(BYTES("\0\0\0\0\0\0\x10\x02\0\0"), "names no RAM block");
}

static void test_truncated(void)
{
    for (size_t n = 0; n < 11; n++) {
        assert_bad("\0\0\0\0\0\0\0\2\1m\0", n, "stream ended");
    }
}

static void test_block_truncated(void)
{
    for (size_t n = 0; n < 10; n++) {
        g_autoptr(MigStreamIn) s = test_stream_in("\1m\0\0\0\0\0\0\x40\0", n);
        RamWireBlock block = { .used_length = 77 };
        Error *err = NULL;

        g_assert_false(ram_wire_get_block(s, &block, &err));
        test_assert_error(&err, "stream ended");
        g_assert_cmpuint(block.used_length, ==, 77);
    }
}

static void test_block_no_name(void)
{
    g_autoptr(MigStreamIn) s = test_stream_in("\0\0\0\0\0\0\0\x40\0", 9);
    RamWireBlock block;
    Error *err = NULL;

    g_assert_false(ram_wire_get_block(s, &block, &err));
    test_assert_error(&err, "block list entry before byte 1");
}

/* A run of zero records is the records one by one, whatever its length. */
static void test_zeroes_out(void)
{
    static const uint64_t lengths[] = { 1, 2, 1820, 1821, 10000 };

    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        for (int named = 0; named < 2; named++) {
            g_autoptr(MigStreamOut) run = stream_out_new(NULL);
            g_autoptr(MigStreamOut) single = stream_out_new(NULL);
            g_autoptr(GByteArray) got = NULL;
            g_autoptr(GByteArray) want = NULL;

            ram_wire_put_zeroes(run, named ? "m" : NULL, 0x123456789000,
                                lengths[i]);
            for (uint64_t page = 0; page < lengths[i]; page++) {
                ram_wire_put_zero(single, named && page == 0 ? "m" : NULL,
                                  0x123456789000 + page * 0x1000);
            }
            got = stream_out_steal(run);
            want = stream_out_steal(single);
            g_assert_cmpmem(got->data, got->len, want->data, want->len);
        }
    }
}

/* Takes what follows @offset of up to 100 pages; returns how many. */
static uint64_t take(const char *bytes, size_t len_bytes, uint64_t offset,
                     uint64_t max_pages)
{
    g_autoptr(MigStreamIn) s = test_stream_in(bytes, len_bytes);
    uint64_t nr;

    /* Nothing has been read yet, and it does not wait. */
    g_assert_cmpuint(ram_wire_take_zeroes(s, offset, max_pages), ==, 0);
    g_assert_true(stream_in_fill(s, 1));
    nr = ram_wire_take_zeroes(s, offset, max_pages);
    g_assert_cmpuint(stream_in_bytes(s), ==, nr * 9);
    return nr;
}

#define ZERO_1 "\0\0\0\0\0\0\x10\x22\0"
#define ZERO_2 "\0\0\0\0\0\0\x20\x22\0"

static void test_zeroes_in(void)
{
    g_assert_cmpuint(take(BYTES(ZERO_1 ZERO_2), 0x1000, 100), ==, 2);
    g_assert_cmpuint(take(BYTES(ZERO_1 ZERO_2), 0x1000, 1), ==, 1);
    g_assert_cmpuint(take(BYTES(ZERO_1 ZERO_2), 0x1000, 0), ==, 0);
    g_assert_cmpuint(take(BYTES(ZERO_1 ZERO_2), 0x2000, 100), ==, 0);
    g_assert_cmpuint(take(BYTES(ZERO_1 ZERO_1), 0x1000, 100), ==, 1);
    /* a name; a page; a delta; EOS; another fill byte */
    g_assert_cmpuint(take(BYTES(ZERO_1 "\0\0\0\0\0\0\x20\x02\1m\0"), 0x1000,
                          100), ==, 1);
    g_assert_cmpuint(take(BYTES(ZERO_1 "\0\0\0\0\0\0\x20\x28\0"), 0x1000,
                          100), ==, 1);
    g_assert_cmpuint(take(BYTES(ZERO_1 "\0\0\0\0\0\0\x20\x62\0"), 0x1000,
                          100), ==, 1);
    g_assert_cmpuint(take(BYTES(ZERO_1 "\0\0\0\0\0\0\0\x10\0"), 0x1000, 100),
                     ==, 1);
    g_assert_cmpuint(take(BYTES(ZERO_1 "\0\0\0\0\0\0\x20\x22\7"), 0x1000,
                          100), ==, 1);
}

static void test_zeroes_cut(void)
{
    static const char records[] = ZERO_1 ZERO_2;

    for (size_t n = 1; n < sizeof(records); n++) {
        g_assert_cmpuint(take(records, n, 0x1000, 100), ==, n / 9);
    }
}

/*
 * Three pages from 0x1000 on, the last of them without its content; the second
 * header is @second.
 */
static unsigned look(const char *second, size_t len_bytes, unsigned max_pages,
                     size_t *run_bytes)
{
    g_autofree uint8_t *bytes = g_malloc(3 * 0x1008);
    g_autoptr(MigStreamIn) s = NULL;
    struct iovec content[3];
    unsigned nr;

    memset(bytes, 1, 0x1000);
    memcpy(bytes + 0x1000, second, 8);
    memset(bytes + 0x1008, 2, 0x1000);
    memcpy(bytes + 0x2008, "\0\0\0\0\0\0\x30\x28", 8);
    memset(bytes + 0x2010, 3, 0x1000);
    s = test_stream_in(bytes, len_bytes);
    g_assert_true(stream_in_fill(s, 0x1000));
    nr = ram_wire_look_pages(s, 0x1000, content, max_pages, run_bytes);
    for (unsigned i = 0; i < nr; i++) {
        g_assert_cmpuint(content[i].iov_len, ==, 0x1000);
        g_assert_cmpuint(*(uint8_t *)content[i].iov_base, ==, i + 1);
        g_assert_cmpuint(((uint8_t *)content[i].iov_base)[0xfff], ==, i + 1);
    }
    g_assert_cmpuint(*run_bytes, ==, nr * 0x1008 - 8);
    g_assert_cmpuint(stream_in_bytes(s), ==, 0);
    return nr;
}

static void test_pages_in(void)
{
    static const char next[8] = "\0\0\0\0\0\0\x20\x28";
    static const char named[8] = "\0\0\0\0\0\0\x20\x08";
    static const char other[8] = "\0\0\0\0\0\0\x30\x28";
    static const char zero[8] = "\0\0\0\0\0\0\x20\x22";
    size_t run_bytes;

    g_assert_cmpuint(look(next, 3 * 0x1008 - 8, 3, &run_bytes), ==, 3);
    g_assert_cmpuint(look(next, 3 * 0x1008 - 9, 3, &run_bytes), ==, 2);
    g_assert_cmpuint(look(next, 2 * 0x1008, 3, &run_bytes), ==, 2);
    g_assert_cmpuint(look(next, 2 * 0x1008 - 9, 3, &run_bytes), ==, 1);
    g_assert_cmpuint(look(next, 0x1000, 3, &run_bytes), ==, 1);
    g_assert_cmpuint(look(next, 3 * 0x1008 - 8, 2, &run_bytes), ==, 2);
    g_assert_cmpuint(look(next, 3 * 0x1008 - 8, 1, &run_bytes), ==, 1);
    g_assert_cmpuint(look(named, 3 * 0x1008 - 8, 3, &run_bytes), ==, 1);
    g_assert_cmpuint(look(other, 3 * 0x1008 - 8, 3, &run_bytes), ==, 1);
    g_assert_cmpuint(look(zero, 3 * 0x1008 - 8, 3, &run_bytes), ==, 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ram-wire/every record out", test_out);
    g_test_add_func("/ram-wire/every record in", test_in);
    g_test_add_func("/ram-wire/highest offset", test_in_high_offset);
    g_test_add_func("/ram-wire/a delta is left on the stream", test_in_xbzrle);
    g_test_add_func("/ram-wire/obsolete record", test_obsolete);
    g_test_add_func("/ram-wire/flags that make no record", test_no_record);
    g_test_add_func("/ram-wire/mark with an address", test_mark_with_address);
    g_test_add_func("/ram-wire/fill byte other than zero", test_fill);
    g_test_add_func("/ram-wire/empty block name", test_no_name);
    g_test_add_func("/ram-wire/truncated record", test_truncated);
    g_test_add_func("/ram-wire/truncated block", test_block_truncated);
    g_test_add_func("/ram-wire/block without a name", test_block_no_name);
    g_test_add_func("/ram-wire/a run of zero pages out", test_zeroes_out);
    g_test_add_func("/ram-wire/a run of zero pages in", test_zeroes_in);
    g_test_add_func("/ram-wire/a run of zero pages cut at every byte",
                    test_zeroes_cut);
    g_test_add_func("/ram-wire/a run of normal pages in", test_pages_in);
    return g_test_run();
}
