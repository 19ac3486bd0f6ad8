/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The codec of multifd channels: bytes as a stock QEMU writes them, and one
 * wrong thing at a time.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "migration/stream/multifd-packet.h"

#define BLOCK_BYTES 0x4000

static const QemuUUID uuid = { { 1, 2, 3, 4, 5, 6, 7, 8,
                                 9, 10, 11, 12, 13, 14, 15, 16 } };

/* Fills @wire as QEMU 10.0.2 does for block "m": page 1 normal, 3 zero. */
static void make_good(MultiFDPacketWire *wire)
{
    uint8_t *b = (uint8_t *)wire;

    memset(b, 0, MULTIFD_PACKET_LEN);
    stl_be_p(b, 0x11223344);
    stl_be_p(b + 4, 1);
    stl_be_p(b + 12, 128);
    stl_be_p(b + 16, 1);
    stl_be_p(b + 20, 4096);
    stq_be_p(b + 24, 7);
    stl_be_p(b + 32, 3);
    b[64] = 'm';
    stq_be_p(b + 320, 0x1000);
    stq_be_p(b + 328, 0x2000);
    stq_be_p(b + 336, 0x3000);
}

static void test_encode_pages(void)
{
    static const uint64_t pages[] = { 1, 2, 3, 0 };
    g_autofree MultiFDPacketWire *expected = g_malloc(MULTIFD_PACKET_LEN);
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);

    make_good(expected);
    memset(wire, 0xee, MULTIFD_PACKET_LEN);
    multifd_packet_encode(wire, 128, 7, "m", pages, 1, 3);
    g_assert_cmpmem(wire, MULTIFD_PACKET_LEN, expected, MULTIFD_PACKET_LEN);
}

/* The same bytes as for a list of its pages. */
static void test_encode_zero_run(void)
{
    static const unsigned lengths[] = { 1, 2, 3, 7, 8, 64, 127, 128 };
    g_autofree MultiFDPacketWire *expected = g_malloc(MULTIFD_PACKET_LEN);
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    uint64_t pages[MULTIFD_PACKET_PAGES];

    for (unsigned t = 0; t < ARRAY_SIZE(lengths); t++) {
        for (unsigned i = 0; i < lengths[t]; i++) {
            pages[i] = 0xfffffffff0 + t * 0x1234567 + i;
        }
        memset(expected, 0xee, MULTIFD_PACKET_LEN);
        multifd_packet_encode(expected, 128, 0x1122334455667788 + t, "a/b.ram",
                              pages, 0, lengths[t]);
        memset(wire, 0xdd, MULTIFD_PACKET_LEN);
        multifd_packet_encode_zero_run(wire, 128, 0x1122334455667788 + t,
                                       "a/b.ram", pages[0], lengths[t]);
        g_assert_cmpmem(wire, MULTIFD_PACKET_LEN, expected,
                        MULTIFD_PACKET_LEN);
    }
}

static void test_encode_longest_name(void)
{
    g_autofree char *name = g_strnfill(255, 'n');
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);

    memset(wire, 0xee, MULTIFD_PACKET_LEN);
    multifd_packet_encode(wire, 128, 0, name, NULL, 0, 0);
    g_assert_cmpstr(wire->block_name, ==, name);
    g_assert_cmpint(wire->block_name[255], ==, 0);
}

static void test_encode_sync(void)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    uint8_t expected[MULTIFD_PACKET_LEN] = { 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1,
                                             0, 0, 0, 1 };

    expected[24 + 6] = 0x12;
    expected[24 + 7] = 0x34;
    memset(wire, 0xee, MULTIFD_PACKET_LEN);
    multifd_packet_encode_sync(wire, 128, 0x1234);
    g_assert_cmpmem(wire, MULTIFD_PACKET_LEN, expected, sizeof(expected));
}

