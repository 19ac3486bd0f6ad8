/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A source and a destination of multifd in one process, for the tests in this
 * folder: two lists of RAM blocks, a sending half, a receiving half, and socket
 * pairs between them.  A test may leave one half out and play its part with the
 * bare ends of the channels.
 *
 * Threads: the test's; the halves bring their own.
 */
#ifndef TESTS_MULTIFD_PAIR_H
#define TESTS_MULTIFD_PAIR_H

#include "migration/multifd/multifd.h"
#include "migration/multifd/send-internal.h"
#include "tests/lib/ram-fixture.h"

typedef struct MultiFDPairOptions {
    unsigned nr_channels;
    ZeroPageDetection detection;
    unsigned packet_pages;          /* 0: MULTIFD_PACKET_PAGES */
    unsigned normal_page_ratio;
    MultiFDCompression compression; /* with level 1 */
    MultiFDDetectorFunc detector_func; /* NULL: what @detection says */
    void *detector_opaque;
    const RamFixtureBlock *blocks;  /* NULL: one anonymous "ram" of 1 MiB */
    unsigned nr_blocks;
    RamFixtureKind dst_kind;
    bool dst_old;                   /* the destination has old content */
    bool no_send;                   /* the test writes to source_ends */
    bool no_recv;                   /* the test reads from dest_ends */
    const PausePoints *pause_points;
} MultiFDPairOptions;

/* Stands for the main channel: zero pages arrive at once, and are counted. */
typedef struct PairMainSink {
    PageSink sink;
    MigrationCounters *stats;
    RamReceived *received;
    uint64_t nr_pages;
} PairMainSink;

typedef struct MultiFDPair {
    MigrationConfig config;
    MigrationLive live;
    RateLimit rate;
    MigrationCounters stats;
    PairMainSink main;
    RamList *src;
    RamList *dst;
    RamReceived *received;
    QIOChannel **source_ends;
    QIOChannel **dest_ends;
    MultiFDSend *send;          /* NULL with no_send */
    MultiFDRecv *recv;          /* NULL with no_recv */
} MultiFDPair;

/**
 * multifd_pair_new:
 * @options: what to make
 *
 * Makes both sides, greeted and running; the blocks are untouched and what the
 * destination knows of that has been scanned.
 */
MultiFDPair *multifd_pair_new(const MultiFDPairOptions *options);

/**
 * multifd_pair_free:
 * @pair: from multifd_pair_new(), or NULL
 */
void multifd_pair_free(MultiFDPair *pair);

/**
 * multifd_pair_put:
 * @pair: with a sending half
 * @errp: where to put the reason, or NULL
 *
 * Puts every page of the source, holes as such, in runs of a walk.
 */
bool multifd_pair_put(MultiFDPair *pair, Error **errp);

/**
 * multifd_pair_put_run:
 * @pair: with a sending half
 * @block: index of the block
 * @first_page: first page
 * @nr_pages: how many
 * @kind: what they are
 *
 * Puts one run; a failure ends the test.
 */
void multifd_pair_put_run(MultiFDPair *pair, unsigned block,
                          uint64_t first_page, uint64_t nr_pages,
                          PageRunKind kind);

/**
 * multifd_pair_sync:
 * @pair: with both halves
 *
 * A sync point on both sides; a failure ends the test.
 */
void multifd_pair_sync(MultiFDPair *pair);

/**
 * multifd_pair_wire_sync:
 * @ioc: a source end
 *
 * Writes a SYNC by hand.
 */
void multifd_pair_wire_sync(QIOChannel *ioc);

/**
 * multifd_pair_wire_pages:
 * @wire: where to put a good header
 * @block_name: the block it names
 * @first_page: its pages, one after the other
 * @nr_normal: how many are normal
 * @nr_zero: how many are zero
 */
void multifd_pair_wire_pages(MultiFDPacketWire *wire, const char *block_name,
                             uint64_t first_page, unsigned nr_normal,
                             unsigned nr_zero);

/**
 * multifd_pair_assert_error:
 * @err: an error that must be there; freed
 * @expected: a glob its message must match
 */
void multifd_pair_assert_error(Error *err, const char *expected);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MultiFDPair, multifd_pair_free)

#endif
