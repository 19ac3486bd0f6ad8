/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The receiving half against a source that the test plays: what it must take,
 * and what it must refuse without hanging.
 */
#include "qemu/osdep.h"
#include <sched.h>
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/bitmap.h"
#include "qemu/bswap.h"
#include "qemu/thread.h"
#include "multifd-pair.h"

#define PAGES(n) ((size_t)(n) * TARGET_PAGE_SIZE)

static const RamFixtureBlock small_block = { "m", PAGES(4), RAM_FIXTURE_ANON };

static MultiFDPair *new_dest(unsigned nr_channels)
{
    return multifd_pair_new(&(MultiFDPairOptions) {
        .nr_channels = nr_channels,
        .blocks = &small_block,
        .nr_blocks = 1,
        .no_send = true,
    });
}

static void write_bytes(QIOChannel *ioc, const void *buf, size_t len_bytes)
{
    Error *err = NULL;

    qio_channel_write_all(ioc, buf, len_bytes, &err);
    g_assert_null(err);
}

/* A packet of @nr_normal pages filled with @fill, then @nr_zero zero pages. */
static void write_pages(QIOChannel *ioc, uint64_t first_page,
                        unsigned nr_normal, unsigned nr_zero, uint8_t fill,
                        uint32_t flags)
{
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    g_autofree uint8_t *content = g_malloc(PAGES(nr_normal) + 1);

    multifd_pair_wire_pages(wire, "m", first_page, nr_normal, nr_zero);
    stl_be_p(&wire->flags, flags);
    memset(content, fill, PAGES(nr_normal));
    write_bytes(ioc, wire, MULTIFD_PACKET_LEN);
    write_bytes(ioc, content, PAGES(nr_normal));
}

static void assert_page(MultiFDPair *pair, uint64_t page, uint8_t fill)
{
    const uint8_t *host = ram_list_block(pair->dst, 0)->host + PAGES(page);

    for (unsigned i = 0; i < TARGET_PAGE_SIZE; i++) {
        g_assert_cmphex(host[i], ==, fill);
    }
}

static void assert_synced(MultiFDPair *pair)
{
    Error *err = NULL;

    multifd_recv_sync(pair->recv, &err);
    g_assert_null(err);
}

static void assert_finished(MultiFDPair *pair)
{
    Error *err = NULL;

    multifd_recv_finish(pair->recv, &err);
    g_assert_null(err);
}

/* A channel of a stock QEMU 10.0.2 with a 16 KiB guest, after its greeting. */
static void test_stock_bytes(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(1);
    g_autofree uint8_t *bytes = g_malloc0(9536 - 64);
    uint8_t *b = bytes;
    RAMBlock *block = NULL;
    uint64_t page = 0;

    for (unsigned i = 0; i < 4; i++) {
        stl_be_p(b, 0x11223344);
        stl_be_p(b + 4, 1);
        stl_be_p(b + 8, i == 1 ? 0 : 1);
        stq_be_p(b + 24, i);
        if (i == 1) {
            stl_be_p(b + 12, 128);
            stl_be_p(b + 16, 1);
            stl_be_p(b + 20, 4096);
            stl_be_p(b + 32, 3);
            b[64] = 'm';
            stq_be_p(b + 320, 0x1000);
            stq_be_p(b + 328, 0x2000);
            stq_be_p(b + 336, 0x3000);
            memset(b + 1344, 'A', 4096);
            b += 4096;
        }
        b += 1344;
    }
    write_bytes(pair->source_ends[0], bytes, 9536 - 64);
    for (unsigned i = 0; i < 3; i++) {
        assert_synced(pair);
    }
    assert_finished(pair);
    assert_page(pair, 0, 0);
    assert_page(pair, 1, 'A');
    assert_page(pair, 2, 0);
    assert_page(pair, 3, 0);
    g_assert_cmpuint(ram_received_missing(pair->received, &block, &page), ==,
                     0);
}

/* QEMU 7.2 puts its last pages into the SYNC itself. */
static void test_sync_with_pages(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(2);

    write_pages(pair->source_ends[0], 0, 2, 1, 'x', MULTIFD_FLAG_SYNC);
    multifd_pair_wire_sync(pair->source_ends[1]);
    assert_synced(pair);
    assert_page(pair, 0, 'x');
    assert_page(pair, 1, 'x');
    assert_page(pair, 2, 0);
    assert_finished(pair);
}

static void test_stale_sync(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(1);
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);

    memset(wire, 0xee, MULTIFD_PACKET_LEN);
    stl_be_p(&wire->magic, MULTIFD_MAGIC);
    stl_be_p(&wire->version, MULTIFD_VERSION);
    stl_be_p(&wire->flags, MULTIFD_FLAG_SYNC);
    stl_be_p(&wire->pages_alloc, 128);
    stl_be_p(&wire->normal_pages, 0);
    stl_be_p(&wire->zero_pages, 0);
    write_bytes(pair->source_ends[0], wire, MULTIFD_PACKET_LEN);
    assert_synced(pair);
    assert_finished(pair);
}

