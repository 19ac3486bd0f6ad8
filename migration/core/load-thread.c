/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `live_incoming`: loads the main stream, brings the multifd channels and the
 * arrivals together, and decides whether the guest has arrived.
 *
 * Entered by that thread, and by multifdrecv_N when a channel fails.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/base/pause-point.h"
#include "migration/core/incoming.h"
#include "migration/core/load.h"
#include "migration/multifd/file.h"
#include "migration/transport/transport.h"
#include "migration/multifd/compress.h"
#include "migration/trace.h"

/*
 * A source that sends no description and keeps the connection open would be
 * waited for without end.  The guest is complete by then; a second is plenty.
 */
#define VMDESC_TIMEOUT_MS 1000

static bool load_thread_start(void *opaque, Error **errp)
{
    MigrationIn *in = opaque;

    return multifd_recv_start(in->multifd,
                              migration_load_packet_pages(in->load), errp);
}

static bool load_thread_sync(void *opaque, Error **errp)
{
    MigrationIn *in = opaque;

    return multifd_recv_sync(in->multifd, errp);
}

static const RamLoadOps ops_multifd = {
    .start = load_thread_start,
    .sync = load_thread_sync,
};

static const RamLoadOps ops_plain;

/*
 * The file once more for each channel, so that each reads ahead on its own;
 * returns how many were opened.
 */
static unsigned load_thread_open_files(MigrationIn *in, FileIO **ios,
                                       Error **errp)
{
    ERRP_GUARD();
    bool direct = migration_config_direct_io(&in->config);

    for (unsigned i = 0; i < in->config.multifd_channels; i++) {
        int fd = transport_open_file(in->addr,
                                     O_RDONLY | (direct ? O_DIRECT : 0),
                                     in->host->fds, errp);

        if (fd < 0 && direct) {
            error_prepend(errp, "direct-io, which needs O_DIRECT, is on, and "
                          "the file cannot be had with it: ");
        }
        ios[i] = fd < 0 ? NULL
                        : file_io_new(fd, NULL, direct ? FILE_IO_DIRECT : 0,
                                      errp);
        if (!ios[i]) {
            return i;
        }
    }
    return in->config.multifd_channels;
}

static bool load_thread_mapped_multifd(MigrationIn *in, MappedIn *mapped,
                                       Error **errp)
{
    unsigned nr_channels = in->config.multifd_channels;
    g_autofree FileIO **ios = g_new0(FileIO *, nr_channels);

    if (load_thread_open_files(in, ios, errp) == nr_channels) {
        return multifd_recv_file(mapped, ios, nr_channels, errp);
    }
    for (unsigned i = 0; i < nr_channels; i++) {
        file_io_free(ios[i]);
    }
    return false;
}

/* While this runs, incoming_cancel() can end it. */
static bool load_thread_mapped(void *opaque, MappedIn *mapped, Error **errp)
{
    MigrationIn *in = opaque;
    bool ok;

    WITH_QEMU_LOCK_GUARD(&in->lock) {
        in->mapped = mapped;
        if (in->cancelled) {
            mapped_in_stop(mapped);
        }
    }
    ok = in->config.multifd
         ? load_thread_mapped_multifd(in, mapped, errp)
         : ram_load_mapped(mapped, errp);
    WITH_QEMU_LOCK_GUARD(&in->lock) {
        in->mapped = NULL;
    }
    return ok;
}

static const RamLoadOps ops_mapped = {
    .load_mapped = load_thread_mapped,
};

/* A channel has failed: do not wait for what the main channel may bring. */
static void load_thread_channel_failed(void *opaque)
{
    MigrationIn *in = opaque;

    QEMU_LOCK_GUARD(&in->lock);
    qio_channel_shutdown(in->main_ioc, QIO_CHANNEL_SHUTDOWN_READ);
}

