/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/stream/section.c: the frame of the main stream, and one
 * wrong thing at a time in each part of it.
 */
#include "qemu/osdep.h"
#include "migration/stream/section.h"
#include "migration/stream/wire.h"
#include "qapi/error.h"
#include "test-channel.h"

static const SectionHeader header = {
    .section_id = 0x12345678, .idstr = "ram", .instance_id = 9, .version_id = 4,
};

static const char header_bytes[] =
    "\x01\x12\x34\x56\x78\x03ram\0\0\0\x09\0\0\0\x04";

static void assert_out(MigStreamOut *s, const char *want, size_t len_bytes)
{
    g_autoptr(GByteArray) bytes = stream_out_steal(s);

    g_assert_cmpmem(bytes->data, bytes->len, want, len_bytes);
}

static void test_file_header(void)
{
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);
    g_autoptr(MigStreamIn) in = test_stream_in("QEVM\0\0\0\3", 8);

    section_put_file_header(out);
    assert_out(out, "QEVM\0\0\0\3", 8);
    g_assert_true(section_get_file_header(in, NULL));
    g_assert_cmpuint(stream_in_bytes(in), ==, 8);
}

static void assert_bad_file_header(const char *bytes, size_t len_bytes,
                                   const char *part)
{
    g_autoptr(MigStreamIn) in = test_stream_in(bytes, len_bytes);
    Error *err = NULL;

    g_assert_false(section_get_file_header(in, &err));
    test_assert_error(&err, part);
}

static void test_file_header_magic(void)
{
    assert_bad_file_header("QEVN\0\0\0\3", 8, "begins with 0x5145564e");
}

static void test_file_header_version(void)
{
    assert_bad_file_header("QEVM\0\0\0\2", 8, "version 2");
    assert_bad_file_header("QEVM\0\0\0\4", 8, "version 4");
}

static void test_file_header_truncated(void)
{
    for (size_t len_bytes = 0; len_bytes < 8; len_bytes++) {
        assert_bad_file_header("QEVM\0\0\0\3", len_bytes, "stream ended");
    }
}

static void test_first(void)
{
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);
    g_autoptr(MigStreamIn) in = test_stream_in(header_bytes + 1,
                                               sizeof(header_bytes) - 2);
    SectionHeader got;

    section_put_first(out, QEMU_VM_SECTION_START, &header);
    assert_out(out, header_bytes, sizeof(header_bytes) - 1);
    g_assert_true(section_get_first(in, &got, NULL));
    g_assert_cmphex(got.section_id, ==, 0x12345678);
    g_assert_cmpstr(got.idstr, ==, "ram");
    g_assert_cmpuint(got.instance_id, ==, 9);
    g_assert_cmpuint(got.version_id, ==, 4);
}

static void test_first_truncated(void)
{
    for (size_t n = 0; n < sizeof(header_bytes) - 2; n++) {
        g_autoptr(MigStreamIn) in = test_stream_in(header_bytes + 1, n);
        SectionHeader got = { .section_id = 77 };
        Error *err = NULL;

        g_assert_false(section_get_first(in, &got, &err));
        test_assert_error(&err, "stream ended");
        g_assert_cmpuint(got.section_id, ==, 77);
    }
}

static void test_first_no_name(void)
{
    g_autoptr(MigStreamIn) in = test_stream_in(
        "\0\0\0\5\0\0\0\0\0\0\0\0\1", 13);
    SectionHeader got;
    Error *err = NULL;

    g_assert_false(section_get_first(in, &got, &err));
    test_assert_error(&err, "id 5 has an empty name");
}

static void test_next(void)
{
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);
    g_autoptr(MigStreamIn) in = test_stream_in("\0\0\1\2", 4);
    uint32_t id;

    section_put_next(out, QEMU_VM_SECTION_END, 0x102);
    assert_out(out, "\3\0\0\1\2", 5);
    g_assert_true(section_get_next(in, &id, NULL));
    g_assert_cmphex(id, ==, 0x102);
    g_assert_false(section_get_next(in, &id, NULL));
}

static void test_footer(void)
{
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);
    g_autoptr(MigStreamIn) in = test_stream_in("\x7e\0\0\1\2", 5);

    section_put_footer(out, 0x102);
    assert_out(out, "\x7e\0\0\1\2", 5);
    g_assert_true(section_get_footer(in, 0x102, "ram", NULL));
}

static void assert_bad_footer(const char *bytes, size_t len_bytes,
                              const char *part)
{
    g_autoptr(MigStreamIn) in = test_stream_in(bytes, len_bytes);
    Error *err = NULL;

    g_assert_false(section_get_footer(in, 1, "ram", &err));
    test_assert_error(&err, part);
}

static void test_footer_missing(void)
{
    assert_bad_footer("\x02\0\0\0\1", 5,
                      "section \"ram\" (id 1) has no footer: byte 0x02");
}

static void test_footer_other_id(void)
{
    assert_bad_footer("\x7e\0\0\0\2", 5, "has id 1 and a footer with id 2");
}

static void test_footer_truncated(void)
{
    for (size_t n = 0; n < 5; n++) {
        assert_bad_footer("\x7e\0\0\0\1", n, "footer of section \"ram\"");
    }
}