static void test_decode_pages(void)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    MultiFDPacket packet;
    uint64_t pages[MULTIFD_PACKET_PAGES];
    Error *err = NULL;

    make_good(wire);
    multifd_packet_decode(wire, 128, &packet, &err);
    g_assert_null(err);
    g_assert_cmpuint(packet.flags, ==, 0);
    g_assert_cmpuint(packet.nr_normal, ==, 1);
    g_assert_cmpuint(packet.nr_zero, ==, 3);
    g_assert_cmpuint(packet.packet_num, ==, 7);
    g_assert_cmpstr(packet.block_name, ==, "m");
    multifd_packet_decode_pages(wire, &packet, BLOCK_BYTES, pages, &err);
    g_assert_null(err);
    g_assert_cmpuint(pages[0], ==, 1);
    g_assert_cmpuint(pages[1], ==, 2);
    g_assert_cmpuint(pages[2], ==, 3);
    g_assert_cmpuint(pages[3], ==, 0);
}

/* What QEMU 7.2 leaves in a SYNC without pages. */
static void test_decode_stale_sync(void)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    MultiFDPacket packet;
    Error *err = NULL;

    memset(wire, 0xee, MULTIFD_PACKET_LEN);
    stl_be_p(&wire->magic, MULTIFD_MAGIC);
    stl_be_p(&wire->version, MULTIFD_VERSION);
    stl_be_p(&wire->flags, MULTIFD_FLAG_SYNC | 0x02);
    stl_be_p(&wire->pages_alloc, 128);
    stl_be_p(&wire->normal_pages, 0);
    stl_be_p(&wire->next_packet_size, 0x80000);
    stl_be_p(&wire->zero_pages, 0);
    multifd_packet_decode(wire, 128, &packet, &err);
    g_assert_null(err);
    g_assert_null(packet.block_name);
    g_assert_cmpuint(packet.flags & MULTIFD_FLAG_SYNC, ==, MULTIFD_FLAG_SYNC);
}

static void test_decode_sync_with_pages(void)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    MultiFDPacket packet;
    Error *err = NULL;

    make_good(wire);
    stl_be_p(&wire->flags, MULTIFD_FLAG_SYNC);
    multifd_packet_decode(wire, 128, &packet, &err);
    g_assert_null(err);
    g_assert_cmpstr(packet.block_name, ==, "m");
    g_assert_cmpuint(packet.nr_normal, ==, 1);
}

/* Reserved bytes, the size without compression, and unknown flags. */
static void test_decode_ignored_fields(void)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    MultiFDPacket packet;
    Error *err = NULL;

    make_good(wire);
    memset(wire->reserved, 0xee, sizeof(wire->reserved));
    stl_be_p(&wire->next_packet_size, 99);
    stl_be_p(&wire->flags, 0x80000080);
    multifd_packet_decode(wire, 128, &packet, &err);
    g_assert_null(err);
    g_assert_cmpuint(packet.nr_normal, ==, 1);
}

static void test_decode_full(void)
{
    uint64_t pages[MULTIFD_PACKET_PAGES];
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    MultiFDPacket packet;
    uint64_t out[MULTIFD_PACKET_PAGES];
    Error *err = NULL;

    for (unsigned i = 0; i < MULTIFD_PACKET_PAGES; i++) {
        pages[i] = MULTIFD_PACKET_PAGES - 1 - i;
    }
    multifd_packet_encode(wire, 128, UINT64_MAX, "m", pages, 100, 28);
    multifd_packet_decode(wire, 128, &packet, &err);
    g_assert_null(err);
    multifd_packet_decode_pages(wire, &packet,
                                MULTIFD_PACKET_PAGES * TARGET_PAGE_SIZE, out,
                                &err);
    g_assert_null(err);
    g_assert_cmpuint(packet.packet_num, ==, UINT64_MAX);
    g_assert_cmpmem(out, sizeof(out), pages, sizeof(pages));
}

