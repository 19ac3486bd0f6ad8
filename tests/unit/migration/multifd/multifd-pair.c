/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both halves of multifd in one process.
 *
 * Entered by the test's thread.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/hole-map.h"
#include "tests/lib/channel-pair.h"
#include "multifd-pair.h"

static bool pair_main_put_run(PageSink *sink, RAMBlock *block,
                              uint64_t first_page, uint64_t nr_pages,
                              PageRunKind kind, Error **errp)
{
    PairMainSink *s = container_of(sink, PairMainSink, sink);

    g_assert_cmpint(kind, !=, PAGE_RUN_DATA);
    received_block_zero(ram_received_find(s->received, block->idstr),
                        first_page, nr_pages);
    s->nr_pages += nr_pages;
    qatomic_add(&s->stats->zero_pages, nr_pages);
    if (kind == PAGE_RUN_HOLE) {
        qatomic_add(&s->stats->hole_pages, nr_pages);
    }
    return true;
}

static bool pair_main_done(PageSink *sink, Error **errp)
{
    return true;
}

static const PageSinkOps pair_main_ops = {
    .put_run = pair_main_put_run,
    .flush = pair_main_done,
    .sync = pair_main_done,
};

static void pair_add_channels(MultiFDPair *pair, const MultiFDPairOptions *o)
{
    Error *err = NULL;

    for (unsigned i = 0; i < o->nr_channels; i++) {
        uint8_t greeting[MULTIFD_GREETING_LEN];

        channel_pair_new(CHANNEL_PAIR_UNIX, &pair->source_ends[i],
                         &pair->dest_ends[i]);
        if (!o->no_send) {
            multifd_send_add_channel(pair->send, pair->source_ends[i], &err);
            g_assert_null(err);
        } else {
            multifd_greeting_encode(greeting, &pair->config.uuid, i,
                                    pair->config.multifd_packet_pages);
            qio_channel_write_all(pair->source_ends[i], greeting,
                                  sizeof(greeting), &err);
            g_assert_null(err);
        }
    }
    /* The last one first: ids come in any order. */
    for (unsigned i = o->no_recv ? 0 : o->nr_channels; i > 0; i--) {
        uint8_t greeting[MULTIFD_GREETING_LEN];

        qio_channel_read_all(pair->dest_ends[i - 1], greeting,
                             sizeof(greeting), &err);
        g_assert_null(err);
        multifd_recv_add_channel(pair->recv, greeting, pair->dest_ends[i - 1],
                                 &err);
        g_assert_null(err);
    }
}

static RamList *pair_new_list(const MultiFDPairOptions *o, bool dst)
{
    static const RamFixtureBlock ram = { "ram", 1024 * 1024,
                                         RAM_FIXTURE_ANON };
    const RamFixtureBlock *blocks = o->blocks ? o->blocks : &ram;
    unsigned nr_blocks = o->blocks ? o->nr_blocks : 1;
    g_autofree RamFixtureBlock *copy =
        g_memdup2(blocks, nr_blocks * sizeof(*blocks));

    for (unsigned i = 0; dst && i < nr_blocks; i++) {
        copy[i].kind = o->dst_kind;
    }
    return ram_fixture_new(copy, nr_blocks);
}

MultiFDPair *multifd_pair_new(const MultiFDPairOptions *options)
{
    MultiFDPair *pair = g_new0(MultiFDPair, 1);
    Error *err = NULL;

    pair->config.multifd = true;
    pair->config.multifd_channels = options->nr_channels;
    pair->config.multifd_packet_pages =
        options->packet_pages ? options->packet_pages : MULTIFD_PACKET_PAGES;
    pair->config.multifd_normal_page_ratio = options->normal_page_ratio;
    pair->config.multifd_compression = options->compression;
    pair->config.zlib_level = 1;
    pair->config.zstd_level = 1;
    pair->config.zero_page_detection = options->detection;
    pair->config.pause_points = options->pause_points;
    rate_limit_init(&pair->rate, &pair->live);
    pair->src = pair_new_list(options, false);
    pair->dst = pair_new_list(options, true);
    if (options->dst_old) {
        ram_fixture_fill(pair->dst, RAM_FIXTURE_MIX_RANDOM, 4711);
    }
    pair->received = ram_received_new(pair->dst);
    ram_received_scan(pair->received, &err);
    g_assert_null(err);
    pair->main.sink.ops = &pair_main_ops;
    pair->main.stats = &pair->stats;
    pair->main.received = pair->received;
    pair->source_ends = g_new0(QIOChannel *, options->nr_channels);
    pair->dest_ends = g_new0(QIOChannel *, options->nr_channels);
    if (!options->no_send) {
        pair->send = multifd_send_new(&pair->config, &pair->main.sink,
                                      &pair->stats, &pair->rate, NULL);
        if (options->detector_func) {
            multifd_send_set_detector_func(pair->send, options->detector_func,
                                           options->detector_opaque);
        }
    }
    if (!options->no_recv) {
        pair->recv = multifd_recv_new(&pair->config, pair->received);
    }
    pair_add_channels(pair, options);
    if (pair->recv) {
        g_assert_cmpuint(multifd_recv_nr_channels(pair->recv), ==,
                         options->nr_channels);
        multifd_recv_start(pair->recv, pair->config.multifd_packet_pages,
                           &err);
        g_assert_null(err);
    }
    return pair;
}

