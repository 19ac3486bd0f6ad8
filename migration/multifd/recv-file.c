/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that read a file of mapped RAM side by side.
 *
 * Started and joined by the load thread, which waits for them.  Pages and how
 * they are shared out are ram/mapped-load.c's.
 */
#include "qemu/osdep.h"
#include "migration/multifd/file.h"
#include "qapi/error.h"
#include "qemu/thread.h"
#include "migration/trace.h"

typedef struct RecvFileChannel {
    /* set once */
    MappedIn *mi;
    FileIO *io;
    QemuThread thread;
    /* the thread's, until it has ended */
    MappedInResult result;
    Error *error;
} RecvFileChannel;

static void *recv_file_thread(void *opaque)
{
    RecvFileChannel *c = opaque;

    c->result = mapped_in_load(c->mi, c->io, &c->error);
    if (c->error) {
        trace_multifd_recv_error(error_get_pretty(c->error));
    }
    return NULL;
}

/* Returns how many were started. */
static unsigned recv_file_start(RecvFileChannel *channels,
                                unsigned nr_channels, Error **errp)
{
    for (unsigned i = 0; i < nr_channels; i++) {
        g_autofree char *name = g_strdup_printf("multifdrecv_%u", i);

        if (!qemu_thread_try_create(&channels[i].thread, name,
                                    recv_file_thread, &channels[i],
                                    QEMU_THREAD_JOINABLE, errp)) {
            return i;
        }
    }
    return nr_channels;
}

/* Who was stopped was so because of another; the first error is told. */
static bool recv_file_check(RecvFileChannel *channels, unsigned nr_channels,
                            Error **errp)
{
    bool stopped = false;

    for (unsigned i = 0; i < nr_channels; i++) {
        stopped |= channels[i].result == MAPPED_IN_STOPPED;
        if (channels[i].result == MAPPED_IN_FAILED) {
            error_propagate(errp, g_steal_pointer(&channels[i].error));
            return false;
        }
    }
    if (stopped) {
        error_setg(errp, "Reading the guest's memory was stopped");
    }
    return !stopped;
}

bool multifd_recv_file(MappedIn *mi, FileIO **ios, unsigned nr_channels,
                       Error **errp)
{
    g_autofree RecvFileChannel *channels = g_new0(RecvFileChannel,
                                                  nr_channels);
    unsigned nr_threads;
    bool ok;

    for (unsigned i = 0; i < nr_channels; i++) {
        channels[i].mi = mi;
        channels[i].io = ios[i];
    }
    nr_threads = recv_file_start(channels, nr_channels, errp);
    if (nr_threads < nr_channels) {
        mapped_in_stop(mi);
    }
    for (unsigned i = 0; i < nr_threads; i++) {
        qemu_thread_join(&channels[i].thread);
    }
    ok = nr_threads == nr_channels &&
         recv_file_check(channels, nr_channels, errp);
    for (unsigned i = 0; i < nr_channels; i++) {
        file_io_free(channels[i].io);
        error_free(channels[i].error);
    }
    return ok;
}
