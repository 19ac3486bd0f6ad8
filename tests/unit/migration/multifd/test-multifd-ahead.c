/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A destination that reads several headers with one call: the same packets in
 * one piece, in small ones and cut off anywhere, and content that was read along
 * with the headers before it.  The test plays the source.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "multifd-pair.h"

#define PAGES(n) ((uint64_t)(n) * TARGET_PAGE_SIZE)
#define H MULTIFD_PACKET_LEN
#define NR_PAGES 1024

static MultiFDPair *new_dest(void)
{
    static const RamFixtureBlock block = { "m", PAGES(NR_PAGES),
                                           RAM_FIXTURE_ANON };

    return multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = 1,
        .blocks = &block,
        .nr_blocks = 1,
        .no_send = true,
        .dst_old = true,
    });
}

static void add_packet(GByteArray *stream, uint64_t first_page,
                       unsigned nr_normal, unsigned nr_zero, uint8_t fill)
{
    g_autofree uint8_t *packet = g_malloc0(H + PAGES(nr_normal));

    multifd_pair_wire_pages((MultiFDPacketWire *)packet, "m", first_page,
                            nr_normal, nr_zero);
    memset(packet + H, fill, PAGES(nr_normal));
    g_byte_array_append(stream, packet, H + PAGES(nr_normal));
}

static void add_sync(GByteArray *stream)
{
    MultiFDPacketWire *wire = g_malloc(H);

    multifd_packet_encode_sync(wire, MULTIFD_PACKET_PAGES, 0);
    g_byte_array_append(stream, (uint8_t *)wire, H);
    g_free(wire);
}

static void write_pieces(QIOChannel *ioc, const uint8_t *bytes,
                         size_t len_bytes, size_t piece_bytes)
{
    Error *err = NULL;

    for (size_t at = 0; at < len_bytes; at += piece_bytes) {
        qio_channel_write_all(ioc, bytes + at, MIN(piece_bytes, len_bytes - at),
                              &err);
        g_assert_null(err);
    }
}

static void assert_pages(MultiFDPair *pair, uint64_t first_page,
                         uint64_t nr_pages, uint8_t fill)
{
    const uint8_t *host = ram_list_block(pair->dst, 0)->host;

    for (uint64_t i = PAGES(first_page); i < PAGES(first_page + nr_pages);
         i++) {
        g_assert_cmphex(host[i], ==, fill);
    }
}

static void assert_sync(MultiFDPair *pair)
{
    Error *err = NULL;

    multifd_recv_sync(pair->recv, &err);
    g_assert_null(err);
}

/*
 * Many packets of zero pages, so that much is read ahead, then content; again,
 * behind a SYNC, a single one.
 */
static void test_pieces(const void *data)
{
    size_t piece_bytes = GPOINTER_TO_SIZE(data);
    g_autoptr(MultiFDPair) pair = new_dest();
    g_autoptr(GByteArray) stream = g_byte_array_new();
    QIOChannel *ioc = pair->source_ends[0];
    size_t first_bytes;
    Error *err = NULL;

    for (unsigned i = 0; i < 70; i++) {
        add_packet(stream, 2 * i, 0, 2, 0);
    }
    add_packet(stream, 140, 5, 3, 'a');
    add_packet(stream, 148, 0, 2, 0);
    add_packet(stream, 150, 1, 0, 'b');
    add_packet(stream, 151, 120, 0, 'c');
    add_sync(stream);
    first_bytes = stream->len;
    add_packet(stream, 0, 0, 128, 0);
    add_packet(stream, 271, 1, 0, 'd');
    add_sync(stream);
    if (piece_bytes >= stream->len) {
        first_bytes = stream->len;
    }
    /* Small pieces fill a socket: what nobody reads yet is not written yet. */
    write_pieces(ioc, stream->data, first_bytes, piece_bytes);
    assert_sync(pair);
    write_pieces(ioc, stream->data + first_bytes, stream->len - first_bytes,
                 piece_bytes);
    assert_pages(pair, 0, 140, 0);
    assert_pages(pair, 140, 5, 'a');
    assert_pages(pair, 145, 5, 0);
    assert_pages(pair, 150, 1, 'b');
    assert_pages(pair, 151, 120, 'c');
    assert_sync(pair);
    assert_pages(pair, 271, 1, 'd');
    multifd_recv_finish(pair->recv, &err);
    g_assert_null(err);
}