/* "completed" must mean that the guest's memory is here. */
static bool load_thread_check_missing(MigrationIn *in, Error **errp)
{
    uint64_t total = ram_list_total_bytes(in->host->ram) >> TARGET_PAGE_BITS;
    RAMBlock *block = NULL;
    uint64_t first_page = 0;
    uint64_t missing = ram_received_missing(in->received, &block, &first_page);
    g_autofree char *message = NULL;

    trace_ram_load_missing(missing);
    if (missing == 0) {
        return true;
    }
    message = g_strdup_printf("%" PRIu64 " of %" PRIu64 " pages never arrived, "
                              "the first at offset 0x%" PRIx64 " of RAM block "
                              "'%s'", missing, total,
                              first_page << TARGET_PAGE_BITS, block->idstr);
    in->host->machine->warn(in->host->machine_opaque, message);
    if (in->config.missing_pages_fatal) {
        error_setg(errp, "%s", message);
        return false;
    }
    return true;
}

/*
 * The point of no return: from here on the guest lives here, and the source must
 * hear of it.  Who cancels later comes too late.
 */
static bool load_thread_commit(MigrationIn *in, Error **errp)
{
    pause_point(in->config.pause_points, PAUSE_POINT_BEFORE_START);
    WITH_QEMU_LOCK_GUARD(&in->lock) {
        if (in->cancelled) {
            error_setg(errp, "The incoming migration was cancelled");
            return false;
        }
        in->committed = true;
    }
    return true;
}

static void load_thread_warn_compression(MigrationIn *in)
{
    g_autofree char *notice = multifd_compression_notice(&in->config);

    if (notice) {
        in->host->machine->warn(in->host->machine_opaque, notice);
    }
}

static bool load_thread_run(MigrationIn *in, MigrationLoad *load, Error **errp)
{
    load_thread_warn_compression(in);
    if (!ram_received_scan(in->received, errp) ||
        !migration_load_stream(load, errp)) {
        return false;
    }
    if (in->multifd && !multifd_recv_finish(in->multifd, errp)) {
        return false;
    }
    return migration_load_skip_vmdesc(load, VMDESC_TIMEOUT_MS, errp) &&
           load_thread_check_missing(in, errp) &&
           load_thread_commit(in, errp) && migration_load_apply(load, errp);
}

/*
 * The main channel often ends only because a multifd channel has failed, or
 * because somebody cancelled; the sentence is to name that.
 */
static Error *load_thread_true_reason(MigrationIn *in, MigrationLoad *load,
                                      Error *err)
{
    Error *reason = NULL;
    bool cancelled;

    WITH_QEMU_LOCK_GUARD(&in->lock) {
        cancelled = in->cancelled;
    }
    if (cancelled) {
        error_setg(&reason, "The incoming migration was cancelled at byte "
                   "%" PRIu64 " of the main channel",
                   migration_load_bytes(load));
    } else if (!in->multifd || multifd_recv_check(in->multifd, &reason)) {
        return err;
    }
    error_free(err);
    return reason;
}

static const RamLoadOps *load_thread_ops(const MigrationIn *in)
{
    if (in->config.mapped_ram) {
        return &ops_mapped;
    }
    return in->multifd ? &ops_multifd : &ops_plain;
}

void *incoming_load_thread(void *opaque)
{
    MigrationIn *in = opaque;
    Error *err = NULL;
    MigrationLoad *load =
        migration_load_new(in->host, &in->config, in->received,
                           load_thread_ops(in), in,
                           in->main_ioc, in->head->data, in->head->len);
    bool ok;

    in->load = load;
    if (in->multifd) {
        multifd_recv_set_error_func(in->multifd, load_thread_channel_failed,
                                    in);
    }
    ok = load_thread_run(in, load, &err);
    if (!ok) {
        err = load_thread_true_reason(in, load, err);
    }
    if (ok) {
        migration_state_complete(&in->state);
    }
    migration_load_reply(load, ok);
    multifd_recv_shutdown(in->multifd);
    qio_channel_shutdown(in->main_ioc, QIO_CHANNEL_SHUTDOWN_BOTH);
    migration_load_free(g_steal_pointer(&in->load));
    if (!ok) {
        incoming_name_source(in, &err);
        migration_state_fail(&in->state, error_get_pretty(err));
        error_free(err);
    }
    return NULL;
}
