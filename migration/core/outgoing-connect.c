/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The channels of an outgoing migration: made one after the other, the main one
 * first, because that is how a destination that can't look at what comes tells
 * them apart.
 *
 * Entered by `live_migration`, and by the main thread for what keeps nobody
 * waiting: a client is told at once of a file that can't be made.  What an
 * address means is transport/'s to say.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "migration/core/outgoing.h"
#include "migration/stream/section.h"
#include "migration/transport/tls.h"
#include "migration/transport/transport.h"
#include "migration/trace.h"

static QIOChannel *outgoing_connect_channel(MigrationOut *o, const char *name,
                                            Error **errp)
{
    return transport_connect(o->addr, o->host->fds, name, o->cancellable,
                             errp);
}

bool outgoing_connect_at_hand(MigrationOut *o, Error **errp)
{
    if (!transport_address_is_at_hand(o->addr)) {
        return true;
    }
    o->at_hand = outgoing_connect_channel(o, "main channel", errp);
    return o->at_hand != NULL;
}

/* Publishes the main channel to those who may have to shut it. */
static bool outgoing_set_main(MigrationOut *o, QIOChannel *ioc, Error **errp)
{
    QEMU_LOCK_GUARD(&o->lock);

    if (o->cancelled) {
        qio_channel_unref(ioc);
        error_setg(errp, "The migration was cancelled");
        return false;
    }
    o->main_ioc = ioc;
    return true;
}

static bool outgoing_connect_main(MigrationOut *o, Error **errp)
{
    g_autofree char *uri = transport_address_to_uri(o->addr);
    QIOChannel *ioc;

    trace_migration_connect(uri);
    ioc = o->at_hand ? g_steal_pointer(&o->at_hand)
                     : outgoing_connect_channel(o, "main channel", errp);
    ioc = transport_tls_connect(o->tls, ioc, o->cancellable, errp);
    if (!ioc || !outgoing_set_main(o, ioc, errp)) {
        return false;
    }
    o->connected_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME);
    o->out = stream_out_new(ioc);
    /*
     * At once: a stock QEMU holds up its main loop until it knows what this
     * connection is.
     */
    section_put_file_header(o->out);
    return stream_out_flush(o->out, errp);
}

static bool outgoing_connect_multifd(MigrationOut *o, Error **errp)
{
    MultiFDSend *send = multifd_send_new(&o->config,
                                         main_sink_page_sink(o->main_sink),
                                         &o->counters, &o->rate, o->accel);

    multifd_send_set_error_func(send, outgoing_peer_failed, o);
    WITH_QEMU_LOCK_GUARD(&o->lock) {
        o->multifd = send;
    }
    for (unsigned i = 0; i < o->config.multifd_channels; i++) {
        g_autofree char *name = g_strdup_printf("multifd channel %u", i);
        g_autoptr(QIOChannel) ioc = outgoing_connect_channel(o, name, errp);

        ioc = transport_tls_connect(o->tls, ioc, o->cancellable, errp);
        if (!ioc || !multifd_send_add_channel(send, ioc, errp)) {
            return false;
        }
    }
    return true;
}

bool outgoing_connect(MigrationOut *o, Error **errp)
{
    if (!outgoing_connect_main(o, errp)) {
        return false;
    }
    if (o->config.mapped_ram) {
        return outgoing_connect_mapped(o, errp);
    }
    o->main_sink = main_sink_new(&o->config, o->out, &o->counters, &o->rate);
    return !o->config.multifd || outgoing_connect_multifd(o, errp);
}