/* What was read ahead is not taken before the SYNC in front of it is released. */
static void test_nothing_ahead_of_a_sync(void)
{
    g_autoptr(MultiFDPair) pair = new_dest();
    g_autoptr(GByteArray) stream = g_byte_array_new();

    add_packet(stream, 10, 1, 0, 'a');
    for (unsigned i = 0; i < 10; i++) {
        add_sync(stream);
    }
    add_packet(stream, 10, 0, 1, 0);
    add_sync(stream);
    write_pieces(pair->source_ends[0], stream->data, stream->len, stream->len);
    /* Nine of the ten: the channel stands, or will stand, at the tenth. */
    for (unsigned i = 0; i < 9; i++) {
        assert_sync(pair);
        assert_pages(pair, 10, 1, 'a');
    }
    assert_sync(pair);
    assert_sync(pair);
    assert_pages(pair, 10, 1, 0);
}

static void check_failure(const GByteArray *stream, const char *expected)
{
    g_autoptr(MultiFDPair) pair = new_dest();
    Error *err = NULL;

    write_pieces(pair->source_ends[0], stream->data, stream->len, stream->len);
    qio_channel_unref(g_steal_pointer(&pair->source_ends[0]));
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, expected);
}

/* The packet in which it ends, or after which, is named as if read alone. */
static void test_end(void)
{
    g_autoptr(GByteArray) stream = g_byte_array_new();
    static const size_t parts[] = { 1, 11, 12, 13, 319, H - 1 };

    for (unsigned nr = 1; nr <= 40; nr += 3) {
        g_byte_array_set_size(stream, 0);
        for (unsigned i = 0; i <= nr; i++) {
            add_packet(stream, i, 0, 1, 0);
        }
        for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
            g_autofree char *expected =
                g_strdup_printf("multifd channel 0: packet %u: the stream "
                                "ended after %zu of *", nr, parts[i]);

            g_byte_array_set_size(stream, nr * H + parts[i]);
            check_failure(stream, expected);
        }
        g_byte_array_set_size(stream, nr * H);
        check_failure(stream, "multifd channel 0: closed before SYNC");
    }
}

static void test_end_in_content(void)
{
    g_autoptr(GByteArray) stream = g_byte_array_new();
    static const size_t parts[] = { 0, 1, 4095, 4096, 5000, 8191 };

    for (unsigned i = 0; i < 20; i++) {
        add_packet(stream, i, 0, 1, 0);
    }
    add_packet(stream, 20, 2, 0, 'a');
    for (unsigned i = ARRAY_SIZE(parts); i > 0; i--) {
        g_byte_array_set_size(stream, 21 * H + parts[i - 1]);
        check_failure(stream, "multifd channel 0: *the stream ended *");
    }
}

static void test_bad_packet(void)
{
    g_autoptr(GByteArray) stream = g_byte_array_new();

    for (unsigned i = 0; i < 20; i++) {
        add_packet(stream, i, 0, 1, 0);
    }
    stl_be_p(stream->data + 17 * H, 0);
    check_failure(stream, "multifd channel 0: packet 17: magic 0x00000000, *");
    stl_be_p(stream->data + 17 * H, MULTIFD_MAGIC);
    stq_be_p(stream->data + 18 * H + 320, PAGES(NR_PAGES));
    check_failure(stream, "multifd channel 0: packet 18: offset 0x400000 *");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/multifd-ahead/pieces/all at once",
                         GSIZE_TO_POINTER(SIZE_MAX / 2), test_pieces);
    g_test_add_data_func("/multifd-ahead/pieces/odd", GSIZE_TO_POINTER(97),
                         test_pieces);
    g_test_add_data_func("/multifd-ahead/pieces/a header each",
                         GSIZE_TO_POINTER(H), test_pieces);
    g_test_add_data_func("/multifd-ahead/pieces/many headers each",
                         GSIZE_TO_POINTER(20000), test_pieces);
    g_test_add_func("/multifd-ahead/nothing goes ahead of a sync",
                    test_nothing_ahead_of_a_sync);
    g_test_add_func("/multifd-ahead/the stream ends", test_end);
    g_test_add_func("/multifd-ahead/the stream ends in content",
                    test_end_in_content);
    g_test_add_func("/multifd-ahead/a bad packet among good ones",
                    test_bad_packet);
    return g_test_run();
}
