/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed content through whole multifd channels: what is on the wire, what
 * comes out, what is counted, and how each refusal reads.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "compress-pages.h"
#include "multifd-pair.h"

static const RamFixtureBlock small_block = { "m", PAGES(4), RAM_FIXTURE_ANON };

/* What a packet says of itself, as the codec and its check see it. */
typedef struct Compression {
    const char *path;
    uint32_t flags;             /* of the packet */
    uint32_t own;               /* the method that is set here */
    unsigned nr_normal;
    unsigned nr_zero;
    uint32_t content_bytes;
    const char *message;        /* NULL: it is taken */
} Compression;

static const Compression compressions[] = {
    { "same", MULTIFD_FLAG_ZSTD, MULTIFD_FLAG_ZSTD, 1, 1, 77 },
    { "only zero pages", MULTIFD_FLAG_QPL, MULTIFD_FLAG_QPL, 0, 2, 0 },
    { "sync without pages", MULTIFD_FLAG_SYNC, MULTIFD_FLAG_ZLIB, 0, 0, 99 },
    { "sync of another method without pages",
      MULTIFD_FLAG_SYNC | MULTIFD_FLAG_QPL, MULTIFD_FLAG_ZLIB, 0, 0, 99 },
    { "none where one is set", 0, MULTIFD_FLAG_ZLIB, 1, 0, 4096,
      "flags 0x0: multifd-compression is none at the source and zlib here; "
      "set it to the same on both sides" },
    { "only zero pages and another", MULTIFD_FLAG_ZLIB, MULTIFD_FLAG_QPL, 0, 1,
      0, "flags 0x2: multifd-compression is zlib at the source and qpl here; "
      "*" },
    { "content of no page", MULTIFD_FLAG_ZLIB, MULTIFD_FLAG_ZLIB, 0, 1, 5,
      "5 bytes of compressed content, expected none: it has no normal page" },
};

static void test_compression(const void *data)
{
    const Compression *t = data;
    uint64_t pages[MULTIFD_PACKET_PAGES] = { 0, 1, 2 };
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    MultiFDPacket packet;
    Error *err = NULL;

    multifd_packet_encode(wire, 128, 7, "m", pages, t->nr_normal, t->nr_zero);
    multifd_packet_encode_compressed(wire, t->flags, t->content_bytes);
    g_assert_true(multifd_packet_decode(wire, 128, &packet, &err));
    g_assert_cmpuint(packet.content_bytes, ==, t->content_bytes);
    g_assert_true(multifd_packet_check_compression(&packet, t->own, &err) ==
                  !t->message);
    if (t->message) {
        g_assert_true(g_pattern_match_simple(t->message,
                                             error_get_pretty(err)));
        error_free(err);
    }
}

typedef struct Transfer {
    MultiFDCompression compression;
    RamFixtureKind dst_kind;
    RamFixtureMix mix;
    bool dst_old;
    unsigned packet_pages;
    ZeroPageDetection detection;
} Transfer;

static void test_transfer(const void *data)
{
    const Transfer *t = data;
    static const RamFixtureBlock blocks[] = {
        { "a", 3 * 1024 * 1024 + 20480, RAM_FIXTURE_ANON },
        { "b", 409600, RAM_FIXTURE_MEMFD },
    };
    g_autoptr(MultiFDPair) pair = NULL;
    RamFixtureCounts counts;
    Error *err = NULL;

    if (compress_skip_unless_built(t->compression)) {
        return;
    }
    pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 3,
        .blocks = blocks,
        .nr_blocks = ARRAY_SIZE(blocks),
        .detection = t->detection,
        .compression = t->compression,
        .packet_pages = t->packet_pages,
        .dst_kind = t->dst_kind,
        .dst_old = t->dst_old,
    });
    counts = ram_fixture_fill(pair->src, t->mix, 12);
    multifd_pair_sync(pair);
    /* Three rounds: streams go on from packet to packet and round to round. */
    for (unsigned round = 0; round < 3; round++) {
        g_assert_true(multifd_pair_put(pair, &err));
        multifd_pair_sync(pair);
    }
    multifd_recv_finish(pair->recv, &err);
    g_assert_null(err);
    ram_fixture_assert_equal(pair->src, pair->dst);
    if (t->detection == ZERO_PAGE_DETECTION_MULTIFD) {
        g_assert_cmpuint(pair->stats.normal_pages, ==, 3 * counts.nr_normal);
    }
}

