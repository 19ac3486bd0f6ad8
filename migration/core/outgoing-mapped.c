/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An outgoing migration whose pages have places in a file: what writes to it.
 *
 * Entered by `live_migration`.  Layout and bitmaps are ram/mapped-out.c's, what
 * an address means is transport/'s.
 *
 * When it ends, completed or not, the file is left as it is, with what was
 * written in the host's page cache: as in QEMU, nobody waits for the disk, and
 * who wants that to survive a crash of the host has to sync the file.  One that is
 * not complete is told by its end: it has none.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "migration/core/outgoing.h"
#include "migration/multifd/file.h"
#include "migration/transport/transport.h"

/* One more descriptor of the file, for the pages of one channel. */
static FileIO *outgoing_open_file(MigrationOut *o, Error **errp)
{
    ERRP_GUARD();
    bool direct = migration_config_direct_io(&o->config);
    int fd = transport_open_file(o->addr, O_WRONLY | (direct ? O_DIRECT : 0),
                                 o->host->fds, errp);
    FileIO *io;

    if (fd < 0) {
        if (direct) {
            error_prepend(errp, "direct-io, which needs O_DIRECT, is on, and "
                          "the file cannot be had with it: ");
        }
        return NULL;
    }
    io = file_io_new(fd, NULL, direct ? FILE_IO_DIRECT : 0, errp);
    if (io) {
        file_io_set_need(io, mapped_out_need_bytes(o->mapped));
    }
    return io;
}

static bool outgoing_open_channels(MigrationOut *o, Error **errp)
{
    PageSink *main_sink = mapped_sink_page_sink(o->mapped_sink);
    MultiFDSend *send = multifd_send_new(&o->config, main_sink, &o->counters,
                                         &o->rate, o->accel);

    multifd_send_set_error_func(send, outgoing_peer_failed, o);
    WITH_QEMU_LOCK_GUARD(&o->lock) {
        o->multifd = send;
    }
    for (unsigned i = 0; i < o->config.multifd_channels; i++) {
        FileIO *io = outgoing_open_file(o, errp);

        if (!io || !multifd_send_add_file(send, o->mapped, io, errp)) {
            return false;
        }
    }
    return true;
}

bool outgoing_connect_mapped(MigrationOut *o, Error **errp)
{
    MappedOut *mapped = mapped_out_new(o->host->ram, o->main_ioc, errp);

    if (!mapped) {
        return false;
    }
    WITH_QEMU_LOCK_GUARD(&o->lock) {
        o->mapped = mapped;
    }
    o->mapped_sink = mapped_sink_new(&o->config, mapped, &o->counters,
                                     &o->rate);
    return !o->config.multifd || outgoing_open_channels(o, errp);
}
