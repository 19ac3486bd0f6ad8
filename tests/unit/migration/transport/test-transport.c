/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses: URIs and channel lists, what messages call them, what they can do.
 */
#include "qemu/osdep.h"
#include "migration/transport/transport.h"
#include "qapi/error.h"

static MigrationAddress *parse(const char *uri)
{
    Error *err = NULL;
    MigrationAddress *addr = transport_address(uri, NULL, &err);

    g_assert_null(err);
    g_assert_nonnull(addr);
    return addr;
}

/* What messages call them is what a user wrote, but for these. */
static const struct {
    const char *uri;
    MigrationAddressType type;
    const char *text;
} good[] = {
    { "tcp:127.0.0.1:4444", MIGRATION_ADDRESS_TYPE_SOCKET, NULL },
    { "unix:/run/m.sock", MIGRATION_ADDRESS_TYPE_SOCKET, NULL },
    { "vsock:2:4444", MIGRATION_ADDRESS_TYPE_SOCKET, NULL },
    { "fd:name", MIGRATION_ADDRESS_TYPE_SOCKET, NULL },
    { "fd:7", MIGRATION_ADDRESS_TYPE_SOCKET, NULL },
    { "exec:cat > 'a file'", MIGRATION_ADDRESS_TYPE_EXEC, NULL },
    { "file:/a,b", MIGRATION_ADDRESS_TYPE_FILE, NULL },
    { "file:/dev/fdset/3", MIGRATION_ADDRESS_TYPE_FILE, NULL },
    { "file:relative,offset=17", MIGRATION_ADDRESS_TYPE_FILE, NULL },
    { "file:/f,offset=0", MIGRATION_ADDRESS_TYPE_FILE, "file:/f" },
    { "file:/f,offset=0x10", MIGRATION_ADDRESS_TYPE_FILE,
      "file:/f,offset=16" },
    { "file:/f,offset=2k", MIGRATION_ADDRESS_TYPE_FILE,
      "file:/f,offset=2048" },
    { "file:/f,offset=1M", MIGRATION_ADDRESS_TYPE_FILE,
      "file:/f,offset=1048576" },
    { "file:/f,offset=1G", MIGRATION_ADDRESS_TYPE_FILE,
      "file:/f,offset=1073741824" },
};

static void test_good(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        g_autoptr(MigrationAddress) addr = parse(good[i].uri);
        g_autofree char *text = transport_address_to_uri(addr);

        g_assert_cmpint(addr->transport, ==, good[i].type);
        g_assert_cmpstr(text, ==, good[i].text ? good[i].text : good[i].uri);
    }
}

static void test_exec_is_for_the_shell(void)
{
    g_autoptr(MigrationAddress) addr = parse("exec:a b");
    const strList *args = addr->u.exec.args;

    g_assert_cmpstr(args->value, ==, "/bin/sh");
    g_assert_cmpstr(args->next->value, ==, "-c");
    g_assert_cmpstr(args->next->next->value, ==, "a b");
    g_assert_null(args->next->next->next);
}

/* Name of the case, URI, sentence. */
static const char *const bad[][3] = {
    { "scheme", "ftp:host:1", "unknown migration protocol: ftp:host:1" },
    { "empty", "", "unknown migration protocol: " },
    { "tcp", "tcp:host", "'host' is not an address: expected HOST:PORT" },
    { "vsock", "vsock:x:1", "'x:1' is not an address: 'x' is no CID of a vsock "
      "address; give a number from 0 to 4294967295" },
    { "fd", "fd:", "invalid file descriptor address" },
    { "exec", "exec:", "'exec:' has no command: expected exec:COMMAND" },
    { "file", "file:", "'file:' has no path: expected "
      "file:PATH[,offset=N]" },
    { "file-offset-only", "file:,offset=1", "'file:,offset=1' has no path: "
      "expected file:PATH[,offset=N]" },
    { "offset-text", "file:/f,offset=x", "file URI has bad offset x: Invalid "
      "argument" },
    { "offset-empty", "file:/f,offset=", "file URI has bad offset : Invalid "
      "argument" },
    { "offset-range", "file:/f,offset=16E", "file URI has bad offset 16E: "
      "Numerical result out of range" },
    { "offset-behind", "file:/f,offset=1,x", "file URI has bad offset 1,x: "
      "Invalid argument" },
};

static void test_bad(const void *opaque)
{
    const char *const *uri_and_text = opaque;
    Error *err = NULL;

    g_assert_null(transport_address(uri_and_text[0], NULL, &err));
    g_assert_cmpstr(error_get_pretty(err), ==, uri_and_text[1]);
    error_free(err);
}

static void test_channels(void)
{
    MigrationAddress addr = {
        .transport = MIGRATION_ADDRESS_TYPE_FILE,
        .u.file = { .filename = (char *)"/f,offset=9", .offset = 3 },
    };
    MigrationChannel channel = { .addr = &addr };
    MigrationChannelList list = { .value = &channel };
    MigrationChannelList two = { .value = &channel, .next = &list };
    g_autoptr(MigrationAddress) copy = transport_address(NULL, &list, NULL);
    Error *err = NULL;

    g_assert_cmpstr(copy->u.file.filename, ==, "/f,offset=9");
    g_assert_cmpuint(copy->u.file.offset, ==, 3);
    g_assert_null(transport_address("tcp:h:1", &list, NULL));
    g_assert_null(transport_address(NULL, NULL, NULL));
    g_assert_null(transport_address(NULL, &two, &err));
    g_assert_nonnull(strstr(error_get_pretty(err), "more than one"));
    error_free(err);
}

/* What an address can do: a file, many channels, without waiting. */
static void test_what_addresses_can_do(void)
{
    static const struct {
        const char *uri;
        bool is_file, many, at_hand;
    } cases[] = {
        { "tcp:h:1", false, true, false },
        { "unix:/s", false, true, false },
        { "vsock:2:1", false, true, false },
        { "fd:x", false, false, true },
        { "exec:x", false, false, true },
        { "file:x", true, false, true },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        g_autoptr(MigrationAddress) addr = parse(cases[i].uri);

        g_assert_cmpint(transport_address_is_file(addr), ==,
                        cases[i].is_file);
        g_assert_cmpint(transport_address_has_many_channels(addr), ==,
                        cases[i].many);
        g_assert_cmpint(transport_address_is_at_hand(addr), ==,
                        cases[i].at_hand);
        g_assert_true(transport_check(addr, false, false, NULL));
        g_assert_cmpint(transport_check(addr, true, false, NULL), ==,
                        cases[i].many);
        g_assert_cmpint(transport_check(addr, false, true, NULL), ==,
                        cases[i].is_file);
        g_assert_cmpint(transport_check(addr, true, true, NULL), ==,
                        cases[i].is_file);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/transport/uris", test_good);
    g_test_add_func("/transport/exec-is-for-the-shell",
                    test_exec_is_for_the_shell);
    g_test_add_func("/transport/channels", test_channels);
    g_test_add_func("/transport/what-addresses-can-do",
                    test_what_addresses_can_do);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autofree char *path = g_strconcat("/transport/bad/uri/", bad[i][0],
                                            NULL);

        g_test_add_data_func(path, &bad[i][1], test_bad);
    }
    return g_test_run();
}