/* The first bad offset among many is named, wherever it stands. */
static void test_decode_bad_offset(void)
{
    uint64_t pages[MULTIFD_PACKET_PAGES];
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);

    multifd_packet_encode_zero_run(wire, 128, 0, "m", 0, 128);
    for (unsigned i = 0; i < 128; i++) {
        g_autofree char *unaligned = g_strdup_printf("offset 0x%x of page %u "
                                                     "*", i * 4096 + 1, i);
        g_autofree char *past = g_strdup_printf("offset 0x80000 of page %u *",
                                                i);
        const char *expected[] = { unaligned, past };
        uint64_t bad[] = { i * 4096 + 1, 0x80000 };

        for (unsigned t = 0; t < 2; t++) {
            MultiFDPacket packet;
            Error *err = NULL;

            stq_be_p(&wire->offset[127], t ? UINT64_MAX << 12 : 8);
            stq_be_p(&wire->offset[i], bad[t]);
            g_assert_true(multifd_packet_decode(wire, 128, &packet, NULL));
            g_assert_false(multifd_packet_decode_pages(wire, &packet, 0x80000,
                                                       pages, &err));
            g_assert_true(g_pattern_match_simple(expected[t],
                                                 error_get_pretty(err)));
            error_free(err);
        }
        stq_be_p(&wire->offset[i], i * 4096);
    }
}

/* Packets of all sizes are laid out as the usual one is. */
static void test_packet_size(const void *data)
{
    unsigned packet_pages = GPOINTER_TO_UINT(data);
    size_t len_bytes = multifd_packet_len(packet_pages);
    g_autofree uint8_t *wire = g_malloc(len_bytes + 1);
    g_autofree uint64_t *pages = g_new(uint64_t, packet_pages);
    g_autofree uint64_t *out = g_new(uint64_t, packet_pages);
    unsigned nr_zero = packet_pages / 3;
    MultiFDPacket packet;
    Error *err = NULL;

    g_assert_cmpuint(len_bytes, ==, 320 + 8 * packet_pages);
    memset(wire, 0xee, len_bytes + 1);
    for (unsigned i = 0; i < packet_pages; i++) {
        pages[i] = packet_pages - 1 - i;
    }
    multifd_packet_encode((MultiFDPacketWire *)wire, packet_pages, 5, "m",
                          pages, packet_pages - nr_zero, nr_zero);
    g_assert_cmphex(wire[len_bytes], ==, 0xee);
    g_assert_cmpuint(ldl_be_p(wire + 12), ==, packet_pages);
    g_assert_cmpuint(ldl_be_p(wire + 16), ==, packet_pages - nr_zero);
    g_assert_cmpuint(ldl_be_p(wire + 20), ==, (packet_pages - nr_zero) * 4096);
    g_assert_cmpuint(ldl_be_p(wire + 32), ==, nr_zero);
    for (unsigned i = 0; i < packet_pages; i++) {
        g_assert_cmpuint(ldq_be_p(wire + 320 + 8 * i), ==, pages[i] * 4096);
    }
    multifd_packet_decode((MultiFDPacketWire *)wire, packet_pages, &packet,
                          &err);
    g_assert_null(err);
    multifd_packet_decode_pages((MultiFDPacketWire *)wire, &packet,
                                packet_pages * TARGET_PAGE_SIZE, out, &err);
    g_assert_null(err);
    g_assert_cmpmem(out, packet_pages * 8, pages, packet_pages * 8);
}

/* The room that a packet does not use is zero, whatever stood there. */
static void test_packet_size_rest(const void *data)
{
    unsigned packet_pages = GPOINTER_TO_UINT(data);
    size_t len_bytes = multifd_packet_len(packet_pages);
    g_autofree uint8_t *wire = g_malloc(len_bytes);
    static const uint64_t page = 3;

    memset(wire, 0xee, len_bytes);
    multifd_packet_encode((MultiFDPacketWire *)wire, packet_pages, 0, "m",
                          &page, 1, 0);
    g_assert_cmpuint(ldq_be_p(wire + 320), ==, 3 * 4096);
    for (size_t i = 328; i < len_bytes; i++) {
        g_assert_cmphex(wire[i], ==, 0);
    }
}

static void test_packet_size_sync(const void *data)
{
    unsigned packet_pages = GPOINTER_TO_UINT(data);
    size_t len_bytes = multifd_packet_len(packet_pages);
    g_autofree uint8_t *wire = g_malloc(len_bytes + 1);
    g_autofree uint8_t *expected = g_malloc0(len_bytes + 1);

    memset(wire, 0xee, len_bytes + 1);
    memcpy(expected, (uint8_t[]) { 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1,
                                   0, 0, 0, 1 }, 12);
    expected[len_bytes] = 0xee;
    multifd_packet_encode_sync((MultiFDPacketWire *)wire, packet_pages, 0);
    g_assert_cmpmem(wire, len_bytes + 1, expected, len_bytes + 1);
}

