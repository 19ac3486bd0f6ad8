/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outgoing migration: connect, set up, hand over to the rounds, end.
 *
 * Entered by the main thread (start, cancel, join, free) and by
 * `live_migration`, whose body this is.  Rounds are iterate.c's, the last step
 * switchover.c's, what clients are told info.c's, connecting outgoing-connect.c's,
 * work queues outgoing-accel.c's.
 *
 * However it ends, the order is: the guest first (resumed, or gone for good),
 * then threads and channels, and the status last.  Who sees `failed` finds the
 * guest running and may begin the next migration at once.
 */
#include "qemu/osdep.h"
#include "io/channel-layered.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "qemu/timer.h"
#include "migration/core/migration-internal.h"
#include "migration/core/outgoing.h"
#include "migration/stream/section.h"
#include "migration/stream/wire.h"
#include "migration/transport/tls.h"
#include "migration/transport/transport.h"
#include "migration/vmstate/configuration.h"
#include "migration/vmstate/sections.h"
#include "migration/trace.h"

/*
 * How long a destination that has been sent everything may be silent when the
 * migration is cancelled.  One that is alive says within milliseconds whether it
 * has the guest.
 */
#define LAST_WORD_MAX_MS 5000

/*
 * Without a return path, how long a destination may take to end its channels
 * before the guest may go on here: until then some of its memory may be on the
 * way by reference.  One that takes longer has read its pages long ago, or has
 * gone without a word.
 */
#define SETTLE_MAX_MS 1000

/* How long a destination that has everything may have no room for a last word. */
#define SAY_END_MAX_MS 1000

void outgoing_shutdown_channels(MigrationOut *o)
{
    QEMU_LOCK_GUARD(&o->lock);

    qio_channel_shutdown(o->main_ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    multifd_accel_give_up(o->accel);
    multifd_send_shutdown(o->multifd);
    mapped_out_stop(o->mapped);
}

void outgoing_peer_failed(void *opaque)
{
    MigrationOut *o = opaque;

    WITH_QEMU_LOCK_GUARD(&o->lock) {
        o->peer_failed = true;
        qemu_cond_broadcast(&o->pause_wake);
    }
    outgoing_shutdown_channels(o);
    rate_limit_cancel(&o->rate);
}

static uint32_t outgoing_ram_section_id(MigrationOut *o)
{
    return vmstate_registry_find(o->host->vmstate, RAM_SAVE_IDSTR, 0)
           ->header.section_id;
}

static void outgoing_open_return_path(MigrationOut *o)
{
    ReturnPath *rp = return_path_start(o->main_ioc, outgoing_peer_failed, o);

    WITH_QEMU_LOCK_GUARD(&o->lock) {
        o->return_path = rp;
    }
    section_put_command(o->out, MIG_CMD_OPEN_RETURN_PATH, NULL, 0);
    o->ping = MIG_PING_OPEN;
    section_put_ping(o->out, o->ping);
}

/* As announced: the size that a destination does not have to be told is 0. */
static unsigned outgoing_announced_packet_pages(const MigrationConfig *config)
{
    /* A file has no packets. */
    return config->multifd && !config->mapped_ram &&
           config->multifd_packet_pages != MULTIFD_PACKET_PAGES
           ? config->multifd_packet_pages : 0;
}

static PageSink *outgoing_sink(MigrationOut *o)
{
    if (o->multifd) {
        return multifd_send_sink(o->multifd);
    }
    return o->mapped_sink ? mapped_sink_page_sink(o->mapped_sink)
                          : main_sink_page_sink(o->main_sink);
}

/* Everything up to and including RAM's START. */
static bool outgoing_setup(MigrationOut *o, Error **errp)
{
    SectionHeader header = {
        .idstr = RAM_SAVE_IDSTR,
        .version_id = RAM_SAVE_VERSION,
    };

    o->vmdesc = vmdesc_new();
    if (o->config.compat.send_configuration &&
        !configuration_save(o->out, o->config.machine_name,
                            outgoing_announced_packet_pages(&o->config),
                            o->config.mapped_ram, o->vmdesc, errp)) {
        return false;
    }
    if (o->config.return_path) {
        outgoing_open_return_path(o);
    }
    o->ram = ram_save_new(&o->config, o->host->ram, o->host->dirty, o->out,
                          outgoing_sink(o), &o->counters, &o->rate);
    ram_save_set_mapped(o->ram, o->mapped);
    o->ram_section_id = outgoing_ram_section_id(o);
    header.section_id = o->ram_section_id;
    section_put_first(o->out, QEMU_VM_SECTION_START, &header);
    if (!ram_save_setup(o->ram, errp)) {
        return false;
    }
    if (o->config.compat.send_section_footer) {
        section_put_footer(o->out, o->ram_section_id);
    }
    outgoing_tell_pass(o);
    return stream_out_flush(o->out, errp);
}

/* As in QEMU, finding the destination is not part of setting up. */
static void outgoing_note_setup(MigrationOut *o)
{
    int64_t now_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME);

    qatomic_set(&o->setup_ms, (now_us - o->connected_us) / 1000);
}

