/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of migration/vmstate/configuration.c.
 */
#include "qemu/osdep.h"
#include <json-c/json.h>
#include "migration/vmstate/configuration.h"
#include "qapi/error.h"
#include "test-channel.h"

#define BYTES(literal) (literal), sizeof(literal) - 1
#define NAME "\0\0\0\4none"
#define PAGE_BITS "\5\x1e" "configuration/target-page-bits\0\0\0\1"
#define CAPABILITIES "\5\x1a" "configuration/capabilities\0\0\0\1"
#define UUID "\5\x12" "configuration/uuid\0\0\0\1"
#define UUID_16 "0123456789abcdef"

static const QemuUUID other_uuid = { "0123456789abcdeg" };
static const QemuUUID same_uuid = { UUID_16 };

static void test_save(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(VMDesc) desc = vmdesc_new();

    g_assert_true(configuration_save(s, "none", 0, false, desc, NULL));
    bytes = stream_out_steal(s);
    g_assert_cmpmem(bytes->data, bytes->len, "\7" NAME, 9);
    g_assert_cmpstr(json_object_to_json_string_ext(
                        vmdesc_configuration(desc), JSON_C_TO_STRING_PLAIN),
                    ==, "{\"vmsd_name\":\"configuration\",\"version\":1,"
                    "\"fields\":[{\"name\":\"len\",\"type\":\"uint32\","
                    "\"size\":4},{\"name\":\"name\",\"type\":\"buffer\","
                    "\"size\":4}]}");
}

static void test_save_packet_size(void)
{
    static const char expected[] = "\7" NAME CAPABILITIES "\0\0\0\1"
                                   "\x1bmultifd-packet-size-1048576";
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(VMDesc) desc = vmdesc_new();

    g_assert_true(configuration_save(s, "none", 256, false, desc, NULL));
    bytes = stream_out_steal(s);
    g_assert_cmpmem(bytes->data, bytes->len, expected, sizeof(expected) - 1);
    g_assert_nonnull(strstr(json_object_to_json_string_ext(
                                vmdesc_configuration(desc),
                                JSON_C_TO_STRING_PLAIN),
                            "\"subsections\":[{\"vmsd_name\":"
                            "\"configuration\\/capabilities\""));
}

static void test_save_name(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autofree char *name = g_strnfill(256, 'n');
    Error *err = NULL;

    g_assert_false(configuration_save(s, "", 0, false, NULL, &err));
    test_assert_error(&err, "has 0 bytes, expected 1 to 255");
    g_assert_false(configuration_save(s, name, 0, false, NULL, &err));
    test_assert_error(&err, "has 256 bytes, expected 1 to 255");
    g_assert_true(configuration_save(s, name + 1, 0, false, NULL, &err));
}

static void assert_loads(const char *bytes, size_t len_bytes,
                         uint64_t taken, const QemuUUID *uuid)
{
    g_autoptr(MigStreamIn) s = test_stream_in(bytes, len_bytes);
    unsigned packet_pages = 1;
    char *warning = NULL;
    Error *err = NULL;

    g_assert_true(configuration_load(s, "none", uuid, false, &packet_pages,
                                     &warning, &err));
    g_assert_cmpuint(stream_in_bytes(s), ==, taken);
    g_assert_cmpuint(packet_pages, ==, 0);
    g_assert_null(warning);
}

static void assert_fails_with(const char *bytes, size_t len_bytes,
                              const QemuUUID *uuid, const char *part)
{
    g_autoptr(MigStreamIn) s = test_stream_in(bytes, len_bytes);
    Error *err = NULL;

    g_assert_false(configuration_load(s, "none", uuid, false, NULL, NULL,
                                      &err));
    test_assert_error(&err, part);
}

static void assert_fails(const char *bytes, size_t len_bytes, const char *part)
{
    assert_fails_with(bytes, len_bytes, &UUID_NONE, part);
}

static void test_load(void)
{
    assert_loads(BYTES(NAME "\1\0"), 8, &UUID_NONE);
    assert_loads(BYTES(NAME), 8, &same_uuid);
}

static void test_other_name(void)
{
    assert_fails(BYTES("\0\0\0\x0bpc-q35-10.0"),
                 "the source's machine is \"pc-q35-10.0\", this one is "
                 "\"none\"; start both with the same -machine");
    assert_fails(BYTES("\0\0\0\5none2"), "is \"none2\", this one is \"none\"");
}

/* QEMU takes any beginning of its own name. */
static void test_shorter_name(void)
{
    assert_fails(BYTES("\0\0\0\3non"), "is \"non\", this one is \"none\"");
    assert_fails(BYTES("\0\0\0\0"), "is \"\", this one is \"none\"");
}