/* The header's room is that of the greeting, not that of the usual packet. */
static void test_packet_size_exceeded(const void *data)
{
    unsigned packet_pages = GPOINTER_TO_UINT(data);
    g_autofree MultiFDPacketWire *wire =
        g_malloc(multifd_packet_len(packet_pages));
    g_autofree char *expected =
        g_strdup_printf("room for %u pages, expected at most %u",
                        packet_pages + 1, packet_pages);
    MultiFDPacket packet = { .nr_normal = 77 };
    Error *err = NULL;

    multifd_packet_encode(wire, packet_pages, 0, "m", NULL, 0, 0);
    stl_be_p(&wire->pages_alloc, packet_pages + 1);
    stl_be_p(&wire->normal_pages, packet_pages + 1);
    g_assert_false(multifd_packet_decode(wire, packet_pages, &packet, &err));
    g_assert_cmpuint(packet.nr_normal, ==, 77);
    g_assert_cmpstr(error_get_pretty(err), ==, expected);
    error_free(err);
}

typedef struct BadPacket {
    const char *path;
    unsigned offset;        /* of a be32, or a be64 with @wide */
    bool wide;
    uint64_t value;
    const char *message;
} BadPacket;

static const BadPacket bad_packets[] = {
    { "magic", 0, false, 0x11223345,
      "magic 0x11223345, expected 0x11223344" },
    { "version", 4, false, 2, "version 2, expected 1" },
    { "device state", 8, false, 0x40, "*device state*" },
    { "device state and sync", 8, false, 0x41, "*device state*" },
    { "zlib", 8, false, 0x02,
      "flags 0x2: multifd-compression is zlib at the source and none here*" },
    { "uadk", 8, false, 0x10, "flags 0x10: * is uadk at the source*" },
    { "qatzip", 8, false, 0x20, "flags 0x20: * is qatzip at the source*" },
    { "two methods", 8, false, 0x06, "flags 0x6: * is a mixture of methods*" },
    { "zlib in a sync with pages", 8, false, 0x03,
      "flags 0x3: * is zlib at the source*" },
    { "pages over the limit", 12, false, 129,
      "room for 129 pages, expected at most 128" },
    { "normal pages over the room", 16, false, 129,
      "129 normal pages, expected at most 128" },
    { "normal pages near 2^32", 16, false, 0xffffffff,
      "4294967295 normal pages*" },
    { "zero pages over the room", 32, false, 128,
      "128 zero pages besides 1 normal ones, expected at most 127" },
    { "zero pages near 2^32", 32, false, 0xffffffff,
      "4294967295 zero pages*" },
    { "room below normal pages", 12, false, 0,
      "1 normal pages, expected at most 0" },
    { "offset past the block", 320, true, BLOCK_BYTES,
      "offset 0x4000 of page 0 is past the end of RAM block 'm'*" },
    { "offset near 2^64", 320, true, 0xfffffffffffff000,
      "offset 0xfffffffffffff000 of page 0 is past the end*" },
    { "zero page's offset past the block", 344, true, BLOCK_BYTES,
      "offset 0x4000 of page 3 is past the end*" },
    { "offset inside a page", 320, true, 0x10,
      "offset 0x10 of page 0 is not a multiple of 4096" },
};

static void test_bad_packet(const void *data)
{
    const BadPacket *bad = data;
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    MultiFDPacket packet = { .nr_normal = 77 };
    uint64_t pages[MULTIFD_PACKET_PAGES];
    Error *err = NULL;
    bool ok;

    make_good(wire);
    if (bad->wide) {
        stq_be_p((uint8_t *)wire + bad->offset, bad->value);
    } else {
        stl_be_p((uint8_t *)wire + bad->offset, bad->value);
    }
    ok = multifd_packet_decode(wire, 128, &packet, &err);
    if (!ok) {
        g_assert_cmpuint(packet.nr_normal, ==, 77);
    } else if (!multifd_packet_check_compression(&packet, 0, &err)) {
        ok = false;
    } else {
        ok = multifd_packet_decode_pages(wire, &packet, BLOCK_BYTES, pages,
                                         &err);
    }
    g_assert_false(ok);
    g_test_message("%s", error_get_pretty(err));
    g_assert_true(g_pattern_match_simple(bad->message, error_get_pretty(err)));
    error_free(err);
}

