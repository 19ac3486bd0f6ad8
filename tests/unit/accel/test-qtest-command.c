/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the qtest protocol: what each command becomes, and lines that
 * somebody made up to break the parser.
 */
#include "qemu/osdep.h"

#include "accel/qtest-internal.h"
#include "qapi/error.h"

static QTestCommand parse(const char *line)
{
    QTestCommand cmd = { 0 };
    Error *err = NULL;

    g_assert_true(qtest_command_parse(line, strlen(line), &cmd, &err));
    g_assert_null(err);
    return cmd;
}

/* One sentence of printable characters, whatever the line was. */
static void expect_sentence(const Error *err)
{
    const char *text = error_get_pretty(err);

    g_assert_cmpuint(strlen(text), >, 0);
    g_assert_cmpuint(strlen(text), <, 200);
    for (const char *p = text; *p; p++) {
        g_assert_true(g_ascii_isprint(*p));
    }
}

static void expect_fail_bytes(const char *line, size_t len, const char *word)
{
    QTestCommand untouched = { .addr = 0x5a };
    QTestCommand cmd = untouched;
    g_autoptr(Error) err = NULL;

    g_assert_false(qtest_command_parse(line, len, &cmd, &err));
    g_assert_nonnull(err);
    expect_sentence(err);
    g_assert_nonnull(strstr(error_get_pretty(err), word));
    g_assert_cmpmem(&cmd, sizeof(cmd), &untouched, sizeof(untouched));
}

static void expect_fail(const char *line, const char *word)
{
    expect_fail_bytes(line, strlen(line), word);
}

static void test_values(void)
{
    static const struct {
        char letter;
        unsigned width;
    } widths[] = { { 'b', 1 }, { 'w', 2 }, { 'l', 4 }, { 'q', 8 } };

    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        g_autofree char *in = g_strdup_printf("read%c 0x1000",
                                              widths[i].letter);
        g_autofree char *out = g_strdup_printf("write%c 010 255",
                                               widths[i].letter);
        QTestCommand cmd = parse(in);

        g_assert_cmpint(cmd.op, ==, QTEST_OP_READ_VALUE);
        g_assert_cmpuint(cmd.addr, ==, 0x1000);
        g_assert_cmpuint(cmd.size, ==, widths[i].width);
        cmd = parse(out);
        g_assert_cmpint(cmd.op, ==, QTEST_OP_WRITE_VALUE);
        /* As strtoul() with base 0 has it. */
        g_assert_cmpuint(cmd.addr, ==, 8);
        g_assert_cmpuint(cmd.value, ==, 255);
        g_assert_cmpuint(cmd.size, ==, widths[i].width);
    }
    g_assert_cmphex(parse("writeq 0xffffffffffffffff 0xffffffffffffffff").value,
                    ==, UINT64_MAX);
}

static void test_data(void)
{
    static const uint8_t expected[] = { 0x0a, 0xb1, 0xFF, 0, 0 };
    QTestCommand cmd = parse("write 4096 3 0x0aB1Ff");

    g_assert_cmpint(cmd.op, ==, QTEST_OP_WRITE);
    g_assert_cmpmem(cmd.data, cmd.size, expected, 3);
    qtest_command_clear(&cmd);
    g_assert_null(cmd.data);

    /* What is missing is zero. */
    cmd = parse("write 4096 5 0x0ab1ff");
    g_assert_cmpmem(cmd.data, cmd.size, expected, 5);
    qtest_command_clear(&cmd);

    cmd = parse("b64write 4096 5 CrH/AAA=");
    g_assert_cmpint(cmd.op, ==, QTEST_OP_WRITE);
    g_assert_cmpmem(cmd.data, cmd.size, expected, 5);
    qtest_command_clear(&cmd);

    g_assert_cmpint(parse("read 1 2").op, ==, QTEST_OP_READ);
    g_assert_cmpuint(parse("read 1 2").size, ==, 2);
    g_assert_cmpint(parse("b64read 1 2").op, ==, QTEST_OP_B64READ);
}

static void test_others(void)
{
    QTestCommand cmd = parse("memset 1 0xffffffffff 0xff");

    g_assert_cmpint(cmd.op, ==, QTEST_OP_MEMSET);
    g_assert_cmpuint(cmd.size, ==, 0xffffffffff);
    g_assert_cmpuint(cmd.value, ==, 0xff);
    g_assert_cmpuint(parse("memset 1 0 0").size, ==, 0);
    g_assert_cmpint(parse("endianness").op, ==, QTEST_OP_ENDIANNESS);
    g_assert_false(parse("clock_step").has_ns);
    cmd = parse("clock_step 9223372036854775807");
    g_assert_cmpint(cmd.op, ==, QTEST_OP_CLOCK_STEP);
    g_assert_true(cmd.has_ns);
    g_assert_cmpint(cmd.ns, ==, INT64_MAX);
    cmd = parse("clock_set 7");
    g_assert_cmpint(cmd.op, ==, QTEST_OP_CLOCK_SET);
    g_assert_cmpint(cmd.ns, ==, 7);
}

