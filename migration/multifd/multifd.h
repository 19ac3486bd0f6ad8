/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multifd: RAM over many channels.  The sending half is a PageSink whose pages
 * go to `multifdsend_N` threads through one bounded queue of packets; the
 * receiving half is `multifdrecv_N` threads that write straight into guest
 * memory.  Format: docs/devel/wire-format.rst, "Multifd".
 *
 * Sync points.  The source writes one SYNC on each channel, then the mark on the
 * main channel (FLUSH record, or the EOS of a section with the older style).
 * A receiving channel stops at a SYNC until the load thread has met the mark.
 *
 * Threads: create, add, start, finish and free from the migration or load thread;
 * shutdown from any, at any time.
 * Locks, in this order: none is taken while another is held; the queue lock and
 * the receive lock are private to their files.
 */
#ifndef MIGRATION_MULTIFD_MULTIFD_H
#define MIGRATION_MULTIFD_MULTIFD_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "io/channel.h"
#include "migration/base/config.h"
#include "migration/base/rate.h"
#include "migration/base/stats.h"
#include "migration/ram/page-sink.h"
#include "migration/ram/received.h"
#include "migration/stream/multifd-packet.h"

typedef struct MultiFDSend MultiFDSend;
typedef struct MultiFDRecv MultiFDRecv;
typedef struct MultiFDAccel MultiFDAccel;

/* Called once, when the first channel fails; no lock is held. */
typedef void (*MultiFDErrorFunc)(void *opaque);

/**
 * multifd_send_new:
 * @config: settings; outlives the result
 * @main_sink: takes zero pages when zero-page-detection is `legacy`; outlives
 *             the result
 * @stats: counters; outlives the result
 * @rate: limit that is charged for each packet; outlives the result
 * @accel: looks for zero pages when zero-page-detection is `dsa-accel`; outlives
 *         the result.  NULL: the CPU does
 *
 * Context: the migration thread.
 * Returns: a sending half with no channels yet
 */
MultiFDSend *multifd_send_new(const MigrationConfig *config,
                              PageSink *main_sink, MigrationCounters *stats,
                              RateLimit *rate, MultiFDAccel *accel);

/**
 * multifd_send_add_channel:
 * @send: the sending half
 * @ioc: a connected channel; a reference is taken
 * @errp: where to put the reason, or NULL
 *
 * Gives the channel the next id, writes its greeting and starts its thread.
 * Context: the migration thread, config->multifd_channels times.
 * Returns: false when the greeting could not be written, or it has not got what
 *          it compresses with
 */
bool multifd_send_add_channel(MultiFDSend *send, QIOChannel *ioc, Error **errp);

/**
 * multifd_send_set_error_func:
 * @send: the sending half
 * @func: called from a multifdsend_N thread when the first channel fails, so
 *        that a migration thread waiting on the main channel can be woken
 * @opaque: handed to @func
 *
 * Context: before the first channel is added.
 */
void multifd_send_set_error_func(MultiFDSend *send, MultiFDErrorFunc func,
                                 void *opaque);

/**
 * multifd_send_check:
 * @send: the sending half
 * @errp: where to put the reason, or NULL
 *
 * Context: the migration thread.
 * Returns: false with the first failed channel's reason, if one has failed
 */
bool multifd_send_check(MultiFDSend *send, Error **errp);

/**
 * multifd_send_sink:
 * @send: the sending half with all its channels
 *
 * Returns: the sink to hand pages to, owned by @send
 */
PageSink *multifd_send_sink(MultiFDSend *send);

/**
 * multifd_send_settle:
 * @send: the sending half, after its last sync point; or NULL
 * @timeout_ms: how long to wait at most
 *
 * Waits until the destination has ended its side of those channels that have
 * taken guest memory by reference: from then on the guest may write to it.
 * multifd_send_shutdown() ends the wait.
 * Context: the migration thread.
 * Returns: false when the time was over before
 */
bool multifd_send_settle(MultiFDSend *send, int timeout_ms);

/**
 * multifd_send_say_end:
 * @send: the sending half, after its last sync point; or NULL
 * @timeout_ms: how long to wait at most
 *
 * Tells the destination on each channel that nothing more comes, where channels
 * have words for it (TLS).
 * Context: the migration thread.
 */
void multifd_send_say_end(MultiFDSend *send, int timeout_ms);