static void test_compression_in_an_empty_packet(void)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    MultiFDPacket packet;
    Error *err = NULL;

    make_good(wire);
    stl_be_p(&wire->normal_pages, 0);
    stl_be_p(&wire->zero_pages, 0);
    stl_be_p(&wire->flags, 0x02);
    g_assert_true(multifd_packet_decode(wire, 128, &packet, &err));
    g_assert_false(multifd_packet_check_compression(&packet, 0, &err));
    error_free(err);
    /* ... which is nobody's business if it is the method that is set. */
    g_assert_true(multifd_packet_check_compression(&packet, 0x02, NULL));
}

static void test_name_without_end(void)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    MultiFDPacket packet;
    Error *err = NULL;

    make_good(wire);
    memset(wire->block_name, 'm', sizeof(wire->block_name));
    g_assert_false(multifd_packet_decode(wire, 128, &packet, &err));
    g_assert_cmpstr(error_get_pretty(err), ==,
                    "the RAM block's name has no end within 256 bytes");
    error_free(err);
}

static void test_greeting(void)
{
    uint8_t expected[MULTIFD_GREETING_LEN] = {
        0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1,
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 9,
    };
    uint8_t wire[MULTIFD_GREETING_LEN];
    MultiFDGreeting said = { 0 };
    Error *err = NULL;

    multifd_greeting_encode(wire, &uuid, 9, 128);
    g_assert_cmpmem(wire, sizeof(wire), expected, sizeof(expected));
    memset(wire + 25, 0xee, 7);
    memset(wire + 40, 0xee, 24);
    multifd_greeting_decode(wire, &uuid, 10, &said, &err);
    g_assert_null(err);
    g_assert_cmpuint(said.id, ==, 9);
    g_assert_cmpuint(said.packet_pages, ==, 128);
}

static void test_greeting_size(const void *data)
{
    unsigned packet_pages = GPOINTER_TO_UINT(data);
    uint8_t wire[MULTIFD_GREETING_LEN];
    MultiFDGreeting said = { 0 };
    Error *err = NULL;

    multifd_greeting_encode(wire, &uuid, 9, packet_pages);
    g_assert_cmpuint(ldq_be_p(wire + 32), ==,
                     packet_pages == 128 ? 0 : packet_pages * 4096);
    multifd_greeting_decode(wire, &uuid, 10, &said, &err);
    g_assert_null(err);
    g_assert_cmpuint(said.packet_pages, ==, packet_pages);
    g_assert_cmpuint(said.id, ==, 9);
}

/* To say it is as good as not to. */
static void test_greeting_says_usual_size(void)
{
    uint8_t wire[MULTIFD_GREETING_LEN];
    MultiFDGreeting said = { 0 };
    Error *err = NULL;

    multifd_greeting_encode(wire, &uuid, 9, 128);
    stq_be_p(wire + 32, 128 * 4096);
    multifd_greeting_decode(wire, &uuid, 10, &said, &err);
    g_assert_null(err);
    g_assert_cmpuint(said.packet_pages, ==, 128);
}

