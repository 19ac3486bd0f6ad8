/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sending half as a whole: its channels, its first error, its end.
 *
 * Entered by the migration thread; multifd_send_fail() by the channels' threads
 * and multifd_send_shutdown() by any.  Packets are send-channel.c's matter,
 * pages on their way into packets sink.c's.
 */
#include "qemu/osdep.h"
#include "io/channel-layered.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "migration/multifd/accel.h"
#include "migration/multifd/send-internal.h"
#include "migration/multifd/zero-page-cpu.h"
#include "migration/trace.h"

static ZeroPageDetector *multifd_send_detector_cpu(void *opaque)
{
    return zero_page_detector_new_cpu();
}

static ZeroPageDetector *multifd_send_detector_accel(void *opaque)
{
    return multifd_accel_detector(opaque);
}

/* Who finds zero pages, and what becomes of them. */
static void multifd_send_set_detection(MultiFDSend *send, MultiFDAccel *accel)
{
    const MigrationConfig *config = send->config;

    send->normal_page_ratio = config->multifd_normal_page_ratio;
    switch (config->zero_page_detection) {
    case ZERO_PAGE_DETECTION_NONE:
        send->normal_page_ratio = 100;
        break;
    case ZERO_PAGE_DETECTION_DSA_ACCEL:
    case ZERO_PAGE_DETECTION_MULTIFD:
        send->detector_func = accel ? multifd_send_detector_accel
                                    : multifd_send_detector_cpu;
        send->detector_opaque = accel;
        break;
    case ZERO_PAGE_DETECTION_LEGACY:
        /*
         * No zero page comes to a channel, and the ratio does not apply to
         * records of the main channel: it has nothing to work on.
         */
    default:
        break;
    }
}

MultiFDSend *multifd_send_new(const MigrationConfig *config,
                              PageSink *main_sink, MigrationCounters *stats,
                              RateLimit *rate, MultiFDAccel *accel)
{
    MultiFDSend *send = g_new0(MultiFDSend, 1);
    unsigned depth = accel ? ZERO_PAGE_DEPTH_MAX : 1;

    send->config = config;
    send->main_sink = main_sink;
    send->stats = stats;
    send->rate = rate;
    send->packet_pages = config->multifd_packet_pages;
    send->queue = multifd_queue_new(config->multifd_channels,
                                    send->packet_pages, depth);
    send->channels = g_new0(MultiFDSendChannel *, config->multifd_channels);
    qemu_mutex_init(&send->lock);
    multifd_send_set_detection(send, accel);
    multifd_sink_init(send);
    return send;
}

void multifd_send_set_detector_func(MultiFDSend *send, MultiFDDetectorFunc func,
                                    void *opaque)
{
    multifd_queue_free(send->queue);
    send->queue = multifd_queue_new(send->config->multifd_channels,
                                    send->packet_pages, ZERO_PAGE_DEPTH_MAX);
    send->detector_func = func;
    send->detector_opaque = opaque;
}

void multifd_send_set_error_func(MultiFDSend *send, MultiFDErrorFunc func,
                                 void *opaque)
{
    send->error_func = func;
    send->error_opaque = opaque;
}

PageSink *multifd_send_sink(MultiFDSend *send)
{
    return &send->sink;
}

bool multifd_send_check(MultiFDSend *send, Error **errp)
{
    QEMU_LOCK_GUARD(&send->lock);

    if (send->error) {
        error_propagate(errp, error_copy(send->error));
        return false;
    }
    return true;
}

bool multifd_send_reason(MultiFDSend *send, Error **errp)
{
    if (multifd_send_check(send, errp)) {
        error_setg(errp, "The multifd channels were shut down");
    }
    return false;
}

/*
 * Ends all waits and all I/O.  @stopped has been set before, so that no channel
 * is added behind our back.
 */