static void test_zero_after_normal(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(1);
    QIOChannel *ioc = pair->source_ends[0];

    write_pages(ioc, 0, 4, 0, 'x', 0);
    write_pages(ioc, 1, 0, 2, 0, MULTIFD_FLAG_SYNC);
    assert_synced(pair);
    assert_page(pair, 0, 'x');
    assert_page(pair, 1, 0);
    assert_page(pair, 2, 0);
    assert_page(pair, 3, 'x');
}

/* A page twice in one packet: the content that stands last counts. */
static void test_page_twice(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(1);
    uint64_t pages[] = { 2, 2 };
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    g_autofree uint8_t *content = g_malloc(PAGES(2));

    multifd_packet_encode(wire, 128, 0, "m", pages, 2, 0);
    memset(content, 'x', PAGES(1));
    memset(content + PAGES(1), 'y', PAGES(1));
    write_bytes(pair->source_ends[0], wire, MULTIFD_PACKET_LEN);
    write_bytes(pair->source_ends[0], content, PAGES(2));
    multifd_pair_wire_sync(pair->source_ends[0]);
    assert_synced(pair);
    assert_page(pair, 2, 'y');
}

static void test_extra_sync(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(2);

    multifd_pair_wire_sync(pair->source_ends[0]);
    multifd_pair_wire_sync(pair->source_ends[1]);
    multifd_pair_wire_sync(pair->source_ends[1]);
    assert_synced(pair);
    assert_finished(pair);
}

static void test_close_after_last_sync(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(2);

    for (unsigned i = 0; i < 2; i++) {
        multifd_pair_wire_sync(pair->source_ends[i]);
        qio_channel_unref(g_steal_pointer(&pair->source_ends[i]));
    }
    assert_synced(pair);
    assert_finished(pair);
}

static void test_pages_after_last_sync(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(2);
    ReceivedBlock *rb = ram_received_find(pair->received, "m");
    Error *err = NULL;

    multifd_pair_wire_sync(pair->source_ends[0]);
    multifd_pair_wire_sync(pair->source_ends[1]);
    assert_synced(pair);
    write_pages(pair->source_ends[1], 0, 1, 0, 'x', 0);
    while (!test_bit(0, rb->received)) {
        sched_yield();          /* what has not come cannot be noticed */
    }
    g_assert_false(multifd_recv_finish(pair->recv, &err));
    multifd_pair_assert_error(err, "multifd channel 1: 1 packets came after "
                              "its last SYNC*");
}

/* A peer that never stops sending does not keep the end from coming. */
static void *flood_thread(void *opaque)
{
    QIOChannel *ioc = opaque;
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);

    multifd_pair_wire_pages(wire, "m", 0, 0, 0);
    while (qio_channel_write_all(ioc, wire, MULTIFD_PACKET_LEN, NULL)) {
        /* more */
    }
    return NULL;
}

static void test_endless_empty_packets(void)
{
    MultiFDPair *pair = new_dest(1);
    QemuThread thread;

    multifd_pair_wire_sync(pair->source_ends[0]);
    qemu_thread_create(&thread, "flood", flood_thread, pair->source_ends[0],
                       QEMU_THREAD_JOINABLE);
    assert_synced(pair);
    assert_finished(pair);
    qio_channel_shutdown(pair->dest_ends[0], QIO_CHANNEL_SHUTDOWN_BOTH);
    qemu_thread_join(&thread);
    multifd_pair_free(pair);
}

static void test_closed_before_sync(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(3);
    Error *err = NULL;

    multifd_pair_wire_sync(pair->source_ends[0]);
    qio_channel_unref(g_steal_pointer(&pair->source_ends[1]));
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, "multifd channel 1: closed before SYNC");
    err = NULL;
    g_assert_false(multifd_recv_finish(pair->recv, &err));
    multifd_pair_assert_error(err, "multifd channel 1: closed before SYNC");
}

typedef struct Stopper {
    MultiFDRecv *recv;
    QemuSemaphore sem;
} Stopper;

static void *stopper_thread(void *opaque)
{
    Stopper *s = opaque;

    qemu_sem_wait(&s->sem);
    multifd_recv_shutdown(s->recv);
    return NULL;
}