/**
 * multifd_send_shutdown:
 * @send: the sending half, or NULL
 *
 * Ends all waits and all I/O of all channels; calls in progress return with
 * false soon.  For cancelling, and before freeing.
 * Context: any thread.
 */
void multifd_send_shutdown(MultiFDSend *send);

/**
 * multifd_send_free:
 * @send: the sending half, or NULL
 *
 * Shuts down, joins the threads and frees.
 * Context: the migration thread.
 */
void multifd_send_free(MultiFDSend *send);

/**
 * multifd_recv_new:
 * @config: settings; outlives the result
 * @received: where pages are noted; outlives the result
 *
 * Context: any thread.
 * Returns: a receiving half with no channels yet
 */
MultiFDRecv *multifd_recv_new(const MigrationConfig *config,
                              RamReceived *received);

/**
 * multifd_recv_add_channel:
 * @recv: the receiving half
 * @greeting: what the channel sent first, MULTIFD_GREETING_LEN bytes, raw
 * @ioc: the channel, blocking again; a reference is taken
 * @errp: where to put the reason, or NULL
 *
 * Checks magic, version, uuid, id, which must be new and below the number of
 * channels, and packet size, which is taken over.
 * Context: the thread that accepts; before multifd_recv_start().
 * Returns: false when the greeting is refused
 */
bool multifd_recv_add_channel(MultiFDRecv *recv, const uint8_t *greeting,
                              QIOChannel *ioc, Error **errp);

/**
 * multifd_recv_set_error_func:
 * @recv: the receiving half
 * @func: called from a multifdrecv_N thread when the first channel fails, so
 *        that a load thread waiting on the main channel can be woken
 * @opaque: handed to @func
 *
 * Context: before multifd_recv_start().
 */
void multifd_recv_set_error_func(MultiFDRecv *recv, MultiFDErrorFunc func,
                                 void *opaque);

/**
 * multifd_recv_nr_channels:
 * @recv: the receiving half
 *
 * Context: the thread that accepts.
 * Returns: how many channels were added
 */
unsigned multifd_recv_nr_channels(const MultiFDRecv *recv);

/**
 * multifd_recv_start:
 * @recv: the receiving half with all its channels
 * @packet_pages: pages of a packet as the main stream announces them; 0 when it
 *                announces nothing, which means MULTIFD_PACKET_PAGES
 * @errp: where to put the reason, or NULL
 *
 * Starts the threads.  Called once the block list is known: not before, for a
 * channel's data may arrive earlier than the list.
 * Context: the load thread, once.
 * Returns: false when a channel is missing, its greeting said another packet
 *          size, or its thread could not be started or get what it decompresses
 *          with
 */
bool multifd_recv_start(MultiFDRecv *recv, unsigned packet_pages, Error **errp);

/**
 * multifd_recv_sync:
 * @recv: the receiving half
 * @errp: where to put the reason, or NULL
 *
 * A sync point: waits until every channel has met a SYNC, then lets all go on.
 * Context: the load thread.
 * Returns: false when a channel failed (the reason is the channel's), ended
 *          before its SYNC, or multifd_recv_shutdown() was called
 */
bool multifd_recv_sync(MultiFDRecv *recv, Error **errp);

/**
 * multifd_recv_check:
 * @recv: the receiving half
 * @errp: where to put the reason, or NULL
 *
 * Context: the load thread.
 * Returns: false with the first failed channel's reason, if one has failed
 */
bool multifd_recv_check(MultiFDRecv *recv, Error **errp);

/**
 * multifd_recv_finish:
 * @recv: the receiving half, after the end of the main stream
 * @errp: where to put the reason, or NULL
 *
 * Shuts the channels, joins their threads and makes sure that all that came
 * was covered by a sync point: what came later may be cut short.
 * Context: the load thread.
 * Returns: false when a channel failed, or brought pages after its last SYNC
 */
bool multifd_recv_finish(MultiFDRecv *recv, Error **errp);

/**
 * multifd_recv_shutdown:
 * @recv: the receiving half, or NULL
 *
 * Ends all waits and all I/O of all channels.
 * Context: any thread.
 */
void multifd_recv_shutdown(MultiFDRecv *recv);

/**
 * multifd_recv_free:
 * @recv: the receiving half, or NULL
 *
 * Shuts down, joins the threads and frees.
 * Context: the load thread, or any when it was never started.
 */
void multifd_recv_free(MultiFDRecv *recv);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MultiFDSend, multifd_send_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MultiFDRecv, multifd_recv_free)

#endif