void outgoing_handed_over(MigrationOut *o)
{
    QEMU_LOCK_GUARD(&o->lock);

    o->handed_over = true;
}

static bool outgoing_run(MigrationOut *o, Error **errp)
{
    outgoing_warn_compression(o);
    /* First: a queue that is refused is no reason to fail a destination. */
    if (!outgoing_open_accel(o, errp) || !outgoing_connect(o, errp) ||
        !outgoing_setup(o, errp)) {
        return false;
    }
    outgoing_note_setup(o);
    if (!migration_state_move(&o->state, MIGRATION_STATUS_SETUP,
                              MIGRATION_STATUS_ACTIVE)) {
        error_setg(errp, "The migration was cancelled");
        return false;
    }
    return outgoing_iterate(o, errp) && outgoing_switchover(o, errp);
}

/*
 * A destination that does not know packets of another size just goes, in the
 * first round: why, is in its own log.
 */
static void outgoing_hint_packet_size(MigrationOut *o, Error **err)
{
    unsigned pages = outgoing_announced_packet_pages(&o->config);
    Error *hinted = NULL;

    if (pages == 0 || migration_state_get(&o->state) ==
                      MIGRATION_STATUS_CANCELLING) {
        return;
    }
    error_setg(&hinted, "%s (multifd-packet-size is %u, which the destination "
               "may not know: see what it says, or set it back to %u)",
               error_get_pretty(*err), pages * TARGET_PAGE_SIZE,
               MULTIFD_PACKET_PAGES * TARGET_PAGE_SIZE);
    error_free(*err);
    *err = hinted;
}

/*
 * A failure is often seen by several threads at once.  What the destination
 * said counts most, then what a channel met; the migration thread's own error
 * may only be that somebody has shut the main channel because of those.
 */
static Error *outgoing_true_reason(MigrationOut *o, Error *err)
{
    Error *reason = NULL;
    bool refused = o->return_path && return_path_has_refused(o->return_path);

    /* A channel that failed has shut the return path, too. */
    if (o->multifd && !refused) {
        multifd_send_check(o->multifd, &reason);
    }
    if (o->return_path && !reason) {
        return_path_check(o->return_path, &reason);
    }
    if (reason) {
        error_free(err);
        err = reason;
    }
    if (!refused && qatomic_read(&o->counters.dirty_sync_count) <= 1) {
        outgoing_hint_packet_size(o, &err);
    }
    return err;
}

/* In a log, "Broken pipe" alone says neither what broke nor who is gone. */
static void outgoing_name_destination(MigrationOut *o, Error **err)
{
    g_autofree char *uri = transport_address_to_uri(o->addr);

    error_prepend(err, "Migration to %s failed: ", uri);
}