static void test_refused(void)
{
    static const struct {
        const char *line;
        const char *word;       /* of the sentence */
    } lines[] = {
        { "", "empty" },
        { " ", "Unknown" },
        { "reads 0", "Unknown command 'reads'" },
        { "READB 0", "Unknown" },
        { " readb 0", "Unknown" },
        { "readb", "expects ADDR" },
        { "readb ", "ADDR ''" },
        { "readb  0", "ADDR ''" },
        { "readb 0 ", "expects ADDR" },
        { "readb 0 1", "expects ADDR" },
        { "readb 0 1 2 3 4 5 6 7 8 9", "expects ADDR" },
        { "readb -1", "ADDR '-1'" },
        { "readb +", "ADDR '+'" },
        { "readb 0x", "ADDR '0x'" },
        { "readb 0x10000000000000000", "ADDR" },
        { "readb 18446744073709551616", "ADDR" },
        { "readb 12k", "ADDR '12k'" },
        { "readb 08", "ADDR '08'" },
        { "readb 1e3", "ADDR '1e3'" },
        { "readb %s%n", "ADDR '%s%n'" },
        { "writeb 0", "expects ADDR VALUE" },
        { "writeb 0 256", "0x100 does not fit into 1 byte" },
        { "writew 0 0x10000", "2 bytes" },
        { "writel 0 0x100000000", "4 bytes" },
        { "writeq 0 0x10000000000000000", "VALUE" },
        { "writeb 0 -1", "VALUE '-1'" },
        { "memset 0 1 256", "1 byte" },
        { "memset 0 1", "expects ADDR SIZE VALUE" },
        { "read 0 0", "SIZE 0" },
        { "read 0 4194305", "SIZE 4194305" },
        { "read 0 0xffffffffffffffff", "SIZE" },
        { "read 0 -1", "SIZE" },
        { "b64read 0 0", "SIZE 0" },
        { "write 0 1", "expects ADDR SIZE DATA" },
        { "write 0 0 0x00", "SIZE 0" },
        { "write 0 0xffffffffffffffff 0x00", "SIZE" },
        { "write 0 1 ", "DATA" },
        { "write 0 1 0", "DATA" },
        { "write 0 1 0x", "DATA" },
        { "write 0 1 00", "DATA" },
        { "write 0 1 0X00", "DATA" },
        { "write 0 1 0x0", "1 hexadecimal digits" },
        { "write 0 2 0x001", "3 hexadecimal digits" },
        { "write 0 1 0x0000", "4 hexadecimal digits" },
        { "write 0 1 0x0g", "DATA" },
        { "write 0 2 0x00 11", "expects ADDR SIZE DATA" },
        { "b64write 0 1 ", "base64" },
        { "b64write 0 1 =", "base64" },
        { "b64write 0 1 ====", "base64" },
        { "b64write 0 1 A===", "base64" },
        { "b64write 0 1 AA", "base64" },
        { "b64write 0 1 AA=A", "base64" },
        { "b64write 0 1 A!==", "base64" },
        { "b64write 0 1 AAAA", "DATA has 3 bytes" },
        { "b64write 0 4 AAAA", "DATA has 3 bytes" },
        { "endianness x", "expects nothing" },
        { "clock_step 1 2", "expects [NS]" },
        { "clock_step -1", "NS '-1'" },
        { "clock_step 9223372036854775808", "2^63" },
        { "clock_set", "expects NS" },
        { "clock_set x", "NS 'x'" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        expect_fail(lines[i].line, lines[i].word);
    }
}

static void test_bytes(void)
{
    expect_fail_bytes("readb 0\0", 8, "Byte 7 of the line is 0x00");
    expect_fail_bytes("\0", 1, "0x00");
    expect_fail("readb 0\r", "0x0d");
    expect_fail("readb\t0", "0x09");
    expect_fail("readb \xc3\xa9", "0xc3");
    expect_fail("readb 0\x7f", "0x7f");
    expect_fail("\xff\xff\xff\xff", "0xff");
}

static void test_long_words(void)
{
    static const char *const starts[] = {
        "", "readb ", "writeb 0 ", "read 0 ", "write 0 1 ", "write 0 1 0x",
        "b64write 0 1 ", "clock_set ",
    };
    static const char fillings[] = " 0fAx=-%";

    for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
        for (const char *c = fillings; *c; c++) {
            g_autofree char *filling = g_strnfill(1000000, *c);
            g_autofree char *line = g_strconcat(starts[i], filling, NULL);
            g_autoptr(Error) err = NULL;
            QTestCommand cmd = { 0 };

            /* Many zeroes are a number; there is nothing else to accept. */
            if (qtest_command_parse(line, strlen(line), &cmd, &err)) {
                g_assert_cmpint(*c, ==, '0');
                qtest_command_clear(&cmd);
            } else {
                expect_sentence(err);
            }
        }
    }
}

/* Words that mean something in an order that means nothing. */
static void test_random_words(void)
{
    static const char *const words[] = {
        "readb", "readq", "writeb", "writeq", "read", "write", "b64read",
        "b64write", "memset", "endianness", "clock_step", "clock_set", "0",
        "1", "-1", "0x", "0x00", "0xfff", "0xffffffffffffffff", "AAAA", "AA==",
        "", "4096", "%n", "9223372036854775807",
    };

    for (unsigned round = 0; round < 20000; round++) {
        g_autoptr(GString) line = g_string_new(NULL);
        unsigned nr_words = g_test_rand_int_range(1, 6);
        g_autoptr(Error) err = NULL;
        QTestCommand cmd = { 0 };

        for (unsigned i = 0; i < nr_words; i++) {
            g_string_append_printf(line, "%s%s", i ? " " : "",
                                   words[g_test_rand_int_range(
                                       0, ARRAY_SIZE(words))]);
        }
        if (qtest_command_parse(line->str, line->len, &cmd, &err)) {
            qtest_command_clear(&cmd);
        } else {
            expect_sentence(err);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qtest-command/values", test_values);
    g_test_add_func("/qtest-command/data", test_data);
    g_test_add_func("/qtest-command/others", test_others);
    g_test_add_func("/qtest-command/refused lines", test_refused);
    g_test_add_func("/qtest-command/bytes that are no text", test_bytes);
    g_test_add_func("/qtest-command/long words", test_long_words);
    g_test_add_func("/qtest-command/random words", test_random_words);
    return g_test_run();
}