/* One channel at its SYNC, one inside a packet, one silent; then shutdown. */
static void test_stalled_peer(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(3);
    Stopper stopper = { .recv = pair->recv };
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    QemuThread thread;
    Error *err = NULL;

    qemu_sem_init(&stopper.sem, 0);
    qemu_thread_create(&thread, "stopper", stopper_thread, &stopper,
                       QEMU_THREAD_JOINABLE);
    multifd_pair_wire_sync(pair->source_ends[0]);
    multifd_pair_wire_pages(wire, "m", 0, 1, 0);
    write_bytes(pair->source_ends[1], wire, MULTIFD_PACKET_LEN);
    write_bytes(pair->source_ends[1], wire, 100);
    qemu_sem_post(&stopper.sem);
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, "The multifd channels were shut down");
    err = NULL;
    g_assert_false(multifd_recv_finish(pair->recv, &err));
    multifd_pair_assert_error(err, "The multifd channels were shut down");
    err = NULL;
    multifd_recv_check(pair->recv, &err);
    g_assert_null(err);
    qemu_thread_join(&thread);
    qemu_sem_destroy(&stopper.sem);
}

static void count_error(void *opaque)
{
    qatomic_inc((unsigned *)opaque);
}

typedef struct BadPacket {
    const char *path;
    unsigned offset;        /* of a be32, or a be64 with @wide */
    bool wide;
    uint64_t value;
    const char *message;    /* after the channel and the packet */
} BadPacket;

/* Each is the second packet of channel 1; the first one was good. */
static const BadPacket bad_packets[] = {
    { "magic", 0, false, 0, "magic 0x00000000, expected 0x11223344" },
    { "version", 4, false, 2, "version 2, expected 1" },
    { "device state", 8, false, 0x40, "flags 0x40 announce device state*" },
    { "compression", 8, false, 0x04, "flags 0x4: multifd-compression is zstd at the source and none here; "
      "set it to the same on both sides" },
    { "pages over the limit", 12, false, 1000, "room for 1000 pages*" },
    { "normal pages over the room", 16, false, 500, "500 normal pages*" },
    { "zero pages over the room", 32, false, 128, "128 zero pages besides*" },
    { "unknown block", 64, false, 0x6d6e0a00,
      "RAM block 'mn\\n' does not exist here; *" },
    { "empty block name", 64, false, 0, "RAM block '' does not exist here; *" },
    { "offset past the block", 320, true, PAGES(4),
      "offset 0x4000 of page 0 is past the end of RAM block 'm'*" },
    { "offset near 2^64", 320, true, 0xfffffffffffff000,
      "offset 0xfffffffffffff000 of page 0 is past the end*" },
    { "zero page past the block", 328, true, PAGES(1000),
      "offset 0x3e8000 of page 1 is past the end*" },
    { "offset inside a page", 320, true, 0x10,
      "offset 0x10 of page 0 is not a multiple of 4096" },
};

static void test_bad_packet(const void *data)
{
    const BadPacket *bad = data;
    g_autofree char *message = g_strconcat("multifd channel 1: packet 1: ",
                                           bad->message, NULL);
    MultiFDPair *pair = new_dest(3);
    g_autofree MultiFDPacketWire *wire = g_malloc(MULTIFD_PACKET_LEN);
    unsigned nr_errors = 0;
    Error *err = NULL;

    multifd_recv_set_error_func(pair->recv, count_error, &nr_errors);
    /* One of the others waits at its SYNC, one in a read. */
    multifd_pair_wire_sync(pair->source_ends[0]);
    write_pages(pair->source_ends[1], 0, 1, 0, 'x', 0);
    multifd_pair_wire_pages(wire, "m", 2, 1, 1);
    if (bad->wide) {
        stq_be_p((uint8_t *)wire + bad->offset, bad->value);
    } else {
        stl_be_p((uint8_t *)wire + bad->offset, bad->value);
    }
    write_bytes(pair->source_ends[1], wire, MULTIFD_PACKET_LEN);
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, message);
    err = NULL;
    g_assert_false(multifd_recv_check(pair->recv, &err));
    multifd_pair_assert_error(err, message);
    err = NULL;
    g_assert_false(multifd_recv_finish(pair->recv, &err));
    multifd_pair_assert_error(err, message);
    /* Nothing of the bad packet was taken. */
    assert_page(pair, 2, 0);
    multifd_pair_free(pair);
    g_assert_cmpuint(qatomic_read(&nr_errors), ==, 1);
}

/* It is shorter than a page packet, and the rest never comes. */
static void test_device_state_packet(void)
{
    g_autoptr(MultiFDPair) pair = new_dest(1);
    uint8_t packet[276] = { 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 1,
                            0, 0, 0, 0x40, 'd', 'e', 'v' };
    Error *err = NULL;

    write_bytes(pair->source_ends[0], packet, sizeof(packet));
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, "multifd channel 0: packet 0: flags 0x40 "
                              "announce device state*");
}

