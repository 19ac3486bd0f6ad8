/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The receiving half as a whole: its channels, sync points, first error and
 * end.
 *
 * Entered by the thread that accepts, the load thread and the channels'
 * threads; multifd_recv_shutdown() by any.  Packets are recv-channel.c's
 * matter.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/multifd/recv-internal.h"
#include "migration/trace.h"

MultiFDRecv *multifd_recv_new(const MigrationConfig *config,
                              RamReceived *received)
{
    MultiFDRecv *recv = g_new0(MultiFDRecv, 1);

    recv->config = config;
    recv->received = received;
    recv->channels = g_new0(MultiFDRecvChannel *, config->multifd_channels);
    qemu_mutex_init(&recv->file_lock);
    qemu_mutex_init(&recv->lock);
    qemu_cond_init(&recv->arrived);
    qemu_cond_init(&recv->released);
    return recv;
}

void multifd_recv_set_error_func(MultiFDRecv *recv, MultiFDErrorFunc func,
                                 void *opaque)
{
    recv->error_func = func;
    recv->error_opaque = opaque;
}

unsigned multifd_recv_nr_channels(const MultiFDRecv *recv)
{
    return recv->nr_channels;
}

bool multifd_recv_check(MultiFDRecv *recv, Error **errp)
{
    QEMU_LOCK_GUARD(&recv->lock);

    if (recv->error) {
        error_propagate(errp, error_copy(recv->error));
        return false;
    }
    return true;
}

/* Why the receiving half has ended.  Returns false. */
static bool multifd_recv_reason(MultiFDRecv *recv, Error **errp)
{
    if (multifd_recv_check(recv, errp)) {
        error_setg(errp, "The multifd channels were shut down");
    }
    return false;
}