static void multifd_send_close_channels(MultiFDSend *send)
{
    unsigned nr_channels;

    WITH_QEMU_LOCK_GUARD(&send->lock) {
        nr_channels = send->nr_channels;
    }
    multifd_queue_close(send->queue);
    for (unsigned i = 0; i < nr_channels; i++) {
        qio_channel_shutdown(send->channels[i]->ioc,
                             QIO_CHANNEL_SHUTDOWN_BOTH);
    }
}

void multifd_send_fail(MultiFDSend *send, Error *err)
{
    bool first = false;

    trace_multifd_send_error(error_get_pretty(err));
    WITH_QEMU_LOCK_GUARD(&send->lock) {
        /* What fails after a shutdown fails because of it. */
        if (!send->stopped) {
            send->stopped = true;
            send->error = g_steal_pointer(&err);
            first = true;
        }
    }
    error_free(err);
    if (first) {
        multifd_send_close_channels(send);
        if (send->error_func) {
            send->error_func(send->error_opaque);
        }
    }
}

bool multifd_send_settle(MultiFDSend *send, int timeout_ms)
{
    int64_t deadline_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + timeout_ms;

    for (unsigned i = 0; send && i < send->nr_threads; i++) {
        int64_t left_ms = deadline_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

        if (send->channels[i]->ioc &&
            !qio_channel_wait_stable(send->channels[i]->ioc,
                                     (int)MAX(left_ms, (int64_t)0))) {
            return false;
        }
    }
    return true;
}

void multifd_send_say_end(MultiFDSend *send, int timeout_ms)
{
    int64_t deadline_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + timeout_ms;

    for (unsigned i = 0; send && i < send->nr_threads; i++) {
        int64_t left_ms = deadline_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);

        if (send->channels[i]->ioc) {
            qio_channel_say_end(send->channels[i]->ioc,
                                (int)MAX(left_ms, (int64_t)0));
        }
    }
}

void multifd_send_shutdown(MultiFDSend *send)
{
    if (!send) {
        return;
    }
    WITH_QEMU_LOCK_GUARD(&send->lock) {
        send->stopped = true;
    }
    multifd_send_close_channels(send);
}

/* From here on multifd_send_shutdown() reaches the channel. */
static bool multifd_send_publish(MultiFDSend *send, MultiFDSendChannel *c)
{
    QEMU_LOCK_GUARD(&send->lock);

    if (send->stopped) {
        return false;
    }
    send->channels[send->nr_channels++] = c;
    return true;
}

bool multifd_send_start_channel(MultiFDSend *send, MultiFDSendChannel *c,
                                Error **errp)
{
    g_autofree char *name = g_strdup_printf("multifdsend_%u", c->id);

    if (!multifd_send_publish(send, c)) {
        multifd_send_channel_free(c);
        return multifd_send_reason(send, errp);
    }
    if ((c->ioc && !multifd_send_channel_greet(c, errp)) ||
        !qemu_thread_try_create(&c->thread, name, multifd_send_channel_thread,
                                c, QEMU_THREAD_JOINABLE, errp)) {
        return false;
    }
    send->nr_threads++;
    return true;
}

bool multifd_send_add_channel(MultiFDSend *send, QIOChannel *ioc, Error **errp)
{
    MultiFDSendChannel *c = multifd_send_channel_new(send, send->nr_threads,
                                                     ioc);

    if (!multifd_send_set_zero_copy(c, errp) ||
        !multifd_compressor_new(send->config, &c->compressor, errp)) {
        multifd_send_channel_free(c);
        return false;
    }
    return multifd_send_start_channel(send, c, errp);
}

void multifd_send_free(MultiFDSend *send)
{
    if (!send) {
        return;
    }
    multifd_send_shutdown(send);
    for (unsigned i = 0; i < send->nr_threads; i++) {
        qemu_thread_join(&send->channels[i]->thread);
    }
    for (unsigned i = 0; i < send->nr_channels; i++) {
        multifd_send_channel_free(send->channels[i]);
    }
    zero_page_batch_free(send->batch);
    zero_page_detector_free(send->legacy);
    multifd_queue_free(send->queue);
    qemu_mutex_destroy(&send->lock);
    error_free(send->error);
    g_free(send->channels);
    g_free(send);
}