/*
 * With TLS: all was sent, and nobody has cut it off.  Stock QEMU wants to hear
 * that on multifd channels before it believes in their end, and not before it
 * has read the main channel.
 */
static void outgoing_say_end(MigrationOut *o)
{
    multifd_send_say_end(o->multifd, SAY_END_MAX_MS);
    qio_channel_say_end(o->main_ioc, SAY_END_MAX_MS);
}

/* Ends threads and channels; the peer is told by the end of its streams. */
static void outgoing_close(MigrationOut *o)
{
    MultiFDSend *send;
    MappedOut *mapped;
    QIOChannel *ioc;
    ReturnPath *rp;

    ram_save_free(g_steal_pointer(&o->ram));
    WITH_QEMU_LOCK_GUARD(&o->lock) {
        send = g_steal_pointer(&o->multifd);
        mapped = g_steal_pointer(&o->mapped);
        ioc = g_steal_pointer(&o->main_ioc);
        rp = g_steal_pointer(&o->return_path);
    }
    multifd_send_free(send);
    outgoing_close_accel(o);
    qio_channel_shutdown(ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    return_path_free(rp);
    main_sink_free(g_steal_pointer(&o->main_sink));
    mapped_sink_free(g_steal_pointer(&o->mapped_sink));
    mapped_out_free(mapped);
    stream_out_free(g_steal_pointer(&o->out));
    qio_channel_unref(ioc);
    vmdesc_free(g_steal_pointer(&o->vmdesc));
}

static void outgoing_note_end(MigrationOut *o)
{
    int64_t now_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME);
    int64_t total_us = now_us - o->start_us;
    int64_t sent_us;

    if (o->stopped) {
        qatomic_set(&o->downtime_ms,
                    (now_us - qatomic_read(&o->stop_us)) / 1000);
    }
    /* As in QEMU: what setting up took is no time for sending. */
    sent_us = MAX(total_us - qatomic_read(&o->setup_ms) * 1000, 1);
    qatomic_set(&o->total_ms, MAX(total_us / 1000, 1));
    qatomic_set(&o->bandwidth,
                (uint64_t)((double)counters_transferred_bytes(&o->counters) *
                           1e6 / (double)sent_us));
    qatomic_set(&o->counters.remaining_pages, 0);
    qatomic_set(&o->counters.dirty_pages_rate, 0);
}

static void *outgoing_thread(void *opaque)
{
    MigrationOut *o = opaque;
    const MachineOps *machine = o->host->machine;
    Error *err = NULL;
    bool ok = outgoing_run(o, &err);

    /* However it went: a guest that lives on here gets all of its time. */
    throttle_lift(&o->throttle);
    if (ok) {
        outgoing_note_end(o);
        if (!o->return_path) {
            multifd_send_settle(o->multifd, SETTLE_MAX_MS);
        }
        machine->migrated(o->host->machine_opaque);
        outgoing_say_end(o);
        outgoing_close(o);
        migration_state_complete(&o->state);
        return NULL;
    }
    /* Before the channels are shut: that makes others fail, too. */
    err = outgoing_true_reason(o, err);
    outgoing_name_destination(o, &err);
    outgoing_shutdown_channels(o);
    if (o->stopped) {
        machine->resume(o->host->machine_opaque);
    }
    outgoing_close(o);
    if (migration_state_get(&o->state) != MIGRATION_STATUS_CANCELLING) {
        machine->warn(o->host->machine_opaque, error_get_pretty(err));
    }
    /* In this order: somebody may cancel at any moment. */
    if (!migration_state_fail(&o->state, error_get_pretty(err))) {
        migration_state_move(&o->state, MIGRATION_STATUS_CANCELLING,
                             MIGRATION_STATUS_CANCELLED);
    }
    error_free(err);
    return NULL;
}