void multifd_pair_free(MultiFDPair *pair)
{
    if (!pair) {
        return;
    }
    multifd_send_free(pair->send);
    multifd_recv_free(pair->recv);
    for (unsigned i = 0; i < pair->config.multifd_channels; i++) {
        qio_channel_unref(pair->source_ends[i]);
        qio_channel_unref(pair->dest_ends[i]);
    }
    ram_received_free(pair->received);
    ram_list_free(pair->src);
    ram_list_free(pair->dst);
    rate_limit_destroy(&pair->rate);
    g_free(pair->source_ends);
    g_free(pair->dest_ends);
    g_free(pair);
}

static bool pair_put_block(MultiFDPair *pair, RAMBlock *block, Error **errp)
{
    PageSink *sink = multifd_send_sink(pair->send);
    g_autofree unsigned long *holes = bitmap_new(block->nr_pages);
    uint64_t end;

    if (!hole_map_query(block->hole_map, 0, block->used_length, holes,
                        TARGET_PAGE_SIZE, errp)) {
        return false;
    }
    for (uint64_t at = 0; at < block->nr_pages; at = end) {
        bool hole = test_bit(at, holes);

        end = hole ? find_next_zero_bit(holes, block->nr_pages, at)
                   : find_next_bit(holes, block->nr_pages, at);
        end = MIN(end, at + (hole ? PAGE_SINK_HOLE_RUN_MAX
                                  : PAGE_SINK_RUN_MAX));
        if (!sink->ops->put_run(sink, block, at, end - at,
                                hole ? PAGE_RUN_HOLE : PAGE_RUN_DATA, errp)) {
            return false;
        }
    }
    return true;
}

bool multifd_pair_put(MultiFDPair *pair, Error **errp)
{
    for (unsigned i = 0; i < ram_list_nr_blocks(pair->src); i++) {
        if (!pair_put_block(pair, ram_list_block(pair->src, i), errp)) {
            return false;
        }
    }
    return true;
}

void multifd_pair_put_run(MultiFDPair *pair, unsigned block,
                          uint64_t first_page, uint64_t nr_pages,
                          PageRunKind kind)
{
    PageSink *sink = multifd_send_sink(pair->send);
    Error *err = NULL;

    sink->ops->put_run(sink, ram_list_block(pair->src, block), first_page,
                       nr_pages, kind, &err);
    g_assert_null(err);
}

void multifd_pair_sync(MultiFDPair *pair)
{
    PageSink *sink = multifd_send_sink(pair->send);
    Error *err = NULL;

    sink->ops->sync(sink, &err);
    g_assert_null(err);
    multifd_recv_sync(pair->recv, &err);
    g_assert_null(err);
}

void multifd_pair_wire_sync(QIOChannel *ioc)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    Error *err = NULL;

    multifd_packet_encode_sync(wire, MULTIFD_PACKET_PAGES, 0);
    qio_channel_write_all(ioc, wire, MULTIFD_PACKET_LEN, &err);
    g_assert_null(err);
}

void multifd_pair_wire_pages(MultiFDPacketWire *wire, const char *block_name,
                             uint64_t first_page, unsigned nr_normal,
                             unsigned nr_zero)
{
    uint64_t pages[MULTIFD_PACKET_PAGES];

    for (unsigned i = 0; i < nr_normal + nr_zero; i++) {
        pages[i] = first_page + i;
    }
    multifd_packet_encode(wire, MULTIFD_PACKET_PAGES, 0, block_name, pages,
                          nr_normal, nr_zero);
}

void multifd_pair_assert_error(Error *err, const char *expected)
{
    g_assert_nonnull(err);
    if (!g_pattern_match_simple(expected, error_get_pretty(err))) {
        g_test_message("got: %s", error_get_pretty(err));
        g_test_message("expected: %s", expected);
        g_test_fail();
    }
    error_free(err);
}
