/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the sending half share: send.c (life and death),
 * send-channel.c (the threads), send-packet.c (what they write), send-buffer.c
 * (when it is written) and sink.c (where pages come in).
 *
 * Locks: MultiFDSend::lock; nothing else is taken while it is held.
 */
#ifndef MIGRATION_MULTIFD_SEND_INTERNAL_H
#define MIGRATION_MULTIFD_SEND_INTERNAL_H

#include <sys/uio.h>
#include "qemu/thread.h"
#include "migration/multifd/compress.h"
#include "migration/multifd/multifd.h"
#include "migration/multifd/queue.h"
#include "migration/multifd/zero-page.h"

/* Makes the detector of a channel; @opaque outlives it. */
typedef ZeroPageDetector *(*MultiFDDetectorFunc)(void *opaque);

/* send-file.c's: pages at their places in a file, no packets. */
typedef struct MultiFDSendFile MultiFDSendFile;

/* A packet whose pages are being looked at. */
typedef struct MultiFDSendSlot {
    MultiFDJob *job;
    ZeroPageBatch *batch;       /* NULL without a detector; the slot's own */
} MultiFDSendSlot;

/* What packets were made of, for the counters and the limit. */
typedef struct MultiFDSendTally {
    uint64_t nr_normal;
    uint64_t nr_zero;           /* holes among them included */
    uint64_t nr_holes;
    int64_t charged_bytes;      /* what the rate limit has for them so far */
} MultiFDSendTally;

/*
 * Headers that wait for company: packets without content follow each other in
 * one call, and leave at the latest with the next content or SYNC.
 */
typedef struct MultiFDSendBuffer {
    uint8_t *wire;              /* room for MULTIFD_SEND_HEADERS headers */
    size_t header_bytes;        /* of one */
    unsigned nr_headers;        /* below MULTIFD_SEND_HEADERS between calls */
    MultiFDSendTally tally;     /* of them */
    /* entry 0 is for the headers, those from 1 on are content behind the last */
    struct iovec *iov;
    unsigned nr_iov;            /* 1 or more */
    size_t compressed_bytes;    /* of that content, if it is */
} MultiFDSendBuffer;

/* 43 KiB of the usual size: a call and a wakeup are little beside them. */
#define MULTIFD_SEND_HEADERS 32

typedef struct MultiFDSendChannel {
    /* set once, before the thread starts */
    MultiFDSend *send;
    unsigned id;
    QIOChannel *ioc;            /* holds a reference; NULL with @file */
    MultiFDSendFile *file;      /* where pages go instead; NULL: to @ioc */
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
    MultiFDCompressor *compressor; /* NULL: content goes out as it is */
    MultiFDSendBuffer buffer;
    /* and used anew for each packet */
    uint64_t *page;             /* normal ones first, then zero ones */
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
 * @ioc: a connected channel; a reference is taken.  NULL: the channel's @file
 *       will be set
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
 * multifd_send_start_channel:
 * @send: the sending half
 * @c: a channel without a thread, with the next id; taken over
 * @errp: where to put the reason, or NULL
 *
 * Writes its greeting, if it is not a file, and starts its thread.
 * Context: the migration thread.
 * Returns: false when that failed, or the sending half has ended
 */
bool multifd_send_start_channel(MultiFDSend *send, MultiFDSendChannel *c,
                                Error **errp);

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
 * @job: the pages; not a run
 * @zero: bit i is set when page i of @job, holes aside, is zero; is changed;
 *        NULL: none is
 * @errp: where to put the reason, or NULL
 *
 * Makes a packet of these pages.  It is written, and all that waits before it,
 * if it has content; else it waits in the buffer.
 * Context: the channel's thread.
 * Returns: false when something could not be written
 */
bool multifd_send_packet(MultiFDSendChannel *c, const MultiFDJob *job,
                         unsigned long *zero, Error **errp);

/**
 * multifd_send_run:
 * @c: a channel
 * @job: a run of holes
 * @errp: where to put the reason, or NULL
 *
 * Makes the packets of a run, into the buffer.
 * Context: the channel's thread.
 * Returns: false when something could not be written
 */
bool multifd_send_run(MultiFDSendChannel *c, const MultiFDJob *job,
                      Error **errp);

/**
 * multifd_send_ratio_step:
 * @c: a channel
 *
 * What is left of the ratio is carried to the next page, and to the next packet:
 * so they are evenly spread, and after any number of pages the share is right.
 * Context: the channel's thread.
 * Returns: whether the next zero page is to go out as a normal one
 */
bool multifd_send_ratio_step(MultiFDSendChannel *c);

/**
 * multifd_send_sync:
 * @c: a channel
 * @packet_num: of the SYNC
 * @errp: where to put the reason, or NULL
 *
 * Writes what is in the buffer and a SYNC.
 * Context: the channel's thread.
 * Returns: false when it could not be written
 */
bool multifd_send_sync(MultiFDSendChannel *c, uint64_t packet_num,
                       Error **errp);

/**
 * multifd_send_set_zero_copy:
 * @c: a channel without a thread
 * @errp: where to put the reason, or NULL
 *
 * With the capability: prepares the connection for it.
 * Returns: false when that kind of connection cannot do it
 */
bool multifd_send_set_zero_copy(MultiFDSendChannel *c, Error **errp);

/**
 * multifd_send_flush_zero_copy:
 * @c: a channel
 * @errp: where to put the reason, or NULL
 *
 * With the capability: waits until all pages written so far may change without
 * what the destination gets, and counts when the kernel has copied them all the
 * same.
 * Context: the channel's thread.
 * Returns: false when the connection has ended before
 */
bool multifd_send_flush_zero_copy(MultiFDSendChannel *c, Error **errp);

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
