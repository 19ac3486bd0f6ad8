/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multifd with a file at the other end (mapped RAM): channels that write pages to
 * their places, or read them from there.  Threads, jobs and detectors are those
 * of other channels; packets there are none, nor anything to agree on.
 *
 * Threads: see each function.  This header owns no locks.
 */
#ifndef MIGRATION_MULTIFD_FILE_H
#define MIGRATION_MULTIFD_FILE_H

#include <stdbool.h>
#include "io/file-io.h"
#include "migration/multifd/multifd.h"
#include "migration/ram/mapped-in.h"
#include "migration/ram/mapped-out.h"

/**
 * multifd_send_add_file:
 * @send: the sending half
 * @mapped: where pages belong; outlives @send
 * @io: the file, for this channel alone; taken over
 * @errp: where to put the reason, or NULL
 *
 * As multifd_send_add_channel(), for files.
 * Context: the migration thread, config->multifd_channels times.
 * Returns: false when the channel's thread could not be started
 */
bool multifd_send_add_file(MultiFDSend *send, MappedOut *mapped, FileIO *io,
                           Error **errp);

/**
 * multifd_recv_file:
 * @mi: RAM of which all blocks are known
 * @ios: the file, once for each thread; each is taken over
 * @nr_channels: how many, 1 or more
 * @errp: where to put the reason, or NULL
 *
 * Reads all pages by as many threads, multifdrecv_N, and waits for them.
 * mapped_in_stop() ends it.
 * Context: the load thread.
 * Returns: false when one of them has failed, or it was stopped
 */
bool multifd_recv_file(MappedIn *mi, FileIO **ios, unsigned nr_channels,
                       Error **errp);

#endif