/* Ends all I/O; @stopped is set: no channel can be added any more. */
static void multifd_recv_close_channels(MultiFDRecv *recv)
{
    for (unsigned i = 0; i < recv->config->multifd_channels; i++) {
        MultiFDRecvChannel *c = recv->channels[i];

        if (c) {
            qio_channel_shutdown(c->ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
        }
    }
}

/* Ends all waits and notes why, if it was not asked for and is the first. */
static bool multifd_recv_stop_locked(MultiFDRecv *recv, Error **err)
{
    bool first = !recv->stopped;

    if (first && err) {
        recv->error = g_steal_pointer(err);
    }
    recv->stopped = true;
    qemu_cond_broadcast(&recv->arrived);
    qemu_cond_broadcast(&recv->released);
    return first;
}

void multifd_recv_fail(MultiFDRecv *recv, Error *err)
{
    bool first;

    trace_multifd_recv_error(error_get_pretty(err));
    WITH_QEMU_LOCK_GUARD(&recv->lock) {
        first = multifd_recv_stop_locked(recv, &err);
    }
    error_free(err);
    if (first) {
        multifd_recv_close_channels(recv);
        if (recv->error_func) {
            recv->error_func(recv->error_opaque);
        }
    }
}

void multifd_recv_shutdown(MultiFDRecv *recv)
{
    if (!recv) {
        return;
    }
    WITH_QEMU_LOCK_GUARD(&recv->lock) {
        multifd_recv_stop_locked(recv, NULL);
    }
    multifd_recv_close_channels(recv);
}

/* From here on multifd_recv_shutdown() reaches the channel. */
static bool multifd_recv_publish(MultiFDRecv *recv,
                                 const MultiFDGreeting *greeting,
                                 QIOChannel *ioc)
{
    QEMU_LOCK_GUARD(&recv->lock);

    if (recv->stopped) {
        return false;
    }
    recv->channels[greeting->id] = multifd_recv_channel_new(recv, greeting,
                                                            ioc);
    recv->nr_channels++;
    return true;
}

bool multifd_recv_add_channel(MultiFDRecv *recv, const uint8_t *greeting,
                              QIOChannel *ioc, Error **errp)
{
    ERRP_GUARD();
    MultiFDGreeting said;

    if (!multifd_greeting_decode(greeting, &recv->config->uuid,
                                 recv->config->multifd_channels, &said,
                                 errp)) {
        error_prepend(errp, "greeting of a multifd channel: ");
        return false;
    }
    if (recv->channels[said.id]) {
        error_setg(errp, "greeting of a multifd channel: channel id %u is "
                   "taken by another connection", said.id);
        return false;
    }
    if (!multifd_recv_publish(recv, &said, ioc)) {
        return multifd_recv_reason(recv, errp);
    }
    trace_multifd_recv_add_channel(said.id, recv->nr_channels,
                                   said.packet_pages);
    return true;
}

/* A source that is at odds with itself about it would be misread. */
static bool multifd_recv_check_size(const MultiFDRecvChannel *c,
                                    unsigned packet_pages, Error **errp)
{
    if (packet_pages == 0) {
        packet_pages = MULTIFD_PACKET_PAGES;
    }
    if (c->packet_pages != packet_pages) {
        error_setg(errp, "multifd channel %u: its greeting says a packet size "
                   "of %u bytes, the main channel one of %u", c->id,
                   c->packet_pages << TARGET_PAGE_BITS,
                   packet_pages << TARGET_PAGE_BITS);
        return false;
    }
    return true;
}

bool multifd_recv_start(MultiFDRecv *recv, unsigned packet_pages, Error **errp)
{
    for (unsigned i = 0; i < recv->config->multifd_channels; i++) {
        g_autofree char *name = g_strdup_printf("multifdrecv_%u", i);
        MultiFDRecvChannel *c = recv->channels[i];

        if (!c) {
            error_setg(errp, "multifd channel %u is not connected", i);
            return false;
        }
        if (!multifd_recv_check_size(c, packet_pages, errp) ||
            !multifd_decompressor_new(recv->config, c->packet_pages,
                                      &c->decompressor, errp) ||
            !qemu_thread_try_create(&c->thread, name,
                                    multifd_recv_channel_thread, c,
                                    QEMU_THREAD_JOINABLE, errp)) {
            return false;
        }
        recv->nr_threads++;
    }
    return true;
}

static void multifd_recv_join(MultiFDRecv *recv)
{
    for (unsigned i = 0; i < recv->nr_threads; i++) {
        qemu_thread_join(&recv->channels[i]->thread);
    }
    recv->nr_threads = 0;
}

bool multifd_recv_wait_release(MultiFDRecvChannel *c)
{
    MultiFDRecv *recv = c->recv;

    QEMU_LOCK_GUARD(&recv->lock);
    c->at_sync = true;
    recv->nr_at_sync++;
    qemu_cond_signal(&recv->arrived);
    while (c->at_sync && !recv->stopped) {
        qemu_cond_wait(&recv->released, &recv->lock);
    }
    return !recv->stopped;
}

void multifd_recv_ended(MultiFDRecvChannel *c)
{
    MultiFDRecv *recv = c->recv;

    QEMU_LOCK_GUARD(&recv->lock);
    if (!recv->ended) {
        recv->ended = c;
        qemu_cond_signal(&recv->arrived);
    }
}

static void multifd_recv_release_locked(MultiFDRecv *recv)
{
    for (unsigned i = 0; i < recv->nr_channels; i++) {
        recv->channels[i]->at_sync = false;
    }
    recv->nr_at_sync = 0;
    qemu_cond_broadcast(&recv->released);
}

bool multifd_recv_sync(MultiFDRecv *recv, Error **errp)
{
    bool ok;

    if (recv->nr_threads < recv->config->multifd_channels) {
        error_setg(errp, "A multifd sync point came before the list of RAM "
                   "blocks");
        return false;
    }
    WITH_QEMU_LOCK_GUARD(&recv->lock) {
        while (!recv->stopped && !recv->ended &&
               recv->nr_at_sync < recv->nr_channels) {
            qemu_cond_wait(&recv->arrived, &recv->lock);
        }
        if (recv->ended && !recv->stopped) {
            Error *err = NULL;

            error_setg(&err, "multifd channel %u: closed before SYNC",
                       recv->ended->id);
            multifd_recv_stop_locked(recv, &err);
        }
        ok = !recv->stopped;
        if (ok) {
            multifd_recv_release_locked(recv);
        }
    }
    if (!ok) {
        multifd_recv_close_channels(recv);
        return multifd_recv_reason(recv, errp);
    }
    trace_multifd_recv_sync_main(recv->nr_channels);
    return true;
}

bool multifd_recv_finish(MultiFDRecv *recv, Error **errp)
{
    bool stopped;

    WITH_QEMU_LOCK_GUARD(&recv->lock) {
        stopped = recv->stopped;
    }
    if (stopped) {
        return multifd_recv_reason(recv, errp);
    }
    multifd_recv_shutdown(recv);
    multifd_recv_join(recv);
    if (!multifd_recv_check(recv, errp)) {
        return false;
    }
    for (unsigned i = 0; i < recv->config->multifd_channels; i++) {
        const MultiFDRecvChannel *c = recv->channels[i];

        if (c && c->nr_unsynced > 0) {
            error_setg(errp, "multifd channel %u: %" PRIu64 " packets came "
                       "after its last SYNC, which cannot be known to be "
                       "complete", c->id, c->nr_unsynced);
            return false;
        }
    }
    return true;
}

void multifd_recv_free(MultiFDRecv *recv)
{
    if (!recv) {
        return;
    }
    multifd_recv_shutdown(recv);
    multifd_recv_join(recv);
    for (unsigned i = 0; i < recv->config->multifd_channels; i++) {
        multifd_recv_channel_free(recv->channels[i]);
    }
    qemu_cond_destroy(&recv->released);
    qemu_cond_destroy(&recv->arrived);
    qemu_mutex_destroy(&recv->lock);
    qemu_mutex_destroy(&recv->file_lock);
    error_free(recv->error);
    g_free(recv->channels);
    g_free(recv);
}
