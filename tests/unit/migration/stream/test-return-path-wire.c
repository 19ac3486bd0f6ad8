/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/stream/return-path-wire.c.
 */
#include "qemu/osdep.h"
#include "migration/stream/return-path-wire.h"
#include "qapi/error.h"
#include "test-channel.h"

static void test_out(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autoptr(GByteArray) bytes = NULL;

    return_path_put_pong(s, 1);
    return_path_put_shut(s, 0x102);
    bytes = stream_out_steal(s);
    g_assert_cmpmem(bytes->data, bytes->len,
                    "\0\2\0\4\0\0\0\1\0\1\0\4\0\0\1\2", 16);
}

static void test_in(void)
{
    g_autoptr(MigStreamIn) s = test_stream_in(
        "\0\2\0\4\0\0\0\1" "\0\7\0\0" "\0\3\0\x0e\0\0\0\0\0\0\x10\0"
        "\0\0\x10\0\1m" "\0\1\0\4\0\0\1\2", 38);
    ReturnPathMessage m;

    g_assert_cmpint(return_path_get_message(s, &m, NULL), ==, 1);
    g_assert_cmpuint(m.type, ==, MIG_RP_MSG_PONG);
    g_assert_cmpuint(m.value, ==, 1);
    g_assert_cmpint(return_path_get_message(s, &m, NULL), ==, 1);
    g_assert_cmpuint(m.type, ==, MIG_RP_MSG_SWITCHOVER_ACK);
    g_assert_cmpint(return_path_get_message(s, &m, NULL), ==, 1);
    g_assert_cmpuint(m.type, ==, MIG_RP_MSG_REQ_PAGES_ID);
    g_assert_cmpuint(m.len_bytes, ==, 14);
    g_assert_cmpint(return_path_get_message(s, &m, NULL), ==, 1);
    g_assert_cmpuint(m.type, ==, MIG_RP_MSG_SHUT);
    g_assert_cmphex(m.value, ==, 0x102);
    g_assert_cmpint(return_path_get_message(s, &m, NULL), ==, 0);
}

static void assert_bad(const char *bytes, size_t len_bytes, const char *part)
{
    g_autoptr(MigStreamIn) s = test_stream_in(bytes, len_bytes);
    ReturnPathMessage m = { .type = 77 };
    Error *err = NULL;

    g_assert_cmpint(return_path_get_message(s, &m, &err), ==, -1);
    test_assert_error(&err, part);
    g_assert_cmpuint(m.type, ==, 77);
}

static void test_unknown(void)
{
    assert_bad("\0\0\0\0", 4, "unknown message 0");
    assert_bad("\0\x08\0\0", 4, "unknown message 8");
}

static void test_length(void)
{
    assert_bad("\0\1\0\3\0\0\0", 7, "SHUT has 3 bytes of payload");
    assert_bad("\0\2\0\5\0\0\0\0\0", 9, "PONG has 5 bytes of payload");
    assert_bad("\0\7\0\1\0", 5, "SWITCHOVER_ACK has 1 bytes");
    assert_bad("\0\3\xff\xff", 4, "REQ_PAGES_ID has 65535 bytes");
}

static void test_truncated(void)
{
    for (size_t n = 1; n < 8; n++) {
        assert_bad("\0\1\0\4\0\0\0\0", n, "stream ended");
    }
}

static void test_read_error(void)
{
    g_autoptr(TestChannel) c = test_channel_new(NULL, 0);
    g_autoptr(MigStreamIn) s = stream_in_new(&c->parent, NULL, 0);
    ReturnPathMessage m;
    Error *err = NULL;

    c->in_fails = true;
    g_assert_cmpint(return_path_get_message(s, &m, &err), ==, -1);
    test_assert_error(&err, "test channel broke");
}

static void test_names(void)
{
    for (unsigned t = 1; t < MIG_RP_MSG_MAX; t++) {
        g_assert_cmpstr(return_path_message_name(t), !=, "unknown");
    }
    g_assert_cmpstr(return_path_message_name(MIG_RP_MSG_MAX), ==, "unknown");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/return-path-wire/messages out", test_out);
    g_test_add_func("/return-path-wire/messages in", test_in);
    g_test_add_func("/return-path-wire/unknown type", test_unknown);
    g_test_add_func("/return-path-wire/wrong length", test_length);
    g_test_add_func("/return-path-wire/truncated", test_truncated);
    g_test_add_func("/return-path-wire/read error", test_read_error);
    g_test_add_func("/return-path-wire/every type has a name", test_names);
    return g_test_run();
}