static void test_odd_name(void)
{
    assert_fails(BYTES("\0\0\0\5none\0"), "\"none\" with a NUL in its name");
    assert_fails(BYTES("\0\0\0\5\x1b[31m"), "is \"\\033[31m\"");
}

static void test_long_name(void)
{
    assert_fails(BYTES("\0\0\1\0none"),
                 "configuration.name: 256 bytes, at most 255 are read");
    assert_fails(BYTES("\xff\xff\xff\xffnone"), "4294967295 bytes");
}

static void test_truncated(void)
{
    for (size_t n = 0; n < 8; n++) {
        assert_fails(NAME, n, "stream ended");
    }
}

static void test_page_bits(void)
{
    assert_loads(BYTES(NAME PAGE_BITS "\0\0\0\x0c\1"), 8 + 36 + 4,
                 &UUID_NONE);
    assert_fails(BYTES(NAME PAGE_BITS "\0\0\0\x0d"),
                 "have 13 address bits, those here 12");
}

static void test_capabilities(void)
{
    assert_loads(BYTES(NAME CAPABILITIES "\0\0\0\0"), 8 + 32 + 4, &UUID_NONE);
    assert_loads(BYTES(NAME CAPABILITIES "\0\0\0\2\7multifd\6events"),
                 8 + 32 + 4 + 8 + 7, &UUID_NONE);
}

/* What is written at one end is read at the other. */
static void test_packet_size_arrives(void)
{
    static const unsigned sizes[] = { 1, 127, 128, 129, 1024 };

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        g_autoptr(MigStreamOut) out = stream_out_new(NULL);
        g_autoptr(GByteArray) bytes = NULL;
        g_autoptr(MigStreamIn) in = NULL;
        unsigned packet_pages = 0;

        g_assert_true(configuration_save(out, "none", sizes[i], false, NULL,
                                         NULL));
        bytes = stream_out_steal(out);
        in = test_stream_in((const char *)bytes->data + 1, bytes->len - 1);
        g_assert_true(configuration_load(in, "none", &UUID_NONE, false,
                                         &packet_pages, NULL, NULL));
        g_assert_cmpuint(packet_pages, ==, sizes[i]);
    }
}

static const char *const bad_packet_sizes[] = {
    "", "0", "-4096", "+4096", " 4096", "04096", "0x1000", "4096 ", "4096k",
    "4095", "6144", "4198400", "18446744073709551615",
    "18446744073709551616", "18446744073709555712", "4294971392", "4096.0",
    "multifd-packet-size-4096",
};

static void test_packet_size_is_checked(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad_packet_sizes); i++) {
        g_autofree char *name = g_strdup_printf("multifd-packet-size-%s",
                                                bad_packet_sizes[i]);
        g_autofree char *message = g_strdup_printf(
            "capability \"%s\" has no packet size that is a multiple of 4096 "
            "up to 4194304", name);
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        uint8_t len = (uint8_t)strlen(name);

        g_byte_array_append(bytes, (const uint8_t *)NAME CAPABILITIES
                            "\0\0\0\1", 8 + 32 + 4);
        g_byte_array_append(bytes, &len, 1);
        g_byte_array_append(bytes, (const uint8_t *)name, len);
        assert_fails((const char *)bytes->data, bytes->len, message);
    }
}

static void test_two_packet_sizes(void)
{
    assert_fails(BYTES(NAME CAPABILITIES "\0\0\0\2"
                       "\x18multifd-packet-size-4096"
                       "\x18multifd-packet-size-8192"),
                 "announces two packet sizes, 4096 and 8192");
}

/* A name that merely begins alike is as unknown as any. */
static void test_almost_a_packet_size(void)
{
    assert_fails(BYTES(NAME CAPABILITIES "\0\0\0\1"
                       "\x13multifd-packet-size"),
                 "unknown capability \"multifd-packet-size\"");
    assert_fails(BYTES(NAME CAPABILITIES "\0\0\0\1"
                       "\x18Multifd-packet-size-4096"),
                 "unknown capability \"Multifd-packet-size-4096\"");
}

static void test_truncated_packet_size(void)
{
    assert_fails(BYTES(NAME CAPABILITIES "\0\0\0\1"
                       "\x1bmultifd-packet-size-104857"), "stream ended");
}

static void test_strict_capability(void)
{
    assert_fails(BYTES(NAME CAPABILITIES "\0\0\0\1\x0amapped-ram"),
                 "capability \"mapped-ram\" on, here it is off; set it to the "
                 "same value on both sides");
    assert_fails(BYTES(NAME CAPABILITIES "\0\0\0\1\x0fx-ignore-shared"),
                 "capability \"x-ignore-shared\" on");
}