static void check_truncated(const uint8_t *bytes, size_t len_bytes)
{
    g_autoptr(MultiFDPair) pair = new_dest(1);
    Error *err = NULL;

    write_bytes(pair->source_ends[0], bytes, len_bytes);
    qio_channel_unref(g_steal_pointer(&pair->source_ends[0]));
    g_assert_false(multifd_recv_sync(pair->recv, &err));
    multifd_pair_assert_error(err, len_bytes == 0
                              ? "multifd channel 0: closed before SYNC"
                              : "multifd channel 0: *the stream ended *");
}

/* At every byte of the header, and here and there in the content. */
static void test_truncated(void)
{
    size_t whole = MULTIFD_PACKET_LEN + PAGES(2);
    g_autofree uint8_t *bytes = g_malloc0(whole);

    multifd_pair_wire_pages((MultiFDPacketWire *)bytes, "m", 1, 2, 1);
    for (size_t n = 0; n <= MULTIFD_PACKET_LEN; n++) {
        check_truncated(bytes, n);
    }
    for (size_t n = MULTIFD_PACKET_LEN + 1; n < whole; n += 1021) {
        check_truncated(bytes, n);
    }
    check_truncated(bytes, whole - 1);
}

static MultiFDRecv *new_recv(MultiFDPair *pair, const MigrationConfig *config)
{
    return multifd_recv_new(config, pair->received);
}

static void test_greetings(void)
{
    static const MigrationConfig config = { .multifd_channels = 2 };
    g_autoptr(MultiFDPair) pair = new_dest(1);
    g_autoptr(MultiFDRecv) recv = new_recv(pair, &config);
    uint8_t greeting[MULTIFD_GREETING_LEN];
    QIOChannel *ioc = pair->source_ends[0];
    Error *err = NULL;

    multifd_greeting_encode(greeting, &config.uuid, 2, 128);
    g_assert_false(multifd_recv_add_channel(recv, greeting, ioc, &err));
    multifd_pair_assert_error(err, "greeting of a multifd channel: channel id "
                              "2, expected one below 2; *");
    err = NULL;
    multifd_greeting_encode(greeting, &config.uuid, 1, 128);
    g_assert_true(multifd_recv_add_channel(recv, greeting, ioc, &err));
    g_assert_null(err);
    g_assert_false(multifd_recv_add_channel(recv, greeting, ioc, &err));
    multifd_pair_assert_error(err, "greeting of a multifd channel: channel id "
                              "1 is taken by another connection");
    g_assert_cmpuint(multifd_recv_nr_channels(recv), ==, 1);
    err = NULL;
    g_assert_false(multifd_recv_start(recv, 0, &err));
    multifd_pair_assert_error(err, "multifd channel 0 is not connected");
    err = NULL;
    g_assert_false(multifd_recv_sync(recv, &err));
    multifd_pair_assert_error(err, "A multifd sync point came before the list "
                              "of RAM blocks");
    multifd_recv_shutdown(recv);
    err = NULL;
    multifd_greeting_encode(greeting, &config.uuid, 0, 128);
    g_assert_false(multifd_recv_add_channel(recv, greeting, ioc, &err));
    multifd_pair_assert_error(err, "The multifd channels were shut down");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/multifd-recv/bytes of a stock QEMU", test_stock_bytes);
    g_test_add_func("/multifd-recv/sync with pages", test_sync_with_pages);
    g_test_add_func("/multifd-recv/sync with stale fields", test_stale_sync);
    g_test_add_func("/multifd-recv/zero page after a normal one",
                    test_zero_after_normal);
    g_test_add_func("/multifd-recv/page twice in a packet", test_page_twice);
    g_test_add_func("/multifd-recv/extra sync", test_extra_sync);
    g_test_add_func("/multifd-recv/close after the last sync",
                    test_close_after_last_sync);
    g_test_add_func("/multifd-recv/pages after the last sync",
                    test_pages_after_last_sync);
    g_test_add_func("/multifd-recv/endless empty packets",
                    test_endless_empty_packets);
    g_test_add_func("/multifd-recv/closed before sync",
                    test_closed_before_sync);
    g_test_add_func("/multifd-recv/stalled peer, shutdown", test_stalled_peer);
    g_test_add_func("/multifd-recv/device state packet",
                    test_device_state_packet);
    g_test_add_func("/multifd-recv/truncated", test_truncated);
    g_test_add_func("/multifd-recv/greetings", test_greetings);
    for (size_t i = 0; i < ARRAY_SIZE(bad_packets); i++) {
        g_autofree char *path = g_strdup_printf("/multifd-recv/refuse/%s",
                                                bad_packets[i].path);

        g_test_add_data_func(path, &bad_packets[i], test_bad_packet);
    }
    return g_test_run();
}