static void test_command(void)
{
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);
    g_autoptr(MigStreamIn) in = test_stream_in(
        "\0\2\0\4\0\0\0\7" "\0\x0b\0\0", 12);
    SectionCommand c;

    section_put_ping(out, 7);
    section_put_command(out, MIG_CMD_SWITCHOVER_START, NULL, 0);
    assert_out(out, "\x08\0\2\0\4\0\0\0\7\x08\0\x0b\0\0", 14);
    g_assert_true(section_get_command(in, &c, NULL));
    g_assert_cmpuint(c.command, ==, MIG_CMD_PING);
    g_assert_cmpuint(c.value, ==, 7);
    g_assert_true(section_get_command(in, &c, NULL));
    g_assert_cmpuint(c.command, ==, MIG_CMD_SWITCHOVER_START);
    g_assert_cmpuint(c.value, ==, 0);
}

static void assert_bad_command(const char *bytes, size_t len_bytes,
                               const char *part)
{
    g_autoptr(MigStreamIn) in = test_stream_in(bytes, len_bytes);
    SectionCommand c = { .command = 77 };
    Error *err = NULL;

    g_assert_false(section_get_command(in, &c, &err));
    test_assert_error(&err, part);
    g_assert_cmpuint(c.command, ==, 77);
}

static void test_command_unknown(void)
{
    assert_bad_command("\0\0\0\0", 4, "unknown command 0");
    assert_bad_command("\0\x0c\0\0", 4, "unknown command 12");
    assert_bad_command("\xff\xff\0\0", 4, "unknown command 65535");
}

static void test_command_length(void)
{
    assert_bad_command("\0\2\0\3\0\0\0\0", 8, "PING has 3 bytes");
    assert_bad_command("\0\1\0\1\0", 5, "OPEN_RETURN_PATH has 1 bytes");
    assert_bad_command("\0\x0b\0\2\0\0", 6, "SWITCHOVER_START has 2 bytes");
}

static void test_command_truncated(void)
{
    for (size_t n = 0; n < 8; n++) {
        assert_bad_command("\0\2\0\4\0\0\0\7", n, "stream ended");
    }
}

static bool skip_vmdesc(const char *bytes, size_t len_bytes, bool *present,
                        uint64_t *taken, Error **errp)
{
    g_autoptr(MigStreamIn) in = test_stream_in(bytes, len_bytes);
    bool ok = section_skip_vmdesc(in, present, errp);

    *taken = stream_in_bytes(in);
    return ok;
}

static void test_vmdesc(void)
{
    g_autoptr(MigStreamOut) out = stream_out_new(NULL);
    bool present;
    uint64_t taken;

    section_put_vmdesc(out, "{}", 2);
    assert_out(out, "\6\0\0\0\2{}", 7);
    g_assert_true(skip_vmdesc("\6\0\0\0\2{}x", 8, &present, &taken, NULL));
    g_assert_true(present);
    g_assert_cmpuint(taken, ==, 7);
}

static void test_vmdesc_absent(void)
{
    bool present = true;
    uint64_t taken;

    g_assert_true(skip_vmdesc("", 0, &present, &taken, NULL));
    g_assert_false(present);
    present = true;
    g_assert_true(skip_vmdesc("\x42\0", 2, &present, &taken, NULL));
    g_assert_false(present);
    g_assert_cmpuint(taken, ==, 0);
}

static void test_vmdesc_too_long(void)
{
    bool present;
    uint64_t taken;
    Error *err = NULL;

    g_assert_false(skip_vmdesc("\6\1\0\0\1", 5, &present, &taken, &err));
    test_assert_error(&err, "has 16777217 bytes");
}

static void test_vmdesc_truncated(void)
{
    for (size_t n = 1; n < 7; n++) {
        bool present;
        uint64_t taken;
        Error *err = NULL;

        g_assert_false(skip_vmdesc("\6\0\0\0\2{}", n, &present, &taken, &err));
        test_assert_error(&err, "stream ended");
    }
}

static void test_names(void)
{
    g_assert_cmpstr(section_type_name(QEMU_VM_SECTION_FULL), ==, "FULL");
    g_assert_cmpstr(section_type_name(0x55), ==, "unknown");
    for (unsigned c = 1; c < MIG_CMD_MAX; c++) {
        g_assert_cmpstr(section_command_name(c), !=, "unknown");
    }
    g_assert_cmpstr(section_command_name(MIG_CMD_MAX), ==, "unknown");
    g_assert_cmpstr(section_command_name(0), ==, "unknown");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/section/file header", test_file_header);
    g_test_add_func("/section/file header/bad magic", test_file_header_magic);
    g_test_add_func("/section/file header/bad version",
                    test_file_header_version);
    g_test_add_func("/section/file header/truncated",
                    test_file_header_truncated);
    g_test_add_func("/section/first", test_first);
    g_test_add_func("/section/first/truncated", test_first_truncated);
    g_test_add_func("/section/first/empty name", test_first_no_name);
    g_test_add_func("/section/next", test_next);
    g_test_add_func("/section/footer", test_footer);
    g_test_add_func("/section/footer/missing", test_footer_missing);
    g_test_add_func("/section/footer/other id", test_footer_other_id);
    g_test_add_func("/section/footer/truncated", test_footer_truncated);
    g_test_add_func("/section/command", test_command);
    g_test_add_func("/section/command/unknown code", test_command_unknown);
    g_test_add_func("/section/command/wrong length", test_command_length);
    g_test_add_func("/section/command/truncated", test_command_truncated);
    g_test_add_func("/section/description", test_vmdesc);
    g_test_add_func("/section/description/absent", test_vmdesc_absent);
    g_test_add_func("/section/description/too long", test_vmdesc_too_long);
    g_test_add_func("/section/description/truncated", test_vmdesc_truncated);
    g_test_add_func("/section/every code has a name", test_names);
    return g_test_run();
}
