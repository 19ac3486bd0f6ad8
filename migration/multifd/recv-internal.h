/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the receiving half share: recv.c (life, death and sync
 * points), recv-channel.c (the threads), recv-content.c and recv-compressed.c
 * (what normal pages hold).
 *
 * Locks: MultiFDRecv::lock and file_lock; nothing else is taken while one of them
 * is held.
 */
#ifndef MIGRATION_MULTIFD_RECV_INTERNAL_H
#define MIGRATION_MULTIFD_RECV_INTERNAL_H

#include <sys/uio.h>
#include "qemu/thread.h"
#include "migration/multifd/compress.h"
#include "migration/multifd/multifd.h"

/* Most headers read with one call: 43 KiB of them at the usual size. */
#define MULTIFD_RECV_HEADERS 32

typedef struct MultiFDRecvChannel {
    /* set once, before the thread starts */
    MultiFDRecv *recv;
    unsigned id;
    unsigned packet_pages;      /* as its greeting said */
    QIOChannel *ioc;            /* holds a reference */
    MultiFDDecompressor *decompressor; /* NULL: content comes as it is */
    /* the load thread's */
    QemuThread thread;
    /* guarded by MultiFDRecv::lock */
    bool at_sync;               /* stopped there until it is released */
    /* the channel's thread's; the load thread's when that has ended */
    uint64_t nr_packets;        /* read so far; the next one's number */
    uint64_t nr_unsynced;       /* of them, with pages, since the last SYNC */
    /*
     * What was read of the stream: bytes [pos, len) are not used up yet.
     * Where packets without content follow each other, many headers are read
     * with one call; what then turns out to be content is taken from here.
     */
    uint8_t *ahead;             /* room for MULTIFD_RECV_HEADERS headers */
    unsigned ahead_pos;
    unsigned ahead_len;
    unsigned nr_headers;        /* to ask for with the next call, 1 or more */
    /* and used anew for each packet */
    MultiFDPacketWire *header;  /* in @ahead */
    uint64_t *page;             /* packet_pages entries */
    struct iovec *iov;          /* and here */
} MultiFDRecvChannel;

struct MultiFDRecv {
    /* set once, before the threads start */
    const MigrationConfig *config;
    RamReceived *received;
    MultiFDErrorFunc error_func;
    void *error_opaque;

    /* the load thread's */
    unsigned nr_threads;        /* of channels 0 to nr_threads - 1 */

    QemuMutex file_lock;        /* held by who writes to a backend's file */

    QemuMutex lock;
    QemuCond arrived;           /* the load thread waits */
    QemuCond released;          /* the channels wait */
    /* guarded by lock; written by the thread that accepts */
    MultiFDRecvChannel **channels; /* by id; NULL until it is there */
    unsigned nr_channels;
    /* guarded by lock */
    bool stopped;               /* nobody is to wait any more */
    unsigned nr_at_sync;
    MultiFDRecvChannel *ended;  /* the first that ended without a failure */
    Error *error;               /* the first one */
};

/**
 * multifd_recv_channel_new:
 * @recv: the receiving half
 * @greeting: what the channel said first
 * @ioc: a connected channel; a reference is taken
 *
 * Returns: a channel without a thread
 */
MultiFDRecvChannel *multifd_recv_channel_new(MultiFDRecv *recv,
                                             const MultiFDGreeting *greeting,
                                             QIOChannel *ioc);

/**
 * multifd_recv_channel_free:
 * @c: a channel whose thread has ended, or NULL
 */
void multifd_recv_channel_free(MultiFDRecvChannel *c);

/**
 * multifd_recv_channel_thread:
 * @opaque: the MultiFDRecvChannel
 *
 * Body of multifdrecv_N: reads packets into guest memory until the channel
 * ends.
 * Returns: NULL
 */
void *multifd_recv_channel_thread(void *opaque);

/**
 * multifd_recv_wait_release:
 * @c: a channel that has met a SYNC
 *
 * Waits until the load thread has met the sync point, too.
 * Context: the channel's thread.
 * Returns: false when there is nothing more to read
 */
bool multifd_recv_wait_release(MultiFDRecvChannel *c);

/**
 * multifd_recv_ended:
 * @c: a channel whose stream has ended between two packets
 *
 * Context: the channel's thread.
 */
void multifd_recv_ended(MultiFDRecvChannel *c);

/**
 * multifd_recv_fail:
 * @recv: the receiving half
 * @err: why; taken over
 *
 * Ends the receiving half.  The first reason is kept, and none after a
 * shutdown.
 * Context: a multifdrecv_N thread, with no lock held.
 */
void multifd_recv_fail(MultiFDRecv *recv, Error *err);

#endif