static const BadPacket bad_greetings[] = {
    { "greeting magic", 0, false, 0x5145564d,
      "magic 0x5145564d, expected 0x11223344" },
    { "greeting version", 4, false, 0, "version 0, expected 1" },
    { "greeting uuid", 8, false, 0,
      "uuid 00000000-0506-0708-090a-0b0c0d0e0f10, expected "
      "01020304-0506-0708-090a-0b0c0d0e0f10; *" },
    { "greeting id equal to the number of channels", 24, false, 0x0a000000,
      "channel id 10, expected one below 10; *" },
    { "greeting id 255", 24, false, 0xff000000, "channel id 255, *" },
    { "packet size below a page", 32, true, 2048,
      "packet size of 2048 bytes, expected a multiple of 4096 up to 4194304" },
    { "packet size inside a page", 32, true, 4096 * 128 + 512,
      "packet size of 524800 bytes, expected a multiple of 4096 *" },
    { "packet size of 1025 pages", 32, true, 4096 * 1025,
      "packet size of 4198400 bytes, expected a multiple of 4096 up to *" },
    { "packet size near 2^64", 32, true, 0xfffffffffffff000,
      "packet size of 18446744073709547520 bytes, *" },
    { "packet size of 2^32 and one pages", 32, true, 0x100000001000,
      "packet size of 17592186048512 bytes, *" },
};

static void test_bad_greeting(const void *data)
{
    const BadPacket *bad = data;
    uint8_t wire[MULTIFD_GREETING_LEN];
    MultiFDGreeting said = { .id = 77 };
    Error *err = NULL;

    multifd_greeting_encode(wire, &uuid, 9, 128);
    if (bad->wide) {
        stq_be_p(wire + bad->offset, bad->value);
    } else {
        stl_be_p(wire + bad->offset, bad->value);
    }
    g_assert_false(multifd_greeting_decode(wire, &uuid, 10, &said, &err));
    g_assert_cmpuint(said.id, ==, 77);
    g_test_message("%s", error_get_pretty(err));
    g_assert_true(g_pattern_match_simple(bad->message, error_get_pretty(err)));
    error_free(err);
}

static void add_sizes(void)
{
    static const unsigned sizes[] = { 1, 2, 128, 256, 1024 };
    static const struct {
        const char *name;
        GTestDataFunc func;
    } cases[] = {
        { "encode and decode a full packet", test_packet_size },
        { "unused room is zero", test_packet_size_rest },
        { "encode a sync", test_packet_size_sync },
        { "refuse more pages", test_packet_size_exceeded },
        { "greeting", test_greeting_size },
    };

    for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
            g_autofree char *path =
                g_strdup_printf("/multifd-packet/%u pages/%s", sizes[s],
                                cases[i].name);

            g_test_add_data_func(path, GUINT_TO_POINTER(sizes[s]),
                                 cases[i].func);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_sizes();
    g_test_add_func("/multifd-packet/encode pages", test_encode_pages);
    g_test_add_func("/multifd-packet/encode a run of zero pages",
                    test_encode_zero_run);
    g_test_add_func("/multifd-packet/decode a bad offset among many",
                    test_decode_bad_offset);
    g_test_add_func("/multifd-packet/encode the longest name",
                    test_encode_longest_name);
    g_test_add_func("/multifd-packet/encode a sync", test_encode_sync);
    g_test_add_func("/multifd-packet/decode pages", test_decode_pages);
    g_test_add_func("/multifd-packet/decode a sync with stale fields",
                    test_decode_stale_sync);
    g_test_add_func("/multifd-packet/decode a sync with pages",
                    test_decode_sync_with_pages);
    g_test_add_func("/multifd-packet/decode ignores what QEMU ignores",
                    test_decode_ignored_fields);
    g_test_add_func("/multifd-packet/decode a full packet", test_decode_full);
    g_test_add_func("/multifd-packet/greeting", test_greeting);
    g_test_add_func("/multifd-packet/greeting says the usual size",
                    test_greeting_says_usual_size);
    for (size_t i = 0; i < ARRAY_SIZE(bad_packets); i++) {
        g_autofree char *path = g_strdup_printf("/multifd-packet/refuse/%s",
                                                bad_packets[i].path);

        g_test_add_data_func(path, &bad_packets[i], test_bad_packet);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad_greetings); i++) {
        g_autofree char *path = g_strdup_printf("/multifd-packet/refuse/%s",
                                                bad_greetings[i].path);

        g_test_add_data_func(path, &bad_greetings[i], test_bad_greeting);
    }
    g_test_add_func("/multifd-packet/refuse/compression in an empty packet",
                    test_compression_in_an_empty_packet);
    g_test_add_func("/multifd-packet/refuse/name without an end",
                    test_name_without_end);
    return g_test_run();
}