static void add_transfers(void)
{
    static const struct {
        const char *path;
        Transfer t;
    } shapes[] = {
        { "anonymous", { .dst_kind = RAM_FIXTURE_ANON,
                         .mix = RAM_FIXTURE_MIX_MIXED } },
        { "memfd", { .dst_kind = RAM_FIXTURE_MEMFD,
                     .mix = RAM_FIXTURE_MIX_MIXED } },
        { "old content", { .dst_kind = RAM_FIXTURE_MEMFD, .dst_old = true,
                           .mix = RAM_FIXTURE_MIX_HALF } },
        { "shared file", { .dst_kind = RAM_FIXTURE_FILE_SHARED,
                           .mix = RAM_FIXTURE_MIX_MIXED } },
        { "private file", { .dst_kind = RAM_FIXTURE_FILE_PRIVATE,
                            .mix = RAM_FIXTURE_MIX_MIXED } },
        { "only normal pages", { .mix = RAM_FIXTURE_MIX_RANDOM } },
        { "only zero pages", { .mix = RAM_FIXTURE_MIX_ZERO } },
        { "small packets", { .packet_pages = 3,
                             .mix = RAM_FIXTURE_MIX_MIXED } },
        { "largest packets", { .packet_pages = MULTIFD_PACKET_PAGES_MAX,
                               .mix = RAM_FIXTURE_MIX_RANDOM } },
        { "no detection", { .detection = ZERO_PAGE_DETECTION_NONE,
                            .mix = RAM_FIXTURE_MIX_MIXED } },
        { "legacy detection", { .detection = ZERO_PAGE_DETECTION_LEGACY,
                                .mix = RAM_FIXTURE_MIX_MIXED } },
    };

    for (int m = MULTIFD_COMPRESSION_ZLIB; m < MULTIFD_COMPRESSION__MAX; m++) {
        for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
            g_autofree char *path =
                g_strdup_printf("/compress-channel/transfer/%s/%s",
                                shapes[i].path, MultiFDCompression_str(m));
            Transfer *t = g_memdup2(&shapes[i].t, sizeof(*t));

            t->compression = m;
            if (strstr(path, "detection") == NULL) {
                t->detection = ZERO_PAGE_DETECTION_MULTIFD;
            }
            g_test_add_data_func_full(path, t, test_transfer, g_free);
        }
    }
}

static void read_header(QIOChannel *ioc, MultiFDPacketWire *wire)
{
    Error *err = NULL;

    qio_channel_read_all(ioc, wire, MULTIFD_PACKET_LEN, &err);
    g_assert_null(err);
}

/* Flags and sizes of a packet with content, one without, holes and a SYNC. */
static void test_wire(const void *data)
{
    MultiFDCompression compression = GPOINTER_TO_INT(data);
    g_autoptr(MultiFDPair) pair = NULL;
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    uint8_t greeting[MULTIFD_GREETING_LEN], content[512];
    uint32_t flag, content_bytes;
    PageSink *sink;
    Error *err = NULL;

    if (compress_skip_unless_built(compression)) {
        return;
    }
    flag = multifd_method(compression)->flag;
    pair = multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .blocks = &small_block,
        .nr_blocks = 1,
        .detection = ZERO_PAGE_DETECTION_MULTIFD,
        .compression = compression,
        .no_recv = true,
    });
    compress_fill_page(ram_list_block(pair->src, 0)->host + PAGES(1),
                       PAGE_SORT_TEXT, 1);
    multifd_pair_put_run(pair, 0, 0, 4, PAGE_RUN_DATA);
    sink = multifd_send_sink(pair->send);
    g_assert_true(sink->ops->flush(sink, &err));
    multifd_pair_put_run(pair, 0, 2, 1, PAGE_RUN_DATA);
    g_assert_true(sink->ops->flush(sink, &err));
    multifd_pair_put_run(pair, 0, 2, 2, PAGE_RUN_HOLE);
    g_assert_true(sink->ops->sync(sink, &err));

    qio_channel_read_all(pair->dest_ends[0], greeting, sizeof(greeting), &err);
    read_header(pair->dest_ends[0], wire);
    content_bytes = ldl_be_p(&wire->next_packet_size);
    g_assert_cmphex(ldl_be_p(&wire->flags), ==, flag);
    g_assert_cmpuint(ldl_be_p(&wire->normal_pages), ==, 1);
    g_assert_cmpuint(ldl_be_p(&wire->zero_pages), ==, 3);
    g_assert_cmpuint(content_bytes, >, 0);
    g_assert_cmpuint(content_bytes, <, sizeof(content));
    qio_channel_read_all(pair->dest_ends[0], content, content_bytes, &err);
    for (unsigned i = 0; i < 2; i++) {
        read_header(pair->dest_ends[0], wire);
        g_assert_cmphex(ldl_be_p(&wire->flags), ==, flag);
        g_assert_cmpuint(ldl_be_p(&wire->normal_pages), ==, 0);
        g_assert_cmpuint(ldl_be_p(&wire->next_packet_size), ==, 0);
    }
    read_header(pair->dest_ends[0], wire);
    g_assert_cmphex(ldl_be_p(&wire->flags), ==, MULTIFD_FLAG_SYNC);
    g_assert_cmpuint(ldl_be_p(&wire->next_packet_size), ==, 0);
    /* The true bytes are counted, pages as if they were sent whole. */
    g_assert_cmpuint(pair->stats.multifd_bytes, ==,
                     sizeof(greeting) + 4 * MULTIFD_PACKET_LEN +
                     content_bytes);
    g_assert_cmpuint(pair->stats.normal_pages, ==, 1);
}

typedef struct BadPacket {
    const char *path;
    uint32_t flags;
    uint32_t content_bytes;
    unsigned nr_normal;
    unsigned nr_zero;
    const char *message;        /* after the channel and the packet */
} BadPacket;