static void outgoing_fail_at_once(MigrationOut *o, Error *err, Error **errp)
{
    migration_state_fail(&o->state, error_get_pretty(err));
    error_propagate(errp, err);
    o->joined = true;
}

MigrationOut *outgoing_start(Migration *m, MigrationAddress *addr,
                             Error **errp)
{
    Error *err = NULL;
    MigrationOut *o = g_new0(MigrationOut, 1);

    o->host = &m->host;
    o->live = &m->live;
    migration_config_freeze(m, &o->config);
    o->addr = addr;
    o->cancellable = g_cancellable_new();
    /* Makes its eventfd here: made later, two threads would race for it. */
    g_cancellable_get_fd(o->cancellable);
    migration_state_init(&o->state, "source", m->host.events, &m->live);
    rate_limit_init(&o->rate, &m->live);
    throttle_init(&o->throttle,
                  o->config.auto_converge ? m->host.machine : NULL,
                  m->host.machine_opaque, &m->live);
    if (m->host.throttle_round_ms) {
        o->throttle.round_ms = m->host.throttle_round_ms;
    }
    qemu_mutex_init(&o->lock);
    qemu_cond_init(&o->pause_wake);
    o->start_us = qemu_clock_get_us(QEMU_CLOCK_REALTIME);
    o->guest_ran = m->host.machine->running(m->host.machine_opaque);
    migration_state_move(&o->state, MIGRATION_STATUS_NONE,
                         MIGRATION_STATUS_SETUP);
    if (!migration_tls_outgoing(m, addr, &o->tls, &err) ||
        !outgoing_connect_at_hand(o, &err)) {
        outgoing_fail_at_once(o, err, errp);
        return o;
    }
    qemu_thread_create(&o->thread, "live_migration", outgoing_thread, o,
                       QEMU_THREAD_JOINABLE);
    return o;
}

/*
 * All was sent, but perhaps for the last byte.  If that is out, the guest may
 * start over there at any moment; only the destination's word can tell.
 */
static void outgoing_cancel_late_locked(MigrationOut *o)
{
    qio_channel_shutdown(o->main_ioc, QIO_CHANNEL_SHUTDOWN_WRITE);
    if (o->return_path) {
        return_path_hurry(o->return_path, LAST_WORD_MAX_MS);
    }
}

void outgoing_cancel(MigrationOut *o)
{
    WITH_QEMU_LOCK_GUARD(&o->lock) {
        if (o->handed_over || o->cancelled ||
            !migration_state_cancelling(&o->state)) {
            return;
        }
        o->cancelled = true;
        qemu_cond_broadcast(&o->pause_wake);
        if (o->handing_over) {
            outgoing_cancel_late_locked(o);
            return;
        }
    }
    qatomic_set(&o->stop_opening, true);
    g_cancellable_cancel(o->cancellable);
    rate_limit_cancel(&o->rate);
    outgoing_shutdown_channels(o);
}

void outgoing_join(MigrationOut *o)
{
    if (!o->joined) {
        qemu_thread_join(&o->thread);
        o->joined = true;
    }
}

void outgoing_free(MigrationOut *o)
{
    if (!o) {
        return;
    }
    outgoing_cancel(o);
    if (!o->joined) {
        /* Nor is the destination's last word waited for. */
        outgoing_shutdown_channels(o);
    }
    outgoing_join(o);
    migration_state_destroy(&o->state);
    rate_limit_destroy(&o->rate);
    qemu_cond_destroy(&o->pause_wake);
    qemu_mutex_destroy(&o->lock);
    g_cancellable_release_fd(o->cancellable);
    g_object_unref(o->cancellable);
    qio_channel_unref(o->at_hand);
    transport_tls_free(o->tls);
    qapi_free_MigrationAddress(o->addr);
    multifd_accel_status_free(o->accel_status);
    migration_config_clear(&o->config);
    g_free(o);
}
