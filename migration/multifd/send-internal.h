/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the sending half share: send.c (life and death),
 * send-channel.c (the threads), send-packet.c (what they write) and sink.c
 * (where pages come in).
 *
 * Locks: MultiFDSend::lock; nothing else is taken while it is held.
 */
#ifndef MIGRATION_MULTIFD_SEND_INTERNAL_H
#define MIGRATION_MULTIFD_SEND_INTERNAL_H

#include <sys/uio.h>
#include "qemu/thread.h"
#include "migration/multifd/multifd.h"
#include "migration/multifd/queue.h"
#include "migration/multifd/zero-page.h"

/* Makes the detector of a channel; @opaque outlives it. */
typedef ZeroPageDetector *(*MultiFDDetectorFunc)(void *opaque);

/* A packet whose pages are being looked at. */
typedef struct MultiFDSendSlot {
    MultiFDJob *job;
    ZeroPageBatch *batch;       /* NULL without a detector; the slot's own */
} MultiFDSendSlot;

typedef struct MultiFDSendChannel {
    /* set once, before the thread starts */
    MultiFDSend *send;
    unsigned id;
    QIOChannel *ioc;            /* holds a reference */
    /* the migration thread's */
    QemuThread thread;
    /* the channel's thread's */
    ZeroPageDetector *detector; /* NULL: not its task to find zero pages */
    MultiFDTaker taker;
    MultiFDSendSlot *slots;     /* a ring of depth entries */
    unsigned depth;
    unsigned first;             /* the slot submitted first */
    unsigned nr_under_way;
    unsigned ratio_rest;        /* hundredths of a page, see send-packet.c */
    /* and used anew for each packet */
    uint64_t *page;             /* normal ones first, then zero ones */
    MultiFDPacketWire *header;
    struct iovec *iov;          /* header, content */
    unsigned nr_iov;
} MultiFDSendChannel;

struct MultiFDSend {
    /* set once, before the first channel */
    const MigrationConfig *config;
    PageSink *main_sink;
    MigrationCounters *stats;
    RateLimit *rate;
    MultiFDQueue *queue;
    unsigned packet_pages;
    /* of 100 zero pages, how many go out as normal ones; holes with `none` */
    unsigned normal_page_ratio;
    MultiFDDetectorFunc detector_func; /* NULL: channels have no detector */
    void *detector_opaque;
    MultiFDErrorFunc error_func;
    void *error_opaque;

    /* the migration thread's */
    PageSink sink;
    MultiFDJob *job;            /* being filled, or NULL */
    ZeroPageDetector *legacy;   /* finds zero pages before they are queued */
    ZeroPageBatch *batch;       /* its question */
    unsigned nr_threads;

    QemuMutex lock;
    /* guarded by lock; an entry, once counted, stays until all is freed */
    MultiFDSendChannel **channels;
    unsigned nr_channels;
    bool stopped;
    Error *error;               /* the first one */
};

/**
 * multifd_send_set_detector_func:
 * @send: the sending half
 * @func: makes each channel's detector
 * @opaque: handed to @func
 *
 * Takes the place of what the settings say: for tests that want to see what a
 * detector is asked.
 * Context: before the first channel is added.
 */
void multifd_send_set_detector_func(MultiFDSend *send, MultiFDDetectorFunc func,
                                    void *opaque);

/**
 * multifd_send_channel_new:
 * @send: the sending half
 * @id: of the channel
 * @ioc: a connected channel; a reference is taken
 *
 * Returns: a channel without a thread
 */
MultiFDSendChannel *multifd_send_channel_new(MultiFDSend *send, unsigned id,
                                             QIOChannel *ioc);

/**
 * multifd_send_channel_free:
 * @c: a channel whose thread has ended, or NULL
 */
void multifd_send_channel_free(MultiFDSendChannel *c);

/**
 * multifd_send_channel_greet:
 * @c: a channel without a thread
 * @errp: where to put the reason, or NULL
 *
 * Returns: false when the greeting could not be written
 */
bool multifd_send_channel_greet(MultiFDSendChannel *c, Error **errp);

/**
 * multifd_send_channel_thread:
 * @opaque: the MultiFDSendChannel
 *
 * Body of multifdsend_N: sends what the queue gives until it is closed.
 * Returns: NULL
 */
void *multifd_send_channel_thread(void *opaque);

/**
 * multifd_send_packet:
 * @c: a channel
 * @job: the pages
 * @zero: bit i is set when page i of @job, holes aside, is zero; is changed;
 *        NULL: none is
 * @errp: where to put the reason, or NULL
 *
 * Writes a packet of these pages, charges it and counts it.
 * Context: the channel's thread.
 * Returns: false when it could not be written
 */
bool multifd_send_packet(MultiFDSendChannel *c, const MultiFDJob *job,
                         unsigned long *zero, Error **errp);

/**
 * multifd_send_sync:
 * @c: a channel
 * @packet_num: of the SYNC
 * @errp: where to put the reason, or NULL
 *
 * Writes a SYNC, charges it and counts it.
 * Context: the channel's thread.
 * Returns: false when it could not be written
 */
bool multifd_send_sync(MultiFDSendChannel *c, uint64_t packet_num,
                       Error **errp);

/**
 * multifd_send_fail:
 * @send: the sending half
 * @err: why; taken over
 *
 * Ends the sending half.  The first reason is kept, and none after a shutdown.
 * Context: a multifdsend_N thread, with no lock held.
 */
void multifd_send_fail(MultiFDSend *send, Error *err);

/**
 * multifd_send_reason:
 * @send: a sending half that has ended
 * @errp: where to put the first channel's reason or that it was shut down, or
 *        NULL
 *
 * Returns: false, so that a caller can return it
 */
bool multifd_send_reason(MultiFDSend *send, Error **errp);

/**
 * multifd_sink_init:
 * @send: the sending half; its members that are set once are set
 */
void multifd_sink_init(MultiFDSend *send);

#endif