static const BadPacket bad_packets[] = {
    { "none instead", 0, 4096, 1, 0, "flags 0x0: multifd-compression is none "
      "at the source and qpl here; set it to the same on both sides" },
    { "another", MULTIFD_FLAG_ZSTD, 77, 1, 0, "flags 0x4: multifd-compression "
      "is zstd at the source and qpl here; *" },
    { "another of zero pages", MULTIFD_FLAG_ZLIB, 0, 0, 2, "flags 0x2: * is "
      "zlib at the source and qpl here; *" },
    { "content of zero pages", MULTIFD_FLAG_QPL, 4, 0, 2, "4 bytes of "
      "compressed content, expected none: it has no normal page" },
    { "no content", MULTIFD_FLAG_QPL, 0, 2, 0, "0 bytes of qpl content for 2 "
      "pages, expected 1 to 8200" },
    { "too much content", MULTIFD_FLAG_QPL, 8201, 2, 0, "8201 bytes of qpl "
      "content for 2 pages, expected 1 to 8200" },
    { "content near 2^32", MULTIFD_FLAG_QPL, 0xffffffff, 2, 0, "4294967295 "
      "bytes of qpl content for 2 pages, expected 1 to 8200" },
    { "corrupt", MULTIFD_FLAG_QPL, 8, 1, 0, "page 0 has 4294967295 bytes of "
      "qpl content, expected 1 to 4096" },
};

static MultiFDPair *new_dest(MultiFDCompression compression)
{
    return multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .blocks = &small_block,
        .nr_blocks = 1,
        .compression = compression,
        .no_send = true,
    });
}

static void write_packet(MultiFDPair *pair, const BadPacket *bad)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    uint8_t content[16];
    Error *err = NULL;

    memset(content, 0xff, sizeof(content));
    multifd_pair_wire_pages(wire, "m", 0, bad->nr_normal, bad->nr_zero);
    multifd_packet_encode_compressed(wire, bad->flags, bad->content_bytes);
    qio_channel_write_all(pair->source_ends[0], wire, MULTIFD_PACKET_LEN,
                          &err);
    g_assert_null(err);
    /* More would meet a channel that is shut. */
    qio_channel_write_all(pair->source_ends[0], content,
                          MIN(bad->content_bytes, sizeof(content)), NULL);
}

static void test_bad_packet(const void *data)
{
    const BadPacket *bad = data;
    g_autofree char *expected = g_strconcat("multifd channel 0: packet 0: ",
                                            bad->message, NULL);
    g_autoptr(MultiFDPair) pair = NULL;
    Error *err = NULL;

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_QPL)) {
        return;
    }
    pair = new_dest(MULTIFD_COMPRESSION_QPL);
    write_packet(pair, bad);
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, expected);
}

static void test_content_cut(void)
{
    static const BadPacket cut = { NULL, MULTIFD_FLAG_ZSTD, 17, 1, 0, NULL };
    g_autoptr(MultiFDPair) pair = NULL;
    Error *err = NULL;

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_ZSTD)) {
        return;
    }
    pair = new_dest(MULTIFD_COMPRESSION_ZSTD);
    write_packet(pair, &cut);       /* 16 bytes of it */
    qio_channel_unref(g_steal_pointer(&pair->source_ends[0]));
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, "multifd channel 0: the stream ended after "
                              "16 of 17 bytes");
}

static void test_content_missing(void)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    g_autoptr(MultiFDPair) pair = NULL;
    Error *err = NULL;

    if (compress_skip_unless_built(MULTIFD_COMPRESSION_ZSTD)) {
        return;
    }
    pair = new_dest(MULTIFD_COMPRESSION_ZSTD);
    multifd_pair_wire_pages(wire, "m", 0, 1, 0);
    multifd_packet_encode_compressed(wire, MULTIFD_FLAG_ZSTD, 17);
    g_assert_true(qio_channel_write_all(pair->source_ends[0], wire,
                                        MULTIFD_PACKET_LEN, NULL));
    qio_channel_unref(g_steal_pointer(&pair->source_ends[0]));
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, "multifd channel 0: packet 0: the stream "
                              "ended before the 17 bytes of its content");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(compressions); i++) {
        g_autofree char *path = g_strdup_printf("/compress-channel/said/%s",
                                                compressions[i].path);

        g_test_add_data_func(path, &compressions[i], test_compression);
    }
    for (int i = MULTIFD_COMPRESSION_ZLIB; i < MULTIFD_COMPRESSION__MAX; i++) {
        g_autofree char *path = g_strdup_printf("/compress-channel/wire/%s",
                                                MultiFDCompression_str(i));

        g_test_add_data_func(path, GINT_TO_POINTER(i), test_wire);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad_packets); i++) {
        g_autofree char *path = g_strdup_printf("/compress-channel/refuse/%s",
                                                bad_packets[i].path);

        g_test_add_data_func(path, &bad_packets[i], test_bad_packet);
    }
    g_test_add_func("/compress-channel/content cut", test_content_cut);
    g_test_add_func("/compress-channel/content missing", test_content_missing);
    add_transfers();
    return g_test_run();
}
