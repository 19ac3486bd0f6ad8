/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The incoming migration: listen, gather the channels, start the load thread,
 * end.
 *
 * Entered by the main thread only.  What a new connection is, accept.c finds
 * out; what comes over the channels is load.c's.
 */
#include "qemu/osdep.h"
#include "qapi/clone-visitor.h"
#include "qapi/error.h"
#include "qapi/qapi-visit-migration.h"
#include "migration/core/incoming.h"
#include "migration/core/migration-internal.h"
#include "migration/transport/tls.h"
#include "migration/transport/transport.h"
#include "migration/trace.h"

/* Strangers may knock while the channels connect; they take a place each. */
#define BACKLOG_SPARE 16

static void incoming_stop_listening(MigrationIn *in)
{
    transport_listener_free(g_steal_pointer(&in->listener));
    incoming_drop_connections(in);
}

static void incoming_join(MigrationIn *in)
{
    if (in->started && !in->joined) {
        qemu_thread_join(&in->thread);
        in->joined = true;
    }
}

/* Tells the machine of a failure, once, when nothing of the load runs. */
static void incoming_tell_failure(MigrationIn *in)
{
    g_autofree char *message = NULL;

    if (in->told ||
        migration_state_get(&in->state) != MIGRATION_STATUS_FAILED) {
        return;
    }
    in->told = true;
    message = migration_state_error(&in->state);
    in->host->machine->incoming_failed(in->host->machine_opaque, message,
                                       in->exit_on_error);
}

/* A program that gave the stream would be a zombie until the next migration. */
static void incoming_close_main(MigrationIn *in)
{
    QIOChannel *ioc;

    WITH_QEMU_LOCK_GUARD(&in->lock) {
        ioc = g_steal_pointer(&in->main_ioc);
    }
    qio_channel_unref(ioc);
}

void incoming_finish(MigrationIn *in)
{
    incoming_join(in);
    incoming_close_main(in);
    incoming_tell_failure(in);
}

/* Runs in the main loop after the load thread has done its work. */
static void incoming_ended(void *opaque)
{
    incoming_finish(opaque);
}

static void *incoming_thread(void *opaque)
{
    MigrationIn *in = opaque;

    incoming_load_thread(in);
    main_loop_schedule(in->host->loop, incoming_ended, in);
    return NULL;
}

void incoming_name_source(const MigrationIn *in, Error **err)
{
    if (!transport_address_has_many_channels(in->addr)) {
        g_autofree char *uri = transport_address_to_uri(in->addr);

        error_prepend(err, "%s: ", uri);
    }
}

void incoming_fail(MigrationIn *in, Error *err)
{
    incoming_name_source(in, &err);
    incoming_stop_listening(in);
    incoming_main_stop_waiting(in, NULL);
    migration_state_fail(&in->state, error_get_pretty(err));
    error_free(err);
    qio_channel_shutdown(in->main_ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    multifd_recv_shutdown(in->multifd);
    /* Not from inside the accepting function: the machine may free us. */
    main_loop_schedule(in->host->loop, incoming_ended, in);
}

void incoming_arrived(MigrationIn *in)
{
    Error *err = NULL;

    if (!in->main_ioc) {
        return;
    }
    if (in->multifd &&
        multifd_recv_nr_channels(in->multifd) < in->config.multifd_channels) {
        return;
    }
    incoming_stop_listening(in);
    if (!incoming_main_stop_waiting(in, &err)) {
        incoming_fail(in, err);
        return;
    }
    migration_state_move(&in->state, MIGRATION_STATUS_SETUP,
                         MIGRATION_STATUS_ACTIVE);
    in->started = true;
    qemu_thread_create(&in->thread, "live_incoming", incoming_thread, in,
                       QEMU_THREAD_JOINABLE);
}

static void incoming_connection(QIOChannel *ioc, void *opaque)
{
    incoming_accept(opaque, ioc);
}

MigrationIn *incoming_new(Migration *m, const MigrationAddress *addr,
                          bool exit_on_error, Error **errp)
{
    MigrationIn *in = g_new0(MigrationIn, 1);
    int backlog;

    in->host = &m->host;
    in->addr = QAPI_CLONE(MigrationAddress, addr);
    in->exit_on_error = exit_on_error;
    migration_config_freeze(m, &in->config);
    migration_state_init(&in->state, "destination", m->host.events, &m->live);
    qemu_mutex_init(&in->lock);
    in->head = g_byte_array_new();
    in->received = ram_received_new(m->host.ram);
    if (in->config.multifd && !in->config.mapped_ram) {
        in->multifd = multifd_recv_new(&in->config, in->received);
    }
    backlog = 1 + BACKLOG_SPARE +
              (in->multifd ? (int)in->config.multifd_channels : 0);
    if (!migration_tls_incoming(m, addr, &in->tls, errp)) {
        incoming_free(in);
        return NULL;
    }
    in->listener = transport_listen(addr, m->host.fds, backlog,
                                    main_loop_context(m->host.loop),
                                    incoming_connection, in, errp);
    if (!in->listener) {
        incoming_free(in);
        return NULL;
    }
    in->has_one_channel = transport_listener_has_one(in->listener);
    in->addresses = transport_listener_addresses(in->listener);
    migration_state_move(&in->state, MIGRATION_STATUS_NONE,
                         MIGRATION_STATUS_SETUP);
    return in;
}

void incoming_cancel(MigrationIn *in)
{
    bool connected;

    if (!in->started) {
        connected = in->has_one_channel || in->main_ioc ||
            (in->multifd && multifd_recv_nr_channels(in->multifd) > 0);
        if (connected &&
            migration_state_get(&in->state) == MIGRATION_STATUS_SETUP) {
            Error *err = NULL;

            error_setg(&err, "The incoming migration was cancelled before "
                       "all its channels had connected");
            incoming_fail(in, err);
        }
        return;
    }
    WITH_QEMU_LOCK_GUARD(&in->lock) {
        if (in->committed) {
            return;
        }
        in->cancelled = true;
        mapped_in_stop(in->mapped);
        qio_channel_shutdown(in->main_ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    }
    multifd_recv_shutdown(in->multifd);
}

void incoming_free(MigrationIn *in)
{
    if (!in) {
        return;
    }
    incoming_stop_listening(in);
    incoming_main_stop_waiting(in, NULL);
    if (in->started) {
        incoming_cancel(in);
        incoming_join(in);
    }
    main_loop_cancel(in->host->loop, incoming_ended, in);
    multifd_recv_free(in->multifd);
    ram_received_free(in->received);
    g_byte_array_unref(in->head);
    qio_channel_unref(in->main_ioc);
    transport_tls_free(in->tls);
    qapi_free_SocketAddressList(in->addresses);
    qapi_free_MigrationAddress(in->addr);
    migration_state_destroy(&in->state);
    qemu_mutex_destroy(&in->lock);
    migration_config_clear(&in->config);
    g_free(in);
}