static void assert_mapped(const char *bytes, size_t len_bytes,
                          const char *message)
{
    g_autoptr(MigStreamIn) s = test_stream_in(bytes, len_bytes);
    Error *err = NULL;
    bool ok = configuration_load(s, "none", &UUID_NONE, true, NULL, NULL, &err);

    g_assert_cmpint(ok, ==, !message);
    if (message) {
        test_assert_error(&err, message);
    }
}

/* Both sides say so, or neither. */
static void test_mapped_ram(void)
{
    g_autoptr(MigStreamOut) s = stream_out_new(NULL);
    g_autoptr(GByteArray) bytes = NULL;

    g_assert_true(configuration_save(s, "none", 0, true, NULL, NULL));
    bytes = stream_out_steal(s);
    g_assert_cmpmem(bytes->data, bytes->len,
                    "\7" NAME CAPABILITIES "\0\0\0\1\x0amapped-ram", 56);
    assert_mapped((const char *)bytes->data + 1, bytes->len - 1, NULL);
    assert_mapped(BYTES(NAME CAPABILITIES "\0\0\0\2\7multifd\x0amapped-ram"),
                  NULL);
    assert_mapped(BYTES(NAME), "capability \"mapped-ram\" off, here it is on");
    assert_mapped(BYTES(NAME CAPABILITIES "\0\0\0\1\7multifd"),
                  "capability \"mapped-ram\" off, here it is on");
}

static void test_unknown_capability(void)
{
    assert_fails(BYTES(NAME CAPABILITIES "\0\0\0\1\4warp"),
                 "unknown capability \"warp\"");
}

static void test_capability_count(void)
{
    assert_fails(BYTES(NAME CAPABILITIES "\0\0\0\x41"),
                 "65 capabilities, at most 64");
    assert_fails(BYTES(NAME CAPABILITIES "\0\0\0\2\7multifd"),
                 "stream ended");
}

static void test_uuid(void)
{
    assert_loads(BYTES(NAME UUID UUID_16), 8 + 24 + 16, &same_uuid);
    assert_fails_with(BYTES(NAME UUID UUID_16), &other_uuid,
                      "UUID is 30313233-3435-3637-3839-616263646566, the one "
                      "here 30313233-3435-3637-3839-616263646567");
}

static void test_uuid_not_set(void)
{
    g_autoptr(MigStreamIn) s = test_stream_in(BYTES(NAME UUID UUID_16));
    g_autofree char *warning = NULL;

    g_assert_true(configuration_load(s, "none", &UUID_NONE, false, NULL,
                                     &warning, NULL));
    g_assert_nonnull(strstr(warning, "30313233-3435-3637-3839-616263646566"));
}

static void test_unknown_subsection(void)
{
    assert_fails(BYTES(NAME "\5\x11" "configuration/new\0\0\0\1"),
                 "unknown subsection \"configuration/new\"");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/configuration/save", test_save);
    g_test_add_func("/configuration/save a packet size",
                    test_save_packet_size);
    g_test_add_func("/configuration/save a bad name", test_save_name);
    g_test_add_func("/configuration/load", test_load);
    g_test_add_func("/configuration/another name", test_other_name);
    g_test_add_func("/configuration/a prefix of the name", test_shorter_name);
    g_test_add_func("/configuration/a name that is no text", test_odd_name);
    g_test_add_func("/configuration/a name that is too long", test_long_name);
    g_test_add_func("/configuration/truncated", test_truncated);
    g_test_add_func("/configuration/page bits", test_page_bits);
    g_test_add_func("/configuration/capabilities", test_capabilities);
    g_test_add_func("/configuration/packet size arrives",
                    test_packet_size_arrives);
    g_test_add_func("/configuration/packet size is checked",
                    test_packet_size_is_checked);
    g_test_add_func("/configuration/two packet sizes", test_two_packet_sizes);
    g_test_add_func("/configuration/almost a packet size",
                    test_almost_a_packet_size);
    g_test_add_func("/configuration/truncated packet size",
                    test_truncated_packet_size);
    g_test_add_func("/configuration/capability both must have",
                    test_strict_capability);
    g_test_add_func("/configuration/mapped-ram", test_mapped_ram);
    g_test_add_func("/configuration/unknown capability",
                    test_unknown_capability);
    g_test_add_func("/configuration/wrong count of capabilities",
                    test_capability_count);
    g_test_add_func("/configuration/uuid", test_uuid);
    g_test_add_func("/configuration/uuid not set here", test_uuid_not_set);
    g_test_add_func("/configuration/unknown subsection",
                    test_unknown_subsection);
    return g_test_run();
}
