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
    return g_test_run();
}
